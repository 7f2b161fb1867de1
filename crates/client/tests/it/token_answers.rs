//! Token answers as servers of the field give them.

use hallpass_client::{ClientAuthMethod, ErrorKind, Secret, SecurityViolation, SignIn};
use hallpass_protocol::jose::base64url;
use serde_json::json;

use crate::fake::{Answer, Fake};
use crate::person::Person;

#[tokio::test]
async fn c_43_odd_types_lifetimes_and_sizes_are_taken() {
    let fake = Fake::start().await;
    let long = "x".repeat(20_000);
    let token = long.clone();
    fake.on("/token", move |_, signer| {
        signer.tokens(&json!({
            "access_token": token, "token_type": "bEaReR", "expires_in": "3600", "extra": {"a": [1]},
        }))
    });
    let person = Person::who_signs_in(&fake);
    let client = fake.client(&person).build().unwrap();
    let session = client.sign_in(SignIn::browser()).await.unwrap();
    let token = session.access_token().await.unwrap();
    assert_eq!(
        (token.expose(), token.token_type().as_str()),
        (long.as_str(), "Bearer")
    );
    let left = token
        .expires_at()
        .unwrap()
        .since(session.signed_in_at())
        .as_secs();
    assert_eq!(left, 3600);
}

#[tokio::test]
async fn c_45_a_redirect_of_the_token_endpoint_is_not_followed() {
    let (fake, thief) = (Fake::start().await, Fake::start().await);
    let person = Person::who_signs_in(&fake);
    for status in [301, 302, 307, 308] {
        let target = format!("{}/token", thief.issuer);
        fake.on("/token", move |_, _| {
            Answer::Raw(status, vec![("location", target.clone())], String::new())
        });
        let client = fake.client(&person).build().unwrap();
        let error = client.sign_in(SignIn::browser()).await.unwrap_err();
        assert_eq!(
            error.kind(),
            &ErrorKind::Security(SecurityViolation::Redirect)
        );
    }
    assert!(thief.all_seen().is_empty());
}

#[tokio::test]
async fn c_46_an_error_at_status_200_is_an_error() {
    let fake = Fake::start().await;
    let person = Person::who_signs_in(&fake);
    for (kind, body) in [
        (
            "application/x-www-form-urlencoded",
            "error=bad_verification_code&error_description=x",
        ),
        ("application/json", r#"{"error":"bad_verification_code"}"#),
    ] {
        fake.on("/token", move |_, _| {
            Answer::Raw(
                200,
                vec![("content-type", kind.to_owned())],
                body.to_owned(),
            )
        });
        let client = fake.client(&person).build().unwrap();
        let error = client.sign_in(SignIn::browser()).await.unwrap_err();
        assert_eq!(
            error.oauth().unwrap().error.as_str(),
            "bad_verification_code"
        );
        assert!(client.session().await.unwrap().is_none());
    }
}

#[tokio::test]
async fn c_47_a_form_encoded_answer_is_taken_and_json_is_asked_for() {
    let fake = Fake::start().await;
    let person = Person::who_signs_in(&fake);
    fake.on("/token", |_, _| {
        let kind = (
            "content-type",
            "application/x-www-form-urlencoded".to_owned(),
        );
        let body = "access_token=x&scope=repo%2Cgist&token_type=bearer".to_owned();
        Answer::Raw(200, vec![kind], body)
    });
    let client = hallpass_client::Client::builder(&fake.issuer, "cli")
        .scopes(["repo", "gist"])
        .store(hallpass_client::MemoryStore::new())
        .environment(person.environment())
        .browser(person.clone())
        .ui(person.clone())
        .build()
        .unwrap();
    let session = client.sign_in(SignIn::browser()).await.unwrap();
    assert_eq!(session.scope().to_string(), "repo gist");
    assert!(session.claims().is_none() && session.account().name.is_none());
    assert_eq!(
        fake.seen("/token")[0].accept.as_deref(),
        Some("application/json")
    );
}

#[tokio::test]
async fn c_48_narrower_scopes_are_stored_and_said() {
    let fake = Fake::start().await;
    let person = Person::who_signs_in(&fake);
    fake.on("/token", |_, signer| {
        signer.tokens(&json!({"scope": "openid a"}))
    });
    let client = fake.client(&person).scopes(["a", "b"]).build().unwrap();
    let session = client.sign_in(SignIn::browser()).await.unwrap();
    assert_eq!(session.scope().to_string(), "openid a");
    assert_eq!(person.notices(), ["the server did not grant: b"]);
}

#[tokio::test]
async fn an_unknown_token_type_is_not_used() {
    let fake = Fake::start().await;
    let person = Person::who_signs_in(&fake);
    for token_type in ["mac", "N_A"] {
        fake.on("/token", move |_, signer| {
            signer.tokens(&json!({"token_type": token_type}))
        });
        let client = fake.client(&person).build().unwrap();
        let error = client.sign_in(SignIn::browser()).await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Protocol);
        assert!(client.session().await.unwrap().is_none());
    }
}

