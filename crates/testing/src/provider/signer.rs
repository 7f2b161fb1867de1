//! ID tokens and their key. One RSA key serves every double of a process: making one takes long.
#![expect(clippy::expect_used, reason = "a test harness fails by panicking")]

use std::sync::LazyLock;

use hallpass_protocol::Clock as _;
use hallpass_protocol::jose::{Algorithm, SigningKey, sign_jwt, typ};
use hallpass_protocol::time::SystemClock;
use serde_json::{Value, json};

static KEY: LazyLock<SigningKey> =
    LazyLock::new(|| SigningKey::generate(Algorithm::Rs256, "of-a-double").expect("an RSA key"));

/// The keys as they are published.
pub(super) fn jwks() -> Value {
    json!({"keys": [KEY.public_jwk_json()]})
}

/// An ID token; `more` adds to the claims or replaces them, an empty nonce is none.
pub(super) fn id_token((iss, sub, aud): (&str, &str, &str), nonce: &str, more: &Value) -> String {
    let now = SystemClock.now().unix_seconds();
    let mut claims = json!({"iss": iss, "sub": sub, "aud": aud, "iat": now, "exp": now + 3600});
    let members = claims.as_object_mut().expect("an object");
    if !nonce.is_empty() {
        members.insert("nonce".to_owned(), json!(nonce));
    }
    for (name, value) in more.as_object().into_iter().flatten() {
        members.insert(name.clone(), value.clone());
    }
    jwt(&claims)
}

/// A signed JWT.
pub(super) fn jwt(claims: &Value) -> String {
    sign_jwt(&KEY, typ::JWT, claims).expect("a key that signs")
}
