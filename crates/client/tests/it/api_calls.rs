//! The token on its way to APIs: where it goes, and where it never goes.

use hallpass_client::{ErrorKind, SecurityViolation, Session, SignIn};
use serde_json::json;

use crate::fake::{Answer, Fake};
use crate::person::Person;

async fn session(fake: &Fake, resource: &str) -> Session {
    let person = Person::who_signs_in(fake);
    let client = fake.client(&person).resource(resource).build().unwrap();
    let session = client.sign_in(SignIn::browser()).await.unwrap();
    fake.expect_nonce(None);
    session
}

#[tokio::test]
async fn c_50_the_token_goes_into_the_header_only() {
    let (fake, api) = (Fake::start().await, Fake::start().await);
    api.on("/me", |_, _| Answer::Json(200, json!({"ok": true})));
    let session = session(&fake, &api.issuer).await;
    let answer = session
        .http()
        .get(format!("{}/me?x=1", api.issuer))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.text().await.unwrap(), r#"{"ok":true}"#);
    let seen = api.seen("/me").pop().unwrap();
    assert_eq!(seen.authorization.as_deref(), Some("Bearer at-1"));
    assert_eq!((seen.query.as_str(), seen.body.as_str()), ("x=1", ""));
}

#[tokio::test]
async fn c_51_a_refused_token_is_refreshed_once_and_the_request_repeated_once() {
    let (fake, api) = (Fake::start().await, Fake::start().await);
    api.on("/me", |seen, _| {
        let is_new = seen.authorization.as_deref() == Some("Bearer at-2");
        Answer::Json(if is_new { 200 } else { 401 }, json!({}))
    });
    let session = session(&fake, &api.issuer).await;
    fake.on("/token", |_, signer| {
        signer.tokens(&json!({"access_token": "at-2", "id_token": null}))
    });
    let url = format!("{}/me", api.issuer);
    let answer = session
        .http()
        .post(&url)
        .body("hello")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(api.seen("/me").len(), 2);
    assert!(api.seen("/me").iter().all(|seen| seen.body == "hello"));

    api.on("/never", |_, _| Answer::Json(401, json!({})));
    let before = fake.seen("/token").len();
    let answer = session
        .http()
        .get(format!("{}/never", api.issuer))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 401);
    assert_eq!(
        (api.seen("/never").len(), fake.seen("/token").len() - before),
        (2, 1)
    );
}

#[tokio::test]
async fn c_51_a_missing_scope_is_named() {
    let (fake, api) = (Fake::start().await, Fake::start().await);
    api.on("/me", |_, _| {
        let challenge = r#"Bearer error="insufficient_scope", scope="api:write""#.to_owned();
        Answer::Raw(403, vec![("www-authenticate", challenge)], String::new())
    });
    let session = session(&fake, &api.issuer).await;
    let error = session
        .http()
        .get(format!("{}/me", api.issuer))
        .send()
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.exit_code()),
        (&ErrorKind::InsufficientScope, 10)
    );
    assert!(error.to_string().contains("api:write") && error.hint().unwrap().contains("api:write"));
}

#[tokio::test]
async fn c_75_a_token_goes_only_to_the_named_origins_and_a_redirect_loses_it() {
    let (fake, api, other) = (
        Fake::start().await,
        Fake::start().await,
        Fake::start().await,
    );
    let session = session(&fake, &api.issuer).await;
    let port = api.issuer.rsplit(':').next().unwrap().to_owned();
    for elsewhere in [
        format!("{}/me", other.issuer),
        format!("http://localhost:{port}/me"),
        format!("https://127.0.0.1:{port}/me"),
        format!("http://127.0.0.1:{port}@evil.test/me"),
        "http://evil.test/me".to_owned(),
        "not an address".to_owned(),
    ] {
        let error = session.http().get(&elsewhere).send().await.unwrap_err();
        assert_eq!(
            (error.kind(), error.exit_code()),
            (&ErrorKind::Config, 5),
            "{elsewhere}"
        );
    }
    assert!(other.all_seen().is_empty() && api.all_seen().is_empty());

    other.on("/there", |_, _| Answer::Json(200, json!({})));
    api.on("/here", |_, _| {
        Answer::Raw(302, vec![("location", "/moved".to_owned())], String::new())
    });
    let target = format!("{}/there", other.issuer);
    api.on("/moved", move |_, _| {
        Answer::Raw(302, vec![("location", target.clone())], String::new())
    });
    let answer = session
        .http()
        .get(format!("{}/here", api.issuer))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    assert!(api.seen("/moved")[0].authorization.is_some());
    assert_eq!(other.seen("/there")[0].authorization, None);
}

#[tokio::test]
async fn c_64_userinfo_about_somebody_else_is_not_used() {
    let fake = Fake::start().await;
    let session = session(&fake, "https://api.test").await;
    fake.on("/userinfo", |_, _| {
        Answer::Json(200, json!({"sub": "ada", "name": "Ada"}))
    });
    let info = session.user_info().await.unwrap();
    assert_eq!(
        (info.sub.as_str(), info.claims["name"].as_str()),
        ("ada", Some("Ada"))
    );
    assert_eq!(
        fake.seen("/userinfo")[0].authorization.as_deref(),
        Some("Bearer at-1")
    );
    fake.on("/userinfo", |_, _| {
        Answer::Json(200, json!({"sub": "mallory"}))
    });
    let error = session.user_info().await.unwrap_err();
    assert_eq!(
        error.kind(),
        &ErrorKind::Security(SecurityViolation::Subject)
    );
}
