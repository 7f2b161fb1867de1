//! Sends the mail that is due, one after the other, and tries again later what could not be sent.

use std::time::Duration;

use hallpass_issuer::account::{Account, EmailAddress, Status, Username};
use hallpass_issuer::account_link::Purpose;
use hallpass_issuer::limits::Limit;
use hallpass_issuer::mail::{Due, Kind};
use hallpass_store::{email_outbox, users};

use super::due_mail::{is_asked_too_often, language_of, sender};
use super::newcomers;
use crate::accounts::may_be_given_password;
use crate::error::Fault;
use crate::mail::Letter;
use crate::state::{Current, State};

/// How often the outbox is looked at when nobody says that there is something in it: the command
/// line and other nodes put mail there too.
const PERIOD: Duration = Duration::from_secs(2);
/// A node that took a mail and died has it for so long.
const LEASE: Duration = Duration::from_mins(2);
/// Links to one account.
const LINKS: Limit = Limit {
    failures: 3,
    window: Duration::from_hours(1),
    lock: Duration::from_hours(1),
};

/// Sends until the server stops.
pub(crate) async fn run(current: Current) {
    let mut ticks = tokio::time::interval(PERIOD);
    loop {
        let state = current.get();
        tokio::select! {
            _ = ticks.tick() => {}
            () = state.outbox_filled.notified() => {}
        }
        loop {
            match send_next(&current.get()).await {
                Ok(true) => {}
                Ok(false) => break,
                Err(fault) => {
                    tracing::warn!(%fault, "the outbox could not be read; the next round tries again");
                    break;
                }
            }
        }
    }
}

/// Sends one mail that is due; whether there was one.
async fn send_next(state: &State) -> Result<bool, Fault> {
    let now = state.now();
    let claim = state
        .store
        .write(move |tx| email_outbox::claim(tx, now, LEASE));
    let Some(due) = claim.await? else {
        return Ok(false);
    };
    let next = match send(state, &due).await? {
        Ok(()) => None,
        Err(why) => {
            let next = due.postponed(state.now());
            let given_up = next.is_none();
            tracing::warn!(
                why,
                attempts = due.attempts + 1,
                given_up,
                "a mail could not be sent"
            );
            next
        }
    };
    let id = due.id;
    let noted = state.store.write(move |tx| match &next {
        Some(next) => email_outbox::postpone(tx, next),
        None => email_outbox::delete(tx, &id),
    });
    noted.await?;
    Ok(true)
}

/// Sends a mail, or finds that there is none to send; the inner error is the mail server's.
async fn send(state: &State, due: &Due) -> Result<Result<(), String>, Fault> {
    if let Kind::SignUp { typed } = &due.kind {
        return newcomers::send(state, due, typed).await;
    }
    let Some((account, to)) = recipient(state, &due.kind).await? else {
        return Ok(Ok(()));
    };
    let language = language_of(state, Some(&account), due);
    let sender = sender(state, language);
    let purpose = match &due.kind {
        Kind::PasswordChanged(_) => {
            let letter = Letter::password_changed((&account, to), sender);
            return Ok(state.mailer.send(&due.id, &letter).await);
        }
        Kind::FactorsChanged(_) => {
            let letter = Letter::factors_changed((&account, to), sender);
            return Ok(state.mailer.send(&due.id, &letter).await);
        }
        Kind::CodeElsewhere(_) => {
            let Some(url) = state.settings.account_url() else {
                return Ok(Err("`public_url` is not set".to_owned()));
            };
            let letter = Letter::code_elsewhere((&account, to), sender, &url);
            return Ok(state.mailer.send(&due.id, &letter).await);
        }
        Kind::Invitation(_) => Purpose::Invitation,
        Kind::Recovery { .. } | Kind::SignUp { .. } => {
            let budgets = [(format!("link|{}", account.id), LINKS)];
            if is_asked_too_often(state, due, &budgets).await? {
                tracing::info!(user = %account.id, "too many links were asked for");
                return Ok(Ok(()));
            }
            Purpose::Reset
        }
    };
    let (id, registration) = (account.id.clone(), state.settings.login.registration);
    let look = state
        .store
        .read(move |tx| may_be_given_password(tx, &id, registration));
    if !look.await? {
        tracing::info!(user = %account.id, "no link to a first password is sent: `login.registration` is `off`");
        return Ok(Ok(()));
    }
    // Never by the `Host` of a request: who asks for somebody's mail must not say where it leads.
    let link = state.accounts.new_link(&account.id, purpose).await?;
    let Some(url) = state.settings.account_link_url(&link.token) else {
        return Ok(Err("`public_url` is not set".to_owned()));
    };
    let letter = Letter::with_link((&account, to), sender, purpose, url.expose());
    let sent = state.mailer.send(&due.id, &letter).await;
    if sent.is_err() {
        state.accounts.withdraw_link(&link).await?;
    }
    Ok(sent)
}

/// The account that a mail is for, and its address; none when there is nobody to send to.
async fn recipient(state: &State, kind: &Kind) -> Result<Option<(Account, EmailAddress)>, Fault> {
    let kind = kind.clone();
    let found = state.store.read(move |tx| match &kind {
        Kind::Invitation(id)
        | Kind::PasswordChanged(id)
        | Kind::FactorsChanged(id)
        | Kind::CodeElsewhere(id) => users::find(tx, id),
        Kind::Recovery { typed } | Kind::SignUp { typed } => {
            let by_username = match Username::parse(typed) {
                Some(username) => users::find_by_username(tx, &username)?,
                None => None,
            };
            match (by_username, EmailAddress::parse(typed)) {
                (None, Some(email)) => users::find_by_verified_email(tx, &email),
                (found, _) => Ok(found),
            }
        }
    });
    let found = found
        .await?
        .filter(|account| account.status == Status::Active);
    Ok(found.and_then(|account| {
        let to = account.email.clone()?;
        Some((account, to))
    }))
}
