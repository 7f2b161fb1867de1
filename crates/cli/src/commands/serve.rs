//! `hallpass serve`: runs an authorization server until it is told to stop.

use hallpass_server::{DevFlags, Running, Server, Settings};
use serde_json::json;

use crate::args::ServeArgs;
use crate::commands::Context;
use crate::failure::Failure;
use crate::output::Output;
use crate::runtime::{self, StopSignals};

/// Runs the server.
pub(crate) fn run(args: &ServeArgs, context: &Context) -> Result<(), Failure> {
    if !args.dev {
        return Err(Failure::config("`serve` for production is not there yet")
            .hint_to("run `hallpass serve --dev` for development and tests"));
    }
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
    let settings = Settings::dev(&variable, flags).map_err(|error| {
        let hint = error
            .hint()
            .unwrap_or_else(|| "correct it there".to_owned());
        Failure::with_exit(error.exit_code(), error.to_string()).hint_to(hint)
    })?;
    for warning in &settings.warnings {
        context.output.warn(warning);
    }
    runtime::block_on_server(serve(settings, args, context))
}

async fn serve(settings: Settings, args: &ServeArgs, context: &Context) -> Result<(), Failure> {
    let mut server = start(settings).await?;
    // Whoever has read that it is ready may stop it: a signal must not kill it any more.
    let mut signals = StopSignals::listen()?;
    ready(&server, args, context)?;
    tokio::select! {
        () = signals.next() => {
            context.output.note("Stopping: open requests may end.");
            // A second signal does not wait for them.
            tokio::select! {
                () = server.shutdown() => {}
                () = signals.next() => {}
            }
            Ok(())
        }
        () = server.wait() => Err(Failure::other("the server stopped by itself")
            .hint_to("see the log above")),
    }
}

/// Starts a server, or says in one sentence why not.
pub(crate) async fn start(settings: Settings) -> Result<Running, Failure> {
    Server::start(settings).await.map_err(|error| {
        let failure = Failure::with_exit(error.exit_code(), error.to_string());
        match error.hint() {
            Some(hint) => failure.hint_to(hint),
            None => failure,
        }
    })
}

/// The line for which scripts wait, and what to do with it.
fn ready(server: &Running, args: &ServeArgs, context: &Context) -> Result<(), Failure> {
    let url = server.url();
    let base = args.issuer_url.as_deref().unwrap_or(&url);
    let issuer = format!("{}/default", base.trim_end_matches('/'));
    let command = format!("hallpass login --issuer {issuer} --client-id my-cli");
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
