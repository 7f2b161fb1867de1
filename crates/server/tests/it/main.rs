//! The server in the test's process: one file for each endpoint or page, the clock stopped.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs,
    reason = "tests fail by panicking"
)]

mod account;
mod account_links;
mod accounts;
mod audit;
mod authorization;
mod branding;
mod browser_sessions;
mod consent;
mod control;
mod control_callbacks;
mod control_clock;
mod control_device;
mod control_faults;
mod control_gate;
mod control_keys;
mod control_requests;
mod control_reset;
mod control_token;
mod crowded_device_codes;
#[cfg(unix)]
mod database_lost;
mod device_authorization;
mod device_confirm;
mod device_flow;
#[cfg(unix)]
mod device_held_polls;
mod device_limits;
mod device_page;
mod device_retry;
mod device_token;
mod dpop;
mod dump;
mod end_session;
#[cfg(unix)]
mod equal_work;
mod exchanged_tokens;
mod hand_carried_codes;
mod hostile_jwts;
mod introspection;
mod jwt_bearer;
mod languages;
mod log_lines;
mod logged_secrets;
mod metadata;
mod mock_https;
mod mock_pages;
mod mock_tokens;
mod neighbours;
mod oidc;
mod pages;
mod passkeys;
mod places;
mod private_key_jwt;
mod production;
mod pushed_authorization_request;
mod redirect_uris;
mod registered_origins;
mod registration;
mod revocation;
mod revocation_races;
mod sealed_values;
mod second_factors;
mod second_process;
mod set_back_clock;
#[cfg(unix)]
mod several_nodes;
#[cfg(unix)]
mod sign_up;
mod stolen_refresh_tokens;
mod token;
mod token_code;
mod token_exchange;
mod token_refresh;
mod userinfo;
mod verified_tokens;
