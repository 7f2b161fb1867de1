//! The history, the export, and leaving: row S-236.

use hallpass_protocol::Secret;
use hallpass_server::accounts::{NewAccount, Role};
use hallpass_testing::person::forms;
use hallpass_testing::{Answer, Person, TestServer};
use serde_json::Value;

use super::steps::{can_refresh, form_to, is_sign_in, program, sids, sign_in};
use crate::accounts::{PASSWORD, code, is_active, is_in, log_in, redeem};

#[tokio::test]
async fn the_history_tells_of_tries_that_did_and_did_not() {
    let server = TestServer::production("").await;
    server.person_with_account("ada", PASSWORD).await;
    server.person_with_account("bob", PASSWORD).await;
    log_in(&server.person(), "ada", "wrong password").await;
    log_in(&server.person(), "nobody", "wrong password").await;
    let chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) \
        Chrome/140.0.0.0 Safari/537.36";
    let person = server.person();
    let page = person.open("/login").await;
    let csrf = forms(&page.body)[0].hidden[0].1.clone();
    let fields = [
        ("csrf", &*csrf),
        ("username", "ada"),
        ("password", PASSWORD),
    ];
    let request = person.http().post(server.url("/login")).form(&fields);
    person.send(request.header("user-agent", chrome)).await;
    let page = person.open("/account/history").await;
    let count =
        |page: &Answer, word: &str| page.body.matches(&format!("<span>{word}</span>")).count();
    assert_eq!(
        (count(&page, "Signed in"), count(&page, "Refused")),
        (1, 1),
        "{}",
        page.body
    );
    assert!(
        page.body.contains("from <bdi>127.0.0.1</bdi>") && page.body.contains("Chrome on Linux")
    );
    let bob = sign_in(&server, "bob").await;
    let page = bob.open("/account/history").await;
    assert_eq!((count(&page, "Signed in"), count(&page, "Refused")), (1, 0));
}

#[tokio::test]
async fn the_export_has_what_is_kept_and_no_secret() {
    let server = TestServer::production("").await;
    server.person_with_account("ada", PASSWORD).await;
    let person = sign_in(&server, "ada").await;
    let tokens = program(&server, &person, "ada").await;
    let page = person.open("/account").await;
    let export = form_to(&page, "/account/export");
    let file = person.submit_form(&export, &[]).await;
    assert_eq!(
        file.header("content-disposition"),
        "attachment; filename=\"account.json\""
    );
    let written: Value = file.json();
    let account = server.accounts().find("ada").await.unwrap();
    assert_eq!(written["account"]["sub"], account.id.as_str());
    assert_eq!(written["account"]["email"], "ada@example.com");
    assert_eq!(written["sessions"][0]["client_id"], "cli");
    assert_eq!(written["sessions"][0]["sid"], sids(&page)[0].as_str());
    assert_eq!(written["sign_ins"][0]["signed_in"], true);
    for secret in [
        person.cookies()["__Host-hp_s"].as_str(),
        &tokens.member("refresh_token"),
        "argon2",
    ] {
        assert!(!file.body.contains(secret));
    }
}

#[tokio::test]
async fn s_236_a_deleted_account_is_gone_with_all_it_had_and_its_name_comes_back_as_another() {
    let server = TestServer::production("").await;
    server.person_with_account("ada", PASSWORD).await;
    let (person, other) = (sign_in(&server, "ada").await, sign_in(&server, "ada").await);
    let tokens = program(&server, &person, "ada").await;
    let waiting = code(&other, "ada").await;
    let sub = server.accounts().find("ada").await.unwrap().id;
    let page = person.open("/account/delete").await;
    let wrong = person.submit(&page, &[("name", "eve")]).await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.body.contains("Nothing was deleted"));
    let gone = person.submit(&page, &[("name", "ada")]).await;
    assert!(
        gone.body.contains("Your account is deleted"),
        "{}",
        gone.body
    );
    assert_eq!(person.cookies().get("__Host-hp_s"), None);
    assert!(server.accounts().find("ada").await.is_err());
    assert!(!is_active(&server, &tokens.member("access_token")).await);
    assert!(!can_refresh(&server, &tokens).await);
    assert_eq!(redeem(&server, &waiting).await.status, 400);
    assert!(is_sign_in(&other.open("/account").await));
    assert!(!is_in(&log_in(&server.person(), "ada", PASSWORD).await));
    server.person_with_account("ada", PASSWORD).await;
    assert_ne!(server.accounts().find("ada").await.unwrap().id, sub);
    let anew = sign_in(&server, "ada").await;
    let page = anew.open("/account").await;
    assert!(
        page.body.contains("No program is signed in"),
        "{}",
        page.body
    );
    assert!(sids(&page).is_empty());
}

/// Else administrators would be asked for a second factor.
const NO_FACTOR: &str = "[login]\nrequire_mfa = \"off\"\n";

async fn admin(server: &TestServer, username: &str) -> Person {
    let new = NewAccount {
        username: username.to_owned(),
        email: None,
        display_name: None,
        role: Role::Admin,
        locale: None,
    };
    let password = Secret::new(PASSWORD.to_owned());
    let made = server.accounts().create_with_password(new, password).await;
    made.unwrap();
    sign_in(server, username).await
}

async fn delete(person: &Person, username: &str) -> Answer {
    let page = person.open("/account/delete").await;
    person.submit(&page, &[("name", username)]).await
}

#[tokio::test]
async fn the_last_administrator_who_can_sign_in_cannot_leave() {
    let server = TestServer::production(NO_FACTOR).await;
    server.person_with_account("user", PASSWORD).await;
    let ada = admin(&server, "ada").await;
    // An administrator without a password, and one who is locked, cannot take over.
    let invited = NewAccount {
        username: "invited".to_owned(),
        email: None,
        display_name: None,
        role: Role::Admin,
        locale: None,
    };
    server.accounts().create(invited).await.unwrap();
    admin(&server, "locked").await;
    server.accounts().lock("locked").await.unwrap();
    let refused = delete(&ada, "ada").await;
    assert_eq!(refused.status, 422);
    assert!(
        refused
            .body
            .contains("Make somebody else an administrator first")
    );
    assert!(server.accounts().find("ada").await.is_ok());
    // Nothing else ended either.
    assert!(!is_sign_in(&ada.open("/account").await));
    admin(&server, "grace").await;
    assert!(
        delete(&ada, "ada")
            .await
            .body
            .contains("Your account is deleted")
    );
    // Everybody else may go.
    let user = sign_in(&server, "user").await;
    assert!(
        delete(&user, "user")
            .await
            .body
            .contains("Your account is deleted")
    );
}

#[tokio::test]
async fn of_two_administrators_who_leave_at_once_one_stays() {
    let server = TestServer::production(NO_FACTOR).await;
    let (ada, grace) = (admin(&server, "ada").await, admin(&server, "grace").await);
    let (one, other) = tokio::join!(delete(&ada, "ada"), delete(&grace, "grace"));
    let left = [&one, &other].map(|answer| answer.body.contains("Your account is deleted"));
    assert_ne!(left[0], left[1], "{left:?}");
}
