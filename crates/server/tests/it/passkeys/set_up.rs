//! A passkey that is set up in the middle of a sign-in, where a second factor is required: rows A-80,
//! S-223, and what whoever has stolen the password makes of it.

use hallpass_testing::authenticator::{Authenticator, Kind, USER_VERIFIED};
use hallpass_testing::person::forms;
use hallpass_testing::server::{CLIENTS, production_settings};
use hallpass_testing::{Answer, Person, TestServer, claims_of};
use serde_json::json;

use super::steps::{Ask, Change, Device, NOT_MADE, VERIFIED, asked, created_json, sign_in};
use crate::accounts::{PASSWORD, fill_in, is_in, log_in, redeem};
use crate::second_factors::{App, half_way, recovery_codes};

const BOTH: &str = "[login]\nrequire_mfa = \"all\"\n";
const PASSKEYS_ONLY: &str = "[login]\nrequire_mfa = \"all\"\ntotp = false\n";

fn is_sign_in(page: &Answer) -> bool {
    page.body.contains("name=\"password\"")
}

fn is_signed_in(person: &Person) -> bool {
    person.cookies().contains_key("__Host-hp_s")
}

/// Makes a passkey for what a page asks: it, and what the server answers.
async fn create(person: &Person, ask: &Ask) -> (Device, Answer) {
    let key = Authenticator::new(Kind::Es256);
    let created = key.create(&ask.said(VERIFIED));
    let answer = ask.post(person, &created_json(&key, &created), &[]).await;
    let device = Device {
        key,
        user_handle: ask.options["user"]["id"].as_str().unwrap().to_owned(),
        flags: VERIFIED,
        sign_count: 0,
    };
    (device, answer)
}

async fn factors(server: &TestServer) -> (bool, usize, u64) {
    let account = server.accounts().find("ada").await.unwrap();
    let found = server.accounts().second_factors(&account.id).await.unwrap();
    (found.totp.is_some(), found.passkeys, found.recovery_codes)
}

#[tokio::test]
async fn s_223_without_an_app_to_choose_a_passkey_is_made_and_the_tokens_say_so() {
    let server = TestServer::production(PASSKEYS_ONLY).await;
    let person = server.person_with_account("ada", PASSWORD).await;
    let path = Person::authorization_path_with("cli", "openid offline_access", &[]);
    let path = path.replace("/default/authorize", "/oauth2/authorize");
    let page = person.open(&path).await;
    let page = fill_in(&person, &page, "ada", PASSWORD).await;
    assert!(
        page.body.contains("<h1>Create a passkey</h1>"),
        "{}",
        page.body
    );
    assert!(
        !page.body.contains("name=\"code\""),
        "there is no app to choose"
    );
    assert!(
        page.body.contains("Here is no other way"),
        "said without script"
    );
    let ask = asked(&page, "create");
    assert_eq!(ask.options["excludeCredentials"], json!([]));
    assert_eq!(ask.options["attestation"], "none");
    let (mut device, codes) = create(&person, &ask).await;
    assert_eq!(recovery_codes(&codes).len(), 10, "{}", codes.body);
    // Until the codes are saved nobody is signed in.
    assert!(!is_signed_in(&person));
    let form = forms(&codes.body).remove(0);
    let unsaved = person.submit_form(&form, &[]).await;
    assert!(is_sign_in(&unsaved) && !is_signed_in(&person));
    let answer = person.submit_form(&form, &[("saved", "on")]).await;
    let tokens = redeem(&server, &answer.redirect_parameters()["code"]).await;
    let claims = claims_of(&tokens.member("id_token"));
    assert_eq!(claims["acr"], "phr");
    assert_eq!(claims["amr"], json!(["pwd", "hwk", "user", "mfa"]));
    assert_eq!(factors(&server).await, (false, 1, 10));
    // It signs in alone, and a code on paper does after the password.
    assert!(is_in(&sign_in(&server.person(), &mut device).await));
    let other = server.person();
    let page = log_in(&other, "ada", PASSWORD).await;
    asked(&page, "get");
    let mut form = forms(&page.body).remove(0);
    form.hidden.retain(|(name, _)| name != "method");
    let paper = recovery_codes(&codes)[0].clone();
    let fields = [("method", "recovery_code"), ("code", paper.as_str())];
    assert!(is_in(&other.submit_form(&form, &fields).await));
}

