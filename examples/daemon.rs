//! A daemon: a person signs it in once, then it works for them until it is told to end.
//!
//! `daemon auth login --device` shows a code, for the machine that it runs on has no browser; `auth status`,
//! `auth token` and `auth logout` are there too. `daemon` itself reports every
//! second (a real one: every hour). It never prompts: without a session it ends with exit code 4, so that
//! its supervisor can call a person. While the server or the API is away it stays, and tries again.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "standard output and standard error are a daemon's log"
)]

use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use hallpass_client::clap::AuthArgs;
use hallpass_client::{Client, ClientBuilder, Error, ErrorKind, Session, SignIn};
use tokio::time::{MissedTickBehavior, interval};

const EVERY: Duration = Duration::from_secs(1);

/// Reports every second, in the name of whoever signed in.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Sign in and out
    Auth(AuthArgs),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let client = Client::builder(
        place("ACME_ISSUER", "https://login.example.com"),
        "acme-daemon",
    )
    .scopes(["openid", "offline_access", "report:write"])
    .resource(place("ACME_API", "https://api.example.com"));
    match Cli::parse().command {
        Some(Command::Auth(auth)) => auth.run(client).await,
        None => hallpass_client::finish("daemon", serve(client).await),
    }
}

async fn serve(client: ClientBuilder) -> Result<(), Error> {
    let session = client.build()?.sign_in(SignIn::silent_only()).await?;
    tokio::select! {
        failed = report_for_ever(&session) => failed,
        () = told_to_end() => {
            println!("ended");
            Ok(())
        }
    }
}

/// Ends only with an error that waiting does not mend.
async fn report_for_ever(session: &Session) -> Result<(), Error> {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let address = format!("{}/report", place("ACME_API", "https://api.example.com"));
    loop {
        ticks.tick().await;
        match session.http().post(&address).body("alive").send().await {
            Ok(answer) => println!("reported: {}", answer.status().as_u16()),
            Err(error) if matches!(error.kind(), ErrorKind::Unavailable { .. }) => {
                eprintln!("later: {error}");
            }
            Err(error) => return Err(error),
        }
    }
}

/// SIGTERM, or Ctrl-C at a terminal.
async fn told_to_end() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let listening = (
            signal(SignalKind::terminate()),
            signal(SignalKind::interrupt()),
        );
        if let (Ok(mut terminate), Ok(mut interrupt)) = listening {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            return;
        }
    }
    // What cannot be listened to ends the process by itself.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// A program of your own names its server and its API here, and nowhere else.
#[expect(
    clippy::disallowed_methods,
    reason = "the tests say where their server is"
)]
fn place(variable: &str, default: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| default.to_owned())
}
