//! The token endpoint: who asks, for which grant, and off to its file.
//!
//! RFC 6749 §3.2: <https://www.rfc-editor.org/rfc/rfc6749#section-3.2>

use hallpass_issuer::audit::Event;
use hallpass_issuer::refusal::{GrantReason, ProofReason, Refusal};
use hallpass_protocol::ClientId;
use hallpass_protocol::form::Form;
use hallpass_protocol::token::{GrantType, REPEATABLE, TokenRequest, TokenResponse};
use http::{Response, StatusCode};

use crate::Body;
use crate::dpop_nonces::Role;
use crate::error::Fault;
use crate::error::json::{self, JsonError};
use crate::extract::authenticated_client::{Unnamed, authenticate};
use crate::extract::dpop_proof;
use crate::grants::{
    authorization_code, client_credentials, device_code, jwt_bearer, refresh_token, token_exchange,
};
use crate::issuance::Context;
use crate::request::Request;
use crate::state::State;

/// `POST token`.
pub(crate) async fn post(state: &State, request: &Request) -> Result<Response<Body>, JsonError> {
    let form = request.form()?;
    let response = match redeem(state, request, &form).await {
        Ok(response) => response,
        Err(error) => {
            tell_refusal(state, request, &form, &error);
            return Err(error);
        }
    };
    Ok(json::json(
        StatusCode::OK,
        response.to_json().map_err(Fault::from)?,
    ))
}

/// Answers a token request, in the order of RFC 6749 §5.2: the form, the grant, the client, what
/// the client may do, its key, the parameters.
pub(crate) async fn redeem(
    state: &State,
    request: &Request,
    form: &Form,
) -> Result<TokenResponse, JsonError> {
    form.refuse_repeats(REPEATABLE)?;
    let grant = TokenRequest::grant_type(form)?;
    if !state.settings.offers(grant) {
        return Err(Refusal::UnsupportedGrantType.into());
    }
    let unnamed = match grant {
        GrantType::TokenExchange | GrantType::JwtBearer => Unnamed::Anonymous,
        GrantType::AuthorizationCode
        | GrantType::RefreshToken
        | GrantType::ClientCredentials
        | GrantType::DeviceCode => Unnamed::InvalidClient,
    };
    let client = authenticate(state, request, form, unnamed).await?;
    client.may_use(grant)?;
    let proof = dpop_proof::find(state, request, Role::AuthorizationServer, None).await?;
    if proof.is_none() && client.client().requires_dpop {
        return Err(Refusal::InvalidDpopProof(ProofReason::Absent).into());
    }
    let at = Context {
        state,
        request,
        client: &client,
        form,
        dpop_jkt: proof.as_ref().map(|proof| proof.thumbprint.as_str()),
    };
    // Boxed, so that a poll of a device does not carry the room that all the others need.
    match TokenRequest::decode(form)? {
        TokenRequest::AuthorizationCode {
            code,
            redirect_uri,
            code_verifier,
            resource,
            ..
        } => {
            let brought = authorization_code::Brought {
                code,
                redirect_uri,
                code_verifier,
                resource,
            };
            Box::pin(authorization_code::redeem(at, brought)).await
        }
        TokenRequest::RefreshToken {
            refresh_token,
            scope,
            resource,
            ..
        } => Box::pin(refresh_token::redeem(at, &refresh_token, scope, resource)).await,
        TokenRequest::ClientCredentials {
            scope,
            resource,
            audience,
        } => {
            let redeemed = client_credentials::redeem(at, scope.as_deref(), &resource, audience);
            Box::pin(redeemed).await
        }
        TokenRequest::DeviceCode {
            device_code,
            resource,
        } => device_code::redeem(at, &device_code, resource).await,
        TokenRequest::TokenExchange(exchange) => {
            Box::pin(token_exchange::redeem(at, &exchange)).await
        }
        TokenRequest::JwtBearer {
            assertion,
            scope,
            resource,
        } => {
            let redeemed = jwt_bearer::redeem(at, &assertion, scope.as_deref(), &resource);
            Box::pin(redeemed).await
        }
    }
}

/// Says that a request was refused, and why. A device that waits is refused all the time, and what is
/// only old was nobody's attack; who is no client is told elsewhere.
pub(super) fn tell_refusal(state: &State, request: &Request, form: &Form, error: &JsonError) {
    let (JsonError::Refused(refusal) | JsonError::RefusedBasic(refusal)) = error else {
        return;
    };
    let why = match refusal {
        Refusal::AuthorizationPending
        | Refusal::SlowDown { .. }
        | Refusal::ExpiredToken
        | Refusal::AccessDenied
        | Refusal::Busy(_)
        | Refusal::InvalidClient(_)
        | Refusal::InvalidGrant(
            // These have events of their own.
            GrantReason::Expired | GrantReason::Late | GrantReason::Reused | GrantReason::Elsewhere,
        ) => return,
        Refusal::InvalidGrant(reason) => format!("{reason:?}"),
        other => other.code().as_str().to_owned(),
    };
    let grant = TokenRequest::grant_type(form).map(GrantType::as_str);
    let entry = request.event(Event::TokenRefused).with("why", why);
    let entry = match grant {
        Ok(grant) => entry.with("grant", grant),
        Err(_) => entry,
    };
    let named = form.one("client_id").ok().flatten().map(ClientId::new);
    state
        .audit
        .tell(match named.and_then(|id| state.clients.find(&id)) {
            Some(client) => entry.with_client(&client.id),
            None => entry,
        });
}
