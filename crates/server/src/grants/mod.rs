//! One shell for each grant type, named as in `hallpass-issuer`: load, decide, save.

pub(crate) mod authorization_code;
pub(crate) mod client_credentials;
pub(crate) mod device_code;
pub(crate) mod jwt_bearer;
pub(crate) mod refresh_token;
pub(crate) mod token_exchange;

use hallpass_issuer::authorization::{Authorization, AuthorizationSeed, Origin};
use hallpass_issuer::{AuthenticatedClient, Denied};
use hallpass_protocol::Timestamp;
use hallpass_protocol::form::Form;
use hallpass_protocol::token::TokenResponse;
use hallpass_store::{StoreError, Transaction, authorizations};

use crate::error::json::JsonError;
use crate::issuance::{self, Beginning, Grant, NewRefreshToken};
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

/// Writes down what a one-time code led to: a new authorization, or the end of one that a replay
/// gives away.
fn settle(
    tx: &Transaction<'_>,
    begin: &Beginning,
    answer: Result<AuthorizationSeed, Denied>,
    origin: Origin,
) -> Result<Result<Authorization, Denied>, StoreError> {
    match answer {
        Ok(seed) => {
            let authorization = begin.authorization(seed, origin);
            authorizations::insert(tx, &authorization)?;
            Ok(Ok(authorization))
        }
        Err(denied) => revoke_denied(tx, denied, begin.now()),
    }
}

/// Mints the first tokens of a new authorization.
async fn first_tokens(
    at: Context<'_>,
    beginning: &Beginning,
    authorization: &Authorization,
    audience: Vec<String>,
) -> Result<TokenResponse, JsonError> {
    let grant = Grant {
        client: at.client,
        subject: authorization.seed.user.id.as_str(),
        scopes: authorization.seed.scopes.clone(),
        audience,
        refresh_token: beginning
            .first_of(authorization)
            .map(|token| NewRefreshToken {
                token,
                nonce: authorization.seed.nonce.clone(),
            }),
        authorization: Some(authorization),
        parent: None,
        not_after: None,
        form: at.form,
    };
    Ok(issuance::issue(at.state, at.request, grant).await?)
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
