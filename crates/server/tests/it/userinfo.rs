//! The userinfo endpoint.

use hallpass_testing::{Answer, TestServer};

async fn access_token(server: &TestServer, scope: &str) -> String {
    server
        .sign_in("cli", scope, "ada")
        .await
        .member("access_token")
}

/// The parameters of a Bearer challenge; each may stand once (S-147).
fn challenge(answer: &Answer) -> Vec<(String, String)> {
    let lines: Vec<_> = answer.headers.get_all("www-authenticate").iter().collect();
    // Where nothing was sent, both schemes are offered; the usual one comes first.
    let offered = lines.iter().skip(1);
    assert!(offered.clone().count() <= usize::from(answer.body.is_empty()));
    assert!(
        offered
            .clone()
            .all(|line| line.as_bytes().starts_with(b"DPoP "))
    );
    let parameters = answer
        .header("www-authenticate")
        .strip_prefix("Bearer ")
        .unwrap();
    let mut found: Vec<(String, String)> = Vec::new();
    for parameter in parameters.split(", ") {
        let (name, value) = parameter.split_once('=').unwrap();
        let value = value
            .strip_prefix('"')
            .and_then(|value| value.strip_suffix('"'))
            .unwrap();
        assert!(!value.contains(['"', '\\']), "{value}");
        assert!(
            found.iter().all(|(known, _)| known != name),
            "{name} stands twice"
        );
        found.push((name.to_owned(), value.to_owned()));
    }
    found
}

/// `RS401 x`, `RS403` and the bare challenge of the matrix.
fn assert_challenge(answer: &Answer, status: u16, error: Option<&str>) {
    assert_eq!(answer.status, status, "{}", answer.body);
    let parameters = challenge(answer);
    let of = |name: &str| {
        parameters
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    };
    assert!(of("realm").is_some());
    assert_eq!(of("error"), error);
    assert_eq!(
        of("scope"),
        (error == Some("insufficient_scope")).then_some("openid")
    );
}

#[tokio::test]
async fn s_235_s_146_get_and_post_say_who_it_is() {
    let server = TestServer::registered().await;
    let tokens = server.sign_in("cli", "openid", "ada").await;
    let token = tokens.member("access_token");
    let got = server.userinfo(&token).await;
    let url = server.url("/default/userinfo");
    let posted = server
        .send(server.http().post(&url).bearer_auth(&token))
        .await;
    let in_body = server
        .post("/default/userinfo", &[("access_token", &token)])
        .await;
    let lower = server
        .send(
            server
                .http()
                .get(&url)
                .header("authorization", format!("bearer {token}")),
        )
        .await;
    for answer in [got, posted, in_body, lower] {
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (200, "application/json")
        );
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.json()["sub"], tokens.claims("id_token")["sub"]);
        assert!(
            answer
                .json()
                .as_object()
                .unwrap()
                .values()
                .all(|value| !value.is_null())
        );
    }
}

#[tokio::test]
async fn s_141_s_147_no_token_gets_a_bare_challenge() {
    let server = TestServer::registered().await;
    assert_challenge(&server.get("/default/userinfo").await, 401, None);
    let basic = server
        .http()
        .get(server.url("/default/userinfo"))
        .basic_auth("cli", Some("x"));
    assert_challenge(&server.send(basic).await, 401, None);
}

#[tokio::test]
async fn s_142_s_147_expired_revoked_and_malformed_tokens_are_invalid() {
    let server = TestServer::registered().await;
    for bad in ["x", "a.b.c", "hpr_x"] {
        assert_challenge(&server.userinfo(bad).await, 401, Some("invalid_token"));
    }
    let revoked = access_token(&server, "openid").await;
    server
        .post(
            "/default/revoke",
            &[("client_id", "cli"), ("token", &revoked)],
        )
        .await;
    assert_challenge(&server.userinfo(&revoked).await, 401, Some("invalid_token"));
    let expiring = access_token(&server, "openid").await;
    server.advance(3599);
    assert_eq!(server.userinfo(&expiring).await.status, 200);
    server.advance(1);
    assert_challenge(
        &server.userinfo(&expiring).await,
        401,
        Some("invalid_token"),
    );
}

#[tokio::test]
async fn s_143_s_226_without_openid_there_is_no_userinfo() {
    let server = TestServer::registered().await;
    let token = access_token(&server, "a").await;
    assert_challenge(
        &server.userinfo(&token).await,
        403,
        Some("insufficient_scope"),
    );
}

