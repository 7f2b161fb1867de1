//! `hallpass login`: signs in, by the flow that fits, and remembers with whom.

use hallpass_client::flow::{self, Decision, Offers, Sign, Way};
use hallpass_client::{
    Client, Metadata, Session, SessionKey, SignIn, TerminalUi, TokenStore as _, clean,
};

use super::{token, whoami};
use crate::args::{Flow, LoginArgs, Ports, parse_ports};
use crate::commands::Context;
use crate::failure::Failure;
use crate::output::Output;
use crate::profile::Profile;
use crate::runtime;

/// Signs in.
pub(crate) fn run(args: &LoginArgs, context: &Context) -> Result<(), Failure> {
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
    let client = profile
        .client()?
        .scopes(scopes(&profile))
        .environment(context.surroundings());
    let style = hallpass_client::TerminalStyle {
        qr: !args.no_qr,
        ..context.output.style
    };
    let client = resources(client, &profile)
        .ui(TerminalUi::new(std::io::stderr(), style))
        .build()?;
    let how = how(args, wish, &profile, context)?;
    somebody_is_there(args, &profile, wish, context)?;
    runtime::block_on(as_person(client, how, (args, &profile, wish, context)))
}

/// The flow that was asked for.
#[derive(Clone, Copy)]
struct Wish {
    flow: Flow,
    /// Only the command line itself makes a sign-in start without a terminal.
    is_explicit: bool,
}

impl Wish {
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
                is_explicit: flow != Flow::Auto,
            });
        }
        let variable = match context.environment.text("HALLPASS_FLOW") {
            None => None,
            Some("auto") => Some(Flow::Auto),
            Some("browser") => Some(Flow::Browser),
            Some("device") => Some(Flow::Device),
            Some("client-credentials") => Some(Flow::ClientCredentials),
            Some(other) => {
                let text = format!("HALLPASS_FLOW is `{}`", clean::text(other));
                return Err(Failure::usage(text)
                    .hint_to("set it to auto, browser, device or client-credentials"));
            }
        };
        let kept = variable.or(profile.settings.flow);
        // Rule 3: a secret, and nothing that only a user has.
        let asks_for_user = args
            .scope
            .iter()
            .flat_map(|scope| scope.split(' '))
            .any(|scope| matches!(scope, "openid" | "offline_access"));
        let is_program =
            kept.is_none() && profile.has_secret() && !profile.is_remembered && !asks_for_user;
        let flow = if is_program {
            Flow::ClientCredentials
        } else {
            kept.unwrap_or(Flow::Auto)
        };
        Ok(Self {
            flow,
            is_explicit: false,
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
    let both = Offers {
        browser: true,
        device: true,
    };
    let Decision { way, why } = flow::decide(&context.surroundings(), both);
    if wish.is_explicit || way != Way::NotInteractive {
        return Ok(());
    }
    let settings = &profile.settings;
    if !args.force
        && args.prompt.is_none()
        && let (Some(issuer), Some(client_id)) = (&settings.issuer, &settings.client_id)
        && profile
            .store()
            .load(&SessionKey::new(issuer, client_id))?
            .is_some()
    {
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
        Flow::Auto | Flow::ClientCredentials => SignIn::auto(),
    };
    how = how.timeout(args.timeout);
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
    Ok(how)
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
        .map_err(|error| Failure::from(error).sign_in_with(&profile.login_command()))?;
    profile.remember()?;
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

fn explain(metadata: &Metadata, wish: Wish, context: &Context) {
    let surroundings = context.surroundings();
    let offers = Offers {
        browser: metadata.authorization_endpoint.is_some(),
        device: metadata.device_authorization_endpoint.is_some(),
    };
    let Decision { way, why } = match wish.flow {
        Flow::Auto | Flow::ClientCredentials => flow::decide(&surroundings, offers),
        Flow::Browser => flow::decide_browser(&surroundings),
        Flow::Device => Decision {
            way: Way::Device,
            why: Vec::new(),
        },
    };
    let way = match way {
        Way::Browser => "browser on this machine",
        Way::BrowserElsewhere => "browser, whose address is only shown",
        Way::Device => "device code",
        Way::NotInteractive => "none, nobody is here",
        Way::NotOffered => "none, the server offers none",
    };
    let why = match (wish.flow, why.is_empty()) {
        (Flow::Auto, true) => "nothing speaks against it".to_owned(),
        (Flow::Auto, false) => names(&why),
        (_, true) => "asked for".to_owned(),
        (_, false) => format!("asked for; {}", names(&why)),
    };
    context.output.note(&format!("Flow: {way} ({why})"));
}

fn names(why: &[Sign]) -> String {
    let names: Vec<_> = why.iter().map(|sign| sign.as_str()).collect();
    names.join(", ")
}

/// The scopes of a sign-in.
fn scopes(profile: &Profile) -> Vec<String> {
    let default = || DEFAULT_SCOPES.map(str::to_owned).to_vec();
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
