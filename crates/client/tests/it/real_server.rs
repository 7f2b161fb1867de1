//! Clients that sign, push and register themselves, at the real server.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use hallpass_client::reqwest::{Request, Response};
use hallpass_client::{
    BoxFuture, Client, ClientAuthMethod, ClientBuilder, Clock, DpopMode, ErrorKind, HttpTransport,
    MemoryStore, PrivateKey, PushedRequests, Secret, SignIn, StepResult, SystemTransport,
    Timestamp, TokenExchange, TransportError,
};
use hallpass_testing::{TestClock, TestServer};

use crate::ada::Ada;
use crate::client_auth::{EC, ED25519, RSA};

fn program(ada: &Ada, server: &TestServer, client_id: &str) -> ClientBuilder {
    ada.client(server, client_id)
        .scopes(["openid", "offline_access", "a"])
}

/// A strict server that has the public half of this key for the client `signer`.
async fn server_with(key: &PrivateKey) -> TestServer {
    let jwk = key.public_jwks()["keys"][0].clone();
    // The server wants to know how an RSA key signs.
    let is_rsa = jwk["kty"] == "RSA";
    let members = jwk.as_object().unwrap().iter();
    let mut members: Vec<_> = members
        .map(|(name, value)| format!("{name} = {value}"))
        .collect();
    if is_rsa {
        members.push("alg = \"RS256\"".to_owned());
    }
    TestServer::strict(&format!(
        "[[client]]\nid = \"signer\"\ntype = \"confidential\"\nauth_method = \"private_key_jwt\"\n\
         jwks = {{ keys = [{{ {} }}] }}\nredirect_uris = [\"http://127.0.0.1/callback\"]\n\
         grants = [\"authorization_code\", \"refresh_token\", \"client_credentials\", \
         \"urn:ietf:params:oauth:grant-type:device_code\", \
         \"urn:ietf:params:oauth:grant-type:token-exchange\"]\n\
         scopes = [\"openid\", \"offline_access\", \"a\", \"b\"]\n\
         [[client]]\nid = \"rs\"\ntype = \"confidential\"\nsecret = \"s\"\ngrants = []\nintrospect = true\n",
        members.join(", ")
    ))
    .await
}

#[tokio::test]
async fn c_57_every_kind_of_key_signs_in_as_the_program_itself() {
    for pem in [EC, ED25519, RSA] {
        let key = PrivateKey::parse(pem).unwrap().with_key_id("k-1").unwrap();
        let server = server_with(&key).await;
        let client = Client::builder(server.issuer(), "signer")
            .scopes(["a"])
            .store(MemoryStore::new())
            .clock(Ada::of_pushing_programs(&server))
            .client_auth(key.into());
        let client = client.build().unwrap();
        for _ in 0..3 {
            let set = client.client_credentials().await.unwrap();
            assert!(server.is_active(set.access_token.expose()).await);
        }
    }
}

/// Refresh, exchange and sign-out: each of them is signed.
async fn lives_and_ends(server: &TestServer, client: &Client) {
    let session = client.session().await.unwrap().unwrap();
    let first = session.access_token().await.unwrap();
    let second = session.refresh().await.unwrap();
    assert_ne!(first.expose(), second.expose());
    let wish = TokenExchange::of(&second);
    let set = client
        .exchange(wish.audience("https://orders.example"))
        .await;
    assert!(set.is_ok(), "{set:?}");
    let report = session.sign_out().await.unwrap();
    assert!(
        report
            .steps
            .iter()
            .all(|step| step.result == StepResult::Ok),
        "{report:?}"
    );
    assert!(!server.is_active(second.expose()).await);
}

#[tokio::test]
async fn c_57_a_person_signs_in_by_a_client_that_signs_every_request() {
    let key = PrivateKey::parse(EC).unwrap();
    let server = server_with(&key).await;
    let ada = Ada::of_pushing_programs(&server);
    let signed = || {
        let client = program(&ada, &server, "signer").client_auth(key.clone().into());
        client.pushed_requests(PushedRequests::Required)
    };
    let client = signed().build().unwrap();
    client.sign_in(SignIn::browser()).await.unwrap();
    lives_and_ends(&server, &client).await;

    let client = signed().timer(ada.clone()).build().unwrap();
    client.sign_in(SignIn::device()).await.unwrap();
    lives_and_ends(&server, &client).await;
}

