//! Clients that register themselves, and what they do with their registration.

use hallpass_testing::person::REDIRECT_URI;
use hallpass_testing::{Answer, Person, TestServer};
use serde_json::{Value, json};

use crate::authorization::{assert_page_400, assert_redirect_error};
use crate::token::assert_json_refusal;

const REGISTER: &str = "/default/register";

async fn register(server: &TestServer, metadata: &Value) -> Answer {
    let request = server.http().post(server.url(REGISTER)).json(metadata);
    server.send(request).await
}

/// A public client on this machine.
async fn native(server: &TestServer) -> Answer {
    let answer = register(
        server,
        &json!({
            "redirect_uris": ["http://127.0.0.1/callback"], "client_name": "My CLI",
            "token_endpoint_auth_method": "none", "scope": "openid offline_access a",
            "grant_types": ["authorization_code", "refresh_token"],
        }),
    )
    .await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    answer
}

/// Calls the configuration endpoint of a client with a registration token.
async fn configure(
    server: &TestServer,
    method: &str,
    client: &Answer,
    (token, body): (&str, Option<&Value>),
) -> Answer {
    let url = client.member("registration_client_uri");
    let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
    let request = server.http().request(method, url);
    let request = match token {
        "" => request,
        token => request.bearer_auth(token),
    };
    let request = match body {
        Some(body) => request.json(body),
        None => request,
    };
    server.send(request).await
}

fn token_of(client: &Answer) -> String {
    client.member("registration_access_token")
}

fn assert_challenge(answer: &Answer, error: Option<&str>) {
    assert_eq!(answer.status, 401, "{}", answer.body);
    let line = answer.header("www-authenticate");
    assert!(line.starts_with("Bearer realm="), "{line}");
    let found = error.is_none_or(|error| line.contains(&format!("error=\"{error}\"")));
    assert!(
        found && line.contains("error=") == error.is_some(),
        "{line}"
    );
    assert!(!answer.body.contains("client_id"), "{}", answer.body);
}

#[tokio::test]
async fn s_171_s_176_a_registration_says_all_that_is_in_force() {
    let server = TestServer::dev().await;
    let asked = json!({ "redirect_uris": ["https://app.test/cb"], "unknown": 1 });
    let answer = register(&server, &asked).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "no-store");
    let said = answer.json();
    for (name, value) in [
        ("client_secret_expires_at", json!(0)),
        (
            "client_id_issued_at",
            json!(hallpass_testing::server::START),
        ),
        ("token_endpoint_auth_method", json!("client_secret_basic")),
        ("grant_types", json!(["authorization_code"])),
        ("response_types", json!(["code"])),
        ("redirect_uris", json!(["https://app.test/cb"])),
    ] {
        assert_eq!(said[name], value, "{name}");
    }
    assert_eq!(said.get("unknown"), None);
    let id = answer.member("client_id");
    assert!(answer.member("client_secret").starts_with("hps_"));
    assert_eq!(
        answer.member("registration_client_uri"),
        server.url(&format!("{REGISTER}/{id}"))
    );
    // A public client has no secret.
    let public = native(&server).await;
    assert_eq!(public.json().get("client_secret"), None);
    assert_eq!(public.json().get("client_secret_expires_at"), None);
    // Nobody else's secret helps.
    let grant = [("grant_type", "client_credentials")];
    let guess = server
        .post_basic("/default/token", (&id, "x"), &grant)
        .await;
    assert_json_refusal(&guess, 401, "invalid_client");
}

#[tokio::test]
async fn s_171_a_registered_client_signs_a_person_in() {
    let server = TestServer::dev().await;
    let id = native(&server).await.member("client_id");
    let tokens = server.sign_in(&id, "openid offline_access a", "ada").await;
    assert_eq!(tokens.status, 200, "{}", tokens.body);
    let refreshed = server.refresh(&id, &tokens.member("refresh_token")).await;
    assert_eq!(refreshed.status, 200, "{}", refreshed.body);
    // Its own rules hold although everybody else may do everything here.
    let path = Person::authorization_path(&id, "openid b");
    assert_redirect_error(&server, &server.get(&path).await, "invalid_scope");
    let none = [("code_challenge", ""), ("code_challenge_method", "")];
    let path = Person::authorization_path_with(&id, "openid", &none);
    assert_redirect_error(&server, &server.get(&path).await, "invalid_request");
    let foreign = [("redirect_uri", "http://127.0.0.1:8085/other")];
    let path = Person::authorization_path_with(&id, "openid", &foreign);
    assert_page_400(&server.get(&path).await, "another path");
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", id.as_str()),
    ];
    let answer = server.post("/default/token", &form).await;
    assert_json_refusal(&answer, 400, "unauthorized_client");
}

