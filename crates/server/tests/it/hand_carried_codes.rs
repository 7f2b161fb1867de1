//! Rows A-102 and S-275: a person signs in on an attacker's link and is talked into handing over the
//! address of the page that does not load, with the code in it.

use hallpass_testing::person::{REDIRECT_URI, VERIFIER};
use hallpass_testing::{Answer, Person, TestServer};

use crate::accounts::{PASSWORD, code, is_active};
use crate::log_lines::LogLines;

/// The test is the proxy, and says from where a request comes; the browser has no proxy.
async fn server(mismatch: &str) -> (TestServer, Person) {
    let toml = format!(
        "trusted_proxies = [\"127.0.0.0/8\"]\n[loopback]\nnetwork_mismatch = \"{mismatch}\"\n"
    );
    let server = TestServer::production(&toml).await;
    let person = server.person_with_account("ada", PASSWORD).await;
    (server, person)
}

async fn redeem_from(server: &TestServer, code: &str, from: &str) -> Answer {
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "cli"),
        ("code", code),
        ("redirect_uri", REDIRECT_URI),
        ("code_verifier", VERIFIER),
    ];
    let request = server.http().post(server.url("/oauth2/token"));
    let request = request.header("x-forwarded-for", from).form(&form);
    server.send(request).await
}

fn signal(from: &str) -> [&str; 3] {
    ["WARN", "authorize.phishing_signal", from]
}

#[tokio::test]
async fn s_275_a_102_a_code_that_is_carried_elsewhere_is_a_signal() {
    let log = LogLines::listen();
    let (server, person) = server("warn").await;
    let tokens = redeem_from(&server, &code(&person, "ada").await, "203.0.113.101").await;
    assert_eq!(tokens.status, 200, "{}", tokens.body);
    assert!(log.has(&signal("203.0.113.101")));
    // Where nothing can be compared, and at home, there is none.
    for from in ["2001:db8::102", "127.0.0.1"] {
        let tokens = redeem_from(&server, &code(&person, "ada").await, from).await;
        assert_eq!(tokens.status, 200, "{}", tokens.body);
    }
    assert!(!log.has(&signal("2001:db8::102")));
    // Nor for a code that is worth nothing.
    let refused = redeem_from(&server, "hpc_guess", "203.0.113.102").await;
    assert_eq!(refused.refusal().1, "invalid_grant");
    assert!(!log.has(&signal("203.0.113.102")));
}

#[tokio::test]
async fn s_275_a_102_the_policy_refuse_spoils_the_code() {
    let log = LogLines::listen();
    let (server, person) = server("refuse").await;
    let invalid_grant = (400, "invalid_grant".to_owned());
    let carried = code(&person, "ada").await;
    let refused = redeem_from(&server, &carried, "203.0.113.103").await;
    assert_eq!(refused.refusal(), invalid_grant);
    assert!(log.has(&signal("203.0.113.103")));
    assert_eq!(
        redeem_from(&server, &carried, "127.0.0.1").await.refusal(),
        invalid_grant
    );
    // The program itself signs in as ever, also over the other family of addresses.
    for from in ["127.0.0.1", "2001:db8::104"] {
        let own = code(&person, "ada").await;
        let tokens = redeem_from(&server, &own, from).await;
        assert_eq!(tokens.status, 200, "{from}: {}", tokens.body);
        assert!(is_active(&server, &tokens.member("access_token")).await);
        // A replay is one, wherever it comes from.
        let replayed = redeem_from(&server, &own, "203.0.113.105").await;
        assert_eq!(replayed.refusal(), invalid_grant);
        assert!(!is_active(&server, &tokens.member("access_token")).await);
    }
}

#[tokio::test]
async fn s_275_a_web_application_redeems_where_it_runs() {
    let log = LogLines::listen();
    let (server, person) = server("refuse").await;
    let uri = "https://app.test/cb";
    let path = Person::authorization_path_with("web", "openid", &[("redirect_uri", uri)]);
    let page = person
        .open(&path.replace("/default/authorize", "/oauth2/authorize"))
        .await;
    let fields = [("username", "ada"), ("password", PASSWORD)];
    let answer = person.submit(&page, &fields).await;
    let code = answer.redirect_parameters()["code"].clone();
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", uri),
        ("code_verifier", VERIFIER),
    ];
    let request = server.http().post(server.url("/oauth2/token"));
    let request = request.basic_auth("web", Some("s3cret"));
    let request = request
        .header("x-forwarded-for", "203.0.113.106")
        .form(&form);
    let tokens = server.send(request).await;
    assert_eq!(tokens.status, 200, "{}", tokens.body);
    assert!(!log.has(&signal("203.0.113.106")));
}

#[tokio::test]
async fn s_275_the_comparison_can_be_off() {
    let log = LogLines::listen();
    let (server, person) = server("off").await;
    let tokens = redeem_from(&server, &code(&person, "ada").await, "203.0.113.107").await;
    assert_eq!(tokens.status, 200, "{}", tokens.body);
    assert!(!log.has(&signal("203.0.113.107")));
}
