//! A whole program that signs a person in and calls an API as that person.
#![expect(clippy::print_stdout, reason = "a program prints its answer")]

use std::process::ExitCode;

use hallpass_client::{Client, Error, SignIn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    hallpass_client::finish("acme", run().await)
}

async fn run() -> Result<(), Error> {
    let client = Client::builder(
        place("ACME_ISSUER", "https://login.example.com"),
        "acme-cli",
    )
    .app_name("acme")
    .scopes(["openid", "offline_access", "api:read"])
    .resource(place("ACME_API", "https://api.example.com"))
    .build()?;
    let session = client.sign_in(SignIn::auto()).await?;
    let me = format!("{}/me", place("ACME_API", "https://api.example.com"));
    let answer = session.http().get(me).send().await?;
    println!("{}", answer.text().await.unwrap_or_default());
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