#[tokio::test]
async fn s_172_s_173_a_73_who_may_register_and_who_chooses_the_id() {
    let server = TestServer::dev().await;
    let asked = json!({
        "client_id": "ada", "redirect_uris": ["https://app.test/cb"], "client_secret": "mine",
    });
    let answer = register(&server, &asked).await;
    assert!(answer.member("client_id").starts_with("dyn_"));
    assert_ne!(answer.member("client_secret"), "mine");
    let strict = TestServer::registered().await;
    let refused = register(&strict, &asked).await;
    assert_eq!(refused.status, 404, "{}", refused.body);
    let document = "/default/.well-known/openid-configuration";
    let metadata = strict.get(document).await.json();
    assert_eq!(metadata.get("registration_endpoint"), None);
    let open = "[register]\nmode = \"open\"\nrequire_pkce = false\n";
    let open = TestServer::strict(open).await;
    let answer = register(&open, &asked).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let metadata = open.get(document).await.json();
    assert_eq!(metadata["registration_endpoint"], open.url(REGISTER));
    // The OpenID Basic plan knows no PKCE.
    let changes = [
        ("redirect_uri", "https://app.test/cb"),
        ("code_challenge", ""),
        ("code_challenge_method", ""),
    ];
    let id = answer.member("client_id");
    let path = Person::authorization_path_with(&id, "openid", &changes);
    assert_eq!(open.get(&path).await.status, 200);
}

