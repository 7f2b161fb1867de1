//! `/account`: rows S-15, S-65, S-236, S-263, and what neighbours and forgers try.

use hallpass_protocol::Secret;
use hallpass_server::accounts::{NewAccount, Role};
use hallpass_testing::person::{APPROVE, Form, forms};
use hallpass_testing::{Answer, Person, TestServer};
use serde_json::Value;

use crate::accounts::{PASSWORD, code, is_active, is_in, log_in, redeem, refresh};

const NEW: &str = "difference engine two";
const GONE: &str = "There was nothing left to change";

/// A program that is signed in: its tokens.
async fn program(server: &TestServer, person: &Person, username: &str) -> Answer {
    let code = code(person, username).await;
    let tokens = redeem(server, &code).await;
    assert_eq!(tokens.status, 200, "{}", tokens.body);
    tokens
}

async fn can_refresh(server: &TestServer, tokens: &Answer) -> bool {
    let answer = refresh(server, &tokens.member("refresh_token")).await;
    match answer.status {
        200 => true,
        400 => false,
        other => panic!("{other}: {}", answer.body),
    }
}

fn sids(page: &Answer) -> Vec<String> {
    let found = forms(&page.body).into_iter();
    let found = found.flat_map(|form| form.hidden.into_iter());
    let mut sids: Vec<String> = found
        .filter(|(name, _)| name == "sid")
        .map(|(_, value)| value)
        .collect();
    sids.dedup();
    sids
}

fn form_to(page: &Answer, action: &str) -> Form {
    let found = forms(&page.body);
    let found = found.into_iter().find(|form| form.action == action);
    found.unwrap_or_else(|| panic!("no form to {action}: {}", page.body))
}

/// Posts to `/account/sessions` as the overview's forms do.
async fn act(person: &Person, page: &Answer, fields: &[(&str, &str)]) -> Answer {
    let csrf = form_to(page, "/account/export").hidden[0].1.clone();
    let form = Form {
        action: "/account/sessions".to_owned(),
        hidden: vec![("csrf".to_owned(), csrf)],
        ticked: Vec::new(),
    };
    person.submit_form(&form, fields).await
}

async fn sign_in(server: &TestServer, username: &str) -> Person {
    let person = server.person();
    assert!(is_in(&log_in(&person, username, PASSWORD).await));
    person
}

fn is_sign_in(page: &Answer) -> bool {
    page.body.contains("name=\"username\"") && page.body.contains("name=\"password\"")
}

#[tokio::test]
async fn s_65_s_252_a_person_sees_and_ends_one_session_and_nothing_else() {
    let server = TestServer::production("").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    let page = person.open("/account").await;
    assert!(is_sign_in(&page), "{}", page.body);
    let page = log_in_at(&person, &page, "ada").await;
    assert!(page.body.contains("<h1>Your account</h1>"), "{}", page.body);
    assert!(page.body.contains("No program is signed in"));
    let one = program(&server, &person, "ada").await;
    server.advance(60);
    let two = program(&server, &person, "ada").await;
    let other = sign_in(&server, "ada").await;
    let page = person.open("/account").await;
    let sids = sids(&page);
    assert_eq!(sids.len(), 3, "{sids:?}");
    assert!(page.body.contains("this browser"));
    assert!(
        page.body
            .contains("from <bdi>this server&#39;s own machine</bdi>")
    );
    // Newest first: the second program.
    let ended = act(&person, &page, &[("sid", &sids[0]), ("action", "revoke")]).await;
    assert!(ended.body.contains("It is signed out."), "{}", ended.body);
    assert!(!is_active(&server, &two.member("access_token")).await);
    assert!(!can_refresh(&server, &two).await);
    assert!(can_refresh(&server, &one).await);
    assert!(other.open("/account").await.body.contains("Your account"));
    // Again is no error, and says so.
    let again = act(&person, &page, &[("sid", &sids[0]), ("action", "revoke")]).await;
    assert!(again.body.contains(GONE));
    // The other browser, by its name on the page, which is no name of a record.
    let browser = sids.iter().find(|sid| sid.starts_with("b-")).unwrap();
    act(&person, &page, &[("sid", browser), ("action", "revoke")]).await;
    assert!(is_sign_in(&other.open("/account").await));
    assert!(can_refresh(&server, &one).await);
}

async fn log_in_at(person: &Person, page: &Answer, username: &str) -> Answer {
    let fields = [("username", username), ("password", PASSWORD)];
    person.submit(page, &fields).await
}

