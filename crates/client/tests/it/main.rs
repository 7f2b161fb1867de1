//! The client against scripted servers and scripted people; one file per story.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "the switches of clippy.toml cover only the test functions themselves"
)]

mod api_calls;
mod code_flow;
mod device_flow;
mod discovery;
mod fake;
mod id_token;
mod loopback;
mod other_grants;
mod person;
mod providers;
mod providers_any;
mod providers_github;
mod providers_google;
mod providers_hosted;
mod providers_microsoft;
mod providers_own;
mod refresh;
mod refresh_crash;
mod sign_out;
mod stores;
mod system_keychain;
mod three_ways;
mod three_ways_race;
mod token_answers;
