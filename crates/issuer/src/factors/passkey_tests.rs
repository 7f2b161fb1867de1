//! Every check of a ceremony, made false one at a time (row A-80), and the specification's own
//! examples.

use hallpass_protocol::webauthn::cbor::CborError;
use hallpass_protocol::webauthn::cose_key::CoseKeyError;
use proptest::prelude::*;
use serde_json::Value;

use super::*;

#[path = "../../../testing/src/authenticator.rs"]
#[expect(unreachable_pub, reason = "the file is of another crate")]
mod authenticator;

use authenticator::{
    Authenticator, BACKUP_ELIGIBLE, BACKUP_STATE, Created, EXTENSIONS, Got, Kind, Said,
    USER_PRESENT, USER_VERIFIED, byte_string,
};

/// WebAuthn Level 3, section 16: examples of registrations and of the uses that follow.
const VECTORS: &str = include_str!("../../tests/vectors/webauthn.json");

const HANDLE: &[u8] = b"ada";
const CHALLENGE: Challenge = Challenge([7; 32]);

fn here() -> RelyingParty {
    RelyingParty::at(&Url::parse("https://id.example/").unwrap()).unwrap()
}

fn said() -> Said {
    Said::new(&CHALLENGE.0, ("id.example", "https://id.example"))
}

fn register_with(
    verification: UserVerification,
    created: &Created,
) -> Result<Passkey, PasskeyRefusal> {
    let creation = Creation {
        client_data_json: &created.client_data_json,
        attestation_object: &created.attestation_object,
    };
    register(&here(), &CHALLENGE, verification, creation)
}

fn make(key: &Authenticator, said: &Said) -> Result<Passkey, PasskeyRefusal> {
    register_with(UserVerification::Required, &key.create(said))
}

fn assertion<'a>(passkey: &'a Passkey, got: &'a Got) -> Assertion<'a> {
    Assertion {
        credential_id: &passkey.credential_id,
        client_data_json: &got.client_data_json,
        authenticator_data: &got.authenticator_data,
        signature: &got.signature,
        user_handle: Some(HANDLE),
    }
}

fn judge(passkey: &Passkey, assertion: Assertion<'_>) -> Result<Used, PasskeyRefusal> {
    let owner = Owner {
        user_handle: HANDLE,
        is_discovered: true,
    };
    let asked = (&here(), &CHALLENGE);
    authenticate(
        (passkey, owner),
        asked,
        UserVerification::Required,
        assertion,
    )
}

fn sign_in(
    key: &Authenticator,
    passkey: &Passkey,
    change: impl FnOnce(&mut Said),
) -> Result<Used, PasskeyRefusal> {
    let mut said = said();
    change(&mut said);
    judge(passkey, assertion(passkey, &key.get(&said)))
}

fn passkey() -> (Authenticator, Passkey) {
    let key = Authenticator::new(Kind::Es256);
    let passkey = make(&key, &said()).unwrap();
    (key, passkey)
}

#[test]
fn a_passkey_of_every_kind_is_made_and_used() {
    for kind in [Kind::Es256, Kind::EdDsa, Kind::Rs256] {
        let key = Authenticator::new(kind);
        let passkey = make(&key, &said()).unwrap();
        assert_eq!(passkey.credential_id, key.credential_id);
        assert_eq!(passkey.public_key.encoded(), key.cose_key);
        assert!(passkey.uv_initialized && !passkey.backup_eligible && !passkey.backup_state);
        let read = CosePublicKey::read(passkey.public_key.encoded());
        assert_eq!(read.as_ref(), Ok(&passkey.public_key));
        let used = sign_in(&key, &passkey, |_| {}).unwrap();
        assert!(used.user_verified);
        assert_eq!(used.passkey, passkey);
        let other = Authenticator::new(kind);
        let forged = sign_in(&other, &passkey, |_| {});
        assert_eq!(forged, Err(PasskeyRefusal::BadSignature), "{kind:?}");
    }
}

type Change = fn(&mut Said);

