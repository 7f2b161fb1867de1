//! The refresh grant at the token endpoint: rotation, forgiveness, reuse, limits.

use hallpass_testing::{Answer, TestServer};
use serde_json::Value;

fn invalid_grant() -> (u16, String) {
    (400, "invalid_grant".to_owned())
}

const DAY: u64 = 24 * 3600;

/// The tokens of the public client `cli`, for ada.
async fn sign_in(server: &TestServer) -> Answer {
    let tokens = server
        .sign_in("cli", "openid offline_access a", "ada")
        .await;
    assert_eq!(tokens.status, 200, "{}", tokens.body);
    tokens
}

/// Refreshes as `cli`; the new refresh token.
async fn rotate(server: &TestServer, token: &str) -> String {
    let answer = server.refresh("cli", token).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.member("refresh_token")
}

async fn refresh_with(server: &TestServer, token: &str, extra: &[(&str, &str)]) -> Answer {
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", "cli"),
        ("refresh_token", token),
    ];
    server
        .post("/default/token", &[&form[..], extra].concat())
        .await
}

#[tokio::test]
async fn s_56_each_refresh_gives_a_new_token() {
    let server = TestServer::registered().await;
    let first = sign_in(&server).await.member("refresh_token");
    let again = server.refresh("cli", &first).await;
    assert_eq!(again.status, 200, "{}", again.body);
    assert_ne!(again.member("refresh_token"), first);
    assert_eq!(again.member("scope"), "openid offline_access a");
    assert!(server.is_active(&again.member("access_token")).await);
}

#[tokio::test]
async fn s_57_a_35_a_late_reuse_ends_the_family() {
    let server = TestServer::registered().await;
    let tokens = sign_in(&server).await;
    let first = tokens.member("refresh_token");
    let second = rotate(&server, &first).await;
    let newest = server.refresh("cli", &second).await;
    server.advance(31);
    assert_eq!(
        server.refresh("cli", &first).await.refusal(),
        invalid_grant()
    );
    assert_eq!(
        server
            .refresh("cli", &newest.member("refresh_token"))
            .await
            .refusal(),
        invalid_grant()
    );
    assert!(!server.is_active(&newest.member("access_token")).await);
    assert!(!server.is_active(&tokens.member("access_token")).await);
}

#[tokio::test]
async fn s_58_a_lost_reply_is_forgiven() {
    let server = TestServer::registered().await;
    let first = sign_in(&server).await.member("refresh_token");
    let lost = rotate(&server, &first).await;
    server.advance(10);
    let again = rotate(&server, &first).await;
    assert_eq!(again, lost, "one live leaf only");
    server.advance(20);
    assert_eq!(
        rotate(&server, &first).await,
        lost,
        "30 s are within the grace"
    );
    let next = rotate(&server, &again).await;
    rotate(&server, &next).await;
}

#[tokio::test]
async fn s_59_a_36_a_slow_racer_is_refused_and_not_punished() {
    let server = TestServer::registered().await;
    let first = sign_in(&server).await.member("refresh_token");
    let second = rotate(&server, &first).await;
    let third = rotate(&server, &second).await;
    server.advance(5);
    assert_eq!(
        server.refresh("cli", &first).await.refusal(),
        invalid_grant()
    );
    rotate(&server, &third).await;
}

#[tokio::test]
async fn s_59_a_36_the_grace_ends_after_thirty_seconds() {
    let server = TestServer::registered().await;
    let first = sign_in(&server).await.member("refresh_token");
    let second = rotate(&server, &first).await;
    server.advance(31);
    assert_eq!(
        server.refresh("cli", &first).await.refusal(),
        invalid_grant()
    );
    assert_eq!(
        server.refresh("cli", &second).await.refusal(),
        invalid_grant()
    );
}

#[tokio::test]
async fn s_60_twenty_refreshes_at_once_leave_one_leaf() {
    let server = std::sync::Arc::new(TestServer::registered().await);
    let first = sign_in(&server).await.member("refresh_token");
    let mut racers = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (server, first) = (std::sync::Arc::clone(&server), first.clone());
        racers.spawn(async move { server.refresh("cli", &first).await });
    }
    let answers = racers.join_all().await;
    let mut leaves: Vec<String> = answers
        .iter()
        .map(|answer| answer.member("refresh_token"))
        .collect();
    leaves.dedup();
    assert_eq!(leaves.len(), 1, "{leaves:?}");
    rotate(&server, &leaves[0]).await;
}

