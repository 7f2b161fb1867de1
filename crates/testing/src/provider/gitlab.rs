//! GitLab, row Q-29.
//!
//! <https://docs.gitlab.com/api/oauth2/>.

use serde_json::{Value, json};

use super::pages::{CodePage, DevicePage, Turn};
use super::server::{Provider, Request, Response};
use super::signer;

/// GitLab with one application that is not confidential.
#[derive(Clone, Debug)]
pub struct GitLab {
    base: String,
    /// The device page.
    pub device: DevicePage,
    /// The sign-in page.
    pub code: CodePage,
    /// Whether the metadata lists the device endpoint.
    pub lists_device: bool,
    /// Seconds between two polls.
    pub interval: u64,
    issued: u32,
}

impl GitLab {
    /// The client id.
    pub const CLIENT: &str = "gitlab-application";

    /// Everybody confirms.
    pub fn new(base: &str) -> Self {
        Self {
            base: base.to_owned(),
            device: DevicePage::default(),
            code: CodePage::default(),
            lists_device: false,
            interval: 5,
            issued: 0,
        }
    }

    fn metadata(&self) -> Value {
        let at = &self.base;
        let mut body = json!({
            "issuer": at,
            "authorization_endpoint": format!("{at}/oauth/authorize"),
            "token_endpoint": format!("{at}/oauth/token"),
            "revocation_endpoint": format!("{at}/oauth/revoke"),
            "introspection_endpoint": format!("{at}/oauth/introspect"),
            "userinfo_endpoint": format!("{at}/oauth/userinfo"),
            "jwks_uri": format!("{at}/oauth/discovery/keys"),
            "scopes_supported": ["api", "read_api", "read_user", "openid", "profile", "email"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["plain", "S256"],
        });
        if self.lists_device {
            body["device_authorization_endpoint"] = json!(format!("{at}/oauth/authorize_device"));
        }
        body
    }

    fn device_code(&self) -> Response {
        let page = format!("{}/oauth/device", self.base);
        let body = json!({
            "device_code": "GmRhmhcxhwAzkoEqiMEg_DnyEysNkuNhszIySk9eS", "user_code": "0A44L90H",
            "verification_uri": page, "verification_uri_complete": format!("{page}?user_code=0A44L90H"),
            "expires_in": 300, "interval": self.interval,
        });
        Response::json(200, &body)
    }

    fn token(&mut self, request: &Request) -> Response {
        match request.field("grant_type") {
            "urn:ietf:params:oauth:grant-type:device_code" => match self.device.poll() {
                Turn::Pending => refuse("authorization_pending"),
                Turn::SlowDown => refuse("slow_down"),
                Turn::Denied => refuse("access_denied"),
                Turn::Expired => refuse("expired_token"),
                Turn::Unknown => refuse("invalid_grant"),
                // The documented answer has no refresh token.
                Turn::Approved => self.tokens("", false),
            },
            "authorization_code" => match self.code.redeem(request) {
                Some(nonce) => self.tokens(&nonce, true),
                None => refuse("invalid_grant"),
            },
            // Old tokens, both of them, end with the refresh.
            "refresh_token"
                if request.field("refresh_token") == format!("refresh-{}", self.issued) =>
            {
                self.tokens("", true)
            }
            "refresh_token" => refuse("invalid_grant"),
            _ => refuse("unsupported_grant_type"),
        }
    }

    fn tokens(&mut self, nonce: &str, lasts: bool) -> Response {
        self.issued += 1;
        let who = (self.base.as_str(), "1234", Self::CLIENT);
        let more = json!({"preferred_username": "ada", "email": "ada@example.com"});
        let mut body = json!({
            "access_token": format!("access-{}", self.issued), "token_type": "Bearer",
            "expires_in": 7200, "scope": "openid profile email", "created_at": 1_593_096_829,
            "id_token": signer::id_token(who, nonce, &more),
        });
        if lasts {
            body["refresh_token"] = json!(format!("refresh-{}", self.issued));
        }
        Response::json(200, &body)
    }
}

impl Provider for GitLab {
    fn answer(&mut self, request: &Request) -> Response {
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/.well-known/openid-configuration") => Response::json(200, &self.metadata()),
            ("GET", "/oauth/discovery/keys") => Response::json(200, &signer::jwks()),
            ("POST", "/oauth/authorize_device") => self.device_code(),
            ("GET", "/oauth/authorize") => self.code.authorize(request, None),
            ("POST", "/oauth/token") => self.token(request),
            ("POST", "/oauth/revoke") => Response::json(200, &json!({})),
            _ => Response::not_found(),
        }
    }
}

fn refuse(code: &str) -> Response {
    let body = json!({"error": code, "error_description": format!("What {code} means.")});
    Response::json(400, &body)
}
