//! The same two endpoints under the names and with the members of `AuthKit`'s CLI sign-in: JSON or
//! form in, and the answer adds `user`.

use hallpass_issuer::client::AllowedScopes;
use hallpass_protocol::ClientId;
use hallpass_protocol::form::Form;
use hallpass_protocol::jose::Unverified;
use http::{Response, StatusCode};
use serde_json::{Map, Value, json};

use super::{device_authorization, token};
use crate::Body;
use crate::error::Fault;
use crate::error::json::{self as answer, JsonError};
use crate::request::Request;
use crate::state::State;

/// `AuthKit`'s request has no scopes, and its answer always has a refresh token and who it is.
const USUAL_SCOPES: &str = "openid profile email offline_access";

/// `POST user_management/authorize/device`.
pub(crate) async fn authorize_device(
    state: &State,
    request: &Request,
) -> Result<Response<Body>, JsonError> {
    let mut form = request.json_or_form()?;
    if !form.has("scope") && may_have_any_scope(state, &form) {
        form.push("scope", USUAL_SCOPES);
    }
    let response = device_authorization::start(state, request, &form).await?;
    Ok(answer::json(
        StatusCode::OK,
        response.to_json().map_err(Fault::from)?,
    ))
}

/// `POST user_management/authenticate`.
pub(crate) async fn authenticate(
    state: &State,
    request: &Request,
) -> Result<Response<Body>, JsonError> {
    let form = request.json_or_form()?;
    let response = token::redeem(state, request, &form).await?;
    let mut body = response.to_value().map_err(Fault::from)?;
    // The token was signed a line above: its claims need no check to be repeated.
    let claims: Map<String, Value> = Unverified::parse(response.access_token.expose())
        .and_then(|jwt| jwt.peek())
        .map_err(|_| Fault::new("our own access token cannot be read"))?;
    let of = |name: &str| claims.get(name).cloned().unwrap_or(Value::Null);
    if let Some(members) = body.as_object_mut() {
        let user = json!({ "object": "user", "id": of("sub"), "email": of("email") });
        members.insert("user".to_owned(), user);
    }
    Ok(answer::json(
        StatusCode::OK,
        serde_json::to_vec(&body).map_err(Fault::from)?,
    ))
}

/// Whether the client has no list of scopes that would be the default.
fn may_have_any_scope(state: &State, form: &Form) -> bool {
    let id = form.one("client_id").ok().flatten();
    id.and_then(|id| state.clients.find(&ClientId::new(id)))
        .is_some_and(|client| matches!(client.scopes, AllowedScopes::Any))
}
