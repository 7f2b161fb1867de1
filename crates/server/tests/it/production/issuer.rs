//! One issuer under its own address.

use hallpass_testing::TestServer;
use serde_json::Value;

pub(super) const MORE: &str = r#"
[[resource]]
id = "https://api.example.com"
scopes = { a = "Read", b = "Write" }
"#;

pub(super) const ISSUER: &str = "https://id.example.com";

pub(super) const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

pub(super) async fn server() -> TestServer {
    TestServer::production(MORE).await
}

/// What it says of itself.
pub(super) async fn metadata(server: &TestServer) -> Value {
    server.get("/.well-known/openid-configuration").await.json()
}
