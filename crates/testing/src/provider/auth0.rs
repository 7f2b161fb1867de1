//! Auth0, rows.
//!
//! <https://auth0.com/docs/get-started/authentication-and-authorization-flow/device-authorization-flow>.

use serde_json::{Value, json};

use super::pages::{CodePage, DevicePage, Turn};
use super::server::{Provider, Request, Response};
use super::signer;

/// An Auth0 tenant with one native application and one API.
#[derive(Clone, Debug)]
pub struct Auth0 {
    base: String,
    /// The device page.
    pub device: DevicePage,
    /// The sign-in page.
    pub code: CodePage,
    has_expired: bool,
    asked: Option<Request>,
}

impl Auth0 {
    /// The client id.
    pub const CLIENT: &str = "nZ8JDrV8Hklf3JumewRl2ke3ovPZn5Ho";

    /// Everybody confirms.
    pub fn new(base: &str) -> Self {
        Self {
            base: base.to_owned(),
            device: DevicePage::default(),
            code: CodePage::default(),
            has_expired: false,
            asked: None,
        }
    }

    fn metadata(&self) -> Value {
        let at = &self.base;
        json!({
            "issuer": format!("{at}/"),
            "authorization_endpoint": format!("{at}/authorize"),
            "token_endpoint": format!("{at}/oauth/token"),
            "device_authorization_endpoint": format!("{at}/oauth/device/code"),
            "revocation_endpoint": format!("{at}/oauth/revoke"),
            "jwks_uri": format!("{at}/.well-known/jwks.json"),
            "id_token_signing_alg_values_supported": ["HS256", "RS256", "PS256"],
            "code_challenge_methods_supported": ["S256", "plain"],
        })
    }

    fn device_code(&mut self, request: &Request) -> Response {
        self.asked = Some(request.clone());
        let page = format!("{}/activate", self.base);
        let body = json!({
            "device_code": "Ag_EE4x1c0wl1m3w6ETNgM2Y", "user_code": "QTZL-MCBW",
            "verification_uri": page, "verification_uri_complete": format!("{page}?user_code=QTZL-MCBW"),
            "expires_in": 900, "interval": 5,
        });
        Response::json(200, &body)
    }

    fn token(&mut self, request: &Request) -> Response {
        match request.field("grant_type") {
            "urn:ietf:params:oauth:grant-type:device_code" => match self.device.poll() {
                Turn::Pending => refuse(403, "authorization_pending"),
                Turn::SlowDown => refuse(429, "slow_down"),
                Turn::Denied => refuse(403, "access_denied"),
                // It is said exactly once.
                Turn::Expired if !std::mem::replace(&mut self.has_expired, true) => {
                    refuse(403, "expired_token")
                }
                Turn::Expired | Turn::Unknown => refuse(403, "invalid_grant"),
                Turn::Approved => self.tokens(""),
            },
            "authorization_code" => match self.code.redeem(request) {
                Some(nonce) => {
                    self.asked.clone_from(&self.code.asked);
                    self.tokens(&nonce)
                }
                None => refuse(403, "invalid_grant"),
            },
            "refresh_token" => self.tokens(""),
            // Programs have no other way to say what they want.
            "client_credentials" if request.field("audience").is_empty() => {
                refuse(403, "access_denied")
            }
            "client_credentials" => {
                self.asked = Some(request.clone());
                self.tokens("")
            }
            _ => refuse(403, "unsupported_grant_type"),
        }
    }

    fn tokens(&self, nonce: &str) -> Response {
        let asked = |name: &str| self.asked.as_ref().map_or("", |asked| asked.field(name));
        let iss = format!("{}/", self.base);
        // Without an audience the token is for nobody but the tenant, and opaque.
        let access_token = match asked("audience") {
            "" => "opaque-token".to_owned(),
            audience => signer::jwt(&json!({"iss": iss, "aud": [audience], "sub": "auth0|5"})),
        };
        let who = (iss.as_str(), "auth0|5", Self::CLIENT);
        let mut body = json!({
            "access_token": access_token, "token_type": "Bearer", "expires_in": 86400,
            "scope": asked("scope"),
            "id_token": signer::id_token(who, nonce, &json!({"name": "ada"})),
        });
        if asked("scope").contains("offline_access") {
            body["refresh_token"] = json!("refresh-canary");
        }
        Response::json(200, &body)
    }
}

impl Provider for Auth0 {
    fn answer(&mut self, request: &Request) -> Response {
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/.well-known/openid-configuration") => Response::json(200, &self.metadata()),
            ("GET", "/.well-known/jwks.json") => Response::json(200, &signer::jwks()),
            ("POST", "/oauth/device/code") => self.device_code(request),
            ("GET", "/authorize") => self.code.authorize(request, None),
            ("POST", "/oauth/token") => self.token(request),
            ("POST", "/oauth/revoke") if request.field("token") == "refresh-canary" => {
                Response::raw(200, "application/json", String::new())
            }
            // Only refresh tokens can be revoked (row Q-21).
            ("POST", "/oauth/revoke") => refuse(400, "unsupported_token_type"),
            _ => Response::not_found(),
        }
    }
}

fn refuse(status: u16, code: &str) -> Response {
    let body = json!({"error": code, "error_description": format!("What {code} means.")});
    Response::json(status, &body)
}