/// What is refused of a new passkey and of its use alike.
const BOTH: [(Change, PasskeyRefusal); 14] = [
    (
        |said| said.ceremony = Some("webauthn.other"),
        PasskeyRefusal::OtherCeremony,
    ),
    (
        |said| said.challenge[31] ^= 1,
        PasskeyRefusal::OtherChallenge,
    ),
    (
        |said| said.challenge.push(7),
        PasskeyRefusal::OtherChallenge,
    ),
    (
        |said| said.challenge.clear(),
        PasskeyRefusal::OtherChallenge,
    ),
    (
        |said| said.origin = "https://evil.example".to_owned(),
        PasskeyRefusal::OtherOrigin,
    ),
    (
        |said| said.origin = "https://id.example:8443".to_owned(),
        PasskeyRefusal::OtherOrigin,
    ),
    (
        |said| said.origin = "http://id.example".to_owned(),
        PasskeyRefusal::OtherOrigin,
    ),
    (
        |said| said.origin = "https://login.id.example".to_owned(),
        PasskeyRefusal::OtherOrigin,
    ),
    (
        |said| said.more_client_data = r#","crossOrigin":true"#.to_owned(),
        PasskeyRefusal::CrossOrigin,
    ),
    (
        |said| said.more_client_data = r#","topOrigin":"https://id.example""#.to_owned(),
        PasskeyRefusal::CrossOrigin,
    ),
    (
        |said| said.rp_id = "example".to_owned(),
        PasskeyRefusal::OtherRelyingParty,
    ),
    (
        |said| said.flags &= !USER_PRESENT,
        PasskeyRefusal::UserNotPresent,
    ),
    (
        |said| said.flags &= !USER_VERIFIED,
        PasskeyRefusal::UserNotVerified,
    ),
    (
        |said| said.flags |= BACKUP_STATE,
        PasskeyRefusal::BackedUpButNotEligible,
    ),
];

#[test]
fn a_80_each_check_refuses_a_new_passkey() {
    let key = Authenticator::new(Kind::Es256);
    for (change, reason) in BOTH {
        let mut changed = said();
        change(&mut changed);
        assert_eq!(make(&key, &changed), Err(reason));
    }
    // The answer to another ceremony.
    let mut said = said();
    said.ceremony = Some(ClientData::GET);
    assert_eq!(make(&key, &said), Err(PasskeyRefusal::OtherCeremony));
    let got = key.get(&self::said());
    let creation = Creation {
        client_data_json: &got.client_data_json,
        attestation_object: &got.authenticator_data,
    };
    let refused = register(&here(), &CHALLENGE, UserVerification::Required, creation);
    assert_eq!(refused, Err(PasskeyRefusal::OtherCeremony));
}

#[test]
fn a_80_each_check_refuses_an_assertion() {
    let (key, passkey) = passkey();
    for (change, reason) in BOTH {
        assert_eq!(sign_in(&key, &passkey, change), Err(reason));
    }
    let create = sign_in(&key, &passkey, |said| {
        said.ceremony = Some(ClientData::CREATE);
    });
    assert_eq!(create, Err(PasskeyRefusal::OtherCeremony));
    let attested = sign_in(&key, &passkey, |said| said.flags |= authenticator::ATTESTED);
    assert_eq!(attested, Err(PasskeyRefusal::AttestedCredential));
}

#[test]
fn a_80_an_assertion_is_of_this_passkey_and_this_person() {
    let (key, passkey) = passkey();
    let got = key.get(&said());
    let good = assertion(&passkey, &got);
    assert!(judge(&passkey, good).is_ok());
    let other = Assertion {
        credential_id: &[1],
        ..good
    };
    assert_eq!(judge(&passkey, other), Err(PasskeyRefusal::OtherCredential));
    for user_handle in [Some(&b"eve"[..]), Some(b""), None] {
        let other = Assertion {
            user_handle,
            ..good
        };
        assert_eq!(judge(&passkey, other), Err(PasskeyRefusal::OtherUser));
    }
    // Known before: a security key may say nothing, but nothing wrong.
    let known = Owner {
        user_handle: HANDLE,
        is_discovered: false,
    };
    for (user_handle, refusal) in [
        (None, None),
        (Some(HANDLE), None),
        (Some(&b"eve"[..]), Some(PasskeyRefusal::OtherUser)),
    ] {
        let answer = Assertion {
            user_handle,
            ..good
        };
        let judged = authenticate(
            (&passkey, known),
            (&here(), &CHALLENGE),
            UserVerification::Required,
            answer,
        );
        assert_eq!(judged.err(), refusal, "{user_handle:?}");
    }
}

