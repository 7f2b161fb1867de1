//! GitHub, rows.
//!
//! <https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps>,
//! <https://docs.github.com/en/apps/github-authentication-discovery-endpoints> (the issuer).

use serde_json::{Value, json};

use super::pages::{CodePage, DevicePage, Turn};
use super::server::{Provider, Request, Response};

/// GitHub with one OAuth app, or one GitHub App.
#[derive(Clone, Debug)]
pub struct GitHub {
    base: String,
    /// The device page.
    pub device: DevicePage,
    /// The sign-in page.
    pub code: CodePage,
    /// Whether tokens expire: a GitHub App, not an OAuth app (row Q-05).
    pub is_app: bool,
    /// Whether the client's registration allows the device flow.
    pub device_flow: bool,
    /// The numeric id of who signs in.
    pub user: u64,
    /// Codes of the device flow so far; each has tokens of its own number.
    issued: u32,
}

impl GitHub {
    /// The client id.
    pub const CLIENT: &str = "Iv1.8a61f9b3a7aba766";
    /// The client secret, which the code flow needs.
    pub const SECRET: &str = "github-secret-canary";

    /// Everybody confirms.
    pub fn new(base: &str) -> Self {
        Self {
            base: base.to_owned(),
            device: DevicePage::default(),
            code: CodePage::default(),
            is_app: false,
            device_flow: true,
            user: 583_231,
            issued: 0,
        }
    }

    /// Form-encoded unless JSON is asked for, and status 200 whatever it says (rows ).
    fn say(request: &Request, body: &Value) -> Response {
        if request.accepts_json {
            Response::json(200, body)
        } else {
            Response::form(200, body)
        }
    }

    fn device_code(&self, request: &Request) -> Response {
        if request.field("client_id") != Self::CLIENT {
            return Response::json(404, &json!({"error": "Not Found"}));
        }
        if !self.device_flow {
            return Self::say(request, &error("device_flow_disabled"));
        }
        let body = json!({
            "device_code": "3584d83530557fdd1f46af8289938c8ef79f9dc5", "user_code": "WDJB-MJHT",
            "verification_uri": format!("{}/login/device", self.base),
            "expires_in": 900, "interval": 5,
        });
        Self::say(request, &body)
    }

    fn access_token(&mut self, request: &Request) -> Value {
        if request.field("client_id") != Self::CLIENT {
            return error("incorrect_client_credentials");
        }
        match request.field("grant_type") {
            "urn:ietf:params:oauth:grant-type:device_code" => match self.device.poll() {
                Turn::Pending => error("authorization_pending"),
                Turn::SlowDown => {
                    let mut body = error("slow_down");
                    body["interval"] = json!(10);
                    body
                }
                Turn::Denied => error("access_denied"),
                Turn::Expired => error("token_expired"),
                Turn::Unknown => error("incorrect_device_code"),
                Turn::Approved => self.tokens(),
            },
            "refresh_token" => {
                // Single use (row Q-05).
                if request.field("refresh_token") == format!("ghr_{}", self.issued) {
                    self.tokens()
                } else {
                    error("bad_refresh_token")
                }
            }
            "authorization_code" if request.field("client_secret") != Self::SECRET => {
                error("incorrect_client_credentials")
            }
            "authorization_code" if self.code.redeem(request).is_some() => self.tokens(),
            "authorization_code" => error("bad_verification_code"),
            _ => error("unsupported_grant_type"),
        }
    }

    fn tokens(&mut self) -> Value {
        self.issued += 1;
        let number = self.issued;
        let mut body = json!({
            "access_token": format!("gho_{number}"), "token_type": "bearer", "scope": "read:user,gist",
        });
        if self.is_app {
            body["expires_in"] = json!(28800);
            body["refresh_token"] = json!(format!("ghr_{number}"));
            body["refresh_token_expires_in"] = json!(15_897_600);
            body["scope"] = json!("");
        }
        body
    }

    fn user(&self, request: &Request) -> Response {
        let wanted = format!("Bearer gho_{}", self.issued);
        if request.authorization.as_deref() != Some(&wanted) {
            return Response::json(401, &json!({"message": "Bad credentials", "status": "401"}));
        }
        let body = json!({"login": "octocat", "id": self.user, "type": "User", "email": null});
        Response::json(200, &body)
    }
}

impl Provider for GitHub {
    fn answer(&mut self, request: &Request) -> Response {
        let issuer = format!("{}/login/oauth", self.base);
        match (request.method.as_str(), request.path.as_str()) {
            ("POST", "/login/device/code") => self.device_code(request),
            ("GET", "/login/oauth/authorize") => self.code.authorize(request, Some(&issuer)),
            ("POST", "/login/oauth/access_token") => {
                let body = self.access_token(request);
                Self::say(request, &body)
            }
            ("GET", "/user" | "/api/v3/user") => self.user(request),
            _ => Response::not_found(),
        }
    }
}

fn error(code: &str) -> Value {
    json!({
        "error": code, "error_description": format!("What {code} means."),
        "error_uri": "https://docs.github.com/developers/apps/authorizing-oauth-apps",
    })
}
