//! The library's ten lines, run against the real dev server: every flow, from sign-in to sign-out.

use std::time::Duration;

use hallpass_client::{
    AccessToken, Client, ClientAuthMethod, ClientBuilder, ErrorKind, MemoryStore, Session, SignIn,
    StepResult, TokenExchange, TokenType,
};
use hallpass_protocol::jose::base64url;
use hallpass_testing::TestServer;
use serde_json::Value;

use crate::ada::Ada;

const SCOPES: [&str; 3] = ["openid", "offline_access", "api:read"];

/// The first lines of every program, with this person instead of the terminal.
fn acme(ada: &Ada, server: &TestServer) -> ClientBuilder {
    ada.client(server, "acme-cli")
        .app_name("acme")
        .scopes(SCOPES)
        .resource(server.issuer())
}

/// The middle and the end of the ten lines: an API call with the token attached.
async fn call_the_api(server: &TestServer, session: &Session) -> Value {
    let http = session.http();
    let answer = http.get(format!("{}/userinfo", server.issuer()));
    let text = answer.send().await.unwrap().text().await.unwrap();
    serde_json::from_str(&text).unwrap()
}

/// A session of ada's whose ID token was verified, and everything that it is good for.
async fn lives_and_ends(server: &TestServer, ada: &Ada, client: Client, session: Session) {
    let claims = session.claims().expect("a verified ID token");
    assert_eq!(
        (claims.sub.as_str(), &claims.iss),
        ("ada", &server.issuer())
    );
    // The server offers DPoP, so everything from here on is bound to the session's key.
    assert_eq!(
        *session.access_token().await.unwrap().token_type(),
        TokenType::Dpop
    );
    assert_eq!(call_the_api(server, &session).await["sub"], "ada");
    let elsewhere = session.http().get("http://127.0.0.1:9/me").send().await;
    assert_eq!(*elsewhere.unwrap_err().kind(), ErrorKind::Config);

    // Nobody is asked again, and a token that is about to end is renewed unasked.
    let again = client.sign_in(SignIn::silent_only()).await.unwrap();
    let first = again.access_token().await.unwrap();
    assert_eq!(
        first.expose(),
        session.access_token().await.unwrap().expose()
    );
    ada.clock.advance(Duration::from_secs(3590));
    let second = again.access_token().await.unwrap();
    assert_ne!(first.expose(), second.expose());
    assert_eq!(call_the_api(server, &session).await["sub"], "ada");
    let third = session.refresh().await.unwrap();
    assert_ne!(second.expose(), third.expose());
    assert!(server.is_active(third.expose()).await);

    let exchanged = exchange(&client, &third).await;
    assert_eq!(claims_of(&exchanged)["aud"], "https://orders.example");
    assert_eq!(claims_of(&exchanged)["sub"], "ada");
    assert_eq!(
        claims_of(&exchanged)["cnf"]["jkt"],
        third.dpop_jkt().unwrap().unwrap()
    );

    let report = session.sign_out().await.unwrap();
    assert!(
        report
            .steps
            .iter()
            .all(|step| step.result == StepResult::Ok),
        "{report:?}"
    );
    assert!(!server.is_active(third.expose()).await);
    let nobody = client.sign_in(SignIn::silent_only()).await.unwrap_err();
    assert_eq!(*nobody.kind(), ErrorKind::LoginRequired);
}

async fn exchange(client: &Client, token: &AccessToken) -> AccessToken {
    let wish = TokenExchange::of(token);
    let set = client
        .exchange(wish.audience("https://orders.example"))
        .await;
    set.unwrap().access_token
}

fn claims_of(token: &AccessToken) -> Value {
    let payload = token.expose().split('.').nth(1).expect("a JWT");
    serde_json::from_slice(&base64url::decode(payload).unwrap()).unwrap()
}

#[tokio::test]
async fn the_device_flow_signs_in_refreshes_exchanges_and_signs_out() {
    let server = TestServer::dev().await;
    let ada = Ada::at(&server);
    let client = acme(&ada, &server).timer(ada.clone());
    let client = client.build().unwrap();
    let session = client.sign_in(SignIn::device()).await.unwrap();
    lives_and_ends(&server, &ada, client, session).await;
}

#[tokio::test]
async fn the_code_flow_signs_in_refreshes_exchanges_and_signs_out() {
    let server = TestServer::dev().await;
    let ada = Ada::at(&server);
    let client = acme(&ada, &server).build().unwrap();
    let session = client.sign_in(SignIn::auto()).await.unwrap();
    lives_and_ends(&server, &ada, client, session).await;
}

#[tokio::test]
async fn a_program_signs_in_as_itself() {
    let server = TestServer::dev().await;
    let ada = Ada::at(&server);
    let secret = ClientAuthMethod::SecretBasic(hallpass_client::Secret::new("s".to_owned()));
    let client = Client::builder(server.issuer(), "robot")
        .scopes(["api:read"])
        .client_auth(secret)
        .store(MemoryStore::new())
        .clock(ada.clone())
        .build()
        .unwrap();
    let set = client.client_credentials().await.unwrap();
    assert!(server.is_active(set.access_token.expose()).await);
    assert!(set.refresh_token.is_none(), "RFC 6749 §4.4.3");
    assert_eq!(claims_of(&set.access_token)["sub"], "robot");
    assert_eq!(set.access_token.scope().to_string(), "api:read");
}
