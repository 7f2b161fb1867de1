//! The authorization endpoint: what it takes, where it answers, and what it refuses where.

use hallpass_testing::person::{CHALLENGE, REDIRECT_URI};
use hallpass_testing::{Answer, Person, TestServer};

/// Opens an authorization request of the public client `cli`, with changes.
async fn ask(server: &TestServer, changes: &[(&str, &str)]) -> Answer {
    server
        .get(&Person::authorization_path_with("cli", "openid", changes))
        .await
}

/// The client is told: `RED x` of the matrix.
pub(crate) fn assert_redirect_error(server: &TestServer, answer: &Answer, error: &str) {
    assert_eq!(answer.status, 303, "{}", answer.body);
    assert!(
        answer.header("location").starts_with(REDIRECT_URI),
        "{}",
        answer.header("location")
    );
    let sent = answer.redirect_parameters();
    assert_eq!(
        sent.get("error").map(String::as_str),
        Some(error),
        "{sent:?}"
    );
    assert_eq!(sent.get("state").map(String::as_str), Some("st"));
    assert_eq!(sent.get("iss"), Some(&server.issuer()));
    assert_eq!(sent.get("code"), None);
}

/// The person is told, and nobody else: `PAGE400` of the matrix.
pub(crate) fn assert_page_400(answer: &Answer, why: &str) {
    assert_eq!(answer.status, 400, "{why}");
    assert!(
        answer.header("content-type").starts_with("text/html"),
        "{why}"
    );
    assert_eq!(answer.header("location"), "", "{why}");
}

#[tokio::test]
async fn s_54_s_91_a_request_by_get_and_by_post_leads_to_a_code() {
    let server = TestServer::registered().await;
    let path = Person::authorization_path("cli", "openid");
    let (endpoint, query) = path.split_once('?').unwrap();
    let person = server.person();
    let post = person
        .http()
        .post(server.url(endpoint))
        .body(query.to_owned());
    let posted = person
        .send(post.header("content-type", "application/x-www-form-urlencoded"))
        .await;
    for page in [person.open(&path).await, posted] {
        assert_eq!(page.status, 200);
        assert!(page.body.contains("name=\"username\""), "{}", page.body);
        let answer = person.submit(&page, &[("username", "ada")]).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        assert!(
            answer
                .header("location")
                .starts_with(&format!("{REDIRECT_URI}?code="))
        );
        let sent = answer.redirect_parameters();
        assert_eq!(sent.get("state").map(String::as_str), Some("st"));
        assert_eq!(sent.get("iss"), Some(&server.issuer()));
        assert_eq!(server.redeem("cli", &sent["code"]).await.status, 200);
    }
}

#[tokio::test]
async fn s_30_a_15_pkce_is_required_of_configured_clients() {
    let server = TestServer::registered().await;
    let without = [("code_challenge", ""), ("code_challenge_method", "")];
    assert_redirect_error(&server, &ask(&server, &without).await, "invalid_request");
    let path = Person::authorization_path_with("web", "openid", &without);
    assert_redirect_error(&server, &server.get(&path).await, "invalid_request");
    // `require_pkce = false`, for the certification flow.
    let uri = ("redirect_uri", "https://old.test/cb?x=1");
    let path = Person::authorization_path_with("old", "openid", &[&without[..], &[uri]].concat());
    assert_eq!(server.get(&path).await.status, 200);
    // Nobody configured a client of dev mode.
    let dev = TestServer::dev().await;
    assert_eq!(ask(&dev, &without).await.status, 200);
}

#[tokio::test]
async fn s_31_a_15_only_s256_counts() {
    let (strict, dev) = (TestServer::registered().await, TestServer::dev().await);
    for server in [&strict, &dev] {
        for method in ["plain", "S512", "s256", ""] {
            let answer = ask(server, &[("code_challenge_method", method)]).await;
            assert_redirect_error(server, &answer, "invalid_request");
        }
        assert_redirect_error(
            server,
            &ask(server, &[("code_challenge", "")]).await,
            "invalid_request",
        );
    }
}

#[tokio::test]
async fn s_32_a_challenge_is_43_characters_of_base64url() {
    let server = TestServer::registered().await;
    let padded = format!("{CHALLENGE}=");
    for challenge in [
        &CHALLENGE[..42],
        &"a".repeat(44),
        &"a".repeat(129),
        &padded,
        &"~".repeat(43),
    ] {
        let answer = ask(&server, &[("code_challenge", challenge)]).await;
        assert_redirect_error(&server, &answer, "invalid_request");
    }
}

#[tokio::test]
async fn s_42_s_43_a_bad_client_or_redirect_uri_is_a_page() {
    let server = TestServer::registered().await;
    assert_page_400(
        &ask(&server, &[("client_id", "nobody")]).await,
        "unknown client",
    );
    assert_page_400(&ask(&server, &[("client_id", "")]).await, "no client");
    assert_page_400(
        &ask(&server, &[("redirect_uri", "")]).await,
        "no redirect URI",
    );
    let foreign = ask(&server, &[("redirect_uri", "https://evil.test/cb")]).await;
    assert_page_400(&foreign, "foreign redirect URI");
    assert!(
        !foreign.body.contains("href=\"https://evil.test"),
        "{}",
        foreign.body
    );
}

