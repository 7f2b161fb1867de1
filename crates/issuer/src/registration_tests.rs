//! Tests of `registration.rs`.

use serde_json::{Value, json};

use super::*;

fn checked(asked: &Value) -> Result<ClientMetadata, Refusal> {
    check(serde_json::from_value(asked.clone()).unwrap())
}

fn with(changes: &Value) -> Result<ClientMetadata, Refusal> {
    let mut asked = json!({ "redirect_uris": ["https://app.test/cb"] });
    for (name, value) in changes.as_object().unwrap() {
        asked[name] = value.clone();
    }
    checked(&asked)
}

fn client(metadata: ClientMetadata) -> Client {
    let rules = RegistrationRules {
        is_open: true,
        require_pkce: true,
    };
    let registered = RegisteredClient {
        id: ClientId::new("x"),
        issuer: String::new(),
        metadata,
        secret: Some(SecretHash::of(b"s")),
        registration: SecretHash::of(b"r"),
        created_at: Timestamp::UNIX_EPOCH,
    };
    registered.client(rules)
}

#[test]
fn s_176_what_is_not_said_has_a_default() {
    let metadata = with(&json!({})).unwrap();
    let said = serde_json::to_value(&metadata).unwrap();
    for (name, value) in [
        ("token_endpoint_auth_method", json!("client_secret_basic")),
        ("grant_types", json!(["authorization_code"])),
        ("response_types", json!(["code"])),
        ("application_type", json!("web")),
    ] {
        assert_eq!(said[name], value, "{name}");
    }
    let client = client(metadata);
    assert!(client.registered_itself && client.require_pkce && !client.introspects);
    assert!(!client.is_public());
}

#[test]
fn s_174_a_71_redirect_uris_fit_the_kind_of_program() {
    let of = |kind: Value, uri: &str| {
        let mut asked = json!({ "redirect_uris": [uri] });
        if !kind.is_null() {
            asked["application_type"] = kind;
        }
        checked(&asked).map(|metadata| metadata.application_type.unwrap())
    };
    let (native, web) = (json!("native"), json!("web"));
    for (kind, uri, found) in [
        (&native, "http://127.0.0.1/cb", "native"),
        (&native, "http://[::1]:8080/cb", "native"),
        (&native, "com.example.app:/cb", "native"),
        (&native, "https://app.test/claimed", "native"),
        (&web, "https://app.test/cb", "web"),
        (
            &Value::Null,
            "http://localhost:3334/oauth/callback",
            "native",
        ),
        (&Value::Null, "https://app.test/cb", "web"),
    ] {
        assert_eq!(of(kind.clone(), uri).as_deref(), Ok(found), "{uri}");
    }
    for (kind, uri) in [
        (&web, "http://127.0.0.1/cb"),
        (&web, "https://localhost/cb"),
        (&web, "https://127.0.0.1/cb"),
        (&web, "https://[::1]/cb"),
        (&web, "com.example.app:/cb"),
        (&native, "http://app.test/cb"),
        (&native, "myapp:/cb"),
        (&Value::Null, "javascript:alert(1)"),
        (&Value::Null, "data:text/html,x"),
        (&Value::Null, "file:///etc/passwd"),
        (&Value::Null, "https://*.app.test/cb"),
        (&Value::Null, "https://app.test/cb#f"),
        (&Value::Null, "https://app.test@evil.test/cb"),
        (&Value::Null, "http://127.0.0.1.evil.test/cb"),
        (&Value::Null, "/cb"),
    ] {
        let refusal = of(kind.clone(), uri).unwrap_err();
        assert!(matches!(refusal, Refusal::InvalidRedirectUri(_)), "{uri}");
    }
    assert!(matches!(
        checked(&json!({})),
        Err(Refusal::InvalidRedirectUri(_))
    ));
}

#[test]
fn s_175_s_177_s_178_a_70_a_71_what_contradicts_itself_or_points_inwards() {
    for bad in [
        json!({ "grant_types": ["implicit"] }),
        json!({ "grant_types": ["password"] }),
        json!({ "grant_types": ["device_code"] }),
        json!({ "response_types": ["token"] }),
        json!({ "response_types": ["code id_token"] }),
        json!({ "response_types": [] }),
        json!({ "grant_types": ["client_credentials"], "response_types": ["code"] }),
        json!({ "grant_types": ["client_credentials"], "token_endpoint_auth_method": "none" }),
        json!({ "token_endpoint_auth_method": "client_secret_jwt" }),
        json!({ "token_endpoint_auth_method": "private_key_jwt" }),
        json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": { "keys": [] } }),
        json!({ "jwks": { "keys": [{ "kty": "oct", "k": "AA" }] } }),
        json!({ "jwks": { "keys": [] }, "jwks_uri": "https://app.test/jwks" }),
        json!({ "jwks_uri": "https://app.test/jwks" }),
        json!({ "jwks_uri": "https://169.254.169.254/" }),
        json!({ "logo_uri": "javascript:alert(1)" }),
        json!({ "logo_uri": "http://app.test/logo.png" }),
        json!({ "logo_uri": "https://localhost/logo.png" }),
        json!({ "logo_uri": "https://[::1]/logo.png" }),
        json!({ "logo_uri": "https://[::ffff:10.0.0.1]/logo.png" }),
        json!({ "logo_uri": "https://2130706433/logo.png" }),
        json!({ "logo_uri": "https://db.internal/logo.png" }),
        json!({ "backchannel_logout_uri": "https://10.0.0.1/" }),
        json!({ "request_uris": ["https://app.test/", "https://192.168.0.1/"] }),
        json!({ "sector_identifier_uri": "https://app.test/" }),
        json!({ "policy_uri": "javascript:alert(1)" }),
        json!({ "client_uri": "data:text/html,x" }),
        json!({ "application_type": "desktop" }),
        json!({ "subject_type": "pairwise" }),
        json!({ "scope": "a\"b" }),
    ] {
        let refusal = with(&bad).unwrap_err();
        assert!(
            matches!(refusal, Refusal::InvalidClientMetadata(_)),
            "{bad}"
        );
    }
    let statement = |text: &str| with(&json!({ "software_statement": text })).unwrap_err();
    assert_eq!(statement("x"), Refusal::InvalidSoftwareStatement);
    // {"alg":"RS256"}.{}.
    let unknown = "eyJhbGciOiJSUzI1NiJ9.e30.AAAA";
    assert_eq!(statement(unknown), Refusal::UnapprovedSoftwareStatement);
}

#[test]
fn s_276_a_121_a_name_is_cleaned() {
    let name = "Verified by IT\u{202e}\n<b>hallpass</b> administration console of the company";
    let metadata = with(&json!({ "client_name": name })).unwrap();
    let name = metadata.client_name.clone().unwrap();
    assert!(name.len() <= 40 && !name.contains(['<', '\n']), "{name}");
    assert_eq!(client(metadata).name, name);
}

#[test]
fn a_program_without_a_browser_registers_no_redirect_uri() {
    let device = "urn:ietf:params:oauth:grant-type:device_code";
    let metadata = checked(&json!({
        "grant_types": [device, "refresh_token"], "token_endpoint_auth_method": "none",
        "scope": "openid a", "dpop_bound_access_tokens": true,
    }))
    .unwrap();
    assert_eq!(metadata.response_types, Some(Vec::new()));
    let client = client(metadata);
    assert!(client.is_public() && client.requires_dpop);
    assert_eq!(
        client.grants,
        [GrantType::DeviceCode, GrantType::RefreshToken]
    );
    assert_eq!(
        client.scopes,
        AllowedScopes::Only(Scopes::parse("openid a").unwrap())
    );
}
