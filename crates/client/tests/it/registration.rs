//! A client that registers itself: what it asks, what it believes, and what it keeps.

use std::sync::Arc;

use hallpass_client::{
    Client, ClientAuthMethod, ClientMetadata, Clock as _, ErrorKind, FileStore, MemoryStore,
    RegisteredClient, Secret, SecurityViolation, SignIn, TokenStore,
};
use hallpass_protocol::time::SystemClock;
use serde_json::{Value, json};

use crate::fake::{Answer, Fake};
use crate::person::Person;

/// A server that registers who comes, and answers with what it thinks right.
async fn fake(changes: Value) -> Fake {
    let fake = Fake::start().await;
    let at = format!("{}/register", fake.issuer);
    fake.announce("registration_endpoint", json!(at.clone()));
    fake.announce(
        "grant_types_supported",
        json!(["authorization_code", "refresh_token"]),
    );
    fake.on("/register", move |seen, _| {
        let mut answer: Value = serde_json::from_str(&seen.body).unwrap();
        answer["client_id"] = json!("dyn-1");
        answer["client_id_issued_at"] = json!(1);
        answer["registration_access_token"] = json!("reg-canary");
        answer["registration_client_uri"] = json!(format!("{at}/dyn-1"));
        for (name, value) in changes.as_object().unwrap() {
            answer[name] = value.clone();
        }
        Answer::Json(201, answer)
    });
    fake
}

fn unregistered(fake: &Fake) -> Client {
    Client::unregistered(&fake.issuer).build().unwrap()
}

async fn asked(client: &Client) -> ClientMetadata {
    let uris = ["http://127.0.0.1/callback"];
    client.native_metadata("acme", uris).await.unwrap()
}

async fn registered(fake: &Fake) -> RegisteredClient {
    let client = unregistered(fake);
    client.register(asked(&client).await).await.unwrap()
}

#[tokio::test]
async fn c_56_a_native_public_client_is_registered_and_signs_in() {
    let fake = fake(json!({})).await;
    let known = registered(&fake).await;
    let seen = &fake.seen("/register")[0];
    let sent: Value = serde_json::from_str(&seen.body).unwrap();
    assert_eq!(
        sent,
        json!({
            "redirect_uris": ["http://127.0.0.1/callback"],
            "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "application_type": "native",
            "client_name": "acme",
        })
    );
    assert_eq!(seen.authorization, None);
    assert_eq!(known.client_id, "dyn-1");
    assert!(matches!(known.client_auth(), Some(ClientAuthMethod::None)));

    let person = Person::who_signs_in(&fake);
    fake.on("/token", |_, signer| {
        let id_token = signer.id_token(|claims| {
            claims.insert("aud".to_owned(), json!("dyn-1"));
        });
        signer.tokens(&json!({"id_token": id_token}))
    });
    let client = Client::builder(&fake.issuer, &known.client_id)
        .scopes(["openid"])
        .store(MemoryStore::new())
        .environment(person.environment())
        .browser(person.clone())
        .ui(person.clone());
    client
        .build()
        .unwrap()
        .sign_in(SignIn::browser())
        .await
        .unwrap();
}

#[tokio::test]
async fn c_56_what_the_server_put_in_place_is_what_counts() {
    let fake = fake(json!({
        "redirect_uris": ["http://127.0.0.1:8400/other"],
        "token_endpoint_auth_method": "client_secret_post",
        "client_secret": "secret-canary", "client_secret_expires_at": 0,
        "client_name": "Renamed", "grant_types": ["authorization_code"],
    }))
    .await;
    let known = registered(&fake).await;
    assert_eq!(
        known.metadata.redirect_uris,
        ["http://127.0.0.1:8400/other"]
    );
    assert_eq!(known.metadata.client_name.as_deref(), Some("Renamed"));
    assert!(!known.is_expired(SystemClock.now()));
    let Some(ClientAuthMethod::SecretPost(secret)) = known.client_auth() else {
        panic!("{:?}", known.client_auth());
    };
    assert_eq!(secret, Secret::from("secret-canary"));
    assert!(!format!("{known:?}").contains("canary"));
}

