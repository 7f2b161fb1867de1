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
//!
//! A program whose commands have other names flattens [`SignInArgs`] and [`TokenArgs`] into its own.

mod args;
mod login;
mod output;
mod run;
mod sign_in_args;
mod stop_signals;
mod token_args;
mod values;

pub use args::{AuthArgs, AuthCommand, LoginArgs, LoginFlow, LogoutArgs, StatusArgs};
pub use sign_in_args::SignInArgs;
pub use stop_signals::{StopSignals, until_stopped};
pub use token_args::TokenArgs;
pub use values::{Ports, parse_method, parse_span};
