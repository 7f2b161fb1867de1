//! An access token that this server issued, checked as userinfo and introspection need it.
//!
//! RFC 9068 §4: <https://www.rfc-editor.org/rfc/rfc9068#section-4>

use std::sync::Arc;

use hallpass_protocol::AuthorizationId;
use hallpass_protocol::access_token::AccessTokenClaims;
use hallpass_protocol::jose::jwt::{Leeway, RegisteredClaims};
use hallpass_protocol::jose::{TypRule, Unverified, Verified};
use hallpass_store::{authorizations, revocations};

use crate::error::Fault;
use crate::keys::IssuerKeys;
use crate::request::Request;
use crate::state::State;

/// The claims of a live access token of this issuer; `None` for anything else.
pub(crate) async fn live_access_token(
    state: &State,
    request: &Request,
    token: &str,
) -> Result<Option<AccessTokenClaims>, Fault> {
    let keys = state.keys.of(&request.issuer, &state.store, request.now).await?;
    let Some(claims) = access_token_claims(state, &keys, token) else { return Ok(None) };
    // No leeway for our own clock's tokens.
    if claims.iss != request.issuer_url || request.now >= claims.exp {
        return Ok(None);
    }
    Ok(is_live(state, &request.issuer, &claims).await?.then_some(claims))
}

/// The claims of an access token whose signature is good, whatever its time.
pub(crate) fn access_token_claims(
    state: &State,
    keys: &Arc<IssuerKeys>,
    token: &str,
) -> Option<AccessTokenClaims> {
    let verified = verify(state, keys, token)?;
    // An ID token has no `client_id`, so it is none of these (row S-116).
    verified.claims().ok()
}

/// The registered claims of any JWT that an issuer of this server signed: what exchange and
/// assertions may bring.
pub(crate) async fn hosted_jwt(
    state: &State,
    request: &Request,
    token: &str,
) -> Result<Option<(RegisteredClaims, Verified)>, Fault> {
    let Ok(unverified) = Unverified::parse(token) else { return Ok(None) };
    let Ok(peeked) = unverified.peek::<RegisteredClaims>() else { return Ok(None) };
    // RFC 8725 §3.8: the key is chosen by the issuer, and only issuers of this server count.
    let base = request.issuer_url.strip_suffix(&request.path_of("").trim_end_matches('/').to_owned());
    let issuer = peeked.iss.as_deref().and_then(|iss| iss.strip_prefix(base?));
    let Some(issuer) = issuer.map(|path| path.trim_start_matches('/').to_owned()) else {
        return Ok(None);
    };
    let known = issuer == request.issuer || state.keys.is_ready(&issuer);
    if !known {
        return Ok(None);
    }
    let keys = state.keys.of(&issuer, &state.store, request.now).await?;
    let Some(verified) = verify(state, &keys, token) else { return Ok(None) };
    let Ok(claims) = verified.claims::<RegisteredClaims>() else { return Ok(None) };
    if claims.check_times(request.now, Leeway::default()).is_err() {
        return Ok(None);
    }
    if let Ok(access) = verified.claims::<AccessTokenClaims>()
        && !is_live(state, &issuer, &access).await?
    {
        return Ok(None);
    }
    Ok(Some((claims, verified)))
}

fn verify(state: &State, keys: &IssuerKeys, token: &str) -> Option<Verified> {
    let typ = state.settings.token_rules.dialect.access_token_typ();
    let unverified = Unverified::parse(token).ok()?;
    unverified.verify(&keys.public, &[keys.signer.key().algorithm()], TypRule::AbsentOr(&[typ, "JWT"])).ok()
}

/// Whether neither the token nor what it hangs from was revoked.
async fn is_live(state: &State, issuer: &str, claims: &AccessTokenClaims) -> Result<bool, Fault> {
    let authorization = claims.sid.as_deref().map(AuthorizationId::parse);
    if authorization == Some(None) {
        return Ok(false);
    }
    let (issuer, jti) = (issuer.to_owned(), claims.jti.clone());
    let live = state.store.read(move |tx| {
        if revocations::is_revoked_jti(tx, &issuer, &jti)? {
            return Ok(false);
        }
        match authorization.flatten() {
            Some(id) => Ok(authorizations::find(tx, id)?.is_some_and(|found| found.is_live())),
            None => Ok(true),
        }
    });
    Ok(live.await?)
}