#[tokio::test]
async fn what_belongs_to_another_person_is_as_unknown_as_what_never_was() {
    let server = TestServer::production("").await;
    server.person_with_account("ada", PASSWORD).await;
    server.person_with_account("eve", PASSWORD).await;
    let ada = sign_in(&server, "ada").await;
    let tokens = program(&server, &ada, "ada").await;
    let second = sign_in(&server, "ada").await;
    let theirs = sids(&ada.open("/account").await);
    assert_eq!(theirs.len(), 2);
    let eve = sign_in(&server, "eve").await;
    let page = eve.open("/account").await;
    assert!(sids(&page).is_empty());
    let mut answers = Vec::new();
    let unknown = "0".repeat(32);
    let foreign = [
        theirs[0].as_str(),
        theirs[1].as_str(),
        &unknown,
        &format!("b-{unknown}"),
        "",
        "'; DROP TABLE users",
    ];
    for sid in foreign {
        for action in ["revoke", "rename"] {
            let fields = [("sid", sid), ("action", action), ("label", "eve's")];
            let answer = act(&eve, &page, &fields).await;
            let csrf = form_to(&answer, "/account/export").hidden[0].1.clone();
            answers.push((answer.status, answer.body.replace(&csrf, "")));
        }
    }
    assert!(answers[0].1.contains(GONE), "{}", answers[0].1);
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
    assert!(can_refresh(&server, &tokens).await);
    assert!(!is_sign_in(&second.open("/account").await));
    assert!(!ada.open("/account").await.body.contains("eve&#39;s"));
}

#[tokio::test]
async fn s_15_forms_of_accounts_are_taken_from_our_page_in_the_same_session_only() {
    let server = TestServer::production("").await;
    server.person_with_account("ada", PASSWORD).await;
    server.person_with_account("eve", PASSWORD).await;
    let person = sign_in(&server, "ada").await;
    let tokens = program(&server, &person, "ada").await;
    let page = person.open("/account").await;
    let csrf = form_to(&page, "/account/export").hidden[0].1.clone();
    let eve = sign_in(&server, "eve").await;
    let foreign = form_to(&eve.open("/account").await, "/account/export").hidden[0]
        .1
        .clone();
    let sid = sids(&page)[0].clone();
    for path in [
        "/account/sessions",
        "/account/apps",
        "/account/password",
        "/account/export",
        "/account/delete",
    ] {
        let post = |token: &str| {
            let fields = [
                ("csrf", token),
                ("sid", &sid),
                ("action", "revoke"),
                ("name", "ada"),
                ("client", "cli"),
            ];
            person.http().post(server.url(path)).form(&fields)
        };
        for request in [
            post(""),
            post(&foreign),
            post(&csrf).header("sec-fetch-site", "cross-site"),
            post(&csrf).header("sec-fetch-site", "same-site"),
            post(&csrf).header("origin", "https://evil.example"),
        ] {
            let answer = person.send(request).await;
            assert_eq!(answer.status, 403, "{path}: {}", answer.body);
        }
        // A page says what may not be in a frame, and is never kept.
        let answer = person.send(post("")).await;
        assert_eq!(answer.header("x-frame-options"), "DENY");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("access-control-allow-origin"), "");
    }
    // A form of a session that has ended is none of the next one.
    log_in(&person, "ada", PASSWORD).await;
    let late = act(&person, &page, &[("sid", &sid), ("action", "revoke")]).await;
    assert_eq!(late.status, 403);
    assert!(can_refresh(&server, &tokens).await);
    assert!(server.accounts().find("ada").await.is_ok());
    for path in ["/account/sessions", "/account/apps", "/account/export"] {
        assert_eq!(person.open(path).await.status, 405, "{path}");
    }
}

#[tokio::test]
async fn a_name_of_a_session_is_shown_escaped_and_may_be_taken_away() {
    let server = TestServer::production("").await;
    server.person_with_account("ada", PASSWORD).await;
    let person = sign_in(&server, "ada").await;
    program(&server, &person, "ada").await;
    let page = person.open("/account").await;
    let sid = sids(&page)[0].clone();
    let name = "<script>alert(1)</script>\"\u{7}";
    let fields = [("sid", &*sid), ("action", "rename"), ("label", name)];
    let named = act(&person, &page, &fields).await;
    assert!(named.body.contains("The name is saved."), "{}", named.body);
    assert!(!named.body.contains("<script>alert"), "{}", named.body);
    assert!(
        named
            .body
            .contains("&#60;script&#62;alert(1)&#60;/script&#62;&#34;")
    );
    let fields = [("sid", &*sid), ("action", "rename"), ("label", "  ")];
    let cleared = act(&person, &page, &fields).await;
    assert!(!cleared.body.contains("alert(1)"));
}

