//! Passkeys: rows A-80, S-12, S-15, S-49, S-221, S-223, S-263, and what thieves and neighbours try.

use hallpass_protocol::jose::base64url;
use hallpass_testing::authenticator::{
    Authenticator, BACKUP_ELIGIBLE, BACKUP_STATE, Created, Got, Kind, Said, USER_PRESENT,
    USER_VERIFIED,
};
use hallpass_testing::person::{Form, forms};
use hallpass_testing::{Answer, Person, TestServer, claims_of};
use serde_json::{Value, json};

use crate::accounts::{PASSWORD, is_in, log_in, redeem};

const PAGE: &str = "/account/security/passkeys";
const HERE: (&str, &str) = ("id.example.com", "https://id.example.com");
const NOT_ACCEPTED: &str = "This passkey was not accepted.";
const NOT_MADE: &str = "The passkey was not accepted, and nothing was kept.";

/// What a test makes false.
type Change = fn(&mut Said);

/// A passkey, and whose it is.
struct Device {
    key: Authenticator,
    user_handle: String,
    flags: u8,
    sign_count: u32,
}

/// A form that script works on, and the options that it hands to the browser.
struct Ask {
    form: Form,
    options: Value,
}

/// The first form of a page that asks a passkey for something.
fn asked(page: &Answer, function: &str) -> Ask {
    let marker = format!("data-passkey=\"{function}\"");
    let all = forms(&page.body)
        .into_iter()
        .zip(page.body.split("<form").skip(1));
    let found = all.into_iter().find(|(_, text)| text.contains(&marker));
    let (form, text) = found.unwrap_or_else(|| panic!("no {function}: {}", page.body));
    let (_, rest) = text.split_once("data-options=\"").unwrap();
    let text = rest.split('"').next().unwrap().replace("&#34;", "\"");
    let text = text.replace("&quot;", "\"");
    Ask {
        form,
        options: serde_json::from_str(&text).unwrap(),
    }
}

impl Ask {
    fn said(&self, flags: u8) -> Said {
        let challenge = self.options["challenge"].as_str().unwrap();
        let mut said = Said::new(&base64url::decode(challenge).unwrap(), HERE);
        said.flags = flags;
        said
    }

    /// Posts an answer in the place of the empty field.
    async fn post(&self, person: &Person, answer: &Value, fields: &[(&str, &str)]) -> Answer {
        let mut form = self.form.clone();
        form.hidden.retain(|(name, _)| name != "passkey");
        let answer = answer.to_string();
        let fields = [&[("passkey", answer.as_str())], fields].concat();
        person.submit_form(&form, &fields).await
    }
}

fn created_json(key: &Authenticator, created: &Created) -> Value {
    json!({
        "id": base64url::encode(&key.credential_id),
        "type": "public-key",
        "response": {
            "clientDataJSON": base64url::encode(&created.client_data_json),
            "attestationObject": base64url::encode(&created.attestation_object),
            "transports": ["internal"],
        },
    })
}

fn got_json(device: &Device, got: &Got) -> Value {
    json!({
        "id": base64url::encode(&device.key.credential_id),
        "type": "public-key",
        "response": {
            "clientDataJSON": base64url::encode(&got.client_data_json),
            "authenticatorData": base64url::encode(&got.authenticator_data),
            "signature": base64url::encode(&got.signature),
            "userHandle": device.user_handle,
        },
    })
}

impl Device {
    /// What it answers to a page that asks for a passkey.
    fn answer(&mut self, ask: &Ask) -> Value {
        self.answer_with(ask, |_| {})
    }

    fn answer_with(&mut self, ask: &Ask, change: impl FnOnce(&mut Said)) -> Value {
        let mut said = ask.said(self.flags);
        if self.sign_count > 0 {
            self.sign_count += 1;
        }
        said.sign_count = self.sign_count;
        change(&mut said);
        got_json(self, &self.key.get(&said))
    }
}

/// Makes a passkey for whoever is signed in.
async fn enrol(person: &Person, kind: Kind, flags: u8) -> Device {
    let page = person.open(PAGE).await;
    let ask = asked(&page, "create");
    let key = Authenticator::new(kind);
    let created = key.create(&ask.said(flags));
    let made = ask.post(person, &created_json(&key, &created), &[]).await;
    assert_eq!(made.status, 200, "{}", made.body);
    assert!(made.body.contains("Your passkey is there"), "{}", made.body);
    let user_handle = ask.options["user"]["id"].as_str().unwrap().to_owned();
    Device {
        key,
        user_handle,
        flags,
        sign_count: 0,
    }
}

