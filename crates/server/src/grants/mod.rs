//! One shell for each grant type, named as in `hallpass-issuer`: load, decide, save.

pub(crate) mod authorization_code;
mod bound_token;
pub(crate) mod client_credentials;
pub(crate) mod device_code;
mod device_poll;
pub(crate) mod jwt_bearer;
mod outcome;
pub(crate) mod refresh_token;
pub(crate) mod token_exchange;
mod unknown_device_code;
