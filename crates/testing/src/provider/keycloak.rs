//! Keycloak, rows.
//!
//! <https://www.keycloak.org/securing-apps/oidc-layers>.

use serde_json::{Value, json};

use super::pages::{DevicePage, Turn};
use super::server::{Provider, Request, Response};
use super::signer;

/// Keycloak with the realm `main`.
#[derive(Clone, Debug)]
pub struct Keycloak {
    realm: String,
    path: String,
    /// The device page.
    pub device: DevicePage,
    /// Whether the client may use the device grant; by default it may not.
    pub device_grant: bool,
}

impl Keycloak {
    /// The client id.
    pub const CLIENT: &str = "cli";

    /// Everybody confirms.
    pub fn new(base: &str) -> Self {
        Self::below(base, "")
    }

    /// As releases before 17, which have a path before the realms.
    pub fn below(base: &str, before: &str) -> Self {
        let path = format!("{before}/realms/main");
        Self {
            realm: format!("{base}{path}"),
            path,
            device: DevicePage::default(),
            device_grant: true,
        }
    }

    fn metadata(&self) -> Value {
        let at = format!("{}/protocol/openid-connect", self.realm);
        json!({
            "issuer": self.realm,
            "authorization_endpoint": format!("{at}/auth"),
            "token_endpoint": format!("{at}/token"),
            "device_authorization_endpoint": format!("{at}/auth/device"),
            "revocation_endpoint": format!("{at}/revoke"),
            "jwks_uri": format!("{at}/certs"),
            "id_token_signing_alg_values_supported": ["RS256", "ES256", "HS256"],
            "code_challenge_methods_supported": ["plain", "S256"],
        })
    }

    fn device_code(&self) -> Response {
        if !self.device_grant {
            let text = "Client not allowed OAuth 2.0 Device Authorization Grant";
            return refuse("invalid_grant", text);
        }
        let page = format!("{}/device", self.realm);
        let body = json!({
            "device_code": "rGTKDUW4wEyUeY3TSNYLKkP4_aYt", "user_code": "ZADN-IPAV",
            "verification_uri": page, "verification_uri_complete": format!("{page}?user_code=ZADN-IPAV"),
            "expires_in": 600, "interval": 5,
        });
        Response::json(200, &body)
    }

    /// A poll that comes too early is told so, even when the person has confirmed; and the interval
    /// stays what it was.
    fn token(&mut self) -> Response {
        match self.device.poll() {
            Turn::Expired => refuse("expired_token", "Device code is expired"),
            Turn::SlowDown => refuse("slow_down", "Slow down"),
            Turn::Denied => refuse(
                "access_denied",
                "The end user denied the authorization request",
            ),
            Turn::Pending => {
                let text = "The authorization request is still pending";
                refuse("authorization_pending", text)
            }
            Turn::Unknown => refuse("invalid_grant", "Device code not valid"),
            Turn::Approved => {
                let who = (self.realm.as_str(), "f1d2c3", Self::CLIENT);
                let more = json!({"typ": "ID", "azp": Self::CLIENT, "preferred_username": "ada"});
                let body = json!({
                    "access_token": "access", "expires_in": 300, "refresh_expires_in": 1800,
                    "refresh_token": "refresh", "token_type": "Bearer", "not-before-policy": 0,
                    "session_state": "5b3c", "scope": "openid profile email",
                    "id_token": signer::id_token(who, "", &more),
                });
                Response::json(200, &body)
            }
        }
    }
}

impl Provider for Keycloak {
    fn answer(&mut self, request: &Request) -> Response {
        match request.path.strip_prefix(&self.path) {
            Some("/.well-known/openid-configuration") => Response::json(200, &self.metadata()),
            Some("/protocol/openid-connect/certs") => Response::json(200, &signer::jwks()),
            Some("/protocol/openid-connect/auth/device") => self.device_code(),
            Some("/protocol/openid-connect/token") => self.token(),
            _ => Response::not_found(),
        }
    }
}

fn refuse(code: &str, text: &str) -> Response {
    Response::json(400, &json!({"error": code, "error_description": text}))
}
