//! What is signed in: seen, named, ended. Rows S-15, S-65, S-252, S-263.

use hallpass_testing::person::APPROVE;
use hallpass_testing::{Person, TestServer};

use super::steps::{
    GONE, act, can_refresh, form_to, is_sign_in, log_in_at, program, sids, sign_in,
};
use crate::accounts::{PASSWORD, code, is_active, log_in, redeem};

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
