//! Runs the program as people and scripts do, and looks at what it prints and how it exits.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod arguments;
mod demo;
mod hallpass;
mod jwt_decode;
mod login;
mod profiles;
mod serve;
