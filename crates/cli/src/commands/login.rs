//! `hallpass login`: signs in, by the flow that fits, and remembers with whom.

use std::time::Duration;

use hallpass_client::flow::{self, Decision, Offers, Sign, Way};
use hallpass_client::{
    CallbackHost, CancelSignIn, Client, ErrorKind, SecurityViolation, Session, SessionKey, SignIn,
    TerminalUi, clean,
};

use super::login_events::EventLines;
use super::login_explained::explain;
use super::login_registration::ensure_client_id;
use super::protected_resource::find_server;
use super::{token, whoami};
use crate::args::{Flow, LoginArgs, Ports, parse_ports};
use crate::commands::Context;
use crate::config;
use crate::failure::Failure;
use crate::output::Output;
use crate::profile::{Profile, slot};
use crate::runtime;

/// Signs in.
pub(crate) fn run(args: &LoginArgs, context: &Context) -> Result<(), Failure> {
    let done = sign_in(args, context);
    match done {
        // Who reads events gets the error as the last one.
        Err(failure) if args.events => {
            Output::answer_json(&failure.to_json())?;
            Err(failure.told())
        }
        done => done,
    }
}

fn sign_in(args: &LoginArgs, context: &Context) -> Result<(), Failure> {
    let mut profile = context.profile_at(&args.profile, &args.server)?;
    let wish = Wish::find(args, &profile, context)?;
    apply(args, &mut profile);
    if wish.flow == Flow::ClientCredentials {
        profile.settings.flow = Some(Flow::ClientCredentials);
        return runtime::block_on(as_program(args, &profile, context));
    }
    if !profile.is_known() {
        // There will be nothing to sign in to; but first of all nobody is here to be asked.
        somebody_is_there(args, &profile, wish, context)?;
    }
    if !args.resource.is_empty() && profile.settings.issuer.is_none() {
        runtime::block_on(find_server(&mut profile, context))?;
    }
    if registers(args, &profile)? {
        somebody_is_there(args, &profile, wish, context)?;
        runtime::block_on(ensure_client_id(args, &mut profile, context))?;
    }
    let client = profile
        .client()?
        .scopes(scopes(&profile))
        .environment(profile.with_its_browser(wish.surroundings(context)));
    let style = hallpass_client::TerminalStyle {
        qr: !args.no_qr,
        ..context.output.style
    };
    let client = resources(client, &profile);
    let client = if args.events {
        client.ui(EventLines::new(wish.flow == Flow::Paste))
    } else {
        client.ui(TerminalUi::stderr_in(style))
    };
    let client = client.build()?;
    let cancel = CancelSignIn::default();
    let how = how(args, wish, &profile, context)?.cancelled_by(cancel.clone());
    somebody_is_there(args, &profile, wish, context)?;
    runtime::block_on_tidily(
        || cancel.cancel(),
        as_person(client, how, (args, &profile, wish, context)),
    )
}

/// Whether the program is about to register itself, or to ask whether its registration still stands:
/// only before a sign-in, and only where nobody names a client id.
fn registers(args: &LoginArgs, profile: &Profile) -> Result<bool, Failure> {
    let settings = &profile.settings;
    if settings.issuer.is_none() || settings.provider.is_some() || args.server.client_id.is_some() {
        return Ok(false);
    }
    let needs_id = settings.client_id.is_none();
    let signs_in = args.force || !profile.has_session()?;
    Ok(needs_id || (signs_in && profile.registered()?.is_some()))
}

/// The flow that was asked for.
#[derive(Clone, Copy)]
pub(super) struct Wish {
    pub(super) flow: Flow,
    /// Only the command line itself makes a sign-in start without a terminal.
    is_explicit: bool,
}

impl Wish {
    /// What matters for the choice of the flow.
    pub(super) fn surroundings(self, context: &Context) -> flow::Environment {
        let surroundings = context.surroundings();
        if self.is_explicit {
            surroundings.attended()
        } else {
            surroundings
        }
    }

