//! `WorkOS`: the device flow of `AuthKit` (rows ), and Connect (row Q-28).
//!
//! <https://workos.com/docs/reference/authkit/cli-auth>,
//! <https://workos.com/docs/reference/workos-connect/cli-auth>.

use hallpass_protocol::Clock as _;
use hallpass_protocol::time::SystemClock;
use serde_json::{Value, json};

use super::pages::{DevicePage, Turn};
use super::server::{Provider, Request, Response};
use super::signer;

/// The API of `AuthKit`.
#[derive(Clone, Debug)]
pub struct WorkOs {
    base: String,
    /// The device page.
    pub device: DevicePage,
    issued: u32,
}

/// Connect: the same in the form of the specifications.
#[derive(Clone, Debug)]
pub struct WorkOsConnect {
    base: String,
    /// The device page.
    pub device: DevicePage,
}

/// The client id.
const CLIENT: &str = "client_01HZBC6N1EB1ZY7KG32X";

impl WorkOs {
    /// The client id.
    pub const CLIENT: &str = CLIENT;

    /// Everybody confirms.
    pub fn new(base: &str) -> Self {
        Self {
            base: base.to_owned(),
            device: DevicePage::default(),
            issued: 0,
        }
    }

    fn authenticate(&mut self, request: &Request) -> Response {
        if request.field("client_id") != CLIENT {
            return refuse("invalid_client");
        }
        let is_good = match request.field("grant_type") {
            "urn:ietf:params:oauth:grant-type:device_code" => match refused(&mut self.device) {
                Some(refused) => return refused,
                None => true,
            },
            "refresh_token" => request.field("refresh_token") == format!("refresh-{}", self.issued),
            _ => return refuse("unsupported_grant_type"),
        };
        if !is_good {
            return refuse("invalid_grant");
        }
        self.issued += 1;
        // No type, no lifetime, no ID token: the access token tells its own end.
        let now = SystemClock.now().unix_seconds();
        let claims = json!({
            "iss": self.base, "sub": "user_01E4", "sid": "session_01H9", "jti": self.issued,
            "iat": now, "exp": now + 300,
        });
        let body = json!({
            "user": {"object": "user", "id": "user_01E4", "email": "ada@example.com",
                "email_verified": true, "first_name": "Ada"},
            "organization_id": "org_01H9",
            "access_token": signer::jwt(&claims),
            "refresh_token": format!("refresh-{}", self.issued),
            "authentication_method": "Password",
        });
        Response::json(200, &body)
    }
}

impl Provider for WorkOs {
    fn answer(&mut self, request: &Request) -> Response {
        match (request.method.as_str(), request.path.as_str()) {
            ("POST", "/user_management/authorize/device") => {
                Response::json(200, &device_code(&self.base))
            }
            ("POST", "/user_management/authenticate") => self.authenticate(request),
            _ => Response::not_found(),
        }
    }
}

impl WorkOsConnect {
    /// The client id.
    pub const CLIENT: &str = CLIENT;

    /// Everybody confirms.
    pub fn new(base: &str) -> Self {
        Self {
            base: base.to_owned(),
            device: DevicePage::default(),
        }
    }

    fn metadata(&self) -> Value {
        let at = &self.base;
        json!({
            "issuer": at,
            "authorization_endpoint": format!("{at}/oauth2/authorize"),
            "token_endpoint": format!("{at}/oauth2/token"),
            "jwks_uri": format!("{at}/oauth2/jwks"),
            "scopes_supported": ["email", "offline_access", "openid", "profile"],
            "code_challenge_methods_supported": ["S256"],
        })
    }

    fn token(&mut self) -> Response {
        if let Some(refused) = refused(&mut self.device) {
            return refused;
        }
        let who = (self.base.as_str(), "user_01E4", CLIENT);
        let body = json!({
            "access_token": "access", "token_type": "Bearer", "expires_in": 300,
            "refresh_token": "refresh",
            "id_token": signer::id_token(who, "", &json!({"email": "ada@example.com"})),
        });
        Response::json(200, &body)
    }
}

impl Provider for WorkOsConnect {
    fn answer(&mut self, request: &Request) -> Response {
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/.well-known/oauth-authorization-server") => {
                Response::json(200, &self.metadata())
            }
            ("GET", "/oauth2/jwks") => Response::json(200, &signer::jwks()),
            ("POST", "/oauth2/device_authorization") => {
                Response::json(200, &device_code(&self.base))
            }
            ("POST", "/oauth2/token") => self.token(),
            _ => Response::not_found(),
        }
    }
}

fn device_code(base: &str) -> Value {
    let page = format!("{base}/device");
    json!({
        "device_code": "CVE2wOfIFK4vhmiDBntpX9s8KT2f0qngpWYL0LGy9HxYgBRXUKIUkZB9BgIFho5h",
        "user_code": "BCDF-GHJK", "verification_uri": page,
        "verification_uri_complete": format!("{page}?user_code=BCDF-GHJK"),
        "expires_in": 300, "interval": 5,
    })
}

fn refused(page: &mut DevicePage) -> Option<Response> {
    Some(refuse(match page.poll() {
        Turn::Pending => "authorization_pending",
        Turn::SlowDown => "slow_down",
        Turn::Denied => "access_denied",
        Turn::Expired => "expired_token",
        Turn::Unknown => "invalid_grant",
        Turn::Approved => return None,
    }))
}

fn refuse(code: &str) -> Response {
    let body = json!({"error": code, "error_description": format!("What {code} means.")});
    Response::json(400, &body)
}
