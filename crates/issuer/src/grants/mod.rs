//! One file for each grant type, named with the last word of its `grant_type` value.

pub mod authorization_code;
pub mod client_credentials;
pub mod device_approval;
pub mod device_code;
pub mod device_pace;
pub mod device_poll;
pub mod jwt_bearer;
pub mod refresh_token;
pub mod token_exchange;
