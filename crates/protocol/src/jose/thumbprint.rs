//! The thumbprint of a key: a name for it that nobody has to agree on.
//!
//! RFC 7638 §3: <https://www.rfc-editor.org/rfc/rfc7638#section-3>,
//! RFC 8037 §2 (OKP): <https://www.rfc-editor.org/rfc/rfc8037#section-2>

use aws_lc_rs::digest;

use super::base64url;
use super::material::Material;

/// Computes the SHA-256 thumbprint, base64url.
pub(super) fn thumbprint(key: &Material) -> String {
    base64url::encode(digest::digest(&digest::SHA256, canonical(key).as_bytes()))
}

/// Writes the hash input of §3: the required members only, in lexicographic order, no white space.
///
/// Every value is base64url or one of our own constants, so nothing needs escaping.
fn canonical(key: &Material) -> String {
    let b64 = |bytes: &Vec<u8>| base64url::encode(bytes);
    match key {
        Material::Ec { curve, x, y } => {
            let (crv, x, y) = (curve.name(), b64(x), b64(y));
            format!(r#"{{"crv":"{crv}","kty":"EC","x":"{x}","y":"{y}"}}"#)
        }
        Material::Okp { x } => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, b64(x)),
        Material::Rsa { n, e } => format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, b64(e), b64(n)),
    }
}
