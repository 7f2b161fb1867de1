//! How a client proves who it is, as the server sees it on the wire.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use hallpass_client::{ClientAuthMethod, ErrorKind, Exchange, PrivateKey, Secret, SignIn, Watcher};
use hallpass_protocol::Clock as _;
use hallpass_protocol::jose::base64url;
use hallpass_protocol::time::SystemClock;
use serde_json::{Value, json};

use crate::fake::{Answer, Fake, Seen, TestClock, TestTimer};
use crate::person::Person;

pub(crate) const EC: &str =
    include_str!("../../../protocol/tests/vectors/private_keys/ec_pkcs8.pem");
pub(crate) const ED25519: &str =
    include_str!("../../../protocol/tests/vectors/private_keys/ed25519_pkcs8.pem");
pub(crate) const RSA: &str =
    include_str!("../../../protocol/tests/vectors/private_keys/rsa_pkcs1.pem");

fn signing() -> ClientAuthMethod {
    PrivateKey::parse(EC).unwrap().into()
}

/// The claims of the assertion that came with a request.
fn claims(seen: &Seen) -> Value {
    let assertion = seen.field("client_assertion").unwrap();
    let payload = assertion.split('.').nth(1).unwrap();
    serde_json::from_slice(&base64url::decode(payload).unwrap()).unwrap()
}

fn assert_signed(fake: &Fake, requests: &[Seen]) {
    let mut ids = BTreeSet::new();
    for seen in requests {
        let claims = claims(seen);
        assert_eq!(claims["aud"], fake.issuer, "{}", seen.path);
        assert_eq!(
            (&claims["iss"], &claims["sub"]),
            (&json!("cli"), &json!("cli"))
        );
        let life = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
        assert!((1..=60).contains(&life), "{claims}");
        assert!(ids.insert(claims["jti"].as_str().unwrap().to_owned()));
        assert_eq!(seen.authorization, None);
        assert_eq!(seen.field("client_secret"), None);
        assert_eq!(seen.form().all("client_id").collect::<Vec<_>>(), ["cli"]);
    }
}

#[tokio::test]
async fn c_57_every_request_carries_an_assertion_of_its_own() {
    let fake = Fake::start().await;
    let person = Person::without_browser();
    let mut polls = 0;
    fake.on("/token", move |_, signer| {
        polls += 1;
        match polls {
            // A lost answer is asked for again, with another assertion.
            1 => Answer::Json(400, json!({"error": "authorization_pending"})),
            2 => Answer::Drop,
            _ => signer.tokens(&json!({})),
        }
    });
    let client = fake.client(&person).client_auth(signing());
    let client = client.timer(TestTimer::default()).build().unwrap();
    let session = client.sign_in(SignIn::device()).await.unwrap();
    session.refresh().await.unwrap();
    session.sign_out().await.unwrap();
    let seen: Vec<Seen> = ["/device_authorization", "/token", "/revoke"]
        .iter()
        .flat_map(|path| fake.seen(path))
        .collect();
    assert_eq!(seen.len(), 1 + 4 + 2);
    assert_signed(&fake, &seen);
}

#[tokio::test]
async fn c_23_a_refresh_that_is_replayed_is_signed_anew() {
    let fake = Fake::start().await;
    let person = Person::who_signs_in(&fake);
    let client = fake.client(&person).client_auth(signing()).build().unwrap();
    client.sign_in(SignIn::browser()).await.unwrap();
    // Only the refresh is hurried: on a timer that never waits, the person's five minutes are over before
    // the browser has come back.
    let hurried = fake.client(&person).client_auth(signing());
    let hurried = hurried.store(client.store()).timer(TestTimer::default());
    let session = hurried.build().unwrap().session().await.unwrap().unwrap();
    let mut asked = 0;
    fake.expect_nonce(None);
    fake.on("/token", move |_, signer| {
        asked += 1;
        if asked < 3 {
            Answer::Drop
        } else {
            signer.tokens(&json!({}))
        }
    });
    session.refresh().await.unwrap();
    let seen = fake.seen("/token");
    assert_eq!(seen.len(), 4);
    assert_signed(&fake, &seen);
    let tokens: BTreeSet<_> = seen[1..]
        .iter()
        .map(|it| it.field("refresh_token"))
        .collect();
    assert_eq!(tokens.len(), 1, "the same refresh token each time");
}

