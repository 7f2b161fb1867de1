//! How the server says no, in the error types that the crates `oauth2` and `openidconnect` document.
#![expect(
    clippy::disallowed_methods,
    reason = "the crates' documentation has their loop wait with `std::thread::sleep`"
)]

use std::cell::{Cell, RefCell};
use std::fmt::Debug;
use std::time::Duration;

use hallpass_interop_rust::{
    CONFIG, Metadata, Person, SECRET, Server, agent, http, oauth2_client, oidc_client, parameters,
};
use oauth2::basic::{BasicErrorResponseType, BasicRequestTokenError};
use oauth2::{
    AuthType, AuthorizationCode, CsrfToken, DeviceCodeErrorResponse, DeviceCodeErrorResponseType,
    HttpRequest, PkceCodeChallenge, PkceCodeVerifier, RefreshToken, RequestTokenError, Scope,
    StandardDeviceAuthorizationResponse, TokenResponse as _,
};
use openidconnect::core::{CoreAuthErrorResponseType, CoreAuthenticationFlow};
use openidconnect::{DiscoveryError, IssuerUrl, Nonce};

/// Insists on the documented variant, on its code, and on a reason for people.
#[track_caller]
fn assert_refused<T: Debug>(
    answer: Result<T, BasicRequestTokenError<ureq::Error>>,
    code: BasicErrorResponseType,
) {
    match answer {
        Err(RequestTokenError::ServerResponse(refusal)) => {
            assert_eq!(refusal.error(), &code);
            let reason = refusal.error_description().map(String::as_str);
            assert!(
                !reason.unwrap_or_default().is_empty(),
                "no reason: {refusal:?}"
            );
        }
        other => panic!("no ServerResponse: {other:?}"),
    }
}

#[track_caller]
fn assert_device_refused<T: Debug>(
    answer: Result<T, RequestTokenError<ureq::Error, DeviceCodeErrorResponse>>,
    code: DeviceCodeErrorResponseType,
) {
    match answer {
        Err(RequestTokenError::ServerResponse(refusal)) => assert_eq!(refusal.error(), &code),
        other => panic!("no ServerResponse: {other:?}"),
    }
}

fn start_device(server: &Server, id: &str) -> StandardDeviceAuthorizationResponse {
    oauth2_client(server, id, None)
        .exchange_device_code()
        .add_scope(Scope::new("openid".to_owned()))
        .request(&http)
        .expect("a device code")
}

/// A person signs in to the client `public`: the code, and the verifier that goes with it.
fn authorization_code(server: &Server) -> (AuthorizationCode, PkceCodeVerifier) {
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (address, _) = oauth2_client(server, "public", None)
        .authorize_url(CsrfToken::new_random)
        .add_scopes(["openid", "offline_access"].map(|name| Scope::new(name.to_owned())))
        .set_pkce_challenge(challenge)
        .url();
    let back = Person::default().authorize(&address, "ada");
    (AuthorizationCode::new(back["code"].clone()), verifier)
}

#[test]
fn a_wrong_secret_is_an_invalid_client() {
    let server = Server::with_clients();
    for (id, style) in [
        ("robot-basic", AuthType::BasicAuth),
        ("robot-post", AuthType::RequestBody),
    ] {
        let answer = oauth2_client(&server, id, Some("wrong"))
            .set_auth_type(style)
            .exchange_client_credentials()
            .request(&http);
        assert_refused(answer, BasicErrorResponseType::InvalidClient);
    }
}

#[test]
fn a_grant_or_scope_that_the_client_lacks_is_named() {
    let server = Server::with_clients();
    let answer = oauth2_client(&server, "public", None)
        .exchange_client_credentials()
        .request(&http);
    assert_refused(answer, BasicErrorResponseType::UnauthorizedClient);
    let answer = oauth2_client(&server, "robot-basic", Some(SECRET))
        .exchange_client_credentials()
        .add_scope(Scope::new("api:write".to_owned()))
        .request(&http);
    assert_refused(answer, BasicErrorResponseType::InvalidScope);
}

#[test]
fn a_person_who_denies_the_device_ends_the_loop() {
    let server = Server::with_clients();
    let device = start_device(&server, "public");
    let address = device
        .verification_uri_complete()
        .expect("one link")
        .secret();
    Person::default().decide(address, device.user_code().secret(), &[("action", "deny")]);
    let answer = oauth2_client(&server, "public", None)
        .exchange_device_access_token(&device)
        .request(&http, std::thread::sleep, None);
    assert_device_refused(answer, DeviceCodeErrorResponseType::AccessDenied);
}

