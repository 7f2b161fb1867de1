//! What people change on the page of their account: row S-15.

use hallpass_testing::TestServer;
use hallpass_testing::person::{Form, forms};

use super::steps::{App, asks_for_code, enrol, half_way, is_sign_in, recovery_codes, show_code};
use crate::accounts::{PASSWORD, is_in, log_in};

#[tokio::test]
async fn s_15_nobody_is_made_to_set_up_somebody_elses_app() {
    let server = TestServer::production("").await;
    let ada = server.person_with_account("ada", PASSWORD).await;
    let eve = server.person_with_account("eve", PASSWORD).await;
    assert!(is_in(&log_in(&ada, "ada", PASSWORD).await));
    assert!(is_in(&log_in(&eve, "eve", PASSWORD).await));
    let page = eve.open("/account/security/totp").await;
    let app = App::scan(&page);
    let eves: Form = forms(&page.body).remove(0);
    let code = app.code(&server);
    // The form as it is, and Eve's key in a form of Ada's.
    assert_eq!(ada.submit_form(&eves, &[("code", &code)]).await.status, 403);
    let page = ada.open("/account/security/totp").await;
    let mut mixed = forms(&page.body).remove(0);
    let of = |form: &Form, wanted: &str| {
        let found = form.hidden.iter().find(|(name, _)| name == wanted);
        found.unwrap().1.clone()
    };
    for (name, value) in &mut mixed.hidden {
        if name == "interaction" {
            *value = of(&eves, "interaction");
        }
    }
    let answer = ada.submit_form(&mixed, &[("code", &code)]).await;
    assert!(recovery_codes(&answer).is_empty(), "{}", answer.body);
    for (token, header) in [
        ("", None),
        (of(&eves, "csrf").as_str(), None),
        ("", Some("cross-site")),
    ] {
        let fields = [("csrf", token), ("action", "new_codes"), ("code", "000000")];
        for path in ["/account/security", "/account/security/totp"] {
            let request = ada.http().post(server.url(path)).form(&fields);
            let request = match header {
                Some(site) => request.header("sec-fetch-site", site),
                None => request,
            };
            assert_eq!(ada.send(request).await.status, 403, "{path}");
        }
    }
    let account = server.accounts().find("ada").await.unwrap();
    let found = server.accounts().second_factors(&account.id).await.unwrap();
    assert!(found.totp.is_none() && found.recovery_codes == 0);
}

#[tokio::test]
async fn changes_need_a_sign_in_of_the_last_minutes_and_take_effect() {
    let server = TestServer::production("").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    let (app, old) = enrol(&server, &person, "ada").await;
    let page = person.open("/account/security").await;
    assert!(page.body.contains("10 are left."), "{}", page.body);
    // Later the password comes first, and after it the code.
    server.advance(600);
    let late = person.submit(&page, &[("action", "remove_totp")]).await;
    assert!(is_sign_in(&late), "{}", late.body);
    let fields = [("username", "ada"), ("password", PASSWORD)];
    let code = person.submit(&late, &fields).await;
    assert!(asks_for_code(&code));
    let page = show_code(&person, &code, &app.code(&server)).await;
    assert!(page.body.contains("10 are left."), "{}", page.body);
    // New recovery codes make the old ones void.
    let codes = recovery_codes(&person.submit(&page, &[("action", "new_codes")]).await);
    assert_eq!(codes.len(), 10);
    let paper = |code: String| {
        let server = &server;
        async move {
            let (person, page) = half_way(server, "ada").await;
            let mut form = forms(&page.body).remove(0);
            form.hidden.retain(|(name, _)| name != "method");
            let fields = [("method", "recovery_code"), ("code", code.as_str())];
            person.submit_form(&form, &fields).await
        }
    };
    assert_eq!(paper(old[0].clone()).await.status, 422);
    assert!(is_in(&paper(codes[0].clone()).await));
    // Another app takes the place of the first one; that works until the new one has proved itself.
    let set_up = person.open("/account/security/totp").await;
    let new = App::scan(&set_up);
    assert_ne!(new.key, app.key);
    server.advance(30);
    let (other, page) = half_way(&server, "ada").await;
    assert!(is_in(&show_code(&other, &page, &app.code(&server)).await));
    let codes = recovery_codes(&show_code(&person, &set_up, &new.code(&server)).await);
    assert_eq!(codes.len(), 10);
    server.advance(30);
    let (other, page) = half_way(&server, "ada").await;
    assert_eq!(
        show_code(&other, &page, &app.code(&server)).await.status,
        422
    );
    assert!(is_in(&show_code(&other, &page, &new.code(&server)).await));
    // Removed: a password is enough again, and no code on paper is left.
    let page = person.open("/account/security").await;
    let gone = person.submit(&page, &[("action", "remove_totp")]).await;
    assert!(
        gone.body.contains("The authenticator app is removed."),
        "{}",
        gone.body
    );
    assert!(is_in(&log_in(&server.person(), "ada", PASSWORD).await));
    let account = server.accounts().find("ada").await.unwrap();
    let found = server.accounts().second_factors(&account.id).await.unwrap();
    assert!(found.totp.is_none() && found.recovery_codes == 0);
}

