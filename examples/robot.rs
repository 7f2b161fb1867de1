//! A job of a machine: it signs in as itself, by a secret in a file, and nobody is ever asked.
//!
//! `robot` sends each line of standard input as a report. Tokens are asked for when they are needed and kept in
//! memory until they are nearly over. The secret comes from a file that only the job can read, such as
//! systemd's `LoadCredential=` makes; it is in no variable and on no command line.
#![expect(clippy::print_stderr, reason = "standard error is a job's log")]

use std::error::Error as StdError;
use std::io::stdin;
use std::process::ExitCode;

use hallpass_client::reqwest::header::AUTHORIZATION;
use hallpass_client::reqwest::{self, redirect};
use hallpass_client::{
    Client, ClientAuthMethod, Error, MemoryStore, Secret, TokenRequest, TokenSource as _,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Err(failure) = run().await else {
        return ExitCode::SUCCESS;
    };
    match failure.downcast::<Error>() {
        // What failed, what to do, and an exit code that tells a wrong secret from a server that is away.
        Ok(error) => hallpass_client::finish("robot", Err(*error)),
        Err(other) => {
            eprintln!("robot: {other}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn StdError>> {
    let api = place("ACME_API", "https://api.example.com");
    let file = place("ACME_SECRET_FILE", "/run/credentials/robot.service/secret");
    let secret = std::fs::read_to_string(&file).map_err(|error| format!("{file}: {error}"))?;
    let tokens = Client::builder(
        place("ACME_ISSUER", "https://login.example.com"),
        "acme-robot",
    )
    .client_auth(ClientAuthMethod::Secret(Secret::from(secret.trim_end())))
    .scopes(["report:write"])
    .resource(&api)
    // There is no session to keep.
    .store(MemoryStore::new())
    .build()?
    .service_tokens();
    // A redirect would carry the token elsewhere.
    let http = reqwest::Client::builder().redirect(redirect::Policy::none());
    let http = http.build()?;
    for line in stdin().lines() {
        let token = tokens.token(&TokenRequest::new()).await?;
        let request = http
            .post(format!("{api}/report"))
            .header(AUTHORIZATION, token.authorization_header()?.expose())
            .body(line?);
        request.send().await?.error_for_status()?;
    }
    Ok(())
}

/// A program of your own names its server and its API here, and nowhere else.
#[expect(
    clippy::disallowed_methods,
    reason = "the tests say where their server is"
)]
fn place(variable: &str, default: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| default.to_owned())
}
