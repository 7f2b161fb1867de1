//! What people do in these tests: set an app up, sign in as far as the second step, type codes.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_issuer::factors::totp::{Step, TotpSeed};
use hallpass_protocol::Timestamp;
use hallpass_testing::person::{REDIRECT_URI, VERIFIER};
use hallpass_testing::{Answer, Person, TestServer};
use serde_json::Value;

use crate::accounts::{PASSWORD, is_in, log_in};

/// An authenticator app.
pub(crate) struct App {
    /// The key as the page shows it, without spaces.
    pub(crate) key: String,
    pub(crate) bytes: [u8; 20],
}

impl App {
    /// Reads the key of a page.
    pub(crate) fn scan(page: &Answer) -> Self {
        let start = page.body.split("<code class=\"key\"").nth(1);
        let start = start.unwrap_or_else(|| panic!("no key: {}", page.body));
        let shown = start.split(['>', '<']).nth(1).unwrap();
        let key: String = shown.chars().filter(|c| *c != ' ').collect();
        let value = |letter| {
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
                .iter()
                .position(|b| *b == letter)
        };
        let bits = key.bytes().flat_map(|letter| {
            let value = value(letter).unwrap();
            (0..5).rev().map(move |bit| value >> bit & 1)
        });
        let bits: Vec<usize> = bits.collect();
        let bytes = bits
            .chunks_exact(8)
            .map(|byte| byte.iter().fold(0, |sum, bit| sum << 1 | bit));
        let bytes: Vec<u8> = bytes.map(|byte| u8::try_from(byte).unwrap()).collect();
        let bytes = bytes.try_into().unwrap();
        // Apps that scan get the same key.
        assert!(page.body.contains("<svg class=\"qr\" role=\"img\""));
        Self { key, bytes }
    }

    pub(crate) fn code_at(&self, now: Timestamp) -> String {
        let seed = TotpSeed::from_bytes(self.bytes);
        seed.code(Step::at(now)).expose().clone()
    }

    pub(crate) fn code(&self, server: &TestServer) -> String {
        use hallpass_protocol::Clock as _;
        self.code_at(server.clock.now())
    }
}

/// The recovery codes that a page shows.
pub(crate) fn recovery_codes(page: &Answer) -> Vec<String> {
    let lines = page.body.split("<li><code>").skip(1);
    lines
        .filter_map(|line| line.split('<').next())
        .map(str::to_owned)
        .collect()
}

pub(super) fn asks_for_code(page: &Answer) -> bool {
    page.body.contains("autocomplete=\"one-time-code\"") && page.body.contains("One more step")
}

pub(super) fn is_sign_in(page: &Answer) -> bool {
    page.body.contains("name=\"password\"")
}

pub(super) fn session_of(person: &Person) -> Option<String> {
    person.cookies().get("__Host-hp_s").cloned()
}

pub(super) async fn show_code(person: &Person, page: &Answer, code: &str) -> Answer {
    person.submit(page, &[("code", code)]).await
}

/// A code that is wrong now.
pub(super) fn wrong(app: &App, server: &TestServer, n: u32) -> String {
    let right: u32 = app.code(server).parse().unwrap();
    format!("{:06}", (right + 7 * (n + 1) * 1000) % 1_000_000)
}

/// Signs in with a password, and sets an app up.
pub(crate) async fn enrol(server: &TestServer, person: &Person, name: &str) -> (App, Vec<String>) {
    assert!(is_in(&log_in(person, name, PASSWORD).await));
    let page = person.open("/account/security/totp").await;
    let app = App::scan(&page);
    let codes = show_code(person, &page, &app.code(server)).await;
    assert_eq!(codes.status, 200, "{}", codes.body);
    let codes = recovery_codes(&codes);
    assert_eq!(codes.len(), 10);
    server.advance(30);
    (app, codes)
}

/// A browser in which the password was given and the code was not.
pub(crate) async fn half_way(server: &TestServer, name: &str) -> (Person, Answer) {
    let person = server.person();
    let page = log_in(&person, name, PASSWORD).await;
    assert!(asks_for_code(&page), "{}", page.body);
    (person, page)
}

pub(super) fn authorization(changes: &[(&str, &str)]) -> String {
    let path = Person::authorization_path_with("cli", "openid offline_access", changes);
    path.replace("/default/authorize", "/oauth2/authorize")
}

pub(super) async fn id_token(server: &TestServer, code: &str) -> Value {
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "cli"),
        ("code", code),
        ("redirect_uri", REDIRECT_URI),
        ("code_verifier", VERIFIER),
    ];
    let tokens = server.post("/oauth2/token", &form).await;
    assert_eq!(tokens.status, 200, "{}", tokens.body);
    let claims = |token: &str| -> Value {
        let payload = token.split('.').nth(1).unwrap();
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
    };
    let (id, access) = (
        claims(&tokens.member("id_token")),
        claims(&tokens.member("access_token")),
    );
    for name in ["acr", "amr", "auth_time"] {
        assert_eq!(id[name], access[name], "{name}");
    }
    id
}