const VERIFIED: u8 = USER_PRESENT | USER_VERIFIED;

/// A person with an account and a passkey; signed in.
async fn person_with_passkey(server: &TestServer, name: &str) -> (Person, Device) {
    let person = server.person_with_account(name, PASSWORD).await;
    assert!(is_in(&log_in(&person, name, PASSWORD).await));
    let device = enrol(&person, Kind::Es256, VERIFIED).await;
    (person, device)
}

async fn sign_in(person: &Person, device: &mut Device) -> Answer {
    let page = person.open("/login").await;
    let ask = asked(&page, "get");
    let answer = device.answer(&ask);
    ask.post(person, &answer, &[]).await
}

fn assert_refused(answer: &Answer) {
    assert_eq!(answer.status, 422, "{}", answer.body);
    assert!(answer.body.contains(NOT_ACCEPTED), "{}", answer.body);
}

async fn is_signed_in(person: &Person) -> bool {
    let page = person.open("/account").await;
    page.body.contains("<h1>Your account</h1>")
}

async fn listed(person: &Person) -> usize {
    let page = person.open(PAGE).await;
    page.body.matches("value=\"remove\"").count()
}

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
    mixed.form.hidden.retain(|(name, _)| name != "challenge");
    mixed.form.hidden.push(take(&ask.form, "challenge"));
    assert_refused(&mixed.post(&mine, &answer, &[]).await);
    // The answer of their challenge, under this browser's.
    assert_refused(&own.post(&mine, &answer, &[]).await);
    // It still holds where it was given.
    assert!(is_in(&ask.post(&theirs, &answer, &[]).await));
    // A challenge for making a passkey is none for signing in.
    let create = asked(&person.open(PAGE).await, "create");
    let mut mixed = asked(&mine.open("/login").await, "get");
    mixed.options = create.options;
    mixed.form.hidden.retain(|(name, _)| name != "challenge");
    mixed.form.hidden.push(take(&create.form, "challenge"));
    let answer = device.answer(&mixed);
    assert_refused(&mixed.post(&mine, &answer, &[]).await);
    // Too late.
    let late = asked(&mine.open("/login").await, "get");
    let answer = device.answer(&late);
    server.advance(5 * 60);
    assert_refused(&late.post(&mine, &answer, &[]).await);
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

/// The form that removes the first passkey of the list.
fn remove_form(page: &Answer) -> Form {
    let mut all = forms(&page.body).into_iter();
    let found = all.find(|form| form.hidden.iter().any(|(name, _)| name == "id"));
    found.unwrap_or_else(|| panic!("no passkey: {}", page.body))
}

#[tokio::test]
async fn a_passkey_is_named_tried_renamed_and_nobody_elses() {
    let server = TestServer::production("").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    log_in(&person, "ada", PASSWORD).await;
    let page = person.open(PAGE).await;
    assert!(page.body.contains("You have no passkey."));
    let ask = asked(&page, "create");
    assert_eq!(ask.options["attestation"], "none");
    assert_eq!(ask.options["excludeCredentials"], json!([]));
    let key = Authenticator::new(Kind::Es256);
    let created = key.create(&ask.said(VERIFIED));
    let made = ask.post(&person, &created_json(&key, &created), &[]).await;
    // Named and tried in one step; the passkey answers for itself and no other.
    let attempt = asked(&made, "get");
    let id = base64url::encode(&key.credential_id);
    assert_eq!(attempt.options["allowCredentials"][0]["id"], json!(id));
    let mut device = Device {
        user_handle: ask.options["user"]["id"].as_str().unwrap().to_owned(),
        key,
        flags: VERIFIED,
        sign_count: 0,
    };
    let wrong = device.answer_with(&attempt, |said| said.challenge[0] ^= 1);
    let name = [("name", "Ada's <b>laptop</b>")];
    let answer = attempt.post(&person, &wrong, &name).await;
    assert_refused(&answer);
    let attempt = asked(&answer, "get");
    let right = device.answer(&attempt);
    let answer = attempt.post(&person, &right, &name).await;
    assert!(
        answer.body.contains("The passkey works."),
        "{}",
        answer.body
    );
    assert!(
        answer
            .body
            .contains("Ada&#39;s &#60;b&#62;laptop&#60;/b&#62;")
    );
    assert_eq!(
        asked(&answer, "create").options["excludeCredentials"][0]["id"],
        json!(id)
    );
    let form = remove_form(&answer);
    let rename = [("action", "rename"), ("name", " my phone ")];
    let answer = person.submit_form(&form, &rename).await;
    assert!(
        answer.body.contains("<bdi>my phone</bdi>"),
        "{}",
        answer.body
    );
    // Another person's is as unknown as one that never was.
    let (eve, _) = person_with_passkey(&server, "eve").await;
    let page = eve.open(PAGE).await;
    let mut theirs = remove_form(&page);
    theirs.hidden.retain(|(name, _)| name != "id");
    for id in [id.as_str(), "AAAA", "", "="] {
        for action in ["remove", "rename"] {
            let fields = [("id", id), ("action", action), ("name", "mine")];
            let answer = eve.submit_form(&theirs, &fields).await;
            assert!(answer.body.contains("There was nothing left to change"));
        }
    }
    assert!(person.open(PAGE).await.body.contains("<bdi>my phone</bdi>"));
}

