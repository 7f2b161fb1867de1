//! What is redeemed while everything of its person is revoked, and what an answer to a revocation
//! tells: rows.

use hallpass_testing::person::APPROVE;
use hallpass_testing::{Answer, TestServer};

use crate::accounts::{PASSWORD, code, is_active, is_in, log_in, redeem, refresh};

const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// A device code that a person approved.
async fn approved(server: &TestServer, person: &hallpass_testing::Person) -> String {
    let device = [("client_id", "cli"), ("scope", "openid offline_access")];
    let device = server.post("/oauth2/device_authorization", &device).await;
    let entry = person.open("/device").await;
    let user_code = device.member("user_code");
    let page = person.submit(&entry, &[("user_code", &user_code)]).await;
    let done = person.submit(&page, APPROVE).await;
    assert!(done.body.contains("signed in"), "{}", done.body);
    device.member("device_code")
}

async fn poll(server: &TestServer, device_code: &str) -> Answer {
    let form = [
        ("grant_type", DEVICE_CODE),
        ("client_id", "cli"),
        ("device_code", device_code),
    ];
    server.post("/oauth2/token", &form).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_263_a_97_nothing_that_is_redeemed_outlives_a_revocation_beside_it() {
    let limits = "[limits]\ndevice_start_per_ip = \"1000/1m\"";
    let server = TestServer::production(limits).await;
    let person = server.person_with_account("ada", PASSWORD).await;
    let (mut won, mut lost) = (0, 0);
    for round in 0..16 {
        assert!(is_in(&log_in(&person, "ada", PASSWORD).await));
        let code = code(&person, "ada").await;
        let device_code = approved(&server, &person).await;
        let accounts = server.accounts();
        let revoke = async {
            // Each round it comes a little later.
            for _ in 0..round * 3 {
                tokio::task::yield_now().await;
            }
            accounts.revoke_all("ada").await
        };
        let (by_code, by_device, revoked) =
            tokio::join!(redeem(&server, &code), poll(&server, &device_code), revoke);
        revoked.unwrap();
        for answer in [by_code, by_device] {
            if answer.status == 200 {
                won += 1;
                let refreshed = refresh(&server, &answer.member("refresh_token")).await;
                assert_eq!(refreshed.refusal(), (400, "invalid_grant".to_owned()));
                assert!(!is_active(&server, &answer.member("access_token")).await);
            } else {
                lost += 1;
                assert_eq!(answer.refusal(), (400, "invalid_grant".to_owned()));
            }
        }
        assert!(
            !person
                .open("/oauth2/logout")
                .await
                .body
                .contains("Signed in as")
        );
    }
    assert_eq!(won + lost, 32);
}

#[tokio::test]
async fn s_148_a_75_whether_a_token_is_known_is_not_told_to_who_only_guesses() {
    let server = TestServer::registered().await;
    let alive = server.sign_in("cli", "openid offline_access", "ada").await;
    let ended = server.sign_in("cli", "openid offline_access", "ada").await;
    let revoke = async |token: &str| {
        let form = [("client_id", "cli"), ("token", token)];
        server.post("/default/revoke", &form).await
    };
    let answers = async |tokens: &Answer| {
        let mut answers = Vec::new();
        for name in ["access_token", "refresh_token"] {
            answers.push(revoke(&tokens.member(name)).await);
        }
        answers
    };
    let known = answers(&alive).await;
    answers(&ended).await;
    let over = answers(&ended).await;
    // Of the same form, and nobody's.
    let guessed = |token: &str| {
        let (head, tail) = token.split_at(token.len() - 12);
        format!("{head}{}", tail.chars().rev().collect::<String>())
    };
    let mut unknown = Vec::new();
    for name in ["access_token", "refresh_token"] {
        unknown.push(revoke(&guessed(&alive.member(name))).await);
    }
    unknown.push(revoke("guess").await);
    let names = |answer: &Answer| {
        let names = answer.headers.keys().map(ToString::to_string);
        names.collect::<std::collections::BTreeSet<_>>()
    };
    for answer in known.iter().chain(&over).chain(&unknown) {
        assert_eq!((answer.status, answer.body.as_str()), (200, "{}"));
        assert_eq!(names(answer), names(&known[0]));
    }
}
