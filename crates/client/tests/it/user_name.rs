//! What people are called, where the ID token does not say.

use hallpass_client::{Prompt, Session, SignIn};
use serde_json::{Value, json};

use crate::fake::{Answer, Fake};
use crate::person::Person;

/// A sign-in with these scopes, whose ID token lacks names but for what is put into it.
async fn sign_in(fake: &Fake, scopes: &[&str], claims: Value) -> (Session, Option<String>) {
    fake.on("/token", move |_, signer| {
        let id_token = signer.id_token(|members| {
            members.remove("email");
            members.extend(claims.as_object().unwrap().clone());
        });
        signer.tokens(&json!({"id_token": id_token}))
    });
    let person = Person::who_signs_in(fake);
    let client = fake.client(&person).scopes(scopes.iter().copied()).build();
    let session = client.unwrap().sign_in(SignIn::browser().force()).await;
    let Some(Prompt::Done { who, .. }) = person.prompts().pop() else {
        panic!("nobody is told")
    };
    (session.unwrap(), who)
}

const PROFILE: [&str; 2] = ["openid", "profile"];

#[tokio::test]
async fn the_server_is_asked_once_for_the_name_that_the_id_token_lacks() {
    let fake = Fake::start().await;
    fake.on("/userinfo", |_, _| {
        let user =
            json!({"sub": "ada", "email": "", "preferred_username": "lovelace", "name": "Ada"});
        Answer::Json(200, user)
    });
    for scopes in [PROFILE, ["openid", "email"]] {
        let (session, told) = sign_in(&fake, &scopes, json!({})).await;
        assert_eq!(told.as_deref(), Some("lovelace"));
        assert_eq!(session.account().name, told);
        assert_eq!(session.account().subject.as_deref(), Some("ada"));
        // What was verified stays as it was.
        assert!(!session.claims().unwrap().extra.contains_key("name"));
    }
    let asked = fake.seen("/userinfo");
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[0].authorization.as_deref(), Some("Bearer at-1"));
}

#[tokio::test]
async fn nobody_is_asked_where_the_name_is_known_or_was_not_asked_for() {
    let fake = Fake::start().await;
    let (_, told) = sign_in(&fake, &PROFILE, json!({"name": "Ada\u{1b}[2J"})).await;
    let told = told.unwrap();
    assert!(
        told.starts_with("Ada") && !told.contains('\u{1b}'),
        "{told:?}"
    );
    let (_, told) = sign_in(&fake, &["openid"], json!({})).await;
    assert_eq!(told.as_deref(), Some("ada"));
    assert!(fake.seen("/userinfo").is_empty());
    fake.announce("userinfo_endpoint", Value::Null);
    let (_, told) = sign_in(&fake, &PROFILE, json!({})).await;
    assert_eq!(told.as_deref(), Some("ada"));
}

#[tokio::test]
async fn c_64_no_sign_in_fails_for_a_name_and_none_of_somebody_else_is_believed() {
    let fake = Fake::start().await;
    let raw = |status, head: &'static str, body: &'static str| {
        Answer::Raw(
            status,
            vec![("content-type", head.to_owned())],
            body.to_owned(),
        )
    };
    for answer in [
        Answer::Json(200, json!({"sub": "eve", "name": "Ada"})),
        Answer::Json(200, json!({"name": "Ada"})),
        Answer::Json(200, json!({"sub": "ada", "name": 7})),
        Answer::Json(401, json!({"error": "invalid_token"})),
        Answer::Json(503, json!({})),
        raw(200, "text/html", "<h1>Ada</h1>"),
        raw(200, "application/jwt", "e30.e30.e30"),
        raw(302, "text/plain", "elsewhere"),
    ] {
        let mut answer = Some(answer);
        fake.on("/userinfo", move |_, _| {
            answer.take().expect("it is asked once")
        });
        let (session, told) = sign_in(&fake, &PROFILE, json!({})).await;
        assert_eq!(told.as_deref(), Some("ada"));
        assert_eq!(session.access_token().await.unwrap().expose(), "at-1");
    }
}
