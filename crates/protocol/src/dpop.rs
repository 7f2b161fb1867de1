//! DPoP proofs: how a client makes one, and how a server checks one.
//!
//! RFC 9449 §4.2, §4.3, §7.1, §11.1: <https://www.rfc-editor.org/rfc/rfc9449#section-4.3>
//!
//! The check is pure. Two things stay with the caller, who has the state for them: that a `jti` is
//! used once ([`CheckedProof::replay_key`]), and that a `nonce` is one of ours.

use std::time::Duration;

use aws_lc_rs::digest;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;
use url::Url;

use crate::jose::jwt::Leeway;
use crate::jose::{
    Algorithm, EncodedHeader, Jwk, JwkError, JwsError, SignError, SigningKey, TypRule, Unverified,
    base64url, numeric_date, sign_with, typ,
};
use crate::random::{self, Random};
use crate::time::Timestamp;

/// The request that a new proof is for.
#[derive(Clone, Copy, Debug)]
pub struct ProofRequest<'a> {
    /// The method, as it stands in the request line.
    pub htm: &'a str,
    /// The target URI; query and fragment are left out of the proof.
    pub htu: &'a Url,
    /// The access token that the request carries, at a resource.
    pub access_token: Option<&'a str>,
    /// The newest `DPoP-Nonce` of this server.
    pub nonce: Option<&'a str>,
    /// The time of the request.
    pub now: Timestamp,
}

/// What a server demands of a proof.
#[derive(Clone, Copy, Debug)]
pub struct ProofPolicy<'a> {
    /// The method of the request.
    pub htm: &'a str,
    /// The public URI of the request, as the client sees it (behind a proxy too).
    pub htu: &'a Url,
    /// The hash of the access token that the request carries ([`access_token_hash`]).
    pub ath: Option<&'a str>,
    /// The algorithms that are allowed.
    pub algorithms: &'a [Algorithm],
    /// How old a proof may be.
    pub window: Duration,
    /// How far ahead a proof's clock may be.
    pub leeway: Leeway,
    /// The time of the check.
    pub now: Timestamp,
}

/// A proof that passed every check of its policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedProof {
    /// The proof's id; at most [`LONGEST_JTI`] bytes.
    pub jti: String,
    /// When the client made it.
    pub iat: Timestamp,
    /// The nonce that it carries, for the caller to check.
    pub nonce: Option<String>,
    /// The thumbprint of the key: what `cnf.jkt` and `dpop_jkt` are compared with.
    pub thumbprint: String,
    /// The normalised URI.
    htu: String,
}

