//! Forms and pages that somebody else's page would like to use.

use hallpass_testing::person::forms;
use hallpass_testing::{Answer, Person, TestServer};

use super::steps::{PASSWORD, ask, link_for, mails_before_another, open, take_link};
use super::whole_way::{authorization, href};
use crate::languages::next_mail;

/// Posts a form with a header of the browser.
async fn post(
    (server, person): (&TestServer, &Person),
    path: &str,
    fields: &[(&str, &str)],
    (name, value): (&'static str, &str),
) -> Answer {
    let request = person.http().post(server.url(path)).form(fields);
    person.send(request.header(name, value)).await
}

#[tokio::test]
async fn s_15_only_our_own_pages_post_these_forms() {
    let (folder, server) = open("").await;
    let link = link_for((&folder, &server), "ada@example.com").await;
    let person = server.person();
    for (page, typed) in [
        ("/login/sign-up", vec![("email", "eve@example.com")]),
        (&link, vec![("password", PASSWORD), ("repeated", PASSWORD)]),
    ] {
        let shown = person.open(page).await;
        let form = forms(&shown.body).remove(0);
        let at = (&server, &person);
        let path = form.action.as_str();
        let good = form.fields(&typed);
        let cross = post(at, path, &good, ("sec-fetch-site", "cross-site")).await;
        assert_eq!(cross.status, 403, "{page}");
        let without: Vec<_> = good
            .iter()
            .copied()
            .filter(|(name, _)| *name != "csrf")
            .collect();
        let bare = post(at, path, &without, ("sec-fetch-site", "same-origin")).await;
        assert_eq!(bare.status, 403, "{page}: without a token");
        // Somebody else's page in my browser: login CSRF would begin so.
        let stolen = server.person().submit(&shown, &typed).await;
        assert_eq!(stolen.status, 403, "{page}: in another browser");
        let request = person.http().post(server.url(path)).body("{}");
        let json = person
            .send(request.header("content-type", "application/json"))
            .await;
        assert_eq!(json.status, 400, "{page}");
    }
    let mails = mails_before_another((&folder, &server), "last@example.com").await;
    assert!(mails.is_empty(), "{mails:?}");
    assert!(server.accounts().list("", 9).await.unwrap().is_empty());
}

#[tokio::test]
async fn s_49_no_page_is_framed_kept_or_told_of() {
    let (folder, server) = open("").await;
    let link = link_for((&folder, &server), "ada@example.com").await;
    let person = server.person();
    let asked = person.open("/login/sign-up").await;
    let wrong = ask(&person, "ada").await;
    let sent = ask(&person, "grace@example.com").await;
    let opened = person.open(&link).await;
    let refused = take_link(&person, &opened, "short").await;
    let done = take_link(&person, &opened, PASSWORD).await;
    let dead = person.open(&link).await;
    for (name, page) in [
        ("asked", asked),
        ("wrong", wrong),
        ("sent", sent),
        ("opened", opened),
        ("refused", refused),
        ("done", done),
        ("dead", dead),
    ] {
        let policy = page.header("content-security-policy");
        for rule in [
            "default-src 'none'",
            "frame-ancestors 'none'",
            "form-action 'self'",
        ] {
            assert!(policy.contains(rule), "{name}: {policy}");
        }
        for (header, value) in [
            ("x-frame-options", "DENY"),
            ("cache-control", "no-store"),
            ("referrer-policy", "no-referrer"),
            ("x-content-type-options", "nosniff"),
            ("cross-origin-opener-policy", "same-origin"),
            ("access-control-allow-origin", ""),
        ] {
            assert_eq!(page.header(header), value, "{name}: {header}");
        }
    }
    for method in [http::Method::PUT, http::Method::DELETE] {
        let request = person.http().request(method, server.url("/login/sign-up"));
        assert_eq!(person.send(request).await.status, 405);
    }
}

#[tokio::test]
async fn s_52_nobody_is_led_elsewhere_nor_into_somebody_else_s_sign_in() {
    let (folder, server) = open("").await;
    // A good way on, of another browser.
    let other = server.person();
    let sign_in = other.open(&authorization()).await;
    let of_other = href(&sign_in, "Create an account");
    let (_, of_other) = of_other.split_once("interaction=").unwrap();
    let person = server.person();
    for (n, wish) in [
        "https://evil.test/",
        "//evil.test/",
        "/\\evil.test",
        "javascript:alert(1)",
        "eyJwYXRoIjoiLy9ldmlsLnRlc3QifQ.AAAA",
        of_other,
    ]
    .into_iter()
    .enumerate()
    {
        let query = serde_urlencoded(wish);
        let page = person
            .open(&format!("/login/sign-up?interaction={query}"))
            .await;
        assert_eq!(page.status, 200, "{wish}");
        assert_eq!(href(&page, "Back to sign in"), "/login", "{wish}");
        let form = forms(&page.body).remove(0);
        assert!(
            form.hidden.iter().all(|(name, _)| name != "interaction"),
            "{wish}"
        );
        // And put back into the form by hand, or into the cookie.
        let email = format!("n{n}@example.com");
        let sent = person
            .submit_form(&form, &[("interaction", wish), ("email", &email)])
            .await;
        assert_eq!(sent.status, 200, "{}", sent.body);
        assert_eq!(sent.header("set-cookie"), "", "{wish}");
        let link = super::link_in(&next_mail(&folder).await);
        let opened = person.open(&link).await;
        let fields = [("password", PASSWORD), ("repeated", PASSWORD)];
        let form = forms(&opened.body).remove(0);
        let cookies: Vec<String> = person
            .cookies()
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .chain([format!("__Host-hp_d={}", wish.replace(['\\', ' '], ""))])
            .collect();
        let request = person
            .http()
            .post(server.url("/login/create-account"))
            .header("cookie", cookies.join("; "))
            .form(&form.fields(&fields));
        // Not by the person: whose cookies it would send besides.
        let done = server.send(request).await;
        assert_eq!(done.status, 200, "{}", done.body);
        assert_eq!(href(&done, "Sign in"), "/login", "{wish}");
    }
}

fn serde_urlencoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[tokio::test]
async fn a_sign_in_that_was_left_is_gone_on_with_for_a_day() {
    let (folder, server) = open("").await;
    let person = server.person();
    let sign_in = person.open(&authorization()).await;
    let way = href(&sign_in, "Create an account");
    server.advance(24 * 3600);
    let page = person.open(&way).await;
    assert_eq!(href(&page, "Back to sign in"), "/login");
    // The choice of a language and a mistake lose nothing on the way.
    let sign_in = person.open(&authorization()).await;
    let page = person.open(&href(&sign_in, "Create an account")).await;
    assert!(href(&page, "Back to sign in").starts_with("/oauth2/authorize?"));
    let page = person.submit(&page, &[("email", "nothing")]).await;
    assert_eq!(page.status, 422);
    let sent = person.submit(&page, &[("email", "ada@example.com")]).await;
    assert!(href(&sent, "Back to sign in").starts_with("/oauth2/authorize?"));
    let cookie = sent.header("set-cookie");
    for attribute in [
        "__Host-hp_d=",
        "; Path=/",
        "; HttpOnly",
        "; SameSite=Lax",
        "; Secure",
    ] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    let link = super::link_in(&next_mail(&folder).await);
    let opened = person.open(&link).await;
    let done = take_link(&person, &opened, PASSWORD).await;
    assert!(href(&done, "Sign in").starts_with("/oauth2/authorize?"));
}