#[tokio::test]
async fn where_both_are_taken_the_person_chooses() {
    let server = TestServer::production(BOTH).await;
    let person = server.person_with_account("ada", PASSWORD).await;
    let page = log_in(&person, "ada", PASSWORD).await;
    assert!(page.body.contains("one is enough"), "{}", page.body);
    assert!(!page.body.contains("Here is no other way"));
    let app = App::scan(&page);
    let ask = asked(&page, "create");
    // A wrong code, and the passkey after all; the key for the app stays meanwhile.
    let refused = person.submit(&page, &[("code", "000000")]).await;
    assert_eq!(refused.status, 422);
    assert_eq!(App::scan(&refused).key, app.key);
    let (_, codes) = create(&person, &ask).await;
    assert!(is_in(&person.submit(&codes, &[("saved", "on")]).await));
    // The app's form of the page before is of no use any more.
    server.advance(30);
    let late = person.submit(&page, &[("code", &app.code(&server))]).await;
    assert!(is_sign_in(&late), "{}", late.body);
    assert_eq!(factors(&server).await, (false, 1, 10));
}

#[tokio::test]
async fn a_stolen_password_brings_no_passkey_once_there_is_a_factor() {
    let server = TestServer::production(BOTH).await;
    let thief = server.person_with_account("ada", PASSWORD).await;
    let stolen = asked(&log_in(&thief, "ada", PASSWORD).await, "create");
    let owner = server.person();
    let page = log_in(&owner, "ada", PASSWORD).await;
    let app = App::scan(&page);
    let codes = owner.submit(&page, &[("code", &app.code(&server))]).await;
    assert!(is_in(&owner.submit(&codes, &[("saved", "on")]).await));
    // The page that the thief has open.
    let (_, answer) = create(&thief, &stolen).await;
    assert!(
        is_sign_in(&answer) && !is_signed_in(&thief),
        "{}",
        answer.body
    );
    assert_eq!(factors(&server).await, (true, 0, 10));
    // The step of a sign-in that shows a factor is none that makes one, with the thief's challenge.
    let (thief, page) = half_way(&server, "ada").await;
    let pending = |page: &Answer| {
        let mut hidden = forms(&page.body).remove(0).hidden;
        hidden.retain(|(name, _)| name == "pending");
        hidden.remove(0)
    };
    let mut mixed = Ask {
        form: stolen.form.clone(),
        options: stolen.options.clone(),
    };
    mixed
        .form
        .hidden
        .retain(|(name, _)| !["pending", "csrf"].contains(&name.as_str()));
    mixed.form.hidden.push(pending(&page));
    let csrf = forms(&page.body).remove(0).hidden;
    mixed
        .form
        .hidden
        .extend(csrf.into_iter().filter(|(name, _)| name == "csrf"));
    create(&thief, &mixed).await;
    assert!(!is_signed_in(&thief));
    assert_eq!(factors(&server).await, (true, 0, 10));
}