    fn find(args: &LoginArgs, profile: &Profile, context: &Context) -> Result<Self, Failure> {
        let flag = match (args.flow, args.browser, args.device) {
            (Some(flow), _, _) => Some(flow),
            (None, true, _) => Some(Flow::Browser),
            (None, false, true) => Some(Flow::Device),
            (None, false, false) => None,
        };
        if let Some(flow) = flag {
            return Ok(Self {
                flow,
                is_explicit: flow != Flow::Auto || args.events,
            });
        }
        let variable = match context.environment.text("HALLPASS_FLOW") {
            None => None,
            Some("auto") => Some(Flow::Auto),
            Some("browser") => Some(Flow::Browser),
            Some("device") => Some(Flow::Device),
            Some("paste") => Some(Flow::Paste),
            Some("client-credentials") => Some(Flow::ClientCredentials),
            Some(other) => {
                let text = format!("HALLPASS_FLOW is `{}`", clean::text(other));
                return Err(Failure::usage(text)
                    .hint_to("set it to auto, browser, device, paste or client-credentials"));
            }
        };
        let kept = variable.or(profile.settings.flow);
        // Rule 3: a secret, and nothing that only a user has. The secrets of providers known by name belong
        // to programs that people use.
        let asks_for_user = args
            .scope
            .iter()
            .flat_map(|scope| scope.split(' '))
            .any(|scope| matches!(scope, "openid" | "offline_access"));
        let is_program = kept.is_none()
            && profile.settings.provider.is_none()
            && profile.has_secret()
            && !profile.is_remembered
            && !asks_for_user;
        let flow = if is_program {
            Flow::ClientCredentials
        } else {
            kept.unwrap_or(Flow::Auto)
        };
        Ok(Self {
            flow,
            is_explicit: args.events,
        })
    }
}

/// What the flags say goes into the profile.
fn apply(args: &LoginArgs, profile: &mut Profile) {
    let settings = &mut profile.settings;
    if !args.scope.is_empty() {
        settings.scopes = Some(args.scope.clone());
    }
    if !args.resource.is_empty() {
        settings.resource = Some(args.resource.clone());
    }
    if args.dpop || args.no_dpop {
        let wish = if args.dpop {
            config::Wish::Required
        } else {
            config::Wish::Off
        };
        settings.dpop = Some(wish);
    }
    if let Some(Ports(ports)) = &args.callback_port {
        settings.callback_ports = Some(ports.clone());
    }
}

/// Rule 4: where nobody can answer, fail at once, before any network.
fn somebody_is_there(
    args: &LoginArgs,
    profile: &Profile,
    wish: Wish,
    context: &Context,
) -> Result<(), Failure> {
    let Decision { way, why, .. } = flow::decide(&context.surroundings(), Offers::BOTH);
    if wish.is_explicit || way != Way::NotInteractive {
        return Ok(());
    }
    let asks_more = args.prompt.is_some() || !args.acr.is_empty() || args.max_age.is_some();
    if !args.force && !asks_more && profile.has_session()? {
        return Ok(());
    }
    let text = format!(
        "sign-in is required for profile `{}`, and nobody is here to do it ({})",
        profile.name,
        names(&why)
    );
    let command = profile.login_command();
    Err(Failure::login_required(text).hint_to(format!(
        "run `{command}` in a terminal, or add --flow device if a person reads this output"
    )))
}

fn how(
    args: &LoginArgs,
    wish: Wish,
    profile: &Profile,
    context: &Context,
) -> Result<SignIn, Failure> {
    let mut how = match wish.flow {
        Flow::Browser => SignIn::browser(),
        Flow::Device => SignIn::device(),
        Flow::Paste => SignIn::paste(),
        Flow::Auto | Flow::ClientCredentials => SignIn::auto(),
    };
    if let Some(timeout) = args.timeout {
        how = how.timeout(timeout);
    }
    if args.switch_account {
        how = how.switch_account();
    }
    if args.callback_host.as_deref() == Some("localhost") {
        how = how.callback_host(CallbackHost::Localhost);
    }
    how = how.one_at_a_time(lock_file(profile)?);
    if args.force {
        how = how.force();
    }
    if args.no_browser || context.environment.is_on("HALLPASS_NO_BROWSER") {
        how = how.no_browser();
    }
    for port in callback_ports(args, profile, context)? {
        how = how.callback_port(port);
    }
    if let Some(path) = &profile.settings.callback_path {
        how = how.callback_path(path);
    }
    if let Some(hint) = &args.login_hint {
        how = how.login_hint(hint);
    }
    if let Some(page) = &args.prompt {
        how = how.prompt(page);
    }
    for value in &args.acr {
        how = how.acr(value);
    }
    if let Some(seconds) = args.max_age {
        how = how.max_age(Duration::from_secs(seconds));
    }
    Ok(how)
}

