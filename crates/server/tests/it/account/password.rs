//! A new password: row S-65.

use hallpass_testing::person::Form;
use hallpass_testing::{Answer, Person, TestServer};

use super::steps::{NEW, can_refresh, form_to, is_sign_in, log_in_at, program, sign_in};
use crate::accounts::{PASSWORD, is_in, log_in};

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