#[tokio::test]
async fn c_56_a_registration_is_kept_as_a_secret_and_found_again() {
    let fake = fake(json!({})).await;
    let known = registered(&fake).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions.json");
    let store: Arc<dyn TokenStore> = Arc::new(FileStore::at(&path));
    known
        .keep(store.as_ref(), &fake.issuer, SystemClock.now())
        .unwrap();
    let again = RegisteredClient::find_kept(&FileStore::at(&path), &fake.issuer);
    let again = again.unwrap().unwrap();
    assert_eq!(again.client_id, "dyn-1");
    assert_eq!(
        again.registration_access_token,
        Some(Secret::from("reg-canary"))
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let keys = store.list().unwrap();
    assert!(keys.len() == 1 && keys[0].is_registration(), "{keys:?}");
    // It is no session, whatever client is built for this issuer.
    for id in ["dyn-1", "cli"] {
        let client = Client::builder(&fake.issuer, id).store(Arc::clone(&store));
        assert!(client.build().unwrap().session().await.unwrap().is_none());
    }
}

#[tokio::test]
async fn an_initial_access_token_is_shown_to_the_registration_endpoint_alone() {
    let fake = fake(json!({})).await;
    let client = unregistered(&fake);
    let token = Secret::from("initial-canary");
    client
        .register_with(asked(&client).await, Some(&token))
        .await
        .unwrap();
    for seen in fake.all_seen() {
        let shown = seen.authorization.as_deref() == Some("Bearer initial-canary");
        assert_eq!(shown, seen.path == "/register", "{}", seen.path);
    }
}

#[tokio::test]
async fn a_refusal_says_what_to_do_next() {
    for (status, body, kind, hint) in [
        (
            401,
            json!({"error": "invalid_token"}),
            ErrorKind::Config,
            "initial access token",
        ),
        (403, json!({}), ErrorKind::Config, "initial access token"),
        (
            400,
            json!({"error": "invalid_redirect_uri"}),
            ErrorKind::Config,
            "by who runs the server",
        ),
        (404, json!({}), ErrorKind::Config, "by who runs the server"),
        (201, json!({"no": "id"}), ErrorKind::Protocol, "by hand"),
    ] {
        let fake = fake(json!({})).await;
        let said = body.clone();
        fake.on("/register", move |_, _| Answer::Json(status, said.clone()));
        let client = unregistered(&fake);
        let error = client.register(asked(&client).await).await.unwrap_err();
        assert_eq!(*error.kind(), kind, "{status} {body}");
        assert!(error.hint().unwrap().contains(hint), "{error:?}");
    }
    let fake = fake(json!({})).await;
    fake.on("/register", |_, _| Answer::Json(503, json!({})));
    let client = unregistered(&fake);
    let error = client.register(asked(&client).await).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Unavailable { .. }));
}

#[tokio::test]
async fn a_server_that_registers_nobody_is_not_asked() {
    let fake = Fake::start().await;
    let client = unregistered(&fake);
    let error = client.register(asked(&client).await).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Config);
    assert!(
        error.to_string().contains("registers no clients by itself"),
        "{error}"
    );
    assert!(fake.seen("/register").is_empty());
}

#[tokio::test]
async fn c_45_a_registration_follows_no_redirect() {
    let fake = fake(json!({})).await;
    fake.on("/register", |_, _| {
        let to = vec![("location", "https://evil.test/register".to_owned())];
        Answer::Raw(307, to, String::new())
    });
    let client = unregistered(&fake);
    let error = client.register(asked(&client).await).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Security(_)), "{error}");
}

#[tokio::test]
async fn a_client_without_an_id_can_ask_for_nothing_else() {
    let fake = Fake::start().await;
    let person = Person::who_signs_in(&fake);
    let client = Client::unregistered(&fake.issuer)
        .environment(person.environment())
        .ui(person.clone())
        .browser(person.clone());
    let client = client.build().unwrap();
    for error in [
        client.sign_in(SignIn::browser()).await.unwrap_err(),
        client.sign_in(SignIn::device()).await.unwrap_err(),
        client.client_credentials().await.unwrap_err(),
    ] {
        assert_eq!(*error.kind(), ErrorKind::Config, "{error}");
        assert!(error.hint().unwrap().contains("register it first"));
    }
    assert!(fake.seen("/token").is_empty() && person.opened().is_empty());
}

/// What becomes of a kept registration after this answer to a question about it.
async fn confirmed(status: u16, body: Value) -> (Fake, Option<RegisteredClient>) {
    let fake = fake(json!({})).await;
    let known = registered(&fake).await;
    fake.on("/register/dyn-1", move |_, _| {
        Answer::Json(status, body.clone())
    });
    let now = unregistered(&fake)
        .confirm_registration(known)
        .await
        .unwrap();
    (fake, now)
}

#[tokio::test]
async fn a_registration_is_confirmed_with_its_own_token_and_a_new_one_is_taken() {
    let answer = json!({"client_id": "dyn-1", "registration_access_token": "reg-2"});
    let (fake, now) = confirmed(200, answer).await;
    let now = now.unwrap();
    assert_eq!(now.registration_access_token, Some(Secret::from("reg-2")));
    assert!(
        now.registration_client_uri.is_some(),
        "what is left out stays"
    );
    let seen = &fake.seen("/register/dyn-1")[0];
    assert_eq!(seen.authorization.as_deref(), Some("Bearer reg-canary"));
}

#[tokio::test]
async fn only_401_says_that_a_registration_is_gone() {
    assert!(confirmed(401, json!({})).await.1.is_none());
    for (status, body) in [
        (403, json!({})),
        (404, json!({})),
        (500, json!({})),
        (200, json!({})),
        (200, json!({"client_id": "somebody-else"})),
    ] {
        let kept = confirmed(status, body.clone()).await.1;
        assert_eq!(kept.unwrap().client_id, "dyn-1", "{status} {body}");
    }
}

