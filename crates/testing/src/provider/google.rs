//! Google, rows.
//!
//! <https://developers.google.com/identity/protocols/oauth2/limited-input-device>,
//! <https://developers.google.com/identity/protocols/oauth2/native-app>.

use serde_json::{Value, json};

use super::pages::{CodePage, DevicePage, Turn};
use super::server::{Provider, Request, Response};
use super::signer;

/// Google with one desktop client and one for devices.
#[derive(Clone, Debug)]
pub struct Google {
    base: String,
    /// The device page.
    pub device: DevicePage,
    /// The sign-in page.
    pub code: CodePage,
    /// Whether ID tokens name the issuer without a scheme.
    pub names_itself_briefly: bool,
    /// Whether the client is of the type for web applications.
    pub is_web_client: bool,
    has_consent: bool,
}

impl Google {
    /// The client id.
    pub const CLIENT: &str = "1084945748469.apps.googleusercontent.com";
    /// The secret that ships with the program.
    pub const SECRET: &str = "GOCSPX-canary";

    /// Everybody confirms.
    pub fn new(base: &str) -> Self {
        Self {
            base: base.to_owned(),
            device: DevicePage::default(),
            code: CodePage::default(),
            names_itself_briefly: false,
            is_web_client: false,
            has_consent: false,
        }
    }

    fn metadata(&self) -> Value {
        let at = &self.base;
        json!({
            "issuer": at,
            "authorization_endpoint": format!("{at}/o/oauth2/v2/auth"),
            "device_authorization_endpoint": format!("{at}/device/code"),
            "token_endpoint": format!("{at}/token"),
            "userinfo_endpoint": format!("{at}/v1/userinfo"),
            "revocation_endpoint": format!("{at}/revoke"),
            "jwks_uri": format!("{at}/oauth2/v3/certs"),
            "response_types_supported": ["code", "token", "id_token"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": ["openid", "email", "profile"],
            "code_challenge_methods_supported": ["plain", "S256"],
            "grant_types_supported": [
                "authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code",
            ],
        })
    }

    fn device_code(&self, request: &Request) -> Response {
        if self.is_web_client {
            return refuse(401, "invalid_client", "Invalid client type.");
        }
        // A short list of scopes; the others only with a browser (row Q-08).
        let known = ["openid", "email", "profile"];
        if let Some(scope) = request
            .field("scope")
            .split(' ')
            .find(|scope| !known.contains(scope))
        {
            return refuse(400, "invalid_scope", &format!("Invalid scope: {scope}"));
        }
        let body = json!({
            "device_code": "4/4-GMMhmHCXhWEzkobqIHGG_EnNYYsAkukHspeYUk9E8", "user_code": "GQVQ-JKEC",
            "verification_url": format!("{}/device", self.base), "expires_in": 1800, "interval": 5,
        });
        Response::json(200, &body)
    }

    fn token(&mut self, request: &Request) -> Response {
        if request.field("client_id") != Self::CLIENT {
            return refuse(401, "invalid_client", "The OAuth client was not found.");
        }
        match request.field("client_secret") {
            "" => return refuse(400, "invalid_request", "client_secret is missing."),
            Self::SECRET => {}
            _ => return refuse(401, "invalid_client", "Unauthorized"),
        }
        match request.field("grant_type") {
            "urn:ietf:params:oauth:grant-type:device_code" => match self.device.poll() {
                Turn::Pending => refuse(428, "authorization_pending", "Precondition Required"),
                Turn::SlowDown => refuse(403, "slow_down", "Forbidden"),
                Turn::Denied => refuse(403, "access_denied", "Forbidden"),
                Turn::Expired | Turn::Unknown => refuse(400, "invalid_grant", "Bad Request"),
                Turn::Approved => self.tokens("", true),
            },
            "authorization_code" => match self.code.redeem(request) {
                Some(nonce) => {
                    let asked = self.code.asked.as_ref();
                    let asked = |name, word| asked.is_some_and(|asked| asked.has_word(name, word));
                    let is_new = !std::mem::replace(&mut self.has_consent, true);
                    let lasts = asked("access_type", "offline");
                    self.tokens(&nonce, lasts && (is_new || asked("prompt", "consent")))
                }
                None => refuse(400, "invalid_grant", "Malformed auth code."),
            },
            "refresh_token" => self.tokens("", false),
            _ => refuse(400, "unsupported_grant_type", "Invalid grant_type"),
        }
    }

    fn tokens(&self, nonce: &str, lasts: bool) -> Response {
        let iss = if self.names_itself_briefly {
            "accounts.google.com"
        } else {
            &self.base
        };
        let who = (iss, "10769150350006150715113082367", Self::CLIENT);
        let more = json!({"azp": Self::CLIENT, "email": "ada@example.com", "email_verified": true});
        let mut body = json!({
            "access_token": "ya29.a0", "expires_in": 3599, "token_type": "Bearer",
            "scope": "openid https://www.googleapis.com/auth/userinfo.email https://www.googleapis.com/auth/userinfo.profile",
            "id_token": signer::id_token(who, nonce, &more),
        });
        if lasts {
            body["refresh_token"] = json!("1//0e-canary");
        }
        Response::json(200, &body)
    }
}

impl Provider for Google {
    fn answer(&mut self, request: &Request) -> Response {
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/.well-known/openid-configuration") => Response::json(200, &self.metadata()),
            ("GET", "/oauth2/v3/certs") => Response::json(200, &signer::jwks()),
            ("POST", "/device/code") => self.device_code(request),
            ("GET", "/o/oauth2/v2/auth") => self.code.authorize(request, None),
            ("POST", "/token") => self.token(request),
            ("POST", "/revoke") if request.field("token").starts_with("1//") => {
                Response::json(200, &json!({}))
            }
            ("POST", "/revoke") => refuse(400, "invalid_token", "Token expired or revoked"),
            _ => Response::not_found(),
        }
    }
}

fn refuse(status: u16, code: &str, description: &str) -> Response {
    Response::json(
        status,
        &json!({"error": code, "error_description": description}),
    )
}
