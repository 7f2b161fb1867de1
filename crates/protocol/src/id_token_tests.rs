//! Tests of `id_token.rs`.

use serde_json::json;

use super::*;
use crate::jose::forge::{forge, key, set_of};
use crate::jose::{SigningKey, sign_jwt};

const ISSUER: &str = "https://id.example";
const CLIENT: &str = "cli";
const NONCE: &str = "n-0S6_WzA2Mj";
const TOKEN: &str = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
const NOW: i64 = 1_700_000_000;

fn now() -> Timestamp {
    Timestamp::from_unix_seconds(NOW)
}

fn policy() -> IdTokenPolicy<'static> {
    IdTokenPolicy::new(ISSUER, CLIENT, Expect::Exactly(NONCE), now())
}

fn good() -> Value {
    json!({
        "iss": ISSUER, "sub": "ada", "aud": CLIENT, "exp": NOW + 300, "iat": NOW,
        "nonce": NONCE, "auth_time": NOW - 30, "acr": "mfa", "amr": ["pwd", "otp", "mfa"],
    })
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = good();
    claims[name] = value;
    claims
}

fn without(name: &str) -> Value {
    let mut claims = good();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

/// Signs the claims and checks the token by the policy.
fn check(claims: &Value, policy: &IdTokenPolicy<'_>) -> Result<VerifiedIdToken, IdTokenError> {
    let key = key();
    verify(
        &sign_jwt(&key, typ::JWT, claims).unwrap(),
        &set_of(&key),
        policy,
    )
}

fn refusal(claims: &Value, policy: &IdTokenPolicy<'_>) -> Option<IdTokenError> {
    check(claims, policy).err()
}

#[test]
fn c_61_a_good_token_passes_every_step() {
    let at_hash = json!(at_hash(Algorithm::Es256, TOKEN));
    let policy = IdTokenPolicy {
        max_age: Some(Duration::from_mins(1)),
        acr: &["phr", "mfa"],
        access_token: Some(TOKEN),
        ..policy()
    };
    let verified = check(&with("at_hash", at_hash), &policy).unwrap();
    assert_eq!(verified.claims().sub, "ada");
    assert_eq!(verified.algorithm(), Algorithm::Es256);
}

#[test]
fn c_61_another_issuer_is_refused() {
    for iss in [
        "https://id.example/",
        "https://ID.example",
        "https://evil.example",
        "",
    ] {
        assert_eq!(
            refusal(&with("iss", json!(iss)), &policy()),
            Some(IdTokenError::Issuer)
        );
    }
}

#[test]
fn c_61_a_malformed_subject_is_refused() {
    for sub in [String::new(), "a".repeat(256), "adä".to_owned()] {
        assert_eq!(
            refusal(&with("sub", json!(sub)), &policy()),
            Some(IdTokenError::Subject)
        );
    }
    assert!(check(&with("sub", json!("a".repeat(255))), &policy()).is_ok());
}

#[test]
fn c_61_another_audience_is_refused() {
    for aud in [json!("other"), json!(["other"]), json!([]), json!("")] {
        assert_eq!(
            refusal(&with("aud", aud), &policy()),
            Some(IdTokenError::Audience)
        );
    }
}

#[test]
fn c_61_an_untrusted_extra_audience_is_refused() {
    let mut claims = with("aud", json!([CLIENT, "api"]));
    claims["azp"] = json!(CLIENT);
    assert_eq!(
        refusal(&claims, &policy()),
        Some(IdTokenError::UntrustedAudience)
    );
    let trusting = IdTokenPolicy {
        trusted_audiences: &["api"],
        ..policy()
    };
    assert!(check(&claims, &trusting).is_ok());
    claims.as_object_mut().unwrap().remove("azp");
    assert_eq!(
        refusal(&claims, &trusting),
        Some(IdTokenError::AuthorizedParty)
    );
}

#[test]
fn c_61_another_authorized_party_is_refused() {
    let answer = refusal(&with("azp", json!("other")), &policy());
    assert_eq!(answer, Some(IdTokenError::AuthorizedParty));
    assert!(check(&with("azp", json!(CLIENT)), &policy()).is_ok());
}

#[test]
fn c_61_a_bad_signature_is_refused() {
    let token = sign_jwt(&key(), typ::JWT, &good()).unwrap();
    let answer = verify(&token, &set_of(&key()), &policy());
    assert_eq!(answer, Err(JwsError::BadSignature.into()));
}

#[test]
fn c_40_another_algorithm_than_the_registered_one_is_refused() {
    let registered = IdTokenPolicy {
        algorithms: &[Algorithm::Rs256],
        ..policy()
    };
    let answer = refusal(&good(), &registered);
    assert_eq!(
        answer,
        Some(JwsError::AlgorithmNotAllowed(Algorithm::Es256).into())
    );
    let key = SigningKey::generate(Algorithm::Rs256, "k1").unwrap();
    let token = sign_jwt(&key, typ::JWT, &good()).unwrap();
    assert!(verify(&token, &set_of(&key), &registered).is_ok());
}

#[test]
fn c_40_none_and_hmac_are_refused() {
    let key = key();
    for (name, reason) in [
        ("none", JwsError::AlgorithmNone),
        ("HS256", JwsError::AlgorithmUnsupported),
    ] {
        let header = json!({ "alg": name, "kid": "k1" }).to_string();
        let token = forge(&key, &header, &good().to_string());
        assert_eq!(verify(&token, &set_of(&key), &policy()), Err(reason.into()));
    }
}

#[test]
fn c_61_a_token_of_another_kind_is_refused() {
    let key = key();
    for kind in [
        typ::ACCESS_TOKEN,
        typ::LOGOUT,
        typ::DPOP,
        typ::REQUEST_OBJECT,
    ] {
        let token = sign_jwt(&key, kind, &good()).unwrap();
        let answer = verify(&token, &set_of(&key), &policy());
        assert_eq!(answer, Err(JwsError::WrongType.into()), "{kind}");
    }
    let untyped = forge(&key, r#"{"alg":"ES256","kid":"k1"}"#, &good().to_string());
    assert!(verify(&untyped, &set_of(&key), &policy()).is_ok());
}

#[test]
fn c_61_times_are_checked() {
    let refused = [
        ("exp", NOW - 11, TimeError::Expired),
        ("exp", NOW - 10, TimeError::Expired),
        ("iat", NOW + 11, TimeError::IssuedInFuture),
        ("iat", NOW + 61, TimeError::IssuedInFuture),
    ];
    for (name, time, reason) in refused {
        assert_eq!(
            refusal(&with(name, json!(time)), &policy()),
            Some(reason.into())
        );
    }
    assert!(check(&with("iat", json!(NOW + 8)), &policy()).is_ok());
}

#[test]
fn c_61_required_claims_must_be_there_and_of_their_type() {
    for name in ["iss", "sub", "aud", "exp", "iat"] {
        let answer = refusal(&without(name), &policy());
        assert!(
            matches!(answer, Some(IdTokenError::Jws(JwsError::Claims(_)))),
            "{name}"
        );
        let answer = refusal(&with(name, json!({})), &policy());
        assert!(
            matches!(answer, Some(IdTokenError::Jws(JwsError::Claims(_)))),
            "{name}"
        );
    }
    let answer = refusal(&with("exp", json!((NOW + 300).to_string())), &policy());
    assert!(matches!(
        answer,
        Some(IdTokenError::Jws(JwsError::Claims(_)))
    ));
}

#[test]
fn c_62_the_nonce_must_come_back() {
    assert_eq!(
        refusal(&without("nonce"), &policy()),
        Some(IdTokenError::NonceMissing)
    );
    for nonce in ["", "other", "n-0S6_WzA2M", "N-0S6_WzA2Mj"] {
        let answer = refusal(&with("nonce", json!(nonce)), &policy());
        assert_eq!(answer, Some(IdTokenError::NonceMismatch), "{nonce}");
    }
}

#[test]
fn c_61_a_demanded_acr_must_be_reached() {
    let demanding = IdTokenPolicy {
        acr: &["phr", "mfa"],
        ..policy()
    };
    assert!(check(&good(), &demanding).is_ok());
    assert_eq!(
        refusal(&with("acr", json!("pwd")), &demanding),
        Some(IdTokenError::Acr)
    );
    assert_eq!(
        refusal(&without("acr"), &demanding),
        Some(IdTokenError::Acr)
    );
}

#[test]
fn c_61_the_sign_in_must_be_as_recent_as_max_age() {
    let aged = IdTokenPolicy {
        max_age: Some(Duration::from_mins(1)),
        ..policy()
    };
    let auth_time = |seconds: i64| refusal(&with("auth_time", json!(NOW - seconds)), &aged);
    assert_eq!(auth_time(60), None);
    assert_eq!(auth_time(70), None);
    assert_eq!(auth_time(71), Some(IdTokenError::AuthTimeTooOld));
    assert_eq!(auth_time(-8), None);
    assert_eq!(auth_time(-11), Some(IdTokenError::AuthTimeInFuture));
    assert_eq!(
        refusal(&without("auth_time"), &aged),
        Some(IdTokenError::AuthTimeMissing)
    );
    assert!(check(&without("auth_time"), &policy()).is_ok());
}

#[test]
fn c_63_at_hash_must_be_of_this_access_token() {
    let receiving = IdTokenPolicy {
        access_token: Some(TOKEN),
        ..policy()
    };
    let claims = with("at_hash", json!(at_hash(Algorithm::Es256, "other")));
    assert_eq!(
        refusal(&claims, &receiving),
        Some(IdTokenError::AccessTokenHash)
    );
    assert!(check(&good(), &receiving).is_ok());
}

#[test]
fn c_63_the_hashes_of_oidc_core_a_4() {
    assert_eq!(at_hash(Algorithm::Rs256, TOKEN), "77QmUPtjPfzWtF2AnpK9RQ");
    // `c_hash` is computed alike.
    let code = "Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk";
    assert_eq!(at_hash(Algorithm::Ps256, code), "LDktKdoQak3Pk0cnXxCltA");
    assert_eq!(at_hash(Algorithm::Es384, TOKEN).len(), 32);
    assert_eq!(at_hash(Algorithm::EdDsa, TOKEN).len(), 43);
}

#[test]
fn c_64_userinfo_must_be_about_the_same_user() {
    let token = check(&good(), &policy()).unwrap();
    let about = |sub: &str| serde_json::from_value(json!({ "sub": sub })).unwrap();
    assert_eq!(token.check_userinfo(&about("ada")), Ok(()));
    for sub in ["eve", "Ada", ""] {
        let answer = token.check_userinfo(&about(sub));
        assert_eq!(answer, Err(IdTokenError::UserInfoSubject), "{sub}");
    }
}

#[test]
fn c_65_a_refreshed_token_is_about_the_same_sign_in() {
    let policy = IdTokenPolicy {
        nonce: Expect::FromRefresh,
        ..policy()
    };
    let first = check(&good(), &policy).unwrap().into_claims();
    let refreshed_from =
        |first: &_, claims: &Value| check(claims, &policy).unwrap().continues(first);
    let refreshed = |claims: &Value| refreshed_from(&first, claims);
    assert_eq!(refreshed(&good()), Ok(()));
    assert_eq!(refreshed(&without("nonce")), Ok(()));
    let changed = |name| Err(IdTokenError::Changed(name));
    assert_eq!(refreshed(&with("sub", json!("eve"))), changed("sub"));
    assert_eq!(refreshed(&with("azp", json!(CLIENT))), changed("azp"));
    assert_eq!(refreshed(&with("nonce", json!("other"))), changed("nonce"));
    // mock-oauth2-server 6.0.2 leaves it out of refreshed tokens.
    let named = check(&with("azp", json!(CLIENT)), &policy).unwrap();
    assert_eq!(refreshed_from(named.claims(), &good()), Ok(()));

    let elsewhere = IdTokenPolicy {
        issuer: "https://b.example",
        ..policy
    };
    let other = check(&with("iss", json!("https://b.example")), &elsewhere).unwrap();
    assert_eq!(other.continues(&first), changed("iss"));
    let mut claims = with("aud", json!([CLIENT, "api"]));
    claims["azp"] = json!(CLIENT);
    let trusting = IdTokenPolicy {
        trusted_audiences: &["api"],
        ..policy
    };
    assert_eq!(
        check(&claims, &trusting).unwrap().continues(&first),
        changed("aud")
    );
}

#[test]
fn c_66_a_token_of_the_device_grant_has_no_nonce_and_passes_every_other_check() {
    let device = IdTokenPolicy {
        nonce: Expect::Absent,
        ..policy()
    };
    assert!(check(&without("nonce"), &device).is_ok());
    assert_eq!(
        refusal(&good(), &device),
        Some(IdTokenError::NonceUnexpected)
    );
    let mut other = without("nonce");
    other["aud"] = json!("other");
    assert_eq!(refusal(&other, &device), Some(IdTokenError::Audience));
}

#[test]
fn s_225_what_is_minted_is_what_core_names() {
    let claims: IdTokenClaims = serde_json::from_value(good()).unwrap();
    assert_eq!(serde_json::to_value(&claims).unwrap(), good());
}

#[test]
fn s_225_an_extra_claim_never_replaces_one_of_ours() {
    let mut claims: IdTokenClaims = serde_json::from_value(good()).unwrap();
    claims.extra.insert("sub".to_owned(), json!("eve"));
    claims.extra.insert("sid".to_owned(), json!("made up"));
    claims
        .extra
        .insert("email".to_owned(), json!("ada@example.com"));
    let json = serde_json::to_string(&claims).unwrap();
    assert_eq!(json.matches("\"sub\"").count(), 1);
    assert!(!json.contains("eve") && !json.contains("made up"));
    assert!(json.contains("ada@example.com"));
}

#[test]
fn the_list_of_our_own_claims_is_complete() {
    let mut all = good();
    for name in ["azp", "at_hash", "sid"] {
        all[name] = json!("x");
    }
    let claims: IdTokenClaims = serde_json::from_value(all.clone()).unwrap();
    assert!(claims.extra.is_empty());
    let mut names: Vec<_> = all.as_object().unwrap().keys().cloned().collect();
    let mut own = OWN_CLAIMS.to_vec();
    names.sort_unstable();
    own.sort_unstable();
    assert_eq!(names, own);
}