#[test]
fn a_person_who_cancels_in_the_browser_denies_the_code_flow() {
    let server = Server::with_clients();
    let client = oidc_client(&server, "public", None);
    let (challenge, _) = PkceCodeChallenge::new_random_sha256();
    let (address, state, _) = client
        .authorize_url(
            CoreAuthenticationFlow::AuthorizationCode,
            CsrfToken::new_random,
            Nonce::new_random,
        )
        .set_pkce_challenge(challenge)
        .url();
    let person = Person::default();
    person.authorize(&address, "ada");
    let greeting = person.open(address.as_str());
    let back = parameters(&person.submit(&greeting, &[("action", "deny")]));
    assert_eq!(back.get("state"), Some(state.secret()));
    assert!(!back.contains_key("code"), "{back:?}");
    let code: CoreAuthErrorResponseType =
        serde_json::from_value(back["error"].clone().into()).expect("a code");
    assert_eq!(code, CoreAuthErrorResponseType::AccessDenied);
}

#[test]
fn an_expired_device_code_says_so_and_its_user_code_too() {
    let config = "[ttl]\ndevice = \"2s\"\n[device]\ninterval = \"1s\"\n";
    let server = Server::start(config, &[]);
    let device = start_device(&server, "cli");
    // The crate's clock stands still: the server has to say that the code is too old.
    let start = chrono::Utc::now();
    let polls = Cell::new(0);
    let answer = oauth2_client(&server, "cli", None)
        .exchange_device_access_token(&device)
        .set_time_fn(move || start)
        .request(
            &|request: HttpRequest| {
                polls.set(polls.get() + 1);
                http(request)
            },
            std::thread::sleep,
            None,
        );
    assert_device_refused(answer, DeviceCodeErrorResponseType::ExpiredToken);
    assert!(polls.get() > 1, "the code was good at first");
    let person = Person::default();
    let entry = person.open(device.verification_uri());
    let refused = person.submit(&entry, &[("user_code", device.user_code().secret())]);
    assert!(refused.body.contains("valid any more"), "{}", refused.body);
}

#[test]
fn a_code_is_good_once_and_with_its_own_verifier() {
    let server = Server::with_clients();
    let client = oauth2_client(&server, "public", None);
    let (code, verifier) = authorization_code(&server);
    let again = PkceCodeVerifier::new(verifier.secret().clone());
    let tokens = client
        .exchange_code(code.clone())
        .set_pkce_verifier(verifier)
        .request(&http);
    let tokens = tokens.expect("the code is redeemed");
    let answer = client
        .exchange_code(code)
        .set_pkce_verifier(again)
        .request(&http);
    assert_refused(answer, BasicErrorResponseType::InvalidGrant);
    // RFC 6749 §4.1.2: whoever has a code twice ends what came of it.
    let refresh_token = tokens.refresh_token().expect("a refresh token");
    let answer = client.exchange_refresh_token(refresh_token).request(&http);
    assert_refused(answer, BasicErrorResponseType::InvalidGrant);

    let (code, _) = authorization_code(&server);
    let (_, other) = PkceCodeChallenge::new_random_sha256();
    let answer = client
        .exchange_code(code)
        .set_pkce_verifier(other)
        .request(&http);
    assert_refused(answer, BasicErrorResponseType::InvalidGrant);
}

#[test]
fn an_expired_authorization_code_is_an_invalid_grant() {
    let server = Server::with_clients();
    let (code, verifier) = authorization_code(&server);
    advance(&server, "1h");
    let answer = oauth2_client(&server, "public", None)
        .exchange_code(code)
        .set_pkce_verifier(verifier)
        .request(&http);
    assert_refused(answer, BasicErrorResponseType::InvalidGrant);
}

