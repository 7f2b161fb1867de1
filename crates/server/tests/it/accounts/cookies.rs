//! Browser sessions: rows, S-227 to S-229, S-240, S-246.

use hallpass_testing::{Person, TestServer};

use super::steps::{
    PASSWORD, authorization, code, fill_in, is_active, log_in, redeem, refresh, session_of,
};

#[tokio::test]
async fn cookies_are_host_bound_and_secure() {
    let server = TestServer::production("").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    let page = person.open("/login").await;
    let form = &hallpass_testing::person::forms(&page.body)[0];
    let fields = form.fields(&[("username", "ada"), ("password", PASSWORD)]);
    let request = person.http().post(server.url("/login")).form(&fields);
    let answer = person.send(request).await;
    // Rows S-49 and A-34: the browser must not post the password on.
    assert_eq!(answer.status, 303);
    let cookies: Vec<_> = answer.headers.get_all("set-cookie").iter().collect();
    let session = cookies.iter().map(|cookie| cookie.to_str().unwrap());
    let session: Vec<_> = session
        .filter(|text| text.starts_with("__Host-hp_s="))
        .collect();
    assert_eq!(session.len(), 1);
    assert!(
        session[0].ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure"),
        "{}",
        session[0]
    );
    for cookie in cookies.iter().map(|cookie| cookie.to_str().unwrap()) {
        assert!(
            cookie.starts_with("__Host-") && cookie.contains("; Secure"),
            "{cookie}"
        );
        assert!(
            !cookie.contains("Domain") && !cookie.contains(PASSWORD),
            "{cookie}"
        );
    }
    assert!(
        page.header("strict-transport-security")
            .contains("max-age=")
    );
}

#[tokio::test]
async fn a_78_the_cookie_is_new_at_each_sign_in_and_the_one_before_is_dead() {
    let server = TestServer::production("").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    log_in(&person, "ada", PASSWORD).await;
    let first = session_of(&person).unwrap();
    log_in(&person, "ada", PASSWORD).await;
    let second = session_of(&person).unwrap();
    assert_ne!(first, second);
    let whoever_has = async |cookie: &str| {
        let request = server.http().get(server.url("/oauth2/logout"));
        let request = request.header("cookie", format!("__Host-hp_s={cookie}"));
        server.send(request).await.body.contains("Signed in as")
    };
    assert!(whoever_has(&second).await);
    assert!(!whoever_has(&first).await, "the old cookie still signs in");
    assert!(!whoever_has("hpb_planted").await);
    // What an attacker planted beforehand is not taken up.
    let victim = server.person();
    let planted = second.clone();
    let page = victim.open("/login").await;
    let form = &hallpass_testing::person::forms(&page.body)[0];
    let fields = form.fields(&[("username", "ada"), ("password", PASSWORD)]);
    let cookie = format!(
        "{}; __Host-hp_s={planted}",
        page.header("set-cookie").split(';').next().unwrap()
    );
    let request = server
        .http()
        .post(server.url("/login"))
        .header("cookie", cookie)
        .form(&fields);
    let answer = server.send(request).await;
    assert_eq!(answer.status, 303);
    assert!(!answer.header("set-cookie").contains(&planted));
    assert!(!whoever_has(&planted).await);
}

#[tokio::test]
async fn s_227_s_228_s_229_prompt_and_max_age_against_real_sessions() {
    let server = TestServer::production("").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    let web = |changes: &[(&str, &str)]| {
        let redirect = ("redirect_uri", "https://app.test/cb");
        let changes: Vec<_> = [redirect].iter().chain(changes).copied().collect();
        let path = Person::authorization_path_with("web", "openid", &changes);
        path.replace("/default/authorize", "/oauth2/authorize")
    };
    let error = person.open(&web(&[("prompt", "none")])).await;
    assert_eq!(error.redirect_parameters()["error"], "login_required");
    log_in(&person, "ada", PASSWORD).await;
    let silent = person.open(&web(&[("prompt", "none")])).await;
    assert!(silent.redirect_parameters().contains_key("code"));
    server.advance(100);
    let old = person
        .open(&web(&[("prompt", "none"), ("max_age", "100")]))
        .await;
    assert_eq!(old.redirect_parameters()["error"], "login_required");
    for changes in [
        [("prompt", "login")],
        [("max_age", "0")],
        [("max_age", "99")],
    ] {
        let page = person.open(&web(&changes)).await;
        assert!(page.body.contains("name=\"password\""), "{changes:?}");
        let wrong = fill_in(&person, &page, "ada", "wrong password").await;
        assert_eq!(wrong.status, 422, "{changes:?}: the session was enough");
        let right = fill_in(&person, &wrong, "ada", PASSWORD).await;
        assert!(
            right.redirect_parameters().contains_key("code"),
            "{changes:?}"
        );
        server.advance(100);
    }
}

#[tokio::test]
async fn s_240_s_243_s_246_a_76_signing_out_asks_and_ends_the_session() {
    let server = TestServer::production("").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    let code = code(&person, "ada").await;
    let tokens = redeem(&server, &code).await;
    let online = person.open(&authorization(&[("scope", "openid")])).await;
    let online = person.submit(&online, &[("action", "continue")]).await;
    let online = redeem(&server, &online.redirect_parameters()["code"]).await;
    let page = person.open("/oauth2/logout").await;
    assert!(page.body.contains("ada"), "the page says who is signed in");
    assert!(
        !page
            .body
            .contains(server.accounts().find("ada").await.unwrap().id.as_str())
    );
    assert!(
        person
            .open("/oauth2/logout")
            .await
            .body
            .contains("Signed in as"),
        "GET signed out"
    );
    let cookie = session_of(&person).unwrap();
    let done = person.submit(&page, &[("confirm", "yes")]).await;
    assert!(done.body.contains("signed out"));
    assert_eq!(session_of(&person), None);
    let request = server.http().get(server.url("/oauth2/logout"));
    let request = request.header("cookie", format!("__Host-hp_s={cookie}"));
    assert!(
        !server.send(request).await.body.contains("Signed in as"),
        "the session lives on"
    );
    assert!(!is_active(&server, &online.member("access_token")).await);
    // Offline access was asked for: it outlives the browser.
    assert_eq!(
        refresh(&server, &tokens.member("refresh_token"))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn sessions_end_when_they_are_idle_and_at_their_absolute_end() {
    let settings = "[ttl]\nsso_idle = \"1h\"\nsso_absolute = \"3h\"";
    let server = TestServer::production(settings).await;
    let person = server.person_with_account("ada", PASSWORD).await;
    let is_signed_in = async || {
        person
            .open("/oauth2/logout")
            .await
            .body
            .contains("Signed in as")
    };
    log_in(&person, "ada", PASSWORD).await;
    for _ in 0..5 {
        server.advance(35 * 60);
        assert!(is_signed_in().await, "a session that is used");
    }
    server.advance(5 * 60);
    assert!(!is_signed_in().await, "three hours are over");
    log_in(&person, "ada", PASSWORD).await;
    server.advance(3600);
    assert!(!is_signed_in().await, "an idle hour is over");
}
