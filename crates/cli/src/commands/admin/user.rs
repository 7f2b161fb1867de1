//! `hallpass admin user`: accounts, on the database itself. Passwords come from standard input
//! alone: a command line is read by everybody on the machine.

use std::io::{self, IsTerminal as _, Read as _};

use hallpass_client::{Secret, clean};
use hallpass_server::accounts::{
    Account, AccountError, Accounts, EmailAddress, NewAccount, Purpose, Role, SecondFactors, Status,
};
use hallpass_server::settings::{AccountRegistration, EmailTransport};
use serde_json::{Value, json};

use super::target::{Target, refused};
use crate::args::{NewUserArgs, RoleWord, UserCommand};
use crate::exit_code;
use crate::failure::Failure;
use crate::moment;
use crate::output::Output;
use crate::runtime;

/// So many accounts are read at once.
const PAGE: u32 = 500;

pub(super) fn run(command: &UserCommand, target: &Target<'_>) -> Result<(), Failure> {
    // Read before anything is opened: a slow pipe must not hold the database.
    let password = match command {
        UserCommand::SetPassword { .. } => Some(read_password()?),
        UserCommand::Create(args) if args.password_stdin => Some(read_password()?),
        _ => None,
    };
    runtime::block_on_server(async {
        let opened = Accounts::open(&target.settings()?).await;
        let accounts = opened.map_err(|error| refused(&error))?;
        let done = dispatch(command, password, (&accounts, target)).await;
        accounts.close().await;
        done
    })
}

