//! Microsoft Entra, rows.
//!
//! <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code>,
//! <https://learn.microsoft.com/entra/identity-platform/reply-url>.

use serde_json::{Value, json};

use super::pages::{CodePage, DevicePage, Turn};
use super::server::{Provider, Request, Response};
use super::signer;

/// Microsoft Entra with one client of several tenants, registered with `http://localhost`.
#[derive(Clone, Debug)]
pub struct Microsoft {
    base: String,
    /// The device page.
    pub device: DevicePage,
    /// The sign-in page.
    pub code: CodePage,
    /// The tenant of who signs in.
    pub tenant: String,
    /// Which issuer the ID token names instead of the tenant's.
    pub other_issuer: Option<String>,
    /// Whether the tenant's policy forbids the device flow.
    pub forbids_device: bool,
    /// The tenant segment of the last device request.
    device_tenant: String,
    scope: String,
}

impl Microsoft {
    /// The client id.
    pub const CLIENT: &str = "6731de76-14a6-49ae-97bc-6eba6914391e";
    /// A tenant, whose domain is `contoso.example`.
    pub const TENANT: &str = "8eaef023-2b34-4da1-9baa-8bc8c9d6a490";
    /// The tenant of accounts that belong to people.
    pub const CONSUMERS: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

    /// Everybody confirms.
    pub fn new(base: &str) -> Self {
        Self {
            base: base.to_owned(),
            device: DevicePage::default(),
            code: CodePage::default(),
            tenant: Self::TENANT.to_owned(),
            other_issuer: None,
            forbids_device: false,
            device_tenant: String::new(),
            scope: String::new(),
        }
    }

    fn metadata(&self, tenant: &str) -> Value {
        let at = format!("{}/{tenant}", self.base);
        let id = match tenant {
            "common" | "organizations" => "{tenantid}",
            "consumers" => Self::CONSUMERS,
            _ => Self::TENANT,
        };
        json!({
            "issuer": format!("{}/{id}/v2.0", self.base),
            "authorization_endpoint": format!("{at}/oauth2/v2.0/authorize"),
            "token_endpoint": format!("{at}/oauth2/v2.0/token"),
            "device_authorization_endpoint": format!("{at}/oauth2/v2.0/devicecode"),
            "jwks_uri": format!("{at}/discovery/v2.0/keys"),
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
        })
    }

    fn device_code(&mut self, tenant: &str, request: &Request) -> Response {
        if request.form.has("resource") {
            let text = "AADSTS901002: The 'resource' request parameter is not supported.";
            return refuse(400, "invalid_request", text, 901_002);
        }
        tenant.clone_into(&mut self.device_tenant);
        request.field("scope").clone_into(&mut self.scope);
        let page = format!("{}/common/oauth2/deviceauth", self.base);
        let body = json!({
            "user_code": "FJC3PMGBW", "device_code": "FAQABAAEAAAD--DLA3VO7QrddgJg7Wevr",
            "verification_uri": page, "expires_in": 900, "interval": 5,
            "message": format!("To sign in, use a web browser to open the page {page} and enter the code."),
        });
        Response::json(200, &body)
    }

    fn authorize(&mut self, request: &Request) -> Response {
        // The path is exact, the port is not; `127.0.0.1` is another host (row Q-15).
        let uri = request.field("redirect_uri");
        let is_registered = uri.strip_prefix("http://localhost").is_some_and(|rest| {
            let port = rest.strip_prefix(':').unwrap_or(rest);
            port.bytes().all(|byte| byte.is_ascii_digit())
        });
        if !is_registered {
            let text = "AADSTS50011: The redirect URI does not match.".to_owned();
            return Response::raw(400, "text/html", text);
        }
        request.field("scope").clone_into(&mut self.scope);
        // Without a path it comes back with `/`.
        self.code.authorize_to(request, (&format!("{uri}/"), None))
    }

