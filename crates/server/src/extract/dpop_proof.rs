//! The DPoP proof of a request, checked: the pure checks are the protocol's, state is added here.
//!
//! RFC 9449 §4.3: <https://www.rfc-editor.org/rfc/rfc9449#section-4.3>

use hallpass_issuer::Refusal;
use hallpass_issuer::refusal::ProofReason;
use hallpass_protocol::Timestamp;
use hallpass_protocol::dpop::{self, CheckedProof, ProofPolicy, access_token_hash};
use http::{HeaderName, HeaderValue, Response};
use url::Url;

use crate::Body;
use crate::dpop_nonces::Role;
use crate::error::json::JsonError;
use crate::request::Request;
use crate::state::State;
use crate::used_ids::FirstUse;

/// The header of a proof.
const PROOF: HeaderName = HeaderName::from_static("dpop");
/// The header of the next nonce.
const NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// Checks the proof of a request, if it has one. `token` is the access token that came with it.
pub(crate) async fn find(
    state: &State,
    request: &Request,
    role: Role,
    token: Option<&str>,
) -> Result<Option<CheckedProof>, JsonError> {
    let Some((proof, ends)) = check(state, request, role, token)? else {
        return Ok(None);
    };
    // §11.1, the last check: what is refused above uses nothing up.
    let used = state
        .used_ids
        .take(&state.store, proof.replay_key(), ends, request.now);
    match used.await? {
        FirstUse::Yes => Ok(Some(proof)),
        FirstUse::No => Err(Refusal::InvalidDpopProof(ProofReason::Replayed).into()),
        FirstUse::NoRoom(wait) => Err(Refusal::Busy(wait).into()),
    }
}

/// The proof of a request, if it is good in itself, and until when its id counts.
fn check(
    state: &State,
    request: &Request,
    role: Role,
    token: Option<&str>,
) -> Result<Option<(CheckedProof, Timestamp)>, Refusal> {
    let refuse = |reason| Err(Refusal::InvalidDpopProof(reason));
    let mut headers = request.headers.get_all(PROOF).iter();
    // §4.3 no. 1: "There is not more than one DPoP HTTP request header field".
    let header = match (headers.next(), headers.next()) {
        (None, _) => return Ok(None),
        (Some(header), None) => header,
        (Some(_), Some(_)) => return refuse(ProofReason::Repeated),
    };
    let Ok(text) = header.to_str() else {
        return refuse(ProofReason::Unreadable);
    };
    let Ok(htu) = Url::parse(&request.url()) else {
        return refuse(ProofReason::Unreadable);
    };
    let ath = token.map(access_token_hash);
    let policy = ProofPolicy {
        ath: ath.as_deref(),
        ..ProofPolicy::new(request.method.as_str(), &htu, request.now)
    };
    let proof = dpop::check(text, &policy)
        .map_err(|error| Refusal::InvalidDpopProof(ProofReason::Bad(error)))?;
    check_nonce(state, request, role, &proof)?;
    let ends = proof.iat + policy.window + policy.leeway.duration();
    Ok(Some((proof, ends)))
}

/// §11.3: where nonces are asked for, a proof without one is never accepted.
fn check_nonce(
    state: &State,
    request: &Request,
    role: Role,
    proof: &CheckedProof,
) -> Result<(), Refusal> {
    if !state.settings.dpop_nonce {
        return Ok(());
    }
    let is_good = |nonce: &String| {
        state
            .dpop_nonces
            .is_good(role, &request.issuer, nonce, request.now)
    };
    if proof.nonce.as_ref().is_some_and(is_good) {
        Ok(())
    } else {
        Err(Refusal::UseDpopNonce)
    }
}

/// Sends the nonce of the next proof along (§8.2), where nonces are asked for.
pub(crate) fn send_nonce(
    state: &State,
    request: &Request,
    role: Role,
    response: &mut Response<Body>,
) {
    if !state.settings.dpop_nonce {
        return;
    }
    let nonce = state
        .dpop_nonces
        .current(role, &request.issuer, request.now);
    if let Ok(value) = HeaderValue::try_from(nonce) {
        response.headers_mut().insert(NONCE, value);
    }
}
