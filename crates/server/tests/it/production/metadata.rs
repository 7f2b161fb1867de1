//! Whatever the metadata advertises is there.

use serde_json::Value;

use super::issuer::{DEVICE_CODE, ISSUER, metadata, server};

/// The path of an advertised address.
fn path(document: &Value, member: &str) -> String {
    let url = document[member]
        .as_str()
        .unwrap_or_else(|| panic!("no {member}"));
    url.strip_prefix(ISSUER).unwrap().to_owned()
}

fn words<'a>(document: &'a Value, member: &str) -> Vec<&'a str> {
    let list = document[member]
        .as_array()
        .unwrap_or_else(|| panic!("no {member}"));
    list.iter().map(|word| word.as_str().unwrap()).collect()
}

#[tokio::test]
async fn s_170_a_83_the_document_is_the_same_under_both_names_and_whatever_host_is_asked_for() {
    let server = server().await;
    let document = metadata(&server).await;
    assert_eq!(document["issuer"], ISSUER);
    let other = server.get("/.well-known/oauth-authorization-server").await;
    assert_eq!(other.json(), document);
    let asked = server
        .http()
        .get(server.url("/.well-known/openid-configuration"))
        .header("host", "evil.test")
        .header("x-forwarded-host", "evil.test")
        .header("x-forwarded-proto", "http");
    assert_eq!(server.send(asked).await.json(), document);
}

#[tokio::test]
async fn every_advertised_endpoint_answers() {
    let server = server().await;
    let document = metadata(&server).await;
    let basic = ("svc", "s3cret");
    for (member, value) in document.as_object().unwrap() {
        let is_endpoint = member.ends_with("_endpoint") || member == "jwks_uri";
        assert_eq!(
            is_endpoint,
            value
                .as_str()
                .is_some_and(|url| url.starts_with("https://"))
                && member != "issuer",
            "{member}"
        );
    }
    let keys = server.get(&path(&document, "jwks_uri")).await;
    assert!(!keys.json()["keys"].as_array().unwrap().is_empty());
    for (member, form, expected) in [
        (
            "token_endpoint",
            &[("grant_type", "client_credentials")][..],
            200,
        ),
        ("introspection_endpoint", &[("token", "x")][..], 401),
        ("revocation_endpoint", &[("token", "x")][..], 200),
    ] {
        let answer = server
            .post_basic(&path(&document, member), basic, form)
            .await;
        assert_eq!(answer.status, expected, "{member}: {}", answer.body);
    }
    let rs = ("rs", "s");
    let introspected = server
        .post_basic(
            &path(&document, "introspection_endpoint"),
            rs,
            &[("token", "x")],
        )
        .await;
    assert_eq!(introspected.json()["active"], false);
    let device = [("client_id", "cli")];
    let device = server
        .post(&path(&document, "device_authorization_endpoint"), &device)
        .await;
    assert_eq!(
        device.json()["verification_uri"],
        format!("{ISSUER}/device")
    );
    assert_eq!(server.get("/device").await.status, 200);
    let logout = server.get(&path(&document, "end_session_endpoint")).await;
    assert_eq!(logout.status, 200, "{}", logout.body);
}

#[tokio::test]
async fn every_advertised_endpoint_of_a_sign_in_answers() {
    let server = server().await;
    let document = metadata(&server).await;
    let authorize = path(&document, "authorization_endpoint");
    let query = "response_type=code&client_id=cli&redirect_uri=http%3A%2F%2F127.0.0.1%2Fcallback\
                 &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";
    let page = server.get(&format!("{authorize}?{query}")).await;
    assert_eq!(page.status, 200, "{}", page.body);
    let pushed = [
        ("response_type", "code"),
        ("client_id", "cli"),
        ("redirect_uri", "http://127.0.0.1/callback"),
        (
            "code_challenge",
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        ),
        ("code_challenge_method", "S256"),
    ];
    let pushed = server
        .post(
            &path(&document, "pushed_authorization_request_endpoint"),
            &pushed,
        )
        .await;
    assert_eq!(pushed.status, 201, "{}", pushed.body);
    assert_eq!(
        server
            .get(&path(&document, "userinfo_endpoint"))
            .await
            .status,
        401
    );
    let resource = "/.well-known/oauth-protected-resource/oauth2/userinfo";
    let resource = server.get(resource).await.json();
    assert_eq!(resource["resource"], format!("{ISSUER}/oauth2/userinfo"));
}

#[tokio::test]
async fn every_advertised_value_is_understood_and_no_other_grant_is() {
    let server = server().await;
    let document = metadata(&server).await;
    let token = path(&document, "token_endpoint");
    let advertised = words(&document, "grant_types_supported");
    for grant in [
        "authorization_code",
        "refresh_token",
        "client_credentials",
        DEVICE_CODE,
        "urn:ietf:params:oauth:grant-type:token-exchange",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "password",
    ] {
        let form = [("grant_type", grant), ("client_id", "cli")];
        let (_, error) = server.post(&token, &form).await.refusal();
        let is_known = error != "unsupported_grant_type";
        assert_eq!(is_known, advertised.contains(&grant), "{grant}: {error}");
    }
    let authorize = path(&document, "authorization_endpoint");
    for mode in words(&document, "response_modes_supported") {
        let query = format!(
            "response_type=code&client_id=cli&redirect_uri=http%3A%2F%2F127.0.0.1%2Fcallback&state=s\
             &response_mode={mode}&prompt=none&code_challenge_method=S256\
             &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
        let answer = server.get(&format!("{authorize}?{query}")).await;
        // Nobody is signed in: told in the way that was asked for.
        let told = format!("{} {}", answer.header("location"), answer.body);
        assert!(told.contains("login_required"), "{mode}: {told}");
    }
    for scope in ["a", "b", "openid"] {
        assert!(
            words(&document, "scopes_supported").contains(&scope),
            "{scope}"
        );
    }
    assert_eq!(
        words(&document, "id_token_signing_alg_values_supported"),
        ["ES256"]
    );
}
