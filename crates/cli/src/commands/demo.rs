//! `hallpass demo`: two real sign-ins against a server in this process, explained step by step.

use std::sync::Arc;
use std::time::Duration;

use hallpass_client::flow::{self, Offers, Platform, Sign, Way};
use hallpass_client::{Client, Clock as _, MemoryStore, Session, SignIn};
use hallpass_protocol::time::SystemClock;
use hallpass_server::{DevFlags, Settings};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::serve;
use crate::args::DemoArgs;
use crate::commands::Context;
use crate::demo::{Errand, Person, PlayedBrowser, Seat, Stage};
use crate::failure::Failure;
use crate::output::Output;
use crate::{moment, runtime};

/// Shows it.
pub(crate) fn run(args: &DemoArgs, context: &Context) -> Result<(), Failure> {
    let both = Offers {
        browser: true,
        device: true,
    };
    let is_alone = flow::decide(&context.surroundings(), both).way == Way::NotInteractive;
    if is_alone && !args.yes {
        return Err(Failure::login_required(
            "the demo needs a person, and nobody is here to sign in",
        )
        .hint_to("run `hallpass demo --yes`, which plays the person too"));
    }
    runtime::block_on(show(args, context))
}

/// The flows, in the order in which they are shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    Device,
    Browser,
}

impl Flow {
    fn title(self) -> &'static str {
        match self {
            Self::Device => "Device flow (RFC 8628): the browser is on another device",
            Self::Browser => "Browser flow (RFC 8252, PKCE): the browser is on this machine",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Device => "device",
            Self::Browser => "browser",
        }
    }
}

async fn show(args: &DemoArgs, context: &Context) -> Result<(), Failure> {
    let began = SystemClock.now();
    let server = serve::start(settings()?).await?;
    let issuer = format!("{}/default", server.url().trim_end_matches('/'));
    let (errands, mut received) = mpsc::unbounded_channel();
    let played = args.yes.then_some(errands);
    let stage = Arc::new(Stage::new(context.output, played.clone()));
    stage.say(&format!(
        "A server runs in this process: {issuer}\n{}",
        if args.yes {
            "Nobody is needed: the demo plays the person, by real requests to the real pages."
        } else {
            "You are the person: any user name signs in."
        }
    ));
    let client = client(&issuer, &stage, played)?;
    let mut person = Person::new(Arc::clone(&stage))?;
    let flows: &[Flow] = match (args.device, args.browser) {
        (true, _) => &[Flow::Device],
        (_, true) => &[Flow::Browser],
        (false, false) => &[Flow::Device, Flow::Browser],
    };
    let mut results = Vec::new();
    for flow in flows {
        stage.title(flow.title());
        let how = match flow {
            Flow::Device => SignIn::device(),
            Flow::Browser => SignIn::browser(),
        };
        let session = tokio::select! {
            session = client.sign_in(how.force()) => session?,
            failed = played_badly(&mut person, &mut received) => return Err(failed),
        };
        results.push(who_signed_in(*flow, &session, &stage).await?);
    }
    let took = SystemClock.now().since(began);
    finish(&stage, &results, took)?;
    // Open connections are ours alone: nothing is lost when they end with the process.
    drop(tokio::time::timeout(DRAIN, server.shutdown()).await);
    Ok(())
}

/// Dev mode on a free port; neither the folder's `config.json` nor the environment changes it.
fn settings() -> Result<Settings, Failure> {
    let fixed =
        |name: &str| (name == "JSON_CONFIG").then(|| r#"{"interactiveLogin":true}"#.to_owned());
    let flags = DevFlags {
        port: Some(0),
        ..DevFlags::default()
    };
    Settings::dev(&fixed, flags)
        .map_err(|error| Failure::with_exit(error.exit_code(), error.to_string()))
}

fn client(
    issuer: &str,
    stage: &Arc<Stage>,
    played: Option<mpsc::UnboundedSender<Errand>>,
) -> Result<Client, Failure> {
    let mut client = Client::builder(issuer, "hallpass-demo")
        .app_name("hallpass")
        .scopes(["openid", "profile", "offline_access"])
        .store(MemoryStore::new())
        .ui(Seat(Arc::clone(stage)))
        .watcher(Seat(Arc::clone(stage)));
    if let Some(errands) = played {
        let screen = flow::Environment {
            signs: [Sign::Display].into(),
            platform: Platform::Desktop,
        };
        client = client.browser(PlayedBrowser(errands)).environment(screen);
    }
    Ok(client.build()?)
}

/// Plays the person; only a failure ends it before the sign-in does.
async fn played_badly(
    person: &mut Person,
    errands: &mut mpsc::UnboundedReceiver<Errand>,
) -> Failure {
    match person.run(errands).await {
        Err(failure) => failure,
        Ok(()) => std::future::pending().await,
    }
}

async fn who_signed_in(flow: Flow, session: &Session, stage: &Stage) -> Result<Value, Failure> {
    let info = session.user_info().await?;
    let token = session.access_token().await?;
    let who = session.account().name.as_deref().unwrap_or("somebody");
    let lasts = if session.has_refresh_token() {
        "a refresh token renews it"
    } else {
        "it cannot be renewed"
    };
    let expires = token
        .expires_at()
        .map(|at| moment::relative(at, SystemClock.now()))
        .unwrap_or_default();
    stage.done(&format!(
        "Signed in as {who}; the token expires {expires}, {lasts}"
    ));
    Ok(json!({
        "flow": flow.name(),
        "subject": session.account().subject,
        "username": session.account().name,
        "scopes": session.scope().iter().collect::<Vec<_>>(),
        "refreshes": session.has_refresh_token(),
        "access_expires_at": token.expires_at().and_then(moment::rfc3339),
        "userinfo": info,
    }))
}

fn finish(stage: &Stage, results: &[Value], took: Duration) -> Result<(), Failure> {
    if stage.is_silent() {
        return Output::answer_json(&json!({
            "schema": "hallpass.demo/1",
            "ok": true,
            "flows": results,
        }));
    }
    stage.title("Try it yourself");
    stage.say(
        "  hallpass serve --dev\n  hallpass login --issuer http://localhost:8080/default --client-id my-cli\n  hallpass userinfo",
    );
    let count = match results.len() {
        1 => "The sign-in",
        _ => "Both sign-ins",
    };
    stage.done(&format!(
        "{count} ended with tokens, in {}.{} s",
        took.as_secs(),
        took.subsec_millis() / 100
    ));
    Ok(())
}

/// How long the server may take to end.
const DRAIN: Duration = Duration::from_secs(1);
