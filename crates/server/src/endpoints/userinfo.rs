//! The `UserInfo` endpoint.
//!
//! OIDC Core §5.3: <https://openid.net/specs/openid-connect-core-1_0.html#UserInfo>, RFC 6750,
//! RFC 9449 §7.

use hallpass_issuer::claims;
use hallpass_issuer::oidc_scopes::OPENID;
use hallpass_issuer::refusal::{ProofReason, Refusal};
use hallpass_issuer::tokens::mint::Dialect;
use hallpass_protocol::AuthorizationId;
use hallpass_protocol::access_token::AccessTokenClaims;
use hallpass_protocol::dpop::CheckedProof;
use hallpass_store::authorizations;
use http::{Method, Response, StatusCode, header};
use serde_json::{Map, Value};

use super::resource_metadata;
use crate::Body;
use crate::dpop_nonces::Role;
use crate::error::Fault;
use crate::error::challenge::{Challenge, Scheme, TokenProblem};
use crate::error::json::{self, JsonError};
use crate::extract::dpop_proof;
use crate::extract::token::{fresh, live_access_token};
use crate::request::Request;
use crate::state::State;

/// `GET userinfo`, `POST userinfo`.
pub(crate) async fn get(state: &State, request: &Request) -> Result<Response<Body>, JsonError> {
    let (token, scheme) = presented(request)?;
    let refuse = |problem, scheme| Err(challenge(request, problem, scheme).into());
    let proof = match scheme {
        Scheme::Dpop => proof(state, request, &token).await?,
        Scheme::Bearer | Scheme::Either => None,
    };
    let Some(claims) = live_access_token(state, request, &token).await? else {
        return refuse(TokenProblem::Invalid, scheme);
    };
    // RFC 9449 §7.1: the token is bound to the key of the proof, and to none without one (§7.2).
    let bound = claims.cnf.as_ref().and_then(|cnf| cnf.jkt.as_deref());
    let is_owner = match (bound, &proof) {
        (None, None) => true,
        (Some(jkt), Some(proof)) => proof.is_by(jkt),
        (Some(_), None) | (None, Some(_)) => false,
    };
    if !is_owner {
        return refuse(TokenProblem::Invalid, Scheme::Dpop);
    }
    if !claims.scope.contains(OPENID) {
        return refuse(TokenProblem::Scope(OPENID), scheme);
    }
    let Value::Object(mut members) = serde_json::to_value(&*claims).map_err(Fault::from)? else {
        return Err(Fault::new("claims are an object").into());
    };
    if state.settings.token_rules.dialect == Dialect::Rfc9068 {
        match about_the_person(state, &claims).await? {
            Some(person) => members = person,
            None => return refuse(TokenProblem::Invalid, scheme),
        }
    }
    Ok(json::json(
        StatusCode::OK,
        serde_json::to_vec(&members).map_err(Fault::from)?,
    ))
}

/// In production tokens are silent about people: what the scopes ask for comes from the sign-in.
/// `None` when that has ended meanwhile.
async fn about_the_person(
    state: &State,
    token: &AccessTokenClaims,
) -> Result<Option<Map<String, Value>>, Fault> {
    let id = token.sid.as_deref().and_then(AuthorizationId::parse);
    let authorization = match id {
        Some(id) => {
            let found = state.store.read(move |tx| authorizations::find(tx, id));
            let Some(found) = fresh(state, found).await? else {
                return Ok(None);
            };
            if found.revoked.is_some() {
                return Ok(None);
            }
            Some(found)
        }
        None => None,
    };
    let mut members = authorization.map_or_else(Map::new, |authorization| {
        claims::of_scopes(&authorization.seed.user.claims, &token.scope)
    });
    // OIDC Core §5.3.2: "sub" is always there.
    members.insert("sub".to_owned(), Value::from(token.sub.as_str()));
    Ok(Some(members))
}

/// The token of a request, and how it came: by one way only (RFC 6750 §2, RFC 9449 §7.2). A token in
/// the query is not read at all (row S-145).
fn presented(request: &Request) -> Result<(String, Scheme), JsonError> {
    let in_body = match request.method {
        Method::POST if !request.body.is_empty() => {
            request.form()?.one("access_token")?.map(str::to_owned)
        }
        _ => None,
    };
    let bearer = request.bearer().map(|token| (token, Scheme::Bearer));
    let dpop = request
        .authorization("dpop")
        .map(|token| (token, Scheme::Dpop));
    let in_header = request
        .headers
        .get_all(header::AUTHORIZATION)
        .iter()
        .count();
    match (bearer.or(dpop), in_body) {
        _ if in_header > 1 => Err(challenge(request, TokenProblem::Twice, Scheme::Bearer).into()),
        (Some(_), Some(_)) => Err(challenge(request, TokenProblem::Twice, Scheme::Bearer).into()),
        (Some((token, scheme)), None) => Ok((token.to_owned(), scheme)),
        (None, Some(token)) => Ok((token, Scheme::Bearer)),
        (None, None) => Err(challenge(request, TokenProblem::Absent, Scheme::Either).into()),
    }
}

/// The proof that must come with a token of the scheme DPoP.
async fn proof(
    state: &State,
    request: &Request,
    token: &str,
) -> Result<Option<CheckedProof>, JsonError> {
    let found = dpop_proof::find(state, request, Role::Resource, Some(token)).await;
    let found = found.and_then(|proof| {
        let absent = Refusal::InvalidDpopProof(ProofReason::Absent);
        proof.ok_or_else(|| absent.into()).map(Some)
    });
    found.map_err(|error| match error {
        JsonError::Refused(refusal) => {
            challenge(request, TokenProblem::Proof(refusal), Scheme::Dpop).into()
        }
        // A database that is away says nothing of the token.
        other => other,
    })
}

fn challenge(request: &Request, problem: TokenProblem, scheme: Scheme) -> Challenge {
    Challenge {
        problem,
        scheme,
        resource_metadata: resource_metadata::url(request),
    }
}
