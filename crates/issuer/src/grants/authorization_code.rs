//! The authorization code grant: what an authorization request must be, and what a code is worth.
//!
//! RFC 6749 §4.1: <https://www.rfc-editor.org/rfc/rfc6749#section-4.1>, RFC 7636, RFC 9700 §2.1.

use std::net::IpAddr;
use std::time::Duration;

use hallpass_protocol::authorization::AuthorizationRequest;
use hallpass_protocol::pkce::{self, CodeChallenge, CodeVerifier};
use hallpass_protocol::token::GrantType;
use hallpass_protocol::{AuthorizationId, ClientId, Scopes, Secret, Timestamp};

use crate::authorization::{AuthorizationSeed, RevokeReason};
use crate::bound_key;
use crate::client::{AuthenticatedClient, Client, ClientKind};
use crate::factors::acr::AcrValues;
use crate::network::{self, Comparison};
use crate::policy;
use crate::redirect_uri::{self, AllowedRedirectUri};
use crate::refusal::{AuthorizationRefusal, Denied, GrantReason, PageReason, ProofReason, Refusal};
use crate::tokens::one_time::SecretHash;

/// How long a code lives (row S-45).
pub const LIFETIME: Duration = Duration::from_mins(1);
/// How long a used code is remembered, so that a replay is recognised.
pub const REMEMBERED: Duration = Duration::from_hours(24);
/// A longer `state` is not carried around (row S-53).
const LONGEST_STATE: usize = 2048;

/// One authorization code in flight, with all that it is bound to (row S-46).
#[derive(Clone, Debug, PartialEq)]
pub struct AuthorizationCode {
    /// The hash of the code.
    pub code_hash: SecretHash,
    /// The issuer it belongs to (its path).
    pub issuer: String,
    /// The client it was issued to.
    pub client_id: ClientId,
    /// The redirect URI it went to, with its port.
    pub redirect_uri: String,
    /// The challenge that its redemption must meet.
    pub challenge: Option<CodeChallenge>,
    /// What the person granted.
    pub seed: AuthorizationSeed,
    /// When it dies.
    pub expires_at: Timestamp,
    /// Where it stands.
    pub state: CodeState,
    /// The DPoP key that its redemption must show (RFC 9449 §10).
    pub dpop_jkt: Option<String>,
}

/// Where a code stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeState {
    /// Not used.
    Issued,
    /// Exchanged for tokens.
    Redeemed {
        /// The authorization they hang from.
        authorization: AuthorizationId,
    },
    /// Spoilt by a failed attempt (row S-33).
    Burnt,
}

/// How the answer travels to the client (OAuth 2.0 Multiple Response Types §2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseMode {
    /// In the query of a redirect.
    Query,
    /// In the fragment of a redirect.
    Fragment,
    /// In the body of a form that the browser posts.
    FormPost,
}

/// An authorization request that passed every check which needs no person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedRequest {
    /// Where the answer goes.
    pub redirect_uri: AllowedRedirectUri,
    /// How it gets there.
    pub response_mode: ResponseMode,
    /// What is asked for.
    pub scopes: Scopes,
    /// The resources that are asked for.
    pub resource: Vec<String>,
    /// The challenge.
    pub challenge: Option<CodeChallenge>,
    /// The oldest sign-in that will do (OIDC Core §3.1.2.1).
    pub max_age: Option<Duration>,
    /// How strong the sign-in has to be (OIDC Core §3.1.2.1).
    pub acr: AcrValues,
    /// The key that the code is bound to.
    pub dpop_jkt: Option<String>,
}

