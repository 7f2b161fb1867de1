//! The device flow, happy path.

use hallpass_testing::TestServer;

#[tokio::test]
async fn s_01_a_device_signs_in() {
    let server = TestServer::dev().await;
    let start = server
        .start_device("cli-app", "openid offline_access")
        .await;
    assert_eq!(start.status, 200, "{}", start.body);
    let (device_code, user_code) = (start.member("device_code"), start.member("user_code"));
    assert_eq!(
        server.poll("cli-app", &device_code).await.refusal(),
        (400, "authorization_pending".to_owned())
    );
    let person = server.person();
    let done = person.approve(&user_code, "ada").await;
    assert!(done.body.contains("signed in"), "{}", done.body);
    let tokens = server.poll("cli-app", &device_code).await;
    assert_eq!(tokens.status, 200, "{}", tokens.body);
    let userinfo = server
        .http()
        .get(server.url("/default/userinfo"))
        .bearer_auth(tokens.member("access_token"));
    let userinfo = server.send(userinfo).await;
    assert_eq!(userinfo.member("sub"), "ada", "{}", userinfo.body);
    assert!(server.is_active(&tokens.member("access_token")).await);
    let again = server
        .refresh("cli-app", &tokens.member("refresh_token"))
        .await;
    assert_eq!(again.status, 200, "{}", again.body);
}

#[tokio::test]
async fn a_browser_signs_in() {
    let server = TestServer::dev().await;
    let tokens = server.sign_in("cli-app", "openid", "ada").await;
    assert_eq!(tokens.status, 200, "{}", tokens.body);
}
