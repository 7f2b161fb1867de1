//! A password, and the pages that ask for it: rows S-12, S-15, S-49 to S-52, S-133.

use hallpass_testing::TestServer;
use hallpass_testing::person::without_challenges;

use super::steps::{PASSWORD, WRONG, claims, code, fill_in, log_in, redeem, refresh, session_of};

#[tokio::test]
async fn a_person_signs_in_with_a_password_and_the_tokens_say_how() {
    let server = TestServer::production("").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    let code = code(&person, "ADA").await;
    let tokens = redeem(&server, &code).await;
    let id_token = claims(&tokens.member("id_token"));
    assert_eq!(id_token["acr"], "pwd");
    assert_eq!(id_token["amr"], serde_json::json!(["pwd"]));
    let account = server.accounts().find("ada").await.unwrap();
    assert_eq!(id_token["sub"], account.id.as_str());
    assert_ne!(
        id_token["sub"], "ada",
        "S-236: a name may come back, a subject never"
    );
    assert_eq!(id_token["auth_time"], hallpass_testing::server::START);
    assert!(account.last_login_at.is_some());
    // The refreshed token says the same of the sign-in (OIDC Core §12.2).
    server.advance(60);
    let refreshed = refresh(&server, &tokens.member("refresh_token")).await;
    let again = claims(&refreshed.member("id_token"));
    for name in ["sub", "acr", "amr", "auth_time"] {
        assert_eq!(again[name], id_token[name], "{name}");
    }
}

#[tokio::test]
async fn s_12_s_133_wrong_password_unknown_name_no_password_and_locked_are_one_answer() {
    let server = TestServer::production("").await;
    server.person_with_account("ada", PASSWORD).await;
    server.person_with_account("locked", PASSWORD).await;
    server.accounts().lock("locked").await.unwrap();
    let invited = hallpass_server::accounts::NewAccount {
        username: "invited".to_owned(),
        email: Some("invited@example.com".to_owned()),
        display_name: None,
        role: hallpass_server::accounts::Role::User,
        locale: None,
    };
    server.accounts().invite(invited).await.unwrap();
    let mut answers = Vec::new();
    for (name, password) in [
        ("ada", "wrong password"),
        ("ada", ""),
        ("nobody", PASSWORD),
        ("locked", PASSWORD),
        ("locked", "wrong password"),
        ("invited", PASSWORD),
        ("nobody@example.com", PASSWORD),
        ("invited@example.com", PASSWORD),
        ("ada@example.com", PASSWORD),
        ("<b>", PASSWORD),
    ] {
        let person = server.person();
        let answer = log_in(&person, name, password).await;
        assert_eq!(answer.status, 422, "{name}");
        assert!(answer.body.contains(WRONG), "{name}");
        assert_eq!(session_of(&person), None, "{name}");
        // As a value: the hash in the name of a file may have these letters, too.
        let mut body = answer
            .body
            .replace(&format!("\"{name}\""), "NAME")
            .replace("\"&#60;b&#62;\"", "NAME");
        let token = hallpass_testing::person::forms(&answer.body)[0].hidden[0]
            .1
            .clone();
        body = without_challenges(&body.replace(&token, "TOKEN"));
        let names: Vec<String> = answer.headers.keys().map(ToString::to_string).collect();
        answers.push((body, names));
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
    assert!(
        !answers[0].0.contains(PASSWORD),
        "the page repeats the password"
    );
}

#[tokio::test]
#[expect(
    clippy::disallowed_methods,
    reason = "the work is measured, not the server's time"
)]
async fn s_12_an_unknown_name_costs_the_same_work() {
    let server = TestServer::production("").await;
    server.person_with_account("ada", PASSWORD).await;
    // Medians of seven, each name from a page of its own: a missing hash would be a tenth.
    let time = async |name: &str| {
        let mut times = Vec::new();
        for _ in 0..7 {
            let person = server.person();
            let page = person.open("/login").await;
            let begun = std::time::Instant::now();
            fill_in(&person, &page, name, "wrong password").await;
            times.push(begun.elapsed());
        }
        times.sort();
        times[3]
    };
    let (known, unknown) = (time("ada").await, time("nobody").await);
    let ratio = known.as_secs_f64() / unknown.as_secs_f64();
    assert!((0.4..2.5).contains(&ratio), "{known:?} and {unknown:?}");
}

#[tokio::test]
async fn s_15_a_sign_in_form_from_elsewhere_is_refused() {
    let server = TestServer::production("").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    let fields = [("username", "ada"), ("password", PASSWORD)];
    // Production has no exception for programs: they have grants of their own.
    let bare = person
        .send(person.http().post(server.url("/login")).form(&fields))
        .await;
    assert_eq!(bare.status, 403);
    let page = person.open("/login").await;
    let other = server.person();
    other.open("/login").await;
    let stolen = other.submit(&page, &fields).await;
    assert_eq!(stolen.status, 403, "a form of another browser");
    let form = &hallpass_testing::person::forms(&page.body)[0];
    let mut all: Vec<_> = form
        .hidden
        .iter()
        .map(|(n, v)| (n.as_str(), v.as_str()))
        .collect();
    all.extend(fields);
    let cross = person.http().post(server.url("/login")).form(&all);
    let cross = person
        .send(cross.header("sec-fetch-site", "cross-site"))
        .await;
    assert_eq!(cross.status, 403);
    assert_eq!(session_of(&person), None);
}

#[tokio::test]
async fn s_50_s_51_s_52_the_pages_of_accounts_are_framed_by_nobody_and_lead_nowhere_else() {
    let server = TestServer::production("").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    for path in [
        "/login?next=https://evil.test&redirect_uri=https://evil.test",
        "/login/recover?next=https://evil.test",
        "/login/password?link=x&next=https://evil.test",
    ] {
        let request = person
            .http()
            .get(server.url(path))
            .header("origin", "https://evil.test");
        let answer = person.send(request).await;
        assert!(
            answer
                .header("content-security-policy")
                .contains("frame-ancestors 'none'"),
            "{path}"
        );
        assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        assert!(!answer.body.contains("evil.test"), "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "", "{path}");
    }
    let page = person.open("/login?next=https://evil.test").await;
    let form = &hallpass_testing::person::forms(&page.body)[0];
    let fields = form.fields(&[
        ("username", "ada"),
        ("password", PASSWORD),
        ("next", "https://evil.test"),
    ]);
    let answer = person
        .send(person.http().post(server.url("/login")).form(&fields))
        .await;
    assert_eq!((answer.status, answer.header("location")), (303, "/device"));
}

#[tokio::test]
async fn dev_mode_has_no_pages_for_passwords() {
    let server = TestServer::dev().await;
    for path in [
        "/login/recover",
        "/login/password",
        "/.well-known/change-password",
        "/account",
        "/account/password",
        "/account/delete",
    ] {
        assert_eq!(server.get(path).await.status, 404, "{path}");
    }
}
