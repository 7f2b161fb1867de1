//! What people do on the pages of their account.

use hallpass_testing::person::{Form, forms};
use hallpass_testing::{Answer, Person, TestServer};

use crate::accounts::{PASSWORD, code, is_in, log_in, redeem, refresh};

/// A program that is signed in: its tokens.
pub(super) async fn program(server: &TestServer, person: &Person, username: &str) -> Answer {
    let code = code(person, username).await;
    let tokens = redeem(server, &code).await;
    assert_eq!(tokens.status, 200, "{}", tokens.body);
    tokens
}

pub(super) async fn can_refresh(server: &TestServer, tokens: &Answer) -> bool {
    let answer = refresh(server, &tokens.member("refresh_token")).await;
    match answer.status {
        200 => true,
        400 => false,
        other => panic!("{other}: {}", answer.body),
    }
}

pub(super) fn sids(page: &Answer) -> Vec<String> {
    let found = forms(&page.body).into_iter();
    let found = found.flat_map(|form| form.hidden.into_iter());
    let mut sids: Vec<String> = found
        .filter(|(name, _)| name == "sid")
        .map(|(_, value)| value)
        .collect();
    sids.dedup();
    sids
}

pub(super) fn form_to(page: &Answer, action: &str) -> Form {
    let found = forms(&page.body);
    let found = found.into_iter().find(|form| form.action == action);
    found.unwrap_or_else(|| panic!("no form to {action}: {}", page.body))
}

/// Posts to `/account/sessions` as the overview's forms do.
pub(super) async fn act(person: &Person, page: &Answer, fields: &[(&str, &str)]) -> Answer {
    let csrf = form_to(page, "/account/export").hidden[0].1.clone();
    let form = Form {
        action: "/account/sessions".to_owned(),
        hidden: vec![("csrf".to_owned(), csrf)],
        ticked: Vec::new(),
    };
    person.submit_form(&form, fields).await
}

pub(super) async fn sign_in(server: &TestServer, username: &str) -> Person {
    let person = server.person();
    assert!(is_in(&log_in(&person, username, PASSWORD).await));
    person
}

pub(super) fn is_sign_in(page: &Answer) -> bool {
    page.body.contains("name=\"username\"") && page.body.contains("name=\"password\"")
}

pub(super) const NEW: &str = "difference engine two";

pub(super) const GONE: &str = "There was nothing left to change";

pub(super) async fn log_in_at(person: &Person, page: &Answer, username: &str) -> Answer {
    let fields = [("username", username), ("password", PASSWORD)];
    person.submit(page, &fields).await
}
