//! Both metadata documents and the keys: what they say is so, and caches may ask whether it still is.

use hallpass_protocol::client_assertion;
use hallpass_protocol::jose::SigningKey;
use hallpass_protocol::random::SystemRandom;
use hallpass_protocol::{ClientId, Timestamp};
use hallpass_testing::server::START;
use hallpass_testing::{Person, TestServer};

const OPENID: &str = "/default/.well-known/openid-configuration";

#[tokio::test]
async fn s_165_s_166_s_37_two_documents_with_the_same_values() {
    let server = TestServer::dev().await;
    let first = server.get(OPENID).await;
    assert_eq!(
        (first.status, first.header("content-type")),
        (200, "application/json")
    );
    assert_eq!(first.json()["issuer"], server.issuer());
    assert_eq!(
        first.json()["code_challenge_methods_supported"],
        serde_json::json!(["S256"])
    );
    for path in [
        "/default/.well-known/oauth-authorization-server",
        "/.well-known/oauth-authorization-server/default",
    ] {
        assert_eq!(server.get(path).await.json(), first.json(), "{path}");
    }
    let members = first.json();
    for (name, value) in members.as_object().unwrap() {
        assert!(
            !value.is_null() && *value != serde_json::json!([]),
            "{name}"
        );
    }
    // Dev mode: any prefix, and the root.
    for (path, issuer) in [
        ("/a/b/.well-known/openid-configuration", "/a/b"),
        ("/.well-known/oauth-authorization-server/a/b", "/a/b"),
        ("/.well-known/openid-configuration", ""),
        ("/.well-known/oauth-authorization-server", ""),
    ] {
        assert_eq!(
            server.get(path).await.json()["issuer"],
            server.url(issuer),
            "{path}"
        );
    }
    for path in [
        "/a//.well-known/openid-configuration",
        "/.well-known/oauth-authorization-server/a/",
    ] {
        let answer = server.get(path).await;
        assert_eq!(
            answer.refusal(),
            (404, "invalid_request".to_owned()),
            "{path}"
        );
    }
}

#[tokio::test]
async fn s_167_every_endpoint_of_the_metadata_answers() {
    let server = TestServer::dev().await;
    let metadata = server.get(OPENID).await.json();
    for (name, allow) in [
        ("authorization_endpoint", "GET, HEAD, POST"),
        ("token_endpoint", "POST"),
        ("device_authorization_endpoint", "POST"),
        ("pushed_authorization_request_endpoint", "POST"),
        ("registration_endpoint", "POST"),
        ("userinfo_endpoint", "GET, HEAD, POST"),
        ("jwks_uri", "GET, HEAD"),
        ("introspection_endpoint", "POST"),
        ("revocation_endpoint", "POST"),
        ("end_session_endpoint", "GET, HEAD, POST"),
    ] {
        let url = metadata[name].as_str().unwrap_or_default();
        assert!(url.starts_with(&server.issuer()), "{name}");
        let wrong = server.send(server.http().delete(url)).await;
        assert_eq!(
            (wrong.status, wrong.header("allow")),
            (405, allow),
            "{name}"
        );
    }
    let walked = metadata
        .as_object()
        .unwrap()
        .keys()
        .filter(|name| name.ends_with("_endpoint"))
        .count();
    assert_eq!(walked, 9, "an endpoint is not in this test: {metadata}");
}