#[test]
fn a_80_no_changed_byte_of_an_assertion_is_accepted() {
    let (key, passkey) = passkey();
    let got = key.get(&said());
    for at in 0..got.authenticator_data.len() {
        let mut changed = got.clone();
        changed.authenticator_data[at] ^= 1;
        assert!(
            judge(&passkey, assertion(&passkey, &changed)).is_err(),
            "{at}"
        );
    }
    for at in 0..got.client_data_json.len() {
        let mut changed = got.clone();
        changed.client_data_json[at] ^= 1;
        assert!(
            judge(&passkey, assertion(&passkey, &changed)).is_err(),
            "{at}"
        );
    }
    for at in 0..got.signature.len() {
        let mut changed = got.clone();
        changed.signature[at] ^= 1;
        assert!(
            judge(&passkey, assertion(&passkey, &changed)).is_err(),
            "{at}"
        );
    }
    let mut longer = got.clone();
    longer.authenticator_data.push(0);
    assert_eq!(
        judge(&passkey, assertion(&passkey, &longer)),
        Err(AuthenticatorDataError::TrailingBytes.into())
    );
    for length in 0..got.authenticator_data.len() {
        let mut shorter = got.clone();
        shorter.authenticator_data.truncate(length);
        assert_eq!(
            judge(&passkey, assertion(&passkey, &shorter)),
            Err(AuthenticatorDataError::Truncated.into())
        );
    }
}

#[test]
fn a_80_a_counter_only_goes_up() {
    let (key, mut passkey) = passkey();
    for (kept, counted, expected) in [
        (0, 0, Ok(0)),
        (0, 1, Ok(1)),
        (5, 6, Ok(6)),
        (5, u32::MAX, Ok(u32::MAX)),
        (5, 5, Err(PasskeyRefusal::CounterWentBack)),
        (5, 4, Err(PasskeyRefusal::CounterWentBack)),
        (5, 0, Err(PasskeyRefusal::CounterWentBack)),
        (u32::MAX, 0, Err(PasskeyRefusal::CounterWentBack)),
    ] {
        passkey.sign_count = kept;
        let used = sign_in(&key, &passkey, |said| said.sign_count = counted);
        assert_eq!(
            used.map(|used| used.passkey.sign_count),
            expected,
            "{kept} {counted}"
        );
    }
}

#[test]
fn a_80_backup_eligibility_never_changes_and_backup_state_may() {
    let eligible = USER_PRESENT | USER_VERIFIED | BACKUP_ELIGIBLE;
    let key = Authenticator::new(Kind::Es256);
    let mut said = said();
    said.flags = eligible;
    let synced = make(&key, &said).unwrap();
    assert!(synced.backup_eligible && !synced.backup_state);
    let used = sign_in(&key, &synced, |said| said.flags = eligible | BACKUP_STATE).unwrap();
    assert!(used.passkey.backup_state);
    let back = sign_in(&key, &used.passkey, |said| said.flags = eligible).unwrap();
    assert!(!back.passkey.backup_state);
    let lost = sign_in(&key, &synced, |_| {});
    assert_eq!(lost, Err(PasskeyRefusal::BackupEligibilityChanged));
    let (key, bound) = passkey();
    let gained = sign_in(&key, &bound, |said| said.flags |= BACKUP_ELIGIBLE);
    assert_eq!(gained, Err(PasskeyRefusal::BackupEligibilityChanged));
}

#[test]
fn a_touch_is_enough_after_a_password() {
    let key = Authenticator::new(Kind::Es256);
    let mut touch = said();
    touch.flags = USER_PRESENT;
    let made = register_with(UserVerification::Preferred, &key.create(&touch)).unwrap();
    assert!(!made.uv_initialized);
    let known = Owner {
        user_handle: HANDLE,
        is_discovered: false,
    };
    let got = key.get(&touch);
    let used = authenticate(
        (&made, known),
        (&here(), &CHALLENGE),
        UserVerification::Preferred,
        assertion(&made, &got),
    )
    .unwrap();
    assert!(!used.user_verified);
}

