//! What all pages have in common: rows S-49 to S-51 and A-07.

use hallpass_testing::person::{APPROVE, forms};
use hallpass_testing::{Answer, Person, TestServer};

/// Every page that a person can come to, with its name.
async fn crawl(server: &TestServer) -> Vec<(&'static str, Answer)> {
    let person = server.person();
    let authorize = Person::authorization_path("web-app", "openid");
    let mut pages = vec![
        ("home", person.open("/").await),
        ("not found", person.open("/nothing/here").await),
        (
            "method",
            person
                .send(person.http().delete(server.url("/default/device")))
                .await,
        ),
        (
            "unreadable",
            person.open("/default/device?user_code=a&user_code=b").await,
        ),
        ("login", person.open("/default/login").await),
        ("authorization login", person.open(&authorize).await),
        (
            "authorization refused",
            person.open("/default/authorize?client_id=a").await,
        ),
        ("device entry", person.open("/default/device").await),
        ("device entry at the root", person.open("/device").await),
        (
            "hydra's verify page",
            person.open("/oauth2/device/verify").await,
        ),
        (
            "device confirm without a code",
            person.open("/default/device/confirm").await,
        ),
        ("signed out", person.open("/default/endsession").await),
    ];
    let login = person.open("/default/login").await;
    pages.push((
        "login with a mistake",
        person
            .submit(&login, &[("username", ""), ("claims", "[")])
            .await,
    ));
    let wrong = person.try_code("BBBB-BBBB").await;
    pages.push(("wrong code", wrong));
    let entry = person.open("/default/device").await;
    let bare = person
        .http()
        .post(server.url("/default/device"))
        .form(&[("user_code", "x")]);
    pages.push(("forged", person.send(bare).await));
    let user_code = server
        .start_device("cli", "openid offline_access")
        .await
        .member("user_code");
    let login = person.submit(&entry, &[("user_code", &user_code)]).await;
    let confirm = person.submit(&login, &[("username", "ada")]).await;
    pages.push(("device login", login));
    pages.push(("device done", person.submit(&confirm, APPROVE).await));
    pages.push(("device confirm", confirm));
    pages.push(("continue as", person.open(&authorize).await));
    let posted =
        Person::authorization_path_with("web-app", "openid", &[("response_mode", "form_post")]);
    let page = person.open(&posted).await;
    pages.push((
        "form post",
        person.submit(&page, &[("action", "continue")]).await,
    ));
    pages.push(("sign-out", person.open("/default/endsession").await));
    pages.extend(guess(server).await);
    pages
}

