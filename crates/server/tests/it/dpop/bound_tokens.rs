//! Access tokens that only the owner of a key can use, and who gets them.

use hallpass_protocol::dpop::{self, access_token_hash};
use hallpass_testing::TestServer;
use hallpass_testing::server::CLIENTS;
use serde_json::json;

use super::owner::{
    Owner, SERVICE, assert_challenge, code, redemption, refreshing, sign_in, token, userinfo,
};
use crate::token::assert_json_refusal;

#[tokio::test]
async fn s_105_s_164_a_bound_token_says_so_everywhere() {
    let server = TestServer::registered().await;
    for algorithm in dpop::DEFAULT_ALGORITHMS {
        let owner = Owner::of(algorithm);
        let tokens = sign_in(&server, &owner).await;
        assert_eq!(tokens.member("token_type"), "DPoP");
        let access = tokens.member("access_token");
        assert_eq!(tokens.claims("access_token")["cnf"]["jkt"], owner.jkt());
        let said = server.introspect(&access).await.json();
        assert_eq!(
            (&said["active"], &said["token_type"], &said["cnf"]["jkt"]),
            (&json!(true), &json!("DPoP"), &json!(owner.jkt()))
        );
        let proof = owner.prove(&server, ("GET", "/default/userinfo"), Some(&access), None);
        let person = userinfo(&server, "DPoP", &access, &[&proof]).await;
        assert_eq!((person.status, &*person.member("sub")), (200, "ada"));
    }
    // Nothing changes without a proof.
    let plain = server.sign_in("cli", "openid", "ada").await;
    assert_eq!(plain.member("token_type"), "Bearer");
    assert!(plain.claims("access_token")["cnf"].is_null());
}

#[tokio::test]
async fn s_105_every_grant_gives_bound_tokens() {
    let server = TestServer::dev().await;
    let owner = Owner::new();
    let proof = || owner.proof(&server, "/default/token");
    let service = token(&server, &SERVICE, &proof()).await;
    assert_eq!(service.member("token_type"), "DPoP");
    let tokens = sign_in(&server, &owner).await;
    let refreshed = token(
        &server,
        &refreshing(&tokens.member("refresh_token")),
        &proof(),
    )
    .await;
    let subject = refreshed.member("access_token");
    let exchange = [
        (
            "grant_type",
            "urn:ietf:params:oauth:grant-type:token-exchange",
        ),
        ("subject_token", subject.as_str()),
        (
            "subject_token_type",
            "urn:ietf:params:oauth:token-type:access_token",
        ),
        ("audience", "b"),
    ];
    let exchanged = token(&server, &exchange, &proof()).await;
    let device = server.start_device("cli", "openid").await;
    server
        .person()
        .approve(&device.member("user_code"), "ada")
        .await;
    let polling = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("client_id", "cli"),
        ("device_code", &device.member("device_code")),
    ];
    let polled = token(&server, &polling, &proof()).await;
    for answer in [service, tokens, refreshed, exchanged, polled] {
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.member("token_type"), "DPoP", "{}", answer.body);
        assert_eq!(answer.claims("access_token")["cnf"]["jkt"], owner.jkt());
    }
}

#[tokio::test]
async fn s_98_a_52_at_userinfo_the_proof_is_of_the_token_and_its_key() {
    let server = TestServer::registered().await;
    let (owner, thief) = (Owner::new(), Owner::new());
    let access = sign_in(&server, &owner).await.member("access_token");
    let another = sign_in(&server, &owner).await.member("access_token");
    let at = ("GET", "/default/userinfo");
    let ath = |token| Some(token);
    for (proof, error) in [
        (owner.prove(&server, at, None, None), "invalid_dpop_proof"),
        (
            owner.prove(&server, at, ath(another.as_str()), None),
            "invalid_dpop_proof",
        ),
        (
            owner.prove(&server, ("POST", at.1), ath(&access), None),
            "invalid_dpop_proof",
        ),
        (
            owner.prove(&server, ("GET", "/default/token"), ath(&access), None),
            "invalid_dpop_proof",
        ),
        (
            thief.prove(&server, at, ath(&access), None),
            "invalid_token",
        ),
    ] {
        let answer = userinfo(&server, "DPoP", &access, &[&proof]).await;
        assert_challenge(&answer, error);
    }
    assert_challenge(
        &userinfo(&server, "DPoP", &access, &[]).await,
        "invalid_dpop_proof",
    );
    // A token that is bound to nobody is none of this scheme.
    let plain = server.sign_in("cli", "openid", "ada").await;
    let plain = plain.member("access_token");
    let proof = owner.prove(&server, at, Some(&plain), None);
    assert_challenge(
        &userinfo(&server, "DPoP", &plain, &[&proof]).await,
        "invalid_token",
    );
    assert_ne!(access_token_hash(&plain), access_token_hash(&access));
}

