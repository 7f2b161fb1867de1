//! Every way in which the issuer says no, each with its code.
//!
//! RFC 6749 §5.2: <https://www.rfc-editor.org/rfc/rfc6749#section-5.2>

use std::borrow::Cow;
use std::time::Duration;

use hallpass_protocol::client_assertion::AssertionError;
use hallpass_protocol::client_auth::ClientAuthError;
use hallpass_protocol::dpop::DpopError;
use hallpass_protocol::form::FormError;
use hallpass_protocol::token::TokenRequestError;
use hallpass_protocol::{AuthorizationId, ErrorCode, OAuthError};

use crate::authorization::RevokeReason;

/// A refusal: the log gets the reason, the peer the code and the description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// `invalid_request`: malformed, repeated or missing parameters.
    InvalidRequest(Cow<'static, str>),
    /// `invalid_client`.
    InvalidClient(ClientReason),
    /// `invalid_grant`.
    InvalidGrant(GrantReason),
    /// `unauthorized_client`: the client may not use this grant.
    UnauthorizedClient,
    /// `unsupported_grant_type`.
    UnsupportedGrantType,
    /// `unsupported_response_type`.
    UnsupportedResponseType,
    /// `invalid_scope`.
    InvalidScope,
    /// `invalid_target`, RFC 8707 §2.
    InvalidTarget,
    /// `access_denied`: the person said no.
    AccessDenied,
    /// `authorization_pending`, RFC 8628 §3.5.
    AuthorizationPending,
    /// `slow_down`, RFC 8628 §3.5.
    SlowDown {
        /// The interval that holds from now on.
        interval: Duration,
    },
    /// `expired_token`, RFC 8628 §3.5.
    ExpiredToken,
    /// `login_required`, OIDC Core §3.1.2.6.
    LoginRequired,
    /// `interaction_required`, OIDC Core §3.1.2.6.
    InteractionRequired,
    /// `consent_required`, OIDC Core §3.1.2.6.
    ConsentRequired,
    /// `unmet_authentication_requirements`, OIDC "Unmet Authentication Requirements" §3: the person
    /// cannot sign in as strongly as the client asks (RFC 9470 §5).
    UnmetAuthenticationRequirements,
    /// `request_not_supported`, RFC 9101.
    RequestNotSupported,
    /// `request_uri_not_supported`, RFC 9101.
    RequestUriNotSupported,
    /// `invalid_dpop_proof`, RFC 9449 §5.
    InvalidDpopProof(ProofReason),
    /// `use_dpop_nonce`, RFC 9449 §8: the answer carries the nonce.
    UseDpopNonce,
    /// `invalid_redirect_uri`, RFC 7591 §3.2.2.
    InvalidRedirectUri(Cow<'static, str>),
    /// `invalid_client_metadata`, RFC 7591 §3.2.2.
    InvalidClientMetadata(Cow<'static, str>),
    /// `invalid_software_statement`, RFC 7591 §3.2.2.
    InvalidSoftwareStatement,
    /// `unapproved_software_statement`, RFC 7591 §3.2.2.
    UnapprovedSoftwareStatement,
    /// `temporarily_unavailable`: try again after this long.
    Busy(Duration),
}

/// Why a DPoP proof is not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProofReason {
    /// There is none where one is needed.
    Absent,
    /// There are several.
    Repeated,
    /// The header is no text.
    Unreadable,
    /// It fails a check of RFC 9449 §4.3.
    Bad(DpopError),
    /// It was used before.
    Replayed,
    /// It is by another key than `dpop_jkt` names (RFC 9449 §10.1).
    OtherKey,
}

/// Why client authentication failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientReason {
    /// Nobody of that name.
    Unknown,
    /// The secret is wrong.
    WrongSecret,
    /// A confidential client without its secret (row S-135).
    NotAuthenticated,
    /// Another method than the registered one (row S-132).
    WrongMethod,
    /// A public client sent a secret (row S-136).
    SecretFromPublicClient,
    /// The request names no client where one is needed.
    Absent,
    /// The client assertion does not verify (RFC 7523 §3).
    BadAssertion(AssertionError),
    /// The client assertion, or its parameters, cannot be read (RFC 7521 §4.2).
    UnreadableAssertion,
    /// The client assertion was used before (row S-186).
    AssertionReplayed,
}

