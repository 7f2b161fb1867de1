//! A private key as a JSON Web Key, read only.
//!
//! RFC 7518 §6.2.2, §6.3.2: <https://www.rfc-editor.org/rfc/rfc7518#section-6.2.2>,
//! RFC 8037 §2: <https://www.rfc-editor.org/rfc/rfc8037#section-2>

use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeyPairComponents};
use aws_lc_rs::signature::{EcdsaKeyPair, Ed25519KeyPair, RsaPublicKeyComponents};
use serde::Deserialize;
use serde_json::Value;
use zeroize::Zeroizing;

use super::key_pair::{Pair, Scheme};
use super::material::point;
use super::{Algorithm, KeyError, base64url};

/// The members of a private JWK, borrowed: no copy of a private number is left in memory.
#[derive(Deserialize)]
pub(super) struct PrivateJwk<'a> {
    kty: &'a str,
    crv: Option<&'a str>,
    kid: Option<String>,
    alg: Option<&'a str>,
    x: Option<&'a str>,
    y: Option<&'a str>,
    n: Option<&'a str>,
    e: Option<&'a str>,
    d: Option<&'a str>,
    p: Option<&'a str>,
    q: Option<&'a str>,
    dp: Option<&'a str>,
    dq: Option<&'a str>,
    qi: Option<&'a str>,
}

impl PrivateJwk<'_> {
    /// The public members alone.
    pub(super) fn public(&self) -> Value {
        let members = [
            ("kty", Some(self.kty)),
            ("crv", self.crv),
            ("kid", self.kid.as_deref()),
            ("alg", self.alg),
            ("x", self.x),
            ("y", self.y),
            ("n", self.n),
            ("e", self.e),
        ];
        let present = |(name, value): (&str, Option<&str>)| Some((name.to_owned(), value?.into()));
        Value::Object(members.into_iter().filter_map(present).collect())
    }

    /// The key pair; the library checks that its parts belong together.
    pub(super) fn pair(&self, algorithm: Algorithm) -> Result<Pair, KeyError> {
        let d = secret_octets("d", self.d)?;
        let pair = match Scheme::of(algorithm) {
            Scheme::Ec(scheme) => {
                let public = point(&secret_octets("x", self.x)?, &secret_octets("y", self.y)?);
                // RFC 7518 §6.2.2.1: `d` has the length of the curve's order, as a coordinate has.
                if public.len() != 1 + 2 * d.len() {
                    return Err(KeyError::Malformed("d"));
                }
                EcdsaKeyPair::from_private_key_and_public_key(scheme, &d, &public).map(Pair::Ec)
            }
            Scheme::Ed25519 if d.len() != 32 => return Err(KeyError::Malformed("d")),
            Scheme::Ed25519 => {
                Ed25519KeyPair::from_seed_and_public_key(&d, &secret_octets("x", self.x)?)
                    .map(Pair::Ed25519)
            }
            Scheme::Rsa(_) => RsaKeyPair::from_components(&KeyPairComponents {
                public_key: RsaPublicKeyComponents {
                    n: secret_octets("n", self.n)?,
                    e: secret_octets("e", self.e)?,
                },
                d,
                p: secret_octets("p", self.p)?,
                q: secret_octets("q", self.q)?,
                dP: secret_octets("dp", self.dp)?,
                dQ: secret_octets("dq", self.dq)?,
                qInv: secret_octets("qi", self.qi)?,
            })
            .map(Pair::Rsa),
        };
        pair.map_err(|_| KeyError::Inconsistent)
    }
}

fn secret_octets(name: &'static str, member: Option<&str>) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let text = member.ok_or(KeyError::Missing(name))?;
    base64url::decode(text)
        .map(Zeroizing::new)
        .ok_or(KeyError::Malformed(name))
}
