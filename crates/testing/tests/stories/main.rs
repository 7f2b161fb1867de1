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

mod between;
mod browser_login;
mod busy_clients;
mod client_credentials;
mod client_registration;
mod corporate_network;
mod corrupt;
mod credential_helpers;
mod credential_helpers_page;
mod demo;
mod desk;
mod device_login;
mod device_refused;
mod dice;
mod error_texts;
mod full_disk;
mod history;
mod home;
mod killed_server;
mod lossy_proxy;
mod no_refresh_token;
mod no_secret_is_told;
mod no_terminal;
mod passing_request;
mod planted_faults;
mod private_key;
mod production;
mod provider_login;
mod pushed_request;
mod refresh_race;
mod reloaded_branding;
mod reloaded_certificates;
mod reloaded_settings;
mod replaced_location_file;
mod restored_copy;
mod revoked_everywhere;
mod serve;
mod server_process;
mod sign_in_anywhere;
mod sign_out_in_browser;
mod small_disk;
mod stopped_server;
mod unlisted_api;