/// Why a grant is not valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantReason {
    /// Nobody issued it, or it is long gone.
    Unknown,
    /// Its time is over.
    Expired,
    /// It was issued to another client.
    OtherClient,
    /// It was used before.
    UsedTwice,
    /// It was spoilt by a failed attempt.
    Burnt,
    /// `redirect_uri` differs from the one of the authorization request.
    OtherRedirectUri,
    /// The code verifier is missing, malformed or wrong (RFC 7636 §4.6).
    WrongVerifier,
    /// A verifier although no challenge was sent (RFC 9700 §4.8.2).
    UnexpectedVerifier,
    /// The authorization was revoked.
    Revoked,
    /// A retired refresh token, too late to be forgiven.
    Reused,
    /// A retired refresh token of a slow racer: refused, not punished (row S-59).
    Late,
    /// A retired refresh token in time, but from another network than the rotation's (row S-259).
    Elsewhere,
    /// An assertion that does not verify (RFC 7523 §3.1).
    BadAssertion,
    /// It is bound to another DPoP key.
    OtherKey,
    /// It comes from another network than the browser in which it was granted (row S-275).
    OtherNetwork,
    /// Its person's account was locked, removed or given a new password since (rows S-25, S-263).
    AccountChanged,
    /// Its person signed out of the browser in which it was granted, and it was to last no longer
    /// (row S-246).
    SignedOut,
}

impl Refusal {
    /// `invalid_request` with a description.
    pub fn invalid_request(description: impl Into<Cow<'static, str>>) -> Self {
        Self::InvalidRequest(description.into())
    }

    /// The code for the peer.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::InvalidRequest(_) => ErrorCode::InvalidRequest,
            Self::InvalidClient(_) => ErrorCode::InvalidClient,
            Self::InvalidGrant(_) => ErrorCode::InvalidGrant,
            Self::UnauthorizedClient => ErrorCode::UnauthorizedClient,
            Self::UnsupportedGrantType => ErrorCode::UnsupportedGrantType,
            Self::UnsupportedResponseType => ErrorCode::UnsupportedResponseType,
            Self::InvalidScope => ErrorCode::InvalidScope,
            Self::InvalidTarget => ErrorCode::InvalidTarget,
            Self::AccessDenied => ErrorCode::AccessDenied,
            Self::AuthorizationPending => ErrorCode::AuthorizationPending,
            Self::SlowDown { .. } => ErrorCode::SlowDown,
            Self::ExpiredToken => ErrorCode::ExpiredToken,
            Self::LoginRequired => ErrorCode::LoginRequired,
            Self::InteractionRequired => ErrorCode::InteractionRequired,
            Self::ConsentRequired => ErrorCode::ConsentRequired,
            Self::UnmetAuthenticationRequirements => ErrorCode::UnmetAuthenticationRequirements,
            Self::RequestNotSupported => ErrorCode::RequestNotSupported,
            Self::RequestUriNotSupported => ErrorCode::RequestUriNotSupported,
            Self::InvalidDpopProof(_) => ErrorCode::InvalidDpopProof,
            Self::InvalidRedirectUri(_) => ErrorCode::InvalidRedirectUri,
            Self::InvalidClientMetadata(_) => ErrorCode::InvalidClientMetadata,
            Self::InvalidSoftwareStatement => ErrorCode::InvalidSoftwareStatement,
            Self::UnapprovedSoftwareStatement => ErrorCode::UnapprovedSoftwareStatement,
            Self::UseDpopNonce => ErrorCode::UseDpopNonce,
            Self::Busy(_) => ErrorCode::TemporarilyUnavailable,
        }
    }

    /// What the developer of the client is told. Reasons that would help a guesser share a text.
    pub fn description(&self) -> Cow<'_, str> {
        let text = match self {
            Self::InvalidRequest(text)
            | Self::InvalidRedirectUri(text)
            | Self::InvalidClientMetadata(text) => text,
            Self::InvalidSoftwareStatement => "the software statement is no signed JWT",
            Self::UnapprovedSoftwareStatement => "nobody's software statements are trusted here",
            Self::InvalidDpopProof(reason) => return reason.description(),
            Self::UseDpopNonce => "send the proof again, with the nonce of `DPoP-Nonce`",
            Self::InvalidClient(ClientReason::Absent) => {
                "the request names no client: send `client_id`"
            }
            Self::InvalidClient(_) => "client authentication failed",
            Self::InvalidGrant(GrantReason::OtherRedirectUri) => {
                "`redirect_uri` is not the one of the authorization request"
            }
            Self::InvalidGrant(GrantReason::WrongVerifier) => {
                "`code_verifier` does not match the code challenge: start a new authorization request"
            }
            Self::InvalidGrant(GrantReason::UnexpectedVerifier) => {
                "`code_verifier` without a code challenge in the authorization request"
            }
            Self::InvalidGrant(GrantReason::BadAssertion) => "the assertion is not valid here",
            Self::InvalidGrant(_) => "the grant is unknown, expired, revoked or already used",
            Self::UnauthorizedClient => "this client is not registered for this grant type",
            Self::UnsupportedGrantType => "this grant type is not supported",
            Self::UnsupportedResponseType => "only `response_type=code` is supported",
            Self::InvalidScope => "a scope is malformed or not allowed for this client",
            Self::InvalidTarget => "a resource or audience is malformed or not allowed",
            Self::AccessDenied => "the request was declined",
            Self::AuthorizationPending => "nobody has confirmed the code yet",
            Self::SlowDown { .. } => {
                "polling too fast: wait for `interval` seconds between requests"
            }
            Self::ExpiredToken => "the device code expired: start again",
            Self::LoginRequired => "nobody is signed in in this browser",
            Self::InteractionRequired => "a person has to confirm this request",
            Self::ConsentRequired => "the person has not agreed to this request",
            Self::UnmetAuthenticationRequirements => {
                "none of `acr_values` can be reached: the person has no second factor that would \
                 do, and sets one up under `/account/security`"
            }
            Self::RequestNotSupported => "`request` is not supported",
            Self::RequestUriNotSupported => "`request_uri` is not supported",
            Self::Busy(_) => "too much is going on: try again later",
        };
        Cow::Borrowed(text)
    }

    /// The refusal as it travels.
    pub fn to_error(&self) -> OAuthError {
        let mut error = OAuthError::new(self.code(), &self.description());
        if let Self::SlowDown { interval } = self {
            error.interval = Some(interval.as_secs());
        }
        error
    }
}

