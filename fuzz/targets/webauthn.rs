//! What an authenticator and a browser send with a passkey: whatever it is, it is read or refused, and
//! no bytes are the answer to a challenge that nobody signed.
#![no_main]

use hallpass_issuer::factors::passkey::{
    Challenge, Creation, RelyingParty, UserVerification, register,
};
use hallpass_protocol::webauthn::{
    AttestationObject, AuthenticatorData, ClientData, CosePublicKey, cbor,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let whole = cbor::read(bytes);
    if let Ok((value, rest)) = cbor::read_first(bytes) {
        assert_eq!(whole.is_ok(), rest.is_empty());
        let first = bytes.strip_suffix(rest).expect("the rest is the end");
        assert_eq!(cbor::read(first), Ok(value));
    }
    if let Ok((key, rest)) = CosePublicKey::read_first(bytes) {
        assert_eq!([key.encoded(), rest].concat(), bytes);
        assert_eq!(CosePublicKey::read(key.encoded()), Ok(key.clone()));
        assert!(key.verify(b"message", rest).is_err());
    }
    let _ = ClientData::read(bytes);
    if let Ok(data) = AuthenticatorData::read(bytes) {
        assert!(bytes.len() >= 37);
        assert!(
            data.attested_credential_data
                .is_none_or(|made| made.credential_id.len() <= 1023)
        );
    }
    let object = AttestationObject::read(bytes);
    let there = RelyingParty {
        id: "id.test".to_owned(),
        origin: "https://id.test".to_owned(),
    };
    let creation = Creation {
        client_data_json: br#"{"type":"webauthn.create","challenge":"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc","origin":"https://id.test"}"#,
        attestation_object: bytes,
    };
    let challenge = Challenge::new([7; Challenge::LENGTH]);
    let made = register(&there, &challenge, UserVerification::Preferred, creation);
    assert!(object.is_ok() || made.is_err());
});
