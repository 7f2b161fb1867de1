//! A soft authenticator and the forms that it answers.

use hallpass_protocol::jose::base64url;
use hallpass_testing::authenticator::{
    Authenticator, Created, Got, Kind, Said, USER_PRESENT, USER_VERIFIED,
};
use hallpass_testing::person::{Form, forms};
use hallpass_testing::{Answer, Person, TestServer};
use serde_json::{Value, json};

use crate::accounts::{PASSWORD, is_in, log_in};

pub(super) const PAGE: &str = "/account/security/passkeys";
pub(super) const HERE: (&str, &str) = ("id.example.com", "https://id.example.com");
pub(super) const NOT_ACCEPTED: &str = "This passkey was not accepted.";
pub(super) const NOT_MADE: &str = "The passkey was not accepted, and nothing was kept.";

/// What a test makes false.
pub(super) type Change = fn(&mut Said);

/// A passkey, and whose it is.
pub(super) struct Device {
    pub(super) key: Authenticator,
    pub(super) user_handle: String,
    pub(super) flags: u8,
    pub(super) sign_count: u32,
}

/// A form that script works on, and the options that it hands to the browser.
pub(super) struct Ask {
    pub(super) form: Form,
    pub(super) options: Value,
}

/// The first form of a page that asks a passkey for something.
pub(super) fn asked(page: &Answer, function: &str) -> Ask {
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
    pub(super) fn said(&self, flags: u8) -> Said {
        let challenge = self.options["challenge"].as_str().unwrap();
        let mut said = Said::new(&base64url::decode(challenge).unwrap(), HERE);
        said.flags = flags;
        said
    }

    /// Posts an answer in the place of the empty field.
    pub(super) async fn post(
        &self,
        person: &Person,
        answer: &Value,
        fields: &[(&str, &str)],
    ) -> Answer {
        let mut form = self.form.clone();
        form.hidden.retain(|(name, _)| name != "passkey");
        let answer = answer.to_string();
        let fields = [&[("passkey", answer.as_str())], fields].concat();
        person.submit_form(&form, &fields).await
    }
}

pub(super) fn created_json(key: &Authenticator, created: &Created) -> Value {
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

pub(super) fn got_json(device: &Device, got: &Got) -> Value {
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
    pub(super) fn answer(&mut self, ask: &Ask) -> Value {
        self.answer_with(ask, |_| {})
    }

    pub(super) fn answer_with(&mut self, ask: &Ask, change: impl FnOnce(&mut Said)) -> Value {
        let mut said = ask.said(self.flags);
        if self.sign_count > 0 {
            self.sign_count += 1;
        }
        said.sign_count = self.sign_count;
        change(&mut said);
        got_json(self, &self.key.get(&said))
    }
}

/// The page of the new passkey: with the first factor come recovery codes before it.
pub(super) async fn past_codes(person: &Person, made: Answer) -> Answer {
    let link = made.body.split("href=\"").skip(1);
    let mut links = link.filter_map(|rest| rest.split_once('"'));
    match links.find(|(link, _)| link.contains("?new=")) {
        Some((link, _)) => person.open(link).await,
        None => made,
    }
}

/// Makes a passkey for whoever is signed in.
pub(super) async fn enrol(person: &Person, kind: Kind, flags: u8) -> Device {
    let page = person.open(PAGE).await;
    let ask = asked(&page, "create");
    let key = Authenticator::new(kind);
    let created = key.create(&ask.said(flags));
    let made = ask.post(person, &created_json(&key, &created), &[]).await;
    assert_eq!(made.status, 200, "{}", made.body);
    let made = past_codes(person, made).await;
    assert!(made.body.contains("Your passkey is there"), "{}", made.body);
    let user_handle = ask.options["user"]["id"].as_str().unwrap().to_owned();
    Device {
        key,
        user_handle,
        flags,
        sign_count: 0,
    }
}

pub(super) const VERIFIED: u8 = USER_PRESENT | USER_VERIFIED;

/// A person with an account and a passkey; signed in.
pub(super) async fn person_with_passkey(server: &TestServer, name: &str) -> (Person, Device) {
    let person = server.person_with_account(name, PASSWORD).await;
    assert!(is_in(&log_in(&person, name, PASSWORD).await));
    let device = enrol(&person, Kind::Es256, VERIFIED).await;
    (person, device)
}

pub(super) async fn sign_in(person: &Person, device: &mut Device) -> Answer {
    let page = person.open("/login").await;
    let ask = asked(&page, "get");
    let answer = device.answer(&ask);
    ask.post(person, &answer, &[]).await
}

pub(super) fn assert_refused(answer: &Answer) {
    assert_eq!(answer.status, 422, "{}", answer.body);
    assert!(answer.body.contains(NOT_ACCEPTED), "{}", answer.body);
}

pub(super) async fn is_signed_in(person: &Person) -> bool {
    let page = person.open("/account").await;
    page.body.contains("<h1>Your account</h1>")
}

pub(super) async fn listed(person: &Person) -> usize {
    let page = person.open(PAGE).await;
    page.body.matches("value=\"remove\"").count()
}

/// The form that removes the first passkey of the list.
pub(super) fn remove_form(page: &Answer) -> Form {
    let mut all = forms(&page.body).into_iter();
    let found = all.find(|form| form.hidden.iter().any(|(name, _)| name == "id"));
    found.unwrap_or_else(|| panic!("no passkey: {}", page.body))
}
