//! JWT access tokens: their claims, and how a resource checks one.
//!
//! RFC 9068 §2.2, §4: <https://www.rfc-editor.org/rfc/rfc9068#section-2.2>,
//! RFC 7800 §3.1 (`cnf`): <https://www.rfc-editor.org/rfc/rfc7800#section-3.1>,
//! RFC 9449 §6.1 (`jkt`): <https://www.rfc-editor.org/rfc/rfc9449#section-6.1>
//!
//! A client never reads these: to it an access token is opaque (§6, row C-42).

use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::jose::jwt::{self, Audience, Leeway, TimeError, Times};
use crate::jose::{Algorithm, JwkSet, JwsError, TypRule, Unverified, numeric_date, typ};
use crate::scope::Scopes;
use crate::time::Timestamp;

/// The claims of an access token, RFC 9068 §2.2.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AccessTokenClaims {
    /// The issuer's identifier.
    pub iss: String,
    /// The user, or the client itself when no user is involved.
    pub sub: String,
    /// The resources that the token is for.
    pub aud: Audience,
    /// Expiration time.
    #[serde(with = "numeric_date")]
    pub exp: Timestamp,
    /// Issued at.
    #[serde(with = "numeric_date")]
    pub iat: Timestamp,
    /// Not before.
    #[serde(
        default,
        with = "numeric_date::option",
        skip_serializing_if = "Option::is_none"
    )]
    pub nbf: Option<Timestamp>,
    /// JWT id.
    pub jti: String,
    /// The client that asked for the token.
    pub client_id: String,
    /// What the token may be used for; absent when no scope was asked.
    #[serde(default, skip_serializing_if = "Scopes::is_empty")]
    pub scope: Scopes,
    /// The id of the authorization that the token hangs from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// When the user signed in (§2.2.1).
    #[serde(
        default,
        with = "numeric_date::option",
        skip_serializing_if = "Option::is_none"
    )]
    pub auth_time: Option<Timestamp>,
    /// How strong the sign-in was (§2.2.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// How the user signed in (§2.2.1, RFC 8176).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    /// The key that the token is bound to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cnf: Option<Confirmation>,
    /// Every other claim. A claim that has a field above is not written from here.
    #[serde(flatten, serialize_with = "serialize_extra")]
    pub extra: Map<String, Value>,
}

/// The `cnf` claim: who may use the token.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmation {
    /// The thumbprint of the DPoP key, RFC 9449 §6.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jkt: Option<String>,
    /// Confirmation methods that this code does not know; a token that has only these cannot be
    /// used here.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// What a resource demands of an access token.
#[derive(Clone, Copy, Debug)]
pub struct AccessTokenPolicy<'a> {
    /// The authorization server that the resource trusts.
    pub issuer: &'a str,
    /// The resource's own identifier.
    pub audience: &'a str,
    /// The algorithms that are allowed.
    pub algorithms: &'a [Algorithm],
    /// The time of the check.
    pub now: Timestamp,
    /// How far the issuer's clock may differ.
    pub leeway: Leeway,
}

/// Why an access token was refused: `invalid_token` to the caller (RFC 9068 §4).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccessTokenError {
    /// It is no acceptable signed access token of this issuer.
    #[error(transparent)]
    Jws(#[from] JwsError),
    /// `iss` is another issuer.
    #[error("the access token is from another issuer")]
    Issuer,
    /// `aud` does not name the resource.
    #[error("the access token is for another resource")]
    Audience,
    /// `exp`, `nbf` or `iat` forbid it.
    #[error(transparent)]
    Time(#[from] TimeError),
}

impl<'a> AccessTokenPolicy<'a> {
    /// Every algorithm of ours and the usual leeway.
    pub fn new(issuer: &'a str, audience: &'a str, now: Timestamp) -> Self {
        let leeway = Leeway::default();
        Self {
            issuer,
            audience,
            algorithms: &Algorithm::ALL,
            now,
            leeway,
        }
    }
}

impl AccessTokenClaims {
    /// How the token is sent: a bound one with a proof of its key (RFC 9449 §5, §6.2).
    pub fn token_type(&self) -> &'static str {
        let jkt = self.cnf.as_ref().and_then(|cnf| cnf.jkt.as_ref());
        if jkt.is_some() { "DPoP" } else { "Bearer" }
    }
}

/// Checks an access token by the steps of RFC 9068 §4.
///
/// A token with `cnf` still needs its proof: see [`AccessTokenClaims::dpop_thumbprint`].
pub fn verify(
    compact: &str,
    keys: &JwkSet,
    policy: &AccessTokenPolicy<'_>,
) -> Result<AccessTokenClaims, AccessTokenError> {
    // "MUST verify that the "typ" header value is "at+jwt" or "application/at+jwt"", and the
    // signature, with an algorithm that is never `none`.
    let jws = Unverified::parse(compact)?.verify(
        keys,
        policy.algorithms,
        TypRule::Exactly(typ::ACCESS_TOKEN),
    )?;
    let claims: AccessTokenClaims = jws.claims()?;
    // "MUST exactly match the value of the "iss" claim".
    if claims.iss != policy.issuer {
        return Err(AccessTokenError::Issuer);
    }
    // "MUST validate that the "aud" claim contains a resource indicator value corresponding to an
    // identifier the resource server expects for itself".
    if !claims.aud.contains(policy.audience) {
        return Err(AccessTokenError::Audience);
    }
    // "The current time MUST be before the time represented by the "exp" claim".
    Times {
        exp: Some(claims.exp),
        nbf: claims.nbf,
        iat: Some(claims.iat),
    }
    .check(policy.now, policy.leeway)?;
    Ok(claims)
}

