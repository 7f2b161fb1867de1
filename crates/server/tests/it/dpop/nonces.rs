//! Nonces of the server, and how clients learn of them.

use hallpass_testing::server::CLIENTS;
use hallpass_testing::{Answer, TestServer};
use serde_json::json;

use super::owner::{Owner, assert_challenge, code, post, redemption, refreshing, token, userinfo};
use crate::token::assert_json_refusal;

#[tokio::test]
async fn s_101_s_102_s_103_s_104_a_53_nonces() {
    let server = TestServer::strict(&format!("[dpop]\nnonce = true\n{CLIENTS}")).await;
    let owner = Owner::new();
    let code = code(&server, &[]).await;
    let at = ("POST", "/default/token");
    let with = |nonce: Option<&str>| owner.prove(&server, at, None, nonce);
    let one_nonce = |answer: &Answer| {
        assert_eq!(answer.headers.get_all("dpop-nonce").iter().count(), 1);
        answer.header("dpop-nonce").to_owned()
    };
    let first = token(&server, &redemption(&code), &with(None)).await;
    assert_json_refusal(&first, 400, "use_dpop_nonce");
    let nonce = one_nonce(&first);
    for bad in ["x", &nonce[1..], "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
        let answer = token(&server, &redemption(&code), &with(Some(bad))).await;
        assert_json_refusal(&answer, 400, "use_dpop_nonce");
    }
    let other = post(
        &server,
        "/other/token",
        &redemption("x"),
        &[&owner.proof(&server, "/other/token")],
    )
    .await;
    let answer = token(&server, &redemption(&code), &with(Some(&one_nonce(&other)))).await;
    assert_json_refusal(&answer, 400, "use_dpop_nonce");
    let tokens = token(&server, &redemption(&code), &with(Some(&nonce))).await;
    assert_eq!(tokens.status, 200, "{}", tokens.body);
    assert_eq!(one_nonce(&tokens), nonce);
    assert_eq!(tokens.header("cache-control"), "no-store");
    // At the resource: another role, another nonce.
    let access = tokens.member("access_token");
    let at = ("GET", "/default/userinfo");
    let prove = |nonce| owner.prove(&server, at, Some(&access), nonce);
    let asked = userinfo(&server, "DPoP", &access, &[&prove(None)]).await;
    assert_challenge(&asked, "use_dpop_nonce");
    let swapped = userinfo(&server, "DPoP", &access, &[&prove(Some(&nonce))]).await;
    assert_challenge(&swapped, "use_dpop_nonce");
    let resource = one_nonce(&swapped);
    let person = userinfo(&server, "DPoP", &access, &[&prove(Some(&resource))]).await;
    assert_eq!(person.status, 200, "{}", person.body);
    let refresh = tokens.member("refresh_token");
    let swapped = owner.prove(&server, ("POST", "/default/token"), None, Some(&resource));
    let answer = token(&server, &refreshing(&refresh), &swapped).await;
    assert_json_refusal(&answer, 400, "use_dpop_nonce");
}

#[tokio::test]
async fn s_110_s_111_the_metadata_and_cors_say_it() {
    let server = TestServer::dev().await;
    let metadata = server
        .get("/default/.well-known/openid-configuration")
        .await;
    let algorithms = metadata.json()["dpop_signing_alg_values_supported"].clone();
    assert_eq!(algorithms, json!(["ES256", "EdDSA", "PS256"]));
    let request = server
        .http()
        .post(server.url("/default/token"))
        .header("origin", "https://app.test");
    let answer = server.send(request).await;
    assert_eq!(
        answer.header("access-control-expose-headers"),
        "WWW-Authenticate, DPoP-Nonce"
    );
}
