//! Client authentication, the same at every endpoint that asks for it.
//!
//! RFC 6749 §2.3: <https://www.rfc-editor.org/rfc/rfc6749#section-2.3>, RFC 7523 §3.

use hallpass_issuer::audit::Event;
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
use crate::used_ids::{FirstUse, id_of};

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
    let client = match prove(state, request, form, unnamed) {
        Ok(client) => client,
        Err(Unproved { answer, guesser }) => {
            tell_failure(state, request, form, &answer);
            return Err(match guesser {
                Some(guesser) => count_guess(state, request, &guesser, answer).await,
                None => answer,
            });
        }
    };
    accept_once(state, request, &client).await?;
    Ok(client)
}

/// Why nobody is known yet.
struct Unproved {
    answer: JsonError,
    /// Whoever guessed a secret.
    guesser: Option<String>,
}

impl From<JsonError> for Unproved {
    fn from(answer: JsonError) -> Self {
        Self {
            answer,
            guesser: None,
        }
    }
}

/// Says which client was named, and why it was not believed.
fn tell_failure(state: &State, request: &Request, form: &Form, answer: &JsonError) {
    let (JsonError::Refused(refusal) | JsonError::RefusedBasic(refusal)) = answer else {
        return;
    };
    let Refusal::InvalidClient(reason) = refusal else {
        return;
    };
    if *reason == ClientReason::Absent {
        return;
    }
    let entry = request.event(Event::ClientAuthFailed);
    let entry = entry.with("why", format!("{reason:?}"));
    let header = request.header(header::AUTHORIZATION);
    let named = ClientCredentials::decode(header, form).ok();
    // Only a name that is known: what strangers send is no client, and perhaps a secret.
    let known = named
        .as_ref()
        .and_then(ClientCredentials::client_id)
        .and_then(|id| state.clients.find(id));
    state.audit.tell(match known {
        Some(client) => entry.with_client(&client.id),
        None => entry,
    });
}

/// Counts a wrong secret for all nodes together. Whoever was locked by another node's count is told
/// so here, too; a right secret is never asked about, so that it costs no look at the database.
async fn count_guess(
    state: &State,
    request: &Request,
    guesser: &str,
    answer: JsonError,
) -> JsonError {
    let limit = state.settings.limits.client_secret_fail;
    let was_locked = state.limiter.locked_for(guesser, request.now).is_some();
    let counted = state
        .limiter
        .add_for_all_nodes(&state.store, &[(guesser, limit)], request.now)
        .await;
    if !was_locked && state.limiter.locked_for(guesser, request.now).is_some() {
        let entry = request.event(Event::LimitTripped);
        state.audit.tell(entry.with("limit", "client_secret_fail"));
    }
    match counted {
        Ok(Some(wait)) => JsonError::TooMany(wait),
        Ok(None) => answer,
        // Counted here all the same, and wrong in any case.
        Err(error) => {
            tracing::warn!(%error, "a wrong client secret is counted by this node only");
            answer
        }
    }
}

fn prove(
    state: &State,
    request: &Request,
    form: &Form,
    unnamed: Unnamed,
) -> Result<AuthenticatedClient, Unproved> {
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
            let refusal = Refusal::invalid_request("`client_id` is missing");
            return Err(JsonError::from(refusal).into());
        }
        (other, _) => other,
    };
    let guesser = credentials
        .client_id()
        .map(|id| guesser_at(request.peer, &["secret", &request.issuer, id.as_str()]))
        .unwrap_or_default();
    if let Some(wait) = state.limiter.locked_for(&guesser, request.now) {
        return Err(JsonError::TooMany(wait).into());
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
        let is_by_secret = matches!(
            credentials,
            ClientCredentials::Basic(..) | ClientCredentials::Post(..)
        );
        Unproved {
            answer: unauthenticated(request, refusal),
            guesser: (is_guess && is_by_secret).then_some(guesser),
        }
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
    let used = state
        .used_ids
        .take(&state.store, id, assertion.expires_at, request.now);
    match used.await? {
        FirstUse::Yes => Ok(()),
        FirstUse::No => {
            let entry = request.event(Event::ClientAuthFailed);
            let entry = entry.with_client(client.id());
            state.audit.tell(entry.with("why", "AssertionReplayed"));
            Err(Refusal::InvalidClient(ClientReason::AssertionReplayed).into())
        }
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
