//! What an endpoint that takes access tokens answers when there is none, or none that is good.
//!
//! RFC 6750 §3: <https://www.rfc-editor.org/rfc/rfc6750#section-3>, RFC 9449 §7.1, RFC 9728 §5.1.

use std::borrow::Cow;
use std::fmt::Write as _;

use hallpass_issuer::Refusal;
use hallpass_protocol::dpop;
use hallpass_protocol::{ErrorCode, OAuthError};
use http::{HeaderValue, Response, StatusCode, header};

use super::json_response::json;
use crate::Body;

/// A refusal of the token itself.
#[derive(Debug)]
pub(crate) struct Challenge {
    /// What is wrong.
    pub(crate) problem: TokenProblem,
    /// The scheme that the token came by, or has to come by.
    pub(crate) scheme: Scheme,
    /// Where a client learns who gives tokens for this (RFC 9728 §5.1).
    pub(crate) resource_metadata: Option<String>,
}

/// How a token is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// RFC 6750.
    Bearer,
    /// RFC 9449 §7.1.
    Dpop,
    /// Nothing came, and both would do.
    Either,
}

/// RFC 6750 §3.1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TokenProblem {
    /// No token: a challenge without a code.
    Absent,
    /// By more than one way: 400.
    Twice,
    /// `invalid_token`.
    Invalid,
    /// `insufficient_scope`, with what is needed.
    Scope(&'static str),
    /// The DPoP proof: `invalid_dpop_proof` or `use_dpop_nonce` (RFC 9449 §7.1, §9).
    Proof(Refusal),
}

impl TokenProblem {
    fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Absent => None,
            Self::Twice => Some(ErrorCode::InvalidRequest),
            Self::Invalid => Some(ErrorCode::InvalidToken),
            Self::Scope(_) => Some(ErrorCode::InsufficientScope),
            Self::Proof(refusal) => Some(refusal.code()),
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Twice => StatusCode::BAD_REQUEST,
            Self::Scope(_) => StatusCode::FORBIDDEN,
            Self::Proof(Refusal::Busy(_)) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Absent | Self::Invalid | Self::Proof(_) => StatusCode::UNAUTHORIZED,
        }
    }

    fn description(&self) -> Cow<'_, str> {
        match self {
            Self::Scope(_) => "the token lacks a scope".into(),
            Self::Twice => "the token was sent in more than one way".into(),
            Self::Absent | Self::Invalid => {
                "the token is not valid: expired, revoked or not of this issuer".into()
            }
            Self::Proof(refusal) => refusal.description(),
        }
    }
}

impl Challenge {
    /// The answer.
    pub(crate) fn into_response(self) -> Response<Body> {
        let code = self.problem.code();
        let body = code.clone().map(|code| {
            let error = OAuthError::new(code, &self.problem.description());
            serde_json::to_vec(&error).unwrap_or_default()
        });
        let mut response = json(self.problem.status(), body.unwrap_or_default());
        let schemes: &[Scheme] = match self.scheme {
            Scheme::Either => &[Scheme::Bearer, Scheme::Dpop],
            Scheme::Bearer => &[Scheme::Bearer],
            Scheme::Dpop => &[Scheme::Dpop],
        };
        for scheme in schemes {
            // RFC 9110 §11.6.1: two challenges are two header lines; many readers know the first.
            if let Ok(value) = HeaderValue::try_from(self.line(*scheme, code.as_ref())) {
                response
                    .headers_mut()
                    .append(header::WWW_AUTHENTICATE, value);
            }
        }
        response
    }

    fn line(&self, scheme: Scheme, code: Option<&ErrorCode>) -> String {
        let mut line = match scheme {
            Scheme::Dpop => "DPoP realm=\"hallpass\"".to_owned(),
            Scheme::Bearer | Scheme::Either => "Bearer realm=\"hallpass\"".to_owned(),
        };
        let mut add = |name: &str, value: &str| {
            // Writing to a `String` cannot fail.
            let _: std::fmt::Result = write!(line, ", {name}=\"{value}\"");
        };
        if let Some(code) = code {
            add("error", code.as_str());
        }
        if let TokenProblem::Scope(scope) = &self.problem {
            add("scope", scope);
        }
        if scheme == Scheme::Dpop {
            let algorithms =
                dpop::DEFAULT_ALGORITHMS.map(hallpass_protocol::jose::Algorithm::as_str);
            add("algs", &algorithms.join(" "));
        }
        if let Some(url) = &self.resource_metadata {
            add("resource_metadata", url);
        }
        line
    }
}
