//! ID tokens that must not be believed: one server per lie, and nothing is stored.

use hallpass_client::{ErrorKind, SecurityViolation, SignIn};
use serde_json::{Map, Value, json};

use crate::fake::{Fake, TestTimer};
use crate::person::Person;

type Lie = fn(&mut Map<String, Value>);

async fn refused_in_code_flow(change: Lie) -> (String, usize) {
    let fake = Fake::start().await;
    fake.on("/token", move |_, signer| {
        signer.tokens(&json!({"id_token": signer.id_token(change)}))
    });
    let person = Person::who_signs_in(&fake);
    let client = fake.client(&person).build().unwrap();
    let error = client.sign_in(SignIn::browser()).await.unwrap_err();
    assert!(
        matches!(
            error.kind(),
            ErrorKind::Security(SecurityViolation::IdToken(_))
        ),
        "{error}"
    );
    assert!(client.session().await.unwrap().is_none());
    assert!(
        person
            .pages()
            .last()
            .unwrap()
            .body
            .contains("Not signed in")
    );
    (error.to_string(), fake.seen("/jwks").len())
}

fn set(claims: &mut Map<String, Value>, name: &str, value: Value) {
    claims.insert(name.to_owned(), value);
}

#[tokio::test]
async fn c_61_one_server_per_lie_and_nothing_is_stored() {
    let lies: [(&str, Lie); 9] = [
        ("iss", |claims| {
            set(claims, "iss", json!("https://evil.test"));
        }),
        ("aud", |claims| set(claims, "aud", json!("other"))),
        ("audience", |claims| {
            set(claims, "aud", json!(["cli", "other"]));
        }),
        ("client", |claims| set(claims, "azp", json!("other"))),
        ("expired", |claims| set(claims, "exp", json!(1000))),
        ("future", |claims| {
            set(claims, "iat", json!(4_000_000_000_u64));
        }),
        ("sub", |claims| set(claims, "sub", json!(""))),
        ("future", |claims| {
            set(claims, "auth_time", json!(4_000_000_000_u64));
        }),
        ("token", |claims| {
            set(claims, "at_hash", json!("AAAAAAAAAAAAAAAAAAAAAA"));
        }),
    ];
    for (word, lie) in lies {
        let (text, _) = refused_in_code_flow(lie).await;
        assert!(
            text.contains(word) || word == "iss" || word == "aud",
            "{word}: {text}"
        );
    }
}

#[tokio::test]
async fn c_33_the_iss_parameter_the_id_token_and_the_metadata_name_one_issuer() {
    // The parameter and the metadata agree; the ID token differs by a slash.
    let (text, _) = refused_in_code_flow(|claims| {
        let iss = claims["iss"].as_str().unwrap().to_owned();
        set(claims, "iss", json!(format!("{iss}/")));
    })
    .await;
    assert!(text.contains("issuer"), "{text}");
}

#[tokio::test]
async fn c_62_the_nonce_must_come_back() {
    for lie in [
        (|claims| {
            claims.remove("nonce");
        }) as Lie,
        |claims| set(claims, "nonce", json!("wrong")),
    ] {
        let (text, _) = refused_in_code_flow(lie).await;
        assert!(text.contains("nonce"), "{text}");
    }
}

#[tokio::test]
async fn c_63_a_wrong_at_hash_is_refused() {
    let (text, _) = refused_in_code_flow(|claims| set(claims, "at_hash", json!("wrong"))).await;
    assert!(text.contains("access token"), "{text}");
}

#[tokio::test]
async fn c_40_and_c_61_an_unsigned_or_foreign_signature_is_refused() {
    for forge in [
        |token: &str| {
            let payload = token.split('.').nth(1).unwrap();
            format!("eyJhbGciOiJub25lIn0.{payload}.")
        },
        |token: &str| {
            let (rest, _) = token.rsplit_once('.').unwrap();
            format!("{rest}.{}", "A".repeat(86))
        },
    ] {
        let fake = Fake::start().await;
        fake.on("/token", move |_, signer| {
            let forged = forge(&signer.id_token(|_| ()));
            signer.tokens(&json!({"id_token": forged}))
        });
        let person = Person::who_signs_in(&fake);
        let client = fake.client(&person).build().unwrap();
        let error = client.sign_in(SignIn::browser()).await.unwrap_err();
        assert!(matches!(
            error.kind(),
            ErrorKind::Security(SecurityViolation::IdToken(_))
        ));
        assert!(client.session().await.unwrap().is_none());
    }
}

#[tokio::test]
async fn c_41_an_unknown_key_is_looked_up_once_more_and_then_not_for_a_minute() {
    let fake = Fake::start().await;
    fake.on("/jwks", |_, _| {
        crate::fake::Answer::Json(200, json!({"keys": []}))
    });
    let person = Person::who_signs_in(&fake);
    let client = fake.client(&person).build().unwrap();
    for _ in 0..5 {
        client.sign_in(SignIn::browser()).await.unwrap_err();
    }
    assert_eq!(fake.seen("/jwks").len(), 2);
}

#[tokio::test]
async fn an_openid_sign_in_without_an_id_token_is_refused() {
    let fake = Fake::start().await;
    fake.on("/token", |_, signer| {
        signer.tokens(&json!({"id_token": null}))
    });
    let person = Person::who_signs_in(&fake);
    let client = fake.client(&person).build().unwrap();
    let error = client.sign_in(SignIn::browser()).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Protocol);
    assert!(client.session().await.unwrap().is_none());
}

#[tokio::test]
async fn c_66_an_id_token_of_the_device_grant_has_no_nonce_and_passes_every_other_check() {
    let lies: [(bool, Lie); 4] = [
        (true, |_| ()),
        (false, |claims| set(claims, "nonce", json!("n"))),
        (false, |claims| set(claims, "aud", json!("other"))),
        (false, |claims| {
            set(claims, "iss", json!("https://evil.test"));
        }),
    ];
    for (is_good, lie) in lies {
        let fake = Fake::start().await;
        fake.on("/token", move |_, signer| {
            signer.tokens(&json!({"id_token": signer.id_token(lie)}))
        });
        let person = Person::without_browser();
        let client = fake
            .client(&person)
            .timer(TestTimer::default())
            .build()
            .unwrap();
        let done = client.sign_in(SignIn::device()).await;
        assert_eq!(done.is_ok(), is_good);
        assert_eq!(client.session().await.unwrap().is_some(), is_good);
    }
}
