//! Second factors: rows S-220 to S-223, S-270, A-78, A-79, A-81, A-104, and what somebody tries who
//! has the password and nothing else.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_issuer::factors::totp::{Step, TotpSeed};
use hallpass_protocol::{Secret, Timestamp};
use hallpass_server::accounts::{NewAccount, Role};
use hallpass_testing::person::{APPROVE, Form, REDIRECT_URI, VERIFIER, forms};
use hallpass_testing::server::CLIENTS;
use hallpass_testing::{Answer, Person, TestServer};
use serde_json::{Value, json};

use crate::accounts::{PASSWORD, is_in, log_in};
use crate::log_lines::LogLines;

const CAREFUL: &str = "[[client]]\nid = \"careful\"\n\
    grants = [\"urn:ietf:params:oauth:grant-type:device_code\"]\nscopes = [\"openid\"]\n\
    device = { require = \"mfa\" }\n";

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

fn asks_for_code(page: &Answer) -> bool {
    page.body.contains("autocomplete=\"one-time-code\"") && page.body.contains("One more step")
}

fn is_sign_in(page: &Answer) -> bool {
    page.body.contains("name=\"password\"")
}

fn session_of(person: &Person) -> Option<String> {
    person.cookies().get("__Host-hp_s").cloned()
}

async fn show_code(person: &Person, page: &Answer, code: &str) -> Answer {
    person.submit(page, &[("code", code)]).await
}