#[tokio::test]
async fn s_263_revoking_all_others_leaves_one_browser_with_a_new_cookie() {
    let server = TestServer::production("").await;
    server.person_with_account("ada", PASSWORD).await;
    server.person_with_account("bob", PASSWORD).await;
    let (here, there) = (sign_in(&server, "ada").await, sign_in(&server, "ada").await);
    let bob = sign_in(&server, "bob").await;
    let (tokens, of_bob) = (
        program(&server, &here, "ada").await,
        program(&server, &bob, "bob").await,
    );
    // Approved and not yet redeemed: a code, and a device.
    let waiting = code(&there, "ada").await;
    let device = server
        .post("/oauth2/device_authorization", &[("client_id", "cli")])
        .await;
    let page = here.open("/device").await;
    let page = here
        .submit(&page, &[("user_code", &device.member("user_code"))])
        .await;
    here.submit(&page, APPROVE).await;
    let before = here.cookies()["__Host-hp_s"].clone();
    let page = here.open("/account").await;
    assert!(page.body.contains("Revoke all others (2)"), "{}", page.body);
    let done = act(&here, &page, &[("action", "revoke_others")]).await;
    assert!(
        done.body.contains("Everything but this browser"),
        "{}",
        done.body
    );
    assert_ne!(here.cookies()["__Host-hp_s"], before);
    assert!(is_sign_in(&there.open("/account").await));
    assert!(!can_refresh(&server, &tokens).await);
    assert!(can_refresh(&server, &of_bob).await);
    assert_eq!(redeem(&server, &waiting).await.status, 400);
    let form = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("client_id", "cli"),
        ("device_code", &device.member("device_code")),
    ];
    let polled = server.post("/oauth2/token", &form).await;
    assert_eq!(polled.member("error"), "invalid_grant", "{}", polled.body);
    // The old cookie is nobody's any more.
    let stolen = server.person();
    let request = stolen.http().get(server.url("/account"));
    let answer = stolen
        .send(request.header("cookie", format!("__Host-hp_s={before}")))
        .await;
    assert!(is_sign_in(&answer));
}

async fn change(person: &Person, fields: &[(&str, &str)]) -> Answer {
    let page = person.open("/account/password").await;
    let mut form = form_to(&page, "/account/password");
    form.ticked.clear();
    person.submit_form(&form, fields).await
}

#[tokio::test]
async fn s_65_a_password_is_changed_by_who_knows_it_and_ends_what_they_choose() {
    let server = TestServer::production("").await;
    server.person_with_account("ada", PASSWORD).await;
    let (here, there) = (sign_in(&server, "ada").await, sign_in(&server, "ada").await);
    let tokens = program(&server, &here, "ada").await;
    for (fields, words) in [
        (
            [("current", "x"), ("new", NEW), ("repeated", NEW)],
            "not your present",
        ),
        (
            [("current", ""), ("new", NEW), ("repeated", NEW)],
            "not your present",
        ),
        (
            [("current", PASSWORD), ("new", NEW), ("repeated", "x")],
            "differ",
        ),
        (
            [
                ("current", PASSWORD),
                ("new", "short"),
                ("repeated", "short"),
            ],
            "12",
        ),
        (
            [
                ("current", PASSWORD),
                ("new", PASSWORD),
                ("repeated", PASSWORD),
            ],
            "have already",
        ),
    ] {
        let answer = change(&here, &fields).await;
        assert_eq!(answer.status, 422, "{fields:?}");
        assert!(answer.body.contains(words), "{words}: {}", answer.body);
        assert!(!answer.body.contains(NEW));
    }
    let before = here.cookies()["__Host-hp_s"].clone();
    let fields = [("current", PASSWORD), ("new", NEW), ("repeated", NEW)];
    let done = change(&here, &fields).await;
    assert!(
        done.body.contains("Your password is changed."),
        "{}",
        done.body
    );
    assert_ne!(here.cookies()["__Host-hp_s"], before);
    assert!(
        is_sign_in(&there.open("/account").await),
        "other browsers end"
    );
    assert!(
        can_refresh(&server, &tokens).await,
        "programs stay by choice"
    );
    assert!(!is_in(&log_in(&server.person(), "ada", PASSWORD).await));
    assert!(is_in(&log_in(&server.person(), "ada", NEW).await));
    let third = "a third one, as long";
    let fields = [
        ("current", NEW),
        ("new", third),
        ("repeated", third),
        ("everything", "on"),
    ];
    change(&here, &fields).await;
    assert!(!can_refresh(&server, &tokens).await);
}

