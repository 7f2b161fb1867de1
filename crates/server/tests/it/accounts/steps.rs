//! What people and programs do in these tests, and in many others: sign in, redeem, refresh.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_testing::person::{REDIRECT_URI, VERIFIER};
use hallpass_testing::{Answer, Person, TestServer};
use serde_json::Value;

pub(crate) const PASSWORD: &str = "engines of analysis";
pub(super) const WRONG: &str = "do not belong together";

pub(super) fn authorization(changes: &[(&str, &str)]) -> String {
    let path = Person::authorization_path_with("cli", "openid offline_access", changes);
    path.replace("/default/authorize", "/oauth2/authorize")
}

pub(crate) async fn log_in(person: &Person, username: &str, password: &str) -> Answer {
    let page = person.open("/login").await;
    fill_in(person, &page, username, password).await
}

pub(crate) async fn fill_in(
    person: &Person,
    page: &Answer,
    username: &str,
    password: &str,
) -> Answer {
    let fields = [("username", username), ("password", password)];
    person.submit(page, &fields).await
}

pub(crate) fn is_in(answer: &Answer) -> bool {
    answer.status == 200 && answer.body.contains("name=\"user_code\"")
}

pub(super) fn session_of(person: &Person) -> Option<String> {
    person.cookies().get("__Host-hp_s").cloned()
}

pub(crate) async fn redeem(server: &TestServer, code: &str) -> Answer {
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "cli"),
        ("code", code),
        ("redirect_uri", REDIRECT_URI),
        ("code_verifier", VERIFIER),
    ];
    server.post("/oauth2/token", &form).await
}

pub(crate) async fn refresh(server: &TestServer, token: &str) -> Answer {
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", "cli"),
        ("refresh_token", token),
    ];
    server.post("/oauth2/token", &form).await
}

pub(crate) async fn is_active(server: &TestServer, token: &str) -> bool {
    let answer = server
        .post_basic("/oauth2/introspect", ("rs", "s"), &[("token", token)])
        .await;
    answer.json()["active"] == true
}

/// Signs in to a client by the browser: its code.
pub(crate) async fn code(person: &Person, username: &str) -> String {
    let page = person.open(&authorization(&[])).await;
    let answer = if page.body.contains("name=\"password\"") {
        fill_in(person, &page, username, PASSWORD).await
    } else {
        person.submit(&page, &[("action", "continue")]).await
    };
    answer.redirect_parameters()["code"].clone()
}

pub(super) fn claims(id_token: &str) -> Value {
    let payload = id_token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

pub(super) fn assert_refused(answer: &Answer) {
    assert_eq!(answer.status, 400, "{}", answer.body);
    assert_eq!(answer.member("error"), "invalid_grant");
}
