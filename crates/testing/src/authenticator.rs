//! A soft authenticator and the browser before it: makes passkeys, uses them, and says whatever a
//! test wants it to say.
//!
//! Only what the protocol crate does not write is here, so that `hallpass-issuer` can have the file
//! in its own tests, too.
#![allow(
    clippy::expect_used,
    reason = "a test harness fails by panicking; as a part of tests it may anyway"
)]

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
    RsaKeyPair,
};
use hallpass_protocol::jose::base64url;

/// UP: somebody touched it.
pub const USER_PRESENT: u8 = 1;
/// UV: it knows who did.
pub const USER_VERIFIED: u8 = 1 << 2;
/// BE: the passkey may be copied to other devices.
pub const BACKUP_ELIGIBLE: u8 = 1 << 3;
/// BS: it has been.
pub const BACKUP_STATE: u8 = 1 << 4;
/// AT: the passkey that was made is in the answer.
pub const ATTESTED: u8 = 1 << 6;
/// ED: extensions are in the answer.
pub const EXTENSIONS: u8 = 1 << 7;

/// The kinds of keys that passkeys have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `ES256`.
    Es256,
    /// `EdDSA`.
    EdDsa,
    /// `RS256`.
    Rs256,
}

/// One passkey.
#[derive(Debug)]
pub struct Authenticator {
    /// The id of the passkey.
    pub credential_id: Vec<u8>,
    /// The `COSE_Key`, as it goes into the answer.
    pub cose_key: Vec<u8>,
    key: Key,
}

#[derive(Debug)]
enum Key {
    Es256(EcdsaKeyPair),
    EdDsa(Ed25519KeyPair),
    Rs256(RsaKeyPair),
}

/// What an answer says, for a test to change.
#[derive(Clone, Debug)]
pub struct Said {
    /// `challenge`.
    pub challenge: Vec<u8>,
    /// `origin`.
    pub origin: String,
    /// Further members of the client data, each with a comma before it.
    pub more_client_data: String,
    /// `type`, if it is not the right one.
    pub ceremony: Option<&'static str>,
    /// What `rpIdHash` is made of.
    pub rp_id: String,
    /// The flags; a passkey that is made has [`ATTESTED`] besides.
    pub flags: u8,
    /// `signCount`.
    pub sign_count: u32,
    /// What follows in the authenticator data.
    pub extensions: Vec<u8>,
}

/// The answer to `navigator.credentials.create()`.
#[derive(Clone, Debug)]
pub struct Created {
    /// `clientDataJSON`.
    pub client_data_json: Vec<u8>,
    /// `attestationObject`.
    pub attestation_object: Vec<u8>,
}

/// The answer to `navigator.credentials.get()`.
#[derive(Clone, Debug)]
pub struct Got {
    /// `clientDataJSON`.
    pub client_data_json: Vec<u8>,
    /// `authenticatorData`.
    pub authenticator_data: Vec<u8>,
    /// `signature`.
    pub signature: Vec<u8>,
}

impl Said {
    /// What a person with a passkey of one device says who was verified.
    pub fn new(challenge: &[u8], (rp_id, origin): (&str, &str)) -> Self {
        Self {
            challenge: challenge.to_vec(),
            origin: origin.to_owned(),
            more_client_data: r#","crossOrigin":false"#.to_owned(),
            ceremony: None,
            rp_id: rp_id.to_owned(),
            flags: USER_PRESENT | USER_VERIFIED,
            sign_count: 0,
            extensions: Vec::new(),
        }
    }

    fn client_data_json(&self, ceremony: &str) -> Vec<u8> {
        let challenge = base64url::encode(&self.challenge);
        let Self {
            origin,
            more_client_data,
            ..
        } = self;
        let ceremony = self.ceremony.unwrap_or(ceremony);
        format!(r#"{{"type":"{ceremony}","challenge":"{challenge}","origin":"{origin}"{more_client_data}}}"#)
            .into_bytes()
    }

    fn authenticator_data(&self, more_flags: u8, attested: &[u8]) -> Vec<u8> {
        let rp_id_hash = digest(&SHA256, self.rp_id.as_bytes());
        let flags = [self.flags | more_flags];
        let sign_count = self.sign_count.to_be_bytes();
        let parts: [&[u8]; 5] = [
            rp_id_hash.as_ref(),
            &flags,
            &sign_count,
            attested,
            &self.extensions,
        ];
        parts.concat()
    }
}

impl Authenticator {
    /// A new passkey.
    ///
    /// # Panics
    ///
    /// When the machine has no randomness.
    pub fn new(kind: Kind) -> Self {
        let mut id = [0; 16];
        aws_lc_rs::rand::fill(&mut id).expect("randomness");
        let (key, cose_key) = match kind {
            Kind::Es256 => es256(),
            Kind::EdDsa => ed_dsa(),
            Kind::Rs256 => rs256(),
        };
        Self {
            credential_id: id.to_vec(),
            cose_key,
            key,
        }
    }