#[tokio::test]
async fn of_two_new_passwords_at_once_one_is_set() {
    let server = TestServer::production("").await;
    server.person_with_account("ada", PASSWORD).await;
    let person = sign_in(&server, "ada").await;
    let other = "another one, as long";
    let page = person.open("/account/password").await;
    let form = form_to(&page, "/account/password");
    let post = |new: &'static str| {
        let fields = [
            ("csrf", form.hidden[0].1.clone()),
            ("current", PASSWORD.to_owned()),
            ("new", new.to_owned()),
            ("repeated", new.to_owned()),
        ];
        let request = person.http().post(server.url("/account/password"));
        person.send(request.form(&fields))
    };
    let (one, two) = tokio::join!(post(NEW), post(other));
    let is_set = |answer: &Answer| answer.header("location") == "/account?done=password";
    assert_ne!(is_set(&one), is_set(&two), "{} {}", one.body, two.body);
    let (good, bad) = if is_set(&one) {
        (NEW, other)
    } else {
        (other, NEW)
    };
    assert!(is_in(&log_in(&server.person(), "ada", good).await));
    assert!(!is_in(&log_in(&server.person(), "ada", bad).await));
}

#[tokio::test]
async fn an_open_browser_is_no_place_to_guess_a_password() {
    let server = TestServer::production("").await;
    server.person_with_account("ada", PASSWORD).await;
    let person = sign_in(&server, "ada").await;
    for n in 0..10 {
        let fields = [("current", "wrong"), ("new", NEW), ("repeated", NEW)];
        assert_eq!(change(&person, &fields).await.status, 422, "{n}");
    }
    let fields = [("current", PASSWORD), ("new", NEW), ("repeated", NEW)];
    let locked = change(&person, &fields).await;
    assert_eq!((locked.status, locked.header("retry-after")), (429, "30"));
    // Who guesses here does not lock the owner out of signing in.
    assert!(is_in(&log_in(&server.person(), "ada", PASSWORD).await));
}

#[tokio::test]
async fn what_matters_most_needs_a_sign_in_of_the_last_ten_minutes() {
    let server = TestServer::production("").await;
    server.person_with_account("ada", PASSWORD).await;
    let person = sign_in(&server, "ada").await;
    let page = person.open("/account").await;
    let export = form_to(&page, "/account/export");
    server.advance(599);
    assert_eq!(
        person
            .submit_form(&export, &[])
            .await
            .header("content-type"),
        "application/json"
    );
    server.advance(1);
    for path in ["/account/password", "/account/delete"] {
        let asked = person.open(path).await;
        assert!(is_sign_in(&asked), "{path}: {}", asked.body);
        assert!(asked.body.contains("to confirm that it is you"));
        assert!(
            asked.body.contains("value=\"ada\""),
            "the name is filled in"
        );
    }
    let csrf = export.hidden[0].1.clone();
    for (path, fields) in [
        ("/account/export", &[][..]),
        ("/account/delete", &[("name", "ada")]),
        (
            "/account/password",
            &[("current", PASSWORD), ("new", NEW), ("repeated", NEW)],
        ),
    ] {
        let form = Form {
            action: path.to_owned(),
            hidden: vec![("csrf".to_owned(), csrf.clone())],
            ticked: Vec::new(),
        };
        let asked = person.submit_form(&form, fields).await;
        assert!(is_sign_in(&asked), "{path}: {}", asked.body);
    }
    // What ends a session is not kept waiting.
    assert!(person.open("/account").await.body.contains("Your account"));
    let asked = person.open("/account/delete").await;
    let page = log_in_at(&person, &asked, "ada").await;
    assert!(page.body.contains("Delete your account?"), "{}", page.body);
    assert!(is_in(&log_in(&server.person(), "ada", PASSWORD).await));
}

