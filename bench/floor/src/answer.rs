//! What both floors answer.

use std::sync::atomic::{AtomicUsize, Ordering};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _,
    ParsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// As long as the server's answer with one EC key.
pub(crate) const JWKS: &str = r#"{"keys":[{"alg":"ES256","crv":"P-256","kid":"default","kty":"EC","use":"sig","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"#;
/// As long as the answer to a poll that comes before the person.
pub(crate) const PENDING: &str = r#"{"error":"authorization_pending","error_description":"nobody has decided yet: ask again later"}"#;

const HEADER: &[u8] = br#"{"kid":"default","typ":"JWT","alg":"ES256"}"#;
/// The claims of a token for a client, spelled out: writing them is not the framework's work.
const CLAIMS: &[u8] = br#"{"iss":"http://localhost:8080/default","sub":"bench","aud":"default","exp":1795224970,"iat":1795221370,"nbf":1795221370,"jti":"9f2c1a52-6d7e-4f0b-9a53-0f6f6c2f5d11","client_id":"bench","scope":"openid","tid":"default"}"#;

/// The key of the tokens, and what it signed: many signatures, since a processor learns the branches
/// of one by heart.
pub(crate) struct Key {
    pair: EcdsaKeyPair,
    public: ParsedPublicKey,
    signed: String,
    signatures: Vec<Vec<u8>>,
    checked: AtomicUsize,
}

const SIGNATURES: usize = 4096;

impl Key {
    pub(crate) fn generate() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
        let public = pair.public_key().as_ref();
        let public =
            ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, public).expect("its public half");
        let signed = signing_input();
        let signatures = (0..SIGNATURES).map(|_| sign(&pair, &signed)).collect();
        Self {
            pair,
            public,
            signed,
            signatures,
            checked: AtomicUsize::new(0),
        }
    }

    /// Checks one signature.
    pub(crate) fn verify(&self) -> bool {
        let message = self.signed.as_bytes();
        let turn = self.checked.fetch_add(1, Ordering::Relaxed) % SIGNATURES;
        let signature = &self.signatures[turn];
        self.public.verify_sig(message, signature).is_ok()
    }

    /// A token response with one signature.
    pub(crate) fn token_response(&self) -> String {
        let mut token = signing_input();
        let signature = sign(&self.pair, &token);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        format!(
            r#"{{"access_token":"{token}","token_type":"Bearer","expires_in":3600,"scope":""}}"#
        )
    }
}

fn signing_input() -> String {
    let mut token = String::with_capacity(600);
    URL_SAFE_NO_PAD.encode_string(HEADER, &mut token);
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(CLAIMS, &mut token);
    token
}

fn sign(pair: &EcdsaKeyPair, message: &str) -> Vec<u8> {
    let signature = pair.sign(&SystemRandom::new(), message.as_bytes());
    signature.expect("a signature").as_ref().to_vec()
}
