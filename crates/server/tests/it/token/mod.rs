//! The token endpoint, whatever the grant.

mod client_authentication;
mod form;
mod requests;
mod service;

pub(crate) use requests::assert_json_refusal;