#[tokio::test]
async fn s_61_a_confidential_client_keeps_its_token() {
    let server = TestServer::registered().await;
    let code = server
        .person()
        .authorize(&server, "web", "openid offline_access", "ada")
        .await;
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", hallpass_testing::person::REDIRECT_URI),
        ("code_verifier", hallpass_testing::person::VERIFIER),
    ];
    let client = ("web", "s3cret");
    let tokens = server.post_basic("/default/token", client, &form).await;
    let token = tokens.member("refresh_token");
    for _ in 0..2 {
        server.advance(60);
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", token.as_str()),
        ];
        let again = server.post_basic("/default/token", client, &form).await;
        assert_eq!(again.status, 200, "{}", again.body);
        assert_eq!(again.member("refresh_token"), token);
    }
}

#[tokio::test]
async fn s_62_a_36_another_client_gets_nothing_and_ends_nothing() {
    let server = TestServer::registered().await;
    let first = sign_in(&server).await.member("refresh_token");
    let second = rotate(&server, &first).await;
    for token in [&first, &second] {
        assert_eq!(
            server.refresh("other", token).await.refusal(),
            invalid_grant()
        );
        server.advance(31);
    }
    rotate(&server, &second).await;
}

#[tokio::test]
async fn s_63_a_37_a_refresh_narrows_and_never_widens() {
    let server = TestServer::registered().await;
    let first = sign_in(&server).await.member("refresh_token");
    let wider = refresh_with(&server, &first, &[("scope", "openid a b")]).await;
    assert_eq!(wider.refusal(), (400, "invalid_scope".to_owned()));
    let narrow = refresh_with(&server, &first, &[("scope", "a")]).await;
    assert_eq!(
        (narrow.status, narrow.member("scope")),
        (200, "a".to_owned())
    );
    assert_eq!(narrow.claims("access_token")["scope"], "a");
    assert_eq!(narrow.json().get("id_token"), None);
    let full = server.refresh("cli", &narrow.member("refresh_token")).await;
    assert_eq!(full.member("scope"), "openid offline_access a");
}

#[tokio::test]
async fn s_64_an_idle_family_dies_after_thirty_days() {
    let server = TestServer::registered().await;
    let first = sign_in(&server).await.member("refresh_token");
    server.advance(30 * DAY - 1);
    let second = rotate(&server, &first).await;
    server.advance(30 * DAY);
    assert_eq!(
        server.refresh("cli", &second).await.refusal(),
        invalid_grant()
    );
}

#[tokio::test]
async fn s_64_daily_use_does_not_move_the_absolute_end() {
    let server = TestServer::registered().await;
    let mut token = sign_in(&server).await.member("refresh_token");
    for _ in 0..89 {
        server.advance(DAY);
        token = rotate(&server, &token).await;
    }
    server.advance(DAY);
    assert_eq!(
        server.refresh("cli", &token).await.refusal(),
        invalid_grant()
    );
}

#[tokio::test]
async fn s_66_a_37_a_new_resource_is_refused() {
    let server = TestServer::registered().await;
    let first = sign_in(&server).await.member("refresh_token");
    let wider = refresh_with(&server, &first, &[("resource", "https://api.test")]).await;
    assert_eq!(wider.refusal(), (400, "invalid_target".to_owned()));
    rotate(&server, &first).await;
}

#[tokio::test]
async fn s_67_s_220_the_id_token_of_a_refresh_says_the_same_without_a_nonce() {
    let server = TestServer::registered().await;
    let tokens = sign_in(&server).await;
    let before = tokens.claims("id_token");
    server.advance(100);
    let again = server.refresh("cli", &tokens.member("refresh_token")).await;
    let after = again.claims("id_token");
    for name in ["iss", "sub", "aud", "auth_time", "azp", "sid"] {
        assert!(!before[name].is_null(), "{name}");
        assert_eq!(before[name], after[name], "{name}");
    }
    let of_access = |answer: &Answer| answer.claims("access_token")["auth_time"].clone();
    assert_eq!(of_access(&tokens), before["auth_time"]);
    assert_eq!(of_access(&again), before["auth_time"]);
    assert_eq!(before["nonce"], "n-0S6_WzA2Mj");
    assert_eq!(after.get("nonce"), None);
    assert_eq!(
        after["iat"].as_i64().unwrap() - before["iat"].as_i64().unwrap(),
        100
    );
}

