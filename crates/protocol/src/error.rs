//! Every `error` code, the section that defines it, and its status.
//!
//! RFC 6749 §4.1.2.1 and §5.2: <https://www.rfc-editor.org/rfc/rfc6749#section-5.2>,
//! RFC 8628 §3.5, RFC 8693 §2.2.2, RFC 8707 §2, RFC 6750 §3.1, RFC 9449 §5 and §8,
//! OIDC Core §3.1.2.6.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The `error` member of a refusal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// RFC 6749 §5.2, §4.1.2.1.
    InvalidRequest,
    /// RFC 6749 §5.2: client authentication failed.
    InvalidClient,
    /// RFC 6749 §5.2.
    InvalidGrant,
    /// RFC 6749 §5.2.
    UnauthorizedClient,
    /// RFC 6749 §5.2.
    UnsupportedGrantType,
    /// RFC 6749 §5.2, §4.1.2.1.
    InvalidScope,
    /// RFC 6749 §4.1.2.1, RFC 8628 §3.5.
    AccessDenied,
    /// RFC 6749 §4.1.2.1.
    UnsupportedResponseType,
    /// RFC 6749 §4.1.2.1, and ours for a fault of the server.
    ServerError,
    /// RFC 6749 §4.1.2.1.
    TemporarilyUnavailable,
    /// RFC 8628 §3.5.
    AuthorizationPending,
    /// RFC 8628 §3.5.
    SlowDown,
    /// RFC 8628 §3.5.
    ExpiredToken,
    /// RFC 8707 §2, RFC 8693 §2.2.2.
    InvalidTarget,
    /// RFC 6750 §3.1.
    InvalidToken,
    /// RFC 6750 §3.1.
    InsufficientScope,
    /// RFC 9449 §5.
    InvalidDpopProof,
    /// RFC 9449 §8.
    UseDpopNonce,
    /// OIDC Core §3.1.2.6.
    LoginRequired,
    /// OIDC Core §3.1.2.6.
    ConsentRequired,
    /// OIDC Core §3.1.2.6.
    InteractionRequired,
    /// OIDC "Unmet Authentication Requirements" 1.0 §3; RFC 9470 §5.
    UnmetAuthenticationRequirements,
    /// OIDC Core §3.1.2.6, RFC 9101 §6.3.
    RequestNotSupported,
    /// OIDC Core §3.1.2.6, RFC 9101 §6.3.
    RequestUriNotSupported,
    /// RFC 7591 §3.2.2.
    InvalidRedirectUri,
    /// RFC 7591 §3.2.2.
    InvalidClientMetadata,
    /// RFC 7591 §3.2.2.
    InvalidSoftwareStatement,
    /// RFC 7591 §3.2.2.
    UnapprovedSoftwareStatement,
    /// A code that this program does not know, as the peer sent it.
    Other(String),
}

