//! The consent page: rows S-26, S-227, S-230 and S-238, and what forgers try.

use hallpass_testing::person::{APPROVE, CHALLENGE, Form, VERIFIER, forms};
use hallpass_testing::{Answer, Person, TestServer};
use serde_json::json;

const WEB: &str = "https://shop.test/cb";

/// Clients of dev mode about which people are asked.
const ASKING: &str = r#"
[[client]]
id = "shop"
name = "Shop & Co"
type = "confidential"
secret = "s3cret"
redirect_uris = ["https://shop.test/cb"]
scopes = ["openid", "email", "offline_access", "a", "b"]
consent = "remember"

[[client]]
id = "strict"
redirect_uris = ["https://shop.test/cb"]
scopes = ["openid", "offline_access", "a", "b"]
consent = "always"

[[client]]
id = "friend"
type = "confidential"
secret = "s3cret"
redirect_uris = ["https://shop.test/cb"]
scopes = ["openid", "offline_access", "a", "b"]
consent = "trusted"

[[client]]
id = "native"
grants = ["authorization_code", "refresh_token", "device_code"]
redirect_uris = ["http://127.0.0.1/callback"]
scopes = ["openid", "offline_access", "a", "b"]
consent = "remember"
"#;

async fn server() -> TestServer {
    TestServer::strict(ASKING).await
}

fn path(client: &str, scope: &str, changes: &[(&str, &str)]) -> String {
    let changes = [&[("redirect_uri", WEB)], changes].concat();
    Person::authorization_path_with(client, scope, &changes)
}

#[track_caller]
fn is_consent(page: &Answer) {
    assert_eq!(
        (page.status, page.header("location")),
        (200, ""),
        "{}",
        page.body
    );
    assert!(page.body.contains("to use your account?"), "{}", page.body);
    assert!(page.body.contains(">Deny</button>") && page.body.contains(">Allow</button>"));
}

#[track_caller]
fn code(answer: &Answer) -> String {
    assert_eq!(answer.status, 303, "{}", answer.body);
    answer.redirect_parameters()["code"].clone()
}

#[track_caller]
fn refused(answer: &Answer, error: &str) {
    let told = answer.redirect_parameters();
    assert_eq!(
        told.get("error").map(String::as_str),
        Some(error),
        "{told:?}"
    );
    assert!(!told.contains_key("code"));
}

fn decision_of(page: &Answer) -> Form {
    forms(&page.body).into_iter().next().unwrap()
}

/// The page's form with only these boxes ticked.
fn ticking(page: &Answer, scopes: &[&str]) -> Form {
    let box_of = |scope: &&str| ("scope[]".to_owned(), (*scope).to_owned());
    Form {
        ticked: scopes.iter().map(box_of).collect(),
        ..decision_of(page)
    }
}

async fn tokens(server: &TestServer, client: &str, code: &str) -> Answer {
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", WEB),
        ("code_verifier", VERIFIER),
    ];
    let answer = server
        .post_basic("/default/token", (client, "s3cret"), &form)
        .await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer
}

const ALLOW: &[(&str, &str)] = &[("action", "allow")];