#[tokio::test]
async fn the_history_tells_of_tries_that_did_and_did_not() {
    let server = TestServer::production("").await;
    server.person_with_account("ada", PASSWORD).await;
    server.person_with_account("bob", PASSWORD).await;
    log_in(&server.person(), "ada", "wrong password").await;
    log_in(&server.person(), "nobody", "wrong password").await;
    let chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) \
        Chrome/140.0.0.0 Safari/537.36";
    let person = server.person();
    let page = person.open("/login").await;
    let csrf = forms(&page.body)[0].hidden[0].1.clone();
    let fields = [
        ("csrf", &*csrf),
        ("username", "ada"),
        ("password", PASSWORD),
    ];
    let request = person.http().post(server.url("/login")).form(&fields);
    person.send(request.header("user-agent", chrome)).await;
    let page = person.open("/account/history").await;
    let count =
        |page: &Answer, word: &str| page.body.matches(&format!("<span>{word}</span>")).count();
    assert_eq!(
        (count(&page, "Signed in"), count(&page, "Refused")),
        (1, 1),
        "{}",
        page.body
    );
    assert!(
        page.body.contains("from <bdi>127.0.0.1</bdi>") && page.body.contains("Chrome on Linux")
    );
    let bob = sign_in(&server, "bob").await;
    let page = bob.open("/account/history").await;
    assert_eq!((count(&page, "Signed in"), count(&page, "Refused")), (1, 0));
}

#[tokio::test]
async fn the_export_has_what_is_kept_and_no_secret() {
    let server = TestServer::production("").await;
    server.person_with_account("ada", PASSWORD).await;
    let person = sign_in(&server, "ada").await;
    let tokens = program(&server, &person, "ada").await;
    let page = person.open("/account").await;
    let export = form_to(&page, "/account/export");
    let file = person.submit_form(&export, &[]).await;
    assert_eq!(
        file.header("content-disposition"),
        "attachment; filename=\"account.json\""
    );
    let written: Value = file.json();
    let account = server.accounts().find("ada").await.unwrap();
    assert_eq!(written["account"]["sub"], account.id.as_str());
    assert_eq!(written["account"]["email"], "ada@example.com");
    assert_eq!(written["sessions"][0]["client_id"], "cli");
    assert_eq!(written["sessions"][0]["sid"], sids(&page)[0].as_str());
    assert_eq!(written["sign_ins"][0]["signed_in"], true);
    for secret in [
        person.cookies()["__Host-hp_s"].as_str(),
        &tokens.member("refresh_token"),
        "argon2",
    ] {
        assert!(!file.body.contains(secret));
    }
}

#[tokio::test]
async fn s_236_a_deleted_account_is_gone_with_all_it_had_and_its_name_comes_back_as_another() {
    let server = TestServer::production("").await;
    server.person_with_account("ada", PASSWORD).await;
    let (person, other) = (sign_in(&server, "ada").await, sign_in(&server, "ada").await);
    let tokens = program(&server, &person, "ada").await;
    let waiting = code(&other, "ada").await;
    let sub = server.accounts().find("ada").await.unwrap().id;
    let page = person.open("/account/delete").await;
    let wrong = person.submit(&page, &[("name", "eve")]).await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.body.contains("Nothing was deleted"));
    let gone = person.submit(&page, &[("name", "ada")]).await;
    assert!(
        gone.body.contains("Your account is deleted"),
        "{}",
        gone.body
    );
    assert_eq!(person.cookies().get("__Host-hp_s"), None);
    assert!(server.accounts().find("ada").await.is_err());
    assert!(!is_active(&server, &tokens.member("access_token")).await);
    assert!(!can_refresh(&server, &tokens).await);
    assert_eq!(redeem(&server, &waiting).await.status, 400);
    assert!(is_sign_in(&other.open("/account").await));
    assert!(!is_in(&log_in(&server.person(), "ada", PASSWORD).await));
    server.person_with_account("ada", PASSWORD).await;
    assert_ne!(server.accounts().find("ada").await.unwrap().id, sub);
    let anew = sign_in(&server, "ada").await;
    let page = anew.open("/account").await;
    assert!(
        page.body.contains("No program is signed in"),
        "{}",
        page.body
    );
    assert!(sids(&page).is_empty());
}

/// Else administrators would be asked for a second factor.
const NO_FACTOR: &str = "[login]\nrequire_mfa = \"off\"\n";

async fn admin(server: &TestServer, username: &str) -> Person {
    let new = NewAccount {
        username: username.to_owned(),
        email: None,
        display_name: None,
        role: Role::Admin,
        locale: None,
    };
    let password = Secret::new(PASSWORD.to_owned());
    let made = server.accounts().create_with_password(new, password).await;
    made.unwrap();
    sign_in(server, username).await
}