    /// Answers `navigator.credentials.create()` with an attestation of the format `none`.
    pub fn create(&self, said: &Said) -> Created {
        self.create_with(said, b"\x63fmt\x64none\x67attStmt\xa0")
    }

    /// The same with another statement: the CBOR of the members `fmt` and `attStmt`.
    pub fn create_with(&self, said: &Said, statement: &[u8]) -> Created {
        let data = said.authenticator_data(ATTESTED, &self.attested());
        let member = [b"\x68authData".as_slice(), &byte_string(&data)].concat();
        Created {
            client_data_json: said.client_data_json("webauthn.create"),
            attestation_object: [&[0xa3], statement, &member].concat(),
        }
    }

    /// Answers `navigator.credentials.get()`.
    ///
    /// # Panics
    ///
    /// When signing fails.
    pub fn get(&self, said: &Said) -> Got {
        let attested = if said.flags & ATTESTED == 0 {
            Vec::new()
        } else {
            self.attested()
        };
        let authenticator_data = said.authenticator_data(0, &attested);
        let client_data_json = said.client_data_json("webauthn.get");
        let hash = digest(&SHA256, &client_data_json);
        let signature = self.sign(&[&authenticator_data, hash.as_ref()].concat());
        Got {
            client_data_json,
            authenticator_data,
            signature,
        }
    }

    fn attested(&self) -> Vec<u8> {
        let length = u16::try_from(self.credential_id.len()).expect("a short id");
        let aaguid = [0xaa; 16];
        let parts: [&[u8]; 4] = [
            &aaguid,
            &length.to_be_bytes(),
            &self.credential_id,
            &self.cose_key,
        ];
        parts.concat()
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.key {
            Key::Es256(key) => {
                let made = key.sign(&random, message).expect("a signature");
                made.as_ref().to_vec()
            }
            Key::EdDsa(key) => key.sign(message).as_ref().to_vec(),
            Key::Rs256(key) => {
                let mut made = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, message, &mut made)
                    .expect("a signature");
                made
            }
        }
    }
}

/// A CBOR byte string of up to 65,535 bytes.
///
/// # Panics
///
/// When there are more.
pub fn byte_string(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).expect("a short string");
    let head = match u8::try_from(length) {
        Ok(length @ ..24) => vec![0x40 | length],
        Ok(length) => vec![0x58, length],
        Err(_) => [&[0x59], &length.to_be_bytes()[..]].concat(),
    };
    [&head, bytes].concat()
}

fn es256() -> (Key, Vec<u8>) {
    let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key");
    let (x, y) = key.public_key().as_ref().split_at(1).1.split_at(32);
    // {1: 2, 3: -7, -1: 1, -2: x, -3: y}
    let parts: [&[u8]; 5] = [
        &[0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21],
        &byte_string(x),
        &[0x22],
        &byte_string(y),
        &[],
    ];
    let encoded = parts.concat();
    (Key::Es256(key), encoded)
}

fn ed_dsa() -> (Key, Vec<u8>) {
    let key = Ed25519KeyPair::generate().expect("a key");
    // {1: 1, 3: -8, -1: 6, -2: x}
    let x = byte_string(key.public_key().as_ref());
    let encoded = [&[0xa4, 1, 1, 3, 0x27, 0x20, 6, 0x21], &x[..]].concat();
    (Key::EdDsa(key), encoded)
}

fn rs256() -> (Key, Vec<u8>) {
    let key = RsaKeyPair::generate(KeySize::Rsa2048).expect("a key");
    // `RSAPublicKey` of RFC 8017, A.1.1: heads, 256 bytes, a head, 3 bytes.
    let (_, numbers) = key.public_key().as_ref().split_at(9);
    let (n, rest) = numbers.split_at(256);
    let (_, e) = rest.split_at(2);
    // {1: 3, 3: -257, -1: n, -2: e}
    let parts: [&[u8]; 4] = [
        &[0xa4, 1, 3, 3, 0x39, 1, 0, 0x20],
        &byte_string(n),
        &[0x21],
        &byte_string(e),
    ];
    let encoded = parts.concat();
    (Key::Rs256(key), encoded)
}