#[tokio::test]
async fn a_80_a_credential_id_that_is_known_is_not_taken_again() {
    let server = TestServer::production("").await;
    let (ada, device) = person_with_passkey(&server, "ada").await;
    let eve = server.person_with_account("eve", PASSWORD).await;
    log_in(&eve, "eve", PASSWORD).await;
    for thief in [&eve, &ada] {
        let ask = asked(&thief.open(PAGE).await, "create");
        let created = device.key.create(&ask.said(VERIFIED));
        let answer = ask
            .post(thief, &created_json(&device.key, &created), &[])
            .await;
        assert_eq!(answer.status, 422);
        assert!(answer.body.contains(NOT_MADE), "{}", answer.body);
    }
    assert_eq!(listed(&ada).await, 1);
    assert_eq!(listed(&eve).await, 0);
}

#[tokio::test]
async fn a_80_each_false_word_of_a_new_passkey_keeps_nothing() {
    let server = TestServer::production("").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    log_in(&person, "ada", PASSWORD).await;
    let changes: [Change; 6] = [
        |said| said.origin = "https://evil.example".to_owned(),
        |said| said.rp_id = "evil.example".to_owned(),
        |said| said.challenge[0] ^= 1,
        |said| said.ceremony = Some("webauthn.get"),
        |said| said.flags &= !USER_VERIFIED,
        |said| said.flags |= BACKUP_STATE,
    ];
    let key = Authenticator::new(Kind::Es256);
    for change in changes {
        let ask = asked(&person.open(PAGE).await, "create");
        let mut said = ask.said(VERIFIED);
        change(&mut said);
        let answer = ask
            .post(&person, &created_json(&key, &key.create(&said)), &[])
            .await;
        assert!(answer.body.contains(NOT_MADE), "{}", answer.body);
    }
    assert_eq!(listed(&person).await, 0);
    // A challenge makes one passkey.
    let ask = asked(&person.open(PAGE).await, "create");
    let first = key.create(&ask.said(VERIFIED));
    ask.post(&person, &created_json(&key, &first), &[]).await;
    let other = Authenticator::new(Kind::Es256);
    let second = other.create(&ask.said(VERIFIED));
    let answer = ask.post(&person, &created_json(&other, &second), &[]).await;
    assert!(answer.body.contains(NOT_MADE), "{}", answer.body);
    assert_eq!(listed(&person).await, 1);
}

#[tokio::test]
async fn s_15_a_passkey_is_made_from_our_page_in_this_session_only() {
    let server = TestServer::production("").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    log_in(&person, "ada", PASSWORD).await;
    let ask = asked(&person.open(PAGE).await, "create");
    let key = Authenticator::new(Kind::Es256);
    let created = created_json(&key, &key.create(&ask.said(VERIFIED)));
    // Without the token, and with that of another person.
    let mut bare = Ask {
        form: ask.form.clone(),
        options: ask.options.clone(),
    };
    bare.form.hidden.retain(|(name, _)| name != "csrf");
    assert_eq!(bare.post(&person, &created, &[]).await.status, 403);
    let (eve, _) = person_with_passkey(&server, "eve").await;
    let theirs = asked(&eve.open(PAGE).await, "create");
    assert_eq!(theirs.post(&person, &created, &[]).await.status, 403);
    // A new sign-in in the same browser is another session: what was shown before is void.
    server.advance(1);
    let again = server.person();
    log_in(&again, "ada", PASSWORD).await;
    assert_eq!(ask.post(&again, &created, &[]).await.status, 403);
    assert_eq!(listed(&person).await, 0);
    // Long after the sign-in it is asked for again.
    server.advance(11 * 60);
    let page = person.open(PAGE).await;
    assert!(page.body.contains("name=\"password\""), "{}", page.body);
    let late = ask.post(&person, &created, &[]).await;
    assert!(late.body.contains("name=\"password\""), "{}", late.body);
}

