//! Arguments for [clap](https://docs.rs/clap) programs: `mycli auth login|logout|status|token`, with the flags, the
//! JSON and the exit codes of `hallpass`.
//!
//! ```no_run
//! use std::process::ExitCode;
//! use clap::Parser;
//! use hallpass_client::{Client, clap::AuthArgs};
//!
//! #[derive(Parser)]
//! enum Command {
//!     /// Sign in and out
//!     Auth(AuthArgs),
//! }
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> ExitCode {
//!     let client = Client::builder("https://login.example.com", "acme-cli").app_name("acme");
//!     match Command::parse() {
//!         Command::Auth(auth) => auth.run(client).await,
//!     }
//! }
//! ```

mod args;
mod run;
mod values;

pub use args::{AuthArgs, AuthCommand, LoginArgs, LoginFlow, LogoutArgs, StatusArgs, TokenArgs};
pub use values::{parse_ports, parse_span};