#[tokio::test]
async fn c_45_a_registration_token_goes_to_no_other_host() {
    let elsewhere = fake(json!({})).await;
    let stolen = format!("{}/register/dyn-1", elsewhere.issuer);
    let fake = fake(json!({"registration_client_uri": stolen})).await;
    let known = registered(&fake).await;
    let now = unregistered(&fake)
        .confirm_registration(known)
        .await
        .unwrap();
    assert_eq!(now.unwrap().client_id, "dyn-1");
    assert!(elsewhere.all_seen().is_empty());
}

/// A server of old: its answers do not name their issuer.
async fn without_iss() -> Fake {
    let fake = fake(json!({})).await;
    fake.announce(
        "authorization_response_iss_parameter_supported",
        json!(null),
    );
    fake.on("/token", |_, signer| {
        let id_token = signer.id_token(|claims| {
            claims.insert("aud".to_owned(), json!("dyn-1"));
        });
        signer.tokens(&json!({"id_token": id_token}))
    });
    fake
}

/// Registers with the path that is proposed, and signs in with it.
async fn signs_in_at_own_path(fake: &Fake, person: &Person) -> (String, Result<(), ErrorKind>) {
    let unknown = unregistered(fake);
    let path = unknown.callback_path().await.unwrap();
    let uris = [format!("http://127.0.0.1{path}")];
    let asked = unknown.native_metadata("acme", uris).await.unwrap();
    let known = unknown.register(asked).await.unwrap();
    let client = Client::builder(&fake.issuer, &known.client_id)
        .scopes(["openid"])
        .store(MemoryStore::new())
        .environment(person.environment())
        .browser(person.clone())
        .ui(person.clone())
        .build()
        .unwrap();
    let how = SignIn::browser().callback_path(&path);
    let done = client.sign_in(how).await;
    (path, done.map(drop).map_err(|error| error.kind().clone()))
}

#[tokio::test]
async fn c_34_two_issuers_without_iss_get_two_paths_that_the_server_compares_strictly() {
    let mut paths = Vec::new();
    for fake in [without_iss().await, without_iss().await] {
        let person = Person::who(&fake, |visit| {
            visit.come_back_with(&format!("code=c&state={}", visit.state));
        });
        let (path, done) = signs_in_at_own_path(&fake, &person).await;
        assert_eq!(done, Ok(()));
        let registered: Value = serde_json::from_str(&fake.seen("/register")[0].body).unwrap();
        let registered = registered["redirect_uris"][0].as_str().unwrap();
        assert_eq!(registered, format!("http://127.0.0.1{path}"));
        // What is sent differs from what is registered by the port only (RFC 8252 §7.3).
        let sent = fake.seen("/token")[0].field("redirect_uri").unwrap();
        let mut sent = url::Url::parse(&sent).unwrap();
        sent.set_port(None).unwrap();
        assert_eq!(sent.as_str(), registered);
        paths.push(path);
    }
    assert!(
        paths.iter().all(|path| path.starts_with("/cb/")),
        "{paths:?}"
    );
    assert_ne!(paths[0], paths[1]);
}

#[tokio::test]
async fn c_34_an_answer_of_the_honest_server_never_reaches_the_attackers_token_endpoint() {
    // As in row A-32, and no server names itself: the attacker sends the person to the honest page, with
    // the redirect URI that the honest server has on record.
    let (honest, attacker) = (without_iss().await, without_iss().await);
    let honest_path = unregistered(&honest).callback_path().await.unwrap();
    let person = Person::who(&attacker, move |visit| {
        let answer = format!("{honest_path}?code=honest-canary&state={}", visit.state);
        assert_eq!(visit.ask("GET", &answer, &visit.authority()).status, 400);
    });
    let (_, done) = signs_in_at_own_path(&attacker, &person).await;
    assert_eq!(done, Err(ErrorKind::Security(SecurityViolation::Issuer)));
    assert!(attacker.seen("/token").is_empty());
    assert_eq!(person.pages().len(), 1);
}

#[tokio::test]
async fn c_34_and_c_71_a_server_that_names_itself_gets_the_usual_path_and_a_named_path_stays() {
    let fake = fake(json!({})).await;
    assert_eq!(
        unregistered(&fake).callback_path().await.unwrap(),
        "/callback"
    );
    // A client that somebody registered is known under its path, whatever the server announces.
    fake.announce(
        "authorization_response_iss_parameter_supported",
        json!(false),
    );
    for (named, path) in [(None, "/callback"), (Some("/fixed"), "/fixed")] {
        let person = Person::who(&fake, |visit| {
            visit.come_back_with(&format!("code=c&state={}", visit.state));
        });
        let client = fake.client(&person).build().unwrap();
        let how = SignIn::browser();
        let how = match named {
            Some(named) => how.callback_path(named),
            None => how,
        };
        client.sign_in(how).await.unwrap();
        let sent = fake.seen("/token").pop().unwrap();
        let sent = sent.field("redirect_uri").unwrap();
        assert_eq!(url::Url::parse(&sent).unwrap().path(), path);
    }
}
