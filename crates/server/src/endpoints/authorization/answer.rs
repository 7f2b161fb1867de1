//! What the client gets: a code, or a refusal.
//!
//! RFC 6749 §4.1.2: <https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2>, RFC 9207.

use hallpass_issuer::Refusal;
use hallpass_issuer::audit::Event;
use hallpass_issuer::authorization::AuthorizationSeed;
use hallpass_issuer::browser_session::BrowserSessionId;
use hallpass_issuer::consent::Consent;
use hallpass_issuer::grants::authorization_code::{AuthorizationCode, CheckedRequest, CodeState};
use hallpass_issuer::refusal::PageReason;
use hallpass_issuer::tokens::one_time::Kind;
use hallpass_issuer::user::{SignIn, User};
use hallpass_protocol::authorization::AuthorizationResponse;
use hallpass_protocol::{Scopes, Secret, Timestamp};
use hallpass_store::{authorization_codes, consents, pushed_requests};
use http::Response;

use super::asked::Asked;
use crate::Body;
use crate::error::page::PageError;
use crate::extract::signed_in_user::SignedInUser;
use crate::request::Request;
use crate::state::State;

pub(super) async fn grant(
    state: &State,
    request: &Request,
    asked: &Asked,
    checked: CheckedRequest,
    person: &SignedInUser,
) -> Result<Response<Body>, PageError> {
    let seed = seed_of(&checked, person, asked);
    issue(state, request, asked, checked, seed.into()).await
}

/// What is written down when the client gets its code.
pub(super) struct Decided {
    pub(super) seed: AuthorizationSeed,
    /// What the person agreed to on the page, if they were asked.
    pub(super) consents: Vec<Consent>,
    /// What they were asked about.
    pub(super) asked: Scopes,
}

impl From<AuthorizationSeed> for Decided {
    fn from(seed: AuthorizationSeed) -> Self {
        Self {
            seed,
            consents: Vec::new(),
            asked: Scopes::default(),
        }
    }
}

pub(super) fn seed_of(
    checked: &CheckedRequest,
    person: &SignedInUser,
    asked: &Asked,
) -> AuthorizationSeed {
    let when = (person.auth_time(), Some(person.session()));
    let who = (person.user().clone(), person.proof().clone());
    seed(checked, who, when, asked)
}

pub(super) fn seed(
    checked: &CheckedRequest,
    (user, sign_in): (User, SignIn),
    (auth_time, browser_session): (Timestamp, Option<BrowserSessionId>),
    asked: &Asked,
) -> AuthorizationSeed {
    AuthorizationSeed {
        user,
        // What the client is told is one of the values that it asked for.
        sign_in: SignIn {
            told_as: checked.acr.met_by(sign_in.reached()),
            ..sign_in
        },
        scopes: checked.scopes.clone(),
        resource: checked.resource.clone(),
        auth_time,
        nonce: asked.request.nonce.clone(),
        browser_session,
        browser_address: None,
    }
}

pub(super) async fn issue(
    state: &State,
    request: &Request,
    asked: &Asked,
    checked: CheckedRequest,
    decided: Decided,
) -> Result<Response<Body>, PageError> {
    // Whatever way led here: no lesser token than was asked for (RFC 9470 §5, A-81).
    if !checked.acr.accepts(decided.seed.sign_in.reached()) {
        let refusal = Refusal::UnmetAuthenticationRequirements;
        return refuse(state, request, asked, refusal).await;
    }
    let (secret, code_hash) = Kind::AuthorizationCode.generate(state.random.as_ref());
    let seed = AuthorizationSeed {
        browser_address: request.known_address(),
        ..decided.seed
    };
    if state.settings.strict
        && let Some(challenge) = &checked.challenge
        && !state.used_challenges.note(&asked.client.id, challenge)
    {
        let entry = request.event(Event::PkceChallengeReuse);
        let entry = entry.with_client(&asked.client.id);
        state.audit.tell(entry.about(&seed.user.id));
    }
    let granted = request.event(Event::AuthorizeGranted);
    let granted = granted
        .by_subject(&seed.user.id)
        .with_client(&asked.client.id)
        .with("scope", seed.scopes.to_string());
    let code = AuthorizationCode {
        code_hash,
        issuer: request.issuer.clone(),
        client_id: asked.client.id.clone(),
        redirect_uri: checked.redirect_uri.as_str().to_owned(),
        challenge: checked.challenge,
        seed,
        expires_at: request.now + state.settings.code_lifetime,
        state: CodeState::Issued,
        dpop_jkt: checked.dpop_jkt,
    };
    let pushed = asked.pushed.as_ref().map(|pushed| pushed.hash);
    let issued = state.store.write(move |tx| {
        // Row S-206: a pushed request is used up by its code; of two that race one gets it.
        let is_free = match &pushed {
            Some(hash) => pushed_requests::delete(tx, hash)?,
            None => true,
        };
        if is_free {
            authorization_codes::insert(tx, &code)?;
            for consent in &decided.consents {
                consents::save(tx, consent, &decided.asked)?;
            }
        }
        Ok(is_free)
    });
    if !issued.await? {
        return Err(PageError::Request(PageReason::UnknownRequestUri));
    }
    state.audit.tell(granted);
    Ok(answer(request, asked, Ok(secret)))
}

/// Refuses before a person has acted. A client that registered itself could make an open redirector
/// of that (RFC 9700 §4.11.2; ), so that its answer goes to this machine alone.
pub(super) async fn refuse_unasked(
    state: &State,
    request: &Request,
    asked: &Asked,
    refusal: Refusal,
) -> Result<Response<Body>, PageError> {
    if asked.client.registered_itself && !asked.reply.redirect_uri.is_loopback() {
        tracing::info!(?refusal, client = %asked.client.id, "unverified client refused");
        return Err(PageError::Request(PageReason::Unverified));
    }
    refuse(state, request, asked, refusal).await
}

/// Tells the client no. That uses a pushed request up, too.
pub(super) async fn refuse(
    state: &State,
    request: &Request,
    asked: &Asked,
    refusal: Refusal,
) -> Result<Response<Body>, PageError> {
    if let Some(hash) = asked.pushed.as_ref().map(|pushed| pushed.hash) {
        let used = state
            .store
            .write(move |tx| pushed_requests::delete(tx, &hash));
        used.await?;
    }
    // Whoever asks without a page hears this all the time: nobody was refused anything.
    let is_question = matches!(
        refusal,
        Refusal::LoginRequired | Refusal::InteractionRequired | Refusal::ConsentRequired
    );
    if !is_question {
        let entry = request.event(Event::AuthorizeDenied);
        let entry = entry.with_client(&asked.client.id);
        state
            .audit
            .tell(entry.with("error", refusal.code().as_str()));
    }
    Ok(answer(request, asked, Err(refusal)))
}

/// Every answer carries `state` byte for byte and `iss` (RFC 9207 §2).
fn answer(
    request: &Request,
    asked: &Asked,
    result: Result<Secret<String>, Refusal>,
) -> Response<Body> {
    if let Err(refusal) = &result {
        tracing::debug!(?refusal, client = %asked.client.id, "authorization request refused");
    }
    let response = AuthorizationResponse {
        result: result.map_err(|refusal| refusal.to_error()),
        state: asked.request.state.clone(),
        iss: Some(request.issuer_url.clone()),
    };
    asked
        .reply
        .answer(&response, &asked.client.name, request.layout())
}
