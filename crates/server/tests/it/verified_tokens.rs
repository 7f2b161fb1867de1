//! Tokens whose signature the server remembers: whatever ends a token ends a remembered one too.

use hallpass_testing::TestServer;

async fn remembered(server: &TestServer) -> (String, String) {
    let tokens = server
        .sign_in("cli", "openid offline_access a", "ada")
        .await;
    let access = tokens.member("access_token");
    for _ in 0..2 {
        assert!(server.is_active(&access).await);
        assert_eq!(server.userinfo(&access).await.status, 200);
    }
    (access, tokens.member("refresh_token"))
}

async fn assert_over(server: &TestServer, access: &str) {
    assert!(!server.is_active(access).await);
    assert_eq!(server.userinfo(access).await.status, 401);
}

#[tokio::test]
async fn s_152_a_revoked_token_is_inactive_at_once() {
    let server = TestServer::registered().await;
    let (access, _) = remembered(&server).await;
    let form = [("client_id", "cli"), ("token", access.as_str())];
    server.post("/default/revoke", &form).await;
    assert_over(&server, &access).await;
}

#[tokio::test]
async fn s_152_so_is_one_whose_authorization_ended() {
    let server = TestServer::registered().await;
    let (access, refresh) = remembered(&server).await;
    let form = [("client_id", "cli"), ("token", refresh.as_str())];
    server.post("/default/revoke", &form).await;
    assert_over(&server, &access).await;
}

#[tokio::test]
async fn s_156_an_expired_token_is_inactive_at_once() {
    let server = TestServer::registered().await;
    let (access, _) = remembered(&server).await;
    server.advance(3599);
    assert!(server.is_active(&access).await);
    server.advance(1);
    assert_over(&server, &access).await;
}

#[tokio::test]
async fn s_156_a_token_counts_at_its_own_issuer_only() {
    let server = TestServer::registered().await;
    let (access, _) = remembered(&server).await;
    let form = [("token", access.as_str())];
    for _ in 0..2 {
        let elsewhere = server
            .post_basic("/other/introspect", ("rs", "s"), &form)
            .await;
        assert_eq!(elsewhere.body, r#"{"active":false}"#);
        assert!(server.is_active(&access).await);
    }
}

#[tokio::test]
async fn s_156_a_changed_signature_is_not_the_remembered_token() {
    let server = TestServer::registered().await;
    let (access, _) = remembered(&server).await;
    let (signed, signature) = access.rsplit_once('.').unwrap();
    let other = if signature.starts_with('A') { 'B' } else { 'A' };
    let changed = format!("{signed}.{other}{}", &signature[1..]);
    assert!(!server.is_active(&changed).await);
    assert!(server.is_active(&access).await);
}
