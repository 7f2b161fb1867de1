//! The client against scripted servers and scripted people; one file per story.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "the switches of clippy.toml cover only the test functions themselves"
)]

mod ada;
mod api_calls;
mod audience;
mod client_auth;
mod code_flow;
mod dev_server;
mod device_flow;
mod discovery;
mod dpop;
mod dpop_api;
mod fake;
mod helper_tokens;
mod id_token;
mod library_front;
mod loopback;
mod other_grants;
mod own_transport;
mod person;
mod protected_resource;
mod providers;
mod providers_any;
mod providers_github;
mod providers_google;
mod providers_hosted;
mod providers_microsoft;
mod providers_own;
mod pushed_requests;
mod real_server;
mod refresh;
mod refresh_crash;
mod registration;
mod sign_out;
mod stores;
mod system_keychain;
mod three_ways;
mod three_ways_race;
mod token_answers;
#[cfg(feature = "tower")]
mod tower_layer;
mod user_name;
