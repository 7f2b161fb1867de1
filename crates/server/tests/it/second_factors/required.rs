//! Where the operator requires a second factor: it is set up in the sign-in.

use hallpass_protocol::Secret;
use hallpass_server::accounts::{NewAccount, Role};
use hallpass_testing::TestServer;
use hallpass_testing::person::forms;
use hallpass_testing::server::CLIENTS;
use serde_json::json;
use tempfile::TempDir;

use super::steps::{
    App, asks_for_code, enrol, half_way, is_sign_in, recovery_codes, session_of, show_code, wrong,
};
use crate::accounts::{PASSWORD, is_in, log_in};

/// A server on the database of a folder, which other servers before it may have filled.
async fn start(folder: &TempDir, toml: &str) -> TestServer {
    let database = format!("sqlite://{}", folder.path().join("x.db").display());
    let toml = format!("{toml}{CLIENTS}");
    let settings = hallpass_testing::server::production_settings(&toml, folder.path(), &database);
    TestServer::start(settings).await
}

#[tokio::test]
async fn where_it_is_required_a_factor_is_set_up_in_the_sign_in() {
    let server = TestServer::production("[login]\nrequire_mfa = \"all\"\n").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    let page = log_in(&person, "ada", PASSWORD).await;
    assert!(
        page.body.contains("Set up an authenticator app"),
        "{}",
        page.body
    );
    assert!(session_of(&person).is_none());
    let app = App::scan(&page);
    // The key is drawn for each sign-in, and kept through a wrong code.
    let other = server.person();
    assert_ne!(
        App::scan(&log_in(&other, "ada", PASSWORD).await).key,
        app.key
    );
    let refused = show_code(&person, &page, &wrong(&app, &server, 0)).await;
    assert_eq!(refused.status, 422);
    assert_eq!(App::scan(&refused).key, app.key);
    let codes = show_code(&person, &refused, &app.code(&server)).await;
    assert_eq!(recovery_codes(&codes).len(), 10);
    // Until they are saved nobody is signed in.
    assert!(session_of(&person).is_none());
    assert!(is_sign_in(&person.open("/account").await));
    let form = forms(&codes.body).remove(0);
    let unsaved = person.submit_form(&form, &[]).await;
    assert!(is_sign_in(&unsaved) && session_of(&person).is_none());
    assert!(is_in(&person.submit_form(&form, &[("saved", "on")]).await));
    // Once.
    let first = session_of(&person);
    let again = person.submit_form(&form, &[("saved", "on")]).await;
    assert!(is_sign_in(&again));
    assert_eq!(session_of(&person), first);
    // Whoever stood at the same page with the stolen password brings no app of theirs any more.
    let page = log_in(&other, "ada", PASSWORD).await;
    assert!(asks_for_code(&page), "{}", page.body);
    // Being without is no choice here.
    server.advance(30);
    let page = log_in(&person, "ada", PASSWORD).await;
    assert!(is_in(&show_code(&person, &page, &app.code(&server)).await));
    let page = person.open("/account/security").await;
    let kept = person.submit(&page, &[("action", "remove_totp")]).await;
    assert_eq!(kept.status, 422);
    let account = server.accounts().find("ada").await.unwrap();
    let factors = server.accounts().second_factors(&account.id).await.unwrap();
    assert!(factors.totp.is_some());
}

#[tokio::test]
async fn a_sign_in_that_waits_to_set_one_up_ends_when_the_person_has_one() {
    let server = TestServer::production("[login]\nrequire_mfa = \"all\"\n").await;
    let thief = server.person_with_account("ada", PASSWORD).await;
    let stolen = log_in(&thief, "ada", PASSWORD).await;
    let theirs = App::scan(&stolen);
    let owner = server.person();
    let page = log_in(&owner, "ada", PASSWORD).await;
    let app = App::scan(&page);
    let codes = show_code(&owner, &page, &app.code(&server)).await;
    owner.submit(&codes, &[("saved", "on")]).await;
    let answer = show_code(&thief, &stolen, &theirs.code(&server)).await;
    assert!(is_sign_in(&answer), "{}", answer.body);
    server.advance(30);
    let (_, page) = half_way(&server, "ada").await;
    assert!(asks_for_code(&page));
    let (person, page) = half_way(&server, "ada").await;
    assert_eq!(
        show_code(&person, &page, &theirs.code(&server))
            .await
            .status,
        422
    );
    assert!(is_in(&show_code(&person, &page, &app.code(&server)).await));
}

#[tokio::test]
async fn administrators_need_one_unless_the_operator_says_otherwise() {
    for (toml, sets_up) in [("", true), ("[login]\nrequire_mfa = \"off\"\n", false)] {
        let server = TestServer::production(toml).await;
        let new = NewAccount {
            username: "root".to_owned(),
            email: None,
            display_name: None,
            role: Role::Admin,
            locale: None,
        };
        let password = Secret::new(PASSWORD.to_owned());
        server
            .accounts()
            .create_with_password(new, password)
            .await
            .unwrap();
        let person = server.person();
        let page = log_in(&person, "root", PASSWORD).await;
        assert_eq!(page.body.contains("Set up an authenticator app"), sets_up);
        assert_eq!(is_in(&page), !sets_up);
    }
}

#[tokio::test]
async fn a_requirement_that_comes_later_ends_sessions_that_do_not_meet_it() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(&folder, "").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    assert!(is_in(&log_in(&person, "ada", PASSWORD).await));
    let cookie = format!("__Host-hp_s={}", session_of(&person).unwrap());
    server.stop().await;
    for (toml, lasts) in [
        ("", true),
        ("[login]\nrequire_mfa = \"all\"\n", false),
        ("", true),
    ] {
        let server = start(&folder, toml).await;
        let request = server.http().get(server.url("/account"));
        let answer = server.send(request.header("cookie", &cookie)).await;
        assert_eq!(!is_sign_in(&answer), lasts, "{toml}");
        server.stop().await;
    }
}

#[tokio::test]
async fn a_server_that_takes_no_codes_asks_for_none() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(&folder, "").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    enrol(&server, &person, "ada").await;
    server.stop().await;
    let server = start(&folder, "[login]\ntotp = false\npasskey = false\n").await;
    assert!(is_in(&log_in(&server.person(), "ada", PASSWORD).await));
    let person = server.person();
    log_in(&person, "ada", PASSWORD).await;
    assert_eq!(person.open("/account/security/totp").await.status, 404);
    let document = server.get("/.well-known/openid-configuration").await;
    assert_eq!(document.json()["acr_values_supported"], json!(["pwd"]));
    server.stop().await;
}