#[tokio::test]
async fn s_99_s_100_a_52_a_bound_token_is_no_bearer_token() {
    let server = TestServer::registered().await;
    let owner = Owner::new();
    let access = sign_in(&server, &owner).await.member("access_token");
    let proof = || owner.prove(&server, ("GET", "/default/userinfo"), Some(&access), None);
    assert_challenge(
        &userinfo(&server, "Bearer", &access, &[]).await,
        "invalid_token",
    );
    assert_challenge(
        &userinfo(&server, "Bearer", &access, &[&proof()]).await,
        "invalid_token",
    );
    let in_body = [("access_token", access.as_str())];
    assert_challenge(
        &server.post("/default/userinfo", &in_body).await,
        "invalid_token",
    );
    let both = server
        .http()
        .get(server.url("/default/userinfo"))
        .header("authorization", format!("Bearer {access}"))
        .header("authorization", format!("DPoP {access}"))
        .header("DPoP", proof());
    assert_eq!(
        server.send(both).await.refusal(),
        (400, "invalid_request".to_owned())
    );
}

#[tokio::test]
async fn s_107_a_client_that_must_bind_its_tokens_does() {
    let toml = CLIENTS.replacen("id = \"cli\"", "id = \"cli\"\ndpop = \"required\"", 1);
    let server = TestServer::strict(&toml).await;
    let owner = Owner::new();
    let code = code(&server, &[]).await;
    assert_json_refusal(
        &server.post("/default/token", &redemption(&code)).await,
        400,
        "invalid_dpop_proof",
    );
    let proof = owner.proof(&server, "/default/token");
    let tokens = token(&server, &redemption(&code), &proof).await;
    assert_eq!(tokens.member("token_type"), "DPoP", "{}", tokens.body);
    let refresh = tokens.member("refresh_token");
    let answer = server.post("/default/token", &refreshing(&refresh)).await;
    assert_json_refusal(&answer, 400, "invalid_dpop_proof");
}

#[tokio::test]
async fn s_89_a_bound_subject_token_is_exchanged_by_its_owner() {
    let server = TestServer::dev().await;
    let (owner, thief) = (Owner::new(), Owner::new());
    let subject = sign_in(&server, &owner).await.member("access_token");
    let exchange = [
        (
            "grant_type",
            "urn:ietf:params:oauth:grant-type:token-exchange",
        ),
        ("subject_token", subject.as_str()),
        (
            "subject_token_type",
            "urn:ietf:params:oauth:token-type:access_token",
        ),
    ];
    let by = |who: &Owner| who.proof(&server, "/default/token");
    assert_json_refusal(
        &server.post("/default/token", &exchange).await,
        400,
        "invalid_dpop_proof",
    );
    assert_json_refusal(
        &token(&server, &exchange, &by(&thief)).await,
        400,
        "invalid_grant",
    );
    assert_eq!(token(&server, &exchange, &by(&owner)).await.status, 200);
    // The service in its audience: the token was sent there (`default` in dev mode).
    let service = server
        .post_basic("/default/token", ("default", "any"), &exchange)
        .await;
    assert_eq!(service.status, 200, "{}", service.body);
    let named = [&exchange[..], &[("client_id", "default")]].concat();
    assert_json_refusal(
        &server.post("/default/token", &named).await,
        400,
        "invalid_dpop_proof",
    );
}
