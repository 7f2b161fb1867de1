//! Slack, rows.
//!
//! <https://docs.slack.dev/authentication/using-pkce>,
//! <https://docs.slack.dev/reference/methods/oauth.v2.access>.

use serde_json::{Value, json};

use super::pages::CodePage;
use super::server::{Provider, Request, Response};

/// Slack with one app that has PKCE and token rotation switched on.
#[derive(Clone, Debug)]
pub struct Slack {
    /// The sign-in page.
    pub code: CodePage,
    issued: u32,
}

impl Slack {
    /// The client id.
    pub const CLIENT: &str = "4b39e9.752c4";

    /// Everybody confirms.
    pub fn new(_base: &str) -> Self {
        Self {
            code: CodePage::default(),
            issued: 0,
        }
    }

    fn authorize(&mut self, request: &Request) -> Response {
        // Redirects to this machine cannot have a bot's scopes.
        if request.form.has("scope") {
            let text = "Something went wrong: bot scopes on a desktop redirect".to_owned();
            return Response::raw(200, "text/html", text);
        }
        self.code.authorize(request, None)
    }

    fn access(&mut self, request: &Request) -> Value {
        if request.field("client_id") != Self::CLIENT {
            return json!({"ok": false, "error": "invalid_client_id"});
        }
        match request.field("grant_type") {
            "refresh_token" => {
                let wanted = format!("xoxe-1-{}", self.issued);
                if request.field("refresh_token") != wanted {
                    return json!({"ok": false, "error": "invalid_refresh_token"});
                }
                self.tokens()
            }
            _ if self.code.redeem(request).is_some() => self.tokens(),
            _ => json!({"ok": false, "error": "invalid_code"}),
        }
    }

    fn tokens(&mut self) -> Value {
        self.issued += 1;
        json!({
            "ok": true, "app_id": "A0KRD7HC3",
            "authed_user": {
                "id": "U1234", "scope": "users:read,chat:write", "token_type": "user",
                "access_token": format!("xoxp-{}", self.issued), "expires_in": 43200,
                "refresh_token": format!("xoxe-1-{}", self.issued),
            },
            "team": {"id": "T9TK3CUKW", "name": "Slack Softball Team"},
            "enterprise": null, "is_enterprise_install": false,
        })
    }
}

impl Provider for Slack {
    fn answer(&mut self, request: &Request) -> Response {
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/oauth/v2/authorize") => self.authorize(request),
            // Always status 200.
            ("POST", "/api/oauth.v2.access") => {
                let body = self.access(request);
                Response::json(200, &body)
            }
            _ => Response::not_found(),
        }
    }
}
