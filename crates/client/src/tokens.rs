//! The tokens that callers see.
//!
//! RFC 6749 §1.4 and §5.1, RFC 6750 §2.1, RFC 8693 §2.2.1.

use std::fmt;
use std::time::Duration;

use hallpass_protocol::id_token::IdTokenClaims;
use hallpass_protocol::token::TokenResponse;
use hallpass_protocol::{Scopes, Secret, Timestamp};
use url::Url;

use crate::dpop::Binding;
use crate::error::Error;
use crate::fingerprint::sha256_hex;

/// An access token with what its holder must know. `Debug` shows a fingerprint only.
#[derive(Clone)]
pub struct AccessToken {
    token: Secret<String>,
    token_type: TokenType,
    expires_at: Option<Timestamp>,
    scope: Scopes,
    /// The key that the token is bound to.
    binding: Option<Binding>,
}

/// How a token is presented (RFC 6749 §7.1).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenType {
    /// RFC 6750.
    Bearer,
    /// `DPoP`: each request also needs a proof by the session's key (RFC 9449 §7.1).
    Dpop,
    /// `N_A`: the token is no access token and goes into no `Authorization` header
    /// (RFC 8693 §2.2.1).
    NotApplicable,
}

/// An ID token that passed every check, with its claims.
#[derive(Clone, Debug)]
pub struct IdToken {
    /// The token as it came, for an API that wants it. It names the user: treat it as a secret.
    pub token: Secret<String>,
    /// What it says.
    pub claims: IdTokenClaims,
}

impl AccessToken {
    pub(crate) fn new(
        token: Secret<String>,
        token_type: TokenType,
        expires_at: Option<Timestamp>,
        scope: Scopes,
    ) -> Self {
        Self {
            token,
            token_type,
            expires_at,
            scope,
            binding: None,
        }
    }

    /// The same token with the key that it is bound to.
    pub(crate) fn bound_by(mut self, binding: Option<Binding>) -> Self {
        self.binding = binding;
        self
    }

    /// The key whose proofs the token needs; none for a Bearer token.
    pub(crate) fn binding(&self) -> Option<&Binding> {
        self.binding
            .as_ref()
            .filter(|_| self.token_type == TokenType::Dpop)
    }

    /// The thumbprint of the key that the token is bound to (RFC 9449 §6.1); `None` for a token that
    /// everybody can use who has it.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Store`] when the session's key is damaged.
    pub fn dpop_jkt(&self) -> Result<Option<String>, Error> {
        let binding = self.binding();
        binding.map(|it| it.key.thumbprint()).transpose()
    }

    /// The proof for one request that carries this token, for the `DPoP` header (RFC 9449 §7.1); `None`
    /// for a token that needs none. `nonce` is the newest `DPoP-Nonce` of the API, `now` this machine's
    /// time. Each request needs a proof of its own, a retry too.
    ///
    /// # Errors
    ///
    /// As [`Self::dpop_jkt`].
    pub fn dpop_proof(
        &self,
        method: &str,
        url: &Url,
        nonce: Option<&str>,
        now: Timestamp,
    ) -> Result<Option<Secret<String>>, Error> {
        let binding = self.binding();
        let proof = binding.map(|it| it.prove((method, url), self.expose(), nonce, now));
        proof.transpose()
    }

    /// The token itself. What is done with it is the caller's care.
    pub fn expose(&self) -> &str {
        self.token.expose()
    }

    /// When it expires by this machine's clock; `None` when nobody said.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }

    /// How it is presented.
    pub fn token_type(&self) -> &TokenType {
        &self.token_type
    }

    /// What was granted.
    pub fn scope(&self) -> &Scopes {
        &self.scope
    }