/// What guessers see, and everybody else when there are many.
async fn guess(server: &TestServer) -> [(&'static str, Answer); 2] {
    let guesser = server.person();
    for _ in 0..5 {
        guesser.try_code("BBBB-BBBB").await;
    }
    let locked = guesser.open("/default/device").await;
    // Sixty wrong codes in all.
    for address in 2..20 {
        let guesser = server.person_at(address);
        for _ in 0..3 {
            guesser.try_code("BBBB-BBBB").await;
        }
    }
    let sign_in_first = server.person().open("/default/device").await;
    [("locked", locked), ("sign in first", sign_in_first)]
}

#[tokio::test]
async fn s_51_a_07_every_page_has_its_headers() {
    let server = TestServer::dev().await;
    for (name, page) in crawl(&server).await {
        let status = match name {
            "unreadable" | "authorization refused" => 400,
            "forged" => 403,
            "not found" => 404,
            "method" => 405,
            "wrong code" | "login with a mistake" | "device confirm without a code" => 422,
            "locked" => 429,
            _ => 200,
        };
        assert_eq!(page.status, status, "{name}: {}", page.body);
        let policy = page.header("content-security-policy").to_owned();
        assert_eq!(
            page.header("content-type"),
            "text/html; charset=utf-8",
            "{name}: {}",
            page.body
        );
        for directive in [
            "default-src 'none'",
            "script-src 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        ] {
            assert!(
                policy.split("; ").any(|given| given == directive),
                "{name}: {policy}"
            );
        }
        assert!(!policy.contains("unsafe"), "{name}: {policy}");
        assert_eq!(page.header("x-frame-options"), "DENY", "{name}");
        assert_eq!(page.header("referrer-policy"), "no-referrer", "{name}");
        assert_eq!(page.header("x-content-type-options"), "nosniff", "{name}");
        assert_eq!(page.header("cache-control"), "no-store", "{name}");
        // Nothing in the page needs what the policy forbids.
        for forbidden in ["<style", " style=", " onclick=", " onload=", "javascript:"] {
            assert!(!page.body.contains(forbidden), "{name}: {forbidden}");
        }
    }
}

#[tokio::test]
async fn s_51_form_action_is_absent_where_the_post_ends_at_a_client() {
    let server = TestServer::dev().await;
    for (name, page) in crawl(&server).await {
        let policy = page.header("content-security-policy");
        match name {
            "authorization login" | "continue as" | "form post" => {
                assert!(!policy.contains("form-action"), "{name}: {policy}");
                assert!(!forms(&page.body).is_empty(), "{name}: {}", page.body);
            }
            "device entry" | "device confirm" | "wrong code" | "home" => {
                assert!(policy.contains("form-action 'self'"), "{name}: {policy}");
            }
            _ => {}
        }
    }
}

#[tokio::test]
async fn s_49_a_34_a_redirect_after_a_post_is_303() {
    let server = TestServer::dev().await;
    let person = server.person();
    let post = async |page: &Answer, fields: &[(&str, &str)]| {
        let form = forms(&page.body).into_iter().next().unwrap();
        let hidden = form
            .hidden
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let fields: Vec<_> = hidden.chain(fields.iter().copied()).collect();
        person
            .send(person.http().post(server.url(&form.action)).form(&fields))
            .await
    };
    let authorize = Person::authorization_path("web-app", "openid");
    let user_code = server
        .start_device("cli", "openid")
        .await
        .member("user_code");
    let entry = person.open("/default/device").await;
    let sent_on = post(&entry, &[("user_code", &user_code)]).await;
    assert_eq!(sent_on.status, 303);
    let login = person.open(sent_on.header("location")).await;
    let login_here = person.open("/default/login").await;
    let login_for_client = person.open(&authorize).await;
    for page in [login, login_here, login_for_client] {
        let answer = post(&page, &[("username", "ada")]).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
    }
    let continue_as = person.open(&authorize).await;
    for action in ["continue", "deny"] {
        let answer = post(&continue_as, &[("action", action)]).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
    }
}

#[tokio::test]
async fn s_50_no_page_answers_another_origin() {
    let server = TestServer::dev().await;
    let paths = [
        "/",
        "/default/login",
        "/default/device",
        "/default/device/confirm",
        "/default/endsession",
        "/default/authorize",
        "/oauth2/auth",
        "/device",
        "/nothing/here",
        &Person::authorization_path("web-app", "openid"),
    ];
    for path in paths {
        for method in ["GET", "POST", "OPTIONS"] {
            let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
            let request = server.http().request(method.clone(), server.url(path));
            let request = request.header("origin", "https://evil.test");
            let answer = server
                .send(request.header("access-control-request-method", "POST"))
                .await;
            let cors = answer
                .headers
                .keys()
                .find(|name| name.as_str().starts_with("access-control-"));
            assert_eq!(cors, None, "{method} {path}");
        }
    }
    // What programs call answers them, in dev mode (`mock.md`).
    let request = server
        .http()
        .get(server.url("/default/jwks"))
        .header("origin", "https://app.test");
    assert_eq!(
        server
            .send(request)
            .await
            .header("access-control-allow-origin"),
        "https://app.test"
    );
}
