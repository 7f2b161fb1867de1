//! Signing in with a passkey alone: rows A-80, S-12, S-223, S-263.

use hallpass_protocol::jose::base64url;
use hallpass_testing::authenticator::{
    BACKUP_ELIGIBLE, BACKUP_STATE, Kind, USER_PRESENT, USER_VERIFIED,
};
use hallpass_testing::person::{Form, forms};
use hallpass_testing::{Person, TestServer, claims_of};
use serde_json::{Value, json};

use super::steps::{
    Ask, Change, PAGE, VERIFIED, asked, assert_refused, enrol, is_signed_in, person_with_passkey,
    remove_form, sign_in,
};
use crate::accounts::{PASSWORD, is_in, log_in, redeem};

#[tokio::test]
async fn s_223_a_passkey_signs_in_alone_and_the_tokens_say_how() {
    let server = TestServer::production("").await;
    let (person, one) = person_with_passkey(&server, "ada").await;
    let shared = VERIFIED | BACKUP_ELIGIBLE | BACKUP_STATE;
    let two = enrol(&person, Kind::EdDsa, shared).await;
    let three = enrol(&person, Kind::Rs256, VERIFIED).await;
    for (mut device, kind) in [(one, "hwk"), (two, "swk"), (three, "hwk")] {
        let browser = server.person();
        let path = Person::authorization_path_with("cli", "openid offline_access", &[]);
        let page = browser
            .open(&path.replace("/default/authorize", "/oauth2/authorize"))
            .await;
        let ask = asked(&page, "get");
        let answer = device.answer(&ask);
        let answer = ask.post(&browser, &answer, &[]).await;
        let code = answer.redirect_parameters()["code"].clone();
        let tokens = redeem(&server, &code).await;
        let claims = claims_of(&tokens.member("id_token"));
        assert_eq!(claims["acr"], "phr");
        assert_eq!(claims["amr"], json!([kind, "user", "mfa"]));
        let account = server.accounts().find("ada").await.unwrap();
        assert_eq!(claims["sub"], account.id.as_str());
        assert_eq!(claims["auth_time"], hallpass_testing::server::START);
    }
}

#[tokio::test]
async fn the_sign_in_page_names_nobody_and_has_a_challenge_of_its_own_each_time() {
    let server = TestServer::production("").await;
    person_with_passkey(&server, "ada").await;
    let person = server.person();
    let mut challenges = Vec::new();
    // S-12: not even somebody who types a name learns whether it has a passkey.
    for _ in 0..2 {
        let page = person.open("/login").await;
        let ask = asked(&page, "get");
        assert_eq!(ask.options["allowCredentials"], json!([]));
        assert_eq!(ask.options["userVerification"], "required");
        assert_eq!(ask.options["rpId"], "id.example.com");
        assert!(page.body.contains("autocomplete=\"username webauthn\""));
        assert!(page.body.contains("<noscript>"));
        challenges.push(ask.options["challenge"].as_str().unwrap().to_owned());
        for name in ["ada", "nobody"] {
            let wrong = log_in(&person, name, "wrong password").await;
            assert_eq!(asked(&wrong, "get").options["allowCredentials"], json!([]));
        }
    }
    assert_eq!(challenges[0].len(), 43);
    assert_ne!(challenges[0], challenges[1]);
}

#[tokio::test]
async fn a_80_each_false_word_of_a_passkey_signs_nobody_in() {
    let server = TestServer::production("").await;
    let (_, mut device) = person_with_passkey(&server, "ada").await;
    let changes: [(&str, Change); 9] = [
        ("origin", |said| {
            said.origin = "https://evil.example".to_owned();
        }),
        ("port", |said| said.origin.push_str(":8443")),
        ("rp id", |said| said.rp_id = "example.com".to_owned()),
        ("challenge", |said| said.challenge[0] ^= 1),
        ("type", |said| said.ceremony = Some("webauthn.create")),
        ("framed", |said| {
            said.more_client_data = r#","crossOrigin":true"#.to_owned();
        }),
        ("touch", |said| said.flags &= !USER_PRESENT),
        ("verification", |said| said.flags &= !USER_VERIFIED),
        ("eligibility", |said| said.flags |= BACKUP_ELIGIBLE),
    ];
    for (what, change) in changes {
        let person = server.person();
        let page = person.open("/login").await;
        let ask = asked(&page, "get");
        let answer = device.answer_with(&ask, change);
        assert_refused(&ask.post(&person, &answer, &[]).await);
        assert!(!is_signed_in(&person).await, "{what}");
    }
    assert!(is_in(&sign_in(&server.person(), &mut device).await));
}

