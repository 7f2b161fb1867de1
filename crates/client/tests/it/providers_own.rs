//! GitLab, Keycloak and Ory Hydra, which people run themselves, against doubles.

use hallpass_client::{ErrorKind, Provider, Session};
use hallpass_testing::provider::{Double, GitLab, Hydra, Keycloak, Turn};

use crate::person::Person;
use crate::providers::{at, by_browser, by_device, shown};

fn known(text: &str, id: &str) -> hallpass_client::ClientBuilder {
    at(
        Provider::parse(text).unwrap(),
        id,
        &Person::without_browser(),
    )
}

#[tokio::test]
async fn q_22_a_poll_that_is_early_is_made_up_for_later() {
    let double = Double::start(Keycloak::new).await;
    let realm = format!("keycloak:{}/main", double.base);
    double
        .provider()
        .device
        .will([Turn::SlowDown, Turn::Approved]);
    let (session, seconds) = by_device(known(&realm, Keycloak::CLIENT)).await;
    assert_eq!(session.unwrap().account().name.as_deref(), Some("ada"));
    assert_eq!(seconds, 5 + 10);
    for (turn, exit) in [(Turn::Denied, 3), (Turn::Expired, 6), (Turn::Unknown, 1)] {
        double.provider().device.will([Turn::Pending, turn]);
        let (done, _) = by_device(known(&realm, Keycloak::CLIENT)).await;
        assert_eq!(done.unwrap_err().exit_code(), exit, "{turn:?}");
    }
    double.provider().device_grant = false;
    let error = by_device(known(&realm, Keycloak::CLIENT))
        .await
        .0
        .unwrap_err();
    assert!(error.to_string().contains("not allowed"), "{error}");
}

#[tokio::test]
async fn q_23_releases_before_17_have_a_path_before_the_realms() {
    let double = Double::start(|base| Keycloak::below(base, "/auth")).await;
    let old = format!("keycloak:{}/auth/realms/main", double.base);
    let session = by_device(known(&old, Keycloak::CLIENT)).await.0.unwrap();
    assert_eq!(
        session.claims().unwrap().iss,
        format!("{}/auth/realms/main", double.base)
    );
    // Without it, nothing is there.
    let new = format!("keycloak:{}/main", double.base);
    let error = by_device(known(&new, Keycloak::CLIENT))
        .await
        .0
        .unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Config);
}

#[tokio::test]
async fn q_24_codes_of_letters_or_digits_are_shown_as_they_are() {
    let double = Double::start(Hydra::new).await;
    for code in ["QWERTYUI", "A1B2C3D4", "738204915"] {
        code.clone_into(&mut double.provider().user_code);
        double
            .provider()
            .device
            .will([Turn::Pending, Turn::SlowDown, Turn::Approved]);
        let person = Person::without_browser();
        let provider = Provider::parse(&format!("hydra:{}/", double.base)).unwrap();
        let (session, seconds) = by_device(at(provider, Hydra::CLIENT, &person)).await;
        assert_eq!((session.is_ok(), seconds), (true, 5 + 5 + 10));
        assert_eq!(shown(&person).0, code);
    }
    let hydra = format!("hydra:{}/", double.base);
    double.provider().device.will([Turn::Expired]);
    let error = by_device(known(&hydra, Hydra::CLIENT)).await.0.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::TimedOut);
}

#[tokio::test]
async fn q_25_every_refresh_rotates_and_the_method_is_the_registered_one() {
    let double = Double::start(Hydra::new).await;
    let hydra = format!("hydra:{}/", double.base);
    let session = by_browser(known(&hydra, Hydra::CLIENT)).await.unwrap();
    let expose = async |session: &Session| session.refresh().await.unwrap().expose().to_owned();
    assert_eq!(expose(&session).await, "ory_at_2");
    assert_eq!(expose(&session).await, "ory_at_3");
    assert!(double.seen("/oauth2/auth")[0].field("state").len() >= 8);
    let secret = hallpass_client::ClientAuthMethod::SecretBasic("wrong".into());
    let error = by_browser(known(&hydra, Hydra::CLIENT).client_auth(secret))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Config, "{error}");
    // The issuer counts with its slash.
    let bare = format!("hydra:{}", double.base);
    let error = by_device(known(&bare, Hydra::CLIENT)).await.0.unwrap_err();
    assert!(error.hint().unwrap().contains("exactly"), "{error}");
}

#[tokio::test]
async fn q_29_the_device_endpoint_is_known_and_a_refresh_ends_both_tokens() {
    let double = Double::start(GitLab::new).await;
    let gitlab = format!("gitlab:{}", double.base);
    for lists_device in [false, true] {
        double.provider().lists_device = lists_device;
        let person = Person::without_browser();
        let provider = Provider::parse(&gitlab).unwrap();
        let (session, _) = by_device(at(provider, GitLab::CLIENT, &person)).await;
        assert!(!session.unwrap().has_refresh_token());
        assert_eq!(shown(&person).0, "0A44L90H");
    }
    let session = by_browser(known(&gitlab, GitLab::CLIENT)).await.unwrap();
    let asked = &double.seen("/oauth/authorize")[0];
    assert_eq!(asked.field("scope"), "openid profile email");
    let first = session.access_token().await.unwrap().expose().to_owned();
    let second = session.refresh().await.unwrap().expose().to_owned();
    assert_ne!(first, second);
    assert_eq!(session.access_token().await.unwrap().expose(), second);
    let report = session.sign_out().await.unwrap();
    assert_eq!(report.failures().count(), 0);
}
