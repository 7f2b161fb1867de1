//! Okta, rows.
//!
//! <https://developer.okta.com/docs/guides/device-authorization-grant/main/>.

use serde_json::{Value, json};

use super::pages::{DevicePage, Turn};
use super::server::{Provider, Request, Response};
use super::signer;

/// An Okta organisation with its own authorization server and the custom one called `default`.
#[derive(Clone, Debug)]
pub struct Okta {
    base: String,
    /// The device page.
    pub device: DevicePage,
    /// Whether the policy rule allows the device grant.
    pub allows_device: bool,
    issued: u32,
}

impl Okta {
    /// The client id.
    pub const CLIENT: &str = "0oa1b2c3";

    /// Everybody confirms.
    pub fn new(base: &str) -> Self {
        Self {
            base: base.to_owned(),
            device: DevicePage::default(),
            allows_device: true,
            issued: 0,
        }
    }

    fn metadata(&self, issuer: &str, at: &str) -> Value {
        json!({
            "issuer": format!("{}{issuer}", self.base),
            "authorization_endpoint": format!("{at}/v1/authorize"),
            "token_endpoint": format!("{at}/v1/token"),
            "device_authorization_endpoint": format!("{at}/v1/device/authorize"),
            "revocation_endpoint": format!("{at}/v1/revoke"),
            "jwks_uri": format!("{at}/v1/keys"),
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
        })
    }

    fn device_code(&self) -> Response {
        if !self.allows_device {
            let text = "The client is not authorized to use the provided grant type.";
            return refuse("unauthorized_client", text);
        }
        let body = json!({
            "device_code": "1a521d9f-0922-4e6d-8db9-8b654297435a", "user_code": "GDLMZQCT",
            "verification_uri": format!("{}/activate", self.base), "expires_in": 600, "interval": 5,
        });
        Response::json(200, &body)
    }

    fn token(&mut self, request: &Request, issuer: &str) -> Response {
        let is_good = match request.field("grant_type") {
            "urn:ietf:params:oauth:grant-type:device_code" => match self.device.poll() {
                Turn::Pending => {
                    let text = "The device authorization is pending. Please try again later.";
                    return refuse("authorization_pending", text);
                }
                Turn::SlowDown => return refuse("slow_down", "The polling interval is too short."),
                Turn::Denied => return refuse("access_denied", "The resource owner denied."),
                Turn::Expired => return refuse("expired_token", "The device code is expired."),
                Turn::Unknown => return refuse("invalid_grant", "The device code is invalid."),
                Turn::Approved => true,
            },
            "refresh_token" => request.field("refresh_token") == format!("refresh-{}", self.issued),
            _ => return refuse("unsupported_grant_type", "The grant type is not supported."),
        };
        if !is_good {
            return refuse("invalid_grant", "The refresh token is invalid or expired.");
        }
        self.issued += 1;
        let iss = format!("{}{issuer}", self.base);
        let who = (iss.as_str(), "00uid4BxXw6I6TV4m0g3", Self::CLIENT);
        let body = json!({
            "token_type": "Bearer", "expires_in": 3600, "access_token": format!("access-{}", self.issued),
            "scope": "offline_access openid profile email",
            "refresh_token": format!("refresh-{}", self.issued),
            "id_token": signer::id_token(who, "", &json!({"preferred_username": "ada@example.com"})),
        });
        Response::json(200, &body)
    }
}

impl Provider for Okta {
    fn answer(&mut self, request: &Request) -> Response {
        let path = request.path.as_str();
        let custom = path.strip_prefix("/oauth2/default");
        // The organisation's own issuer has no path, its endpoints have.
        let (issuer, at) = match custom {
            Some(_) => ("/oauth2/default", format!("{}/oauth2/default", self.base)),
            None => ("", format!("{}/oauth2", self.base)),
        };
        let rest = custom
            .or_else(|| path.strip_prefix("/oauth2"))
            .unwrap_or(path);
        match rest {
            "/.well-known/openid-configuration" => Response::json(200, &self.metadata(issuer, &at)),
            "/v1/keys" => Response::json(200, &signer::jwks()),
            "/v1/device/authorize" => self.device_code(),
            "/v1/token" => self.token(request, issuer),
            "/v1/revoke" => Response::raw(200, "application/json", String::new()),
            _ => Response::not_found(),
        }
    }
}

fn refuse(code: &str, text: &str) -> Response {
    Response::json(400, &json!({"error": code, "error_description": text}))
}