#[tokio::test]
async fn a_80_a_counter_that_goes_back_is_refused_and_a_challenge_holds_once() {
    let server = TestServer::production("").await;
    let (_, mut device) = person_with_passkey(&server, "ada").await;
    device.sign_count = 7;
    let person = server.person();
    let page = person.open("/login").await;
    let ask = asked(&page, "get");
    let answer = device.answer(&ask);
    assert!(is_in(&ask.post(&person, &answer, &[]).await));
    // The same answer to the same challenge, in the same browser.
    assert_refused(&ask.post(&person, &answer, &[]).await);
    // A copy of the key that counts by itself.
    for count in [8, 7, 0] {
        let person = server.person();
        let page = person.open("/login").await;
        let ask = asked(&page, "get");
        let answer = device.answer_with(&ask, |said| said.sign_count = count);
        assert_refused(&ask.post(&person, &answer, &[]).await);
    }
    device.sign_count = 8;
    assert!(is_in(&sign_in(&server.person(), &mut device).await));
}

#[tokio::test]
async fn a_80_a_challenge_is_of_one_browser_one_purpose_and_five_minutes() {
    let server = TestServer::production("").await;
    let (person, mut device) = person_with_passkey(&server, "ada").await;
    let (mine, theirs) = (server.person(), server.person());
    let ask = asked(&theirs.open("/login").await, "get");
    let answer = device.answer(&ask);
    // Another browser's challenge, with this browser's own CSRF token.
    let own = asked(&mine.open("/login").await, "get");
    let mut mixed = Ask {
        form: own.form.clone(),
        options: ask.options.clone(),
    };
    let take = |form: &Form, name: &str| {
        let found = form.hidden.iter().find(|(known, _)| known == name);
        found.unwrap().clone()
    };
    mixed.form.replace(take(&ask.form, "challenge"));
    assert_refused(&mixed.post(&mine, &answer, &[]).await);
    // The answer of their challenge, under this browser's.
    assert_refused(&own.post(&mine, &answer, &[]).await);
    // It still holds where it was given.
    assert!(is_in(&ask.post(&theirs, &answer, &[]).await));
    // A challenge for making a passkey is none for signing in.
    let create = asked(&person.open(PAGE).await, "create");
    let mut mixed = asked(&mine.open("/login").await, "get");
    mixed.options = create.options;
    mixed.form.replace(take(&create.form, "challenge"));
    let answer = device.answer(&mixed);
    assert_refused(&mixed.post(&mine, &answer, &[]).await);
    // Too late.
    let late = asked(&mine.open("/login").await, "get");
    let answer = device.answer(&late);
    server.advance(5 * 60);
    let again = late.post(&mine, &answer, &[]).await;
    assert!(again.body.contains("data-again") && !is_in(&again));
    assert!(is_in(&sign_in(&mine, &mut device).await));
}

