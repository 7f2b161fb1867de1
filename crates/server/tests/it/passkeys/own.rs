//! Making, naming, trying and removing one on the page of the account: rows A-80, S-15.

use hallpass_protocol::jose::base64url;
use hallpass_testing::authenticator::{Authenticator, BACKUP_STATE, Kind, USER_VERIFIED};
use hallpass_testing::person::forms;
use hallpass_testing::{Person, TestServer};
use serde_json::json;

use super::steps::{
    Ask, Change, Device, NOT_MADE, PAGE, VERIFIED, asked, assert_refused, created_json, listed,
    past_codes, person_with_passkey, remove_form,
};
use crate::accounts::{PASSWORD, is_in, log_in};
use crate::second_factors::recovery_codes;

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
    let made = past_codes(&person, made).await;
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
async fn a_first_passkey_brings_recovery_codes_once() {
    let server = TestServer::production("").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    log_in(&person, "ada", PASSWORD).await;
    let make = async || {
        let ask = asked(&person.open(PAGE).await, "create");
        let key = Authenticator::new(Kind::Es256);
        let created = key.create(&ask.said(VERIFIED));
        ask.post(&person, &created_json(&key, &created), &[]).await
    };
    let first = make().await;
    let codes = recovery_codes(&first);
    assert_eq!(codes.len(), 10, "{}", first.body);
    assert!(
        past_codes(&person, first)
            .await
            .body
            .contains("Your passkey is there")
    );
    // The codes of the first day stay good, and are shown to nobody again.
    let second = make().await;
    assert!(recovery_codes(&second).is_empty(), "{}", second.body);
    let other = server.person();
    let page = log_in(&other, "ada", PASSWORD).await;
    let mut form = forms(&page.body).remove(0);
    form.hidden.retain(|(name, _)| name != "method");
    let fields = [("method", "recovery_code"), ("code", codes[0].as_str())];
    assert!(is_in(&other.submit_form(&form, &fields).await));
    // Nobody sees another person's passkey by its id, nor one that is none.
    let link = first_id(&person).await;
    let (eve, _) = person_with_passkey(&server, "eve").await;
    for id in [link.as_str(), "AAAA", "%00", "=&name=x"] {
        let page = eve.open(&format!("{PAGE}?new={id}")).await;
        assert!(
            page.body.contains("There was nothing left to change"),
            "{}",
            page.body
        );
    }
}

/// The id of the first passkey that the list shows.
async fn first_id(person: &Person) -> String {
    let form = remove_form(&person.open(PAGE).await);
    let mut hidden = form.hidden.into_iter();
    hidden.find(|(name, _)| name == "id").unwrap().1
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
    // The form as it is belongs to a cookie that is gone; its challenge in a new form is used up.
    let answer = ask.post(&person, &created_json(&other, &second), &[]).await;
    assert_eq!(answer.status, 403);
    let mut fresh = asked(&person.open(PAGE).await, "create");
    fresh.form.hidden.retain(|(name, _)| name != "challenge");
    let mut challenge = ask.form.hidden;
    challenge.retain(|(name, _)| name == "challenge");
    fresh.form.hidden.append(&mut challenge);
    let answer = fresh
        .post(&person, &created_json(&other, &second), &[])
        .await;
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