    /// The value of the `Authorization` header (RFC 6750 §2.1, RFC 9449 §7.1).
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Config`] for a token of type `N_A`, which no API takes as a bearer token
    /// (row C-28).
    pub fn authorization_header(&self) -> Result<Secret<String>, Error> {
        match self.token_type {
            TokenType::Bearer => Ok(Secret::new(format!("Bearer {}", self.token.expose()))),
            TokenType::Dpop => Ok(Secret::new(format!("DPoP {}", self.token.expose()))),
            TokenType::NotApplicable => Err(Error::config(
                "the issued token is no access token (token_type N_A): it goes into no Authorization header",
            )
            .hint_to("ask the exchange for an access token")),
        }
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<tok:{}>", fingerprint(self.token.expose()))
    }
}

impl TokenType {
    /// The name as it travels.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Bearer => "Bearer",
            Self::Dpop => "DPoP",
            Self::NotApplicable => "N_A",
        }
    }

    /// RFC 6749 §5.1: "Value is case insensitive". A type that is not understood must not be used
    /// (§7.1).
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        if text.eq_ignore_ascii_case("bearer") {
            Ok(Self::Bearer)
        } else if text.eq_ignore_ascii_case("dpop") {
            Ok(Self::Dpop)
        } else if text.eq_ignore_ascii_case("n_a") {
            Ok(Self::NotApplicable)
        } else {
            let shown = crate::clean::text(text);
            Err(Error::protocol(format!(
                "the server issued a token of the unknown type `{shown}`"
            ))
            .hint_to("the server must issue Bearer or DPoP tokens to this client"))
        }
    }
}

/// Four digits by which two tokens can be told apart in a log.
fn fingerprint(token: &str) -> String {
    let mut hash = sha256_hex(token.as_bytes());
    hash.truncate(4);
    hash
}

/// How long a token lives: as the server said, or as the token itself says when it is a JWT.
///
/// The expiry of a JWT is only looked at to plan a refresh, never believed (RFC 9068 §6, row C-42).
pub(crate) fn lifetime(response: &TokenResponse, server_now: Timestamp) -> Option<Duration> {
    // Row Q-41: 0 is no lifetime.
    let said = response.expires_in.filter(|seconds| *seconds > 0);
    said.map(Duration::from_secs)
        .or_else(|| jwt_expiry(response.access_token.expose()).map(|exp| exp.since(server_now)))
}

fn jwt_expiry(token: &str) -> Option<Timestamp> {
    #[derive(serde::Deserialize)]
    struct Expiry {
        exp: f64,
    }
    let mut parts = token.split('.');
    let (_, payload, _, None) = (parts.next()?, parts.next()?, parts.next()?, parts.next()) else {
        return None;
    };
    let payload = hallpass_protocol::jose::base64url::decode(payload)?;
    let Expiry { exp } = serde_json::from_slice(&payload).ok()?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a cast from float saturates"
    )]
    let seconds = exp as i64;
    Some(Timestamp::from_unix_seconds(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(token_type: TokenType) -> AccessToken {
        AccessToken::new(Secret::from("canary"), token_type, None, Scopes::default())
    }

    #[test]
    fn c_49_debug_shows_a_fingerprint_only() {
        let shown = format!("{:?}", token(TokenType::Bearer));
        assert!(
            shown.starts_with("<tok:") && !shown.contains("canary"),
            "{shown}"
        );
    }

    #[test]
    fn c_28_a_token_of_type_n_a_goes_into_no_header() {
        assert!(
            token(TokenType::NotApplicable)
                .authorization_header()
                .is_err()
        );
        let header = token(TokenType::Bearer).authorization_header().unwrap();
        assert_eq!(header.expose(), "Bearer canary");
    }

    #[test]
    fn c_43_the_type_has_no_case() {
        assert_eq!(TokenType::parse("bEaReR").unwrap(), TokenType::Bearer);
        assert_eq!(TokenType::parse("dpop").unwrap(), TokenType::Dpop);
        assert!(TokenType::parse("mac").is_err());
    }

    #[test]
    fn c_26_without_expires_in_a_jwt_tells_its_own_end() {
        let payload = hallpass_protocol::jose::base64url::encode(r#"{"exp":1300}"#);
        let read = |token: &str| {
            let body = format!(r#"{{"access_token":"{token}","expires_in":0}}"#);
            let response = TokenResponse::from_json(body.as_bytes()).unwrap();
            lifetime(&response, Timestamp::from_unix_seconds(1000))
        };
        assert_eq!(
            read(&format!("e30.{payload}.x")),
            Some(Duration::from_mins(5))
        );
        for opaque in ["opaque", "a.b.c", "a.b", "a.b.c.d"] {
            assert_eq!(read(opaque), None, "{opaque}");
        }
    }
}