#[tokio::test]
async fn q_40_a_clock_that_is_wrong_by_minutes_does_not_lock_a_signing_client_out() {
    /// Follows the server's clock, some minutes behind.
    #[derive(Debug)]
    struct Behind(Arc<TestClock>);
    impl Clock for Behind {
        fn now(&self) -> Timestamp {
            let now = self.0.now().unix_millis();
            Timestamp::from_unix_millis(now - 600_000)
        }
    }
    let key = PrivateKey::parse(EC).unwrap();
    let server = server_with(&key).await;
    let client = Client::builder(server.issuer(), "signer")
        .scopes(["a"])
        .store(MemoryStore::new())
        .clock(Behind(Arc::clone(&server.clock)))
        .client_auth(key.into());
    let set = client.build().unwrap().client_credentials().await;
    assert!(set.is_ok(), "{set:?}");
}

#[tokio::test]
async fn a_62_the_key_of_somebody_else_opens_nothing() {
    let key = PrivateKey::parse(EC).unwrap();
    let server = server_with(&key).await;
    let ada = Ada::of_pushing_programs(&server);
    for auth in [
        PrivateKey::parse(ED25519).unwrap().into(),
        ClientAuthMethod::None,
        ClientAuthMethod::Secret(Secret::from("guessed")),
    ] {
        let client = program(&ada, &server, "signer").client_auth(auth);
        let client = client.build().unwrap();
        let error = client.sign_in(SignIn::browser()).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Config, "{error}");
        assert!(error.to_string().contains("invalid_client"), "{error}");
    }
}

#[tokio::test]
async fn c_56_a_program_that_nobody_registered_registers_itself_and_signs_in() {
    let server = TestServer::dev().await;
    let ada = Ada::of_pushing_programs(&server);
    let unknown = Client::unregistered(server.issuer()).build().unwrap();
    let uris = ["http://127.0.0.1/callback", "http://[::1]/callback"];
    let asked = unknown.native_metadata("acme", uris).await.unwrap();
    let registered = unknown.register(asked).await.unwrap();
    assert_eq!(registered.metadata.client_name.as_deref(), Some("acme"));
    assert_eq!(registered.metadata.redirect_uris, uris);

    let id = registered.client_id.clone();
    let client = program(&ada, &server, &id).build().unwrap();
    client.sign_in(SignIn::browser()).await.unwrap();
    let client = program(&ada, &server, &id).timer(ada.clone());
    client
        .build()
        .unwrap()
        .sign_in(SignIn::device())
        .await
        .unwrap();

    let confirmed = unknown.confirm_registration(registered).await.unwrap();
    let confirmed = confirmed.expect("the server still knows it");
    assert_eq!(confirmed.client_id, id);
    // RFC 7592 §2.3: whoever has the token can end it.
    let uri = confirmed.registration_client_uri.clone().unwrap();
    let token = confirmed.registration_access_token.clone().unwrap();
    let gone = server.http().delete(uri).bearer_auth(token.expose());
    assert_eq!(server.send(gone).await.status, 204);
    let after = unknown.confirm_registration(confirmed).await.unwrap();
    assert!(after.is_none());
}

#[tokio::test]
async fn c_56_a_program_that_registers_its_key_signs_with_it() {
    let server = TestServer::dev().await;
    let key = PrivateKey::parse(ED25519).unwrap();
    let unknown = Client::unregistered(server.issuer()).build().unwrap();
    let asked = hallpass_client::ClientMetadata {
        token_endpoint_auth_method: Some("private_key_jwt".to_owned()),
        grant_types: Some(vec!["client_credentials".to_owned()]),
        response_types: Some(Vec::new()),
        jwks: Some(key.public_jwks()),
        ..Default::default()
    };
    let registered = unknown.register(asked).await.unwrap();
    assert!(
        registered.client_auth().is_none(),
        "the key is the caller's"
    );
    let client = Client::builder(server.issuer(), &registered.client_id)
        .scopes(["api:read"])
        .store(MemoryStore::new())
        .clock(Ada::of_pushing_programs(&server))
        .client_auth(key.into());
    let set = client.build().unwrap().client_credentials().await.unwrap();
    assert!(server.is_active(set.access_token.expose()).await);
}

#[tokio::test]
async fn a_71_what_the_server_does_not_register_is_told() {
    let server = TestServer::dev().await;
    let unknown = Client::unregistered(server.issuer()).build().unwrap();
    let asked = unknown
        .native_metadata("acme", ["javascript:alert(1)"])
        .await;
    let error = unknown.register(asked.unwrap()).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Config);
    assert!(
        error.to_string().contains("invalid_redirect_uri"),
        "{error}"
    );
    let closed = TestServer::registered().await;
    let unknown = Client::unregistered(closed.issuer()).build().unwrap();
    let asked = unknown
        .native_metadata("acme", ["http://127.0.0.1/callback"])
        .await;
    let error = unknown.register(asked.unwrap()).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Config, "{error}");
}