#[tokio::test]
async fn s_174_s_175_a_70_a_71_what_is_refused() {
    let server = TestServer::dev().await;
    for uri in [
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "http://evil.test/cb",
        "https://*.evil.test/cb",
        "https://evil.test/#f",
        "myapp:/cb",
    ] {
        let answer = register(&server, &json!({ "redirect_uris": [uri] })).await;
        assert_json_refusal(&answer, 400, "invalid_redirect_uri");
    }
    let uris = json!(["https://app.test/cb"]);
    for (name, value) in [
        ("logo_uri", json!("javascript:alert(1)")),
        ("policy_uri", json!("javascript:alert(1)")),
        ("logo_uri", json!("https://169.254.169.254/")),
        ("jwks_uri", json!("https://[::1]/")),
        ("jwks_uri", json!("https://localhost/")),
        ("grant_types", json!(["implicit"])),
        ("grant_types", json!("authorization_code")),
        ("response_types", json!(["token"])),
        ("redirect_uris", json!(7)),
    ] {
        let mut asked = json!({ "redirect_uris": uris });
        asked[name] = value;
        let answer = register(&server, &asked).await;
        assert_json_refusal(&answer, 400, "invalid_client_metadata");
    }
    let with = |text: &str| json!({ "redirect_uris": uris, "software_statement": text });
    let broken = register(&server, &with("x")).await;
    assert_json_refusal(&broken, 400, "invalid_software_statement");
    let unknown = register(&server, &with("eyJhbGciOiJSUzI1NiJ9.e30.AAAA")).await;
    assert_json_refusal(&unknown, 400, "unapproved_software_statement");
    for (kind, body) in [
        ("application/json", "["),
        ("application/json", "[]"),
        ("application/json", r#"{"scope":"a","scope":"b"}"#),
        ("text/plain", r#"{"redirect_uris":["https://app.test/cb"]}"#),
        ("application/x-www-form-urlencoded", "redirect_uris=x"),
    ] {
        let request = server.http().post(server.url(REGISTER));
        let request = request.header("content-type", kind).body(body);
        let answer = server.send(request).await;
        assert_json_refusal(&answer, 400, "invalid_request");
    }
}

#[tokio::test]
async fn s_180_a_72_the_registration_token_reads_its_own_client() {
    let server = TestServer::dev().await;
    let (one, two) = (native(&server).await, native(&server).await);
    let own = token_of(&one);
    let read = configure(&server, "GET", &one, (&own, None)).await;
    assert_eq!(read.status, 200, "{}", read.body);
    assert_eq!(read.json(), one.json());
    assert_eq!(read.header("cache-control"), "no-store");
    assert_challenge(&configure(&server, "GET", &one, ("", None)).await, None);
    let other = token_of(&two);
    for bad in [other.as_str(), "x", &format!("{own}A")] {
        let refused = configure(&server, "GET", &one, (bad, None)).await;
        assert_challenge(&refused, Some("invalid_token"));
        let refused = configure(&server, "DELETE", &one, (bad, None)).await;
        assert_challenge(&refused, Some("invalid_token"));
    }
    // At another issuer it is not known.
    let elsewhere = one
        .member("registration_client_uri")
        .replace("/default/", "/other/");
    let request = server.http().get(elsewhere).bearer_auth(&own);
    assert_challenge(&server.send(request).await, Some("invalid_token"));
}

#[tokio::test]
async fn s_181_s_183_s_209_an_update_replaces_everything() {
    let server = TestServer::dev().await;
    let client = native(&server).await;
    let (id, token) = (client.member("client_id"), token_of(&client));
    let pushed = [
        ("client_id", id.as_str()),
        ("redirect_uri", REDIRECT_URI),
        ("response_type", "code"),
        ("code_challenge", hallpass_testing::person::CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let pushed = server.post("/default/par", &pushed).await;
    let new = json!({
        "client_id": id, "redirect_uris": ["http://127.0.0.1/new"], "grant_types": ["authorization_code"],
    });
    let updated = configure(&server, "PUT", &client, (&token, Some(&new))).await;
    assert_eq!(updated.status, 200, "{}", updated.body);
    let said = updated.json();
    assert_eq!(said["redirect_uris"], json!(["http://127.0.0.1/new"]));
    assert_eq!(said["token_endpoint_auth_method"], "client_secret_basic");
    for gone in ["client_name", "scope"] {
        assert_eq!(said.get(gone), None, "{gone}");
    }
    // It has a secret now, and the token in the answer is the valid one.
    let secret = updated.member("client_secret");
    assert!(secret.starts_with("hps_"));
    let again = configure(&server, "GET", &client, (&token_of(&updated), None)).await;
    assert_eq!(again.status, 200);
    assert_eq!(again.json().get("client_secret"), None);
    let uri = pushed.member("request_uri");
    let path = format!("/default/authorize?client_id={id}&request_uri={uri}");
    assert_page_400(&server.get(&path).await, "the redirect URI is gone");
    for (name, value) in [
        ("client_id_issued_at", json!(1)),
        ("client_secret_expires_at", json!(0)),
        ("registration_access_token", json!(token)),
        ("registration_client_uri", json!("https://x.test")),
        ("client_secret", json!("mine")),
        ("client_id", json!("other")),
        ("client_id", Value::Null),
    ] {
        let mut bad = new.clone();
        bad[name] = value;
        let refused = configure(&server, "PUT", &client, (&token, Some(&bad))).await;
        assert_json_refusal(&refused, 400, "invalid_client_metadata");
    }
    let mut same = new.clone();
    same["client_secret"] = json!(secret);
    let kept = configure(&server, "PUT", &client, (&token, Some(&same))).await;
    assert_eq!(kept.status, 200, "{}", kept.body);
    let mut evil = new;
    evil["redirect_uris"] = json!(["javascript:alert(1)"]);
    let refused = configure(&server, "PUT", &client, (&token, Some(&evil))).await;
    assert_json_refusal(&refused, 400, "invalid_redirect_uri");
}

#[tokio::test]
async fn s_182_a_removed_client_and_its_tokens_are_gone() {
    let server = TestServer::dev().await;
    let client = native(&server).await;
    let (id, token) = (client.member("client_id"), token_of(&client));
    let tokens = server.sign_in(&id, "openid offline_access", "ada").await;
    let access = tokens.member("access_token");
    assert!(server.is_active(&access).await);
    let removed = configure(&server, "DELETE", &client, (&token, None)).await;
    assert_eq!((removed.status, &*removed.body), (204, ""));
    assert_eq!(removed.header("cache-control"), "no-store");
    let refreshed = server.refresh(&id, &tokens.member("refresh_token")).await;
    assert_json_refusal(&refreshed, 401, "invalid_client");
    assert!(!server.is_active(&access).await);
    assert_eq!(server.userinfo(&access).await.status, 401);
    // The token died with it, and the id does not become anybody's.
    let read = configure(&server, "GET", &client, (&token, None)).await;
    assert_challenge(&read, Some("invalid_token"));
    let path = Person::authorization_path(&id, "openid");
    assert_page_400(&server.get(&path).await, "unknown");
}

#[tokio::test]
async fn s_179_a_26_a_27_nobody_vouches_for_it() {
    let server = TestServer::dev().await;
    let web = register(
        &server,
        &json!({
            "redirect_uris": ["https://evil.test/phish"], "client_name": "Bank <b>login</b>",
            "token_endpoint_auth_method": "none", "scope": "openid",
        }),
    )
    .await;
    let id = web.member("client_id");
    let uri = ("redirect_uri", "https://evil.test/phish");
    for change in [
        ("scope", "admin"),
        ("prompt", "none"),
        ("response_type", "x"),
    ] {
        let path = Person::authorization_path_with(&id, "openid", &[uri, change]);
        assert_page_400(&server.get(&path).await, change.0);
    }
    // Somebody who is signed in is asked, although nothing is on this machine.
    let person = server.person();
    person
        .sign_in_at(&Person::authorization_path("any", "openid"), "ada")
        .await;
    let path = Person::authorization_path_with(&id, "openid", &[uri]);
    let page = person.open(&path).await;
    assert_eq!((page.status, page.header("location")), (200, ""));
    assert!(page.body.contains("ada"), "{}", page.body);
    let silent = Person::authorization_path_with(&id, "openid", &[uri, ("prompt", "none")]);
    assert_page_400(&person.open(&silent).await, "silent");
    let first = server.get(&path).await;
    assert!(first.body.contains("not verified"), "{}", first.body);
    // On this machine the program learns of it.
    let cli = native(&server).await.member("client_id");
    let silent = Person::authorization_path_with(&cli, "openid", &[("prompt", "none")]);
    let answer = person.open(&silent).await;
    assert_redirect_error(&server, &answer, "interaction_required");
}
