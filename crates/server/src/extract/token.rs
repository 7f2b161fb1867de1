//! An access token that this server issued, checked as userinfo and introspection need it.
//!
//! RFC 9068 §4: <https://www.rfc-editor.org/rfc/rfc9068#section-4>

use std::sync::Arc;

use hallpass_protocol::AuthorizationId;
use hallpass_protocol::access_token::AccessTokenClaims;
use hallpass_protocol::id_token::IdTokenClaims;
use hallpass_protocol::jose::jwt::{Leeway, RegisteredClaims};
use hallpass_protocol::jose::{TypRule, Unverified, Verified, typ};
use hallpass_store::{LEASE, TokenNames, authorizations, revocations};
use tokio::time::timeout;

use crate::error::Fault;
use crate::keys::IssuerKeys;
use crate::request::Request;
use crate::state::State;
use crate::verified_tokens::Signature;

/// The claims of a live access token of this issuer; `None` for anything else.
pub(crate) async fn live_access_token(
    state: &State,
    request: &Request,
    token: &str,
) -> Result<Option<Arc<AccessTokenClaims>>, Fault> {
    let keys = state
        .keys
        .of(&request.issuer, &state.store, request.now)
        .await?;
    let read = |signature| match signature {
        Signature::Ours => Unverified::parse(token)
            .ok()?
            .peek()
            .ok()
            .and_then(access_token),
        Signature::Unchecked => access_token_claims(state, &keys, token),
    };
    let Some(known) = state.verified_tokens.find(&keys, token, read) else {
        return Ok(None);
    };
    let claims = &known.claims;
    // No leeway for our own clock's tokens.
    if claims.iss != request.issuer_url || request.now >= claims.exp {
        return Ok(None);
    }
    if state.clients.is_gone(&claims.client_id) {
        return Ok(None);
    }
    let authorization = match claims.sid.as_deref().map(AuthorizationId::parse) {
        Some(None) => return Ok(None),
        found => found.flatten(),
    };
    let names = TokenNames {
        issuer: &request.issuer,
        jti: Some(&claims.jti),
        authorization,
    };
    let revocations = state.store.revocations();
    let now = revocations.now().await?;
    if revocations.has_ended(names) {
        return Ok(None);
    }
    if !revocations.believes(&known.seen_live, now) {
        if !Box::pin(fresh(state, is_live(state, names))).await? {
            return Ok(None);
        }
        known.seen_live.note(now);
    }
    Ok(Some(Arc::clone(claims)))
}

/// What the database says, if it says so while revocations of other nodes are known too: whoever
/// says "active" must be sure of the last second (row S-265).
pub(crate) async fn fresh<T, E: Into<Fault>>(
    state: &State,
    asked: impl Future<Output = Result<T, E>>,
) -> Result<T, Fault> {
    if !state.store.has_other_nodes() {
        return asked.await.map_err(Into::into);
    }
    let silent = || Fault::passing("the database does not answer in time");
    let began = state.store.revocations().now().await?;
    let answered = timeout(LEASE, asked).await.map_err(|_| silent())?;
    let answer = answered.map_err(Into::into)?;
    // A process that slept meanwhile has an old answer in its hands.
    let ended = state.store.revocations().now().await?;
    if ended.since(began) >= LEASE {
        return Err(silent());
    }
    Ok(answer)
}

/// The claims of an access token whose signature is good, whatever its time.
pub(crate) fn access_token_claims(
    state: &State,
    keys: &Arc<IssuerKeys>,
    token: &str,
) -> Option<AccessTokenClaims> {
    as_access_token(&verify(state, keys, token)?)
}

/// The claims of a verified JWT, if it is an access token. Dev mode gives both kinds one `typ`, and
/// people choose their claims: what has `at_hash` belongs to an access token and is none (row S-116).
pub(crate) fn as_access_token(verified: &Verified) -> Option<AccessTokenClaims> {
    verified.claims().ok().and_then(access_token)
}

fn access_token(claims: AccessTokenClaims) -> Option<AccessTokenClaims> {
    (!claims.extra.contains_key("at_hash")).then_some(claims)
}