#[tokio::test]
async fn s_230_a_person_is_asked_once_and_again_for_more() {
    let server = server().await;
    let person = server.person();
    let page = person
        .sign_in_at(&path("shop", "openid a", &[]), "ada")
        .await;
    is_consent(&page);
    assert!(page.body.contains("Shop &#38; Co") && page.body.contains("<bdi>ada</bdi>"));
    let granted = tokens(&server, "shop", &code(&person.submit(&page, ALLOW).await)).await;
    assert_eq!(granted.member("scope"), "openid a");
    // Remembered, in another browser too, for less and for the same.
    let elsewhere = server.person();
    code(
        &elsewhere
            .sign_in_at(&path("shop", "openid a", &[]), "ada")
            .await,
    );
    code(&person.open(&path("shop", "openid", &[])).await);
    // Not for more, not by another person, not for another client or resource, not for ever.
    is_consent(&person.open(&path("shop", "openid a b", &[])).await);
    is_consent(
        &server
            .person()
            .sign_in_at(&path("shop", "openid", &[]), "bob")
            .await,
    );
    is_consent(&person.open(&path("strict", "openid", &[])).await);
    let resource = [("resource", "https://api.test")];
    is_consent(&person.open(&path("shop", "openid", &resource)).await);
    let page = person
        .open(&path("shop", "openid", &[("prompt", "consent")]))
        .await;
    is_consent(&page);
    refused(
        &person.submit(&page, &[("action", "deny")]).await,
        "access_denied",
    );
    server.advance(90 * 24 * 3600);
    is_consent(
        &server
            .person()
            .sign_in_at(&path("shop", "openid a", &[]), "ada")
            .await,
    );
}

#[tokio::test]
async fn a_client_may_be_asked_about_always_or_never() {
    let server = server().await;
    let person = server.person();
    let strict = path("strict", "openid", &[]);
    let page = person.sign_in_at(&strict, "ada").await;
    is_consent(&page);
    code(&person.submit(&page, ALLOW).await);
    is_consent(&person.open(&strict).await);
    code(&person.open(&path("friend", "openid", &[])).await);
    is_consent(
        &person
            .open(&path("friend", "openid", &[("prompt", "consent")]))
            .await,
    );
}

#[tokio::test]
async fn s_227_without_pages_no_consent_is_consent_required() {
    let server = server().await;
    let person = server.person();
    let silent = path("shop", "openid a", &[("prompt", "none")]);
    refused(&person.open(&silent).await, "login_required");
    let page = person
        .sign_in_at(&path("shop", "openid a", &[]), "ada")
        .await;
    refused(&person.open(&silent).await, "consent_required");
    code(&person.submit(&page, ALLOW).await);
    code(&person.open(&silent).await);
    let more = path("shop", "openid a b", &[("prompt", "none")]);
    refused(&person.open(&more).await, "consent_required");
    let strict = path("strict", "openid", &[("prompt", "none")]);
    refused(&person.open(&strict).await, "consent_required");
}

#[tokio::test]
async fn s_238_offline_access_needs_prompt_consent_trust_or_a_native_client() {
    let server = server().await;
    let person = server.person();
    let page = person
        .sign_in_at(&path("shop", "openid offline_access", &[]), "ada")
        .await;
    assert!(!page.body.contains("while you are away"), "{}", page.body);
    let granted = tokens(&server, "shop", &code(&person.submit(&page, ALLOW).await)).await;
    assert_eq!(granted.member("scope"), "openid");
    assert!(granted.json().get("refresh_token").is_none());
    let asking = path("shop", "openid offline_access", &[("prompt", "consent")]);
    let page = person.open(&asking).await;
    assert!(page.body.contains("while you are away") && page.body.contains("up to 90 days"));
    let granted = tokens(&server, "shop", &code(&person.submit(&page, ALLOW).await)).await;
    assert_eq!(granted.member("scope"), "openid offline_access");
    assert!(granted.json().get("refresh_token").is_some());
    let trusted = code(
        &person
            .open(&path("friend", "openid offline_access", &[]))
            .await,
    );
    let granted = tokens(&server, "friend", &trusted).await;
    assert!(granted.json().get("refresh_token").is_some());
    let native = Person::authorization_path("native", "openid offline_access");
    let page = person.open(&native).await;
    is_consent(&page);
    let code = code(&person.submit(&page, ALLOW).await);
    let granted = server.redeem("native", &code).await;
    assert!(
        granted.json().get("refresh_token").is_some(),
        "{}",
        granted.body
    );
    // A program on this machine gets no code without a click, whatever is remembered (S-288).
    let page = person.open(&native).await;
    assert!(
        page.status == 200 && page.body.contains("value=\"continue\""),
        "{}",
        page.body
    );
}

