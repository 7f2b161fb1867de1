//! `hallpass login`: signs in, by the flow that fits, and remembers with whom.

use hallpass_client::answers::EventLines;
use hallpass_client::flow::{self, Decision, Offers, Sign, Way};
use hallpass_client::{
    CancelSignIn, Client, DpopMode, ErrorKind, SecurityViolation, Session, SessionKey, SignIn,
    TerminalUi,
};

use super::login_explained::explain;
use super::login_registration::ensure_client_id;
use super::login_wish::Wish;
use super::login_without_person::{as_given, as_program};
use super::protected_resource::find_server;
use super::session_words;
use crate::args::{Flow, LoginArgs, Ports};
use crate::commands::Context;
use crate::config;
use crate::failure::Failure;
use crate::output::Output;
use crate::profile::Profile;
use crate::runtime;
use crate::static_token;

/// Signs in.
pub(crate) fn run(args: &LoginArgs, context: &Context) -> Result<(), Failure> {
    let done = sign_in(args, context);
    match done {
        // Who reads events gets the error as the last one.
        Err(failure) if args.sign_in.events => {
            Output::answer_json(&failure.to_json())?;
            Err(failure.told())
        }
        done => done,
    }
}

fn sign_in(args: &LoginArgs, context: &Context) -> Result<(), Failure> {
    let mut profile = context.profile_at(&args.profile, &args.server)?;
    let wish = Wish::find(args, &profile, context)?;
    // Rule 1. Who names a flow, or asks for a sign-in in any case, gets one.
    if leaves_it_open(args)
        && let Some(given) = profile.static_token()?
    {
        let wish = wish.with_token();
        return as_given(&given, (args, &profile, wish, context));
    }
    apply(args, &mut profile);
    if wish.flow == Flow::ClientCredentials {
        profile.settings.flow = Some(Flow::ClientCredentials);
        return runtime::block_on(as_program(args, &profile, wish, context));
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
        qr: !args.sign_in.no_qr,
        ..context.output.style
    };
    let client = profile.settings.targets(client);
    let events = wish.events(args);
    let client = match &events {
        Some(events) => client.ui(events.clone()),
        None => client.ui(TerminalUi::stderr_in(style)),
    };
    let client = client.build()?;
    let cancel = CancelSignIn::default();
    let how = how(args, wish, &profile, context)?.cancelled_by(cancel.clone());
    somebody_is_there(args, &profile, wish, context)?;
    runtime::block_on_tidily(
        || cancel.cancel(),
        as_person(client, (how, events), (args, &profile, wish, context)),
    )
}

/// Whether the command line asks for no flow, and for no sign-in where none is needed.
fn leaves_it_open(args: &LoginArgs) -> bool {
    let flags = &args.sign_in;
    matches!(args.flow, None | Some(Flow::Auto)) && flags.way().is_none() && !flags.force
}