#[tokio::test]
async fn s_167_what_the_metadata_lists_works() {
    let server = TestServer::dev().await;
    let metadata = server.get(OPENID).await.json();
    let list = |name: &str| -> Vec<String> {
        let values = metadata[name]
            .as_array()
            .unwrap_or_else(|| panic!("{name}"));
        values
            .iter()
            .map(|value| value.as_str().unwrap().to_owned())
            .collect()
    };
    for grant in list("grant_types_supported") {
        let answer = server
            .post(
                "/default/token",
                &[("grant_type", &grant), ("client_id", "any")],
            )
            .await;
        assert_ne!(answer.refusal().1, "unsupported_grant_type", "{grant}");
    }
    for kind in list("response_types_supported") {
        let path = Person::authorization_path_with("any", "openid", &[("response_type", &kind)]);
        assert_eq!(server.get(&path).await.status, 200, "{kind}");
    }
    for mode in list("response_modes_supported") {
        let path = Person::authorization_path_with("any", "openid", &[("response_mode", &mode)]);
        assert_eq!(server.get(&path).await.status, 200, "{mode}");
    }
    for prompt in list("prompt_values_supported") {
        let path = Person::authorization_path_with("any", "openid", &[("prompt", &prompt)]);
        assert!(
            matches!(server.get(&path).await.status, 200 | 303),
            "{prompt}"
        );
    }
    let grant = ("grant_type", "client_credentials");
    for method in list("token_endpoint_auth_methods_supported") {
        let answer = match method.as_str() {
            "none" => {
                server
                    .post("/default/token", &[grant, ("client_id", "any")])
                    .await
            }
            "client_secret_basic" => {
                server
                    .post_basic("/default/token", ("any", "x"), &[grant])
                    .await
            }
            "client_secret_post" => {
                server
                    .post(
                        "/default/token",
                        &[grant, ("client_id", "any"), ("client_secret", "x")],
                    )
                    .await
            }
            "private_key_jwt" => {
                for algorithm in list("token_endpoint_auth_signing_alg_values_supported") {
                    let form = assertion_form(&server, &algorithm);
                    let form: Vec<_> = form.iter().map(|(n, v)| (*n, v.as_str())).collect();
                    let answer = server.post("/default/token", &form).await;
                    assert_eq!(answer.status, 200, "{algorithm}: {}", answer.body);
                }
                continue;
            }
            other => panic!("{other} is not in this test"),
        };
        assert_eq!(answer.status, 200, "{method}");
    }
    let jwks = server.get("/default/jwks").await.json();
    assert_eq!(
        list("id_token_signing_alg_values_supported"),
        [jwks["keys"][0]["alg"].as_str().unwrap()]
    );
    let tokens = server.sign_in("any", "openid", "ada").await;
    let claims = tokens.claims("id_token");
    for claim in list("claims_supported") {
        assert!(claims.get(&claim).is_some(), "{claim}: {claims}");
    }
}

/// Client credentials of a client that signs with an algorithm.
fn assertion_form(server: &TestServer, algorithm: &str) -> Vec<(&'static str, String)> {
    let key = SigningKey::generate(algorithm.parse().unwrap(), "k").unwrap();
    let now = Timestamp::from_unix_seconds(START);
    let id = ClientId::new("any");
    let made = client_assertion::assert(&key, &id, &server.issuer(), now, &SystemRandom);
    vec![
        ("grant_type", "client_credentials".to_owned()),
        ("client_assertion_type", client_assertion::TYPE.to_owned()),
        ("client_assertion", made.unwrap().expose().clone()),
    ]
}

#[tokio::test]
async fn s_169_caches_ask_whether_a_document_still_holds() {
    let server = TestServer::dev().await;
    for path in [
        OPENID,
        "/.well-known/oauth-authorization-server/default",
        "/default/jwks",
    ] {
        let first = server.get(path).await;
        assert_eq!(
            first.header("cache-control"),
            "public, max-age=300",
            "{path}"
        );
        let tag = first.header("etag").to_owned();
        assert!(
            tag.len() > 10 && tag.starts_with('"') && tag.ends_with('"'),
            "{tag}"
        );
        for known in [
            tag.clone(),
            format!("\"x\", {tag}"),
            format!("W/{tag}"),
            "*".to_owned(),
        ] {
            let request = server
                .http()
                .get(server.url(path))
                .header("if-none-match", &known);
            let again = server.send(request).await;
            assert_eq!(
                (again.status, again.body.as_str()),
                (304, ""),
                "{path} {known}"
            );
            assert_eq!(again.header("etag"), tag);
            assert_eq!(again.header("cache-control"), "public, max-age=300");
        }
        let request = server
            .http()
            .get(server.url(path))
            .header("if-none-match", "\"other\"");
        assert_eq!(server.send(request).await.status, 200);
    }
    let (one, two) = (server.get("/a/jwks").await, server.get("/b/jwks").await);
    assert_ne!(one.header("etag"), two.header("etag"));
}

#[tokio::test]
async fn s_284_two_starts_have_two_keys() {
    let (one, two) = (TestServer::dev().await, TestServer::dev().await);
    assert_ne!(
        one.get("/default/jwks").await.json(),
        two.get("/default/jwks").await.json()
    );
}