#[tokio::test]
async fn s_52_no_other_parameter_redirects() {
    let server = TestServer::registered().await;
    let evil = "https://evil.test/";
    let extra = [("next", evil), ("return_to", evil), ("url", evil)];
    let path = Person::authorization_path_with("cli", "openid", &extra);
    let page = server.get(&path).await;
    assert_eq!((page.status, page.header("location")), (200, ""));
    assert!(!page.body.contains("evil.test"), "{}", page.body);
    let answer = server.person().sign_in_at(&path, "ada").await;
    assert!(
        answer.header("location").starts_with(REDIRECT_URI),
        "{}",
        answer.header("location")
    );
}

#[tokio::test]
async fn s_53_state_comes_back_as_it_was() {
    let server = TestServer::registered().await;
    let jwt = format!("eyJhbGciOiJFUzI1NiJ9.{}.c2ln", "a".repeat(1500));
    let printable: String = (' '..='~').collect();
    let longest = "s".repeat(2048);
    for state in [&jwt, &printable, "a+b %20&c=d#e", "é\u{1f511}", &longest] {
        let path = Person::authorization_path_with("cli", "openid", &[("state", state)]);
        let answer = server.person().sign_in_at(&path, "ada").await;
        assert_eq!(answer.redirect_parameters()["state"], *state);
        let path = Person::authorization_path_with(
            "cli",
            "openid",
            &[("state", state), ("prompt", "none")],
        );
        let refused = server.get(&path).await;
        assert_eq!(refused.redirect_parameters()["error"], "login_required");
        assert_eq!(refused.redirect_parameters()["state"], *state);
    }
    let path = Person::authorization_path_with("cli", "openid", &[("state", "")]);
    let answer = server.person().sign_in_at(&path, "ada").await;
    assert_eq!(answer.redirect_parameters().get("state"), None);
}

#[tokio::test]
async fn s_55_a_25_only_the_code_flow_exists() {
    let server = TestServer::registered().await;
    for kind in [
        "token",
        "id_token",
        "code token",
        "code id_token",
        "none",
        "Code",
    ] {
        let answer = ask(&server, &[("response_type", kind)]).await;
        assert_redirect_error(&server, &answer, "unsupported_response_type");
    }
    assert_redirect_error(
        &server,
        &ask(&server, &[("response_type", "")]).await,
        "invalid_request",
    );
}

#[tokio::test]
async fn s_91_a_31_every_refusal_carries_iss() {
    let server = TestServer::registered().await;
    let metadata = server
        .get("/default/.well-known/openid-configuration")
        .await
        .json();
    assert_eq!(
        metadata["authorization_response_iss_parameter_supported"],
        true
    );
    assert_eq!(metadata["issuer"], server.issuer());
    for (change, error) in [
        (("scope", "openid admin"), "invalid_scope"),
        (("scope", "a\"b"), "invalid_scope"),
        (("prompt", "none"), "login_required"),
        (("resource", "relative"), "invalid_target"),
        (("max_age", "soon"), "invalid_request"),
        (("max_age", "-1"), "invalid_request"),
        (
            ("request", "eyJhbGciOiJub25lIn0.e30."),
            "request_not_supported",
        ),
        (
            ("request_uri", "https://cli.test/r"),
            "request_uri_not_supported",
        ),
    ] {
        assert_redirect_error(&server, &ask(&server, &[change]).await, error);
    }
}

#[tokio::test]
async fn s_91_s_288_denying_is_an_answer_with_iss() {
    let server = TestServer::registered().await;
    let person = server.person();
    person.authorize(&server, "cli", "openid", "ada").await;
    let page = person
        .open(&Person::authorization_path("cli", "openid"))
        .await;
    let answer = person.submit(&page, &[("action", "deny")]).await;
    assert_redirect_error(&server, &answer, "access_denied");
}

#[tokio::test]
async fn s_288_a_public_loopback_client_gets_no_code_without_a_click() {
    let server = TestServer::registered().await;
    let person = server.person();
    person.authorize(&server, "cli", "openid", "ada").await;
    let path = Person::authorization_path("cli", "openid");
    let page = person.open(&path).await;
    assert_eq!((page.status, page.header("location")), (200, ""));
    assert!(page.body.contains("ada"), "{}", page.body);
    let silent = person
        .open(&Person::authorization_path_with(
            "cli",
            "openid",
            &[("prompt", "none")],
        ))
        .await;
    assert_redirect_error(&server, &silent, "interaction_required");
    let answer = person.submit(&page, &[("action", "continue")]).await;
    assert!(answer.redirect_parameters().contains_key("code"));
    // A confidential client proves itself at the token endpoint: it may come back silently.
    let silent = person
        .open(&Person::authorization_path_with(
            "web",
            "openid",
            &[("prompt", "none")],
        ))
        .await;
    assert!(
        silent.redirect_parameters().contains_key("code"),
        "{silent:?}"
    );
}

