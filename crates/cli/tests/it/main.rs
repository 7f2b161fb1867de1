//! Runs the program as people and scripts do, and looks at what it prints and how it exits.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod admin;
mod arguments;
mod audience;
mod audit;
mod bound_tokens;
#[path = "../../src/demo/cookies.rs"]
mod cookies;
#[cfg(unix)]
mod credential_helpers;
mod demo;
mod directory_file;
mod doctor;
#[cfg(unix)]
mod git_helper;
mod given_token;
mod hallpass;
#[path = "../../src/demo/html_form.rs"]
mod html_form;
mod jwt_decode;
mod login;
#[cfg(unix)]
mod other_helpers;
mod person;
mod profile_commands;
mod profiles;
mod schemas;
mod serve;
mod server;
#[cfg(unix)]
mod setup;
mod static_token;
mod story;