/// A code that is wrong now.
fn wrong(app: &App, server: &TestServer, n: u32) -> String {
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

fn authorization(changes: &[(&str, &str)]) -> String {
    let path = Person::authorization_path_with("cli", "openid offline_access", changes);
    path.replace("/default/authorize", "/oauth2/authorize")
}

async fn id_token(server: &TestServer, code: &str) -> Value {
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

#[tokio::test]
async fn s_223_a_password_and_a_code_sign_in_and_the_tokens_say_so() {
    let server = TestServer::production("").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    let (app, _) = enrol(&server, &person, "ada").await;
    let other = server.person();
    let page = other.open(&authorization(&[])).await;
    let fields = [("username", "ada"), ("password", PASSWORD)];
    let page = other.submit(&page, &fields).await;
    assert!(asks_for_code(&page), "{}", page.body);
    assert!(page.body.contains("inputmode=\"numeric\""));
    let before = other.cookies();
    let answer = show_code(&other, &page, &app.code(&server)).await;
    let code = answer.redirect_parameters()["code"].clone();
    let claims = id_token(&server, &code).await;
    assert_eq!(claims["acr"], "mfa");
    assert_eq!(claims["amr"], json!(["pwd", "otp", "mfa"]));
    assert!(!before.contains_key("__Host-hp_s"), "{before:?}");
    assert!(session_of(&other).is_some());
    let account = server.accounts().find("ada").await.unwrap();
    assert!(account.last_login_at.is_some());
    let found = server.accounts().second_factors(&account.id).await.unwrap();
    assert_eq!((found.totp.is_some(), found.recovery_codes), (true, 10));
}

#[tokio::test]
async fn a_79_a_code_counts_once_in_its_window() {
    let server = TestServer::production("").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    let (app, _) = enrol(&server, &person, "ada").await;
    // The one that was shown when it was set up is used, too.
    let (other, page) = half_way(&server, "ada").await;
    let used = app.code_at(Timestamp::from_unix_seconds(
        hallpass_testing::server::START,
    ));
    let refused = show_code(&other, &page, &used).await;
    assert_eq!(refused.status, 422);
    assert!(
        refused.body.contains("it was used already"),
        "{}",
        refused.body
    );
    assert!(refused.body.contains("aria-invalid=\"true\""));
    let code = app.code(&server);
    assert!(is_in(&show_code(&other, &refused, &code).await));
    let (thief, page) = half_way(&server, "ada").await;
    for seconds in [0, 29, 30] {
        server.advance(seconds);
        let answer = show_code(&thief, &page, &code).await;
        assert_eq!(answer.status, 422, "{}", answer.body);
        assert!(session_of(&thief).is_none());
    }
    // The next one is another one.
    assert!(is_in(&show_code(&thief, &page, &app.code(&server)).await));
}

#[tokio::test]
async fn a_79_ten_guesses_lock_for_a_time_that_ends_by_itself() {
    let server = TestServer::production("").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    let (app, codes) = enrol(&server, &person, "ada").await;
    let (thief, page) = half_way(&server, "ada").await;
    let mut statuses = Vec::new();
    for n in 0..10 {
        let answer = show_code(&thief, &page, &wrong(&app, &server, n)).await;
        statuses.push(answer.status);
        if answer.status == 429 {
            let wait: u64 = answer.header("retry-after").parse().unwrap();
            assert!((1..=600).contains(&wait), "{wait}");
        }
    }
    assert_eq!(statuses, [422, 422, 422, 422, 422, 429, 429, 429, 429, 429]);
    // Neither the right code nor one on paper, nor another browser, is a way around it.
    let right = app.code(&server);
    assert_eq!(show_code(&thief, &page, &right).await.status, 429);
    let paper = thief
        .submit(&page, &[("method", "recovery_code"), ("code", &codes[0])])
        .await;
    assert_ne!(paper.status, 200);
    let (elsewhere, other) = half_way(&server, "ada").await;
    assert_eq!(show_code(&elsewhere, &other, &right).await.status, 429);
    assert!(session_of(&thief).is_none() && session_of(&elsewhere).is_none());
    // Whoever locks with a stolen password does not lock the owner out of the browser they use.
    let page = log_in(&person, "ada", PASSWORD).await;
    assert!(is_in(&show_code(&person, &page, &app.code(&server)).await));
    server.advance(601);
    let (person, page) = half_way(&server, "ada").await;
    assert!(is_in(&show_code(&person, &page, &app.code(&server)).await));
}

#[tokio::test]
async fn a_79_the_password_once_more_gives_no_guesses_back() {
    let server = TestServer::production("").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    let (app, _) = enrol(&server, &person, "ada").await;
    // In the owner's browser, and in one that nobody knows.
    for thief in [person, server.person()] {
        let mut statuses = Vec::new();
        for n in 0..7 {
            let page = log_in(&thief, "ada", PASSWORD).await;
            assert!(asks_for_code(&page), "{}", page.body);
            let answer = show_code(&thief, &page, &wrong(&app, &server, n)).await;
            statuses.push(answer.status);
        }
        assert_eq!(statuses, [422, 422, 422, 422, 422, 429, 429]);
    }
}

#[tokio::test]
async fn a_password_alone_shows_nothing_and_leads_nowhere() {
    let server = TestServer::production("").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    let (app, _) = enrol(&server, &person, "ada").await;
    let (thief, page) = half_way(&server, "ada").await;
    assert!(!page.body.contains("ada@example.com"), "{}", page.body);
    for path in [
        "/account",
        "/account/security",
        "/account/security/totp",
        "/account/password",
        "/account/history",
        &authorization(&[]),
        &authorization(&[("prompt", "consent")]),
    ] {
        let answer = thief.open(path).await;
        assert!(is_sign_in(&answer), "{path}: {}", answer.body);
    }
    let silent = thief.open(&authorization(&[("prompt", "none")])).await;
    assert_eq!(silent.redirect_parameters()["error"], "login_required");
    // What stands in the page holds in this browser alone, for the person whose password it was.
    let form = forms(&page.body)
        .into_iter()
        .find(|form| !form.action.is_empty());
    let form = form.unwrap();
    let other = server.person();
    log_in(&other, "nobody", "x").await;
    let code = app.code(&server);
    let carried = other.submit_form(&form, &[("code", &code)]).await;
    assert_eq!(carried.status, 403);
    server.person_with_account("eve", PASSWORD).await;
    let eve = server.person();
    let eves = log_in(&eve, "eve", PASSWORD).await;
    assert!(is_in(&eves));
    let field = |name: &str| {
        let found = form.hidden.iter().find(|(field, _)| field == name);
        found.unwrap().1.clone()
    };
    let page_of_eve = server.person();
    let login = page_of_eve.open("/login").await;
    let foreign = [
        ("pending", field("pending")),
        ("method", "totp".into()),
        ("code", code.clone()),
    ];
    let foreign: Vec<(&str, &str)> = foreign.iter().map(|(n, v)| (*n, v.as_str())).collect();
    let carried = page_of_eve.submit(&login, &foreign).await;
    assert!(is_sign_in(&carried) && session_of(&page_of_eve).is_none());
    // A changed token is none.
    let mut changed = form.clone();
    for (name, value) in &mut changed.hidden {
        if name == "pending" {
            value.insert(0, 'A');
        }
    }
    let answer = thief.submit_form(&changed, &[("code", &code)]).await;
    assert!(is_sign_in(&answer) && session_of(&thief).is_none());
    // Too late: the code would be right.
    server.advance(600);
    let answer = thief
        .submit_form(&form, &[("code", &app.code(&server))])
        .await;
    assert!(
        answer.body.contains("That took too long"),
        "{}",
        answer.body
    );
    assert!(session_of(&thief).is_none());
}

#[tokio::test]
async fn a_second_step_counts_once_and_ends_with_the_password() {
    let server = TestServer::production("").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    let (app, codes) = enrol(&server, &person, "ada").await;
    let (other, page) = half_way(&server, "ada").await;
    let form = forms(&page.body).remove(0);
    assert!(is_in(&show_code(&other, &page, &app.code(&server)).await));
    // Back, with the next code, on a machine that somebody else uses now: no password, no sign-in.
    let first = session_of(&other);
    server.advance(30);
    let again = other
        .submit_form(&form, &[("code", &app.code(&server))])
        .await;
    assert!(is_sign_in(&again), "{}", again.body);
    assert_eq!(session_of(&other), first);
    // A new password makes what waits void.
    let (thief, page) = half_way(&server, "ada").await;
    let new = Secret::new("difference engine two".to_owned());
    server.accounts().set_password("ada", new).await.unwrap();
    let answer = show_code(&thief, &page, &app.code(&server)).await;
    assert!(is_sign_in(&answer) && session_of(&thief).is_none());
    assert_eq!(codes.len(), 10);
}

#[tokio::test]
async fn nobody_learns_who_has_a_second_factor_without_the_password() {
    let server = TestServer::production("").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    enrol(&server, &person, "ada").await;
    server.person_with_account("bob", PASSWORD).await;
    let mut answers = Vec::new();
    for name in ["ada", "bob", "nobody"] {
        let person = server.person();
        let answer = log_in(&person, name, "a wrong password").await;
        let form = forms(&answer.body).remove(0);
        let text = form
            .hidden
            .iter()
            .fold(answer.body.clone(), |text, (_, value)| {
                text.replace(value, "")
            });
        let challenge = text.split("data-options=").next().unwrap().to_owned();
        answers.push((answer.status, challenge.replace(name, "NAME")));
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[1], answers[2]);
}

#[tokio::test]
async fn a_recovery_code_signs_in_once_and_guesses_are_counted() {
    let server = TestServer::production("").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    let (app, codes) = enrol(&server, &person, "ada").await;
    let (other, page) = half_way(&server, "ada").await;
    let ways = forms(&page.body);
    let way = ways.iter().find(|form| {
        !form.action.is_empty() && !form.hidden.iter().any(|(name, _)| name == "method")
    });
    let paper = other
        .submit_form(way.unwrap(), &[("way", "recovery_code")])
        .await;
    assert_eq!(paper.status, 200);
    assert!(paper.body.contains("Recovery code"), "{}", paper.body);
    let wrong = show_code(&other, &paper, "00000-00000").await;
    assert_eq!(wrong.status, 422);
    let spelled = codes[3].to_lowercase().replace('-', " ");
    assert!(is_in(&show_code(&other, &wrong, &spelled).await));
    let account = server.accounts().find("ada").await.unwrap();
    let left = server.accounts().second_factors(&account.id).await.unwrap();
    assert_eq!(left.recovery_codes, 9);
    // Again, and somebody else's.
    let eve = server.person_with_account("eve", PASSWORD).await;
    let (_, eves) = enrol(&server, &eve, "eve").await;
    let (thief, page) = half_way(&server, "ada").await;
    let paper = |code: String| {
        let (thief, page) = (&thief, &page);
        async move {
            let mut form = forms(&page.body).remove(0);
            form.hidden.retain(|(name, _)| name != "method");
            let fields = [("method", "recovery_code"), ("code", code.as_str())];
            thief.submit_form(&form, &fields).await
        }
    };
    assert_eq!(paper(codes[3].clone()).await.status, 422);
    assert_eq!(paper(eves[0].clone()).await.status, 422);
    for _ in 0..3 {
        assert_eq!(paper("ABCDE-FGHJK".to_owned()).await.status, 422);
    }
    assert_eq!(paper(codes[4].clone()).await.status, 429);
    let right = show_code(&thief, &page, &app.code(&server)).await;
    assert_eq!(right.status, 429);
}

#[tokio::test]
async fn s_221_a_81_what_a_client_asks_for_is_reached_or_refused() {
    let server = TestServer::production("").await;
    let document = server.get("/.well-known/openid-configuration").await;
    let offered = document.json()["acr_values_supported"].clone();
    assert_eq!(offered[0], "pwd");
    assert_eq!(offered[1], "mfa");
    let ask = |values: &str| authorization(&[("acr_values", values)]);
    let person = server.person_with_account("ada", PASSWORD).await;
    // What nobody reaches is said before anybody types anything.
    let refused = person.open(&ask("gold")).await.redirect_parameters();
    assert_eq!(refused["error"], "unmet_authentication_requirements");
    // Somebody without a second factor, after their password, and when they are signed in.
    let page = person.open(&ask("mfa")).await;
    let fields = [("username", "ada"), ("password", PASSWORD)];
    let refused = person.submit(&page, &fields).await.redirect_parameters();
    assert_eq!(refused["error"], "unmet_authentication_requirements");
    assert_eq!(refused["state"], "st");
    assert!(session_of(&person).is_none());
    let code = crate::accounts::code(&person, "ada").await;
    assert_eq!(id_token(&server, &code).await["acr"], "pwd");
    let refused = person.open(&ask("mfa")).await.redirect_parameters();
    assert_eq!(refused["error"], "unmet_authentication_requirements");
    // With one they step up: the cookie is another one, the sign-in as old as it was.
    let second = server.person();
    let (app, _) = enrol(&server, &second, "ada").await;
    let silent = person
        .open(&authorization(&[("acr_values", "mfa"), ("prompt", "none")]))
        .await;
    assert_eq!(
        silent.redirect_parameters()["error"],
        "interaction_required"
    );
    let page = person.open(&ask("mfa")).await;
    assert!(asks_for_code(&page), "{}", page.body);
    // A password is no answer to that.
    let again = person
        .submit(&page, &[("username", "ada"), ("password", PASSWORD)])
        .await;
    assert!(!again.body.contains("Continue as") && again.header("location").is_empty());
    let wrong_code = show_code(&person, &page, &wrong(&app, &server, 1)).await;
    assert_eq!(wrong_code.status, 422);
    let before = session_of(&person);
    server.advance(30);
    let next = show_code(&person, &page, &app.code(&server)).await;
    assert_ne!(session_of(&person), before);
    let code = person.submit(&next, &[("action", "continue")]).await;
    let claims = id_token(&server, &code.redirect_parameters()["code"]).await;
    assert_eq!(
        (&claims["acr"], &claims["amr"]),
        (&json!("mfa"), &json!(["pwd", "otp", "mfa"]))
    );
    assert!(claims["auth_time"].as_i64() < Some(hallpass_testing::server::START + 30));
    // The cookie from before is nobody's.
    let stale = server.http().get(server.url("/account"));
    let stale = stale.header("cookie", format!("__Host-hp_s={}", before.unwrap()));
    assert!(is_sign_in(&server.send(stale).await));
    // A client is told one of the values that it asked for, and the truth when it asks no more.
    for (values, told) in [("pwd", "pwd"), ("gold mfa", "mfa"), ("", "mfa")] {
        let page = person.open(&ask(values)).await;
        let code = person.submit(&page, &[("action", "continue")]).await;
        let claims = id_token(&server, &code.redirect_parameters()["code"]).await;
        assert_eq!(claims["acr"], told, "{values}");
    }
}

#[tokio::test]
async fn a_81_the_button_of_a_weaker_request_is_no_way_to_a_stronger_one() {
    let server = TestServer::production("").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    let first = server.person();
    assert!(is_in(&log_in(&person, "ada", PASSWORD).await));
    enrol(&server, &first, "ada").await;
    let page = person.open(&authorization(&[])).await;
    let mut form = forms(&page.body).remove(0);
    form.action.push_str("&acr_values=mfa");
    let answer = person.submit_form(&form, &[("action", "continue")]).await;
    assert!(asks_for_code(&answer), "{}", answer.body);
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
    let database = format!("sqlite://{}", folder.path().join("x.db").display());
    let start = async |toml: &str| {
        let toml = format!("{toml}{CLIENTS}");
        let settings =
            hallpass_testing::server::production_settings(&toml, folder.path(), &database);
        TestServer::start(settings).await
    };
    let server = start("").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    assert!(is_in(&log_in(&person, "ada", PASSWORD).await));
    let cookie = format!("__Host-hp_s={}", session_of(&person).unwrap());
    server.stop().await;
    for (toml, lasts) in [
        ("", true),
        ("[login]\nrequire_mfa = \"all\"\n", false),
        ("", true),
    ] {
        let server = start(toml).await;
        let request = server.http().get(server.url("/account"));
        let answer = server.send(request.header("cookie", &cookie)).await;
        assert_eq!(!is_sign_in(&answer), lasts, "{toml}");
        server.stop().await;
    }
}

async fn start_device(server: &TestServer, client: &str) -> Answer {
    let form = [("client_id", client), ("scope", "openid")];
    server.post("/oauth2/device_authorization", &form).await
}

/// Types the code; where the person is signed in, the next page.
async fn enter(person: &Person, started: &Answer) -> Answer {
    let entry = person.open("/device").await;
    person
        .submit(&entry, &[("user_code", &started.member("user_code"))])
        .await
}

fn is_confirmation(page: &Answer) -> bool {
    page.body.contains("I started this on my own device")
}

async fn polled(server: &TestServer, started: &Answer) -> Answer {
    let poll = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("client_id", "careful"),
        ("device_code", &started.member("device_code")),
    ];
    server.post("/oauth2/token", &poll).await
}

#[tokio::test]
async fn s_270_a_device_that_needs_a_second_factor_shows_nothing_before_it() {
    let server = TestServer::production(CAREFUL).await;
    let person = server.person_with_account("ada", PASSWORD).await;
    assert!(is_in(&log_in(&person, "ada", PASSWORD).await));
    // Nobody has one yet: the password once more, then it is set up, and the device is decided about.
    let started = start_device(&server, "careful").await;
    let page = enter(&person, &started).await;
    assert!(is_sign_in(&page), "{}", page.body);
    assert!(page.body.contains("once more"), "{}", page.body);
    let fields = [("username", "ada"), ("password", PASSWORD)];
    let page = person.submit(&page, &fields).await;
    let app = App::scan(&page);
    let codes = show_code(&person, &page, &app.code(&server)).await;
    let page = person.submit(&codes, &[("saved", "on")]).await;
    assert!(is_confirmation(&page), "{}", page.body);
    let done = person.submit(&page, APPROVE).await;
    assert!(done.body.contains("signed in"), "{}", done.body);
    let tokens = polled(&server, &started).await;
    let payload = tokens.member("id_token");
    let payload = payload.split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
    assert_eq!(claims["acr"], "mfa");
    // Ten minutes later it is asked for again, and until then nothing of the device is shown.
    server.advance(601);
    let started = start_device(&server, "careful").await;
    let page = enter(&person, &started).await;
    assert!(
        asks_for_code(&page) && !is_confirmation(&page),
        "{}",
        page.body
    );
    assert!(!page.body.contains("careful"), "{}", page.body);
    let before = session_of(&person);
    let page = show_code(&person, &page, &app.code(&server)).await;
    assert!(is_confirmation(&page), "{}", page.body);
    assert_ne!(session_of(&person), before);
    // Whoever looks at the page for long is asked once more before it counts.
    server.advance(599);
    let page = enter(&person, &start_device(&server, "careful").await).await;
    assert!(is_confirmation(&page));
    server.advance(2);
    let late = person.submit(&page, APPROVE).await;
    assert!(asks_for_code(&late), "{}", late.body);
}

#[tokio::test]
async fn s_270_a_104_an_unknown_network_asks_for_a_second_factor() {
    let toml = CAREFUL.replace("mfa", "same-network");
    let server = TestServer::production(&toml).await;
    let person = server.person_with_account("ada", PASSWORD).await;
    let (app, _) = enrol(&server, &person, "ada").await;
    server.advance(601);
    // Behind a proxy that nobody configured nothing is known of the network.
    let request = server
        .http()
        .post(server.url("/oauth2/device_authorization"))
        .header("x-forwarded-for", "203.0.113.9")
        .form(&[("client_id", "careful"), ("scope", "openid")]);
    let started = server.send(request).await;
    let page = enter(&person, &started).await;
    assert!(asks_for_code(&page), "{}", page.body);
    let page = show_code(&person, &page, &app.code(&server)).await;
    assert!(is_confirmation(&page), "{}", page.body);
    let done = person.submit(&page, APPROVE).await;
    assert!(done.body.contains("signed in"), "{}", done.body);
    assert_eq!(polled(&server, &started).await.status, 200);
}

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
async fn a_server_that_takes_no_codes_asks_for_none() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite://{}", folder.path().join("x.db").display());
    let start = async |toml: &str| {
        let toml = format!("{toml}{CLIENTS}");
        let settings =
            hallpass_testing::server::production_settings(&toml, folder.path(), &database);
        TestServer::start(settings).await
    };
    let server = start("").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    enrol(&server, &person, "ada").await;
    server.stop().await;
    let server = start("[login]\ntotp = false\npasskey = false\n").await;
    assert!(is_in(&log_in(&server.person(), "ada", PASSWORD).await));
    let person = server.person();
    log_in(&person, "ada", PASSWORD).await;
    assert_eq!(person.open("/account/security/totp").await.status, 404);
    let document = server.get("/.well-known/openid-configuration").await;
    assert_eq!(document.json()["acr_values_supported"], json!(["pwd"]));
    server.stop().await;
}

