//! Who is asking: the client, the person, the browser.

pub(crate) mod authenticated_client;
pub(crate) mod browser;
pub(crate) mod cookie;
pub(crate) mod dpop_proof;
pub(crate) mod pushed_request;
pub(crate) mod signed_in_user;
pub(crate) mod token;
pub(crate) mod user_agent;
