//! The refresh token of the mock when a nonce was sent: an unsigned JWT around the real one, because
//! `keycloak-js` looks for the nonce in it.
//!
//! RFC 7519 §6: <https://www.rfc-editor.org/rfc/rfc7519#section-6>. Nothing here trusts what it says:
//! the real token is its `jti`, and it is checked like any other.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_protocol::Secret;
use serde::{Deserialize, Serialize};

/// `{"alg":"none"}`.
const HEADER: &str = "eyJhbGciOiJub25lIn0";

#[derive(Serialize, Deserialize)]
struct Claims<'a> {
    #[serde(borrow)]
    nonce: Cow<'a, str>,
    jti: Cow<'a, str>,
}

/// Wraps a refresh token.
pub(crate) fn wrap(token: &Secret<String>, nonce: &str) -> Secret<String> {
    let claims = Claims {
        nonce: nonce.into(),
        jti: token.expose().into(),
    };
    // Two strings always serialize.
    let claims = serde_json::to_vec(&claims).unwrap_or_default();
    Secret::new(format!("{HEADER}.{}.", URL_SAFE_NO_PAD.encode(claims)))
}

/// The refresh token inside one of [`wrap`]; any other text is the token itself.
pub(crate) fn unwrap(text: &Secret<String>) -> Cow<'_, Secret<String>> {
    read(text.expose()).map_or(Cow::Borrowed(text), Cow::Owned)
}

fn read(text: &str) -> Option<Secret<String>> {
    let claims = text
        .strip_prefix(HEADER)?
        .strip_prefix('.')?
        .strip_suffix('.')?;
    let claims = URL_SAFE_NO_PAD.decode(claims).ok()?;
    let claims: Claims<'_> = serde_json::from_slice(&claims).ok()?;
    Some(Secret::new(claims.jti.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrapped_comes_out_again() {
        let token = Secret::new("hpr_abc".to_owned());
        for nonce in ["n", "", "\"}\\é"] {
            let wrapped = wrap(&token, nonce);
            assert_eq!(wrapped.expose().split('.').count(), 3);
            assert_eq!(*unwrap(&wrapped), token, "{nonce}");
        }
        assert_eq!(*unwrap(&token), token);
    }

    #[test]
    fn what_is_no_such_jwt_stays_what_it_is() {
        for text in [
            "eyJhbGciOiJub25lIn0..",
            "eyJhbGciOiJub25lIn0.e30.",
            "eyJhbGciOiJub25lIn0.eyJub25jZSI6Im4iLCJqdGkiOiJ4In0.c2ln",
            "eyJhbGciOiJSUzI1NiJ9.eyJub25jZSI6Im4iLCJqdGkiOiJ4In0.",
            "",
        ] {
            let text = Secret::new(text.to_owned());
            assert_eq!(*unwrap(&text), text);
        }
    }
}