#[tokio::test]
async fn a_secret_travels_in_one_place_only() {
    let fake = Fake::start().await;
    let person = Person::who_signs_in(&fake);
    for (auth, in_header, in_body) in [
        (ClientAuthMethod::None, false, false),
        (
            ClientAuthMethod::SecretBasic(Secret::from("s3cret")),
            true,
            false,
        ),
        (
            ClientAuthMethod::SecretPost(Secret::from("s3cret")),
            false,
            true,
        ),
    ] {
        let client = fake.client(&person).client_auth(auth).build().unwrap();
        client.sign_in(SignIn::browser()).await.unwrap();
        let seen = fake.seen("/token").pop().unwrap();
        assert_eq!(seen.authorization.is_some(), in_header);
        assert_eq!(seen.field("client_secret").is_some(), in_body);
        assert_eq!(seen.field("client_id").is_some(), !in_header);
        assert!(seen.query.is_empty());
    }
}

#[tokio::test]
async fn c_44_a_certificate_that_nobody_signed_is_refused() {
    let issuer = crate::fake::start_with_a_self_signed_certificate().await;
    let store = hallpass_client::MemoryStore::new();
    let client = hallpass_client::Client::builder(issuer, "cli")
        .store(store)
        .build()
        .unwrap();
    let error = client.metadata().await.unwrap_err();
    let violation = SecurityViolation::Certificate;
    assert_eq!(
        (error.kind(), error.exit_code()),
        (&ErrorKind::Security(violation), 8)
    );
    assert!(error.hint().unwrap().contains("SSL_CERT_FILE"));
}

#[tokio::test]
async fn c_42_an_access_token_says_when_it_ends_and_never_who_somebody_is() {
    let fake = Fake::start().await;
    let now = hallpass_client::Clock::now(&hallpass_protocol::time::SystemClock).unix_seconds();
    let claims = json!({"sub": "mallory", "email": "mallory@evil.test", "exp": now + 900});
    let parts = [json!({"alg": "none"}), claims].map(|part| base64url::encode(part.to_string()));
    let jwt = format!("{}.", parts.join("."));
    fake.on("/token", move |_, signer| {
        signer.tokens(&json!({"access_token": jwt, "expires_in": null}))
    });
    let person = Person::who_signs_in(&fake);
    let client = fake.client(&person).build().unwrap();
    let session = client.sign_in(SignIn::browser()).await.unwrap();
    let said = session.claims().unwrap();
    assert_eq!(
        session.account().subject.as_deref(),
        Some(said.sub.as_str())
    );
    assert!(!format!("{:?}", session.account()).contains("mallory"));
    let left = session.access_expires_at().unwrap();
    assert!(
        (890..=905).contains(&(left.unix_seconds() - now)),
        "{left:?}"
    );
}