#[tokio::test]
async fn the_log_says_what_happens_to_factors_and_no_secret() {
    let lines = LogLines::listen();
    let server = TestServer::production("").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    let (app, codes) = enrol(&server, &person, "ada").await;
    let account = server.accounts().find("ada").await.unwrap();
    let id = account.id.as_str();
    let (other, page) = half_way(&server, "ada").await;
    let page = show_code(&other, &page, &wrong(&app, &server, 0)).await;
    let code = app.code(&server);
    assert!(is_in(&show_code(&other, &page, &code).await));
    let (other, page) = half_way(&server, "ada").await;
    let mut form = forms(&page.body).remove(0);
    form.hidden.retain(|(name, _)| name != "method");
    let fields = [("method", "recovery_code"), ("code", codes[0].as_str())];
    assert!(is_in(&other.submit_form(&form, &fields).await));
    let page = person.open("/account/security").await;
    person.submit(&page, &[("action", "remove_totp")]).await;
    for event in [
        "mfa.enrolled",
        "mfa.failed",
        "mfa.used",
        "recovery.used",
        "mfa.removed",
    ] {
        assert!(lines.has(&[event, id]), "{event}");
    }
    assert!(lines.has(&["login.success", id]));
    let text = lines.text();
    let pending = form
        .hidden
        .iter()
        .find(|(name, _)| name == "pending")
        .unwrap();
    for secret in [&app.key, &codes[0], &codes[0].replace('-', ""), &pending.1] {
        assert!(!text.contains(secret.as_str()), "{secret}");
    }
}