#[test]
fn statements_of_any_format_are_read_over_and_none_has_none() {
    let key = Authenticator::new(Kind::Es256);
    let x5c = b"\x63fmt\x66packed\x67attStmt\xa3\x63alg\x26\x63sig\x41\x00\x63x5c\x81\x41\x00";
    let packed = key.create_with(&said(), x5c);
    assert!(register_with(UserVerification::Required, &packed).is_ok());
    let refused = [
        (
            &b"\x63fmt\x64none\x67attStmt\xa1\x63alg\x26"[..],
            AttestationObjectError::NotEmpty,
        ),
        (
            b"\x63fmt\x64none\x67attStmt\x80",
            AttestationObjectError::Malformed,
        ),
        (
            b"\x63fmt\x01\x67attStmt\xa0",
            AttestationObjectError::Malformed,
        ),
        (
            b"\x63fnt\x64none\x67attStmt\xa0",
            AttestationObjectError::Malformed,
        ),
        (
            b"\x63fmt\x64none\x63fmt\x64none",
            AttestationObjectError::Cbor(CborError::DuplicateKey),
        ),
    ];
    for (statement, reason) in refused {
        let created = key.create_with(&said(), statement);
        let answer = register_with(UserVerification::Required, &created);
        assert_eq!(answer, Err(reason.into()));
    }
    // A fourth member, and something after the end.
    let mut more = key.create(&said());
    more.attestation_object[0] = 0xa4;
    more.attestation_object.extend(b"\x61x\x00");
    assert_eq!(
        register_with(UserVerification::Required, &more),
        Err(AttestationObjectError::Malformed.into())
    );
    let mut more = key.create(&said());
    more.attestation_object.push(0);
    assert_eq!(
        register_with(UserVerification::Required, &more),
        Err(AttestationObjectError::Cbor(CborError::TrailingBytes).into())
    );
    let mut nothing = key.create(&said());
    nothing.attestation_object = byte_string(b"");
    assert_eq!(
        register_with(UserVerification::Required, &nothing),
        Err(AttestationObjectError::Malformed.into())
    );
}

#[test]
fn unasked_extensions_are_read_over_if_they_can_be_read() {
    let (key, passkey) = passkey();
    let with = |extensions: &'static [u8]| {
        sign_in(&key, &passkey, |said| {
            said.flags |= EXTENSIONS;
            said.extensions = extensions.to_vec();
        })
    };
    assert!(with(b"\xa1\x6bcredProtect\x02").is_ok());
    let refused = [
        (
            &b""[..],
            AuthenticatorDataError::ExtensionsCbor(CborError::Truncated),
        ),
        (b"\x80", AuthenticatorDataError::Extensions),
        (b"\xa0\x00", AuthenticatorDataError::TrailingBytes),
    ];
    for (extensions, reason) in refused {
        assert_eq!(with(extensions), Err(reason.into()));
    }
    // Announced or not.
    let hidden = sign_in(&key, &passkey, |said| said.extensions = b"\xa0".to_vec());
    assert_eq!(hidden, Err(AuthenticatorDataError::TrailingBytes.into()));
}

#[test]
fn a_credential_id_has_a_length() {
    let mut key = Authenticator::new(Kind::Es256);
    for (length, is_taken) in [(0, false), (1, true), (1023, true), (1024, false)] {
        key.credential_id = vec![1; length];
        let made = make(&key, &said());
        let reason = AuthenticatorDataError::CredentialIdLength;
        let reason = AttestationObjectError::AuthenticatorData(reason);
        assert_eq!(made.is_ok(), is_taken, "{length}");
        assert!(is_taken || made == Err(reason.into()), "{length}");
    }
}

