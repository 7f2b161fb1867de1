//! The authorization server as a client of it sees it: its metadata, its keys, its token endpoint.

mod discovery;
mod id_token;
mod issuer_keys;
mod pushed_request;
mod refusal;
mod server;
mod token_endpoint;
mod user_name;

pub(crate) use discovery::endpoint;
pub(crate) use id_token::{Asked, refused};
pub use pushed_request::PushedRequests;
pub(crate) use refusal::refusal;
pub(crate) use server::AuthorizationServer;
pub(crate) use token_endpoint::{Granted, NotGranted};