#[tokio::test]
async fn who_lost_the_factors_gets_them_reset_and_is_signed_out_everywhere() {
    let server = TestServer::production("").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    enrol(&server, &person, "ada").await;
    server.accounts().reset_factors("ada").await.unwrap();
    assert!(is_sign_in(&person.open("/account").await));
    assert!(is_in(&log_in(&person, "ada", PASSWORD).await));
    let account = server.accounts().find("ada").await.unwrap();
    let found = server.accounts().second_factors(&account.id).await.unwrap();
    assert!(found.totp.is_none() && found.recovery_codes == 0);
    assert!(server.accounts().reset_factors("nobody").await.is_err());
}

#[tokio::test]
async fn the_person_reads_that_somebody_knew_the_password_and_exports_no_secret() {
    let server = TestServer::production("").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    let (app, codes) = enrol(&server, &person, "ada").await;
    half_way(&server, "ada").await;
    let history = person.open("/account/history").await;
    let words = "Right password, no second factor";
    assert!(history.body.contains(words), "{}", history.body);
    let page = person.open("/account").await;
    let form = forms(&page.body);
    let form = form
        .iter()
        .find(|form| form.action == "/account/export")
        .unwrap();
    let export = person.submit_form(form, &[]).await;
    let json = export.json();
    assert_eq!(json["second_factors"]["recovery_codes_left"], 10);
    assert!(json["second_factors"]["totp"]["set_up_at"].is_string());
    assert!(!export.body.contains(&app.key));
    for code in &codes {
        assert!(!export.body.contains(code));
    }
    // Gone with the account.
    let page = person.open("/account/delete").await;
    let gone = person.submit(&page, &[("name", "ada")]).await;
    assert!(gone.body.contains("deleted"), "{}", gone.body);
}

#[tokio::test]
async fn who_signed_in_before_there_was_a_factor_changes_none_without_it() {
    let server = TestServer::production("").await;
    let thief = server.person_with_account("ada", PASSWORD).await;
    assert!(is_in(&log_in(&thief, "ada", PASSWORD).await));
    // The thief's pages are open while the owner sets an app up.
    let totp = thief.open("/account/security/totp").await;
    let passkeys = thief.open("/account/security/passkeys").await;
    assert!(passkeys.body.contains("data-passkey=\"create\""));
    let (app, codes) = enrol(&server, &server.person(), "ada").await;
    let theirs = App::scan(&totp);
    for (page, fields) in [
        (&totp, vec![("code", theirs.code(&server))]),
        (&passkeys, vec![("action", "create".to_owned())]),
    ] {
        let fields: Vec<_> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let asked = thief.submit(page, &fields).await;
        assert!(asks_for_code(&asked), "{}", asked.body);
    }
    for path in ["/account/security", "/account/password", "/account/delete"] {
        let asked = thief.open(path).await;
        assert!(asks_for_code(&asked), "{path}: {}", asked.body);
    }
    let csrf = forms(&totp.body).remove(0).hidden.remove(0);
    for action in ["remove_totp", "new_codes"] {
        let fields = [(csrf.0.as_str(), csrf.1.as_str()), ("action", action)];
        let request = thief.http().post(server.url("/account/security"));
        let asked = thief.send(request.form(&fields)).await;
        assert!(asks_for_code(&asked), "{action}: {}", asked.body);
    }
    let account = server.accounts().find("ada").await.unwrap();
    let found = server.accounts().second_factors(&account.id).await.unwrap();
    assert_eq!((found.passkeys, found.recovery_codes), (0, 10));
    // The owner shows the factor there, and goes on where they wanted to.
    let page = thief.open("/account/security").await;
    let page = show_code(&thief, &page, &app.code(&server)).await;
    assert!(page.body.contains("10 are left."), "{}", page.body);
    assert_eq!(codes.len(), 10);
}