#[tokio::test]
async fn a_67_repeated_parameters_are_a_page() {
    let server = TestServer::registered().await;
    let path = Person::authorization_path("cli", "openid");
    for twice in [
        "client_id=cli",
        "redirect_uri=https%3A%2F%2Fevil.test",
        "scope=a",
        "state=x",
        "foo=1&foo=2",
    ] {
        assert_page_400(&server.get(&format!("{path}&{twice}")).await, twice);
    }
    // One client in the query, another in the body.
    let post = server.http().post(server.url(&path));
    let both = server
        .send(post.form(&[("client_id", "other"), ("redirect_uri", REDIRECT_URI)]))
        .await;
    assert_page_400(&both, "query and body");
}

#[tokio::test]
async fn s_234_unknown_parameters_are_ignored() {
    let server = TestServer::registered().await;
    let person = server.person();
    let path = Person::authorization_path_with(
        "cli",
        "openid",
        &[("extra", "1"), ("action", "x"), ("csrf", "y")],
    );
    let (endpoint, query) = path.split_once('?').unwrap();
    let post = person
        .http()
        .post(server.url(endpoint))
        .body(query.to_owned());
    let posted = person
        .send(post.header("content-type", "application/x-www-form-urlencoded"))
        .await;
    assert_eq!(posted.status, 200, "{}", posted.body);
    assert!(posted.body.contains("name=\"username\""), "{}", posted.body);
    assert!(
        person
            .sign_in_at(&path, "ada")
            .await
            .redirect_parameters()
            .contains_key("code")
    );
}

#[tokio::test]
async fn s_233_response_modes() {
    let server = TestServer::registered().await;
    assert_page_400(
        &ask(&server, &[("response_mode", "x")]).await,
        "unknown response_mode",
    );
    let fragment = ask(
        &server,
        &[("response_mode", "fragment"), ("prompt", "none")],
    )
    .await;
    assert_eq!(fragment.status, 303);
    assert!(
        fragment
            .header("location")
            .starts_with(&format!("{REDIRECT_URI}#error=login_required"))
    );
    let path = Person::authorization_path_with("cli", "openid", &[("response_mode", "form_post")]);
    let page = server.person().sign_in_at(&path, "ada").await;
    assert_eq!((page.status, page.header("location")), (200, ""));
    assert!(
        page.header("cache-control").contains("no-store"),
        "{}",
        page.header("cache-control")
    );
    let form = hallpass_testing::person::forms(&page.body).remove(0);
    assert_eq!(form.action, REDIRECT_URI);
    let names: Vec<&str> = form.hidden.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["code", "state", "iss"]);
}

#[tokio::test]
async fn a_registered_query_is_kept() {
    let server = TestServer::registered().await;
    let changes = [("redirect_uri", "https://old.test/cb?x=1")];
    let path = Person::authorization_path_with("old", "openid", &changes);
    let answer = server.person().sign_in_at(&path, "ada").await;
    assert!(
        answer
            .header("location")
            .starts_with("https://old.test/cb?x=1&code="),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_85_a_huge_request_is_refused() {
    let server = TestServer::registered().await;
    let state = "s".repeat(16 * 1024);
    let path = Person::authorization_path_with("cli", "openid", &[("state", &state)]);
    let status = server.get(&path).await.status;
    assert!(matches!(status, 400 | 413 | 414 | 431), "{status}");
    let (endpoint, query) = path.split_once('?').unwrap();
    let post = server
        .http()
        .post(server.url(endpoint))
        .body(query.to_owned());
    let posted = server
        .send(post.header("content-type", "application/x-www-form-urlencoded"))
        .await;
    assert_page_400(&posted, "state by POST");
    let many: Vec<String> = (0..1000).map(|n| format!("p{n}=1")).collect();
    let path = Person::authorization_path("cli", "openid");
    assert_page_400(
        &server.get(&format!("{path}&{}", many.join("&"))).await,
        "1,000 parameters",
    );
}

#[tokio::test]
async fn bad_input_at_the_authorization_endpoint() {
    let server = TestServer::registered().await;
    let path = Person::authorization_path("cli", "openid");
    assert_page_400(
        &server.get(&format!("{path}&login_hint=%ff")).await,
        "not UTF-8",
    );
    let put = server.send(server.http().put(server.url(&path))).await;
    assert_eq!((put.status, put.header("allow")), (405, "GET, HEAD, POST"));
    let json = server
        .http()
        .post(server.url(&path))
        .header("content-type", "application/json")
        .body("{}");
    assert_page_400(&server.send(json).await, "JSON");
}