#[tokio::test]
async fn a_secret_goes_where_the_metadata_says_when_nobody_says() {
    let fake = Fake::start().await;
    let person = Person::who_signs_in(&fake);
    for (listed, in_header) in [
        (json!(null), true),
        (json!(["client_secret_basic", "client_secret_post"]), true),
        (json!(["client_secret_post", "private_key_jwt"]), false),
    ] {
        fake.announce("token_endpoint_auth_methods_supported", listed);
        let secret = ClientAuthMethod::Secret(Secret::from("s3cret"));
        let client = fake.client(&person).client_auth(secret).build().unwrap();
        client.sign_in(SignIn::browser()).await.unwrap();
        let seen = fake.seen("/token").pop().unwrap();
        assert_eq!(seen.authorization.is_some(), in_header);
        assert_eq!(seen.field("client_secret").is_some(), !in_header);
    }
}

/// A client whose clock is 92 s slow, and a server that looks at `iat` and `exp`.
async fn with_a_slow_clock(is_strict: bool) -> (Fake, Result<(), ErrorKind>) {
    let fake = Fake::start().await;
    fake.on("/token", move |seen, signer| {
        let claims = claims(seen);
        let now = SystemClock.now().unix_seconds();
        if !is_strict || claims["exp"].as_i64().unwrap() <= now {
            return Answer::Json(401, json!({"error": "invalid_client"}));
        }
        signer.tokens(&json!({"id_token": null, "refresh_token": null}))
    });
    let clock = TestClock::new();
    clock.advance(-92);
    let client = fake.client(&Person::without_browser());
    let client = client.clock(clock).client_auth(signing()).build().unwrap();
    let set = client.client_credentials().await;
    (fake, set.map(drop).map_err(|error| error.kind().clone()))
}

#[tokio::test]
async fn q_40_an_assertion_by_a_slow_clock_is_made_again_by_the_servers() {
    let (fake, done) = with_a_slow_clock(true).await;
    assert_eq!(done, Ok(()));
    let seen = fake.seen("/token");
    assert_eq!(seen.len(), 2);
    assert_signed(&fake, &seen);
}

#[tokio::test]
async fn q_40_a_client_that_stays_unknown_is_asked_for_once_more_at_most() {
    let (fake, done) = with_a_slow_clock(false).await;
    assert_eq!(done, Err(ErrorKind::Config));
    assert_eq!(fake.seen("/token").len(), 2);
}

#[tokio::test]
async fn with_a_good_clock_an_unknown_client_is_not_tried_twice() {
    let fake = Fake::start().await;
    fake.answer_tokens(vec![(401, json!({"error": "invalid_client"}))]);
    let client = fake.client(&Person::without_browser());
    let client = client.client_auth(signing()).build().unwrap();
    let error = client.client_credentials().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Config);
    assert_eq!(fake.seen("/token").len(), 1);
}

#[tokio::test]
async fn nothing_is_signed_for_a_server_that_cannot_read_it() {
    let fake = Fake::start().await;
    let client = || {
        let client = fake.client(&Person::without_browser());
        let key = PrivateKey::parse(RSA).unwrap();
        client.client_auth(key.into()).build().unwrap()
    };
    fake.announce(
        "token_endpoint_auth_methods_supported",
        json!(["client_secret_basic"]),
    );
    let error = client().client_credentials().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Config);
    assert!(
        error.to_string().contains("takes no private_key_jwt"),
        "{error}"
    );
    fake.announce(
        "token_endpoint_auth_methods_supported",
        json!(["private_key_jwt"]),
    );
    fake.announce(
        "token_endpoint_auth_signing_alg_values_supported",
        json!(["ES256"]),
    );
    let error = client().client_credentials().await.unwrap_err();
    assert!(error.to_string().contains("RS256 or PS256"), "{error}");
    assert!(fake.seen("/token").is_empty());
}

/// What a watcher is told.
#[derive(Clone, Debug, Default)]
struct Notes(Arc<Mutex<Vec<Exchange>>>);