/// A network that loses the first answers with tokens, after the server gave them.
#[derive(Debug)]
struct LossyNetwork {
    system: SystemTransport,
    losses_left: AtomicUsize,
    /// What the lost answers said.
    lost: Mutex<Vec<serde_json::Value>>,
}

#[derive(Clone, Debug)]
struct Lossy(Arc<LossyNetwork>);

impl Lossy {
    fn losing(losses: usize) -> Self {
        Self(Arc::new(LossyNetwork {
            system: SystemTransport::new(),
            losses_left: AtomicUsize::new(losses),
            lost: Mutex::default(),
        }))
    }

    fn lost(&self, name: &str) -> Vec<String> {
        let lost = self.0.lost.lock().unwrap();
        let members = lost.iter().map(|answer| answer[name].as_str().unwrap());
        members.map(str::to_owned).collect()
    }
}

impl HttpTransport for Lossy {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        Box::pin(async move {
            let gives_tokens = request.url().path().ends_with("/token");
            let answer = self.0.system.send(request).await?;
            let left = &self.0.losses_left;
            if !gives_tokens || answer.status() != 200 || left.load(Ordering::SeqCst) == 0 {
                return Ok(answer);
            }
            left.fetch_sub(1, Ordering::SeqCst);
            let body = answer.bytes().await.unwrap();
            let said = serde_json::from_slice(&body).unwrap();
            self.0.lost.lock().unwrap().push(said);
            Err(TransportError::interrupted("the test's network"))
        })
    }
}

#[tokio::test]
async fn c_04_s_22_a_device_whose_tokens_were_lost_has_them_at_its_next_poll() {
    let server = TestServer::dev().await;
    let (ada, network) = (Ada::of_pushing_programs(&server), Lossy::losing(1));
    let client = program(&ada, &server, "cli").timer(ada.clone());
    let client = client.http(network.clone()).build().unwrap();
    let session = client.sign_in(SignIn::device()).await.unwrap();
    assert!(session.is_bound());
    let token = session.access_token().await.unwrap();
    let lost = network.lost("access_token");
    assert_eq!(lost.len(), 1);
    assert_ne!(lost[0], token.expose());
    // One sign-in, of which nothing ended.
    let of = |claims: serde_json::Value| claims["sid"].clone();
    let (first, second) = (
        server.introspect(&lost[0]).await.json(),
        server.introspect(token.expose()).await.json(),
    );
    assert_eq!(first["active"], true, "{first}");
    assert_eq!(second["active"], true, "{second}");
    assert_eq!(of(first), of(second));
    session.refresh().await.unwrap();
}

/// Nobody but the owner of a key is given tokens again: an answer that took too long, or was lost, costs
/// the sign-in, and the message says that this is what happened.
#[tokio::test]
async fn c_04_s_22_a_device_without_a_key_whose_tokens_were_lost_is_told_so() {
    let server = TestServer::dev().await;
    let (ada, network) = (Ada::of_pushing_programs(&server), Lossy::losing(1));
    let client = program(&ada, &server, "cli").timer(ada.clone());
    let client = client.dpop(DpopMode::Off).http(network.clone());
    let client = client.build().unwrap();
    let error = client.sign_in(SignIn::device()).await.unwrap_err();
    let said = error.to_string();
    assert!(said.contains("unknown, used or expired"), "{said}");
    assert!(said.contains("did not arrive"), "{said}");
    assert_eq!(error.exit_code(), 1, "{error}");
    let causes = format!("{error:?}");
    assert!(causes.contains("the test's network"), "{causes}");
    // What was lost is nobody's: the server took the second poll for a thief's.
    for token in network.lost("access_token") {
        assert!(!server.is_active(&token).await);
    }
}

#[tokio::test]
async fn s_23_a_device_that_asks_too_late_begins_again() {
    let server = TestServer::dev().await;
    let (ada, network) = (Ada::of_pushing_programs(&server), Lossy::losing(2));
    let client = program(&ada, &server, "cli").timer(ada.clone());
    let client = client.http(network.clone()).build().unwrap();
    // The second loss: the poll after it comes more than ten seconds after the redemption.
    let error = client.sign_in(SignIn::device()).await.unwrap_err();
    assert_eq!(error.exit_code(), 1, "{error}");
    for token in network.lost("access_token") {
        assert!(!server.is_active(&token).await);
    }
}
