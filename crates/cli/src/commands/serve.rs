//! `hallpass serve`: runs an authorization server until it is told to stop.

use hallpass_client::clap::StopSignals;
use hallpass_server::{DevFlags, Running, Server, Settings};
use serde_json::json;

use crate::args::ServeArgs;
use crate::commands::Context;
use crate::commands::admin::target;
use crate::failure::Failure;
use crate::output::Output;
use crate::runtime::{self, ReloadSignal};

/// Runs the server.
pub(crate) fn run(args: &ServeArgs, context: &Context) -> Result<(), Failure> {
    let settings = if args.dev {
        dev_settings(args, context)?
    } else {
        target::settings(context, args.database.clone())?
    };
    for warning in &settings.warnings {
        context.output.warn(warning);
    }
    runtime::block_on_server(serve(settings, args, context))
}

fn dev_settings(args: &ServeArgs, context: &Context) -> Result<Settings, Failure> {
    let flags = DevFlags {
        host: args.host.clone(),
        port: args.port,
        config: context.global.config.clone(),
        strict: args.strict,
        dev_public: args.dev_public,
        dev_control_public: args.dev_control_public,
        issuer_url: args.issuer_url.clone(),
        database: args.database.clone(),
    };
    let variable = |name: &str| context.environment.text(name).map(str::to_owned);
    Settings::dev(&variable, flags).map_err(|error| target::misconfigured(&error))
}

async fn serve(settings: Settings, args: &ServeArgs, context: &Context) -> Result<(), Failure> {
    let mut server = start(settings).await?;
    for note in server.notes() {
        context.output.note(note);
    }
    // Whoever has read that it is ready may stop it: a signal must not kill it any more.
    let mut signals = runtime::stop_signals()?;
    let mut reload = ReloadSignal::listen(args.dev)?;
    ready(&server, args, context)?;
    loop {
        tokio::select! {
            () = reload.next() => server.reload(target::read(context, args.database.clone())),
            ended = until_stopped(&mut server, &mut signals) => {
                ended?;
                break;
            }
        }
    }
    context.output.note("Stopping: open requests may end.");
    // A second signal does not wait for them.
    tokio::select! {
        () = server.shutdown() => {}
        () = signals.next() => {}
    }
    Ok(())
}

/// Waits for the word to stop.
async fn until_stopped(server: &mut Running, signals: &mut StopSignals) -> Result<(), Failure> {
    tokio::select! {
        () = signals.next() => Ok(()),
        () = server.wait() => Err(Failure::other("the server stopped by itself")
            .hint_to("see the log above")),
    }
}

/// Starts a server, or says in one sentence why not.
pub(crate) async fn start(settings: Settings) -> Result<Running, Failure> {
    let started = Server::start(settings).await;
    started.map_err(|error| target::refused(&error))
}

/// The line for which scripts wait, and what to do with it.
fn ready(server: &Running, args: &ServeArgs, context: &Context) -> Result<(), Failure> {
    let url = server.url();
    let base = args.issuer_url.as_deref().unwrap_or(&url);
    // Production has one issuer; in dev mode every path is one, and this is the usual one.
    let (issuer, client) = match server.issuer() {
        Some(issuer) => (issuer.to_owned(), "CLIENT"),
        None => (format!("{}/default", base.trim_end_matches('/')), "my-cli"),
    };
    let command = format!("hallpass login --issuer {issuer} --client-id {client}");
    if context.output.is_json() {
        let addresses: Vec<_> = server.addresses().iter().map(ToString::to_string).collect();
        return Output::answer_json(&json!({
            "schema": "hallpass.serve/1",
            "url": url,
            "issuer": issuer,
            "addresses": addresses,
            "login": command,
        }));
    }
    let paint = context.output.paint;
    Output::answer(&format!(
        "{} {url}  issuer {issuer}\n  sign in with: {}\n",
        paint.good("Ready:"),
        paint.bold(&command),
    ))
}
