//! Token revocation.

use hallpass_testing::{Answer, TestServer};

use crate::token::assert_json_refusal;

async fn sign_in(server: &TestServer) -> Answer {
    server
        .sign_in("cli", "openid offline_access a", "ada")
        .await
}

async fn revoke(
    server: &TestServer,
    client_id: &str,
    token: &str,
    extra: &[(&str, &str)],
) -> Answer {
    let form = [("client_id", client_id), ("token", token)];
    server
        .post("/default/revoke", &[&form[..], extra].concat())
        .await
}

fn assert_done(answer: &Answer) {
    assert_eq!((answer.status, answer.body.as_str()), (200, "{}"));
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("pragma"), "no-cache");
}

#[tokio::test]
async fn s_148_s_128_s_152_an_access_token_dies_alone() {
    let server = TestServer::registered().await;
    let tokens = sign_in(&server).await;
    let access = tokens.member("access_token");
    assert_done(&revoke(&server, "cli", &access, &[]).await);
    assert!(!server.is_active(&access).await);
    assert_eq!(
        server
            .refresh("cli", &tokens.member("refresh_token"))
            .await
            .status,
        200
    );
    assert_done(&revoke(&server, "cli", &access, &[]).await);
}

/// Such a token hangs from no sign-in, so that nothing else could end it.
#[tokio::test]
async fn s_148_s_152_a_token_of_a_client_alone_dies_whether_seen_before_or_not() {
    let server = TestServer::dev().await;
    let form = [("grant_type", "client_credentials"), ("client_id", "svc")];
    let mut tokens = Vec::new();
    for _ in 0..3 {
        let answer = server.post("/default/token", &form).await;
        tokens.push(answer.member("access_token"));
    }
    assert!(server.is_active(&tokens[0]).await);
    assert_done(&revoke(&server, "svc", &tokens[0], &[]).await);
    assert_done(&revoke(&server, "svc", &tokens[1], &[]).await);
    assert!(!server.is_active(&tokens[0]).await, "seen before");
    assert!(!server.is_active(&tokens[1]).await, "never seen");
    assert!(server.is_active(&tokens[2]).await, "never revoked");
}

#[tokio::test]
async fn s_148_an_unknown_token_is_a_success() {
    let server = TestServer::registered().await;
    let expired = sign_in(&server).await.member("access_token");
    server.advance(3600);
    let flipped = format!("hpr_{}", "0".repeat(78));
    for token in [
        "x",
        "a.b.c",
        &flipped,
        "hpc_x",
        "\u{e9}",
        &expired,
        &"x".repeat(20_000),
    ] {
        assert_done(&revoke(&server, "cli", token, &[]).await);
    }
}

#[tokio::test]
async fn s_149_s_152_a_refresh_token_takes_its_tokens_along_whatever_the_hint() {
    let server = TestServer::registered().await;
    for hint in ["access_token", "refresh_token", "nonsense"] {
        let tokens = sign_in(&server).await;
        let (access, refresh) = (
            tokens.member("access_token"),
            tokens.member("refresh_token"),
        );
        assert_done(&revoke(&server, "cli", &refresh, &[("token_type_hint", hint)]).await);
        assert!(!server.is_active(&access).await, "{hint}");
        let refused = server.refresh("cli", &refresh).await;
        assert_eq!(
            refused.refusal(),
            (400, "invalid_grant".to_owned()),
            "{hint}"
        );
    }
    let access = sign_in(&server).await.member("access_token");
    assert_done(
        &revoke(
            &server,
            "cli",
            &access,
            &[("token_type_hint", "refresh_token")],
        )
        .await,
    );
    assert!(!server.is_active(&access).await);
}

#[tokio::test]
async fn s_152_a_retired_refresh_token_ends_the_family_too() {
    let server = TestServer::registered().await;
    let first = sign_in(&server).await.member("refresh_token");
    let next = server.refresh("cli", &first).await;
    assert_done(&revoke(&server, "cli", &first, &[]).await);
    assert!(!server.is_active(&next.member("access_token")).await);
}

#[tokio::test]
async fn s_150_another_clients_token_stays_alive() {
    let server = TestServer::registered().await;
    let tokens = sign_in(&server).await;
    for name in ["access_token", "refresh_token"] {
        let refused = revoke(&server, "other", &tokens.member(name), &[]).await;
        assert_json_refusal(&refused, 400, "invalid_grant");
    }
    assert!(server.is_active(&tokens.member("access_token")).await);
    assert_eq!(
        server
            .refresh("cli", &tokens.member("refresh_token"))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn s_151_the_client_authenticates_as_at_the_token_endpoint() {
    let server = TestServer::registered().await;
    let token = sign_in(&server).await.member("access_token");
    let form = [("token", token.as_str())];
    assert_json_refusal(
        &server.post("/default/revoke", &form).await,
        401,
        "invalid_client",
    );
    let wrong = server
        .post_basic("/default/revoke", ("svc", "guess"), &form)
        .await;
    assert_json_refusal(&wrong, 401, "invalid_client");
    assert!(wrong.header("www-authenticate").starts_with("Basic "));
    assert_json_refusal(
        &revoke(&server, "svc", &token, &[]).await,
        401,
        "invalid_client",
    );
    assert_json_refusal(
        &revoke(&server, "nobody", &token, &[]).await,
        401,
        "invalid_client",
    );
    assert!(server.is_active(&token).await);
}

#[tokio::test]
async fn s_153_a_token_by_post_and_no_jsonp() {
    let server = TestServer::registered().await;
    let missing = server
        .post("/default/revoke", &[("client_id", "cli")])
        .await;
    assert_json_refusal(&missing, 400, "invalid_request");
    let twice = server
        .post(
            "/default/revoke",
            &[("client_id", "cli"), ("token", "a"), ("token", "b")],
        )
        .await;
    assert_json_refusal(&twice, 400, "invalid_request");
    let jsonp = server.get("/default/revoke?token=x&callback=f").await;
    assert_json_refusal(&jsonp, 405, "invalid_request");
    assert_eq!(jsonp.header("allow"), "POST");
}

#[tokio::test]
async fn s_47_s_152_an_exchanged_token_dies_with_its_origin() {
    let server = TestServer::dev().await;
    let tokens = sign_in(&server).await;
    let exchange = [
        (
            "grant_type",
            "urn:ietf:params:oauth:grant-type:token-exchange",
        ),
        ("subject_token", &tokens.member("access_token")),
        (
            "subject_token_type",
            "urn:ietf:params:oauth:token-type:access_token",
        ),
        ("audience", "b"),
    ];
    let exchanged = server
        .post("/default/token", &exchange)
        .await
        .member("access_token");
    assert!(server.is_active(&exchanged).await);
    assert_done(&revoke(&server, "cli", &tokens.member("refresh_token"), &[]).await);
    assert!(!server.is_active(&exchanged).await);
}
