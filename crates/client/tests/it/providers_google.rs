//! Google, against a double.

use hallpass_client::{
    ClientAuthMethod, ClientBuilder, ErrorKind, Provider, Secret, SignIn, StepResult,
};
use hallpass_testing::provider::{Double, Google, Turn};

use crate::person::Person;
use crate::providers::{at, by_browser, by_device, client, shown};

async fn google() -> Double<Google> {
    Double::start(Google::new).await
}

fn secret() -> ClientAuthMethod {
    ClientAuthMethod::SecretPost(Secret::from(Google::SECRET))
}

fn known(double: &Double<Google>) -> ClientBuilder {
    client("google", Google::CLIENT, double).client_auth(secret())
}

#[tokio::test]
async fn q_07_the_address_has_its_old_name_and_polls_carry_the_secret() {
    let (double, person) = (google().await, Person::without_browser());
    let provider = Provider::parse("google").unwrap().at(&double.base);
    let (session, _) = by_device(at(provider, Google::CLIENT, &person).client_auth(secret())).await;
    let session = session.unwrap();
    assert_eq!(session.account().name.as_deref(), Some("ada@example.com"));
    let (code, address, _) = shown(&person);
    assert_eq!((code.as_str(), address.path()), ("GQVQ-JKEC", "/device"));
    assert_eq!(
        double.seen("/token")[0].field("client_secret"),
        Google::SECRET
    );

    let error = by_device(client("google", Google::CLIENT, &double)).await.0;
    let error = error.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Config);
    assert!(error.to_string().contains("client secret"), "{error}");
}

#[tokio::test]
async fn q_08_the_code_counts_whatever_the_status_is() {
    let double = google().await;
    double
        .provider()
        .device
        .will([Turn::Pending, Turn::SlowDown, Turn::Approved]);
    let (session, seconds) = by_device(known(&double)).await;
    session.unwrap();
    assert_eq!(seconds, 5 + 5 + 10);
    double.provider().device.will([Turn::Denied]);
    assert_eq!(
        by_device(known(&double)).await.0.unwrap_err().exit_code(),
        3
    );

    let drive = known(&double).scopes(["openid", "https://www.googleapis.com/auth/drive"]);
    let error = by_device(drive).await.0.unwrap_err();
    assert!(error.to_string().contains("invalid_scope"), "{error}");
    double.provider().is_web_client = true;
    let error = by_device(known(&double)).await.0.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Config);
    assert!(error.to_string().contains("Invalid client type"), "{error}");
}

#[tokio::test]
async fn q_09_a_session_that_lasts_is_asked_for_by_parameters_each_time() {
    let double = google().await;
    for _ in 0..2 {
        // The second time Google would leave the refresh token out.
        let session = by_browser(known(&double).scopes(["openid", "email", "offline_access"]));
        let session = session.await.unwrap();
        assert!(session.has_refresh_token());
        assert_eq!(session.asked().to_string(), "openid email");
    }
    let asked = double.seen("/o/oauth2/v2/auth");
    assert!(asked.iter().all(|asked| {
        asked.field("access_type") == "offline" && asked.field("prompt") == "consent"
    }));
    assert!(
        double
            .seen("/token")
            .iter()
            .all(|sent| sent.field("client_secret") == Google::SECRET)
    );
    let brief = by_browser(known(&double).scopes(["openid"])).await.unwrap();
    assert!(!brief.has_refresh_token());
}

#[tokio::test]
async fn q_09_the_issuer_without_a_scheme_is_googles_and_no_other_is() {
    let double = google().await;
    double.provider().names_itself_briefly = true;
    let session = by_browser(known(&double)).await.unwrap();
    assert_eq!(session.claims().unwrap().iss, "accounts.google.com");
    // Whoever is asked by issuer has no other spelling.
    let plain = hallpass_client::Client::builder(&double.base, Google::CLIENT)
        .client_auth(secret())
        .scopes(["openid"])
        .store(hallpass_client::MemoryStore::new())
        .ui(Person::without_browser());
    assert_eq!(by_device(plain).await.0.unwrap_err().exit_code(), 8);
}

#[tokio::test]
async fn q_09_scopes_come_back_as_addresses_and_an_unknown_token_is_400_at_revocation() {
    let (double, person) = (google().await, Person::without_browser());
    let provider = Provider::parse("google").unwrap().at(&double.base);
    let builder = at(provider, Google::CLIENT, &person).client_auth(secret());
    let session = by_browser(builder).await.unwrap();
    assert_eq!(session.scope().to_string(), "openid email profile");
    assert!(
        person
            .notices()
            .iter()
            .all(|notice| !notice.contains("did not grant"))
    );
    let report = session.sign_out().await.unwrap();
    assert_eq!(report.steps[0].result, StepResult::Ok);
    // Its access token went with it, as Google says with status 400; the session is gone all the same.
    assert!(matches!(report.steps[1].result, StepResult::Failed(_)));
    assert_eq!(report.steps[2].result, StepResult::Ok);
}

#[tokio::test]
async fn q_10_where_a_browser_is_the_code_flow_comes_first() {
    let double = google().await;
    let client = known(&double).build().unwrap();
    client.sign_in(SignIn::auto()).await.unwrap();
    assert!(double.seen("/device/code").is_empty());
}
