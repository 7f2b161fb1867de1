//! Rows A-87 and S-287: a clock that is set back makes nothing good again that was over.

use std::time::Duration;

use hallpass_protocol::dpop::{self, ProofRequest};
use hallpass_protocol::jose::{Algorithm, SigningKey};
use hallpass_protocol::random::SystemRandom;
use hallpass_protocol::{Clock as _, Timestamp};
use hallpass_testing::server::START;
use hallpass_testing::{Answer, Person, TestServer};
use url::Url;

use crate::accounts::{PASSWORD, code, is_active, is_in, log_in, redeem, refresh};
use crate::log_lines::LogLines;

const HOUR: i64 = 3_600;
const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// Sets the clock of a node back by an hour, after it has shown the present time.
async fn set_back(server: &TestServer) {
    assert_eq!(server.get("/livez").await.status, 200);
    server
        .clock
        .set_back(Duration::from_secs(HOUR.unsigned_abs()));
}

fn assert_invalid_grant(answer: &Answer) {
    assert_eq!(answer.refusal(), (400, "invalid_grant".to_owned()));
}

#[tokio::test]
async fn a_87_s_287_codes_that_ended_stay_ended() {
    let log = LogLines::listen();
    let server = TestServer::production("").await;
    let person = server.person_with_account("ada", PASSWORD).await;
    let unused = code(&person, "ada").await;
    let used = code(&person, "ada").await;
    let tokens = redeem(&server, &used).await;
    assert_eq!(tokens.status, 200, "{}", tokens.body);
    let device = [("client_id", "cli"), ("scope", "openid")];
    let device = server.post("/oauth2/device_authorization", &device).await;
    server.advance(HOUR.unsigned_abs());
    set_back(&server).await;
    // By the system's clock both were made this very second.
    assert_eq!(server.clock.now(), Timestamp::from_unix_seconds(START));
    assert_invalid_grant(&redeem(&server, &unused).await);
    let polling = [
        ("grant_type", DEVICE_CODE),
        ("client_id", "cli"),
        ("device_code", &device.member("device_code")),
    ];
    let polled = server.post("/oauth2/token", &polling).await;
    assert_eq!(polled.refusal(), (400, "expired_token".to_owned()));
    let entry = person.open("/device").await;
    let user_code = device.member("user_code");
    let page = person.submit(&entry, &[("user_code", &user_code)]).await;
    assert_eq!(page.status, 422, "{}", page.body);
    // The access token is over; the family is whole, and its new token is no older than the old.
    assert!(!is_active(&server, &tokens.member("access_token")).await);
    let again = refresh(&server, &tokens.member("refresh_token")).await;
    assert_eq!(again.status, 200, "{}", again.body);
    let issued = again.claims("access_token")["iat"].as_i64().unwrap();
    assert!(issued >= START + HOUR, "{issued}");
    assert!(is_active(&server, &again.member("access_token")).await);
    assert!(log.has(&["WARN", "the system's clock was set back"]));
}

#[tokio::test]
async fn a_87_s_287_a_used_proof_stays_used() {
    let server = TestServer::production("").await;
    let key = SigningKey::generate(Algorithm::Es256, "k1").unwrap();
    let prove = |now: i64| {
        let request = ProofRequest {
            htm: "POST",
            htu: &Url::parse("https://id.example.com/oauth2/token").unwrap(),
            access_token: None,
            nonce: None,
            now: Timestamp::from_unix_seconds(now),
        };
        dpop::prove(&key, &request, &SystemRandom).unwrap()
    };
    let ask = async |proof: &str| {
        let request = server.http().post(server.url("/oauth2/token"));
        let request = request.basic_auth("svc", Some("s3cret"));
        let request = request.form(&[("grant_type", "client_credentials")]);
        server.send(request.header("DPoP", proof)).await
    };
    let stolen = prove(START);
    assert_eq!(ask(&stolen).await.status, 200);
    server.advance(HOUR.unsigned_abs());
    // Whoever comes now lets the server forget the ids that ended.
    assert_eq!(ask(&prove(START + HOUR)).await.status, 200);
    set_back(&server).await;
    let replayed = ask(&stolen).await;
    assert_eq!(replayed.refusal(), (400, "invalid_dpop_proof".to_owned()));
}

#[tokio::test]
async fn a_87_s_287_sessions_and_locks_that_ended_stay_ended() {
    let limits = "[limits]\nuser_code_per_session = \"2/10m\"\nlogin_per_account = \"3/15m\"\n\
                  [ttl]\nsso_idle = \"1h\"\n";
    let server = TestServer::production(limits).await;
    let person = server.person_with_account("ada", PASSWORD).await;
    assert!(is_in(&log_in(&person, "ada", PASSWORD).await));
    let guesser = server.person();
    for _ in 0..2 {
        let entry = guesser.open("/device").await;
        guesser.submit(&entry, &[("user_code", "BBBB-BBBB")]).await;
    }
    assert_eq!(guesser.open("/device").await.status, 429);
    server.advance(HOUR.unsigned_abs());
    assert_eq!(guesser.open("/device").await.status, 200);
    set_back(&server).await;
    assert_eq!(
        guesser.open("/device").await.status,
        200,
        "the lock is over"
    );
    assert!(!is_signed_in(&person).await, "the session is over");
    assert!(is_in(&log_in(&person, "ada", PASSWORD).await));
    assert!(is_signed_in(&person).await);
}

async fn is_signed_in(person: &Person) -> bool {
    let page = person.open("/oauth2/logout").await;
    page.body.contains("Signed in as")
}