#[tokio::test]
async fn s_26_what_is_unticked_is_not_granted_and_the_answer_says_so() {
    let server = server().await;
    let person = server.person();
    let asked = path(
        "shop",
        "openid a b offline_access",
        &[("prompt", "consent")],
    );
    let page = person.sign_in_at(&asked, "ada").await;
    let ticked = decision_of(&page).ticked;
    let boxes: Vec<_> = ticked.iter().map(|(_, scope)| scope.as_str()).collect();
    assert_eq!(
        boxes,
        ["a", "b", "offline_access"],
        "`openid` cannot be left out"
    );
    let answer = person.submit_form(&ticking(&page, &["b"]), ALLOW).await;
    let granted = tokens(&server, "shop", &code(&answer)).await;
    assert_eq!(granted.member("scope"), "openid b");
    assert!(granted.json().get("refresh_token").is_none());
    let token = granted.member("access_token");
    assert_eq!(hallpass_testing::claims_of(&token)["scope"], "openid b");
    // What was left out is asked for again, the rest is not.
    code(&person.open(&path("shop", "openid b", &[])).await);
    is_consent(&person.open(&path("shop", "openid a", &[])).await);
}

#[tokio::test]
async fn nothing_left_is_no_decision() {
    let server = server().await;
    let person = server.person();
    let page = person.sign_in_at(&path("shop", "a b", &[]), "ada").await;
    let again = person.submit_form(&ticking(&page, &[]), ALLOW).await;
    assert_eq!(again.status, 422, "{}", again.body);
    assert!(again.body.contains("Leave at least one of these"));
    code(&person.submit_form(&ticking(&again, &["a"]), ALLOW).await);
}

#[tokio::test]
async fn a_scope_that_was_not_asked_for_is_never_granted() {
    let server = server().await;
    let person = server.person();
    let page = person
        .sign_in_at(&path("shop", "openid a", &[]), "ada")
        .await;
    for smuggled in [&["a", "b"][..], &["a b"], &["offline_access"]] {
        let answer = person.submit_form(&ticking(&page, smuggled), ALLOW).await;
        assert_eq!(
            (answer.status, answer.header("location")),
            (403, ""),
            "{smuggled:?}"
        );
    }
    is_consent(&person.open(&path("shop", "openid a", &[])).await);
}

#[tokio::test]
async fn a_decision_holds_for_one_request_person_browser_and_half_an_hour() {
    let server = server().await;
    let (ada, eve) = (server.person(), server.person());
    let little = ada.sign_in_at(&path("shop", "openid a", &[]), "ada").await;
    let forged = |answer: Answer, why: &str| {
        assert_eq!(
            (answer.status, answer.header("location")),
            (403, ""),
            "{why}"
        );
    };
    // The form of a harmless request on the address of another one.
    for other in [
        path("shop", "openid a b", &[]),
        path("shop", "openid a", &[("state", "other")]),
        path(
            "shop",
            "openid a",
            &[("code_challenge", &CHALLENGE.to_lowercase())],
        ),
        path("strict", "openid a", &[]),
    ] {
        let action = other.clone();
        let moved = Form {
            action,
            ..decision_of(&little)
        };
        forged(ada.submit_form(&moved, ALLOW).await, &other);
    }
    // Somebody else's page, and none at all.
    let theirs = eve.sign_in_at(&path("shop", "openid a", &[]), "eve").await;
    forged(ada.submit(&theirs, ALLOW).await, "another browser's form");
    let mixed = Form {
        hidden: decision_of(&little)
            .hidden
            .into_iter()
            .filter(|(name, _)| name == "csrf")
            .chain(
                decision_of(&theirs)
                    .hidden
                    .into_iter()
                    .filter(|(name, _)| name != "csrf"),
            )
            .collect(),
        ..decision_of(&little)
    };
    forged(
        ada.submit_form(&mixed, ALLOW).await,
        "another browser's interaction",
    );
    let bare = Form {
        hidden: Vec::new(),
        ..decision_of(&little)
    };
    forged(ada.submit_form(&bare, ALLOW).await, "no token");
    // Another person signs in in this browser: what ada was shown is nobody's any more.
    let other = ada
        .open(&path("shop", "openid", &[("prompt", "login")]))
        .await;
    ada.submit(&other, &[("username", "mallory")]).await;
    forged(ada.submit(&little, ALLOW).await, "another person");
    let late = eve.open(&path("shop", "openid a", &[])).await;
    server.advance(30 * 60);
    forged(eve.submit(&late, ALLOW).await, "too late");
}

