//! Signing out works whatever the server says.

use hallpass_client::{Client, SignIn, StepResult};
use serde_json::json;

use crate::fake::{Answer, Fake, TestTimer};
use crate::person::Person;

async fn signed_in(fake: &Fake) -> Client {
    let person = Person::who_signs_in(fake);
    let browser = fake.client(&person).build().unwrap();
    browser.sign_in(SignIn::browser()).await.unwrap();
    let store = browser.store();
    fake.client(&person)
        .store(store)
        .timer(TestTimer::default())
        .build()
        .unwrap()
}

#[tokio::test]
async fn c_52_refresh_token_then_access_token_then_the_session() {
    let fake = Fake::start().await;
    let client = signed_in(&fake).await;
    let report = client.sign_out().await.unwrap();
    let steps: Vec<_> = report
        .steps
        .iter()
        .map(|step| (step.what, &step.result))
        .collect();
    assert_eq!(
        steps,
        [
            ("revoke_refresh_token", &StepResult::Ok),
            ("revoke_access_token", &StepResult::Ok),
            ("delete_session", &StepResult::Ok),
        ]
    );
    let revoked: Vec<_> = fake
        .seen("/revoke")
        .iter()
        .map(|seen| seen.field("token").unwrap())
        .collect();
    assert_eq!(revoked, ["rt-1", "at-1"]);
    assert!(client.session().await.unwrap().is_none());

    let again = client.sign_out().await.unwrap();
    assert!(matches!(again.steps[0].result, StepResult::Skipped(_)));
}

#[tokio::test]
async fn c_52_a_busy_server_is_asked_once_more() {
    let fake = Fake::start().await;
    let client = signed_in(&fake).await;
    let mut asked = 0;
    fake.on("/revoke", move |_, _| {
        asked += 1;
        let status = if asked == 1 { 503 } else { 200 };
        Answer::Raw(status, vec![("retry-after", "1".to_owned())], String::new())
    });
    let report = client.sign_out().await.unwrap();
    assert_eq!(
        (report.failures().count(), fake.seen("/revoke").len()),
        (0, 3)
    );
}

#[tokio::test]
async fn c_52_whatever_the_server_says_the_session_is_deleted() {
    for (status, kind, body) in [
        (503, "text/plain", ""),
        (
            400,
            "application/json",
            r#"{"error":"unsupported_token_type"}"#,
        ),
        (404, "text/html", "<h1>no</h1>"),
    ] {
        let fake = Fake::start().await;
        let client = signed_in(&fake).await;
        fake.on("/revoke", move |_, _| {
            let headers = vec![
                ("content-type", kind.to_owned()),
                ("retry-after", "1".to_owned()),
            ];
            Answer::Raw(status, headers, body.to_owned())
        });
        let report = client.sign_out().await.unwrap();
        assert_eq!(report.failures().count(), 2, "{status}");
        assert!(client.session().await.unwrap().is_none());
    }
    let fake = Fake::start().await;
    let client = signed_in(&fake).await;
    fake.announce("revocation_endpoint", json!("http://127.0.0.1:1/revoke"));
    assert_eq!(client.sign_out().await.unwrap().failures().count(), 2);
    assert!(client.session().await.unwrap().is_none());

    let fake = Fake::start().await;
    let client = signed_in(&fake).await;
    fake.announce("revocation_endpoint", json!(null));
    let report = client.sign_out().await.unwrap();
    assert_eq!(report.failures().count(), 0);
    assert!(matches!(report.steps[0].result, StepResult::Skipped(_)));
    assert!(client.session().await.unwrap().is_none());
}
