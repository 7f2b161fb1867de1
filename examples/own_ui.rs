//! A program that shows the sign-in in its own way: here as lines that an editor could read.
//!
//! The library decides what happens and when; a [`Ui`] only says it. `own-ui --silent` never asks anybody.
#![expect(
    clippy::print_stdout,
    reason = "standard output is this program's screen"
)]

use std::process::ExitCode;

use hallpass_client::{BoxFuture, Client, Error, Prompt, SignIn, Ui, UiCaps, UiOutcome};

/// One line for each thing that the person should see.
#[derive(Debug)]
struct Lines;

impl Ui for Lines {
    fn show<'a>(&'a self, prompt: &'a Prompt) -> BoxFuture<'a, UiOutcome> {
        match prompt {
            Prompt::DeviceCode {
                user_code,
                verification_uri,
                expires_in,
                ..
            } => {
                let minutes = expires_in.as_secs() / 60;
                println!("code {user_code} at {verification_uri} for {minutes} min");
            }
            Prompt::Notice { text } => println!("notice {text}"),
            Prompt::Done { who, .. } => {
                println!("welcome {}", who.as_deref().unwrap_or("somebody"));
            }
            // There will be more kinds of prompts; who does not know one says nothing.
            _ => {}
        }
        Box::pin(std::future::ready(UiOutcome::Shown))
    }

    fn capabilities(&self) -> UiCaps {
        UiCaps { interactive: true }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    hallpass_client::finish("own-ui", run().await)
}

async fn run() -> Result<(), Error> {
    let client = Client::builder(place("ACME_ISSUER", "https://login.example.com"), "own-ui")
        .scopes(["openid", "offline_access"])
        .ui(Lines)
        .build()?;
    let is_silent = std::env::args().any(|word| word == "--silent");
    let how = if is_silent {
        SignIn::silent_only()
    } else {
        SignIn::device()
    };
    let session = client.sign_in(how).await?;
    println!(
        "session of {}",
        session.account().subject.as_deref().unwrap_or("somebody")
    );
    Ok(())
}

/// A program of your own names its server here, and nowhere else.
#[expect(
    clippy::disallowed_methods,
    reason = "the tests say where their server is"
)]
fn place(variable: &str, default: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| default.to_owned())
}