/// The authorization that a token of ours hangs from.
pub(crate) fn authorization_of(claims: &RegisteredClaims) -> Option<AuthorizationId> {
    claims
        .extra
        .get("sid")?
        .as_str()
        .and_then(AuthorizationId::parse)
}

/// The claims of an ID token of ours as a hint; an expired one will do (OIDC Core §3.1.2.1, rows
/// S-231 and S-242).
pub(crate) async fn id_token_hint(
    state: &State,
    request: &Request,
    token: &str,
) -> Result<Option<IdTokenClaims>, Fault> {
    let keys = state
        .keys
        .of(&request.issuer, &state.store, request.now)
        .await?;
    let claims =
        verify(state, &keys, token).and_then(|verified| verified.claims::<IdTokenClaims>().ok());
    Ok(claims.filter(|claims| claims.iss == request.issuer_url && claims.at_hash.is_some()))
}

/// The registered claims of any JWT that an issuer of this server signed: what exchange and
/// assertions may bring.
pub(crate) async fn hosted_jwt(
    state: &State,
    request: &Request,
    token: &str,
) -> Result<Option<(RegisteredClaims, Verified)>, Fault> {
    let Ok(unverified) = Unverified::parse(token) else {
        return Ok(None);
    };
    let Ok(peeked) = unverified.peek::<RegisteredClaims>() else {
        return Ok(None);
    };
    // RFC 8725 §3.8: the key is chosen by the issuer, and only issuers of this server count.
    let base = request
        .issuer_url
        .strip_suffix(&request.path_of("").trim_end_matches('/').to_owned());
    let issuer = peeked
        .iss
        .as_deref()
        .and_then(|iss| iss.strip_prefix(base?));
    let Some(issuer) = issuer.map(|path| path.trim_start_matches('/').to_owned()) else {
        return Ok(None);
    };
    let known = issuer == request.issuer || state.keys.is_ready(&issuer);
    if !known {
        return Ok(None);
    }
    let keys = state.keys.of(&issuer, &state.store, request.now).await?;
    let Some(verified) = verify(state, &keys, token) else {
        return Ok(None);
    };
    let Ok(claims) = verified.claims::<RegisteredClaims>() else {
        return Ok(None);
    };
    if claims.check_times(request.now, Leeway::default()).is_err() {
        return Ok(None);
    }
    let names = TokenNames {
        issuer: &issuer,
        jti: claims.jti.as_deref(),
        authorization: authorization_of(&claims),
    };
    let is_live = is_live(state, names).await?;
    Ok(is_live.then_some((claims, verified)))
}

fn verify(state: &State, keys: &IssuerKeys, token: &str) -> Option<Verified> {
    let mappings = state
        .settings
        .token_callbacks
        .iter()
        .flat_map(|callback| &callback.mappings);
    let configured = mappings.filter_map(|mapping| mapping.typ.as_deref());
    let of_tests = state.control.callbacks.token_types();
    let types: Vec<&str> = [typ::ACCESS_TOKEN, "JWT"]
        .into_iter()
        .chain(configured)
        .chain(of_tests.iter().map(String::as_str))
        .collect();
    let unverified = Unverified::parse(token).ok()?;
    unverified
        .verify(&keys.public, &keys.algorithms, TypRule::AbsentOr(&types))
        .ok()
}

/// Whether neither the token nor what it hangs from was revoked.
async fn is_live(state: &State, names: TokenNames<'_>) -> Result<bool, Fault> {
    let (issuer, jti) = (names.issuer.to_owned(), names.jti.map(str::to_owned));
    let authorization = names.authorization;
    let live = state.store.read(move |tx| match (authorization, &jti) {
        (Some(id), Some(jti)) => revocations::is_live(tx, &issuer, jti, id),
        (Some(id), None) => authorizations::is_live(tx, id),
        (None, Some(jti)) => Ok(!revocations::is_revoked_jti(tx, &issuer, jti)?),
        (None, None) => Ok(true),
    });
    Ok(live.await?)
}