/// Whether the program is about to register itself, or to ask whether its registration still stands:
/// only before a sign-in, and only where nobody names a client id.
fn registers(args: &LoginArgs, profile: &Profile) -> Result<bool, Failure> {
    let settings = &profile.settings;
    if settings.issuer.is_none() || settings.provider.is_some() || args.server.client_id.is_some() {
        return Ok(false);
    }
    let needs_id = settings.client_id.is_none();
    let signs_in = args.sign_in.force || !profile.has_session()?;
    Ok(needs_id || (signs_in && profile.registered()?.is_some()))
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
    if !args.sign_in.audience.is_empty() {
        settings.audience = Some(args.sign_in.audience.clone());
    }
    if let Some(mode) = args.sign_in.dpop() {
        settings.dpop = Some(if mode == DpopMode::Required {
            config::Wish::Required
        } else {
            config::Wish::Off
        });
    }
    if let Some(Ports(ports)) = &args.sign_in.callback_port {
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
    let flags = &args.sign_in;
    let asks_more = flags.prompt.is_some() || !flags.acr.is_empty() || flags.max_age.is_some();
    if !flags.force && !asks_more && profile.has_session()? {
        return Ok(());
    }
    if flags.explain {
        explain(Offers::BOTH, wish, context);
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
    let mut how = settled(args.sign_in.how(wish.way()), (profile, context))?;
    if args.sign_in.callback_port.is_none() {
        for port in callback_ports(profile, context)? {
            how = how.callback_port(port);
        }
    }
    Ok(how)
}

/// What the profile and the variables say about every sign-in.
fn settled(how: SignIn, (profile, context): (&Profile, &Context)) -> Result<SignIn, Failure> {
    let mut how = how.one_at_a_time(lock_file(profile)?);
    if context.environment.is_on("HALLPASS_NO_BROWSER") {
        how = how.no_browser();
    }
    if let Some(path) = &profile.settings.callback_path {
        how = how.callback_path(path);
    }
    Ok(how)
}

/// Beside the session, and another lock than that of its refresh: helpers never wait for a person.
fn lock_file(profile: &Profile) -> Result<std::path::PathBuf, Failure> {
    let key = SessionKey::new(profile.issuer()?, profile.client_id()?)
        .in_profile(config::slot(&profile.name));
    let name = format!("{}.signin", key.hash());
    Ok(profile.places.state.join("sessions").join(name))
}

/// Those that no flag names.
fn callback_ports(profile: &Profile, context: &Context) -> Result<Vec<u16>, Failure> {
    if let Some(text) = context.environment.text("HALLPASS_CALLBACK_PORT") {
        let Ports(ports) = text.parse().map_err(|reason: String| {
            Failure::usage("HALLPASS_CALLBACK_PORT is not understood").hint_to(reason)
        })?;
        return Ok(ports);
    }
    Ok(profile.settings.callback_ports.clone().unwrap_or_default())
}

/// Signs in for a credential helper, whose standard output belongs to another program: the person reads
/// standard error, and nothing is answered.
pub(crate) fn for_helper(profile: &Profile, context: &Context) -> Result<(), Failure> {
    let surroundings = profile.with_its_browser(context.surroundings().attended());
    let client = profile
        .client()?
        .scopes(scopes(profile))
        .environment(surroundings)
        .ui(TerminalUi::stderr_in(context.output.style));
    let client = profile.settings.targets(client).build()?;
    let cancel = CancelSignIn::default();
    let how = match profile.settings.flow {
        Some(Flow::Browser) => SignIn::browser(),
        Some(Flow::Device) => SignIn::device(),
        Some(Flow::Paste) => SignIn::paste(),
        Some(Flow::Auto | Flow::ClientCredentials) | None => SignIn::auto(),
    };
    let how = settled(how, (profile, context))?;
    let how = callback_ports(profile, context)?
        .into_iter()
        .fold(how, SignIn::callback_port)
        .cancelled_by(cancel.clone());
    runtime::block_on_tidily(|| cancel.cancel(), async {
        client.sign_in(how).await?;
        profile.remember()
    })
}

async fn as_person(
    client: Client,
    (how, events): (SignIn, Option<EventLines>),
    (args, profile, wish, context): (&LoginArgs, &Profile, Wish, &Context),
) -> Result<(), Failure> {
    if args.sign_in.explain {
        explain(Offers::of(client.metadata().await?.as_ref()), wish, context);
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
    if context.environment.text(static_token::TOKEN).is_some() {
        context.output.warn(static_token::STILL_SET);
    }
    if let Some(events) = events {
        events.end(session.account().subject.as_deref());
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
        return Output::answer_json(&session_words::to_json(session, profile, "sign_in"));
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

fn names(why: &[Sign]) -> String {
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

/// Who signs in, their name, and a session that lasts.
const DEFAULT_SCOPES: [&str; 3] = ["openid", "profile", "offline_access"];