impl AccessTokenClaims {
    /// The thumbprint of the DPoP key that the token is bound to, when it is.
    pub fn dpop_thumbprint(&self) -> Option<&str> {
        self.cnf.as_ref()?.jkt.as_deref()
    }
}

impl Confirmation {
    /// Binds to a DPoP key.
    pub fn dpop(thumbprint: impl Into<String>) -> Self {
        Self {
            jkt: Some(thumbprint.into()),
            other: Map::new(),
        }
    }
}

fn serialize_extra<S: Serializer>(
    extra: &Map<String, Value>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    jwt::serialize_extra(extra, &OWN_CLAIMS, serializer)
}

const OWN_CLAIMS: [&str; 14] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "iat",
    "nbf",
    "jti",
    "client_id",
    "scope",
    "sid",
    "auth_time",
    "acr",
    "amr",
    "cnf",
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::jose::forge::{forge, key, set_of};
    use crate::jose::sign_jwt;

    const ISSUER: &str = "https://id.example";
    const API: &str = "https://api.example";
    const NOW: i64 = 1_700_000_000;

    fn policy() -> AccessTokenPolicy<'static> {
        AccessTokenPolicy::new(ISSUER, API, Timestamp::from_unix_seconds(NOW))
    }

    fn good() -> Value {
        json!({
            "iss": ISSUER, "sub": "ada", "aud": API, "exp": NOW + 600, "iat": NOW, "nbf": NOW,
            "jti": "t1", "client_id": "cli", "scope": "openid api:read", "sid": "a1",
            "auth_time": NOW - 30, "acr": "pwd", "amr": ["pwd"], "cnf": { "jkt": "thumb" },
        })
    }

    fn with(name: &str, value: Value) -> Value {
        let mut claims = good();
        claims[name] = value;
        claims
    }

    fn check(claims: &Value) -> Result<AccessTokenClaims, AccessTokenError> {
        let key = key();
        let token = sign_jwt(&key, typ::ACCESS_TOKEN, claims).unwrap();
        verify(&token, &set_of(&key), &policy())
    }

    #[test]
    fn s_196_what_is_minted_reads_back() {
        let claims = check(&good()).unwrap();
        assert_eq!(serde_json::to_value(&claims).unwrap(), good());
        assert!(claims.extra.is_empty());
        assert_eq!(claims.dpop_thumbprint(), Some("thumb"));
        assert_eq!(claims.scope.to_string(), "openid api:read");
    }

    #[test]
    fn s_196_an_extra_claim_never_replaces_one_of_ours() {
        let mut claims: AccessTokenClaims = serde_json::from_value(good()).unwrap();
        for name in OWN_CLAIMS {
            claims.extra.insert(name.to_owned(), json!("made up"));
        }
        claims.extra.insert("tenant".to_owned(), json!("blue"));
        assert_eq!(
            serde_json::to_value(&claims).unwrap(),
            with("tenant", json!("blue"))
        );
    }

    #[test]
    fn s_198_another_issuer_or_resource_is_refused() {
        let answer = check(&with("iss", json!("https://id.example/")));
        assert_eq!(answer, Err(AccessTokenError::Issuer));
        for aud in [
            json!("https://other.example"),
            json!([]),
            json!("https://api.example/"),
        ] {
            assert_eq!(check(&with("aud", aud)), Err(AccessTokenError::Audience));
        }
        assert!(check(&with("aud", json!(["https://other.example", API]))).is_ok());
    }

    #[test]
    fn s_198_an_id_token_is_no_access_token() {
        let key = key();
        for kind in [typ::JWT, typ::DPOP, typ::LOGOUT] {
            let token = sign_jwt(&key, kind, &good()).unwrap();
            let answer = verify(&token, &set_of(&key), &policy());
            assert_eq!(answer, Err(JwsError::WrongType.into()), "{kind}");
        }
        let untyped = forge(&key, r#"{"alg":"ES256","kid":"k1"}"#, &good().to_string());
        let answer = verify(&untyped, &set_of(&key), &policy());
        assert_eq!(answer, Err(JwsError::WrongType.into()));
    }

    #[test]
    fn s_198_times_are_checked() {
        for (name, time, reason) in [
            ("exp", NOW - 11, TimeError::Expired),
            ("nbf", NOW + 11, TimeError::NotYetValid),
            ("iat", NOW + 61, TimeError::IssuedInFuture),
        ] {
            assert_eq!(check(&with(name, json!(time))), Err(reason.into()));
        }
    }

    #[test]
    fn s_196_required_claims_must_be_there() {
        for name in ["iss", "sub", "aud", "exp", "iat", "jti", "client_id"] {
            let mut claims = good();
            claims.as_object_mut().unwrap().remove(name);
            let answer = check(&claims);
            assert!(
                matches!(answer, Err(AccessTokenError::Jws(JwsError::Claims(_)))),
                "{name}"
            );
        }
    }

    #[test]
    fn s_105_a_binding_is_written_as_cnf_jkt() {
        let cnf = serde_json::to_value(Confirmation::dpop("thumb")).unwrap();
        assert_eq!(cnf, json!({ "jkt": "thumb" }));
    }
}