impl Watcher for Notes {
    fn saw(&self, exchange: &Exchange) {
        self.0.lock().unwrap().push(exchange.clone());
    }
}

#[tokio::test]
async fn c_49_no_assertion_is_seen_by_a_watcher_or_in_an_error() {
    let fake = Fake::start().await;
    fake.answer_tokens(vec![(401, json!({"error": "invalid_client"}))]);
    let notes = Notes::default();
    let client = fake.client(&Person::without_browser());
    let client = client.client_auth(signing()).watcher(notes.clone());
    let error = client
        .build()
        .unwrap()
        .client_credentials()
        .await
        .unwrap_err();
    let assertion = fake.seen("/token")[0].field("client_assertion").unwrap();
    let told = format!("{error:?} {error} {:?}", notes.0.lock().unwrap());
    assert!(told.contains("client_assertion"), "{told}");
    let signature = assertion.rsplit('.').next().unwrap();
    assert!(!told.contains(&assertion) && !told.contains(signature));
}

#[tokio::test]
async fn a_client_id_that_is_an_address_travels_as_it_is() {
    let fake = Fake::start().await;
    fake.announce("client_id_metadata_document_supported", json!(true));
    let person = Person::who_signs_in(&fake);
    let id = "https://app.example/client.json";
    fake.on("/token", |_, signer| {
        let id_token = signer.id_token(|claims| {
            claims.insert("aud".to_owned(), json!("https://app.example/client.json"));
        });
        signer.tokens(&json!({"id_token": id_token}))
    });
    let client = hallpass_client::Client::builder(&fake.issuer, id)
        .scopes(["openid"])
        .store(hallpass_client::MemoryStore::new())
        .environment(person.environment())
        .browser(person.clone())
        .ui(person.clone());
    let client = client.build().unwrap();
    client.sign_in(SignIn::browser()).await.unwrap();
    let sent = fake.seen("/token")[0].field("client_id");
    assert_eq!(sent.as_deref(), Some(id));
    let opened = &person.opened()[0];
    assert!(
        opened
            .query()
            .unwrap()
            .contains("client_id=https%3A%2F%2Fapp.example%2Fclient.json")
    );
    assert!(
        client
            .metadata()
            .await
            .unwrap()
            .client_id_metadata_document_supported
    );
}

#[tokio::test]
async fn an_address_as_client_id_is_refused_before_anybody_is_asked_where_nobody_reads_it() {
    let fake = Fake::start().await;
    let id = "https://app.example/client.json";
    let person = Person::who_signs_in(&fake);
    let client = hallpass_client::Client::builder(&fake.issuer, id)
        .scopes(["openid"])
        .store(hallpass_client::MemoryStore::new())
        .environment(person.environment())
        .browser(person.clone())
        .ui(person.clone());
    let client = client.build().unwrap();
    for how in [SignIn::browser(), SignIn::device(), SignIn::auto()] {
        let error = client.sign_in(how).await.unwrap_err();
        assert_eq!((error.kind(), error.exit_code()), (&ErrorKind::Config, 5));
        let said = error.to_string();
        assert!(said.contains("127.0.0.1") && said.contains(id), "{said}");
        let hint = error.hint().unwrap();
        assert!(hint.contains("registered by who runs the server"), "{hint}");
    }
    let error = client.start_device_authorization().await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Config);
    assert!(person.opened().is_empty());
    let asked: Vec<_> = fake.all_seen().into_iter().map(|seen| seen.path).collect();
    assert!(
        asked.iter().all(|path| path.contains("/.well-known/")),
        "{asked:?}"
    );

    // Where programs register themselves, that is the way out.
    fake.announce(
        "registration_endpoint",
        json!(format!("{}/register", fake.issuer)),
    );
    let client = hallpass_client::Client::builder(&fake.issuer, id);
    let client = client
        .store(hallpass_client::MemoryStore::new())
        .environment(person.environment())
        .ui(person.clone());
    let error = client.build().unwrap().sign_in(SignIn::browser()).await;
    let error = error.unwrap_err();
    assert!(error.hint().unwrap().contains("leave the client id out"));
}
