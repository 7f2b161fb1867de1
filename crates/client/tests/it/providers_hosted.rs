//! Okta, Auth0, `WorkOS` and Slack, against doubles.

use hallpass_client::{ErrorKind, Provider, SignIn, StepResult};
use hallpass_testing::provider::{Auth0, Double, Okta, Slack, Turn, WorkOs, WorkOsConnect};

use crate::fake::{TestClock, TestTimer};
use crate::person::Person;
use crate::providers::{at, by_browser, by_device, client, shown};

#[tokio::test]
async fn q_17_an_organisation_has_two_kinds_of_issuers() {
    let double = Double::start(Okta::new).await;
    for (name, issuer, token) in [
        ("", "/oauth2/default", "/oauth2/default/v1/token"),
        ("/org", "", "/oauth2/v1/token"),
    ] {
        let provider = Provider::parse(&format!("okta:{}{name}", double.base)).unwrap();
        assert_eq!(provider.issuer(), format!("{}{issuer}", double.base));
        let person = Person::without_browser();
        let (session, _) = by_device(at(provider, Okta::CLIENT, &person)).await;
        assert_eq!(
            session.unwrap().claims().unwrap().iss,
            format!("{}{issuer}", double.base)
        );
        assert_eq!(double.seen(token).len(), 1);
        let (code, _, complete) = shown(&person);
        assert_eq!((code.as_str(), complete), ("GDLMZQCT", None));
    }
    double.provider().allows_device = false;
    let provider = Provider::parse(&format!("okta:{}", double.base)).unwrap();
    let (done, _) = by_device(at(provider, Okta::CLIENT, &Person::without_browser())).await;
    let error = done.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Config);
    assert!(error.hint().unwrap().contains("allow the device grant"));
}

#[tokio::test]
async fn q_18_refresh_tokens_rotate_and_the_used_one_is_over() {
    let double = Double::start(Okta::new).await;
    let provider = Provider::parse(&format!("okta:{}", double.base)).unwrap();
    let (session, _) = by_device(at(provider, Okta::CLIENT, &Person::without_browser())).await;
    let session = session.unwrap();
    for number in 2..4 {
        let token = session.refresh().await.unwrap();
        assert_eq!(token.expose(), format!("access-{number}"));
    }
    let sent: Vec<_> = double.seen("/oauth2/default/v1/token");
    let sent: Vec<_> = sent
        .iter()
        .skip(1)
        .map(|sent| sent.field("refresh_token"))
        .collect();
    assert_eq!(sent, ["refresh-1", "refresh-2"]);
}

#[tokio::test]
async fn q_19_a_resource_is_called_audience() {
    let double = Double::start(Auth0::new).await;
    let api = "https://api.example.com";
    let known = || {
        let provider = Provider::parse(&format!("auth0:{}", double.base)).unwrap();
        at(provider, Auth0::CLIENT, &Person::without_browser())
    };
    let by_code = by_browser(known().resource(api)).await.unwrap();
    let by_device_code = by_device(known().resource(api)).await.0.unwrap();
    for session in [by_code, by_device_code] {
        let token = session.access_token().await.unwrap();
        assert_eq!(hallpass_testing::claims_of(token.expose())["aud"][0], api);
        assert!(session.has_refresh_token());
    }
    for path in ["/authorize", "/oauth/device/code"] {
        let sent = &double.seen(path)[0];
        assert_eq!(
            (sent.field("audience"), sent.form.has("resource")),
            (api, false)
        );
    }
    let opaque = by_device(known().scopes(["openid"])).await.0.unwrap();
    assert_eq!(
        opaque.access_token().await.unwrap().expose(),
        "opaque-token"
    );
    assert!(!opaque.has_refresh_token());
}

#[tokio::test]
async fn q_20_403_and_429_are_answers_to_a_poll() {
    let double = Double::start(Auth0::new).await;
    let known = || client_of_auth0(&double);
    double
        .provider()
        .device
        .will([Turn::Pending, Turn::SlowDown, Turn::Pending, Turn::Approved]);
    let (session, seconds) = by_device(known()).await;
    session.unwrap();
    assert_eq!(seconds, 5 + 5 + 10 + 10);
    double.provider().device.will([Turn::Expired]);
    assert_eq!(
        by_device(known()).await.0.unwrap_err().kind(),
        &ErrorKind::TimedOut
    );
    // From then on the same code is unknown.
    let error = by_device(known()).await.0.unwrap_err();
    assert!(
        error.to_string().contains("unknown, used or expired"),
        "{error}"
    );
}

fn client_of_auth0(double: &Double<Auth0>) -> hallpass_client::ClientBuilder {
    let provider = Provider::parse(&format!("auth0:{}", double.base)).unwrap();
    at(provider, Auth0::CLIENT, &Person::without_browser())
}

