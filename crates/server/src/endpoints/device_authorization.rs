//! The device authorization endpoint.
//!
//! RFC 8628 §3.1 and §3.2: <https://www.rfc-editor.org/rfc/rfc8628#section-3.1>

use hallpass_issuer::Refusal;
use hallpass_issuer::audit::Event;
use hallpass_issuer::grants::device_approval::Requirement;
use hallpass_issuer::grants::device_code::{self, DeviceGrant, DeviceGrantState, Requester};
use hallpass_issuer::grants::device_poll::PolledGrant;
use hallpass_issuer::policy::{self, Flow};
use hallpass_issuer::tokens::one_time::{Kind, SecretHash};
use hallpass_protocol::ClientId;
use hallpass_protocol::device_authorization::{
    DeviceAuthorizationRequest, DeviceAuthorizationResponse,
};
use hallpass_protocol::form::{self, Form};
use hallpass_protocol::token::GrantType;
use hallpass_protocol::user_code::UserCode;
use hallpass_store::{StoreError, device_grants};
use http::{Response, StatusCode, header};
use serde_json::{Map, Value};

use crate::Body;
use crate::dpop_nonces::Role;
use crate::error::Fault;
use crate::error::json::{self, JsonError};
use crate::extract::authenticated_client::{Unnamed, authenticate};
use crate::extract::dpop_proof;
use crate::limiter::network_of;
use crate::request::Request;
use crate::state::State;

/// How often a user code is drawn again when somebody has it already.
const DRAWS: usize = 8;

/// `POST device_authorization`.
pub(crate) async fn post(state: &State, request: &Request) -> Result<Response<Body>, JsonError> {
    let form = request.form()?;
    let response = start(state, request, &form).await?;
    let mut body = response.to_json().map_err(Fault::from)?;
    if state.settings.compat.google {
        // Google's clients read the member by the name that drafts of RFC 8628 gave it.
        let mut members: Map<String, Value> = serde_json::from_slice(&body).map_err(Fault::from)?;
        let address = Value::from(response.verification_uri.as_str());
        members.insert("verification_url".to_owned(), address);
        body = serde_json::to_vec(&members).map_err(Fault::from)?;
    }
    Ok(json::json(StatusCode::OK, body))
}

/// Starts a device authorization.
pub(crate) async fn start(
    state: &State,
    request: &Request,
    form: &Form,
) -> Result<DeviceAuthorizationResponse, JsonError> {
    if !state.settings.device_flow {
        return Err(JsonError::NotFound);
    }
    let asked = DeviceAuthorizationRequest::decode(form)?;
    let client = authenticate(state, request, form, Unnamed::InvalidRequest).await?;
    client.may_use(GrantType::DeviceCode)?;
    if state.settings.device_requirement_of(client.client()) == Requirement::Off {
        return Err(Refusal::UnauthorizedClient.into());
    }
    count(state, request, client.id())?;
    // Whoever proves a key here is the only one who gets the tokens.
    let proof = dpop_proof::find(state, request, Role::AuthorizationServer, None).await?;
    let scopes = policy::granted_scopes(client.client(), asked.scope.as_deref(), Flow::Device)?;
    let resource = policy::check_resources(&asked.resource)?;
    state.settings.check_resources(&resource)?;
    let rules = state.settings.device;
    let length = {
        let whose = (request.issuer.as_str(), client.id());
        let counts = state
            .device_counts
            .before_next(&state.store, whose, request.now);
        let (live, rows) = counts.await?;
        rules.code_length(live, rows)?
    };
    // Counted before the grant can be decided: what is learnt below would be out of date then.
    let decisions = state.store.device_decisions();
    let (secret, code_hash) = Kind::DeviceCode.generate(state.random.as_ref());
    for _ in 0..DRAWS {
        let user_code = UserCode::generate(length, state.random.as_ref());
        let grant = DeviceGrant {
            code_hash,
            user_code_hash: first_hash(state, &user_code)?,
            user_code: user_code.letters().to_owned(),
            issuer: request.issuer.clone(),
            client_id: client.id().clone(),
            scopes: scopes.clone(),
            resource: resource.clone(),
            requester: requester(request, asked.host_label.as_deref()),
            created_at: request.now,
            expires_at: request.now + rules.lifetime,
            interval: rules.interval,
            last_poll_at: None,
            state: DeviceGrantState::Pending,
            dpop_jkt: proof.as_ref().map(|proof| proof.thumbprint.clone()),
        };
        let polled = PolledGrant::of(&grant);
        match state
            .store
            .write(move |tx| device_grants::insert(tx, &grant))
            .await
        {
            // Row S-09: somebody has this code, or had it today.
            Err(StoreError::Conflict) => {}
            Err(error) => return Err(error.into()),
            Ok(()) => {
                let place = (request.issuer.as_str(), &code_hash);
                state.polled_grants.learn(place, decisions, polled);
                let entry = request.event(Event::DeviceStarted);
                state.audit.tell(entry.by_client(client.id()));
                let verification_uri = request.url_of("device");
                let complete = || {
                    let user_code = form::encode(&user_code.to_string());
                    format!("{verification_uri}?user_code={user_code}")
                };
                return Ok(DeviceAuthorizationResponse {
                    device_code: secret,
                    user_code: user_code.to_string(),
                    verification_uri_complete: rules.prefill.then(complete),
                    verification_uri,
                    expires_in: rules.lifetime.as_secs(),
                    interval: Some(rules.interval.as_secs()),
                });
            }
        }
    }
    Err(Fault::new("no free user code was found").into())
}

/// One address starts so many devices, of one client and altogether; what is refused is not counted.
fn count(state: &State, request: &Request, client: &ClientId) -> Result<(), JsonError> {
    let network = network_of(request.peer);
    let limits = &state.settings.limits;
    let starters = [
        (
            format!("device start|{network}"),
            limits.device_start_per_ip,
        ),
        (
            format!("device start|{}|{client}|{network}", request.issuer),
            limits.device_start_per_client,
        ),
    ];
    let locked = starters
        .iter()
        .filter_map(|(starter, _)| state.limiter.locked_for(starter, request.now));
    if let Some(wait) = locked.max() {
        return Err(JsonError::TooMany(wait));
    }
    for (starter, limit) in &starters {
        state
            .limiter
            .add_to_share(&state.store, starter, *limit, request.now);
    }
    Ok(())
}

fn first_hash(state: &State, code: &UserCode) -> Result<SecretHash, Fault> {
    let hashes = state.user_code_keys.hashes(code);
    let first = hashes.first().copied();
    first.ok_or_else(|| Fault::new("there is no key for user codes"))
}

fn requester(request: &Request, host_label: Option<&str>) -> Requester {
    let user_agent = request.header(header::USER_AGENT);
    Requester {
        address: request.known_address(),
        other_address: None,
        user_agent: user_agent
            .map(|text| text.chars().filter(|c| !c.is_control()).take(200).collect()),
        host_label: host_label.and_then(device_code::clean_label),
    }
}
