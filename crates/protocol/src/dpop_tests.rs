//! Tests of `dpop.rs`.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::jose::forge::{forge, key};
use crate::random::SystemRandom;

const NOW: i64 = 1_700_000_000;
const TOKEN: &str = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";

fn now() -> Timestamp {
    Timestamp::from_unix_seconds(NOW)
}

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

fn good() -> Value {
    json!({ "jti": "j1", "htm": "POST", "htu": "https://as.test/token", "iat": NOW })
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = good();
    claims[name] = value;
    claims
}

fn header(key: &SigningKey) -> Value {
    json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": key.public_jwk().to_bare_json() })
}

fn check_claims(claims: &Value) -> Result<CheckedProof, DpopError> {
    let key = key();
    check_at_token(&forge(&key, &header(&key).to_string(), &claims.to_string()))
}

fn check_header(name: &str, value: Value) -> Result<CheckedProof, DpopError> {
    let key = key();
    let mut header = header(&key);
    header[name] = value;
    check_at_token(&forge(&key, &header.to_string(), &good().to_string()))
}

fn check_at_token(proof: &str) -> Result<CheckedProof, DpopError> {
    check(
        proof,
        &ProofPolicy::new("POST", &url("https://as.test/token"), now()),
    )
}

#[test]
fn s_93_what_the_client_makes_the_server_accepts() {
    for algorithm in DEFAULT_ALGORITHMS {
        let key = SigningKey::generate(algorithm, "k1").unwrap();
        let htu = url("https://api.test/things?q=1#top");
        let request = ProofRequest {
            htm: "GET",
            htu: &htu,
            access_token: Some(TOKEN),
            nonce: Some("nonce"),
            now: now(),
        };
        let proof = prove(&key, &request, &SystemRandom).unwrap();
        let ath = access_token_hash(TOKEN);
        let policy = ProofPolicy {
            ath: Some(&ath),
            ..ProofPolicy::new("GET", &htu, now())
        };
        let checked = check(&proof, &policy).unwrap();
        assert_eq!(checked.thumbprint, key.thumbprint());
        assert_eq!(
            (checked.iat, checked.nonce.as_deref()),
            (now(), Some("nonce"))
        );
        assert!(checked.is_by(&key.thumbprint()) && !checked.is_by("other"));

        let unverified = Unverified::parse(&proof).unwrap();
        assert_eq!(
            unverified.peek::<Value>().unwrap()["htu"],
            "https://api.test/things"
        );
        assert_eq!(
            (unverified.typ(), unverified.kid()),
            (Some("dpop+jwt"), None)
        );
        assert_eq!(unverified.jwk(), Some(&key.public_jwk().to_bare_json()));
    }
}

#[test]
fn c_35_no_two_proofs_have_the_same_jti() {
    let (key, htu) = (key(), url("https://as.test/token"));
    let request = ProofRequest {
        htm: "POST",
        htu: &htu,
        access_token: None,
        nonce: None,
        now: now(),
    };
    let jti = || {
        let proof = prove(&key, &request, &SystemRandom).unwrap();
        check_at_token(&proof).unwrap().jti
    };
    let (first, second) = (jti(), jti());
    assert_eq!(base64url::decode(&first).unwrap().len(), 16);
    assert_ne!(first, second);
}

#[test]
fn s_93_each_broken_header_is_refused() {
    let other = key().public_jwk().to_bare_json();
    let mut private = other.clone();
    private["d"] = json!("AQAB");
    let refused = [
        ("typ", json!("JWT"), JwsError::WrongType.into()),
        ("typ", json!("at+jwt"), JwsError::WrongType.into()),
        ("alg", json!("none"), JwsError::AlgorithmNone.into()),
        ("alg", json!("HS256"), JwsError::AlgorithmUnsupported.into()),
        (
            "alg",
            json!("RS256"),
            JwsError::AlgorithmNotAllowed(Algorithm::Rs256).into(),
        ),
        ("alg", json!("EdDSA"), JwsError::UnknownKey.into()),
        ("jwk", other, JwsError::BadSignature.into()),
        ("jwk", private, DpopError::Key(JwkError::PrivateMember("d"))),
        (
            "jwk",
            json!({ "kty": "oct", "k": "AQ" }),
            JwkError::PrivateMember("k").into(),
        ),
        ("jwk", json!("key"), JwkError::NotAnObject.into()),
        ("crit", json!(["x"]), JwsError::Critical.into()),
    ];
    for (name, value, reason) in refused {
        assert_eq!(
            check_header(name, value.clone()),
            Err(reason),
            "{name}: {value}"
        );
    }
    let key = key();
    let keyless = forge(
        &key,
        r#"{"typ":"dpop+jwt","alg":"ES256"}"#,
        &good().to_string(),
    );
    assert_eq!(check_at_token(&keyless), Err(DpopError::KeyMissing));
    assert_eq!(check_at_token("a.b"), Err(JwsError::Parts.into()));
}

