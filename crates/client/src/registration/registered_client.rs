//! What a server answered to a registration.
//!
//! RFC 7591 §3.2.1: <https://www.rfc-editor.org/rfc/rfc7591#section-3.2.1>, RFC 7592 §3; row C-56.

use hallpass_protocol::registration::ClientMetadata;
use hallpass_protocol::{Secret, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::clean;
use crate::client_auth::ClientAuthMethod;

/// A client as the server has registered it. What counts is what stands here, whatever was asked for
/// (RFC 7591 §3.2.1).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RegisteredClient {
    /// The id that the server chose.
    pub client_id: String,
    /// The secret, when the server wants one from this client.
    pub client_secret: Option<Secret<String>>,
    /// When the secret ends; `None` when it does not.
    pub client_secret_expires_at: Option<Timestamp>,
    /// What shows the server that a later question about the registration is the client's own
    /// (RFC 7592 §1.2).
    pub registration_access_token: Option<Secret<String>>,
    /// Where such questions go.
    pub registration_client_uri: Option<String>,
    /// The metadata in force.
    pub metadata: ClientMetadata,
}

#[derive(Serialize, Deserialize)]
struct Wire {
    client_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_secret_expires_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    registration_access_token: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    registration_client_uri: Option<String>,
    #[serde(flatten)]
    metadata: ClientMetadata,
}

impl RegisteredClient {
    /// How this client authenticates: as `token_endpoint_auth_method` says. `None` when it is a method
    /// whose key only the caller has, such as `private_key_jwt`.
    pub fn client_auth(&self) -> Option<ClientAuthMethod> {
        let method = self.metadata.token_endpoint_auth_method.as_deref();
        match (method, self.client_secret.clone()) {
            (Some("none"), _) | (None, None) => Some(ClientAuthMethod::None),
            (Some("client_secret_post"), Some(secret)) => {
                Some(ClientAuthMethod::SecretPost(secret))
            }
            // RFC 7591 §2: "If unspecified or omitted, the default is `client_secret_basic`".
            (Some("client_secret_basic") | None, Some(secret)) => {
                Some(ClientAuthMethod::SecretBasic(secret))
            }
            (Some(_), _) => None,
        }
    }

    /// Whether its secret is over.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.client_secret_expires_at.is_some_and(|end| now >= end)
    }

    /// Reads a document of the server's, or one that was kept.
    pub(super) fn from_json(bytes: &[u8]) -> Option<Self> {
        let mut members: Map<String, Value> = serde_json::from_slice(bytes).ok()?;
        // RFC 7591 §2 leaves members out that are not set; servers of the field write `null` and `[]`.
        members.retain(|_, value| !value.is_null());
        let wire: Wire = serde_json::from_value(Value::Object(members)).ok()?;
        if wire.client_id.is_empty() || !clean::is_clean(&wire.client_id) {
            return None;
        }
        Some(Self {
            client_id: wire.client_id,
            client_secret: wire.client_secret.map(Secret::new),
            // "0 if it will not expire".
            client_secret_expires_at: wire
                .client_secret_expires_at
                .filter(|end| *end > 0)
                .map(Timestamp::from_unix_seconds),
            registration_access_token: wire.registration_access_token.map(Secret::new),
            registration_client_uri: wire.registration_client_uri,
            metadata: wire.metadata,
        })
    }

    /// As it is kept.
    pub(super) fn to_json(&self) -> Option<Secret<String>> {
        let plain = |secret: &Option<Secret<String>>| secret.as_ref().map(|it| it.expose().clone());
        let wire = Wire {
            client_id: self.client_id.clone(),
            client_secret: plain(&self.client_secret),
            client_secret_expires_at: self.client_secret_expires_at.map(Timestamp::unix_seconds),
            registration_access_token: plain(&self.registration_access_token),
            registration_client_uri: self.registration_client_uri.clone(),
            metadata: self.metadata.clone(),
        };
        serde_json::to_string(&wire).ok().map(Secret::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = r#"{
        "client_id": "s6BhdRkqt3", "client_secret": "canary-secret", "client_secret_expires_at": 2000,
        "client_id_issued_at": 1000, "registration_access_token": "canary-token",
        "registration_client_uri": "https://as.test/register/s6BhdRkqt3",
        "redirect_uris": ["http://127.0.0.1/callback"], "token_endpoint_auth_method": "client_secret_post",
        "grant_types": ["authorization_code"], "logo_uri": null, "contacts": null, "something": {"new": 1}
    }"#;

    fn method(changes: &[(&str, Value)]) -> Option<String> {
        let mut members: Map<String, Value> = serde_json::from_str(ANSWER).unwrap();
        for (name, value) in changes {
            members.insert((*name).to_owned(), value.clone());
        }
        let text = Value::Object(members).to_string();
        let client = RegisteredClient::from_json(text.as_bytes()).unwrap();
        client.client_auth().map(|method| {
            let shown = format!("{method:?}");
            shown.split('(').next().unwrap().to_owned()
        })
    }

    #[test]
    fn c_56_what_the_server_answered_survives_being_kept() {
        let client = RegisteredClient::from_json(ANSWER.as_bytes()).unwrap();
        let kept = client.to_json().unwrap();
        let again = RegisteredClient::from_json(kept.expose().as_bytes()).unwrap();
        for client in [&client, &again] {
            assert_eq!(client.client_id, "s6BhdRkqt3");
            assert_eq!(client.client_secret, Some(Secret::from("canary-secret")));
            assert_eq!(
                client.registration_access_token,
                Some(Secret::from("canary-token"))
            );
            assert_eq!(client.metadata.redirect_uris, ["http://127.0.0.1/callback"]);
            assert!(!client.is_expired(Timestamp::from_unix_seconds(1999)));
            assert!(client.is_expired(Timestamp::from_unix_seconds(2000)));
        }
        assert_eq!(again.metadata, client.metadata);
    }

    #[test]
    fn c_56_the_method_that_the_server_chose_is_used() {
        let is = |name: &str| Some(name.to_owned());
        let auth_method = "token_endpoint_auth_method";
        assert_eq!(method(&[]), is("SecretPost"));
        assert_eq!(method(&[(auth_method, Value::Null)]), is("SecretBasic"));
        assert_eq!(method(&[(auth_method, "none".into())]), is("None"));
        assert_eq!(method(&[(auth_method, "private_key_jwt".into())]), None);
        let without = [(auth_method, Value::Null), ("client_secret", Value::Null)];
        assert_eq!(method(&without), is("None"));
    }

    #[test]
    fn c_49_debug_of_a_registration_shows_no_secret() {
        let client = RegisteredClient::from_json(ANSWER.as_bytes()).unwrap();
        assert!(!format!("{client:?}").contains("canary"));
    }

    #[test]
    fn what_names_no_client_is_no_registration() {
        for text in [
            "{}",
            "[]",
            "",
            r#"{"client_id": ""}"#,
            r#"{"client_id": 7}"#,
            "{\"client_id\": \"a\\u001b[2J\"}",
        ] {
            assert!(
                RegisteredClient::from_json(text.as_bytes()).is_none(),
                "{text}"
            );
        }
    }
}
