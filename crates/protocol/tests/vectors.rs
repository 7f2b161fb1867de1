//! The RFCs' own examples, as far as our algorithms go; the values lie in `tests/vectors/`.

#![allow(clippy::unwrap_used, reason = "the helpers are test code too")]

use hallpass_protocol::dpop::{self, DpopError, ProofPolicy};
use hallpass_protocol::jose::{
    Algorithm, Jwk, JwkSet, JwsError, SigningKey, TypRule, Unverified, base64url, typ,
};
use hallpass_protocol::pkce::{CodeChallenge, CodeVerifier};
use hallpass_protocol::time::Timestamp;
use serde_json::Value;
use url::Url;

const RFC7515: &str = include_str!("vectors/rfc7515.json");
const RFC7517: &str = include_str!("vectors/rfc7517.json");
const RFC7520: &str = include_str!("vectors/rfc7520.json");
const RFC7636: &str = include_str!("vectors/rfc7636.json");
const RFC7638: &str = include_str!("vectors/rfc7638.json");
const RFC8037: &str = include_str!("vectors/rfc8037.json");
const RFC9449: &str = include_str!("vectors/rfc9449.json");

fn read(file: &str) -> Value {
    serde_json::from_str(file).unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// Checks a compact serialization with one key and gives back its payload.
fn payload(compact: &Value, key: &Jwk) -> String {
    let unverified = Unverified::parse(text(compact)).unwrap();
    let rule = TypRule::AbsentOr(&[typ::JWT]);
    let verified = unverified.verify_with(key, &Algorithm::ALL, rule).unwrap();
    String::from_utf8(verified.payload().to_vec()).unwrap()
}

/// Signs an example's own input again; for algorithms that make one signature only.
fn assert_signs_the_same(compact: &Value, key: &SigningKey) {
    let (input, signature) = text(compact).rsplit_once('.').unwrap();
    assert_eq!(
        base64url::encode(key.sign(input.as_bytes()).unwrap()),
        signature
    );
}

#[test]
fn rfc7515_a2_rs256() {
    let (all, example) = (read(RFC7515), &read(RFC7515)["a2_rs256"]);
    let key = SigningKey::from_private_jwk(&example["jwk"].to_string()).unwrap();
    assert_eq!(
        payload(&example["compact"], &key.public_jwk()),
        text(&all["payload"])
    );
    assert_signs_the_same(&example["compact"], &key);
}

#[test]
fn rfc7515_a3_es256() {
    let (all, example) = (read(RFC7515), &read(RFC7515)["a3_es256"]);
    let key = SigningKey::from_private_jwk(&example["jwk"].to_string()).unwrap();
    assert_eq!(
        payload(&example["compact"], &key.public_jwk()),
        text(&all["payload"])
    );
    let signature = key.sign(b"message").unwrap();
    let answer = key
        .public_jwk()
        .verify(Algorithm::Es256, b"message", &signature);
    assert_eq!(answer, Ok(()));
}

#[test]
fn rfc7515_s_112_what_we_do_not_support_is_refused() {
    let all = read(RFC7515);
    for (name, reason) in [
        ("a1_hs256", JwsError::AlgorithmUnsupported),
        ("a4_es512", JwsError::AlgorithmUnsupported),
        ("a5_none", JwsError::AlgorithmNone),
        ("e_crit", JwsError::AlgorithmNone),
    ] {
        assert_eq!(
            Unverified::parse(text(&all[name])).err(),
            Some(reason),
            "{name}"
        );
    }
}

#[test]
fn rfc7517_a1_the_key_for_encryption_is_left_out() {
    let set = JwkSet::from_json(&read(RFC7517)["jwks"].to_string()).unwrap();
    assert_eq!(
        set.keys().iter().map(Jwk::kid).collect::<Vec<_>>(),
        [Some("2011-04-29")]
    );
}

#[test]
fn rfc7520_4_1_rs256() {
    let example = read(RFC7520);
    let key = Jwk::from_json_assuming(&example["jwk"], Algorithm::Rs256).unwrap();
    assert_eq!(
        payload(&example["compact"], &key),
        text(&example["payload"])
    );
}

#[test]
fn rfc7636_b_code_challenge() {
    let example = read(RFC7636);
    let verifier = CodeVerifier::parse(text(&example["code_verifier"])).unwrap();
    assert_eq!(
        verifier.challenge().as_str(),
        text(&example["code_challenge"])
    );
    let challenge = CodeChallenge::parse(text(&example["code_challenge"])).unwrap();
    assert!(challenge.is_met_by(&verifier));
}

#[test]
fn rfc7638_3_1_thumbprint() {
    let example = read(RFC7638);
    let key = Jwk::from_json(&example["jwk"]).unwrap();
    assert_eq!(key.thumbprint(), text(&example["thumbprint"]));
}

#[test]
fn rfc8037_a_ed25519() {
    let example = read(RFC8037);
    let key = SigningKey::from_private_jwk(&example["jwk"].to_string()).unwrap();
    assert_eq!(key.algorithm(), Algorithm::EdDsa);
    assert_eq!(key.thumbprint(), text(&example["thumbprint"]));
    assert_eq!(
        payload(&example["compact"], &key.public_jwk()),
        text(&example["payload"])
    );
    assert_signs_the_same(&example["compact"], &key);
}

#[test]
fn rfc9449_proofs() {
    let all = read(RFC9449);
    let ath = dpop::access_token_hash(text(&all["access_token"]));
    assert_eq!(ath, text(&all["ath"]));
    for (name, ath) in [("figure_2", None), ("figure_13", Some(ath.as_str()))] {
        let example = &all[name];
        let htu = Url::parse(text(&example["htu"])).unwrap();
        let now = Timestamp::from_unix_seconds(example["iat"].as_i64().unwrap());
        let policy = ProofPolicy {
            ath,
            ..ProofPolicy::new(text(&example["htm"]), &htu, now)
        };
        let checked = dpop::check(text(&example["proof"]), &policy).unwrap();
        assert_eq!(checked.jti, text(&example["jti"]));
        assert_eq!(checked.thumbprint, text(&all["thumbprint"]));

        let later = now + std::time::Duration::from_secs(61);
        let policy = ProofPolicy {
            now: later,
            ..policy
        };
        assert_eq!(
            dpop::check(text(&example["proof"]), &policy),
            Err(DpopError::TooOld)
        );
    }
}
