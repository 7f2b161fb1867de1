//! A private key in PEM, read only: what `openssl genpkey`, `openssl ecparam` and `openssl genrsa` write.
//!
//! RFC 7468 §3 and §10: <https://www.rfc-editor.org/rfc/rfc7468#section-10>, RFC 5958 (PKCS #8),
//! RFC 5915 §4 (`EC PRIVATE KEY`), RFC 8017 §A.1.2 (`RSA PRIVATE KEY`).

use aws_lc_rs::rsa::KeyPair as RsaKeyPair;
use aws_lc_rs::signature::{EcdsaKeyPair, Ed25519KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::key_pair::{Pair, Scheme};
use super::{Algorithm, KeyError};

/// What a label says of the bytes below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Pkcs8,
    Sec1,
    Pkcs1,
}

/// The key pair of the first private key in the text, and what it signs with.
pub(super) fn read(text: &str, rsa: Algorithm) -> Result<(Algorithm, Pair), KeyError> {
    let (form, der) = private_key(text)?;
    let curves = [Algorithm::Es256, Algorithm::Es384];
    let ec = || {
        curves.into_iter().find_map(|algorithm| {
            let Scheme::Ec(scheme) = Scheme::of(algorithm) else {
                return None;
            };
            let pair = EcdsaKeyPair::from_private_key_der(scheme, &der).ok()?;
            Some((algorithm, Pair::Ec(pair)))
        })
    };
    let ed25519 = || {
        let pair = Ed25519KeyPair::from_pkcs8(&der).ok()?;
        Some((Algorithm::EdDsa, Pair::Ed25519(pair)))
    };
    let found = match form {
        Form::Sec1 => ec(),
        Form::Pkcs1 => RsaKeyPair::from_der(&der)
            .ok()
            .map(|pair| (rsa, Pair::Rsa(pair))),
        Form::Pkcs8 => ec().or_else(ed25519).or_else(|| {
            let pair = RsaKeyPair::from_pkcs8(&der).ok()?;
            Some((rsa, Pair::Rsa(pair)))
        }),
    };
    found.ok_or(KeyError::Pkcs8)
}

/// The first private key among whatever stands in the text: curve parameters and certificates are
/// often in the same file.
fn private_key(text: &str) -> Result<(Form, Zeroizing<Vec<u8>>), KeyError> {
    let mut lines = text.lines().map(str::trim);
    while let Some(line) = lines.next() {
        let label = line
            .strip_prefix("-----BEGIN ")
            .and_then(|rest| rest.strip_suffix("-----"));
        let form = match label {
            Some("PRIVATE KEY") => Form::Pkcs8,
            Some("EC PRIVATE KEY") => Form::Sec1,
            Some("RSA PRIVATE KEY") => Form::Pkcs1,
            Some("ENCRYPTED PRIVATE KEY") => return Err(KeyError::Encrypted),
            Some(_) | None => continue,
        };
        let end = format!("-----END {}-----", label.unwrap_or_default());
        let mut body = Zeroizing::new(String::with_capacity(text.len()));
        for line in lines.by_ref() {
            if line == end {
                let der = STANDARD
                    .decode(body.as_bytes())
                    .map_err(|_| KeyError::Pem)?;
                return Ok((form, Zeroizing::new(der)));
            }
            // RFC 1421 §4.6.1.1: the old way to encrypt says so in a header of the body.
            if line.starts_with("Proc-Type:") && line.contains("ENCRYPTED") {
                return Err(KeyError::Encrypted);
            }
            body.push_str(line);
        }
    }
    Err(KeyError::Pem)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::SigningKey;

    macro_rules! pem {
        ($name:literal) => {
            include_str!(concat!("../../tests/vectors/private_keys/", $name, ".pem"))
        };
    }

    fn read(text: &str) -> Result<SigningKey, KeyError> {
        SigningKey::from_pem(text, Algorithm::Ps256)
    }

    #[test]
    fn every_form_that_openssl_writes_is_read_and_signs() {
        for (text, algorithm) in [
            (pem!("ec_sec1"), Algorithm::Es256),
            (pem!("ec_pkcs8"), Algorithm::Es256),
            (pem!("p384_sec1"), Algorithm::Es384),
            (pem!("ed25519_pkcs8"), Algorithm::EdDsa),
            (pem!("rsa_pkcs1"), Algorithm::Ps256),
            (pem!("rsa_pkcs8"), Algorithm::Ps256),
        ] {
            let key = read(text).unwrap();
            assert_eq!(key.algorithm(), algorithm);
            assert_eq!(key.kid(), key.thumbprint());
            let signature = key.sign(b"message").unwrap();
            let public = key.public_jwk();
            assert_eq!(public.verify(algorithm, b"message", &signature), Ok(()));
        }
        for (one, other) in [
            (pem!("ec_sec1"), pem!("ec_pkcs8")),
            (pem!("rsa_pkcs1"), pem!("rsa_pkcs8")),
        ] {
            let thumbprint = |text| read(text).unwrap().thumbprint();
            assert_eq!(thumbprint(one), thumbprint(other));
        }
    }

    #[test]
    fn white_space_and_what_else_stands_in_the_file_do_not_matter() {
        let text = pem!("ec_sec1").replace('\n', "  \r\n");
        assert!(read(&format!("subject=CN=robot\n{text}\ntrailer")).is_ok());
    }

    #[test]
    fn what_cannot_be_used_is_refused_for_its_reason() {
        let cut = pem!("ec_sec1").replace("-----END EC PRIVATE KEY-----", "");
        let garbled = pem!("ec_sec1").replace("MHcC", "MH*C");
        let relabelled = pem!("ed25519_pkcs8").replace("PRIVATE KEY", "PUBLIC KEY");
        for (text, reason) in [
            ("", KeyError::Pem),
            ("-----BEGIN PRIVATE KEY-----", KeyError::Pem),
            (&cut, KeyError::Pem),
            (&garbled, KeyError::Pem),
            (&relabelled, KeyError::Pem),
            (pem!("ec_encrypted_pkcs8"), KeyError::Encrypted),
            (pem!("ec_encrypted_rfc1421"), KeyError::Encrypted),
            (pem!("secp256k1_sec1"), KeyError::Pkcs8),
        ] {
            assert_eq!(read(text).err(), Some(reason), "{text}");
        }
        // RFC 7518 §3.3: 2048 bits or more.
        assert!(read(pem!("rsa_1024_pkcs8")).is_err());
    }
}
