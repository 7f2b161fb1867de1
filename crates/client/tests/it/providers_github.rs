//! GitHub, against a double.

use hallpass_client::{
    ClientAuthMethod, ErrorKind, Provider, Secret, SecurityViolation, SignIn, StepResult,
};
use hallpass_testing::provider::{Double, GitHub, Turn};

use crate::fake::{Answer, Fake};
use crate::person::Person;
use crate::providers::{at, by_browser, by_device, client};

async fn github() -> Double<GitHub> {
    Double::start(GitHub::new).await
}

fn secret() -> ClientAuthMethod {
    ClientAuthMethod::SecretBasic(Secret::from(GitHub::SECRET))
}

#[tokio::test]
async fn q_01_json_is_asked_for_and_scopes_come_back_with_commas() {
    let double = github().await;
    let builder = client("github", GitHub::CLIENT, &double).scopes(["read:user", "gist"]);
    let (session, _) = by_device(builder).await;
    let session = session.unwrap();
    assert_eq!(session.scope().to_string(), "read:user gist");
    for path in ["/login/device/code", "/login/oauth/access_token"] {
        assert!(double.seen(path).iter().all(|request| request.accepts_json));
    }
    // What nobody there knows is not asked for.
    let builder =
        client("github", GitHub::CLIENT, &double).scopes(["openid", "offline_access", "gist"]);
    by_device(builder).await.0.unwrap();
    assert_eq!(double.seen("/login/device/code")[1].field("scope"), "gist");
}

#[tokio::test]
async fn q_02_an_error_at_status_200_is_an_error_even_beside_a_token() {
    let double = github().await;
    double.provider().device.will([Turn::Denied]);
    let error = by_device(client("github", GitHub::CLIENT, &double))
        .await
        .0
        .unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Denied);

    let fake = Fake::start().await;
    fake.on("/login/oauth/access_token", |_, _| {
        let body = r#"{"error":"access_denied","access_token":"gho_x","token_type":"bearer"}"#;
        Answer::Raw(
            200,
            vec![("content-type", "application/json".to_owned())],
            body.to_owned(),
        )
    });
    fake.on("/login/device/code", |_, _| {
        let body = r#"{"device_code":"d","user_code":"WDJB-MJHT",
            "verification_uri":"https://github.com/login/device","expires_in":900,"interval":5}"#;
        Answer::Raw(
            200,
            vec![("content-type", "application/json".to_owned())],
            body.to_owned(),
        )
    });
    let provider = Provider::parse("github").unwrap().at(&fake.issuer);
    let (done, _) = by_device(at(provider, GitHub::CLIENT, &Person::without_browser())).await;
    assert_eq!(done.unwrap_err().kind(), &ErrorKind::Denied);
}

#[tokio::test]
async fn q_03_slow_down_names_the_interval_and_every_code_has_its_end() {
    let double = github().await;
    double
        .provider()
        .device
        .will([Turn::Pending, Turn::SlowDown, Turn::Pending, Turn::Approved]);
    let (session, seconds) = by_device(client("github", GitHub::CLIENT, &double)).await;
    session.unwrap();
    assert_eq!(seconds, 5 + 5 + 10 + 10);

    for (turn, exit) in [(Turn::Expired, 6), (Turn::Unknown, 1), (Turn::Denied, 3)] {
        double.provider().device.will([turn]);
        let error = by_device(client("github", GitHub::CLIENT, &double))
            .await
            .0
            .unwrap_err();
        assert_eq!(error.exit_code(), exit, "{turn:?}: {error}");
    }
    double.provider().device_flow = false;
    let error = by_device(client("github", GitHub::CLIENT, &double))
        .await
        .0
        .unwrap_err();
    assert_eq!(error.exit_code(), 5);
    assert!(
        error.to_string().contains("device_flow_disabled"),
        "{error}"
    );
    assert!(error.hint().unwrap().contains("allow the device grant"));
}

#[tokio::test]
async fn q_04_the_code_flow_needs_the_secret_and_without_it_is_not_offered() {
    let double = github().await;
    let session = by_browser(client("github", GitHub::CLIENT, &double).client_auth(secret()));
    assert_eq!(
        session.await.unwrap().account().name.as_deref(),
        Some("octocat")
    );
    let sent = &double.seen("/login/oauth/access_token")[0];
    assert_eq!(sent.field("client_secret"), GitHub::SECRET);
    let asked = &double.seen("/login/oauth/authorize")[0];
    assert_eq!(asked.field("code_challenge_method"), "S256");
    assert!(asked.field("redirect_uri").starts_with("http://127.0.0.1:"));

    let wrong = ClientAuthMethod::SecretPost(Secret::from("wrong"));
    let error = by_browser(client("github", GitHub::CLIENT, &double).client_auth(wrong)).await;
    let error = error.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Config, "{error}");
    assert!(
        error.to_string().contains("incorrect_client_credentials"),
        "{error}"
    );

    // Without it, the device flow is what there is, at a desk too.
    let before = double.seen("/login/oauth/authorize").len();
    let public = client("github", GitHub::CLIENT, &double).timer(crate::fake::TestTimer::default());
    public
        .build()
        .unwrap()
        .sign_in(SignIn::auto())
        .await
        .unwrap();
    assert_eq!(double.seen("/login/oauth/authorize").len(), before);
}

