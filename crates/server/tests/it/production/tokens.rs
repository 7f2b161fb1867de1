//! What tokens say, and a client that repeats itself.

use hallpass_testing::person::REDIRECT_URI;
use hallpass_testing::{Person, TestServer, claims_of};
use serde_json::Value;

use super::issuer::{ISSUER, server};
use crate::accounts::{PASSWORD, fill_in};

#[tokio::test]
async fn s_195_s_199_an_access_token_says_what_rfc_9068_asks_for_and_no_more() {
    let server = server().await;
    let form = [("grant_type", "client_credentials"), ("scope", "a")];
    let answer = server
        .post_basic("/oauth2/token", ("svc", "s3cret"), &form)
        .await;
    let token = answer.member("access_token");
    let header = token.split('.').next().unwrap();
    let header = base64_json(header);
    assert_eq!(
        (&header["typ"], &header["alg"]),
        (&"at+jwt".into(), &"ES256".into())
    );
    let claims = claims_of(&token);
    let mut names: Vec<_> = claims
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "aud",
            "client_id",
            "exp",
            "iat",
            "iss",
            "jti",
            "nbf",
            "scope",
            "sub"
        ]
    );
    assert_eq!(
        (&claims["iss"], &claims["aud"]),
        (&ISSUER.into(), &ISSUER.into())
    );
    assert_eq!(answer.json()["expires_in"], 600);
    // RFC 8707 §2: a service that nobody configured is no target.
    for (resource, expected) in [
        ("https://api.example.com", 200),
        ("https://evil.example", 400),
    ] {
        let form = [("grant_type", "client_credentials"), ("resource", resource)];
        let answer = server
            .post_basic("/oauth2/token", ("svc", "s3cret"), &form)
            .await;
        assert_eq!(answer.status, expected, "{resource}: {}", answer.body);
        if expected == 400 {
            assert_eq!(answer.refusal().1, "invalid_target");
        } else {
            assert_eq!(answer.claims("access_token")["aud"], resource);
        }
    }
}

fn base64_json(text: &str) -> Value {
    serde_json::from_slice(&hallpass_protocol::jose::base64url::decode(text).unwrap()).unwrap()
}

#[tokio::test]
async fn s_36_a_challenge_that_leads_to_a_second_code_is_told() {
    let toml = format!(
        "[[client]]\nid = \"forgetful\"\nredirect_uris = [\"{REDIRECT_URI}\"]\nscopes = [\"openid\"]\n\
         consent = \"trusted\"\n"
    );
    let server = TestServer::production(&toml).await;
    let person = server.person_with_account("ada", PASSWORD).await;
    let asked = Person::authorization_path_with("forgetful", "openid", &[]);
    let asked = asked.replace("/default/authorize", "/oauth2/authorize");
    let told = ["\"alert\"", "pkce.challenge_reuse", "\"forgetful\""];
    let page = person.open(&asked).await;
    let first = fill_in(&person, &page, "ada", PASSWORD).await;
    assert!(first.redirect_parameters().contains_key("code"));
    assert!(!server.has_audited(&told).await);
    let page = person.open(&asked).await;
    let second = if page.status == 200 {
        person.submit(&page, &[("action", "continue")]).await
    } else {
        page
    };
    assert!(second.redirect_parameters().contains_key("code"));
    assert!(server.has_audited(&told).await);
}