#[tokio::test]
async fn s_223_after_a_password_a_touch_is_enough_and_it_is_told() {
    let server = TestServer::production("").await;
    let (_, mut device) = person_with_passkey(&server, "ada").await;
    let browser = server.person();
    let path = Person::authorization_path_with("cli", "openid", &[]);
    let path = path.replace("/default/authorize", "/oauth2/authorize");
    let page = browser.open(&path).await;
    let fields = [("username", "ada"), ("password", PASSWORD)];
    let page = browser.submit(&page, &fields).await;
    let ask = asked(&page, "get");
    let id = base64url::encode(&device.key.credential_id);
    assert_eq!(ask.options["allowCredentials"][0]["id"], json!(id));
    assert_eq!(
        ask.options["allowCredentials"][0]["transports"],
        json!(["internal"])
    );
    assert_eq!(ask.options["userVerification"], "preferred");
    // Nobody is signed in yet.
    assert!(!is_signed_in(&browser).await);
    let wrong = device.answer_with(&ask, |said| said.origin = "https://evil.example".to_owned());
    let page = ask.post(&browser, &wrong, &[]).await;
    assert_refused(&page);
    let ask = asked(&page, "get");
    device.flags = USER_PRESENT;
    let answer = device.answer(&ask);
    let answer = ask.post(&browser, &answer, &[]).await;
    let code = answer.redirect_parameters()["code"].clone();
    let tokens = redeem(&server, &code).await;
    let claims = claims_of(&tokens.member("id_token"));
    assert_eq!(claims["acr"], "phr");
    assert_eq!(claims["amr"], json!(["pwd", "hwk", "mfa"]));
}

#[tokio::test]
async fn a_80_a_touch_without_a_password_signs_nobody_in() {
    let server = TestServer::production("").await;
    let (_, mut ada) = person_with_passkey(&server, "ada").await;
    let (_, mut eve) = person_with_passkey(&server, "eve").await;
    // Eve knows her own password, and has found Ada's key.
    let browser = server.person();
    let second = asked(&log_in(&browser, "eve", PASSWORD).await, "get");
    ada.flags = USER_PRESENT;
    let touched = ada.answer(&second);
    assert_refused(&second.post(&browser, &touched, &[]).await);
    // The challenge of that step holds for a touch, but not on the page that signs in.
    let second = asked(&log_in(&browser, "eve", PASSWORD).await, "get");
    let mut first = asked(&browser.open("/login").await, "get");
    let sealed = second
        .form
        .hidden
        .iter()
        .find(|(name, _)| name == "challenge");
    first.form.hidden.retain(|(name, _)| name != "challenge");
    first.form.hidden.push(sealed.unwrap().clone());
    for (device, flags) in [(&mut ada, USER_PRESENT), (&mut eve, USER_PRESENT)] {
        device.flags = flags;
        let touched = device.answer(&second);
        assert_refused(&first.post(&browser, &touched, &[]).await);
    }
    // Nor does one of the sign-in page hold for the second step.
    let second = asked(&log_in(&browser, "eve", PASSWORD).await, "get");
    let fresh = asked(&browser.open("/login").await, "get");
    let sealed = fresh
        .form
        .hidden
        .iter()
        .find(|(name, _)| name == "challenge");
    let mut mixed = Ask {
        form: second.form.clone(),
        options: fresh.options.clone(),
    };
    mixed.form.hidden.retain(|(name, _)| name != "challenge");
    mixed.form.hidden.push(sealed.unwrap().clone());
    eve.flags = VERIFIED;
    let answer = eve.answer(&mixed);
    assert_refused(&mixed.post(&browser, &answer, &[]).await);
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
