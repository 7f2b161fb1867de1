//! The key of a session, and the proofs that it signs.
//!
//! RFC 9449 §4.2: <https://www.rfc-editor.org/rfc/rfc9449#section-4.2>; rows C-35, C-38.

use std::fmt;
use std::sync::{Arc, OnceLock};

use hallpass_protocol::dpop::{ProofRequest, prove};
use hallpass_protocol::jose::{Algorithm, SigningKey, base64url};
use hallpass_protocol::random::SystemRandom;
use hallpass_protocol::{Secret, Timestamp};
use url::Url;

use crate::error::{Error, ErrorKind};

/// What every server that knows DPoP is likely to take.
pub(super) const ALGORITHM: Algorithm = Algorithm::Es256;

/// The key of one session. It is kept with the session and leaves it in no other way.
#[derive(Clone)]
pub(crate) struct DpopKey(Arc<Kept>);

struct Kept {
    /// PKCS #8, base64url.
    stored: Secret<String>,
    /// Read when it signs: who only prints a token should not pay for it.
    read: OnceLock<SigningKey>,
}

/// What a bound token needs beside itself.
#[derive(Clone)]
pub(crate) struct Binding {
    pub(crate) key: DpopKey,
    /// How far the server's clock is ahead of ours, in milliseconds.
    pub(crate) ahead: i64,
}

impl DpopKey {
    /// Makes the key of a new session.
    pub(crate) fn generate() -> Result<Self, Error> {
        let failed = |error| Error::config("no key could be made for DPoP").caused_by(error);
        let key = SigningKey::generate(ALGORITHM, String::new()).map_err(failed)?;
        let der = key.to_pkcs8().map_err(failed)?;
        let stored = Secret::new(base64url::encode(der.expose()));
        Ok(Self(Arc::new(Kept {
            stored,
            read: OnceLock::from(key),
        })))
    }

    /// The key as a session has it.
    pub(crate) fn from_stored(stored: Secret<String>) -> Self {
        let read = OnceLock::new();
        Self(Arc::new(Kept { stored, read }))
    }

    /// The key for a session to keep.
    pub(crate) fn stored(&self) -> &Secret<String> {
        &self.0.stored
    }

    /// The thumbprint of its public half (RFC 7638): `dpop_jkt`, and `jkt` in a bound token.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Store`] when what was kept is no key.
    pub(crate) fn thumbprint(&self) -> Result<String, Error> {
        self.key().map(SigningKey::thumbprint)
    }

    /// Signs a proof; each has a `jti` of its own (row C-35).
    pub(crate) fn prove(&self, request: &ProofRequest<'_>) -> Result<Secret<String>, Error> {
        let proof = prove(self.key()?, request, &SystemRandom);
        proof
            .map(Secret::new)
            .map_err(|error| Error::config("the session's key could not sign").caused_by(error))
    }

    fn key(&self) -> Result<&SigningKey, Error> {
        if let Some(key) = self.0.read.get() {
            return Ok(key);
        }
        let damaged = || {
            Error::new(ErrorKind::Store, "the session's DPoP key is damaged")
                .hint_to("sign in again")
        };
        let der = base64url::decode(self.0.stored.expose()).map(Secret::new);
        let der = der.ok_or_else(damaged)?;
        let key = SigningKey::from_pkcs8(ALGORITHM, String::new(), der.expose());
        let key = key.map_err(|error| damaged().caused_by(error))?;
        Ok(self.0.read.get_or_init(|| key))
    }
}

impl fmt::Debug for DpopKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DpopKey")
    }
}

impl Binding {
    /// A proof for a request that carries the token (§7.1); `now` is this machine's time.
    pub(crate) fn prove(
        &self,
        (method, url): (&str, &Url),
        access_token: &str,
        nonce: Option<&str>,
        now: Timestamp,
    ) -> Result<Secret<String>, Error> {
        let now = now.unix_millis().saturating_add(self.ahead);
        self.key.prove(&ProofRequest {
            htm: method,
            htu: url,
            access_token: Some(access_token),
            nonce,
            now: Timestamp::from_unix_millis(now),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hallpass_protocol::dpop::{self, ProofPolicy};

    #[test]
    fn c_38_a_key_that_was_kept_signs_as_before_and_is_never_shown() {
        let key = DpopKey::generate().unwrap();
        let again = DpopKey::from_stored(key.stored().clone());
        assert_eq!(key.thumbprint().unwrap(), again.thumbprint().unwrap());
        assert_eq!(format!("{again:?}"), "DpopKey");

        let url = Url::parse("https://as.test/token?x=1").unwrap();
        let now = Timestamp::from_unix_seconds(1000);
        let request = ProofRequest {
            htm: "POST",
            htu: &url,
            access_token: None,
            nonce: Some("n"),
            now,
        };
        let proofs = [
            again.prove(&request).unwrap(),
            again.prove(&request).unwrap(),
        ];
        let checked = proofs.map(|proof| {
            dpop::check(proof.expose(), &ProofPolicy::new("POST", &url, now)).unwrap()
        });
        // Row C-35: no two proofs share a `jti`.
        assert_ne!(checked[0].jti, checked[1].jti);
        assert!(
            checked
                .iter()
                .all(|proof| proof.is_by(&key.thumbprint().unwrap()))
        );
        assert_eq!(checked[0].nonce.as_deref(), Some("n"));
    }

    #[test]
    fn c_38_a_damaged_key_is_an_error_of_the_store() {
        for stored in ["", "!", "AAAA"] {
            let error = DpopKey::from_stored(Secret::from(stored))
                .thumbprint()
                .unwrap_err();
            assert_eq!(error.kind(), &ErrorKind::Store, "{stored}");
        }
    }
}