/// Checks where an answer may go: before that, nothing is sent anywhere (RFC 6749 §4.1.2.1).
pub fn check_reply_address(
    request: &AuthorizationRequest,
    client: Option<&Client>,
) -> Result<(AllowedRedirectUri, ResponseMode), AuthorizationRefusal> {
    let page = |text: &'static str, reason| {
        Err(AuthorizationRefusal::Page(
            Refusal::invalid_request(text),
            reason,
        ))
    };
    if request.client_id.is_none() {
        return page("`client_id` is missing", PageReason::NoClient);
    }
    let Some(client) = client else {
        return page("the client is not known here", PageReason::UnknownClient);
    };
    let Some(redirect_uri) = request.redirect_uri.as_deref() else {
        return page("`redirect_uri` is missing", PageReason::NoRedirectUri);
    };
    let Some(redirect_uri) = AllowedRedirectUri::check(client, redirect_uri) else {
        return page(
            "`redirect_uri` is not registered for this client",
            PageReason::ForeignRedirectUri,
        );
    };
    if request
        .state
        .as_ref()
        .is_some_and(|state| state.len() > LONGEST_STATE)
    {
        return page("`state` is longer than 2048 bytes", PageReason::Malformed);
    }
    let response_mode = match request.response_mode.as_deref() {
        None | Some("query") => ResponseMode::Query,
        Some("fragment") => ResponseMode::Fragment,
        Some("form_post") => ResponseMode::FormPost,
        Some(_) => {
            return page(
                "`response_mode` is not supported",
                PageReason::UnknownResponseMode,
            );
        }
    };
    Ok((redirect_uri, response_mode))
}

/// Checks the rest of the request; what is wrong here goes back to the client.
pub fn check(
    request: &AuthorizationRequest,
    client: &Client,
    reply: (AllowedRedirectUri, ResponseMode),
) -> Result<CheckedRequest, Refusal> {
    if request.request.is_some() {
        return Err(Refusal::RequestNotSupported);
    }
    if request.request_uri.is_some() {
        return Err(Refusal::RequestUriNotSupported);
    }
    match request.response_type.as_deref() {
        Some("code") => {}
        Some(_) => return Err(Refusal::UnsupportedResponseType),
        None => return Err(Refusal::invalid_request("`response_type` is missing")),
    }
    if !client.grants.contains(&GrantType::AuthorizationCode) {
        return Err(Refusal::UnauthorizedClient);
    }
    let challenge = check_challenge(request, client)?;
    // OIDC Core §3.1.2.1: `none` stands alone.
    if request.prompts("none") && request.prompt.as_deref() != Some("none") {
        return Err(Refusal::invalid_request("`prompt=none` cannot be combined"));
    }
    let max_age = match request.max_age.as_deref().map(str::parse) {
        None => None,
        Some(Ok(seconds)) => Some(Duration::from_secs(seconds)),
        Some(Err(_)) => {
            return Err(Refusal::invalid_request(
                "`max_age` is not a number of seconds",
            ));
        }
    };
    Ok(CheckedRequest {
        redirect_uri: reply.0,
        response_mode: reply.1,
        scopes: policy::granted_scopes(client, request.scope.as_deref(), policy::Flow::Any)?,
        resource: policy::check_resources(&request.resource)?,
        challenge,
        max_age,
        acr: AcrValues::parse(request.acr_values.as_deref()),
        dpop_jkt: bound_key::read_thumbprint(request.dpop_jkt.as_deref())?,
    })
}

/// RFC 7636 §4.4.1 and RFC 9700 §2.1.1: S256 or nothing, and nothing only for a confidential
/// client that is registered so.
fn check_challenge(
    request: &AuthorizationRequest,
    client: &Client,
) -> Result<Option<CodeChallenge>, Refusal> {
    let invalid = |text: &'static str| Err(Refusal::invalid_request(text));
    match (
        request.code_challenge.as_deref(),
        request.code_challenge_method.as_deref(),
    ) {
        (None, None) if client.require_pkce || client.kind == ClientKind::Public => {
            invalid("PKCE is required: send `code_challenge` with `code_challenge_method=S256`")
        }
        (None, None) => Ok(None),
        (None, Some(_)) => invalid("`code_challenge_method` without `code_challenge`"),
        // RFC 7636 §4.3: an absent method means `plain`.
        (Some(text), Some(pkce::METHOD)) => match CodeChallenge::parse(text) {
            Ok(challenge) => Ok(Some(challenge)),
            Err(error) => Err(Refusal::invalid_request(error.to_string())),
        },
        (Some(_), _) => invalid("only `code_challenge_method=S256` is supported"),
    }
}

/// What becomes of the code of a program on the person's machine that comes from another network
/// than the browser in which it was granted: somebody may have talked the person into handing it
/// over (row S-275).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NetworkMismatch {
    /// Nothing.
    Ignored,
    /// It is worth its tokens, and a signal.
    #[default]
    Told,
    /// It is spoilt, and a signal.
    Refused,
}

