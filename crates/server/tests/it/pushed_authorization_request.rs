//! Pushed authorization requests, and what the authorization endpoint makes of them.

use hallpass_testing::person::{CHALLENGE, REDIRECT_URI};
use hallpass_testing::server::CLIENTS;
use hallpass_testing::{Answer, Person, TestServer};

use crate::authorization::{assert_page_400, assert_redirect_error};
use crate::dpop::{self, Owner};
use crate::token::assert_json_refusal;

const PAR: &str = "/default/par";

fn usual<'a>(client: &'a str, changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let usual = [
        ("client_id", client),
        ("redirect_uri", REDIRECT_URI),
        ("response_type", "code"),
        ("scope", "openid a"),
        ("state", "st"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let kept = usual
        .into_iter()
        .filter(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
    let all = kept.chain(changes.iter().copied());
    all.filter(|(_, value)| !value.is_empty()).collect()
}

async fn push(server: &TestServer, changes: &[(&str, &str)]) -> Answer {
    server.post(PAR, &usual("cli", changes)).await
}

/// The path that a browser is sent to.
fn path(client: &str, pushed: &Answer) -> String {
    assert_eq!(pushed.status, 201, "{}", pushed.body);
    let uri = pushed.member("request_uri");
    format!("/default/authorize?client_id={client}&request_uri={uri}")
}

#[tokio::test]
async fn s_201_a_public_client_pushes_and_a_browser_answers() {
    let server = TestServer::registered().await;
    for par in [PAR, "/par", "/oauth2/par"] {
        let pushed = server.post(par, &usual("cli", &[])).await;
        assert_eq!(pushed.status, 201, "{}", pushed.body);
        assert_eq!(pushed.json()["expires_in"], 90);
        let uri = pushed.member("request_uri");
        let secret = uri
            .strip_prefix("urn:ietf:params:oauth:request_uri:")
            .unwrap();
        assert!(secret.len() >= 43, "{uri}");
        assert_eq!(pushed.header("cache-control"), "no-store");
    }
    let path = path("cli", &push(&server, &[]).await);
    let answer = server.person().sign_in_at(&path, "ada").await;
    assert!(answer.header("location").starts_with(REDIRECT_URI));
    let sent = answer.redirect_parameters();
    assert_eq!((&*sent["state"], &sent["iss"]), ("st", &server.issuer()));
    let tokens = server.redeem("cli", &sent["code"]).await;
    assert_eq!(tokens.member("scope"), "openid a", "{}", tokens.body);
}

#[tokio::test]
async fn s_35_the_query_changes_no_challenge_that_was_pushed() {
    let server = TestServer::registered().await;
    let other = "B".repeat(43);
    for added in [
        format!("&code_challenge={other}&code_challenge_method=S256"),
        "&code_challenge=&code_challenge_method=plain".to_owned(),
    ] {
        let path = path("cli", &push(&server, &[]).await) + &added;
        let answer = server.person().sign_in_at(&path, "ada").await;
        let code = answer.redirect_parameters()["code"].clone();
        // The verifier is that of the pushed challenge.
        let tokens = server.redeem("cli", &code).await;
        assert_eq!(tokens.status, 200, "{}", tokens.body);
    }
}

#[tokio::test]
async fn s_201_the_client_authenticates_as_at_the_token_endpoint() {
    let server = TestServer::registered().await;
    let form = usual("web", &[("client_id", "")]);
    let pushed = server.post_basic(PAR, ("web", "s3cret"), &form).await;
    let path = path("web", &pushed);
    let answer = server.person().sign_in_at(&path, "ada").await;
    assert!(answer.redirect_parameters().contains_key("code"));
    let wrong = server.post_basic(PAR, ("web", "guess"), &form).await;
    assert_json_refusal(&wrong, 401, "invalid_client");
    for client in ["web", "nobody"] {
        let answer = server.post(PAR, &usual(client, &[])).await;
        assert_json_refusal(&answer, 401, "invalid_client");
    }
    let form = usual("cli", &[]);
    let two = server.post_basic(PAR, ("web", "s3cret"), &form).await;
    assert_json_refusal(&two, 400, "invalid_request");
}

#[tokio::test]
async fn s_202_s_203_all_is_checked_before_a_person_sees_anything() {
    let server = TestServer::registered().await;
    for (changes, error) in [
        (
            [("request_uri", "urn:ietf:params:oauth:request_uri:x")],
            "invalid_request",
        ),
        (
            [("redirect_uri", "https://evil.test/cb")],
            "invalid_request",
        ),
        ([("redirect_uri", "")], "invalid_request"),
        ([("response_type", "token")], "unsupported_response_type"),
        ([("response_mode", "x")], "invalid_request"),
        ([("scope", "admin")], "invalid_scope"),
        ([("code_challenge", "")], "invalid_request"),
        ([("code_challenge_method", "plain")], "invalid_request"),
        ([("resource", "relative")], "invalid_target"),
        ([("dpop_jkt", "x")], "invalid_request"),
        ([("request", "a.b.c")], "request_not_supported"),
    ] {
        assert_json_refusal(&push(&server, &changes).await, 400, error);
    }
    // Nobody is asked to sign in here.
    assert_eq!(push(&server, &[("prompt", "none")]).await.status, 201);
    let twice = usual("cli", &[("scope", "a")]);
    let twice = [&twice[..], &[("scope", "b")]].concat();
    assert_json_refusal(&server.post(PAR, &twice).await, 400, "invalid_request");
}

#[tokio::test]
async fn s_204_limits() {
    let server = TestServer::registered().await;
    assert_eq!(server.get(PAR).await.status, 405);
    let huge = "x".repeat(70_000);
    assert_eq!(push(&server, &[("state", &huge)]).await.status, 413);
    let mut answer = push(&server, &[]).await;
    for _ in 0..300 {
        answer = push(&server, &[]).await;
    }
    assert_eq!(answer.status, 429, "{}", answer.body);
    assert_ne!(answer.header("retry-after"), "");
    // Another client is not locked out.
    let other = server.post(PAR, &usual("other", &[])).await;
    assert_eq!(other.status, 201);
    server.advance(60);
    assert_eq!(push(&server, &[]).await.status, 201);
}

#[tokio::test]
async fn s_205_a_68_a_request_uri_is_its_client_s_and_ends() {
    let server = TestServer::registered().await;
    let pushed = push(&server, &[]).await;
    let uri = pushed.member("request_uri");
    for path in [
        path("other", &pushed),
        format!("/default/authorize?request_uri={uri}"),
        format!("/other/authorize?client_id=cli&request_uri={uri}"),
        format!("/default/authorize?client_id=cli&request_uri={uri}A"),
        "/default/authorize?client_id=cli&request_uri=urn:ietf:params:oauth:request_uri:guess"
            .to_owned(),
    ] {
        assert_page_400(&server.get(&path).await, &path);
    }
    // None of these used it up.
    assert_eq!(server.get(&path("cli", &pushed)).await.status, 200);
    server.advance(90);
    assert_page_400(&server.get(&path("cli", &pushed)).await, "expired");
}

#[tokio::test]
async fn s_206_a_person_may_take_longer_than_the_request_lives() {
    let server = TestServer::registered().await;
    let pushed = push(&server, &[]).await;
    let (slow, late) = (server.person(), server.person());
    let page = slow.open(&path("cli", &pushed)).await;
    server.advance(600);
    // The page that this browser got in time works; a browser that comes now is too late, and
    // what the other one was given is of no use to it.
    assert_page_400(&late.open(&path("cli", &pushed)).await, "late");
    let form = hallpass_testing::person::forms(&page.body)
        .into_iter()
        .find(|form| !form.action.is_empty())
        .unwrap();
    assert_page_400(&late.open(&form.action).await, "another browser");
    let answer = slow.submit(&page, &[("username", "ada")]).await;
    assert!(answer.redirect_parameters().contains_key("code"));
    let pushed = push(&server, &[]).await;
    let page = slow.open(&path("cli", &pushed)).await;
    server.advance(1_801);
    let too_slow = slow.submit(&page, &[("action", "continue")]).await;
    assert_page_400(&too_slow, "half an hour");
}

#[tokio::test]
async fn s_206_a_68_a_request_is_used_up_by_a_code_or_an_error() {
    let server = TestServer::registered().await;
    let pushed = push(&server, &[]).await;
    let path_of = |pushed: &Answer| path("cli", pushed);
    let person = server.person();
    for _ in 0..2 {
        assert_eq!(person.open(&path_of(&pushed)).await.status, 200);
    }
    let page = person.open(&path_of(&pushed)).await;
    let first = person.submit(&page, &[("username", "ada")]).await;
    assert!(first.redirect_parameters().contains_key("code"));
    assert_page_400(&person.open(&path_of(&pushed)).await, "used");
    let again = person.submit(&page, &[("username", "ada")]).await;
    assert_page_400(&again, "posted twice");
    // An error uses it up as well.
    let pushed = push(&server, &[("prompt", "none")]).await;
    let refused = server.get(&path_of(&pushed)).await;
    assert_redirect_error(&server, &refused, "login_required");
    assert_page_400(&server.get(&path_of(&pushed)).await, "used by an error");
}

#[tokio::test]
async fn s_207_who_must_push() {
    let one = CLIENTS.replacen(
        "id = \"cli\"",
        "id = \"cli\"\nrequire_pushed_authorization_requests = true",
        1,
    );
    let all = format!("[par]\nrequired = true\n[ttl]\npar = \"30s\"\n{CLIENTS}");
    for (toml, required) in [(one, false), (all, true)] {
        let server = TestServer::strict(&toml).await;
        let plain = Person::authorization_path("cli", "openid");
        assert_redirect_error(&server, &server.get(&plain).await, "invalid_request");
        let pushed = push(&server, &[]).await;
        assert_eq!(server.get(&path("cli", &pushed)).await.status, 200);
        let other = Person::authorization_path("other", "openid");
        let status = if required { 303 } else { 200 };
        assert_eq!(server.get(&other).await.status, status);
        let metadata = server
            .get("/default/.well-known/oauth-authorization-server")
            .await
            .json();
        assert_eq!(metadata["require_pushed_authorization_requests"], required);
        assert_eq!(
            metadata["pushed_authorization_request_endpoint"],
            server.url(PAR)
        );
        if required {
            assert_eq!(pushed.json()["expires_in"], 30);
        }
    }
}

#[tokio::test]
async fn s_208_a_68_what_stands_beside_it_is_ignored() {
    let server = TestServer::registered().await;
    let pushed = push(&server, &[]).await;
    let path = format!(
        "{}&scope=openid+b&state=evil&redirect_uri=https://evil.test/&prompt=none&resource=https://x.test",
        path("cli", &pushed)
    );
    let answer = server.person().sign_in_at(&path, "ada").await;
    assert!(answer.header("location").starts_with(REDIRECT_URI));
    let sent = answer.redirect_parameters();
    assert_eq!(sent["state"], "st");
    let tokens = server.redeem("cli", &sent["code"]).await;
    assert_eq!(tokens.member("scope"), "openid a");
    // a URL is not fetched.
    let foreign = ("request_uri", "https://169.254.169.254/x");
    let path = Person::authorization_path_with("cli", "openid", &[foreign]);
    let refused = server.get(&path).await;
    assert_redirect_error(&server, &refused, "request_uri_not_supported");
}

#[tokio::test]
async fn s_109_a_55_a_pushed_proof_binds_the_code() {
    let server = TestServer::registered().await;
    let (owner, thief) = (Owner::new(), Owner::new());
    let proof = owner.proof(&server, PAR);
    let pushed = dpop::post(&server, PAR, &usual("cli", &[]), &[&proof]).await;
    let answer = server
        .person()
        .sign_in_at(&path("cli", &pushed), "ada")
        .await;
    let code = answer.redirect_parameters()["code"].clone();
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "cli"),
        ("code", code.as_str()),
        ("redirect_uri", REDIRECT_URI),
        ("code_verifier", hallpass_testing::person::VERIFIER),
    ];
    assert_json_refusal(
        &server.post("/default/token", &form).await,
        400,
        "invalid_dpop_proof",
    );
    let proof = owner.proof(&server, "/default/token");
    let tokens = dpop::post(&server, "/default/token", &form, &[&proof]).await;
    assert_eq!(tokens.claims("access_token")["cnf"]["jkt"], owner.jkt());
    // `dpop_jkt` and the header name one key.
    let jkt = owner.jkt();
    let form = usual("cli", &[("dpop_jkt", &jkt)]);
    let agreed = owner.proof(&server, PAR);
    assert_eq!(
        dpop::post(&server, PAR, &form, &[&agreed]).await.status,
        201
    );
    let other = thief.proof(&server, PAR);
    let refused = dpop::post(&server, PAR, &form, &[&other]).await;
    assert_json_refusal(&refused, 400, "invalid_dpop_proof");
}

#[tokio::test]
async fn what_was_pushed_is_gone_after_a_reset() {
    let server = TestServer::dev().await;
    let pushed = push(&server, &[]).await;
    assert_eq!(server.get(&path("cli", &pushed)).await.status, 200);
    let reset = server
        .http()
        .post(server.url("/_hallpass/reset"))
        .json(&serde_json::json!({}));
    assert_eq!(server.send(reset).await.status, 200);
    assert_page_400(&server.get(&path("cli", &pushed)).await, "reset");
}
