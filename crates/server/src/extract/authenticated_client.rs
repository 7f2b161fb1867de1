//! Client authentication, the same at every endpoint that asks for it.
//!
//! RFC 6749 §2.3: <https://www.rfc-editor.org/rfc/rfc6749#section-2.3>, RFC 7523 §3.

use hallpass_issuer::client::Occasion;
use hallpass_issuer::refusal::ClientReason;
use hallpass_issuer::{AuthenticatedClient, Refusal};
use hallpass_protocol::ClientId;
use hallpass_protocol::client_auth::ClientCredentials;
use hallpass_protocol::form::Form;
use http::header;

use crate::error::json::JsonError;
use crate::limiter::guesser_at;
use crate::request::Request;
use crate::state::State;
use crate::used_ids::{self, FirstUse, id_of};

/// The name of whoever exchanges a token in dev mode without saying who they are (`docs/dev-mode.md`).
const ANONYMOUS: &str = "anonymous";

/// What happens to a request that names no client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unnamed {
    /// `invalid_client` (RFC 6749 §5.2).
    InvalidClient,
    /// `invalid_request`: the parameter is missing (row S-02).
    InvalidRequest,
    /// Dev mode takes it (token exchange, introspection).
    Anonymous,
}

/// Authenticates the client of a request. A failure touches nothing but the count of failures.
pub(crate) async fn authenticate(
    state: &State,
    request: &Request,
    form: &Form,
    unnamed: Unnamed,
) -> Result<AuthenticatedClient, JsonError> {
    let client = prove(state, request, form, unnamed)?;
    accept_once(state, request, &client).await?;
    Ok(client)
}

fn prove(
    state: &State,
    request: &Request,
    form: &Form,
    unnamed: Unnamed,
) -> Result<AuthenticatedClient, JsonError> {
    let header = request.header(header::AUTHORIZATION);
    let credentials =
        ClientCredentials::decode(header, form).map_err(|error| match Refusal::from(error) {
            refusal @ Refusal::InvalidClient(_) => unauthenticated(request, refusal),
            refusal => JsonError::Refused(refusal),
        })?;
    let credentials = match (credentials, unnamed) {
        (ClientCredentials::Absent, Unnamed::Anonymous) if !state.clients.is_strict() => {
            ClientCredentials::Named(ClientId::new(ANONYMOUS))
        }
        (ClientCredentials::Absent, Unnamed::InvalidRequest) => {
            return Err(Refusal::invalid_request("`client_id` is missing").into());
        }
        (other, _) => other,
    };
    let guesser = credentials
        .client_id()
        .map(|id| guesser_at(request.peer, &["secret", &request.issuer, id.as_str()]))
        .unwrap_or_default();
    if let Some(wait) = state.limiter.locked_for(&guesser, request.now) {
        return Err(JsonError::TooMany(wait));
    }
    let client = credentials
        .client_id()
        .and_then(|id| state.clients.find(id));
    // Row S-185: the issuer, the endpoint that is called, and the token endpoint, which older
    // clients name wherever they go. Only an assertion names any.
    let (called, token) = match credentials {
        ClientCredentials::Assertion { .. } => (request.url(), request.url_of(request.paths.token)),
        _ => Default::default(),
    };
    let occasion = Occasion {
        audiences: &[&request.issuer_url, &called, &token],
        now: request.now,
    };
    let authenticated = AuthenticatedClient::authenticate(client, &credentials, occasion);
    authenticated.map_err(|refusal| {
        // Whether a client exists must not show in who gets locked; a public client that tries
        // Basic first guesses nothing (row S-136).
        let is_guess = matches!(
            refusal,
            Refusal::InvalidClient(
                ClientReason::WrongSecret | ClientReason::WrongMethod | ClientReason::Unknown
            )
        );
        if is_guess
            && matches!(
                credentials,
                ClientCredentials::Basic(..) | ClientCredentials::Post(..)
            )
        {
            let limit = state.settings.limits.client_secret_fail;
            state.limiter.add(&guesser, limit, request.now);
        }
        unauthenticated(request, refusal)
    })
}

/// Row S-186: the `jti` of an assertion counts once for its client, at whatever endpoint.
async fn accept_once(
    state: &State,
    request: &Request,
    client: &AuthenticatedClient,
) -> Result<(), JsonError> {
    let Some(assertion) = client.assertion() else {
        return Ok(());
    };
    let id = id_of(&[
        b"assertion",
        client.id().as_str().as_bytes(),
        assertion.jti.as_bytes(),
    ]);
    match used_ids::take(state, id, assertion.expires_at, request.now).await? {
        FirstUse::Yes => Ok(()),
        FirstUse::No => Err(Refusal::InvalidClient(ClientReason::AssertionReplayed).into()),
        FirstUse::NoRoom(wait) => Err(Refusal::Busy(wait).into()),
    }
}

/// Failed client authentication; whoever tried Basic is told that Basic is spoken (RFC 6749 §5.2).
pub(crate) fn unauthenticated(request: &Request, refusal: Refusal) -> JsonError {
    let scheme = request
        .header(header::AUTHORIZATION)
        .and_then(|value| value.split(' ').next());
    if scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("basic")) {
        JsonError::RefusedBasic(refusal)
    } else {
        JsonError::Refused(refusal)
    }
}
