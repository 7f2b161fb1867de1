//! The `UserInfo` endpoint.
//!
//! OIDC Core §5.3: <https://openid.net/specs/openid-connect-core-1_0.html#UserInfo>, RFC 6750.

use hallpass_issuer::policy::OPENID;
use hallpass_issuer::tokens::mint::Dialect;
use http::{Method, Response, StatusCode, header};
use serde_json::{Map, Value};

use crate::Body;
use crate::error::Fault;
use crate::error::json::{self, BearerProblem, JsonError};
use crate::extract::token::live_access_token;
use crate::request::Request;
use crate::state::State;

/// What belongs to the token and not to the person (RFC 9068 §2.2).
const ABOUT_THE_TOKEN: [&str; 8] = [
    "iss",
    "aud",
    "exp",
    "iat",
    "nbf",
    "jti",
    "client_id",
    "scope",
];

/// `GET userinfo`, `POST userinfo`.
pub(crate) async fn get(state: &State, request: &Request) -> Result<Response<Body>, JsonError> {
    let in_body = match request.method {
        Method::POST if !request.body.is_empty() => {
            request.form()?.one("access_token")?.map(str::to_owned)
        }
        _ => None,
    };
    // RFC 6750 §2: one way only. A token in the query is not read at all (row S-145).
    let in_header = request
        .headers
        .get_all(header::AUTHORIZATION)
        .iter()
        .count();
    let token = match (request.bearer(), in_body) {
        _ if in_header > 1 => return Err(JsonError::Bearer(BearerProblem::Twice)),
        (Some(_), Some(_)) => return Err(JsonError::Bearer(BearerProblem::Twice)),
        (Some(token), None) => token.to_owned(),
        (None, Some(token)) => token,
        (None, None) => return Err(JsonError::Bearer(BearerProblem::Absent)),
    };
    let claims = live_access_token(state, request, &token)
        .await?
        .ok_or(JsonError::Bearer(BearerProblem::Invalid))?;
    if !claims.scope.contains(OPENID) {
        return Err(JsonError::Bearer(BearerProblem::Scope(OPENID)));
    }
    let Value::Object(mut members) = serde_json::to_value(&*claims).map_err(Fault::from)? else {
        return Err(Fault::new("claims are an object").into());
    };
    if state.settings.token_rules.dialect == Dialect::Rfc9068 {
        let person = members
            .into_iter()
            .filter(|(name, _)| !ABOUT_THE_TOKEN.contains(&name.as_str()));
        members = person.collect::<Map<_, _>>();
    }
    Ok(json::json(
        StatusCode::OK,
        serde_json::to_vec(&members).map_err(Fault::from)?,
    ))
}
