//! Tests of `jws.rs`.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::jose::forge::{forge, key, set_of};
use crate::jose::typ;

const ANY: TypRule<'_> = TypRule::AbsentOr(&[typ::JWT]);

fn parse(compact: &str) -> Option<JwsError> {
    Unverified::parse(compact).err()
}

fn verify(compact: &str, keys: &JwkSet, rule: TypRule<'_>) -> Result<Verified, JwsError> {
    Unverified::parse(compact)?.verify(keys, &Algorithm::ALL, rule)
}

#[test]
fn a_signed_payload_reads_back_with_kid_first_in_the_header() {
    let key = key();
    let compact = sign_jwt(&key, typ::ACCESS_TOKEN, &json!({ "sub": "ada" })).unwrap();
    let header = base64url::decode(compact.split('.').next().unwrap()).unwrap();
    assert_eq!(header, br#"{"kid":"k1","typ":"at+jwt","alg":"ES256"}"#);
    let read = verify(&compact, &set_of(&key), TypRule::Exactly(typ::ACCESS_TOKEN)).unwrap();
    assert_eq!(read.payload(), br#"{"sub":"ada"}"#);
    assert_eq!(
        (read.algorithm(), read.kid()),
        (Algorithm::Es256, Some("k1"))
    );
    assert_eq!(read.claims::<Value>().unwrap(), json!({ "sub": "ada" }));
}

#[test]
fn an_encoded_header_serves_one_key_only() {
    let (key, other) = (key(), key());
    let header = EncodedHeader::new(&key, typ::JWT).unwrap();
    for _ in 0..2 {
        let compact = sign_with(&header, &key, b"{}").unwrap();
        assert!(verify(&compact, &set_of(&key), ANY).is_ok());
    }
    assert!(matches!(
        sign_with(&header, &other, b"{}"),
        Err(SignError::OtherKey)
    ));
}

#[test]
fn s_112_none_and_absent_algorithms_are_refused() {
    let key = key();
    for name in ["none", "None", "nOnE", "NONE"] {
        let header = json!({ "alg": name, "kid": "k1" }).to_string();
        let forged = forge(&key, &header, "{}");
        assert_eq!(parse(&forged), Some(JwsError::AlgorithmNone), "{name}");
        let (unsigned, _) = forged.rsplit_once('.').unwrap();
        assert_eq!(
            parse(&format!("{unsigned}.")),
            Some(JwsError::AlgorithmNone),
            "{name}"
        );
    }
    let absent = forge(&key, r#"{"kid":"k1"}"#, "{}");
    assert_eq!(parse(&absent), Some(JwsError::AlgorithmMissing));
    let number = forge(&key, r#"{"alg":1}"#, "{}");
    assert_eq!(parse(&number), Some(JwsError::HeaderMember("alg")));
}

#[test]
fn s_112_an_empty_signature_is_refused() {
    let key = key();
    let signed = sign_compact(&key, typ::JWT, b"{}").unwrap();
    let (unsigned, _) = signed.rsplit_once('.').unwrap();
    let answer = verify(&format!("{unsigned}."), &set_of(&key), ANY);
    assert_eq!(answer.err(), Some(JwsError::BadSignature));
}

#[test]
fn s_112_the_caller_and_the_key_choose_the_algorithm() {
    let key = key();
    let signed = sign_compact(&key, typ::JWT, b"{}").unwrap();
    let unverified = Unverified::parse(&signed).unwrap();
    let answer = unverified
        .clone()
        .verify(&set_of(&key), &[Algorithm::EdDsa], ANY);
    assert_eq!(
        answer.err(),
        Some(JwsError::AlgorithmNotAllowed(Algorithm::Es256))
    );
    let answer = unverified.verify(&set_of(&key), &[], ANY);
    assert_eq!(
        answer.err(),
        Some(JwsError::AlgorithmNotAllowed(Algorithm::Es256))
    );
    // The header names another algorithm than the key's: no key fits.
    for name in ["EdDSA", "RS256", "PS256", "ES384"] {
        let header = json!({ "alg": name, "kid": "k1" }).to_string();
        let forged = forge(&key, &header, "{}");
        assert_eq!(
            verify(&forged, &set_of(&key), ANY).err(),
            Some(JwsError::UnknownKey)
        );
        let unverified = Unverified::parse(&forged).unwrap();
        let answer = unverified.verify_with(&key.public_jwk(), &Algorithm::ALL, ANY);
        assert_eq!(answer.err(), Some(JwsError::UnknownKey));
    }
}

#[test]
fn s_113_a_public_key_is_no_hmac_secret() {
    use aws_lc_rs::hmac;
    let rsa = SigningKey::generate(Algorithm::Rs256, "k1").unwrap();
    let jwk = rsa.public_jwk_json();
    let modulus = base64url::decode(jwk["n"].as_str().unwrap()).unwrap();
    let secrets = [
        jwk.to_string().into_bytes(),
        jwk["n"].to_string().into_bytes(),
        modulus,
    ];
    for secret in secrets {
        for (name, algorithm) in [
            ("HS256", hmac::HMAC_SHA256),
            ("HS384", hmac::HMAC_SHA384),
            ("HS512", hmac::HMAC_SHA512),
        ] {
            let header = json!({ "alg": name, "kid": "k1" }).to_string();
            let input = format!("{}.{}", base64url::encode(header), base64url::encode("{}"));
            let mac = hmac::sign(&hmac::Key::new(algorithm, &secret), input.as_bytes());
            let forged = format!("{input}.{}", base64url::encode(mac));
            assert_eq!(parse(&forged), Some(JwsError::AlgorithmUnsupported));
        }
    }
}

#[test]
fn s_114_a_changed_signature_is_refused() {
    let key = key();
    let signed = sign_compact(&key, typ::JWT, b"{}").unwrap();
    let (input, signature) = signed.rsplit_once('.').unwrap();
    let signature = base64url::decode(signature).unwrap();
    let mut flipped = signature.clone();
    flipped[40] ^= 1;
    for bad in [
        signature[..63].to_vec(),
        [&signature[..], &[0]].concat(),
        vec![0; 64],
        flipped,
    ] {
        let forged = format!("{input}.{}", base64url::encode(bad));
        assert_eq!(
            verify(&forged, &set_of(&key), ANY).err(),
            Some(JwsError::BadSignature)
        );
    }
}

#[test]
fn s_116_a_token_of_another_kind_is_refused() {
    let (key, kinds) = (
        key(),
        [
            typ::ACCESS_TOKEN,
            typ::DPOP,
            typ::LOGOUT,
            typ::REQUEST_OBJECT,
            typ::INTROSPECTION,
            typ::JWT,
        ],
    );
    for kind in kinds {
        let token = sign_compact(&key, kind, b"{}").unwrap();
        for reader in kinds {
            let answer = verify(&token, &set_of(&key), TypRule::Exactly(reader));
            let refusal = (kind != reader).then_some(JwsError::WrongType);
            assert_eq!(answer.err(), refusal, "{kind} read as {reader}");
        }
    }
}

#[test]
fn s_117_a_58_keys_from_the_header_are_not_used() {
    let (ours, theirs) = (key(), key());
    let header = json!({
        "alg": "ES256", "kid": "k1", "jku": "https://trap.example/jwks", "x5c": ["AQAB"],
        "x5u": "https://trap.example/x5u", "jwk": theirs.public_jwk_json(),
    });
    let forged = forge(&theirs, &header.to_string(), "{}");
    assert_eq!(
        verify(&forged, &set_of(&ours), ANY).err(),
        Some(JwsError::BadSignature)
    );
    let honest = forge(&ours, &header.to_string(), "{}");
    assert!(verify(&honest, &set_of(&ours), ANY).is_ok());
}

#[test]
fn s_117_unknown_extensions_and_long_key_ids_are_refused() {
    let key = key();
    for crit in [json!(["x"]), json!(["b64"]), json!([]), Value::Null] {
        let header = json!({ "alg": "ES256", "crit": crit, "x": 1, "b64": false });
        assert_eq!(
            parse(&forge(&key, &header.to_string(), "{}")),
            Some(JwsError::Critical)
        );
    }
    let header = json!({ "alg": "ES256", "kid": "k".repeat(257) }).to_string();
    assert_eq!(
        parse(&forge(&key, &header, "{}")),
        Some(JwsError::KidTooLong)
    );
    let header = json!({ "alg": "ES256", "kid": 7 }).to_string();
    assert_eq!(
        parse(&forge(&key, &header, "{}")),
        Some(JwsError::HeaderMember("kid"))
    );
}

#[test]
fn s_118_a_kid_of_another_issuer_does_not_count() {
    let (a, b) = (key(), key());
    let token = sign_compact(&b, typ::JWT, br#"{"iss":"https://a.example"}"#).unwrap();
    assert_eq!(
        verify(&token, &set_of(&a), ANY).err(),
        Some(JwsError::BadSignature)
    );
    assert_eq!(
        verify(&token, &JwkSet::default(), ANY).err(),
        Some(JwsError::UnknownKey)
    );
}

#[test]
fn s_119_only_the_one_strict_spelling_is_read() {
    let key = key();
    let good = sign_compact(&key, typ::JWT, br#"{"sub":"a"}"#).unwrap();
    let (input, signature) = good.rsplit_once('.').unwrap();
    let (header, payload) = input.split_once('.').unwrap();
    let part = JwsError::Base64Url;
    let refused = [
        (format!("{good}=="), part("signature")),
        (format!("{header}=.{payload}.{signature}"), part("header")),
        (format!("{header}.{payload}=.{signature}"), part("payload")),
        (format!("{good}\n"), part("signature")),
        (format!(" {good}"), part("header")),
        (format!("{header}.{payload}\n.{signature}"), part("payload")),
        (format!("{good}.{signature}"), JwsError::Parts),
        (format!("{good}.a.b"), JwsError::Parts),
        (input.to_owned(), JwsError::Parts),
        (String::new(), JwsError::Parts),
        (format!("{good}{}", "A".repeat(17_000)), JwsError::TooLong),
    ];
    for (text, reason) in refused {
        assert_eq!(parse(&text), Some(reason), "{text:.80}");
    }
}

#[test]
fn s_119_stray_bits_after_the_signature_are_refused() {
    let good = sign_compact(&key(), typ::JWT, b"{}").unwrap();
    // 64 bytes leave four bits over: every last letter but the canonical one has some set.
    let (rest, last) = good.split_at(good.len() - 1);
    assert!("AQgw".contains(last));
    for letter in "BCDEFGHIJKLMNOP".chars() {
        let answer = parse(&format!("{rest}{letter}"));
        assert_eq!(answer, Some(JwsError::Base64Url("signature")), "{letter}");
    }
}

#[test]
fn s_119_ambiguous_json_is_refused_although_it_is_signed() {
    let key = key();
    let header = |text: &str| parse(&forge(&key, text, "{}"));
    let duplicate = JsonError::DuplicateMember;
    let answer = header(r#"{"alg":"ES256","alg":"ES256"}"#);
    assert_eq!(answer, Some(JwsError::Header(duplicate)));
    assert_eq!(header("[]"), Some(JwsError::Header(JsonError::NotAnObject)));

    let claims = |payload: &[u8]| {
        let token = sign_compact(&key, typ::JWT, payload).unwrap();
        verify(&token, &set_of(&key), ANY)
            .unwrap()
            .claims::<Value>()
            .err()
    };
    assert_eq!(
        claims(br#"{"sub":"a","sub":"b"}"#),
        Some(JwsError::Payload(duplicate))
    );
    assert_eq!(
        claims(br#"{"a":{"b":1,"b":2}}"#),
        Some(JwsError::Payload(duplicate))
    );
    assert_eq!(
        claims(b"{\"sub\":\"\xff\"}"),
        Some(JwsError::Payload(JsonError::NotUtf8))
    );
    assert_eq!(
        claims(b"\"text\""),
        Some(JwsError::Payload(JsonError::NotAnObject))
    );
    assert_eq!(
        claims(br#"{"exp":1e400}"#),
        Some(JwsError::Payload(JsonError::Malformed))
    );
}

#[test]
fn s_121_a_86_a_compressed_token_is_refused_unread() {
    let header = r#"{"alg":"ES256","zip":"DEF"}"#;
    assert_eq!(
        parse(&forge(&key(), header, "bomb")),
        Some(JwsError::Compressed)
    );
}

#[test]
fn c_41_without_kid_the_keys_of_the_algorithm_are_tried() {
    let keys: Vec<_> = ["a", "b", "c"]
        .map(|kid| SigningKey::generate(Algorithm::Es256, kid).unwrap())
        .into();
    let set: JwkSet = keys.iter().map(SigningKey::public_jwk).collect();
    let token = forge(&keys[2], r#"{"alg":"ES256"}"#, "{}");
    assert!(verify(&token, &set, ANY).is_ok());
    assert_eq!(
        verify(&token, &set_of(&keys[0]), ANY).err(),
        Some(JwsError::BadSignature)
    );
}

#[test]
fn debug_shows_neither_claims_nor_signature() {
    let token = sign_compact(&key(), typ::JWT, br#"{"sub":"canary"}"#).unwrap();
    let shown = format!("{:?}", Unverified::parse(&token).unwrap());
    assert!(
        !shown.contains("canary") && !shown.contains("signature"),
        "{shown}"
    );
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in ".{0,200}") {
        let _ = Unverified::parse(&text).is_ok();
    }

    #[test]
    fn any_three_parts_are_read_or_refused(header: String, payload: Vec<u8>, rest: Vec<u8>) {
        let parts = [base64url::encode(header), base64url::encode(payload), base64url::encode(rest)];
        let _ = Unverified::parse(&parts.join(".")).is_ok();
    }

    #[test]
    fn any_payload_survives_signing(payload: Vec<u8>, eddsa: bool) {
        let algorithm = if eddsa { Algorithm::EdDsa } else { Algorithm::Es256 };
        let key = SigningKey::generate(algorithm, "k1").unwrap();
        let token = sign_compact(&key, typ::JWT, &payload).unwrap();
        let read = verify(&token, &set_of(&key), ANY).unwrap();
        prop_assert_eq!(read.payload(), &payload);
    }

    #[test]
    fn any_changed_character_is_refused(position: prop::sample::Index, letter in "[A-Za-z0-9_.-]") {
        let key = key();
        let token = sign_compact(&key, typ::JWT, br#"{"sub":"ada","aud":"x"}"#).unwrap();
        let at = position.index(token.len());
        let mut changed = token.clone();
        changed.replace_range(at..=at, &letter);
        prop_assume!(changed != token);
        prop_assert!(verify(&changed, &set_of(&key), ANY).is_err());
    }
}
