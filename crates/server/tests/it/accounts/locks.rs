//! What a lock and a new password end: rows S-25, S-65, S-263, A-39, A-97.

use hallpass_protocol::Secret;
use hallpass_testing::TestServer;
use hallpass_testing::person::APPROVE;

use super::steps::{
    PASSWORD, assert_refused, authorization, code, is_active, is_in, log_in, redeem, refresh,
};

#[tokio::test]
async fn s_65_a_39_a_lock_a_new_password_and_revoke_all_end_every_token_and_session() {
    for way in ["lock", "password", "revoke"] {
        let server = TestServer::production("").await;
        let person = server.person_with_account("ada", PASSWORD).await;
        let bystander = server.person_with_account("bob", PASSWORD).await;
        let tokens = redeem(&server, &code(&person, "ada").await).await;
        let others = redeem(&server, &code(&bystander, "bob").await).await;
        assert!(is_active(&server, &tokens.member("access_token")).await);
        let accounts = server.accounts();
        match way {
            "lock" => accounts.lock("ada").await.unwrap(),
            "password" => {
                let new = Secret::new("another good password".to_owned());
                accounts.set_password("ada", new).await.unwrap()
            }
            _ => accounts.revoke_all("ada").await.unwrap(),
        };
        assert_refused(&refresh(&server, &tokens.member("refresh_token")).await);
        assert!(
            !is_active(&server, &tokens.member("access_token")).await,
            "{way}"
        );
        let page = person.open("/oauth2/logout").await;
        assert!(
            !page.body.contains("Signed in as"),
            "{way}: the browser is signed in"
        );
        // Nobody else is touched.
        assert_eq!(
            refresh(&server, &others.member("refresh_token"))
                .await
                .status,
            200
        );
        assert!(
            bystander
                .open("/oauth2/logout")
                .await
                .body
                .contains("Signed in as")
        );
        let back = log_in(&person, "ada", PASSWORD).await;
        assert_eq!(is_in(&back), way == "revoke", "{way}");
        if way == "lock" {
            accounts.unlock("ada").await.unwrap();
            assert_refused(&refresh(&server, &tokens.member("refresh_token")).await);
            assert!(is_in(&log_in(&person, "ada", PASSWORD).await));
        }
    }
}

#[tokio::test]
async fn s_25_s_263_a_97_what_was_approved_and_not_redeemed_dies_with_the_account_s_epoch() {
    for way in ["lock", "password", "revoke", "lock and unlock"] {
        let server = TestServer::production("").await;
        let person = server.person_with_account("ada", PASSWORD).await;
        let code = code(&person, "ada").await;
        let form = [("client_id", "cli"), ("scope", "openid")];
        let device = server.post("/oauth2/device_authorization", &form).await;
        let entry = person.open("/device").await;
        let user_code = device.member("user_code");
        let confirm = person.submit(&entry, &[("user_code", &user_code)]).await;
        let done = person.submit(&confirm, APPROVE).await;
        assert!(done.body.contains("ada"), "{}", done.body);
        let accounts = server.accounts();
        match way {
            "password" => {
                let new = Secret::new("another good password".to_owned());
                accounts.set_password("ada", new).await.unwrap();
            }
            "revoke" => drop(accounts.revoke_all("ada").await.unwrap()),
            _ => drop(accounts.lock("ada").await.unwrap()),
        }
        if way == "lock and unlock" {
            accounts.unlock("ada").await.unwrap();
        }
        assert_refused(&redeem(&server, &code).await);
        let grant = "urn:ietf:params:oauth:grant-type:device_code";
        let form = [
            ("grant_type", grant),
            ("client_id", "cli"),
            ("device_code", &device.member("device_code")),
        ];
        assert_refused(&server.post("/oauth2/token", &form).await);
    }
}

#[tokio::test]
async fn s_263_a_97_a_race_of_redemption_and_lock_leaves_no_live_authorization() {
    let server = TestServer::production("").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    for _ in 0..20 {
        log_in(&person, "ada", PASSWORD).await;
        let code = code(&person, "ada").await;
        let accounts = server.accounts();
        let (tokens, locked) = tokio::join!(redeem(&server, &code), accounts.lock("ada"));
        locked.unwrap();
        if tokens.status == 200 {
            assert_refused(&refresh(&server, &tokens.member("refresh_token")).await);
            assert!(!is_active(&server, &tokens.member("access_token")).await);
        } else {
            assert_refused(&tokens);
        }
        accounts.unlock("ada").await.unwrap();
    }
}

#[tokio::test]
async fn a_form_of_a_locked_person_decides_nothing() {
    let server = TestServer::production("").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    log_in(&person, "ada", PASSWORD).await;
    let page = person.open(&authorization(&[])).await;
    assert!(page.body.contains("Continue as"), "{}", page.body);
    server.accounts().lock("ada").await.unwrap();
    let answer = person.submit(&page, &[("action", "continue")]).await;
    assert!(
        !answer.header("location").contains("code="),
        "{}",
        answer.header("location")
    );
    assert!(answer.body.contains("name=\"password\""));
}
