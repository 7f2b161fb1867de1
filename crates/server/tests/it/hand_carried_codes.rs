//! Rows A-102 and S-275: a person signs in on an attacker's link and is talked into handing over the
//! address of the page that does not load, with the code in it.

use hallpass_testing::person::{CHALLENGE, REDIRECT_URI, VERIFIER, forms};
use hallpass_testing::{Answer, Person, TestServer};

use crate::accounts::{PASSWORD, code, fill_in, is_active};
#[cfg(unix)]
use crate::languages::{mailbox, next_mail};

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
    ["\"alert\"", "authorize.phishing_signal", from]
}

#[tokio::test]
async fn s_275_a_102_a_code_that_is_carried_elsewhere_is_a_signal() {
    let (server, person) = server("warn").await;
    let tokens = redeem_from(&server, &code(&person, "ada").await, "203.0.113.101").await;
    assert_eq!(tokens.status, 200, "{}", tokens.body);
    assert!(server.has_audited(&signal("203.0.113.101")).await);
    // Where nothing can be compared, and at home, there is none.
    for from in ["2001:db8::102", "127.0.0.1"] {
        let tokens = redeem_from(&server, &code(&person, "ada").await, from).await;
        assert_eq!(tokens.status, 200, "{}", tokens.body);
    }
    assert!(!server.has_audited(&signal("2001:db8::102")).await);
    // Nor for a code that is worth nothing.
    let refused = redeem_from(&server, "hpc_guess", "203.0.113.102").await;
    assert_eq!(refused.refusal().1, "invalid_grant");
    assert!(!server.has_audited(&signal("203.0.113.102")).await);
}

#[tokio::test]
async fn s_275_a_102_the_policy_refuse_spoils_the_code() {
    let (server, person) = server("refuse").await;
    let invalid_grant = (400, "invalid_grant".to_owned());
    let carried = code(&person, "ada").await;
    let refused = redeem_from(&server, &carried, "203.0.113.103").await;
    assert_eq!(refused.refusal(), invalid_grant);
    assert!(server.has_audited(&signal("203.0.113.103")).await);
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
    assert!(!server.has_audited(&signal("203.0.113.106")).await);
}

#[tokio::test]
async fn s_275_the_comparison_can_be_off() {
    let (server, person) = server("off").await;
    let tokens = redeem_from(&server, &code(&person, "ada").await, "203.0.113.107").await;
    assert_eq!(tokens.status, 200, "{}", tokens.body);
    assert!(!server.has_audited(&signal("203.0.113.107")).await);
}

