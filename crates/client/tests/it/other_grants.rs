//! Client credentials, token exchange and JWT bearer.

use hallpass_client::{
    ClientAuthMethod, ErrorKind, JwtBearer, Scopes, Secret, SecurityViolation, TokenExchange,
    TokenTypeUri,
};
use serde_json::json;

use crate::fake::Fake;
use crate::person::Person;

#[tokio::test]
async fn a_program_signs_in_as_itself() {
    let fake = Fake::start().await;
    fake.answer_tokens(vec![(
        200,
        json!({"access_token": "a", "token_type": "Bearer", "expires_in": 60}),
    )]);
    let client = fake
        .client(&Person::without_browser())
        .client_auth(ClientAuthMethod::SecretBasic(Secret::from("s3cret")))
        .build()
        .unwrap();
    let set = client.client_credentials().await.unwrap();
    assert_eq!(set.access_token.expose(), "a");
    assert!(set.access_token.expires_at().is_some());
    let seen = fake.seen("/token").pop().unwrap();
    assert_eq!(
        seen.field("grant_type").as_deref(),
        Some("client_credentials")
    );
    assert!(seen.authorization.unwrap().starts_with("Basic "));
    assert!(client.session().await.unwrap().is_none());

    fake.answer_tokens(vec![(401, json!({"error": "invalid_client"}))]);
    let error = client.client_credentials().await.unwrap_err();
    assert_eq!((error.kind(), error.exit_code()), (&ErrorKind::Config, 5));
}

#[tokio::test]
async fn c_27_an_exchange_sends_types_and_repeats_targets() {
    let fake = Fake::start().await;
    let issued = TokenTypeUri::AccessToken;
    fake.answer_tokens(vec![(
        200,
        json!({
            "access_token": "a", "token_type": "Bearer", "issued_token_type": issued.as_str(),
        }),
    )]);
    let client = fake.client(&Person::without_browser()).build().unwrap();
    let exchange = TokenExchange::new(Secret::from("subject"), TokenTypeUri::AccessToken)
        .actor(Secret::from("actor"), TokenTypeUri::Jwt)
        .audience("a")
        .audience("b");
    client
        .exchange(exchange.clone().scopes(Scopes::parse("b:read").unwrap()))
        .await
        .unwrap();
    client.exchange(exchange).await.unwrap();
    let seen = fake.seen("/token");
    let form = seen[0].form();
    assert_eq!(form.all("audience").collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(
        form.one("subject_token_type").unwrap(),
        Some(TokenTypeUri::AccessToken.as_str())
    );
    assert_eq!(
        form.one("actor_token_type").unwrap(),
        Some(TokenTypeUri::Jwt.as_str())
    );
    assert_eq!(form.one("scope").unwrap(), Some("b:read"));
    // Least scope: none is added by itself.
    assert!(!seen[1].form().has("scope") && !seen[1].body.contains("=&"));
}

#[tokio::test]
async fn c_28_another_type_than_was_asked_for_is_refused() {
    let fake = Fake::start().await;
    let client = fake.client(&Person::without_browser()).build().unwrap();
    let subject = || TokenExchange::new(Secret::from("s"), TokenTypeUri::AccessToken);
    let asks_id_token = || subject().requested_token_type(TokenTypeUri::IdToken);
    for (exchange, issued) in [
        (subject(), None),
        (subject(), Some(TokenTypeUri::RefreshToken)),
        (asks_id_token(), Some(TokenTypeUri::AccessToken)),
        (asks_id_token(), Some(TokenTypeUri::Jwt)),
    ] {
        let mut answer = json!({"access_token": "a", "token_type": "N_A"});
        if let Some(issued) = &issued {
            answer["issued_token_type"] = json!(issued.as_str());
        }
        fake.answer_tokens(vec![(200, answer)]);
        let error = client.exchange(exchange).await.unwrap_err();
        assert_eq!(
            error.kind(),
            &ErrorKind::Security(SecurityViolation::TokenType),
            "{issued:?}"
        );
    }
    let issued = TokenTypeUri::IdToken;
    let answer =
        json!({"access_token": "a", "token_type": "N_A", "issued_token_type": issued.as_str()});
    fake.answer_tokens(vec![(200, answer)]);
    let set = client.exchange(asks_id_token()).await.unwrap();
    assert!(set.access_token.authorization_header().is_err());
}

#[tokio::test]
async fn an_assertion_is_redeemed() {
    let fake = Fake::start().await;
    let client = fake.client(&Person::without_browser()).build().unwrap();
    client
        .jwt_bearer(JwtBearer::new(Secret::from("a.b.c")))
        .await
        .unwrap();
    let seen = fake.seen("/token").pop().unwrap();
    assert_eq!(seen.field("assertion").as_deref(), Some("a.b.c"));
    assert_eq!(
        seen.field("scope").as_deref(),
        Some("openid offline_access")
    );
}
