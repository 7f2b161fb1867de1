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
mod dice;
mod home;
mod lossy_proxy;
mod no_secret_is_told;
mod no_terminal;
mod provider_login;
mod refresh_race;
mod serve;
mod server_process;
mod sign_in_anywhere;
