//! What any provider may do: rows Q-39 and Q-41, as a person meets them.

use hallpass_client::{ErrorKind, SignIn};
use serde_json::json;

use crate::fake::{Answer, Fake, TestTimer};
use crate::person::Person;

#[tokio::test]
async fn q_39_what_is_no_answer_is_never_a_token_and_is_told() {
    for (status, kind, body) in [
        (
            200,
            "text/html",
            "<html>Sign in to this network: access_token=x</html>",
        ),
        (200, "application/json", ""),
        (200, "text/plain", "ok"),
        (407, "text/html", "Proxy Authentication Required"),
        (
            502,
            "application/json",
            r#"{"access_token":"x","token_type":"Bearer"}"#,
        ),
    ] {
        let fake = Fake::start().await;
        fake.on("/token", move |_, _| {
            Answer::Raw(
                status,
                vec![("content-type", kind.to_owned())],
                body.to_owned(),
            )
        });
        let person = Person::without_browser();
        let client = fake
            .client(&person)
            .timer(TestTimer::default())
            .build()
            .unwrap();
        let error = client.sign_in(SignIn::device()).await.unwrap_err();
        assert_eq!(
            error.kind(),
            &ErrorKind::Unavailable { retry_after: None },
            "{status} {body}"
        );
        let told = format!("{error:?}");
        assert!(
            told.contains(&format!("status {status} with {kind}")),
            "{told}"
        );
        assert!(client.session().await.unwrap().is_none());
    }
}

#[tokio::test]
async fn q_41_a_lifetime_that_is_none_is_unknown_and_the_token_is_used() {
    for (said, seconds) in [
        (json!("3600"), Some(3600)),
        (json!(3599.9), Some(3599)),
        (json!(0), None),
        (json!(-1), None),
        (json!("soon"), None),
        (json!([]), None),
        (json!(null), None),
    ] {
        let fake = Fake::start().await;
        let lifetime = said.clone();
        fake.on("/token", move |_, signer| {
            signer.tokens(&json!({"expires_in": lifetime}))
        });
        let person = Person::without_browser();
        let client = fake
            .client(&person)
            .timer(TestTimer::default())
            .build()
            .unwrap();
        let session = client.sign_in(SignIn::device()).await.unwrap();
        let token = session.access_token().await.unwrap();
        let left = token
            .expires_at()
            .map(|end| end.since(session.signed_in_at()).as_secs());
        assert_eq!(left, seconds, "{said}");
        assert_eq!(fake.seen("/token").len(), 1, "{said}");
    }
}