/// Why a proof was refused: `invalid_dpop_proof` to the caller (RFC 9449 §5, §7.1).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DpopError {
    /// It is no acceptable signed proof.
    #[error(transparent)]
    Jws(#[from] JwsError),
    /// The header carries no key.
    #[error("the DPoP proof's header has no `jwk`")]
    KeyMissing,
    /// The header's key cannot be used, or carries its private part.
    #[error(transparent)]
    Key(#[from] JwkError),
    /// A required claim is absent.
    #[error("the DPoP proof has no `{0}`")]
    Missing(&'static str),
    /// `jti` is empty or longer than [`LONGEST_JTI`].
    #[error("the DPoP proof's `jti` must have 1 to 256 bytes")]
    JtiLength,
    /// `htm` is another method.
    #[error("the DPoP proof is for another method")]
    Method,
    /// `htu` is another URI, or none.
    #[error("the DPoP proof is for another URI")]
    Uri,
    /// `iat` is further back than the window.
    #[error("the DPoP proof is too old")]
    TooOld,
    /// `iat` is further ahead than the leeway.
    #[error("the DPoP proof is from the future: the clocks differ")]
    FromTheFuture,
    /// The request carries an access token and the proof no `ath`.
    #[error("the DPoP proof has no `ath` for the access token")]
    HashMissing,
    /// `ath` is of another access token.
    #[error("the DPoP proof is for another access token")]
    HashMismatch,
}

/// The algorithms that hallpass offers for proofs (row S-110).
pub const DEFAULT_ALGORITHMS: [Algorithm; 3] =
    [Algorithm::Es256, Algorithm::EdDsa, Algorithm::Ps256];
/// How old a proof may be unless configured otherwise (row S-96).
pub const DEFAULT_WINDOW: Duration = Duration::from_mins(1);
/// Longer ids are refused, so that nobody fills the replay store (row S-97).
pub const LONGEST_JTI: usize = 256;

#[derive(Serialize)]
struct NewClaims<'a> {
    jti: String,
    htm: &'a str,
    htu: String,
    #[serde(with = "numeric_date")]
    iat: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    ath: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
}

#[derive(Deserialize)]
struct Claims {
    jti: Option<String>,
    htm: Option<String>,
    htu: Option<String>,
    #[serde(default, with = "numeric_date::option")]
    iat: Option<Timestamp>,
    ath: Option<String>,
    nonce: Option<String>,
}

/// Makes a proof for one request. Every request needs its own, a retry too (row C-35).
pub fn prove(
    key: &SigningKey,
    request: &ProofRequest<'_>,
    random: &dyn Random,
) -> Result<String, SignError> {
    let mut htu = request.htu.clone();
    htu.set_query(None);
    htu.set_fragment(None);
    let claims = NewClaims {
        // §4.2: "at least 96 bits of pseudorandom data"; these are 128.
        jti: base64url::encode(random::bytes::<16>(random)),
        htm: request.htm,
        htu: htu.into(),
        iat: request.now,
        ath: request.access_token.map(access_token_hash),
        nonce: request.nonce,
    };
    let header = EncodedHeader::with_key(key, typ::DPOP)?;
    sign_with(&header, key, &serde_json::to_vec(&claims)?)
}

/// Computes `ath`: the SHA-256 of the access token, base64url (§4.2).
pub fn access_token_hash(access_token: &str) -> String {
    base64url::encode(digest::digest(&digest::SHA256, access_token.as_bytes()))
}

impl<'a> ProofPolicy<'a> {
    /// The usual algorithms, window and leeway, for a request without access token.
    pub fn new(htm: &'a str, htu: &'a Url, now: Timestamp) -> Self {
        Self {
            htm,
            htu,
            ath: None,
            algorithms: &DEFAULT_ALGORITHMS,
            window: DEFAULT_WINDOW,
            leeway: Leeway::default(),
            now,
        }
    }
}

/// Checks the value of a `DPoP` header; the numbers are those of §4.3.
///
/// Steps 1 (there is one header), 10 (the nonce) and the second half of 12 (the key is the token's)
/// are the caller's. The cheap checks come before the signature, which costs the most.
pub fn check(proof: &str, policy: &ProofPolicy<'_>) -> Result<CheckedProof, DpopError> {
    // 2. "a single and well-formed JWT".
    let unverified = Unverified::parse(proof)?;
    let key = header_key(&unverified, policy)?;

    // 3. "all required claims are contained in the JWT".
    let claims: Claims = unverified.peek()?;
    let jti = claims.jti.ok_or(DpopError::Missing("jti"))?;
    if jti.is_empty() || jti.len() > LONGEST_JTI {
        return Err(DpopError::JtiLength);
    }

    // 8. "the htm claim matches the HTTP method"; methods have case.
    if claims.htm.ok_or(DpopError::Missing("htm"))? != policy.htm {
        return Err(DpopError::Method);
    }
    // 9. "the htu claim matches the HTTP URI value […], ignoring any query and fragment parts".
    let wanted = normalise(policy.htu.as_str()).ok_or(DpopError::Uri)?;
    let htu = normalise(&claims.htu.ok_or(DpopError::Missing("htu"))?);
    if htu.as_ref() != Some(&wanted) {
        return Err(DpopError::Uri);
    }
    let iat = claims.iat.ok_or(DpopError::Missing("iat"))?;
    check_age(iat, policy)?;
    check_hash(claims.ath.as_deref(), policy.ath)?;

    // 4. `typ`, 5. `alg`, 6. "the JWT signature verifies with the public key contained in the jwk".
    unverified.verify_with(&key, policy.algorithms, TypRule::Exactly(typ::DPOP))?;

    let thumbprint = key.thumbprint();
    Ok(CheckedProof {
        jti,
        iat,
        nonce: claims.nonce,
        thumbprint,
        htu: wanted,
    })
}

impl CheckedProof {
    /// The name under which the replay store keeps the proof: a hash of `htu` and `jti`, because a
    /// `jti` is unique in the context of its target URI (§11.1).
    pub fn replay_key(&self) -> [u8; 32] {
        let mut hash = digest::Context::new(&digest::SHA256);
        for part in [&self.htu, &self.jti] {
            hash.update(&(part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        let mut key = [0; 32];
        key.copy_from_slice(hash.finish().as_ref());
        key
    }

    /// Whether the proof is by the key that a token is bound to.
    pub fn is_by(&self, thumbprint: &str) -> bool {
        self.thumbprint
            .as_bytes()
            .ct_eq(thumbprint.as_bytes())
            .into()
    }
}

/// 7. "the jwk JOSE Header Parameter does not contain a private key".
fn header_key(proof: &Unverified<'_>, policy: &ProofPolicy<'_>) -> Result<Jwk, DpopError> {
    let jwk = proof.jwk().ok_or(DpopError::KeyMissing)?;
    // An RSA key rarely says its algorithm; the policy does, not the proof.
    let rsa = policy
        .algorithms
        .iter()
        .find(|algorithm| algorithm.is_rsa());
    Ok(match rsa {
        Some(rsa) => Jwk::from_json_assuming(jwk, *rsa)?,
        None => Jwk::from_json(jwk)?,
    })
}

/// 11. "within an acceptable time frame" (§11.1).
fn check_age(iat: Timestamp, policy: &ProofPolicy<'_>) -> Result<(), DpopError> {
    if iat > policy.now + policy.leeway.duration() {
        return Err(DpopError::FromTheFuture);
    }
    if iat + policy.window < policy.now {
        return Err(DpopError::TooOld);
    }
    Ok(())
}

/// 12. "the value of the ath claim equals the hash of that access token".
fn check_hash(found: Option<&str>, wanted: Option<&str>) -> Result<(), DpopError> {
    let Some(wanted) = wanted else { return Ok(()) };
    let found = found.ok_or(DpopError::HashMissing)?;
    if found.as_bytes().ct_eq(wanted.as_bytes()).into() {
        Ok(())
    } else {
        Err(DpopError::HashMismatch)
    }
}

/// Normalises a URI by syntax and scheme (RFC 3986 §6.2.2, §6.2.3), without query and fragment.
///
/// `None` when it is not an `http(s)` URI.
fn normalise(uri: &str) -> Option<String> {
    // The `url` crate repairs what browsers repair; a proof has to be right to begin with.
    if !uri
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'\\')
    {
        return None;
    }
    let mut url = Url::parse(uri).ok()?;
    if !matches!(url.scheme(), "https" | "http") || !url.username().is_empty() {
        return None;
    }
    if url.password().is_some() {
        return None;
    }
    url.set_query(None);
    url.set_fragment(None);
    let path = normalise_escapes(url.path())?;
    url.set_path(&path);
    Some(url.into())
}

/// Writes `%7e` as `~` and `%2f` as `%2F` (RFC 3986 §6.2.2.1, §6.2.2.2).
///
/// `None` when a `%` is not followed by two hexadecimal digits.
fn normalise_escapes(path: &str) -> Option<String> {
    let mut pieces = path.split('%');
    let mut out = pieces.next()?.to_owned();
    for piece in pieces {
        let (digits, rest) = piece.split_at_checked(2)?;
        let value = digits
            .chars()
            .try_fold(0, |sum, digit| Some(sum * 16 + digit.to_digit(16)?))?;
        match char::from_u32(value)? {
            byte if byte.is_ascii_alphanumeric() || "-._~".contains(byte) => out.push(byte),
            _ => out.extend(["%", &digits.to_ascii_uppercase()]),
        }
        out.push_str(rest);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
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
}