#[tokio::test]
async fn how_long_a_decision_holds_is_a_setting() {
    let server = TestServer::strict(&format!("ttl.interaction = \"2m\"\n{ASKING}")).await;
    let person = server.person();
    let first = person
        .sign_in_at(&path("shop", "openid a", &[]), "ada")
        .await;
    let second = person.open(&path("shop", "openid a", &[])).await;
    server.advance(119);
    code(&person.submit(&first, ALLOW).await);
    server.advance(1);
    assert_eq!(person.submit(&second, ALLOW).await.status, 403);
}

#[tokio::test]
async fn another_button_and_another_site_are_no_way_around_consent() {
    let server = server().await;
    let person = server.person();
    let asked = path("shop", "openid a", &[]);
    let page = person.sign_in_at(&asked, "ada").await;
    is_consent(&person.submit(&page, &[("action", "continue")]).await);
    let form = decision_of(&page);
    let fields: Vec<_> = form.hidden.iter().chain(&form.ticked).cloned().collect();
    let url = server.url(&form.action);
    let cross_site = person
        .http()
        .post(url)
        .header("sec-fetch-site", "cross-site")
        .form(&[fields, vec![("action".to_owned(), "allow".to_owned())]].concat());
    assert_eq!(person.send(cross_site).await.status, 403);
    let headers = |name: &str| page.header(name).to_owned();
    assert_eq!(headers("x-frame-options"), "DENY");
    assert!(headers("content-security-policy").contains("frame-ancestors 'none'"));
    assert_eq!(headers("cache-control"), "no-store");
    is_consent(&person.open(&asked).await);
}

#[tokio::test]
async fn prompt_login_is_done_with_by_the_sign_in_before_the_page_alone() {
    let server = server().await;
    let person = server.person();
    let asked = path("shop", "openid a", &[("prompt", "login consent")]);
    let page = person.sign_in_at(&asked, "ada").await;
    is_consent(&page);
    code(&person.submit(&page, ALLOW).await);
    let again = person.open(&asked).await;
    assert!(again.body.contains("name=\"username\""), "{}", again.body);
    // A sign-in that has grown too old while the person was thinking does not count.
    let asked = path("shop", "openid b", &[("max_age", "60")]);
    let person = server.person();
    person
        .sign_in_at(&path("shop", "openid b", &[]), "bob")
        .await;
    let page = person.open(&asked).await;
    is_consent(&page);
    server.advance(60);
    let late = person.submit(&page, ALLOW).await;
    assert!(late.body.contains("name=\"username\""), "{}", late.body);
}

#[tokio::test]
async fn allowing_twice_gives_two_codes_of_which_each_works_once() {
    let server = server().await;
    let person = server.person();
    let page = person
        .sign_in_at(&path("shop", "openid a", &[]), "ada")
        .await;
    let (first, second) = tokio::join!(person.submit(&page, ALLOW), person.submit(&page, ALLOW));
    let (first, second) = (code(&first), code(&second));
    assert_ne!(first, second);
    for code in [first, second] {
        assert_eq!(
            tokens(&server, "shop", &code).await.member("scope"),
            "openid a"
        );
    }
}

