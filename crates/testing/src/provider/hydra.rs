//! Ory Hydra, rows.
//!
//! <https://www.ory.com/docs/oauth2-oidc/device-authorization>.

use serde_json::{Value, json};

use super::pages::{CodePage, DevicePage, Turn};
use super::server::{Provider, Request, Response};
use super::signer;

/// Hydra with one public client.
#[derive(Clone, Debug)]
pub struct Hydra {
    base: String,
    /// The device page.
    pub device: DevicePage,
    /// The sign-in page.
    pub code: CodePage,
    /// What people type: 8 letters, 8 letters and digits, or 9 digits, by configuration.
    pub user_code: String,
    scope: String,
    issued: u32,
}

impl Hydra {
    /// The client id.
    pub const CLIENT: &str = "8dd1bb5c-3f1f-4c5e-9a3b";

    /// Everybody confirms.
    pub fn new(base: &str) -> Self {
        Self {
            base: base.to_owned(),
            device: DevicePage::default(),
            code: CodePage::default(),
            user_code: "738204915".to_owned(),
            scope: String::new(),
            issued: 0,
        }
    }

    fn metadata(&self) -> Value {
        let at = &self.base;
        json!({
            "issuer": format!("{at}/"),
            "authorization_endpoint": format!("{at}/oauth2/auth"),
            "token_endpoint": format!("{at}/oauth2/token"),
            "device_authorization_endpoint": format!("{at}/oauth2/device/auth"),
            "revocation_endpoint": format!("{at}/oauth2/revoke"),
            "jwks_uri": format!("{at}/.well-known/jwks.json"),
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["plain", "S256"],
        })
    }

    fn device_code(&mut self, request: &Request) -> Response {
        request.field("scope").clone_into(&mut self.scope);
        let page = format!("{}/oauth2/device/verify", self.base);
        let code = &self.user_code;
        let body = json!({
            "device_code": "ory_dc_smldfksmdfkl.mslkmlkmlk", "user_code": code,
            "verification_uri": page, "verification_uri_complete": format!("{page}?user_code={code}"),
            "expires_in": 900, "interval": 5,
        });
        Response::json(200, &body)
    }

    fn authorize(&mut self, request: &Request) -> Response {
        if request.field("state").len() < 8 {
            let text = "The state must have at least 8 characters.".to_owned();
            return Response::raw(400, "text/html", text);
        }
        request.field("scope").clone_into(&mut self.scope);
        self.code.authorize(request, None)
    }

    fn token(&mut self, request: &Request) -> Response {
        // The registered method counts, and it is `none`.
        if request.authorization.is_some() || request.form.has("client_secret") {
            return refuse(401, "invalid_client");
        }
        match request.field("grant_type") {
            "urn:ietf:params:oauth:grant-type:device_code" => match self.device.poll() {
                Turn::Pending => refuse(400, "authorization_pending"),
                Turn::SlowDown => refuse(400, "slow_down"),
                Turn::Denied => refuse(403, "access_denied"),
                Turn::Expired => refuse(400, "expired_token"),
                Turn::Unknown => refuse(400, "invalid_grant"),
                Turn::Approved => self.tokens(""),
            },
            "authorization_code" => match self.code.redeem(request) {
                Some(nonce) => self.tokens(&nonce),
                None => refuse(400, "invalid_grant"),
            },
            "refresh_token" if request.field("refresh_token") == self.refresh_token() => {
                self.tokens("")
            }
            _ => refuse(400, "invalid_grant"),
        }
    }

    fn refresh_token(&self) -> String {
        format!("ory_rt_{}", self.issued)
    }

    fn tokens(&mut self, nonce: &str) -> Response {
        self.issued += 1;
        let iss = format!("{}/", self.base);
        let who = (iss.as_str(), "ada", Self::CLIENT);
        let mut body = json!({
            "access_token": format!("ory_at_{}", self.issued), "expires_in": 3599, "scope": self.scope,
            "token_type": "bearer", "id_token": signer::id_token(who, nonce, &json!({"sid": "s1"})),
        });
        if self.scope.contains("offline") {
            body["refresh_token"] = json!(self.refresh_token());
        }
        Response::json(200, &body)
    }
}

impl Provider for Hydra {
    fn answer(&mut self, request: &Request) -> Response {
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/.well-known/openid-configuration") => Response::json(200, &self.metadata()),
            ("GET", "/.well-known/jwks.json") => Response::json(200, &signer::jwks()),
            ("POST", "/oauth2/device/auth") => self.device_code(request),
            ("GET", "/oauth2/auth") => self.authorize(request),
            ("POST", "/oauth2/token") => self.token(request),
            _ => Response::not_found(),
        }
    }
}

fn refuse(status: u16, code: &str) -> Response {
    let body = json!({"error": code, "error_description": format!("What {code} means.")});
    Response::json(status, &body)
}
