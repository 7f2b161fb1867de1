//! A refusal as programs read it.
//!
//! RFC 6749 §5.2: <https://www.rfc-editor.org/rfc/rfc6749#section-5.2>, RFC 6750 §3.

use std::sync::OnceLock;
use std::time::Duration;

use hallpass_issuer::Refusal;
use hallpass_issuer::refusal::ClientReason;
use hallpass_protocol::form::FormError;
use hallpass_protocol::token::TokenRequestError;
use hallpass_protocol::{ErrorCode, OAuthError};
use http::{HeaderValue, Response, StatusCode, header};
use hyper::body::Bytes;

use super::challenge::Challenge;
pub(crate) use super::json_response::json;
use super::{Fault, RETRY_AFTER};

use crate::Body;

/// Why a program gets no answer.
#[derive(Debug)]
pub(crate) enum JsonError {
    /// We say no.
    Refused(Refusal),
    /// We say no, and the caller tried `Authorization: Basic` (RFC 6749 §5.2).
    RefusedBasic(Refusal),
    /// Too many failures, or requests: 429.
    TooMany(Duration),
    /// The access token is missing, not valid or not enough (RFC 6750 §3).
    Token(Challenge),
    /// Another method than the endpoint's: 405.
    Method(&'static str),
    /// Nothing lies at this address: 404.
    NotFound,
    /// The body is too large or too slow.
    Body(StatusCode),
    /// We broke.
    Fault(Fault),
}

impl From<Refusal> for JsonError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Challenge> for JsonError {
    fn from(challenge: Challenge) -> Self {
        Self::Token(challenge)
    }
}

impl From<FormError> for JsonError {
    fn from(error: FormError) -> Self {
        Self::Refused(error.into())
    }
}

impl From<TokenRequestError> for JsonError {
    fn from(error: TokenRequestError) -> Self {
        Self::Refused(error.into())
    }
}

impl From<Fault> for JsonError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<hallpass_store::StoreError> for JsonError {
    fn from(error: hallpass_store::StoreError) -> Self {
        Self::Fault(error.into())
    }
}

impl JsonError {
    /// The answer.
    pub(crate) fn into_response(self) -> Response<Body> {
        match self {
            Self::Refused(refusal) => {
                log(&refusal);
                let mut response = match known_body(&refusal) {
                    Some(body) => super::json_response::json_bytes(StatusCode::BAD_REQUEST, body),
                    None => oauth_error(&refusal.to_error()),
                };
                if let Refusal::Busy(wait) = refusal {
                    set_retry_after(&mut response, wait);
                }
                response
            }
            Self::RefusedBasic(refusal) => {
                let mut response = Self::Refused(refusal).into_response();
                let challenge =
                    HeaderValue::from_static("Basic realm=\"hallpass\", charset=\"UTF-8\"");
                response
                    .headers_mut()
                    .insert(header::WWW_AUTHENTICATE, challenge);
                response
            }
            Self::TooMany(wait) => {
                let error = OAuthError::new(
                    ErrorCode::TemporarilyUnavailable,
                    "too many attempts: wait before the next one",
                );
                let mut response = oauth_error(&error);
                *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
                set_retry_after(&mut response, wait);
                response
            }
            Self::Token(challenge) => challenge.into_response(),
            Self::Method(allowed) => {
                let error = OAuthError::new(ErrorCode::InvalidRequest, "unsupported method");
                let mut response = oauth_error(&error);
                *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
                response
                    .headers_mut()
                    .insert(header::ALLOW, HeaderValue::from_static(allowed));
                response
            }
            Self::NotFound => {
                let error = OAuthError::new(ErrorCode::InvalidRequest, "nothing lies here");
                let mut response = oauth_error(&error);
                *response.status_mut() = StatusCode::NOT_FOUND;
                response
            }
            Self::Body(status) => {
                let error = OAuthError::new(
                    ErrorCode::InvalidRequest,
                    "the body is too large or too slow",
                );
                let mut response = oauth_error(&error);
                *response.status_mut() = status;
                response
            }
            Self::Fault(fault) if fault.passes() => {
                tracing::warn!(%fault, "not available");
                let error = OAuthError::new(
                    ErrorCode::TemporarilyUnavailable,
                    "the server cannot reach its records: try again in a moment",
                );
                let mut response = oauth_error(&error);
                set_retry_after(&mut response, Duration::from_secs(RETRY_AFTER));
                response
            }
            Self::Fault(fault) => {
                tracing::error!(%fault, "fault");
                oauth_error(&OAuthError::new(
                    ErrorCode::ServerError,
                    "the server failed; its log says why",
                ))
            }
        }
    }
}

/// The reason for the log; never a value that was sent.
fn log(refusal: &Refusal) {
    match refusal {
        Refusal::AuthorizationPending | Refusal::SlowDown { .. } => {}
        Refusal::InvalidClient(ClientReason::Absent) => tracing::debug!("no client"),
        other => tracing::info!(refusal = ?other, "refused"),
    }
}

/// The bodies that most polls of a device get: each is written once.
fn known_body(refusal: &Refusal) -> Option<Bytes> {
    static PENDING: OnceLock<Bytes> = OnceLock::new();
    // By interval in seconds; no interval is longer than a minute (row S-18).
    static SLOW_DOWN: [OnceLock<Bytes>; 61] = [const { OnceLock::new() }; 61];
    let place = match refusal {
        Refusal::AuthorizationPending => &PENDING,
        Refusal::SlowDown { interval } => {
            SLOW_DOWN.get(usize::try_from(interval.as_secs()).ok()?)?
        }
        _ => return None,
    };
    let write = || Bytes::from(serde_json::to_vec(&refusal.to_error()).unwrap_or_default());
    Some(place.get_or_init(write).clone())
}

fn oauth_error(error: &OAuthError) -> Response<Body> {
    let status = StatusCode::from_u16(error.error.status()).unwrap_or(StatusCode::BAD_REQUEST);
    json(status, serde_json::to_vec(error).unwrap_or_default())
}

fn set_retry_after(response: &mut Response<Body>, wait: Duration) {
    let seconds = HeaderValue::from(wait.as_secs().max(1));
    response.headers_mut().insert(header::RETRY_AFTER, seconds);
}