/// What a client brings to redeem a code.
#[derive(Debug)]
pub struct Redemption<'a> {
    /// The client, as it proved itself.
    pub client: &'a AuthenticatedClient,
    /// `redirect_uri`.
    pub redirect_uri: Option<&'a str>,
    /// `code_verifier`.
    pub code_verifier: Option<&'a Secret<String>>,
    /// The key that its DPoP proof is by.
    pub dpop_jkt: Option<&'a str>,
    /// The address it comes from, where that is known.
    pub address: Option<IpAddr>,
    /// What a foreign network leads to.
    pub mismatch: NetworkMismatch,
}

impl AuthorizationCode {
    /// Whether a code that went to the person's own machine comes back from another network than
    /// the browser's. Where nothing is known of one of them it does not.
    pub fn is_carried_elsewhere(&self, address: Option<IpAddr>) -> bool {
        redirect_uri::is_loopback(&self.redirect_uri)
            && network::compare(self.seed.browser_address, address) == Comparison::Different
    }

    /// Exchanges the code, once. A failed attempt spoils it; a replay by whoever could have
    /// redeemed it ends what it gave.
    ///
    /// RFC 6749 §4.1.3 and §4.1.2: <https://www.rfc-editor.org/rfc/rfc6749#section-4.1.3>
    pub fn redeem(
        &mut self,
        brought: &Redemption<'_>,
        authorization: AuthorizationId,
        now: Timestamp,
    ) -> Result<AuthorizationSeed, Denied> {
        match (self.state, self.check(brought)) {
            (CodeState::Burnt, _) => Err(GrantReason::Burnt.into()),
            // Row S-48: a stranger's replay of a redeemed code changes nothing.
            (CodeState::Redeemed { .. }, Err(_)) => Err(GrantReason::UsedTwice.into()),
            (CodeState::Redeemed { authorization }, Ok(())) => Err(Denied {
                refusal: Refusal::InvalidGrant(GrantReason::UsedTwice),
                revokes: Some((authorization, RevokeReason::CodeReplayed)),
            }),
            (CodeState::Issued, _) if now >= self.expires_at => Err(GrantReason::Expired.into()),
            // The client forgot its proof; only a proof by another key is a thief's.
            (CodeState::Issued, _) if self.dpop_jkt.is_some() && brought.dpop_jkt.is_none() => {
                Err(Refusal::InvalidDpopProof(ProofReason::Absent).into())
            }
            (CodeState::Issued, Err(reason)) => {
                self.state = CodeState::Burnt;
                Err(reason.into())
            }
            (CodeState::Issued, Ok(()))
                if brought.mismatch == NetworkMismatch::Refused
                    && self.is_carried_elsewhere(brought.address) =>
            {
                self.state = CodeState::Burnt;
                Err(GrantReason::OtherNetwork.into())
            }
            (CodeState::Issued, Ok(())) => {
                self.state = CodeState::Redeemed { authorization };
                Ok(self.seed.clone())
            }
        }
    }

    fn check(&self, brought: &Redemption<'_>) -> Result<(), GrantReason> {
        if self.client_id != *brought.client.id() {
            return Err(GrantReason::OtherClient);
        }
        // RFC 9449 §10: "the thumbprint […] MUST match".
        if bound_key::check(self.dpop_jkt.as_deref(), brought.dpop_jkt).is_err() {
            return Err(GrantReason::OtherKey);
        }
        // RFC 6749 §4.1.3: identical to the one of the authorization request, port and all.
        if brought.redirect_uri != Some(self.redirect_uri.as_str()) {
            return Err(GrantReason::OtherRedirectUri);
        }
        match (&self.challenge, brought.code_verifier) {
            (Some(challenge), Some(verifier)) => match CodeVerifier::parse(verifier.expose()) {
                Ok(verifier) if challenge.is_met_by(&verifier) => Ok(()),
                Ok(_) | Err(_) => Err(GrantReason::WrongVerifier),
            },
            (Some(_), None) => Err(GrantReason::WrongVerifier),
            // RFC 9700 §4.8.2: a verifier without a challenge is a downgrade.
            (None, Some(_)) => Err(GrantReason::UnexpectedVerifier),
            (None, None) => Ok(()),
        }
    }
}

#[cfg(test)]
#[path = "authorization_code_tests.rs"]
mod tests;