#[test]
fn s_93_required_claims_must_be_there() {
    for name in ["jti", "htm", "htu", "iat"] {
        let mut claims = good();
        claims.as_object_mut().unwrap().remove(name);
        assert_eq!(check_claims(&claims), Err(DpopError::Missing(name)));
    }
    let answer = check_claims(&with("iat", json!(NOW.to_string())));
    assert!(matches!(answer, Err(DpopError::Jws(JwsError::Claims(_)))));
}

#[test]
fn s_94_htu_is_compared_after_normalisation() {
    for htu in [
        "https://as.test/token",
        "HTTPS://AS.test:443/token?x",
        "https://as.test/token#fragment",
        "https://as.test/%74oken",
        "https://as.test/a/../token",
    ] {
        assert!(check_claims(&with("htu", json!(htu))).is_ok(), "{htu}");
    }
    for htu in [
        "https://as.test/token/",
        "https://as.test/Token",
        "https://as.test/",
        "https://other.test/token",
        "https://as.test:8443/token",
        "http://as.test/token",
        "https://ada@as.test/token",
        "https://ada:pw@as.test/token",
        "https://as.test/token%2F",
        "https:\\\\as.test\\token",
        " https://as.test/token",
        "https://as.test/to\tken",
        "/token",
        "",
    ] {
        assert_eq!(
            check_claims(&with("htu", json!(htu))),
            Err(DpopError::Uri),
            "{htu}"
        );
    }
}

#[test]
fn s_94_percent_escapes_have_one_spelling() {
    for (given, normal) in [
        ("/%7e%7Eada", "/~~ada"),
        ("/a%2fb", "/a%2Fb"),
        ("/%41%2d%2E%5f", "/A-._"),
        ("/%c3%A9", "/%C3%A9"),
        ("/%257e", "/%257e"),
    ] {
        assert_eq!(normalise_escapes(given).as_deref(), Some(normal));
    }
    for given in ["/100%", "/%zz", "/%4", "/%+1", "/%%37e", "/%é"] {
        assert_eq!(normalise_escapes(given), None, "{given}");
    }
}

#[test]
fn s_95_htm_is_compared_exactly() {
    for htm in ["post", "Post", "GET", "", "POST "] {
        assert_eq!(
            check_claims(&with("htm", json!(htm))),
            Err(DpopError::Method),
            "{htm}"
        );
    }
}

#[test]
fn s_96_iat_lies_in_the_window() {
    let at = |seconds: i64| check_claims(&with("iat", json!(NOW + seconds))).err();
    for seconds in [0, 8, 10, -60] {
        assert_eq!(at(seconds), None, "{seconds}");
    }
    for seconds in [11, 61, 3600] {
        assert_eq!(at(seconds), Some(DpopError::FromTheFuture), "{seconds}");
    }
    for seconds in [-61, -3600] {
        assert_eq!(at(seconds), Some(DpopError::TooOld), "{seconds}");
    }
}

#[test]
fn s_97_a_jti_has_1_to_256_bytes() {
    for jti in [String::new(), "j".repeat(257), "j".repeat(10_000)] {
        assert_eq!(
            check_claims(&with("jti", json!(jti))),
            Err(DpopError::JtiLength)
        );
    }
    assert!(check_claims(&with("jti", json!("j".repeat(256)))).is_ok());
}

#[test]
fn s_97_the_replay_key_is_of_jti_and_htu() {
    let key_of = |name, value| check_claims(&with(name, value)).unwrap().replay_key();
    let first = key_of("jti", json!("j1"));
    assert_eq!(
        first,
        key_of("htu", json!("HTTPS://AS.TEST:443/token?again"))
    );
    assert_ne!(first, key_of("jti", json!("j2")));

    let key = key();
    let claims = with("htu", json!("https://as.test/par")).to_string();
    let elsewhere = forge(&key, &header(&key).to_string(), &claims);
    let htu = url("https://as.test/par");
    let elsewhere = check(&elsewhere, &ProofPolicy::new("POST", &htu, now())).unwrap();
    assert_ne!(first, elsewhere.replay_key());
}

#[test]
fn s_98_ath_is_the_hash_of_the_access_token() {
    assert_eq!(
        access_token_hash(TOKEN),
        "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"
    );
    let (key, htu, ath) = (
        key(),
        url("https://as.test/token"),
        access_token_hash(TOKEN),
    );
    let policy = ProofPolicy {
        ath: Some(&ath),
        ..ProofPolicy::new("POST", &htu, now())
    };
    let at_resource = |claims: Value| {
        check(
            &forge(&key, &header(&key).to_string(), &claims.to_string()),
            &policy,
        )
        .err()
    };
    assert_eq!(at_resource(with("ath", json!(ath))), None);
    assert_eq!(at_resource(good()), Some(DpopError::HashMissing));
    let other = json!(access_token_hash("other"));
    assert_eq!(
        at_resource(with("ath", other)),
        Some(DpopError::HashMismatch)
    );
}

proptest! {
    #[test]
    fn any_text_is_checked_or_refused(text in ".{0,200}") {
        prop_assert!(check_at_token(&text).is_err());
    }

    #[test]
    fn normalisation_is_done_after_one_pass(path in "[ -~]{0,30}") {
        if let Some(once) = normalise(&format!("https://as.test/{path}")) {
            prop_assert_eq!(normalise(&once), Some(once));
        }
    }
}
