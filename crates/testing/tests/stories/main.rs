//! The real program as a person and a script meet it: separate processes, a terminal, files, signals.
//! One story per file.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the switches of clippy.toml cover only the test functions themselves"
)]
#![cfg(unix)]

mod browser_login;
mod client_credentials;
mod corrupt;
mod demo;
mod device_login;
mod device_refused;
mod home;
mod no_terminal;
mod serve;
mod server_process;