#[tokio::test]
async fn a_80_each_false_word_of_a_first_passkey_keeps_nothing_and_the_next_try_works() {
    let server = TestServer::production(PASSKEYS_ONLY).await;
    let person = server.person_with_account("ada", PASSWORD).await;
    let changes: [Change; 4] = [
        |said| said.origin = "https://evil.example".to_owned(),
        |said| said.challenge[0] ^= 1,
        |said| said.ceremony = Some("webauthn.get"),
        |said| said.flags &= !USER_VERIFIED,
    ];
    let key = Authenticator::new(Kind::Es256);
    let mut page = log_in(&person, "ada", PASSWORD).await;
    for change in changes {
        let ask = asked(&page, "create");
        let mut said = ask.said(VERIFIED);
        change(&mut said);
        let created = created_json(&key, &key.create(&said));
        page = ask.post(&person, &created, &[]).await;
        assert_eq!(page.status, 422);
        assert!(page.body.contains(NOT_MADE), "{}", page.body);
    }
    // Another sign-in's challenge is none of this one, though it is the same person's.
    let theirs = asked(&log_in(&person, "ada", PASSWORD).await, "create");
    let mut mixed = asked(&page, "create");
    mixed.options.clone_from(&theirs.options);
    mixed.form.hidden.retain(|(name, _)| name != "challenge");
    let challenge = theirs
        .form
        .hidden
        .iter()
        .find(|(name, _)| name == "challenge");
    mixed.form.hidden.push(challenge.unwrap().clone());
    let (_, refused) = create(&person, &mixed).await;
    assert!(refused.body.contains(NOT_MADE), "{}", refused.body);
    assert_eq!(factors(&server).await, (false, 0, 0));
    let (_, codes) = create(&person, &asked(&refused, "create")).await;
    assert!(is_in(&person.submit(&codes, &[("saved", "on")]).await));
    // Too late for the sign-in as a whole: it begins with the password.
    let other = server.person_with_account("eve", PASSWORD).await;
    let ask = asked(&log_in(&other, "eve", PASSWORD).await, "create");
    server.advance(601);
    let (_, late) = create(&other, &ask).await;
    assert!(late.body.contains("That took too long"), "{}", late.body);
}

#[tokio::test]
async fn whose_app_is_not_taken_any_more_makes_a_passkey() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite://{}", folder.path().join("x.db").display());
    let start = async |toml: &str| {
        let toml = format!("{toml}{CLIENTS}");
        TestServer::start(production_settings(&toml, folder.path(), &database)).await
    };
    let server = start(BOTH).await;
    let person = server.person_with_account("ada", PASSWORD).await;
    let page = log_in(&person, "ada", PASSWORD).await;
    let code = App::scan(&page).code(&server);
    let codes = person.submit(&page, &[("code", &code)]).await;
    person.submit(&codes, &[("saved", "on")]).await;
    server.stop().await;
    let server = start(PASSKEYS_ONLY).await;
    let person = server.person();
    let page = log_in(&person, "ada", PASSWORD).await;
    let (_, codes) = create(&person, &asked(&page, "create")).await;
    assert!(is_in(&person.submit(&codes, &[("saved", "on")]).await));
    assert_eq!(factors(&server).await, (true, 1, 10));
    server.stop().await;
}

#[tokio::test]
async fn a_page_that_was_open_for_long_asks_anew_and_goes_on() {
    let server = TestServer::production(PASSKEYS_ONLY).await;
    let person = server.person_with_account("ada", PASSWORD).await;
    let ask = asked(&log_in(&person, "ada", PASSWORD).await, "create");
    server.advance(5 * 60);
    let (_, page) = create(&person, &ask).await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("data-again"), "{}", page.body);
    assert_eq!(factors(&server).await, (false, 0, 0));
    let again = asked(&page, "create");
    assert_ne!(again.options["challenge"], ask.options["challenge"]);
    let (mut device, codes) = create(&person, &again).await;
    assert!(is_in(&person.submit(&codes, &[("saved", "on")]).await));
    // The sign-in page, and the second step.
    let other = server.person();
    for is_second in [false, true] {
        let page = if is_second {
            log_in(&other, "ada", PASSWORD).await
        } else {
            other.open("/login").await
        };
        assert!(!page.body.contains("data-again"));
        let ask = asked(&page, "get");
        server.advance(5 * 60);
        let late = device.answer(&ask);
        let page = ask.post(&other, &late, &[]).await;
        assert_eq!(page.status, 200);
        assert!(page.body.contains("data-again") && !page.body.contains("data-conditional"));
        assert!(!is_signed_in(&other));
        // Script that sees by itself that the page is old sends no answer.
        let ask = asked(&page, "get");
        let empty = other.submit_form(&ask.form, &[]).await;
        assert!(empty.body.contains("data-again"), "{}", empty.body);
        let ask = asked(&empty, "get");
        let right = device.answer(&ask);
        assert!(is_in(&ask.post(&other, &right, &[]).await));
        let out = other.open("/oauth2/logout").await;
        other.submit(&out, &[("confirm", "yes")]).await;
    }
}