#[tokio::test]
async fn s_256_a_95_a_changed_token_is_nobodys() {
    let server = TestServer::registered().await;
    let token = sign_in(&server).await.member("refresh_token");
    for at in 0..token.len() {
        let mut changed = token.clone().into_bytes();
        changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
        let changed = String::from_utf8(changed).unwrap();
        if changed != token {
            assert_eq!(
                server.refresh("cli", &changed).await.refusal(),
                invalid_grant(),
                "{at}"
            );
        }
    }
    for other in [
        format!("{token}0"),
        format!(" {token}"),
        token[..81].to_owned(),
        token.to_uppercase(),
    ] {
        assert_eq!(
            server.refresh("cli", &other).await.refusal(),
            invalid_grant(),
            "{other}"
        );
    }
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", "cli"),
        ("refresh_token", token.as_str()),
    ];
    assert_eq!(
        server.post("/elsewhere/token", &form).await.refusal(),
        invalid_grant()
    );
    rotate(&server, &token).await;
}

#[tokio::test]
async fn s_257_what_is_refused_changes_nothing() {
    let server = TestServer::registered().await;
    let first = sign_in(&server).await.member("refresh_token");
    for extra in [
        ("scope", "b"),
        ("scope", "a\"b"),
        ("resource", "https://api.test"),
        ("client_secret", "x"),
    ] {
        assert!(
            refresh_with(&server, &first, &[extra]).await.status >= 400,
            "{extra:?}"
        );
        server.advance(60);
    }
    assert_eq!(
        server.refresh("other", &first).await.refusal(),
        invalid_grant()
    );
    let second = rotate(&server, &first).await;
    assert_ne!(second, first);
    // The generation grew by one: the first token is its direct predecessor, and forgiven.
    assert_eq!(rotate(&server, &first).await, second);
}

#[tokio::test]
async fn s_258_reuse_is_judged_by_the_generation_and_not_by_the_last_rotation() {
    let server = TestServer::registered().await;
    let first = sign_in(&server).await.member("refresh_token");
    let mut newest = first.clone();
    for _ in 0..30 {
        server.advance(20);
        newest = rotate(&server, &newest).await;
    }
    assert_eq!(
        server.refresh("cli", &first).await.refusal(),
        invalid_grant()
    );
    assert_eq!(
        server.refresh("cli", &newest).await.refusal(),
        invalid_grant()
    );
}

#[tokio::test]
async fn a_38_tokens_do_not_stand_in_for_each_other() {
    let server = TestServer::registered().await;
    let tokens = sign_in(&server).await;
    let refused = server.userinfo(&tokens.member("refresh_token")).await;
    assert_eq!(refused.status, 401);
    assert!(
        refused
            .header("www-authenticate")
            .contains("error=\"invalid_token\""),
        "{refused:?}"
    );
    for name in ["access_token", "id_token"] {
        assert_eq!(
            server.refresh("cli", &tokens.member(name)).await.refusal(),
            invalid_grant(),
            "{name}"
        );
    }
}

#[tokio::test]
async fn refresh_tokens_of_dev_mode_rotate_unless_the_configuration_says_no() {
    let dev = TestServer::dev().await;
    let tokens = dev.sign_in("any", "openid offline_access", "ada").await;
    let again = dev.refresh("any", &tokens.member("refresh_token")).await;
    assert_ne!(
        again.member("refresh_token"),
        tokens.member("refresh_token")
    );
    let settings = hallpass_server::Settings {
        rotation: hallpass_server::settings::Rotation::Never,
        ..hallpass_server::Settings::for_tests()
    };
    let still = TestServer::start(settings).await;
    let tokens = still.sign_in("any", "openid offline_access", "ada").await;
    let again = still.refresh("any", &tokens.member("refresh_token")).await;
    assert_eq!(
        again.json()["refresh_token"],
        Value::from(tokens.member("refresh_token"))
    );
}
