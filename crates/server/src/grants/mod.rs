//! One shell for each grant type, named as in `hallpass-issuer`: load, decide, save.

pub(crate) mod authorization_code;
pub(crate) mod client_credentials;
pub(crate) mod device_code;
pub(crate) mod jwt_bearer;
pub(crate) mod refresh_token;
pub(crate) mod token_exchange;

use hallpass_issuer::{AuthenticatedClient, Denied};
use hallpass_protocol::Timestamp;
use hallpass_protocol::form::Form;
use hallpass_store::{StoreError, Transaction, authorizations};

use crate::request::Request;
use crate::state::State;

/// What every grant gets: the server, the request, and its client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context<'a> {
    pub(crate) state: &'a State,
    pub(crate) request: &'a Request,
    pub(crate) client: &'a AuthenticatedClient,
    pub(crate) form: &'a Form,
}

/// Ends what a refusal says must end; part of the transaction that refuses.
fn revoke_denied<T>(
    tx: &Transaction<'_>,
    denied: Denied,
    now: Timestamp,
) -> Result<Result<T, Denied>, StoreError> {
    if let Some((id, reason)) = denied.revokes {
        tracing::warn!(authorization = %id, ?reason, "authorization revoked");
        authorizations::revoke(tx, id, reason, now)?;
    }
    Ok(Err(denied))
}
