//! What a decision about a grant leads to: what is written with it, and the first tokens.

use hallpass_issuer::authorization::{Authorization, AuthorizationSeed, Origin};
use hallpass_issuer::refusal::GrantReason;
use hallpass_issuer::{Denied, account};
use hallpass_protocol::Timestamp;
use hallpass_protocol::token::TokenResponse;
use hallpass_store::{StoreError, Transaction, authorizations, browser_sessions, users};

use crate::error::json::JsonError;
use crate::issuance::{self, Beginning, Context, Grant, NewRefreshToken};

/// Writes down what a one-time code led to: a new authorization, or the end of one that a replay
/// gives away.
pub(super) fn settle(
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
            // Row S-246: the session is read here for the same reason.
            if account.is_some()
                && let Some(session) = seed.online_in()
                && browser_sessions::was_ended(tx, &session)?
            {
                return Ok(Err(GrantReason::SignedOut.into()));
            }
            let authorization = begin.authorization(seed, origin);
            authorizations::insert(tx, &authorization)?;
            Ok(Ok(authorization))
        }
        Err(denied) => revoke_denied(tx, denied, begin.now()),
    }
}

/// Mints the first tokens of a new authorization.
pub(super) async fn first_tokens(
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

/// Ends what a refusal says must end; part of the transaction that refuses.
pub(super) fn revoke_denied<T>(
    tx: &Transaction<'_>,
    denied: Denied,
    now: Timestamp,
) -> Result<Result<T, Denied>, StoreError> {
    if let Some((id, reason)) = denied.revokes {
        authorizations::revoke(tx, id, reason, now)?;
    }
    Ok(Err(denied))
}
