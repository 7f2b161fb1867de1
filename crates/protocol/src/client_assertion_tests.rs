use serde_json::{Value, json};

use super::*;
use crate::jose::sign_compact;
use crate::random::SystemRandom;

const NOW: i64 = 1_700_000_000;
const ISSUER: &str = "https://as.test/t";
const TOKEN: &str = "https://as.test/t/token";

fn now() -> Timestamp {
    Timestamp::from_unix_seconds(NOW)
}

fn key(algorithm: Algorithm, kid: &str) -> SigningKey {
    SigningKey::generate(algorithm, kid).unwrap()
}

fn claims(changes: &Value) -> Vec<u8> {
    let mut claims = json!({
        "iss": "svc", "sub": "svc", "aud": ISSUER, "jti": "1", "iat": NOW, "exp": NOW + 60,
    });
    let members = claims.as_object_mut().unwrap();
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => members.remove(name),
            value => members.insert(name.clone(), value.clone()),
        };
    }
    serde_json::to_vec(&claims).unwrap()
}

fn check_with(
    keys: &JwkSet,
    assertion: &str,
    client: &str,
) -> Result<CheckedAssertion, AssertionError> {
    let policy = AssertionPolicy {
        client_id: &ClientId::new(client),
        audiences: &[ISSUER, TOKEN],
        now: now(),
    };
    check(assertion, keys, &policy)
}

#[test]
fn c_57_what_is_made_here_is_accepted_here() {
    for algorithm in ALGORITHMS {
        let key = key(algorithm, "k");
        let id = ClientId::new("svc");
        let made = || assert(&key, &id, ISSUER, now(), &SystemRandom).unwrap();
        let (one, two) = (made(), made());
        assert_ne!(one.expose(), two.expose());
        assert_eq!(named_client(one.expose()), Some(id.clone()));
        let keys = JwkSet::new([key.public_jwk()]);
        let checked = check_with(&keys, one.expose(), "svc").unwrap();
        assert_eq!(
            checked.expires_at,
            Timestamp::from_unix_seconds(NOW + 60 + 10)
        );
        assert_ne!(
            checked.jti,
            check_with(&keys, two.expose(), "svc").unwrap().jti
        );
    }
}

#[test]
fn s_184_s_185_s_187_the_table_of_claims() {
    use AssertionError::{Audience, Jti, NotTheClient, Time, TooLong};
    let key = key(Algorithm::Es256, "k");
    let keys = JwkSet::new([key.public_jwk()]);
    let answer = |changes: &Value| {
        let assertion = sign_compact(&key, typ::JWT, &claims(changes)).unwrap();
        check_with(&keys, &assertion, "svc").map(|_| ())
    };
    for good in [
        json!({}),
        json!({ "aud": TOKEN }),
        json!({ "aud": ["https://other.test", ISSUER] }),
        json!({ "exp": NOW + 300 }),
        json!({ "exp": NOW - 9 }),
        json!({ "iat": NOW + 8 }),
        json!({ "iat": null }),
        json!({ "jti": "j".repeat(256) }),
    ] {
        assert_eq!(answer(&good), Ok(()), "{good}");
    }
    for (bad, why) in [
        (json!({ "iss": null }), NotTheClient("iss")),
        (json!({ "iss": "other" }), NotTheClient("iss")),
        (json!({ "sub": null }), NotTheClient("sub")),
        (json!({ "sub": "other" }), NotTheClient("sub")),
        (json!({ "aud": null }), Audience),
        (json!({ "aud": [] }), Audience),
        (json!({ "aud": "https://as.test/other" }), Audience),
        (json!({ "aud": "https://as.test/t/" }), Audience),
        (json!({ "exp": null }), Time(TimeError::ExpMissing)),
        (json!({ "exp": NOW - 11 }), Time(TimeError::Expired)),
        (json!({ "exp": NOW + 301 }), TooLong),
        (json!({ "exp": NOW + 31_536_000 }), TooLong),
        (json!({ "nbf": NOW + 61 }), Time(TimeError::NotYetValid)),
        (json!({ "iat": NOW + 61 }), Time(TimeError::IssuedInFuture)),
        (json!({ "jti": null }), Jti),
        (json!({ "jti": "" }), Jti),
        (json!({ "jti": "j".repeat(257) }), Jti),
    ] {
        assert_eq!(answer(&bad), Err(why), "{bad}");
    }
}

#[test]
fn s_188_a_57_a_60_only_the_client_s_own_keys_and_algorithms_count() {
    let (own, foreign) = (key(Algorithm::Es256, "k"), key(Algorithm::Es256, "k"));
    let keys = JwkSet::new([own.public_jwk()]);
    let sign = |key: &SigningKey, typ: &str| sign_compact(key, typ, &claims(&json!({}))).unwrap();
    assert!(check_with(&keys, &sign(&own, "JWT"), "svc").is_ok());
    assert!(check_with(&keys, &sign(&own, "client-authentication+jwt"), "svc").is_ok());
    assert_eq!(
        check_with(&keys, &sign(&foreign, "JWT"), "svc"),
        Err(JwsError::BadSignature.into())
    );
    let other_kid = key(Algorithm::Es256, "k2");
    assert_eq!(
        check_with(&keys, &sign(&other_kid, "JWT"), "svc"),
        Err(JwsError::UnknownKey.into())
    );
    // ES384 is an algorithm of ours, and none of an assertion's.
    let strong = key(Algorithm::Es384, "k");
    let keys = JwkSet::new([strong.public_jwk()]);
    assert_eq!(
        check_with(&keys, &sign(&strong, "JWT"), "svc"),
        Err(JwsError::AlgorithmNotAllowed(Algorithm::Es384).into())
    );
}

#[test]
fn s_190_a_61_another_kind_of_jwt_is_no_assertion() {
    let key = key(Algorithm::Es256, "k");
    let keys = JwkSet::new([key.public_jwk()]);
    for kind in [
        typ::DPOP,
        typ::ACCESS_TOKEN,
        typ::REQUEST_OBJECT,
        typ::LOGOUT,
        typ::INTROSPECTION,
    ] {
        let text = sign_compact(&key, kind, &claims(&json!({}))).unwrap();
        assert_eq!(
            check_with(&keys, &text, "svc"),
            Err(JwsError::WrongType.into()),
            "{kind}"
        );
        let policy = AssertionPolicy {
            client_id: &ClientId::new("svc"),
            audiences: &[ISSUER],
            now: now(),
        };
        assert_eq!(
            check_unsigned(&text, &policy),
            Err(JwsError::WrongType.into())
        );
    }
}

#[test]
fn a_56_none_and_a_keyed_hash_are_refused_unread() {
    for alg in ["none", "None", "HS256"] {
        let header = base64url::encode(json!({ "alg": alg, "kid": "k" }).to_string());
        let text = format!("{header}.{}.AAAA", base64url::encode(claims(&json!({}))));
        let keys = JwkSet::new([key(Algorithm::Rs256, "k").public_jwk()]);
        assert!(check_with(&keys, &text, "svc").is_err(), "{alg}");
        let policy = AssertionPolicy {
            client_id: &ClientId::new("svc"),
            audiences: &[ISSUER],
            now: now(),
        };
        assert!(check_unsigned(&text, &policy).is_err(), "{alg}");
    }
}