#[tokio::test]
async fn q_04_the_issuer_in_the_answer_is_taken_when_it_is_githubs_and_else_refused() {
    // The double sends `iss`, as GitHub does without a word in any metadata that lists the flow.
    let double = github().await;
    let provider = || Provider::parse("github").unwrap();
    let person = Person::without_browser();
    let good = at(provider().at(&double.base), GitHub::CLIENT, &person).client_auth(secret());
    by_browser(good).await.unwrap();

    let fake = Fake::start().await;
    let person = Person::who(&fake, |visit| {
        visit.come_back_with(&format!(
            "code=c&state={}&iss=https://evil.test",
            visit.state
        ));
    });
    let bad = at(provider().at(&fake.issuer), GitHub::CLIENT, &person).client_auth(secret());
    let error = by_browser(bad.browser(person.clone())).await.unwrap_err();
    assert_eq!(
        error.kind(),
        &ErrorKind::Security(SecurityViolation::Issuer)
    );
    assert!(fake.seen("/login/oauth/access_token").is_empty());
}

#[tokio::test]
async fn q_05_tokens_of_an_oauth_app_last_and_those_of_an_app_are_refreshed_once_each() {
    let double = github().await;
    let (session, _) = by_device(client("github", GitHub::CLIENT, &double)).await;
    let session = session.unwrap();
    assert!(!session.has_refresh_token() && session.access_expires_at().is_none());
    assert_eq!(session.access_token().await.unwrap().expose(), "gho_1");

    double.provider().is_app = true;
    let (session, _) = by_device(client("github", GitHub::CLIENT, &double)).await;
    let session = session.unwrap();
    assert!(session.has_refresh_token() && session.access_expires_at().is_some());
    assert_eq!(session.refresh().await.unwrap().expose(), "gho_3");
    assert_eq!(session.refresh().await.unwrap().expose(), "gho_4");
    // Somebody else used the refresh token up: GitHub's own code ends the session.
    by_device(client("github", GitHub::CLIENT, &double))
        .await
        .0
        .unwrap();
    let error = session.refresh().await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::LoginRequired, "{error}");
}

#[tokio::test]
async fn q_06_the_user_is_asked_for_and_told_apart_and_sign_out_names_the_page() {
    let double = github().await;
    let builder =
        client("github", GitHub::CLIENT, &double).timer(crate::fake::TestTimer::default());
    let client = builder.build().unwrap();
    let session = client.sign_in(SignIn::device()).await.unwrap();
    let account = session.account().clone();
    assert_eq!(account.subject.as_deref(), Some("583231"));
    assert_eq!(account.name.as_deref(), Some("octocat"));
    assert!(session.claims().is_none());
    let kept = client.session().await.unwrap().unwrap();
    assert_eq!(kept.account(), &account);
    // Row C-69 holds without an ID token too.
    double.provider().user = 1;
    let error = client.sign_in(SignIn::device().force()).await.unwrap_err();
    assert_eq!(
        error.kind(),
        &ErrorKind::Security(SecurityViolation::Account)
    );

    let report = session.sign_out().await.unwrap();
    let StepResult::Skipped(why) = &report.steps[1].result else {
        panic!("{report:?}")
    };
    assert!(why.contains("/settings/applications"), "{why}");
}

#[tokio::test]
async fn q_06_without_an_answer_about_the_user_nothing_is_stored() {
    let fake = Fake::start().await;
    fake.on("/login/oauth/access_token", |_, signer| {
        signer.tokens(&serde_json::json!({"id_token": null}))
    });
    fake.on("/login/device/code", |_, _| {
        let body = r#"{"device_code":"d","user_code":"WDJB-MJHT",
            "verification_uri":"https://github.com/login/device","expires_in":900}"#;
        Answer::Raw(200, vec![], body.to_owned())
    });
    for (status, kind) in [
        (503, ErrorKind::Unavailable { retry_after: None }),
        (403, ErrorKind::Protocol),
        (200, ErrorKind::Protocol),
    ] {
        fake.on("/user", move |_, _| {
            Answer::Json(status, serde_json::json!({"login": "x"}))
        });
        let provider = Provider::parse("github").unwrap().at(&fake.issuer);
        let builder = at(provider, GitHub::CLIENT, &Person::without_browser());
        let client = builder
            .timer(crate::fake::TestTimer::default())
            .build()
            .unwrap();
        let error = client.sign_in(SignIn::device()).await.unwrap_err();
        assert_eq!(error.kind(), &kind, "{status}");
        assert!(client.session().await.unwrap().is_none());
    }
}

#[tokio::test]
async fn q_06_an_enterprise_server_has_its_own_api() {
    let double = github().await;
    let provider = Provider::parse(&format!("github:{}", double.base)).unwrap();
    let (session, _) = by_device(at(provider, GitHub::CLIENT, &Person::without_browser())).await;
    assert_eq!(session.unwrap().account().name.as_deref(), Some("octocat"));
    assert_eq!(double.seen("/api/v3/user").len(), 1);
}