/// Pushes a request from an address: the path that a browser is sent to.
async fn push_from(server: &TestServer, from: &str, changes: &[(&str, &str)]) -> String {
    let usual = [
        ("client_id", "cli"),
        ("redirect_uri", REDIRECT_URI),
        ("response_type", "code"),
        ("scope", "openid offline_access"),
        ("state", "st"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let kept = usual
        .into_iter()
        .filter(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
    let form: Vec<_> = kept.chain(changes.iter().copied()).collect();
    let request = server.http().post(server.url("/oauth2/par"));
    let request = request.header("x-forwarded-for", from).form(&form);
    let pushed = server.send(request).await;
    assert_eq!(pushed.status, 201, "{}", pushed.body);
    let uri = pushed.member("request_uri");
    format!("/oauth2/authorize?client_id=cli&request_uri={uri}")
}

fn warns(page: &Answer) -> bool {
    page.status == 200 && page.body.contains("Did you start signing in to")
}

fn code_of(answer: &Answer) -> String {
    answer.redirect_parameters()["code"].clone()
}

async fn sign_in(person: &Person, path: &str) -> Answer {
    let page = person.open(path).await;
    fill_in(person, &page, "ada", PASSWORD).await
}

const CONFIRM: &[(&str, &str)] = &[("action", "confirm"), ("confirm", "on")];
const AWAY: &str = "203.0.113.120";

#[tokio::test]
async fn s_275_a_102_a_request_from_elsewhere_warns_before_the_redirect() {
    let (server, person) = server("warn").await;
    let path = push_from(&server, AWAY, &[]).await;
    let page = sign_in(&person, &path).await;
    assert!(warns(&page), "{}", page.body);
    // Both places, the button that gives nothing away first, and no way on without the box.
    for said in ["127.0.0.1", AWAY, "value=\"deny\"", "autofocus"] {
        assert!(page.body.contains(said), "{said}: {}", page.body);
    }
    assert!(
        server
            .has_audited(&["authorize.other_network", "\"cli\""])
            .await
    );
    let unticked = person.submit(&page, &[("action", "confirm")]).await;
    assert_eq!(unticked.status, 422);
    assert!(unticked.body.contains("Tick the box"), "{}", unticked.body);
    // The other buttons of the endpoint are no way around it.
    for action in ["continue", "allow"] {
        let around = person.submit(&page, &[("action", action)]).await;
        assert!(around.header("location").is_empty(), "{action}");
    }
    let answer = person.submit(&unticked, CONFIRM).await;
    let tokens = redeem_from(&server, &code_of(&answer), AWAY).await;
    assert_eq!(tokens.status, 200, "{}", tokens.body);
    // What the person knows of is no signal.
    assert!(!server.has_audited(&signal(AWAY)).await);
}

#[tokio::test]
async fn s_275_a_pair_of_networks_is_asked_about_once_in_30_days() {
    let (server, person) = server("warn").await;
    let page = sign_in(&person, &push_from(&server, AWAY, &[]).await).await;
    person.submit(&page, CONFIRM).await;
    let warned = async |from: &str| {
        let page = person.open(&push_from(&server, from, &[]).await).await;
        assert_eq!(page.status, 200, "{}", page.body);
        warns(&page)
    };
    assert!(!warned(AWAY).await);
    for same in ["127.0.0.1", "2001:db8::1"] {
        assert!(!warned(same).await, "{same}");
    }
    // Another network of the program is another pair, and so is another person.
    assert!(warned("203.0.113.121").await);
    let other = server.person_with_account("bob", PASSWORD).await;
    let page = other.open(&push_from(&server, AWAY, &[]).await).await;
    let page = fill_in(&other, &page, "bob", PASSWORD).await;
    assert!(warns(&page));
    server.advance(30 * 24 * 3600 - 1);
    let page = sign_in(&person, &push_from(&server, AWAY, &[]).await).await;
    assert!(!warns(&page));
    server.advance(1);
    assert!(warned(AWAY).await);
}

#[tokio::test]
async fn s_275_a_sign_in_that_was_asked_for_is_not_asked_for_again() {
    let (server, person) = server("warn").await;
    code(&person, "ada").await;
    let path = push_from(&server, AWAY, &[("prompt", "login")]).await;
    let page = sign_in(&person, &path).await;
    assert!(warns(&page), "{}", page.body);
    let answer = person.submit(&page, CONFIRM).await;
    assert!(answer.redirect_parameters().contains_key("code"));
    // Without a person nobody can be warned.
    let path = push_from(&server, "203.0.113.122", &[("prompt", "none")]).await;
    let answer = person.open(&path).await;
    assert_eq!(
        answer.redirect_parameters()["error"],
        "interaction_required"
    );
}

#[tokio::test]
async fn s_275_the_warning_is_answered_by_whom_it_was_shown() {
    let (server, person) = server("warn").await;
    let page = sign_in(&person, &push_from(&server, AWAY, &[]).await).await;
    let other = server.person_with_account("bob", PASSWORD).await;
    code(&other, "bob").await;
    let forged = other.submit(&page, CONFIRM).await;
    assert!(forged.header("location").is_empty() && forged.status >= 400);
    // Nor for another request than the one it is about.
    let mut form = forms(&page.body).remove(0);
    form.action = push_from(&server, "203.0.113.123", &[]).await;
    let other_request = person.submit_form(&form, CONFIRM).await;
    assert!(other_request.header("location").is_empty());
    // "Cancel" tells the program no.
    let denied = person.submit(&page, &[("action", "deny")]).await;
    assert_eq!(denied.redirect_parameters()["error"], "access_denied");
}

#[tokio::test]
async fn s_275_a_102_the_policy_refuse_lets_nobody_go_on() {
    let (server, person) = server("refuse").await;
    let page = sign_in(&person, &push_from(&server, AWAY, &[]).await).await;
    assert!(warns(&page));
    assert!(!page.body.contains("value=\"confirm\""), "{}", page.body);
    let again = person.submit(&page, CONFIRM).await;
    assert!(warns(&again), "{}", again.body);
    let denied = person.submit(&page, &[("action", "deny")]).await;
    assert_eq!(denied.redirect_parameters()["error"], "access_denied");
    let home = person
        .open(&push_from(&server, "127.0.0.1", &[]).await)
        .await;
    assert!(!warns(&home));
}

#[tokio::test]
async fn s_275_a_web_application_pushes_from_where_it_runs_and_off_is_off() {
    let (refusing, person) = server("refuse").await;
    let form = [
        ("redirect_uri", "https://app.test/cb"),
        ("response_type", "code"),
        ("scope", "openid"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let request = refusing.http().post(refusing.url("/oauth2/par"));
    let request = request.basic_auth("web", Some("s3cret"));
    let request = request.header("x-forwarded-for", AWAY).form(&form);
    let uri = refusing.send(request).await.member("request_uri");
    let path = format!("/oauth2/authorize?client_id=web&request_uri={uri}");
    let answer = sign_in(&person, &path).await;
    assert!(answer.redirect_parameters().contains_key("code"));

    let (server, person) = server("off").await;
    let answer = sign_in(&person, &push_from(&server, AWAY, &[]).await).await;
    assert!(answer.redirect_parameters().contains_key("code"));
}

#[cfg(unix)]
#[tokio::test]
async fn s_275_the_person_hears_of_a_code_that_was_redeemed_elsewhere() {
    let (folder, mail) = mailbox();
    let toml = format!("trusted_proxies = [\"127.0.0.0/8\"]\n{mail}");
    let server = TestServer::production(&toml).await;
    let person = server.person_with_account("ada", PASSWORD).await;
    // At home there is nothing to tell, nor of a pair of networks that the person confirmed.
    let tokens = redeem_from(&server, &code(&person, "ada").await, "127.0.0.1").await;
    assert_eq!(tokens.status, 200, "{}", tokens.body);
    let page = person.open(&push_from(&server, AWAY, &[]).await).await;
    let confirmed = person.submit(&page, CONFIRM).await;
    let confirmed = person.submit(&confirmed, &[("action", "continue")]).await;
    redeem_from(&server, &code_of(&confirmed), AWAY).await;
    // Nor where nothing was got.
    redeem_from(&server, "hpc_guess", "203.0.113.130").await;
    redeem_from(&server, &code(&person, "ada").await, "203.0.113.130").await;
    let told = next_mail(&folder).await;
    assert!(told.contains("ada@example.com") && told.contains("https://id.example.com/account"));
    assert!(told.contains("un programa de otra red"), "{told}");
    // It was the only one: the next one is about something else.
    let page = person.open("/login/recover").await;
    person.submit(&page, &[("username", "ada")]).await;
    let next = next_mail(&folder).await;
    assert!(next.contains("/login/password"), "{next}");
}
