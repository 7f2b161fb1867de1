//! Dynamic client registration, and what a registered client does with its registration.
//!
//! RFC 7591 §3: <https://www.rfc-editor.org/rfc/rfc7591#section-3>, RFC 7592 §2.

use hallpass_issuer::audit::Event;
use hallpass_issuer::authorization::RevokeReason;
use hallpass_issuer::refusal::Refusal;
use hallpass_issuer::registration::{self, MOST_CLIENTS, RegisteredClient};
use hallpass_issuer::tokens::one_time::{Kind, SecretHash};
use hallpass_protocol::ClientId;
use hallpass_protocol::client_auth::ClientAuthMethod;
use hallpass_protocol::jose::json as strict_json;
use hallpass_protocol::registration::{
    ClientInformation, ClientMetadata, ClientUpdate, SERVER_MEMBERS,
};
use hallpass_store::{authorizations, clients, consents, pushed_requests};
use http::{Method, Response, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::Body;
use crate::error::Fault;
use crate::error::challenge::{Challenge, Scheme, TokenProblem};
use crate::error::json::{self, JsonError};
use crate::request::Request;
use crate::state::State;

/// How long to wait where there are too many clients already.
const FULL: std::time::Duration = std::time::Duration::from_mins(1);

/// `POST register`.
pub(crate) async fn post(state: &State, request: &Request) -> Result<Response<Body>, JsonError> {
    let rules = state.settings.registration;
    if !rules.is_open {
        return Err(JsonError::NotFound);
    }
    let asked: ClientMetadata = read(members(request)?)?;
    let metadata = registration::check(asked)?;
    let random = state.random.as_ref();
    // §5: the server chooses the id; one that the request names is ignored (row S-173).
    let (id, _) = Kind::RegisteredClient.generate(random);
    let (token, registration) = Kind::Registration.generate(random);
    let (secret, hash) = secret(state, &metadata);
    let registered = RegisteredClient {
        id: ClientId::new(id.expose().clone()),
        issuer: request.issuer.clone(),
        metadata,
        secret: hash,
        registration,
        created_at: request.now,
    };
    let kept = registered.clone();
    let inserted = state.store.write(move |tx| {
        if clients::count_rows(tx)? >= MOST_CLIENTS {
            return Ok(Err(Refusal::Busy(FULL)));
        }
        clients::insert(tx, &kept).map(Ok)
    });
    inserted.await??;
    state.clients.register(&registered);
    let entry = request.event(Event::ClientRegistered);
    state.audit.tell(entry.by_client(&registered.id));
    let information = information(request, registered, token.expose()).with_secret(secret);
    answer(StatusCode::CREATED, &information)
}

/// `GET`, `PUT` and `DELETE register/{id}` (RFC 7592 §2).
pub(crate) async fn configure(
    state: &State,
    request: &Request,
) -> Result<Response<Body>, JsonError> {
    let (registered, token) = authorized(state, request).await?;
    match request.method {
        Method::PUT => update(state, request, registered, &token).await,
        Method::DELETE => delete(state, request, registered.id).await,
        _ => answer(StatusCode::OK, &information(request, registered, &token)),
    }
}

/// The client of the address, if the request shows its registration token. Whether there is such a
/// client is told to nobody else (row S-180).
async fn authorized(
    state: &State,
    request: &Request,
) -> Result<(RegisteredClient, String), JsonError> {
    let Some(token) = request.bearer() else {
        return Err(refused(TokenProblem::Absent));
    };
    let id = ClientId::new(request.path.rsplit('/').next().unwrap_or_default());
    let found = state.store.read(move |tx| clients::find(tx, &id)).await?;
    let shown = Kind::Registration.read(token);
    let own = found.filter(|client| {
        // Both are SHA-256 of 256 random bits: how long the comparison takes tells nothing.
        Some(client.registration) == shown && client.issuer == request.issuer
    });
    own.map(|client| (client, token.to_owned()))
        .ok_or_else(|| refused(TokenProblem::Invalid))
}

fn refused(problem: TokenProblem) -> JsonError {
    JsonError::Token(Challenge {
        problem,
        scheme: Scheme::Bearer,
        resource_metadata: None,
    })
}

/// RFC 7592 §2.2: the new metadata replaces the old; what is left out is gone.
async fn update(
    state: &State,
    request: &Request,
    registered: RegisteredClient,
    token: &str,
) -> Result<Response<Body>, JsonError> {
    let bad = |text: &'static str| Refusal::InvalidClientMetadata(text.into());
    let members = members(request)?;
    if SERVER_MEMBERS
        .iter()
        .any(|name| members.contains_key(*name))
    {
        return Err(bad("a member that only the server writes stands in the update").into());
    }
    let update: ClientUpdate = read(members)?;
    if update.client_id.as_deref() != Some(registered.id.as_str()) {
        return Err(bad("`client_id` is not the client's own").into());
    }
    let shown = update.client_secret.as_deref();
    let shown = shown.map(|secret| SecretHash::of(secret.as_bytes()));
    // "The client MUST NOT be allowed to overwrite its existing client secret".
    if shown.is_some() && shown != registered.secret {
        return Err(bad("`client_secret` is not the client's own").into());
    }
    let metadata = registration::check(update.metadata)?;
    let (secret, hash) = match (has_secret(&metadata), registered.secret) {
        (true, Some(known)) => (None, Some(known)),
        (true, None) | (false, _) => secret(state, &metadata),
    };
    let registered = RegisteredClient {
        metadata,
        secret: hash,
        ..registered
    };
    let kept = registered.clone();
    let saved = state.store.write(move |tx| clients::save(tx, &kept));
    if !saved.await? {
        // Somebody removed it meanwhile.
        return Err(refused(TokenProblem::Invalid));
    }
    state.clients.register(&registered);
    let entry = request.event(Event::ClientUpdated);
    state.audit.tell(entry.by_client(&registered.id));
    let information = information(request, registered, token).with_secret(secret);
    answer(StatusCode::OK, &information)
}

/// RFC 7592 §2.3: the client goes, and all that it was given.
async fn delete(
    state: &State,
    request: &Request,
    id: ClientId,
) -> Result<Response<Body>, JsonError> {
    let (gone, now) = (id.clone(), request.now);
    let deleted = state.store.write(move |tx| {
        clients::delete(tx, &gone)?;
        pushed_requests::delete_by_client(tx, &gone)?;
        consents::delete_by_client(tx, &gone)?;
        authorizations::revoke_by_client(tx, &gone, RevokeReason::Client, now)
    });
    deleted.await?;
    state.clients.forget(&id);
    let entry = request.event(Event::ClientDeleted);
    state.audit.tell(entry.by_client(&id));
    let mut response = json::json(StatusCode::NO_CONTENT, Vec::new());
    response.headers_mut().remove(http::header::CONTENT_TYPE);
    Ok(response)
}

fn has_secret(metadata: &ClientMetadata) -> bool {
    matches!(
        registration::auth_method(metadata),
        ClientAuthMethod::ClientSecretBasic | ClientAuthMethod::ClientSecretPost
    )
}

/// A new secret and its hash, where the method has one.
fn secret(state: &State, metadata: &ClientMetadata) -> (Option<String>, Option<SecretHash>) {
    if !has_secret(metadata) {
        return (None, None);
    }
    let (secret, _) = Kind::ClientSecret.generate(state.random.as_ref());
    let hash = SecretHash::of(secret.expose().as_bytes());
    (Some(secret.expose().clone()), Some(hash))
}

fn members(request: &Request) -> Result<Map<String, Value>, Refusal> {
    if !request.content_type_is("application/json") {
        return Err(Refusal::invalid_request(
            "send the metadata as `application/json`",
        ));
    }
    strict_json::parse_object(&request.body)
        .map_err(|error| Refusal::invalid_request(format!("the body is {error}")))
}

fn read<T: DeserializeOwned>(members: Map<String, Value>) -> Result<T, Refusal> {
    serde_json::from_value(Value::Object(members))
        .map_err(|error| Refusal::InvalidClientMetadata(error.to_string().into()))
}

fn information(request: &Request, client: RegisteredClient, token: &str) -> ClientInformation {
    let uri = request.url_of(&format!("{}/{}", request.paths.registration, client.id));
    ClientInformation::new(
        (client.id, client.created_at),
        (token.to_owned(), uri),
        client.metadata,
    )
}

fn answer(
    status: StatusCode,
    information: &ClientInformation,
) -> Result<Response<Body>, JsonError> {
    let body = serde_json::to_vec(information).map_err(Fault::from)?;
    Ok(json::json(status, body))
}
