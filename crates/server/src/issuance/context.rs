//! What a grant works with.

use hallpass_issuer::AuthenticatedClient;
use hallpass_protocol::form::Form;

use crate::request::Request;
use crate::state::State;

/// What every grant gets: the server, the request, and its client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context<'a> {
    pub(crate) state: &'a State,
    pub(crate) request: &'a Request,
    pub(crate) client: &'a AuthenticatedClient,
    pub(crate) form: &'a Form,
    /// The key that the request's DPoP proof is by.
    pub(crate) dpop_jkt: Option<&'a str>,
}