#[tokio::test]
async fn production_asks_about_every_client_and_marks_strangers() {
    let toml = "[register]\nmode = \"open\"\n[[resource]]\nid = \"https://api.example.com\"\n\
                scopes = { a = \"read your projects\" }\n";
    let server = TestServer::production_asking(toml).await;
    let person = server
        .person_with_account("ada", "engines of analysis")
        .await;
    let at = |path: &str| path.replace("/default/authorize", "/oauth2/authorize");
    let web = [("redirect_uri", "https://app.test/cb")];
    let asked = at(&Person::authorization_path_with("web", "openid a b", &web));
    let login = person.open(&asked).await;
    let fields = [("username", "ada"), ("password", "engines of analysis")];
    let page = person.submit(&login, &fields).await;
    is_consent(&page);
    for words in [
        "read your projects",
        "use <code><bdi>b</bdi></code>",
        "app.test",
        "verified",
    ] {
        assert!(page.body.contains(words), "{words}: {}", page.body);
    }
    assert!(!page.body.contains("unverified"));
    code(&person.submit(&page, ALLOW).await);
    code(&person.open(&asked).await);
    let metadata = json!({
        "redirect_uris": ["https://evil.test/cb"], "client_name": "Your Bank",
        "token_endpoint_auth_method": "none", "scope": "openid a",
    });
    let register = server
        .http()
        .post(server.url("/oauth2/register"))
        .json(&metadata);
    let id = server.send(register).await.member("client_id");
    let web = [("redirect_uri", "https://evil.test/cb")];
    let asked = at(&Person::authorization_path_with(&id, "openid a", &web));
    for _ in 0..2 {
        let page = person.open(&asked).await;
        is_consent(&page);
        assert!(page.body.contains("unverified app"), "{}", page.body);
        code(&person.submit(&page, ALLOW).await);
    }
}

#[tokio::test]
async fn s_26_a_device_gets_what_was_left_ticked() {
    let server = server().await;
    let started = server
        .start_device("native", "openid a b offline_access")
        .await;
    let person = server.person();
    let page = person.enter_code(&started.member("user_code"), "ada").await;
    for smuggled in [&["admin"][..], &["a", "a b"]] {
        let answer = person.submit_form(&ticking(&page, smuggled), APPROVE).await;
        assert_eq!(answer.status, 403, "{smuggled:?}");
    }
    let done = person.submit_form(&ticking(&page, &["b"]), APPROVE).await;
    assert!(done.body.contains("signed in"), "{}", done.body);
    let granted = server.poll("native", &started.member("device_code")).await;
    assert_eq!(granted.member("scope"), "openid b");
    assert!(granted.json().get("refresh_token").is_none());
    // Left as it is, everything is granted: the confirmation is the consent (row S-238).
    let started = server
        .start_device("native", "openid a offline_access")
        .await;
    person.approve(&started.member("user_code"), "ada").await;
    let granted = server.poll("native", &started.member("device_code")).await;
    assert_eq!(granted.member("scope"), "openid a offline_access");
    assert!(granted.json().get("refresh_token").is_some());
}

#[tokio::test]
async fn a_device_with_nothing_left_is_told_apart_from_a_forgery_and_deny_always_works() {
    let server = server().await;
    let started = server.start_device("native", "a b").await;
    let person = server.person();
    let page = person.enter_code(&started.member("user_code"), "ada").await;
    let nothing = person.submit_form(&ticking(&page, &[]), APPROVE).await;
    assert_eq!(nothing.status, 422);
    assert!(nothing.body.contains("Nothing was left to allow"));
    let deny = [("action", "deny"), ("confirm", "on")];
    person.submit_form(&ticking(&page, &[]), &deny).await;
    let polled = server.poll("native", &started.member("device_code")).await;
    assert_eq!(polled.member("error"), "access_denied");
}
