//! Each example as a real process: signed in to the end, and turned away.
//!
//! The server has threads of its own: a test waits for what a program prints without letting go of its own.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the switches of clippy.toml cover only the test functions themselves"
)]
#![cfg(unix)]

mod api;
mod auth_login;
mod auth_login_refused;
mod daemon;
mod events;
mod own_ui;
mod robot;
mod ten_lines;
mod world;