#[tokio::test]
async fn q_21_the_issuer_ends_with_a_slash_and_only_refresh_tokens_are_revoked() {
    let double = Double::start(Auth0::new).await;
    let (session, _) = by_device(client_of_auth0(&double)).await;
    let session = session.unwrap();
    assert_eq!(session.claims().unwrap().iss, format!("{}/", double.base));
    let report = session.sign_out().await.unwrap();
    assert_eq!(report.steps[0].result, StepResult::Ok);
    assert!(matches!(report.steps[1].result, StepResult::Failed(_)));
    assert_eq!(report.steps[2].result, StepResult::Ok);
}

#[tokio::test]
async fn q_26_the_answer_has_a_user_and_the_token_tells_its_end() {
    let double = Double::start(WorkOs::new).await;
    double
        .provider()
        .device
        .will([Turn::Pending, Turn::SlowDown, Turn::Approved]);
    let (session, seconds) = by_device(client("workos", WorkOs::CLIENT, &double)).await;
    let session = session.unwrap();
    assert_eq!(seconds, 5 + 5 + 10);
    let account = session.account();
    assert_eq!(account.subject.as_deref(), Some("user_01E4"));
    assert_eq!(account.name.as_deref(), Some("ada@example.com"));
    assert!(session.id_token().is_none());
    let left = session
        .access_expires_at()
        .unwrap()
        .since(session.signed_in_at());
    assert!((295..=300).contains(&left.as_secs()), "{left:?}");
    let asked = &double.seen("/user_management/authorize/device")[0];
    assert!(!asked.form.has("scope"));
    for (turn, exit) in [(Turn::Denied, 3), (Turn::Expired, 6), (Turn::Unknown, 1)] {
        double.provider().device.will([turn]);
        let (done, _) = by_device(client("workos", WorkOs::CLIENT, &double)).await;
        assert_eq!(done.unwrap_err().exit_code(), exit);
    }
}

#[tokio::test]
async fn q_27_a_refresh_goes_to_the_same_address_and_rotates() {
    let (double, clock) = (Double::start(WorkOs::new).await, TestClock::new());
    let builder = client("workos", WorkOs::CLIENT, &double).clock(clock.clone());
    let session = by_device(builder).await.0.unwrap();
    let first = session.access_token().await.unwrap();
    clock.advance(3600);
    let second = session.access_token().await.unwrap();
    assert_ne!(first.expose(), second.expose());
    let sent = double.seen("/user_management/authenticate");
    let last = sent.last().unwrap();
    assert_eq!(last.field("refresh_token"), "refresh-1");
    assert_eq!(last.field("client_id"), WorkOs::CLIENT);
    // Who signed in stays known.
    let kept = session.reloaded().await.unwrap().unwrap();
    assert_eq!(kept.account().name.as_deref(), Some("ada@example.com"));
    assert_eq!(
        session.refresh().await.unwrap().expose().split('.').count(),
        3
    );
}

#[tokio::test]
async fn q_28_connect_is_found_by_its_domain() {
    let double = Double::start(WorkOsConnect::new).await;
    let provider = Provider::parse(&format!("workos:{}", double.base)).unwrap();
    let (session, _) = by_device(at(provider, WorkOs::CLIENT, &Person::without_browser())).await;
    let session = session.unwrap();
    assert!(session.has_refresh_token() && session.id_token().is_some());
    let asked = &double.seen("/oauth2/device_authorization")[0];
    assert!(asked.has_word("scope", "offline_access"));
}

#[tokio::test]
async fn q_30_scopes_of_users_are_asked_for_with_pkce() {
    let double = Double::start(Slack::new).await;
    let builder = client("slack", Slack::CLIENT, &double).scopes(["users:read", "chat:write"]);
    let session = by_browser(builder).await.unwrap();
    assert!(session.has_refresh_token());
    let asked = &double.seen("/oauth/v2/authorize")[0];
    assert_eq!(asked.field("user_scope"), "users:read,chat:write");
    assert!(!asked.form.has("scope"));
    assert_eq!(asked.field("code_challenge_method"), "S256");
    assert!(
        !double.seen("/api/oauth.v2.access")[0]
            .form
            .has("client_secret")
    );
    // There is no device flow.
    let timer = TestTimer::default();
    let client = client("slack", Slack::CLIENT, &double)
        .timer(timer)
        .build()
        .unwrap();
    let error = client.sign_in(SignIn::device()).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Config);
}

#[tokio::test]
async fn q_31_the_users_token_is_found_below_and_ok_false_is_a_refusal() {
    let double = Double::start(Slack::new).await;
    let session = by_browser(client("slack", Slack::CLIENT, &double))
        .await
        .unwrap();
    assert_eq!(session.access_token().await.unwrap().expose(), "xoxp-1");
    assert_eq!(session.account().subject.as_deref(), Some("U1234"));
    assert_eq!(session.scope().to_string(), "users:read chat:write");
    assert_eq!(session.refresh().await.unwrap().expose(), "xoxp-2");
    // Somebody else took the refresh token.
    by_browser(client("slack", Slack::CLIENT, &double))
        .await
        .unwrap();
    let error = session.refresh().await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::LoginRequired, "{error}");
    let error = by_browser(client("slack", "other", &double))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Config, "{error}");
    assert!(error.to_string().contains("invalid_client_id"), "{error}");
}
