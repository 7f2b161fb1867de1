//! Dynamic client registration: what a client says of itself, and what it gets.
//!
//! RFC 7591 §2, §3: <https://www.rfc-editor.org/rfc/rfc7591#section-2>, RFC 7592 §2 and §3,
//! OpenID Connect Dynamic Client Registration §2.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{ClientId, Timestamp};

/// Client metadata. Members that are not here are ignored (RFC 7591 §2).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClientMetadata {
    /// `redirect_uris`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub redirect_uris: Vec<String>,
    /// `token_endpoint_auth_method`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_method: Option<String>,
    /// `token_endpoint_auth_signing_alg`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_signing_alg: Option<String>,
    /// `grant_types`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant_types: Option<Vec<String>>,
    /// `response_types`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_types: Option<Vec<String>>,
    /// `application_type`: `native` or `web`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application_type: Option<String>,
    /// `client_name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_name: Option<String>,
    /// `client_uri`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_uri: Option<String>,
    /// `logo_uri`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logo_uri: Option<String>,
    /// `tos_uri`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tos_uri: Option<String>,
    /// `policy_uri`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_uri: Option<String>,
    /// `scope`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// `contacts`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<String>,
    /// `jwks`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks: Option<Value>,
    /// `jwks_uri`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// `sector_identifier_uri`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sector_identifier_uri: Option<String>,
    /// `subject_type`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject_type: Option<String>,
    /// `backchannel_logout_uri`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backchannel_logout_uri: Option<String>,
    /// `request_uris`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub request_uris: Vec<String>,
    /// `post_logout_redirect_uris`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub post_logout_redirect_uris: Vec<String>,
    /// `software_id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software_id: Option<String>,
    /// `software_version`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software_version: Option<String>,
    /// `software_statement`, RFC 7591 §2.3.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software_statement: Option<String>,
    /// `dpop_bound_access_tokens`, RFC 9449 §5.2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dpop_bound_access_tokens: Option<bool>,
    /// `require_pushed_authorization_requests`, RFC 9126 §6.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require_pushed_authorization_requests: Option<bool>,
}

/// What may stand in the body of an update besides the metadata (RFC 7592 §2.2).
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct ClientUpdate {
    /// `client_id`: must be the client's own.
    pub client_id: Option<String>,
    /// `client_secret`: must be the client's own, when it is there.
    pub client_secret: Option<String>,
    /// The new metadata.
    #[serde(flatten)]
    pub metadata: ClientMetadata,
}

/// The members that a server alone writes: an update "MUST NOT include" them (RFC 7592 §2.2).
pub const SERVER_MEMBERS: [&str; 4] = [
    "registration_access_token",
    "registration_client_uri",
    "client_secret_expires_at",
    "client_id_issued_at",
];

/// RFC 7591 §3.2.1 and RFC 7592 §3: all metadata in force, and how to come back to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClientInformation {
    /// `client_id`.
    pub client_id: ClientId,
    /// `client_id_issued_at`, in seconds.
    pub client_id_issued_at: i64,
    /// `client_secret`, when it is new: only its hash is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<String>,
    /// `client_secret_expires_at`: 0, which is never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret_expires_at: Option<i64>,
    /// `registration_access_token`.
    pub registration_access_token: String,
    /// `registration_client_uri`.
    pub registration_client_uri: String,
    /// The metadata in force.
    #[serde(flatten)]
    pub metadata: ClientMetadata,
}

impl ClientInformation {
    /// Adds a new secret.
    #[must_use]
    pub fn with_secret(self, secret: Option<String>) -> Self {
        Self {
            client_secret_expires_at: secret.as_ref().map(|_| 0),
            client_secret: secret,
            ..self
        }
    }

    /// Information without a secret.
    pub fn new(
        (client_id, issued_at): (ClientId, Timestamp),
        (token, uri): (String, String),
        metadata: ClientMetadata,
    ) -> Self {
        Self {
            client_id,
            client_id_issued_at: issued_at.unix_seconds(),
            client_secret: None,
            client_secret_expires_at: None,
            registration_access_token: token,
            registration_client_uri: uri,
            metadata,
        }
    }
}
