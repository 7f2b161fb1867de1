//! The authorization code grant at the token endpoint.

use hallpass_testing::person::{REDIRECT_URI, VERIFIER};
use hallpass_testing::{Answer, Person, TestServer};

const GRANT: (&str, &str) = ("grant_type", "authorization_code");

fn invalid_grant() -> (u16, String) {
    (400, "invalid_grant".to_owned())
}

/// A code of the public client `cli`, for ada.
async fn code(server: &TestServer, scope: &str) -> String {
    server.person().authorize(server, "cli", scope, "ada").await
}

/// Redeems with changes: each replaces what is usual, an empty value leaves it out.
async fn redeem_with(server: &TestServer, code: &str, changes: &[(&str, &str)]) -> Answer {
    let usual = [
        GRANT,
        ("client_id", "cli"),
        ("code", code),
        ("redirect_uri", REDIRECT_URI),
        ("code_verifier", VERIFIER),
    ];
    let kept = usual
        .iter()
        .filter(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
    let form: Vec<_> = kept
        .chain(changes)
        .copied()
        .filter(|(_, value)| !value.is_empty())
        .collect();
    server.post("/default/token", &form).await
}

#[tokio::test]
async fn s_45_s_128_a_code_is_worth_tokens() {
    let server = TestServer::registered().await;
    let code = code(&server, "openid offline_access a").await;
    assert!(code.len() >= 43, "{code}");
    server.advance(59);
    let tokens = redeem_with(&server, &code, &[]).await;
    assert_eq!(tokens.status, 200, "{}", tokens.body);
    assert_eq!(tokens.header("content-type"), "application/json");
    assert_eq!(tokens.header("cache-control"), "no-store");
    assert_eq!(tokens.header("pragma"), "no-cache");
    assert_eq!(tokens.member("token_type"), "Bearer");
    assert_eq!(tokens.member("scope"), "openid offline_access a");
    assert!(tokens.json()["expires_in"].is_u64());
    assert!(!tokens.member("refresh_token").is_empty());
    assert!(server.is_active(&tokens.member("access_token")).await);
}

#[tokio::test]
async fn s_32_s_33_a_17_a_bad_verifier_burns_the_code() {
    let server = TestServer::registered().await;
    let newline = format!("{VERIFIER}\n");
    let other = "a".repeat(43);
    for verifier in [
        "",
        &VERIFIER[..42],
        &"a".repeat(129),
        &newline,
        &other,
        &format!("{VERIFIER}="),
    ] {
        let code = code(&server, "openid").await;
        let wrong = redeem_with(&server, &code, &[("code_verifier", verifier)]).await;
        assert_eq!(wrong.refusal(), invalid_grant(), "{verifier}");
        let right = redeem_with(&server, &code, &[]).await;
        assert_eq!(right.refusal(), invalid_grant(), "{verifier}");
    }
}

#[tokio::test]
async fn s_34_a_16_a_verifier_without_a_challenge_is_a_downgrade() {
    let server = TestServer::registered().await;
    let uri = "https://old.test/cb?x=1";
    let changes = [
        ("redirect_uri", uri),
        ("code_challenge", ""),
        ("code_challenge_method", ""),
    ];
    let path = Person::authorization_path_with("old", "openid", &changes);
    for (verifier, status) in [(VERIFIER, 400), ("", 200)] {
        let answer = server.person().sign_in_at(&path, "ada").await;
        let code = &answer.redirect_parameters()["code"];
        let client = [
            ("client_id", "old"),
            ("client_secret", "s3cret"),
            ("redirect_uri", uri),
        ];
        let tokens = redeem_with(
            &server,
            code,
            &[&client[..], &[("code_verifier", verifier)]].concat(),
        )
        .await;
        assert_eq!(tokens.status, status, "{}", tokens.body);
        if status == 400 {
            assert_eq!(tokens.refusal(), invalid_grant());
        }
    }
    let dev = TestServer::dev().await;
    let path = Person::authorization_path_with("cli", "openid", &changes[1..]);
    let answer = dev.person().sign_in_at(&path, "ada").await;
    let tokens = redeem_with(&dev, &answer.redirect_parameters()["code"], &[]).await;
    assert_eq!(tokens.refusal(), invalid_grant());
}

#[tokio::test]
async fn s_44_a_21_the_redirect_uri_is_the_one_of_the_request_port_and_all() {
    let server = TestServer::registered().await;
    for uri in [
        "",
        "http://127.0.0.1:8086/callback",
        "http://127.0.0.1/callback",
        "http://127.0.0.1:8085/callback/",
    ] {
        let code = code(&server, "openid").await;
        let tokens = redeem_with(&server, &code, &[("redirect_uri", uri)]).await;
        assert_eq!(tokens.refusal(), invalid_grant(), "{uri}");
    }
}

#[tokio::test]
async fn s_45_a_20_a_code_lives_for_sixty_seconds() {
    let server = TestServer::registered().await;
    let code = code(&server, "openid").await;
    server.advance(61);
    assert_eq!(
        redeem_with(&server, &code, &[]).await.refusal(),
        invalid_grant()
    );
}

#[tokio::test]
async fn s_46_a_21_another_client_burns_the_code() {
    let server = TestServer::registered().await;
    let code = code(&server, "openid").await;
    let thief = redeem_with(&server, &code, &[("client_id", "other")]).await;
    assert_eq!(thief.refusal(), invalid_grant());
    assert_eq!(
        redeem_with(&server, &code, &[]).await.refusal(),
        invalid_grant()
    );
}

#[tokio::test]
async fn s_46_a_code_belongs_to_its_issuer() {
    let server = TestServer::registered().await;
    let code = code(&server, "openid").await;
    let form = [
        GRANT,
        ("client_id", "cli"),
        ("code", &code),
        ("redirect_uri", REDIRECT_URI),
        ("code_verifier", VERIFIER),
    ];
    assert_eq!(
        server.post("/elsewhere/token", &form).await.refusal(),
        invalid_grant()
    );
    assert_eq!(redeem_with(&server, &code, &[]).await.status, 200);
}

#[tokio::test]
async fn a_18_a_stolen_code_does_not_fit_another_challenge() {
    let server = TestServer::registered().await;
    let stolen = code(&server, "openid").await;
    let own_verifier = "b".repeat(64);
    let tokens = redeem_with(&server, &stolen, &[("code_verifier", &own_verifier)]).await;
    assert_eq!(tokens.refusal(), invalid_grant());
}

#[tokio::test]
async fn s_47_a_19_a_replayed_code_ends_what_it_gave() {
    let server = TestServer::dev().await;
    let code = code(&server, "openid offline_access").await;
    let tokens = redeem_with(&server, &code, &[]).await;
    let access = tokens.member("access_token");
    let exchange = [
        (
            "grant_type",
            "urn:ietf:params:oauth:grant-type:token-exchange",
        ),
        ("subject_token", access.as_str()),
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
    assert!(server.is_active(&access).await && server.is_active(&exchanged).await);
    // After the code's own life is over it still tells a thief.
    server.advance(61);
    assert_eq!(
        redeem_with(&server, &code, &[]).await.refusal(),
        invalid_grant()
    );
    assert!(!server.is_active(&access).await);
    assert!(
        !server.is_active(&exchanged).await,
        "a descendant outlives the replay"
    );
    assert_eq!(server.userinfo(&access).await.status, 401);
    let refreshed = server.refresh("cli", &tokens.member("refresh_token")).await;
    assert_eq!(refreshed.refusal(), invalid_grant());
}

#[tokio::test]
async fn s_47_a_19_of_fifty_at_once_one_gets_tokens() {
    let server = std::sync::Arc::new(TestServer::registered().await);
    let code = code(&server, "openid").await;
    let mut racers = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let (server, code) = (std::sync::Arc::clone(&server), code.clone());
        racers.spawn(async move { redeem_with(&server, &code, &[]).await });
    }
    let answers = racers.join_all().await;
    let winners = answers.iter().filter(|answer| answer.status == 200).count();
    let losers = answers
        .iter()
        .filter(|answer| answer.status == 400 && answer.refusal() == invalid_grant())
        .count();
    assert_eq!((winners, losers), (1, 49));
}

#[tokio::test]
async fn s_48_a_strangers_replay_ends_nothing() {
    let server = TestServer::registered().await;
    let code = code(&server, "openid").await;
    let tokens = redeem_with(&server, &code, &[]).await;
    let access = tokens.member("access_token");
    for change in [
        ("code_verifier", ""),
        ("client_id", "other"),
        ("redirect_uri", "http://127.0.0.1:1/callback"),
    ] {
        assert_eq!(
            redeem_with(&server, &code, &[change]).await.refusal(),
            invalid_grant()
        );
        assert!(server.is_active(&access).await, "{change:?}");
    }
    assert_eq!(
        redeem_with(&server, &code, &[]).await.refusal(),
        invalid_grant()
    );
    assert!(!server.is_active(&access).await);
}

#[tokio::test]
async fn an_unknown_code_is_refused() {
    let server = TestServer::registered().await;
    for code in ["x", "hpc_", &format!("hpc_{}", "0".repeat(49))] {
        assert_eq!(
            redeem_with(&server, code, &[]).await.refusal(),
            invalid_grant(),
            "{code}"
        );
    }
    let missing = redeem_with(&server, "", &[]).await;
    assert_eq!(missing.refusal(), (400, "invalid_request".to_owned()));
}

#[tokio::test]
async fn s_135_s_136_failed_authentication_leaves_the_code_alone() {
    let server = TestServer::registered().await;
    let path = Person::authorization_path("web", "openid");
    let answer = server.person().sign_in_at(&path, "ada").await;
    let code = &answer.redirect_parameters()["code"];
    let nobody = redeem_with(&server, code, &[("client_id", "web")]).await;
    assert_eq!(nobody.refusal(), (401, "invalid_client".to_owned()));
    let form = [
        GRANT,
        ("code", code),
        ("redirect_uri", REDIRECT_URI),
        ("code_verifier", VERIFIER),
    ];
    let wrong = server
        .post_basic("/default/token", ("web", "guess"), &form)
        .await;
    assert_eq!(wrong.refusal(), (401, "invalid_client".to_owned()));
    let tokens = server
        .post_basic("/default/token", ("web", "s3cret"), &form)
        .await;
    assert_eq!(tokens.status, 200, "{}", tokens.body);
}

#[tokio::test]
async fn s_68_no_refresh_token_without_offline_access() {
    let server = TestServer::registered().await;
    let tokens = redeem_with(&server, &code(&server, "openid a").await, &[]).await;
    assert_eq!(tokens.json().get("refresh_token"), None);
}