async fn dispatch(
    command: &UserCommand,
    password: Option<Secret<String>>,
    (accounts, target): (&Accounts, &Target<'_>),
) -> Result<(), Failure> {
    let (account, words) = match command {
        UserCommand::List => return list(accounts, target).await,
        UserCommand::Show { name } => return show(name, (accounts, target)).await,
        UserCommand::ResetMfa { name } => {
            let reset = accounts.reset_factors(name).await;
            let account = reset.map_err(|error| failed(&error))?;
            (
                account,
                "removed the second factors, and signed out everywhere:",
            )
        }
        UserCommand::Invite { user, print_link } => {
            return invite(user, *print_link, (accounts, target)).await;
        }
        UserCommand::Create(args) => {
            let account = create(&args.user, password, accounts).await?;
            (account, "made the account of")
        }
        UserCommand::Lock { name } => {
            let account = accounts.lock(name).await.map_err(|error| failed(&error))?;
            (account, "locked, and signed out everywhere:")
        }
        UserCommand::Unlock { name } => {
            let account = accounts
                .unlock(name)
                .await
                .map_err(|error| failed(&error))?;
            (account, "unlocked")
        }
        UserCommand::SignOut { name } => {
            let account = accounts
                .revoke_all(name)
                .await
                .map_err(|error| failed(&error))?;
            (account, "signed out everywhere:")
        }
        UserCommand::SetPassword { name } => {
            let password = password.unwrap_or_default();
            let set = accounts.set_password(name, password).await;
            let account = set.map_err(|error| failed(&error))?;
            (account, "set the password, and signed out everywhere:")
        }
    };
    if target.context.output.is_json() {
        return Output::answer_json(&answer(&account));
    }
    target
        .context
        .output
        .done(&format!("{words} {}", account.username));
    Ok(())
}

/// A password that is refused leaves no account behind without one.
async fn create(
    args: &NewUserArgs,
    password: Option<Secret<String>>,
    accounts: &Accounts,
) -> Result<Account, Failure> {
    let made = match password {
        Some(password) => {
            accounts
                .create_with_password(new_account(args), password)
                .await
        }
        None => accounts.create(new_account(args)).await,
    };
    made.map_err(|error| failed(&error))
}

async fn invite(
    args: &NewUserArgs,
    print_link: bool,
    (accounts, target): (&Accounts, &Target<'_>),
) -> Result<(), Failure> {
    let settings = target.settings()?;
    if settings.login.registration == AccountRegistration::Off {
        let what = "nobody is invited to this server: `login.registration` is `off`";
        let hint = "say `hallpass admin user create NAME --password-stdin`, or write `registration = \"invite\"`";
        return Err(Failure::config(what).hint_to(hint));
    }
    if !print_link && matches!(settings.email.transport, EmailTransport::Log) {
        let what = "no mail leaves this server: `email.transport` is `log`";
        return Err(Failure::config(what).hint_to("set up `[email]`, or say `--print-link`"));
    }
    let made = if print_link {
        accounts.create(new_account(args)).await
    } else {
        accounts.invite(new_account(args)).await
    };
    let account = made.map_err(|error| failed(&error))?;
    let link = if print_link {
        let link = accounts.new_link(&account.id, Purpose::Invitation).await;
        let link = link.map_err(|error| failed(&error))?;
        settings.account_link_url(&link.token)
    } else {
        None
    };
    if target.context.output.is_json() {
        let mut answer = answer(&account);
        if let (Some(members), Some(link)) = (answer.as_object_mut(), &link) {
            members.insert("link".to_owned(), json!(link.expose()));
        }
        return Output::answer_json(&answer);
    }
    if let Some(link) = link {
        return Output::answer(&format!("{}\n", link.expose()));
    }
    let words = format!("invited {}: the server sends the mail", account.username);
    target.context.output.done(&words);
    Ok(())
}

async fn show(name: &str, (accounts, target): (&Accounts, &Target<'_>)) -> Result<(), Failure> {
    let account = accounts.find(name).await.map_err(|error| failed(&error))?;
    let factors = accounts.second_factors(&account.id).await;
    let factors = factors.map_err(|error| failed(&error))?;
    if target.context.output.is_json() {
        let mut answer = answer(&account);
        if let Some(members) = answer.as_object_mut() {
            members.insert("second_factors".to_owned(), second_factors(&factors));
        }
        return Output::answer_json(&answer);
    }
    let time = |at| moment::rfc3339(at).unwrap_or_default();
    let totp = factors.totp.map_or_else(
        || "none".to_owned(),
        |(set_up, used)| {
            let used = used.map_or_else(
                || "not used yet".to_owned(),
                |at| format!("last used {}", time(at)),
            );
            format!("set up {}, {used}", time(set_up))
        },
    );
    let email = account.email.as_ref().map_or("none", EmailAddress::as_str);
    let seen = account
        .last_login_at
        .map_or_else(|| "never".to_owned(), time);
    let rows = [
        ("username", account.username.to_string()),
        ("id", account.id.to_string()),
        ("email", clean::text(email)),
        ("status", status(&account).to_owned()),
        ("role", role(&account).to_owned()),
        ("created", time(account.created_at)),
        ("last login", seen),
        ("authenticator app", totp),
        ("passkeys", factors.passkeys.to_string()),
        ("recovery codes left", factors.recovery_codes.to_string()),
    ];
    let mut text = String::new();
    for (label, value) in rows {
        let label = format!("{label:<19}");
        text.extend([format!(
            "{}  {value}\n",
            target.context.output.paint.bold(&label)
        )]);
    }
    Output::answer(&text)
}

fn second_factors(factors: &SecondFactors) -> Value {
    json!({
        "totp": factors.totp.map(|(set_up, used)| json!({
            "created_at": moment::rfc3339(set_up),
            "last_used_at": used.and_then(moment::rfc3339),
        })),
        "passkeys": factors.passkeys,
        "recovery_codes_left": factors.recovery_codes,
    })
}

async fn list(accounts: &Accounts, target: &Target<'_>) -> Result<(), Failure> {
    let mut all: Vec<Account> = Vec::new();
    loop {
        let after = all.last().map(|account| account.username.folded());
        let page = accounts.list(&after.unwrap_or_default(), PAGE).await;
        let page = page.map_err(|error| failed(&error))?;
        if page.is_empty() {
            break;
        }
        all.extend(page);
    }
    if target.context.output.is_json() {
        let users: Vec<_> = all.iter().map(user).collect();
        let answer = json!({"schema": "hallpass.admin.users/1", "users": users});
        return Output::answer_json(&answer);
    }
    if all.is_empty() {
        return Output::answer("no accounts\n");
    }
    let width = all
        .iter()
        .map(|account| account.username.as_str().len())
        .max();
    let width = width.unwrap_or_default();
    let mut text = String::new();
    for account in &all {
        let name = format!("{:<width$}", account.username.as_str());
        let email = account
            .email
            .as_ref()
            .map_or("no address", |email| email.as_str());
        let seen = account.last_login_at.and_then(moment::rfc3339).map_or_else(
            || "never signed in".to_owned(),
            |at| format!("last signed in {at}"),
        );
        text.extend([format!(
            "{}  {:<6}  {:<7}  {}  {seen}\n",
            target.context.output.paint.bold(&name),
            status(account),
            role(account),
            clean::text(email),
        )]);
    }
    Output::answer(&text)
}

fn answer(account: &Account) -> Value {
    let mut answer = user(account);
    if let Some(members) = answer.as_object_mut() {
        members.insert("schema".to_owned(), json!("hallpass.admin.user/1"));
    }
    answer
}

fn user(account: &Account) -> Value {
    json!({
        "id": account.id.as_str(),
        "username": account.username.as_str(),
        "display_name": account.display_name,
        "email": account.email.as_ref().map(EmailAddress::as_str),
        "email_verified": account.email_verified_at.is_some(),
        "status": status(account),
        "role": role(account),
        "locale": account.locale,
        "created_at": moment::rfc3339(account.created_at),
        "last_login_at": account.last_login_at.and_then(moment::rfc3339),
    })
}

fn status(account: &Account) -> &'static str {
    match account.status {
        Status::Active => "active",
        Status::Locked => "locked",
    }
}

fn role(account: &Account) -> &'static str {
    match account.role {
        Role::User => "user",
        Role::Admin => "admin",
        Role::Auditor => "auditor",
    }
}

fn new_account(args: &NewUserArgs) -> NewAccount {
    NewAccount {
        username: args.name.clone(),
        email: args.email.clone(),
        display_name: args.display_name.clone(),
        role: match args.role {
            RoleWord::User => Role::User,
            RoleWord::Admin => Role::Admin,
            RoleWord::Auditor => Role::Auditor,
        },
        locale: args.locale.clone(),
    }
}

/// The first line of standard input.
fn read_password() -> Result<Secret<String>, Failure> {
    let stdin = io::stdin();
    let hint = "pipe it into the command, from a password manager for example";
    if stdin.is_terminal() {
        let what = "a password comes from standard input, and that is a terminal";
        return Err(Failure::with_exit(exit_code::USAGE, what).hint_to(hint));
    }
    let mut bytes = Vec::new();
    let read = stdin.take(LONGEST).read_to_end(&mut bytes);
    let bytes = Secret::new(bytes);
    read.map_err(|error| Failure::other("cannot read standard input").caused_by(&error))?;
    let not_text = |_| Failure::other("the password on standard input is not UTF-8");
    let text = std::str::from_utf8(bytes.expose()).map_err(not_text)?;
    // Spaces may belong to it; the line's end does not.
    let line = text.split(['\r', '\n']).next().unwrap_or_default();
    if line.is_empty() {
        let what = "standard input holds no password";
        return Err(Failure::with_exit(exit_code::USAGE, what).hint_to(hint));
    }
    Ok(Secret::from(line))
}

fn failed(error: &AccountError) -> Failure {
    let text = error.to_string();
    match error {
        AccountError::Unknown(_) => {
            Failure::with_exit(exit_code::USAGE, text).hint_to("hallpass admin user list")
        }
        AccountError::Taken => {
            Failure::with_exit(exit_code::USAGE, text).hint_to("choose another name or address")
        }
        AccountError::NoEmail => Failure::with_exit(exit_code::USAGE, text)
            .hint_to("say `--email ADDRESS`, or `--print-link`"),
        AccountError::BadUsername
        | AccountError::BadEmail(_)
        | AccountError::BadDisplayName
        | AccountError::BadPassword(_) => Failure::with_exit(exit_code::USAGE, text),
        AccountError::DeadLink | AccountError::Busy | AccountError::Store(_) => {
            Failure::store(text)
        }
    }
}

/// More is no password.
const LONGEST: u64 = 64 * 1024;