    fn token(&mut self, tenant: &str, request: &Request) -> Response {
        if request.form.has("resource") {
            let text = "AADSTS901002: The 'resource' request parameter is not supported.";
            return refuse(400, "invalid_request", text, 901_002);
        }
        match request.field("grant_type") {
            "urn:ietf:params:oauth:grant-type:device_code" => self.poll(tenant),
            "authorization_code" => match self.code.redeem(request) {
                Some(nonce) => self.tokens(&nonce),
                None => refuse(400, "invalid_grant", "AADSTS70008: expired.", 70008),
            },
            "refresh_token" => self.tokens(""),
            _ => refuse(
                400,
                "unsupported_grant_type",
                "AADSTS70003: not supported.",
                70003,
            ),
        }
    }

    fn poll(&mut self, tenant: &str) -> Response {
        if self.forbids_device {
            let text = "AADSTS530036: The device code flow is blocked by a policy.";
            return refuse(400, "access_denied", text, 530_036);
        }
        if tenant != self.device_tenant {
            let text = "AADSTS700005: the code is of another tenant.";
            return refuse(400, "invalid_grant", text, 700_005);
        }
        match self.device.poll() {
            Turn::Pending | Turn::SlowDown => refuse(
                400,
                "authorization_pending",
                "AADSTS70016: OAuth 2.0 device flow error. Authorization is pending.",
                70016,
            ),
            Turn::Denied => refuse(
                400,
                "authorization_declined",
                "AADSTS70017: declined.",
                70017,
            ),
            Turn::Expired => refuse(400, "expired_token", "AADSTS70020: expired.", 70020),
            Turn::Unknown => refuse(
                400,
                "bad_verification_code",
                "AADSTS70019: Verification code expired.",
                70019,
            ),
            Turn::Approved => self.tokens(""),
        }
    }

    fn tokens(&self, nonce: &str) -> Response {
        let own = format!("{}/{}/v2.0", self.base, self.tenant);
        let iss = self.other_issuer.as_ref().unwrap_or(&own);
        let more =
            json!({"tid": self.tenant, "ver": "2.0", "preferred_username": "ada@contoso.example"});
        let mut body = json!({
            "token_type": "Bearer", "scope": "User.Read openid profile email", "expires_in": 3599,
            "ext_expires_in": 3599, "access_token": "EwB4A8l6BAAU.not-to-be-parsed",
        });
        if self.scope.split(' ').any(|scope| scope == "openid") {
            let who = (
                iss.as_str(),
                "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ",
                Self::CLIENT,
            );
            body["id_token"] = json!(signer::id_token(who, nonce, &more));
        }
        if self.scope.split(' ').any(|scope| scope == "offline_access") {
            body["refresh_token"] = json!("0.AXEA-canary");
        }
        Response::json(200, &body)
    }
}

impl Provider for Microsoft {
    fn answer(&mut self, request: &Request) -> Response {
        let path = request.path.clone();
        let mut segments = path.trim_start_matches('/').splitn(2, '/');
        let (tenant, rest) = (segments.next(), segments.next());
        let (tenant, rest) = (tenant.unwrap_or_default(), rest.unwrap_or_default());
        match (request.method.as_str(), rest) {
            ("GET", "v2.0/.well-known/openid-configuration") => {
                Response::json(200, &self.metadata(tenant))
            }
            ("GET", "discovery/v2.0/keys") => Response::json(200, &signer::jwks()),
            ("POST", "oauth2/v2.0/devicecode") => self.device_code(tenant, request),
            ("GET", "oauth2/v2.0/authorize") => self.authorize(request),
            ("POST", "oauth2/v2.0/token") => self.token(tenant, request),
            _ => Response::not_found(),
        }
    }
}

/// Every refusal carries numbers and ids for support (row Q-13).
fn refuse(status: u16, code: &str, description: &str, number: u64) -> Response {
    let trace = "0000aaaa-11bb-cccc-dd22-eeeeee333333";
    let body = json!({
        "error": code,
        "error_description": format!("{description} Trace ID: {trace} Timestamp: 2026-11-21 09:00:00Z"),
        "error_codes": [number], "timestamp": "2026-11-21 09:00:00Z", "trace_id": trace,
        "correlation_id": "aaaa0000-bb11-2222-33cc-444444dddddd",
        "error_uri": format!("https://login.microsoftonline.com/error?code={number}"),
    });
    Response::json(status, &body)
}