/// Beside the session, and another lock than that of its refresh: helpers never wait for a person.
fn lock_file(profile: &Profile) -> Result<std::path::PathBuf, Failure> {
    let key =
        SessionKey::new(profile.issuer()?, profile.client_id()?).in_profile(slot(&profile.name));
    let name = format!("{}.signin", key.hash());
    Ok(profile.places.state.join("sessions").join(name))
}

fn callback_ports(
    args: &LoginArgs,
    profile: &Profile,
    context: &Context,
) -> Result<Vec<u16>, Failure> {
    if args.callback_port.is_none()
        && let Some(text) = context.environment.text("HALLPASS_CALLBACK_PORT")
    {
        let Ports(ports) = parse_ports(text).map_err(|reason| {
            Failure::usage("HALLPASS_CALLBACK_PORT is not understood").hint_to(reason)
        })?;
        return Ok(ports);
    }
    Ok(profile.settings.callback_ports.clone().unwrap_or_default())
}

async fn as_person(
    client: Client,
    how: SignIn,
    (args, profile, wish, context): (&LoginArgs, &Profile, Wish, &Context),
) -> Result<(), Failure> {
    if args.explain {
        explain(client.metadata().await?.as_ref(), wish, context);
    }
    let before = client.session().await?;
    let session = client
        .sign_in(how)
        .await
        .map_err(|error| {
            let is_other = *error.kind() == ErrorKind::Security(SecurityViolation::Account);
            let failure = Failure::from(error).sign_in_with(&profile.login_command());
            if is_other {
                failure.hint_to(
                    "sign in as before, take another profile, or add --switch-account to replace the session",
                )
            } else {
                failure
            }
        })?;
    profile.remember()?;
    if args.events {
        return Ok(());
    }
    let is_new = before.is_none_or(|before| before.signed_in_at() != session.signed_in_at());
    report(&session, profile, is_new, context)
}

fn report(
    session: &Session,
    profile: &Profile,
    is_new: bool,
    context: &Context,
) -> Result<(), Failure> {
    let output = context.output;
    if output.is_json() {
        return Output::answer_json(&whoami::to_json(session, profile, "sign_in"));
    }
    if is_new {
        output.note(&format!("  Profile \"{}\"", profile.name));
        return Ok(());
    }
    let who = session.account().name.as_deref().unwrap_or("somebody");
    output.done(&format!(
        "Already signed in as {who} (profile \"{}\"); --force signs in again",
        profile.name
    ));
    Ok(())
}

async fn as_program(args: &LoginArgs, profile: &Profile, context: &Context) -> Result<(), Failure> {
    if !profile.has_secret() {
        return Err(Failure::config("client credentials need a client secret")
            .hint_to("--client-secret-file FILE, or --client-secret-stdin"));
    }
    if args.explain {
        context
            .output
            .note("Flow: client credentials (a client secret is there)");
    }
    let set = token::as_program(profile).await?;
    profile.remember()?;
    if context.output.is_json() {
        let answer = token::to_json(&set.access_token, profile, true);
        return Output::answer_json(&answer);
    }
    context.output.done(&format!(
        "The client {} can fetch tokens (profile \"{}\")",
        clean::text(profile.client_id()?),
        profile.name
    ));
    Ok(())
}

pub(super) fn names(why: &[Sign]) -> String {
    let names: Vec<_> = why.iter().map(|sign| sign.as_str()).collect();
    names.join(", ")
}

/// The scopes of a sign-in.
fn scopes(profile: &Profile) -> Vec<String> {
    // A provider that is known by name has its own.
    let default = || match profile.settings.provider {
        Some(_) => Vec::new(),
        None => DEFAULT_SCOPES.map(str::to_owned).to_vec(),
    };
    profile.settings.scopes.clone().unwrap_or_else(default)
}

fn resources(
    client: hallpass_client::ClientBuilder,
    profile: &Profile,
) -> hallpass_client::ClientBuilder {
    let resources = profile.settings.resource.iter().flatten();
    resources.fold(client, hallpass_client::ClientBuilder::resource)
}

/// Who signs in, their name, and a session that lasts.
const DEFAULT_SCOPES: [&str; 3] = ["openid", "profile", "offline_access"];