#[tokio::test]
async fn s_144_a_token_comes_in_one_way() {
    let server = TestServer::registered().await;
    let token = access_token(&server, "openid").await;
    let url = server.url("/default/userinfo");
    let both = server
        .http()
        .post(&url)
        .bearer_auth(&token)
        .form(&[("access_token", &token)]);
    let twice = server
        .http()
        .get(&url)
        .bearer_auth(&token)
        .header("authorization", format!("Bearer {token}"));
    for request in [both, twice] {
        assert_challenge(&server.send(request).await, 400, Some("invalid_request"));
    }
    let repeated = [("access_token", &token), ("access_token", &token)];
    let repeated = server.send(server.http().post(&url).form(&repeated)).await;
    assert_eq!(repeated.refusal(), (400, "invalid_request".to_owned()));
}

#[tokio::test]
async fn s_145_a_token_in_the_query_is_not_read() {
    let server = TestServer::registered().await;
    let token = access_token(&server, "openid").await;
    let answer = server
        .get(&format!("/default/userinfo?access_token={token}"))
        .await;
    assert_challenge(&answer, 401, None);
}

#[tokio::test]
async fn a_38_a_61_an_id_token_is_no_access_token() {
    let server = TestServer::dev().await;
    let person = server.person();
    let page = person
        .open(&hallpass_testing::Person::authorization_path(
            "cli", "openid",
        ))
        .await;
    // A person of dev mode chooses claims: these make an ID token look like an access token.
    let claims = r#"{"client_id": "cli", "jti": "1", "scope": "openid", "acr": "Level4", "email": "ada@x.test"}"#;
    let answer = person
        .submit(&page, &[("username", "ada"), ("claims", claims)])
        .await;
    let tokens = server
        .redeem("cli", &answer.redirect_parameters()["code"])
        .await;
    let id_token = tokens.member("id_token");
    assert_challenge(
        &server.userinfo(&id_token).await,
        401,
        Some("invalid_token"),
    );
    assert!(!server.is_active(&id_token).await);
    assert_eq!(tokens.claims("id_token")["acr"], "Level4");
    let userinfo = server.userinfo(&tokens.member("access_token")).await.json();
    assert_eq!(
        (&userinfo["email"], &userinfo["acr"]),
        (&"ada@x.test".into(), &"Level4".into())
    );
    assert_eq!(
        (&userinfo["iss"], &userinfo["azp"]),
        (&server.issuer().into(), &"cli".into())
    );
}

#[tokio::test]
async fn a_token_of_another_issuer_is_invalid() {
    let server = TestServer::dev().await;
    let token = access_token(&server, "openid").await;
    let elsewhere = server
        .http()
        .get(server.url("/elsewhere/userinfo"))
        .bearer_auth(&token);
    assert_challenge(&server.send(elsewhere).await, 401, Some("invalid_token"));
}

#[tokio::test]
async fn rfc_9728_a_challenge_leads_to_the_authorization_server() {
    let server = TestServer::registered().await;
    for (path, issuer) in [
        ("/default/userinfo", "/default"),
        ("/a/b/userinfo", "/a/b"),
        ("/userinfo", ""),
        ("/oauth2/userinfo", ""),
    ] {
        let answer = server.get(path).await;
        let parameters = challenge(&answer);
        let url = parameters
            .iter()
            .find(|(name, _)| name == "resource_metadata")
            .map(|(_, url)| url.clone())
            .unwrap();
        let inserted = format!("/.well-known/oauth-protected-resource{path}");
        assert_eq!(url, server.url(&inserted));
        let metadata = server.get(&inserted).await;
        assert_eq!(metadata.status, 200, "{}", metadata.body);
        assert_eq!(metadata.header("content-type"), "application/json");
        assert_eq!(metadata.json()["resource"], server.url(path));
        let servers = metadata.json()["authorization_servers"].clone();
        assert_eq!(servers, serde_json::json!([server.url(issuer)]));
        // And from there to the token endpoint.
        let document = format!("/.well-known/oauth-authorization-server{issuer}");
        let of_server = server.get(&document).await;
        assert_eq!(of_server.json()["issuer"], server.url(issuer));
    }
    for path in ["", "/", "/default/token", "/nothing"] {
        let path = format!("/.well-known/oauth-protected-resource{path}");
        assert_eq!(server.get(&path).await.status, 404, "{path}");
    }
}