fn key_refusal(cose_key: Vec<u8>) -> Option<CoseKeyError> {
    let mut key = Authenticator::new(Kind::Es256);
    key.cose_key = cose_key;
    match make(&key, &said()) {
        Ok(_) => None,
        Err(PasskeyRefusal::AttestationObject(AttestationObjectError::AuthenticatorData(
            AuthenticatorDataError::Key(reason),
        ))) => Some(reason),
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn a_key_is_exactly_one_of_those_that_were_offered() {
    use CoseKeyError::{
        AlgorithmMismatch, Malformed, NotAKey, NotAMap, UnexpectedParameter, UnsupportedAlgorithm,
    };
    let good = Authenticator::new(Kind::Es256).cose_key;
    assert_eq!(key_refusal(good.clone()), None);
    let at = |position: usize, value: u8| {
        let mut changed = good.clone();
        changed[position] = value;
        changed
    };
    // {1: 2, 3: -7, -1: 1, -2: x, -3: y}
    assert_eq!(key_refusal(vec![0x80]), Some(NotAMap));
    assert_eq!(key_refusal(at(2, 1)), Some(AlgorithmMismatch));
    assert_eq!(key_refusal(at(2, 3)), Some(AlgorithmMismatch));
    // -35 and the like have longer spellings; -6 is a direct key.
    assert_eq!(key_refusal(at(4, 0x25)), Some(UnsupportedAlgorithm));
    assert_eq!(key_refusal(at(4, 0x27)), Some(AlgorithmMismatch));
    assert_eq!(key_refusal(at(4, 0x07)), Some(UnsupportedAlgorithm));
    assert_eq!(key_refusal(at(3, 4)), Some(UnsupportedAlgorithm));
    // P-384, secp256k1.
    assert_eq!(key_refusal(at(6, 2)), Some(AlgorithmMismatch));
    assert_eq!(key_refusal(at(6, 8)), Some(AlgorithmMismatch));
    // A point off the curve, the point at infinity, numbers above the field.
    assert_eq!(key_refusal(at(20, good[20] ^ 1)), Some(NotAKey));
    for byte in [0, 0xff] {
        let mut off = good.clone();
        off[10..42].fill(byte);
        off[45..77].fill(byte);
        assert_eq!(key_refusal(off), Some(NotAKey), "{byte}");
    }
    // A compressed point.
    let compressed = [&good[..42], &[0x22, 0xf5]].concat();
    assert_eq!(key_refusal(compressed), Some(Malformed));
    // A private part, `key_ops`.
    for more in [&[0x23, 0x41, 1][..], &[4, 0x81, 2]] {
        let mut longer = [&good[..], more].concat();
        longer[0] = 0xa6;
        assert_eq!(key_refusal(longer), Some(UnexpectedParameter));
    }
    let shorter = [
        &[0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21],
        &byte_string(&[1; 31])[..],
    ]
    .concat();
    let shorter = [&shorter[..], &[0x22], &byte_string(&[1; 32])].concat();
    assert_eq!(key_refusal(shorter), Some(Malformed));
    // {1: 3, 3: -257, -1: n, -2: e} with 1024 bits, and with an even exponent.
    for (modulus, exponent) in [(128, &[1, 0, 1][..]), (256, &[2]), (256, &[1]), (0, &[3])] {
        let n = byte_string(&vec![0xff; modulus]);
        let head = [0xa4, 1, 3, 3, 0x39, 1, 0, 0x20];
        let key = [&head[..], &n, &[0x21], &byte_string(exponent)].concat();
        assert_eq!(key_refusal(key), Some(NotAKey), "{modulus} {exponent:?}");
    }
    // Ed25519 with the curve of X25519, and too short.
    let okp =
        |crv, x: &[u8]| [&[0xa4, 1, 1, 3, 0x27, 0x20, crv, 0x21], &byte_string(x)[..]].concat();
    assert_eq!(key_refusal(okp(4, &[9; 32])), Some(AlgorithmMismatch));
    assert_eq!(key_refusal(okp(6, &[9; 31])), Some(Malformed));
}

#[test]
fn passkeys_need_a_host_name_and_https() {
    for (url, expected) in [
        (
            "https://id.example",
            Ok(("id.example", "https://id.example")),
        ),
        (
            "https://id.example:8443/x",
            Ok(("id.example", "https://id.example:8443")),
        ),
        (
            "https://ID.example:443",
            Ok(("id.example", "https://id.example")),
        ),
        (
            "http://localhost:8080",
            Ok(("localhost", "http://localhost:8080")),
        ),
        (
            "http://a.localhost",
            Ok(("a.localhost", "http://a.localhost")),
        ),
        ("http://id.example", Err(NoRelyingParty::Insecure)),
        ("http://notlocalhost", Err(NoRelyingParty::Insecure)),
        ("https://192.0.2.1", Err(NoRelyingParty::Address)),
        ("http://127.0.0.1:8080", Err(NoRelyingParty::Address)),
        ("https://[::1]", Err(NoRelyingParty::Address)),
    ] {
        let found = RelyingParty::at(&Url::parse(url).unwrap());
        let expected = expected.map(|(id, origin)| RelyingParty {
            id: id.to_owned(),
            origin: origin.to_owned(),
        });
        assert_eq!(found, expected, "{url}");
    }
}

fn bytes(value: &Value) -> Vec<u8> {
    let digits = value.as_str().unwrap().as_bytes().chunks_exact(2);
    let byte = |pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.map(byte).collect()
}

fn refusal_of(vector: &str) -> Option<PasskeyRefusal> {
    match vector {
        "none-es256-crossOrigin" | "none-es256-topOrigin" => Some(PasskeyRefusal::CrossOrigin),
        // Algorithms that we do not offer.
        "packed-es384" | "packed-es512" | "packed-ed448" => {
            let data = AuthenticatorDataError::Key(CoseKeyError::UnsupportedAlgorithm);
            Some(AttestationObjectError::AuthenticatorData(data).into())
        }
        _ => None,
    }
}

#[test]
fn the_examples_of_the_specification_are_judged() {
    let vectors: Vec<Value> = serde_json::from_str(VECTORS).unwrap();
    let there = RelyingParty::at(&Url::parse("https://example.org").unwrap()).unwrap();
    assert_eq!(vectors.len(), 15);
    for vector in &vectors {
        let name = vector["name"].as_str().unwrap();
        let (made, used) = (&vector["registration"], &vector["authentication"]);
        let challenge = |of: &Value| bytes(&of["challenge"]).try_into().map(Challenge);
        let (Ok(first), Ok(second)) = (challenge(made), challenge(used)) else {
            assert_judges_by_hand(name, vector);
            continue;
        };
        let preferred = UserVerification::Preferred;
        let creation = Creation {
            client_data_json: &bytes(&made["clientDataJSON"]),
            attestation_object: &bytes(&made["attestationObject"]),
        };
        let passkey = register(&there, &first, preferred, creation);
        if let Some(reason) = refusal_of(name) {
            assert_eq!(passkey, Err(reason), "{name}");
            continue;
        }
        let passkey = passkey.unwrap_or_else(|refused| panic!("{name}: {refused}"));
        assert_eq!(
            passkey.credential_id,
            bytes(&made["credential_id"]),
            "{name}"
        );
        let assertion = Assertion {
            credential_id: &passkey.credential_id,
            client_data_json: &bytes(&used["clientDataJSON"]),
            authenticator_data: &bytes(&used["authenticatorData"]),
            signature: &bytes(&used["signature"]),
            user_handle: None,
        };
        let owner = Owner {
            user_handle: HANDLE,
            is_discovered: false,
        };
        let asked = (&there, &second);
        let judged = authenticate((&passkey, owner), asked, preferred, assertion);
        assert!(judged.is_ok(), "{name}: {judged:?}");
    }
}

/// Challenges of 128 bytes, longer than ours ever are: what is read and signed is checked by hand.
fn assert_judges_by_hand(name: &str, vector: &Value) {
    let (made, used) = (&vector["registration"], &vector["authentication"]);
    let object = AttestationObject::read(&bytes(&made["attestationObject"]));
    if let Some(reason) = refusal_of(name) {
        assert_eq!(object.err().map(PasskeyRefusal::from), Some(reason));
        return;
    }
    let data = object.unwrap().authenticator_data;
    let attested = data.attested_credential_data.unwrap();
    assert_eq!(attested.credential_id, bytes(&made["credential_id"]));
    let data = bytes(&used["authenticatorData"]);
    let hash = digest(&SHA256, &bytes(&used["clientDataJSON"]));
    let message = [&data[..], hash.as_ref()].concat();
    let signature = bytes(&used["signature"]);
    let checked = attested.public_key.verify(&message, &signature);
    assert!(checked.is_ok(), "{name}");
}

proptest! {
    #[test]
    fn no_bytes_panic_and_none_are_a_ceremony(client_data: Vec<u8>, data: Vec<u8>, signature: Vec<u8>) {
        let creation = Creation { client_data_json: &client_data, attestation_object: &data };
        prop_assert!(register(&here(), &CHALLENGE, UserVerification::Preferred, creation).is_err());
        let good = said();
        let key = Authenticator::new(Kind::EdDsa);
        let passkey = make(&key, &good).unwrap();
        let got = Got { client_data_json: client_data, authenticator_data: data.clone(), signature };
        prop_assert!(judge(&passkey, assertion(&passkey, &got)).is_err());
        // With the client data in place the rest is reached.
        let got = Got { client_data_json: key.get(&good).client_data_json, ..got };
        prop_assert!(judge(&passkey, assertion(&passkey, &got)).is_err());
        let mut created = key.create(&good);
        created.attestation_object = data;
        prop_assert!(register_with(UserVerification::Preferred, &created).is_err());
    }
}
