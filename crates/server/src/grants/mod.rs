//! One shell for each grant type, named as in `hallpass-issuer`: load, decide, save.

pub(crate) mod authorization_code;
pub(crate) mod client_credentials;
pub(crate) mod device_code;
mod device_poll;
pub(crate) mod jwt_bearer;
pub(crate) mod refresh_token;
pub(crate) mod token_exchange;

use hallpass_issuer::authorization::{Authorization, AuthorizationSeed, Origin};
use hallpass_issuer::client::Proof;
use hallpass_issuer::{AuthenticatedClient, Denied, Refusal, account, bound_key};
use hallpass_protocol::Timestamp;
use hallpass_protocol::form::Form;
use hallpass_protocol::jose::jwt::RegisteredClaims;
use hallpass_protocol::token::TokenResponse;
use hallpass_store::{StoreError, Transaction, authorizations, users};

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
    /// The key that the request's DPoP proof is by.
    pub(crate) dpop_jkt: Option<&'a str>,
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
            // Rows S-25 and S-263: read in the transaction that redeems, so that a lock is either
            // seen here or sees the authorization.
            let account = match seed.sign_in.security_epoch {
                Some(_) => users::find(tx, &seed.user.id)?,
                None => None,
            };
            if let Err(reason) = account::check_redemption(&seed.sign_in, account.as_ref()) {
                return Ok(Err(reason.into()));
            }
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
        dpop_jkt: at.dpop_jkt,
    };
    Ok(issuance::issue(at.state, at.request, grant).await?)
}

/// Row S-89: a token that is bound to a key is exchanged by the owner of the key, or by the service
/// that it is for.
fn check_key(at: Context<'_>, token: &RegisteredClaims) -> Result<(), Refusal> {
    let is_for_caller = at.client.proof() != Proof::Named
        && token
            .aud
            .as_ref()
            .is_some_and(|audience| audience.contains(at.client.id().as_str()));
    if is_for_caller {
        return Ok(());
    }
    let confirmation = token.extra.get("cnf");
    let bound = confirmation.and_then(|cnf| cnf.get("jkt")?.as_str());
    bound_key::check(bound, at.dpop_jkt)
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