impl ProofReason {
    fn description(&self) -> Cow<'static, str> {
        match self {
            Self::Absent => "a DPoP proof is needed: send it in the header `DPoP`".into(),
            Self::Repeated => "there is more than one `DPoP` header".into(),
            Self::Unreadable => "the `DPoP` header cannot be read".into(),
            Self::Bad(error) => error.to_string().into(),
            Self::Replayed => "the DPoP proof was used before: make one for each request".into(),
            Self::OtherKey => "the DPoP proof is by another key than `dpop_jkt` names".into(),
        }
    }
}

impl From<FormError> for Refusal {
    fn from(error: FormError) -> Self {
        Self::invalid_request(error.to_string())
    }
}

impl From<TokenRequestError> for Refusal {
    fn from(error: TokenRequestError) -> Self {
        match error {
            TokenRequestError::UnsupportedGrantType => Self::UnsupportedGrantType,
            other @ (TokenRequestError::Form(_)
            | TokenRequestError::Missing(_)
            | TokenRequestError::ActorTypeAlone
            | TokenRequestError::NoGrantType) => Self::invalid_request(other.to_string()),
        }
    }
}

impl From<ClientAuthError> for Refusal {
    fn from(error: ClientAuthError) -> Self {
        match error {
            // A header that cannot be read is an attempt that failed (RFC 6749 §5.2).
            ClientAuthError::BadBasic => Self::InvalidClient(ClientReason::NotAuthenticated),
            ClientAuthError::BadAssertion => Self::InvalidClient(ClientReason::UnreadableAssertion),
            other @ (ClientAuthError::Form(_)
            | ClientAuthError::MoreThanOne
            | ClientAuthError::TwoClients
            | ClientAuthError::SecretAlone) => Self::invalid_request(other.to_string()),
        }
    }
}

/// A refusal that may also end an authorization: a replayed code, a reused refresh token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied {
    /// What the peer is told.
    pub refusal: Refusal,
    /// What has to be revoked with it.
    pub revokes: Option<(AuthorizationId, RevokeReason)>,
}

impl From<Refusal> for Denied {
    fn from(refusal: Refusal) -> Self {
        Self {
            refusal,
            revokes: None,
        }
    }
}

impl From<GrantReason> for Denied {
    fn from(reason: GrantReason) -> Self {
        Refusal::InvalidGrant(reason).into()
    }
}

/// Who learns of a refused authorization request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthorizationRefusal {
    /// The person, on a page: the client or its redirect URI cannot be trusted (RFC 6749
    /// §4.1.2.1), so nothing is sent anywhere.
    Page(Refusal, PageReason),
    /// The client, at its redirect URI.
    Redirect(Refusal),
}

/// Why nothing can be sent to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageReason {
    /// `client_id` is missing.
    NoClient,
    /// Nobody of that name.
    UnknownClient,
    /// `redirect_uri` is missing (row S-42).
    NoRedirectUri,
    /// `redirect_uri` is not one of the client's.
    ForeignRedirectUri,
    /// `response_mode` is unknown (row S-233).
    UnknownResponseMode,
    /// A client that registered itself asks for an answer before a person has acted, at an address
    /// that nobody checked.
    Unverified,
    /// `request_uri` is unknown, expired, used or another client's (RFC 9126 §4).
    UnknownRequestUri,
    /// The parameters cannot be read.
    Malformed,
}