async fn delete(person: &Person, username: &str) -> Answer {
    let page = person.open("/account/delete").await;
    person.submit(&page, &[("name", username)]).await
}

#[tokio::test]
async fn the_last_administrator_who_can_sign_in_cannot_leave() {
    let server = TestServer::production(NO_FACTOR).await;
    server.person_with_account("user", PASSWORD).await;
    let ada = admin(&server, "ada").await;
    // An administrator without a password, and one who is locked, cannot take over.
    let invited = NewAccount {
        username: "invited".to_owned(),
        email: None,
        display_name: None,
        role: Role::Admin,
        locale: None,
    };
    server.accounts().create(invited).await.unwrap();
    admin(&server, "locked").await;
    server.accounts().lock("locked").await.unwrap();
    let refused = delete(&ada, "ada").await;
    assert_eq!(refused.status, 422);
    assert!(
        refused
            .body
            .contains("Make somebody else an administrator first")
    );
    assert!(server.accounts().find("ada").await.is_ok());
    // Nothing else ended either.
    assert!(!is_sign_in(&ada.open("/account").await));
    admin(&server, "grace").await;
    assert!(
        delete(&ada, "ada")
            .await
            .body
            .contains("Your account is deleted")
    );
    // Everybody else may go.
    let user = sign_in(&server, "user").await;
    assert!(
        delete(&user, "user")
            .await
            .body
            .contains("Your account is deleted")
    );
}

#[tokio::test]
async fn of_two_administrators_who_leave_at_once_one_stays() {
    let server = TestServer::production(NO_FACTOR).await;
    let (ada, grace) = (admin(&server, "ada").await, admin(&server, "grace").await);
    let (one, other) = tokio::join!(delete(&ada, "ada"), delete(&grace, "grace"));
    let left = [&one, &other].map(|answer| answer.body.contains("Your account is deleted"));
    assert_ne!(left[0], left[1], "{left:?}");
}

#[tokio::test]
async fn a_locked_account_has_no_page() {
    let server = TestServer::production("").await;
    server.person_with_account("ada", PASSWORD).await;
    let person = sign_in(&server, "ada").await;
    let page = person.open("/account").await;
    server.accounts().lock("ada").await.unwrap();
    assert!(is_sign_in(&person.open("/account").await));
    let late = act(&person, &page, &[("action", "revoke_others")]).await;
    assert!(is_sign_in(&late), "{}", late.body);
}

/// People are asked what the client may do, and it is remembered.
const ASKING: &str = r#"
[[client]]
id = "shop"
name = "Shop <i>& Co</i>"
type = "confidential"
secret = "s3cret"
redirect_uris = ["https://shop.test/cb"]
scopes = ["openid", "email"]
consent = "remember"
"#;

#[tokio::test]
async fn an_app_that_was_allowed_asks_again_when_its_person_wants() {
    let server = TestServer::production(ASKING).await;
    server.person_with_account("ada", PASSWORD).await;
    server.person_with_account("eve", PASSWORD).await;
    let ask = Person::authorization_path_with(
        "shop",
        "openid email",
        &[("redirect_uri", "https://shop.test/cb")],
    )
    .replace("/default/authorize", "/oauth2/authorize");
    for name in ["ada", "eve"] {
        let person = sign_in(&server, name).await;
        let page = person.open(&ask).await;
        assert!(page.body.contains("to use your account?"), "{}", page.body);
        let answer = person.submit(&page, &[("action", "allow")]).await;
        assert!(answer.header("location").contains("code="));
    }
    let (ada, eve) = (sign_in(&server, "ada").await, sign_in(&server, "eve").await);
    let page = ada.open("/account").await;
    assert!(
        page.body.contains("Shop &#60;i&#62;&#38; Co"),
        "{}",
        page.body
    );
    assert!(page.body.contains("see your email address"));
    let form = form_to(&page, "/account/apps");
    let gone = ada.submit_form(&form, &[("client", "cli")]).await;
    assert!(gone.body.contains(GONE));
    let done = ada.submit_form(&form, &[("client", "shop")]).await;
    assert!(
        done.body.contains("The app will ask you again."),
        "{}",
        done.body
    );
    assert!(ada.open(&ask).await.body.contains("to use your account?"));
    assert!(!eve.open(&ask).await.body.contains("to use your account?"));
}
