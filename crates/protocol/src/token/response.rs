//! The token response.
//!
//! RFC 6749 §5.1: <https://www.rfc-editor.org/rfc/rfc6749#section-5.1>, RFC 8693 §2.2.1.

use serde::{Deserialize, Serialize};

use crate::{Scopes, Secret, lenient};

/// A successful token response, RFC 6749 §5.1.
#[derive(Clone, Debug)]
pub struct TokenResponse {
    /// `access_token`.
    pub access_token: Secret<String>,
    /// `token_type`: `Bearer`, `DPoP` or `N_A`; compared without case (§5.1).
    pub token_type: String,
    /// `expires_in` in seconds; `None` when the server did not say.
    pub expires_in: Option<u64>,
    /// `refresh_token`.
    pub refresh_token: Option<Secret<String>>,
    /// `scope`; always sent by us (row S-130).
    pub scope: Option<Scopes>,
    /// `id_token`, OIDC Core §3.1.3.3.
    pub id_token: Option<Secret<String>>,
    /// `issued_token_type`, RFC 8693 §2.2.1.
    pub issued_token_type: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Wire {
    access_token: String,
    // Some providers leave it out (row Q-26); RFC 6749 §5.1 demands it of us.
    #[serde(default = "bearer")]
    token_type: String,
    #[serde(
        default,
        deserialize_with = "lenient::seconds",
        skip_serializing_if = "Option::is_none"
    )]
    expires_in: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    #[serde(
        default,
        deserialize_with = "lenient::scopes",
        skip_serializing_if = "Option::is_none"
    )]
    scope: Option<Scopes>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    issued_token_type: Option<String>,
}

fn bearer() -> String {
    "Bearer".to_owned()
}

impl TokenResponse {
    /// The JSON body of the answer.
    pub fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(&self.wire())
    }

    /// The answer as a JSON object, for an endpoint that adds members of its own.
    pub fn to_value(&self) -> serde_json::Result<serde_json::Value> {
        serde_json::to_value(self.wire())
    }

    fn wire(&self) -> Wire {
        let plain = |secret: &Option<Secret<String>>| secret.as_ref().map(|s| s.expose().clone());
        Wire {
            access_token: self.access_token.expose().clone(),
            token_type: self.token_type.clone(),
            expires_in: self.expires_in,
            refresh_token: plain(&self.refresh_token),
            scope: self.scope.clone(),
            id_token: plain(&self.id_token),
            issued_token_type: self.issued_token_type.clone(),
        }
    }

    /// Reads an answer in JSON (row C-43).
    pub fn from_json(body: &[u8]) -> serde_json::Result<Self> {
        let wire: Wire = serde_json::from_slice(body)?;
        Ok(Self {
            access_token: Secret::new(wire.access_token),
            token_type: wire.token_type,
            expires_in: wire.expires_in,
            refresh_token: wire.refresh_token.map(Secret::new),
            scope: wire.scope,
            id_token: wire.id_token.map(Secret::new),
            issued_token_type: wire.issued_token_type,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_6749_5_1_is_read() {
        let body = br#"{"access_token":"2YotnFZFEjr1zCsicMWpAA","token_type":"example",
            "expires_in":3600,"refresh_token":"tGzv3JOkF0XG5Qx2TlKWIA","example_parameter":"x"}"#;
        let answer = TokenResponse::from_json(body).unwrap();
        assert_eq!(
            (answer.token_type.as_str(), answer.expires_in),
            ("example", Some(3600))
        );
        assert_eq!(
            answer.refresh_token,
            Some(Secret::from("tGzv3JOkF0XG5Qx2TlKWIA"))
        );
    }

    #[test]
    fn c_43_odd_lifetimes_are_numbers_or_unknown() {
        for (text, seconds) in [
            ("\"3600\"", Some(3600)),
            ("3600.7", Some(3600)),
            ("null", None),
            ("-1", None),
            ("\"soon\"", None),
            ("1e400", None),
        ] {
            let body =
                format!(r#"{{"access_token":"a","token_type":"bEaReR","expires_in":{text}}}"#);
            match TokenResponse::from_json(body.as_bytes()) {
                Ok(answer) => assert_eq!(answer.expires_in, seconds, "{text}"),
                Err(_) => assert_eq!(text, "1e400"),
            }
        }
    }
}