impl ErrorCode {
    const KNOWN: [(Self, &'static str); 28] = [
        (Self::InvalidRequest, "invalid_request"),
        (Self::InvalidClient, "invalid_client"),
        (Self::InvalidGrant, "invalid_grant"),
        (Self::UnauthorizedClient, "unauthorized_client"),
        (Self::UnsupportedGrantType, "unsupported_grant_type"),
        (Self::InvalidScope, "invalid_scope"),
        (Self::AccessDenied, "access_denied"),
        (Self::UnsupportedResponseType, "unsupported_response_type"),
        (Self::ServerError, "server_error"),
        (Self::TemporarilyUnavailable, "temporarily_unavailable"),
        (Self::AuthorizationPending, "authorization_pending"),
        (Self::SlowDown, "slow_down"),
        (Self::ExpiredToken, "expired_token"),
        (Self::InvalidTarget, "invalid_target"),
        (Self::InvalidToken, "invalid_token"),
        (Self::InsufficientScope, "insufficient_scope"),
        (Self::InvalidDpopProof, "invalid_dpop_proof"),
        (Self::UseDpopNonce, "use_dpop_nonce"),
        (Self::LoginRequired, "login_required"),
        (Self::ConsentRequired, "consent_required"),
        (Self::InteractionRequired, "interaction_required"),
        (
            Self::UnmetAuthenticationRequirements,
            "unmet_authentication_requirements",
        ),
        (Self::RequestNotSupported, "request_not_supported"),
        (Self::RequestUriNotSupported, "request_uri_not_supported"),
        (Self::InvalidRedirectUri, "invalid_redirect_uri"),
        (Self::InvalidClientMetadata, "invalid_client_metadata"),
        (Self::InvalidSoftwareStatement, "invalid_software_statement"),
        (
            Self::UnapprovedSoftwareStatement,
            "unapproved_software_statement",
        ),
    ];

    /// The code as it travels.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Other(code) => code,
            known => Self::KNOWN
                .iter()
                .find(|(code, _)| code == known)
                .map_or("", |(_, text)| text),
        }
    }

    /// Every code that this program knows, as it travels.
    pub fn names() -> impl Iterator<Item = &'static str> {
        Self::KNOWN.iter().map(|(_, name)| *name)
    }

    /// Reads a code; an unknown one is kept.
    pub fn parse(text: &str) -> Self {
        let known = Self::KNOWN.iter().find(|(_, known)| *known == text);
        known.map_or_else(|| Self::Other(text.to_owned()), |(code, _)| code.clone())
    }

    /// The HTTP status of a JSON reply that carries this code (RFC 6749 §5.2, RFC 6750 §3.1).
    pub fn status(&self) -> u16 {
        match self {
            Self::InvalidClient | Self::InvalidToken => 401,
            Self::InsufficientScope => 403,
            Self::ServerError => 500,
            Self::TemporarilyUnavailable => 503,
            Self::InvalidRequest
            | Self::InvalidGrant
            | Self::UnauthorizedClient
            | Self::UnsupportedGrantType
            | Self::InvalidScope
            | Self::AccessDenied
            | Self::UnsupportedResponseType
            | Self::AuthorizationPending
            | Self::SlowDown
            | Self::ExpiredToken
            | Self::InvalidTarget
            | Self::InvalidDpopProof
            | Self::UseDpopNonce
            | Self::LoginRequired
            | Self::ConsentRequired
            | Self::InteractionRequired
            | Self::UnmetAuthenticationRequirements
            | Self::RequestNotSupported
            | Self::RequestUriNotSupported
            | Self::InvalidRedirectUri
            | Self::InvalidClientMetadata
            | Self::InvalidSoftwareStatement
            | Self::UnapprovedSoftwareStatement
            | Self::Other(_) => 400,
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ErrorCode {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::parse(&std::borrow::Cow::<'de, str>::deserialize(
            deserializer,
        )?))
    }
}

/// A refusal as it travels: RFC 6749 §5.2.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{}{}", error, description.as_ref().map(|text| format!(": {text}")).unwrap_or_default())]
pub struct OAuthError {
    /// `error`.
    pub error: ErrorCode,
    /// `error_description`: ASCII for the developer of the client.
    #[serde(
        rename = "error_description",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub description: Option<String>,
    /// `error_uri`.
    #[serde(rename = "error_uri", default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// `interval` in seconds: how long to wait from now on, beside `slow_down` (row S-18).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<u64>,
}

impl OAuthError {
    /// A refusal with a description for the client's developer.
    ///
    /// The description is cleaned to the characters that RFC 6749 §5.2 allows, so that nothing a
    /// peer sent can leave it.
    pub fn new(error: ErrorCode, description: &str) -> Self {
        Self {
            error,
            description: Some(clean_description(description)),
            uri: None,
            interval: None,
        }
    }
}

/// Keeps `%x20-21 / %x23-5B / %x5D-7E` (RFC 6749 §5.2); everything else becomes `?`.
pub fn clean_description(text: &str) -> String {
    let allowed = |c: char| matches!(c, '\x20'..='\x21' | '\x23'..='\x5b' | '\x5d'..='\x7e');
    if text.len() <= 400 && text.chars().all(allowed) {
        return text.to_owned();
    }
    text.chars()
        .take(400)
        .map(|c| match c {
            '"' => '\'',
            c if allowed(c) => c,
            _ => '?',
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s_129_a_description_stays_in_its_alphabet() {
        let error = OAuthError::new(ErrorCode::InvalidScope, "scope \"\\é\r\n` is unknown");
        assert_eq!(
            error.description.unwrap(),
            "scope '?????` is unknown".replacen("?????", "????", 1)
        );
    }

    #[test]
    fn every_known_code_survives_its_text_form() {
        for (code, text) in ErrorCode::KNOWN {
            assert_eq!(code.as_str(), text);
            assert_eq!(ErrorCode::parse(text), code);
        }
        assert_eq!(ErrorCode::parse("x"), ErrorCode::Other("x".to_owned()));
    }

    #[test]
    fn failed_client_authentication_is_401_and_other_refusals_400() {
        assert_eq!(ErrorCode::InvalidClient.status(), 401);
        assert_eq!(ErrorCode::AuthorizationPending.status(), 400);
    }
}