#[tokio::test]
async fn a_80_a_passkey_signs_in_its_own_person_and_nobody_else() {
    let server = TestServer::production("").await;
    let (_, mut ada) = person_with_passkey(&server, "ada").await;
    let (_, mut eve) = person_with_passkey(&server, "eve").await;
    let person = server.person();
    let ask = asked(&person.open("/login").await, "get");
    // Eve's key under Ada's handle, and Ada's id with Eve's key.
    let mut forged = eve.answer(&ask);
    forged["response"]["userHandle"] = json!(ada.user_handle);
    assert_refused(&ask.post(&person, &forged, &[]).await);
    let ask = asked(&person.open("/login").await, "get");
    let mut forged = eve.answer(&ask);
    forged["response"]["userHandle"] = json!(ada.user_handle);
    forged["id"] = json!(base64url::encode(&ada.key.credential_id));
    assert_refused(&ask.post(&person, &forged, &[]).await);
    for handle in [Value::Null, json!(""), json!("AAAA")] {
        let ask = asked(&person.open("/login").await, "get");
        let mut forged = eve.answer(&ask);
        forged["response"]["userHandle"] = handle;
        assert_refused(&ask.post(&person, &forged, &[]).await);
    }
    // No such passkey, and no passkey at all.
    let ask = asked(&person.open("/login").await, "get");
    let mut forged = ada.answer(&ask);
    forged["id"] = json!("AAAA");
    assert_refused(&ask.post(&person, &forged, &[]).await);
    for nonsense in [
        json!({}),
        json!([]),
        json!("x"),
        json!({ "type": "public-key" }),
    ] {
        let ask = asked(&person.open("/login").await, "get");
        assert_refused(&ask.post(&person, &nonsense, &[]).await);
    }
}

#[tokio::test]
async fn a_password_that_is_locked_does_not_lock_the_passkey() {
    let server = TestServer::production("").await;
    let (_, mut device) = person_with_passkey(&server, "ada").await;
    let stranger = server.person();
    let mut last = 0;
    for _ in 0..70 {
        last = log_in(&stranger, "ada", "wrong password").await.status;
    }
    assert_eq!(last, 429);
    // From the same address, too.
    assert!(is_in(&sign_in(&server.person(), &mut device).await));
}

#[tokio::test]
async fn s_263_a_locked_account_and_a_removed_passkey_sign_nobody_in() {
    let server = TestServer::production("").await;
    let (_, mut device) = person_with_passkey(&server, "ada").await;
    server.accounts().lock("ada").await.unwrap();
    assert_refused(&sign_in(&server.person(), &mut device).await);
    server.accounts().unlock("ada").await.unwrap();
    assert!(is_in(&sign_in(&server.person(), &mut device).await));
    let owner = server.person();
    assert!(is_in(&sign_in(&owner, &mut device).await));
    let page = owner.open(PAGE).await;
    let remove = remove_form(&page);
    let gone = owner.submit_form(&remove, &[("action", "remove")]).await;
    assert!(
        gone.body.contains("The passkey is removed."),
        "{}",
        gone.body
    );
    assert_refused(&sign_in(&server.person(), &mut device).await);
}

#[tokio::test]
async fn only_the_own_origin_may_use_the_passkeys() {
    let server = TestServer::production("").await;
    let answer = server.get("/.well-known/webauthn").await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.json(),
        json!({ "origins": ["https://id.example.com"] })
    );
    assert_eq!(answer.headers["content-type"], "application/json");
}

#[tokio::test]
async fn without_passkeys_nothing_of_them_is_there() {
    let server = TestServer::production("[login]\npasskey = false\n").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    let page = person.open("/login").await;
    for word in ["passkey", "webauthn", "<script"] {
        assert!(!page.body.contains(word), "{word}: {}", page.body);
    }
    let csrf = forms(&page.body)[0].hidden[0].1.clone();
    let form = Form {
        action: "/login".to_owned(),
        hidden: vec![
            ("csrf".to_owned(), csrf),
            ("method".to_owned(), "passkey".to_owned()),
        ],
        ticked: Vec::new(),
    };
    assert_eq!(person.submit_form(&form, &[]).await.status, 422);
    assert!(is_in(&log_in(&person, "ada", PASSWORD).await));
    assert_eq!(person.open(PAGE).await.status, 404);
    assert_eq!(server.get("/.well-known/webauthn").await.status, 404);
    // Dev mode knows no passkeys either.
    let dev = TestServer::dev().await;
    assert_eq!(dev.get("/.well-known/webauthn").await.status, 404);
}