/// Moves the server's clock.
fn advance(server: &Server, span: &str) {
    let address = url::Url::parse(&server.issuer).expect("a URL");
    let answer = agent()
        .post(address.join("/_hallpass/clock").expect("a URL").as_str())
        .header("content-type", "application/json")
        .send(format!(r#"{{"advance":"{span}"}}"#))
        .expect("the server answers");
    assert!(
        answer.status().is_success(),
        "the clock: {}",
        answer.status()
    );
}

#[test]
fn a_refresh_token_that_was_rotated_is_an_invalid_grant() {
    let server = Server::with_clients();
    let client = oauth2_client(&server, "public", None);
    let (code, verifier) = authorization_code(&server);
    let tokens = client
        .exchange_code(code)
        .set_pkce_verifier(verifier)
        .request(&http)
        .expect("tokens");
    let old = tokens.refresh_token().expect("a refresh token");
    let renewed = client.exchange_refresh_token(old).request(&http);
    let newest = renewed.expect("new tokens");
    let answer = client.exchange_refresh_token(old).request(&http);
    assert_refused(answer, BasicErrorResponseType::InvalidGrant);
    // RFC 9700 §4.14.2: the thief cannot be told from the owner, so both are out.
    let newest = newest.refresh_token().expect("rotated");
    let answer = client.exchange_refresh_token(newest).request(&http);
    assert_refused(answer, BasicErrorResponseType::InvalidGrant);
    let never = RefreshToken::new("never-issued".to_owned());
    let answer = client.exchange_refresh_token(&never).request(&http);
    assert_refused(answer, BasicErrorResponseType::InvalidGrant);
}

#[test]
fn a_strict_server_knows_no_unknown_client() {
    let server = Server::start(CONFIG, &["--strict"]);
    let client = oauth2_client(&server, "nobody", None);
    let device: Result<StandardDeviceAuthorizationResponse, _> =
        client.exchange_device_code().request(&http);
    assert_refused(device, BasicErrorResponseType::InvalidClient);
    let answer = client
        .exchange_code(AuthorizationCode::new("code".to_owned()))
        .request(&http);
    assert_refused(answer, BasicErrorResponseType::InvalidClient);
    // RFC 6749 §4.1.2.1: the person is told, the browser is sent nowhere.
    let (address, _) = client.authorize_url(CsrfToken::new_random).url();
    let shown = Person::default().open(address.as_str());
    assert_eq!((shown.status, shown.location), (400, None));
}

#[test]
fn slow_down_makes_the_crates_loop_wait_five_seconds_longer() {
    let config = CONFIG.replace("interval = \"1s\"", "interval = \"5s\"");
    let server = Server::start(&config, &[]);
    let device = start_device(&server, "public");
    let address = device
        .verification_uri_complete()
        .expect("one link")
        .secret();
    let waits = RefCell::new(Vec::new());
    let tokens = oauth2_client(&server, "public", None)
        .exchange_device_access_token(&device)
        .request(
            &http,
            // Never waits, so the second poll comes too soon.
            |wait| {
                waits.borrow_mut().push(wait.as_secs());
                if waits.borrow().len() == 2 {
                    let approve = &[("action", "approve"), ("confirm", "on")];
                    Person::default().decide(address, device.user_code().secret(), approve);
                }
            },
            None,
        );
    assert!(tokens.is_ok(), "{tokens:?}");
    assert_eq!(*waits.borrow(), [5, 10]);
}

#[test]
fn a_server_that_is_killed_is_a_failed_request_and_the_device_loop_gives_up_in_time() {
    let mut server = Server::with_clients();
    let device = start_device(&server, "public");
    let (code, verifier) = authorization_code(&server);
    let client = oauth2_client(&server, "public", None);
    let mut polls = 0;
    let is_killed = RefCell::new(&mut server);
    // The crate's clock runs as fast as it wants to wait.
    let clock = std::sync::Mutex::new(chrono::Utc::now());
    let count = RefCell::new(&mut polls);
    let answer = client
        .exchange_device_access_token(&device)
        .set_time_fn(|| *clock.lock().unwrap())
        .request(
            &|request: HttpRequest| {
                **count.borrow_mut() += 1;
                let answer = http(request);
                if **count.borrow() == 1 {
                    assert!(answer.is_ok(), "{answer:?}");
                    is_killed.borrow_mut().kill();
                } else {
                    assert!(is_refused_connection(&answer), "{answer:?}");
                }
                answer
            },
            |wait| *clock.lock().unwrap() += wait,
            Some(Duration::from_secs(60)),
        );
    assert_device_refused(answer, DeviceCodeErrorResponseType::ExpiredToken);
    assert!(polls > 3, "it tried {polls} times");
    match client
        .exchange_code(code)
        .set_pkce_verifier(verifier)
        .request(&http)
    {
        Err(RequestTokenError::Request(error)) => {
            assert!(is_refused_connection::<()>(&Err(error)));
        }
        other => panic!("no Request error: {other:?}"),
    }
    let issuer = IssuerUrl::new(server.issuer.clone()).expect("an issuer");
    let refused = Metadata::discover(&issuer, &http).unwrap_err();
    assert!(matches!(refused, DiscoveryError::Request(_)), "{refused:?}");
}

fn is_refused_connection<T>(answer: &Result<T, ureq::Error>) -> bool {
    use std::io::ErrorKind::ConnectionRefused;
    matches!(answer, Err(ureq::Error::Io(error)) if error.kind() == ConnectionRefused)
        || matches!(answer, Err(ureq::Error::ConnectionFailed))
}
