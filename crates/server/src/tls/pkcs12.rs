//! Reads the private key and its certificates from a PKCS #12 key store.
//!
//! RFC 7292: <https://www.rfc-editor.org/rfc/rfc7292>, RFC 8018 (PBES2):
//! <https://www.rfc-editor.org/rfc/rfc8018>. Only what today's `keytool` and `openssl` write: PBES2
//! with AES, a MAC with SHA-1 or SHA-2.

use std::num::NonZeroU32;

use aws_lc_rs::cipher::{
    AES_128, AES_192, AES_256, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey,
};
use aws_lc_rs::{digest, hmac, iv, pbkdf2};
use hallpass_protocol::Secret;

use super::der::{Malformed, Reader, tag};

/// What a key store holds for a server.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    /// The certificates, the server's own first.
    pub(crate) chain: Vec<Vec<u8>>,
    /// Its private key, PKCS #8.
    pub(crate) key: Secret<Vec<u8>>,
}

/// Why a key store cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Pkcs12Error {
    /// Not PKCS #12.
    #[error("is not a PKCS #12 key store")]
    Malformed,
    /// The MAC does not fit the password.
    #[error("does not open with this `keystorePassword`")]
    WrongPassword,
    /// The key has a password of its own, and not this one.
    #[error("holds a key that does not open with this `keyPassword`")]
    WrongKeyPassword,
    /// Ciphers that we do not speak.
    #[error("is encrypted in a way that is no longer used")]
    Legacy,
    /// No private key, or no certificate for it.
    #[error("holds no private key with its certificate")]
    NoKey,
}

impl From<Malformed> for Pkcs12Error {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

/// The passwords of a key store.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Passwords<'a> {
    pub(crate) store: &'a Secret<String>,
    /// Usually the same; empty means so.
    pub(crate) key: &'a Secret<String>,
}

/// A bag's content, and the id that links a key to its certificate.
struct Found {
    content: Vec<u8>,
    local_id: Option<Vec<u8>>,
}

#[derive(Default)]
struct Bags {
    keys: Vec<Found>,
    certificates: Vec<Found>,
}

/// Reads a key store: RFC 7292 §4.
pub(crate) fn read(bytes: &[u8], passwords: Passwords<'_>) -> Result<Identity, Pkcs12Error> {
    let mut outer = Reader::new(bytes);
    let mut pfx = outer.enter(tag::SEQUENCE)?;
    if pfx.number()? != 3 || !outer.is_empty() {
        return Err(Pkcs12Error::Malformed);
    }
    let mut auth_safe = pfx.enter(tag::SEQUENCE)?;
    if auth_safe.read(tag::OID)? != oid::DATA {
        return Err(Pkcs12Error::Malformed);
    }
    let content = auth_safe.enter(tag::CONTEXT_0)?.read(tag::OCTET_STRING)?;
    check_mac(&mut pfx, content, passwords.store)?;
    let mut safes = Reader::new(content).enter(tag::SEQUENCE)?;
    let mut bags = Bags::default();
    while !safes.is_empty() {
        let mut safe = safes.enter(tag::SEQUENCE)?;
        let kind = safe.read(tag::OID)?;
        let mut inner = safe.enter(tag::CONTEXT_0)?;
        if kind == oid::DATA {
            bags.read(inner.read(tag::OCTET_STRING)?, passwords)?;
        } else if kind == oid::ENCRYPTED_DATA {
            let plain = decrypt_safe(inner, passwords.store)?;
            bags.read(&plain, passwords)?;
        } else {
            return Err(Pkcs12Error::Legacy);
        }
    }
    bags.into_identity()
}

impl Bags {
    /// RFC 7292 §4.2: `SafeContents`.
    fn read(&mut self, bytes: &[u8], passwords: Passwords<'_>) -> Result<(), Pkcs12Error> {
        let mut bags = Reader::new(bytes).enter(tag::SEQUENCE)?;
        while !bags.is_empty() {
            let mut bag = bags.enter(tag::SEQUENCE)?;
            let kind = bag.read(tag::OID)?;
            let value = bag.read(tag::CONTEXT_0)?;
            let local_id = local_id(bag)?;
            if kind == oid::KEY_BAG {
                let content = value.to_vec();
                self.keys.push(Found { content, local_id });
            } else if kind == oid::SHROUDED_KEY_BAG {
                let content = open_key(value, passwords)?;
                self.keys.push(Found { content, local_id });
            } else if kind == oid::CERTIFICATE_BAG {
                let mut certificate = Reader::new(value).enter(tag::SEQUENCE)?;
                if certificate.read(tag::OID)? == oid::X509 {
                    let mut inner = certificate.enter(tag::CONTEXT_0)?;
                    let content = inner.read(tag::OCTET_STRING)?.to_vec();
                    self.certificates.push(Found { content, local_id });
                }
            }
        }
        Ok(())
    }

    /// The first key, its certificate, and the others as the chain behind it.
    fn into_identity(self) -> Result<Identity, Pkcs12Error> {
        let key = self.keys.into_iter().next().ok_or(Pkcs12Error::NoKey)?;
        let is_its = |found: &Found| key.local_id.is_some() && found.local_id == key.local_id;
        let (own, others): (Vec<_>, Vec<_>) = self.certificates.into_iter().partition(is_its);
        let chain: Vec<_> = own
            .into_iter()
            .chain(others)
            .map(|found| found.content)
            .collect();
        if chain.is_empty() {
            return Err(Pkcs12Error::NoKey);
        }
        Ok(Identity {
            chain,
            key: Secret::new(key.content),
        })
    }
}

fn local_id(mut bag: Reader<'_>) -> Result<Option<Vec<u8>>, Malformed> {
    let Some(attributes) = bag.read_if(tag::SET)? else {
        return Ok(None);
    };
    let mut attributes = Reader::new(attributes);
    while !attributes.is_empty() {
        let mut attribute = attributes.enter(tag::SEQUENCE)?;
        if attribute.read(tag::OID)? == oid::LOCAL_KEY_ID {
            let mut values = attribute.enter(tag::SET)?;
            return Ok(Some(values.read(tag::OCTET_STRING)?.to_vec()));
        }
    }
    Ok(None)
}

fn open_key(value: &[u8], passwords: Passwords<'_>) -> Result<Vec<u8>, Pkcs12Error> {
    let mut shrouded = Reader::new(value).enter(tag::SEQUENCE)?;
    let algorithm = shrouded.enter(tag::SEQUENCE)?;
    let encrypted = shrouded.read(tag::OCTET_STRING)?;
    let own = Some(passwords.key).filter(|password| !password.expose().is_empty());
    decrypt(algorithm, encrypted, own.unwrap_or(passwords.store)).map_err(|error| match error {
        Pkcs12Error::WrongPassword => Pkcs12Error::WrongKeyPassword,
        other => other,
    })
}

/// RFC 5652 §8: `EncryptedData`.
fn decrypt_safe(mut inner: Reader<'_>, password: &Secret<String>) -> Result<Vec<u8>, Pkcs12Error> {
    let mut data = inner.enter(tag::SEQUENCE)?;
    data.number()?;
    let mut content = data.enter(tag::SEQUENCE)?;
    if content.read(tag::OID)? != oid::DATA {
        return Err(Pkcs12Error::Malformed);
    }
    let algorithm = content.enter(tag::SEQUENCE)?;
    decrypt(algorithm, content.read(tag::CONTEXT_0_PRIMITIVE)?, password)
}

/// RFC 8018 §6.2.2: PBES2, with PBKDF2 and AES in CBC mode.
fn decrypt(
    mut algorithm: Reader<'_>,
    encrypted: &[u8],
    password: &Secret<String>,
) -> Result<Vec<u8>, Pkcs12Error> {
    if algorithm.read(tag::OID)? != oid::PBES2 {
        return Err(Pkcs12Error::Legacy);
    }
    let mut parameters = algorithm.enter(tag::SEQUENCE)?;
    let mut kdf = parameters.enter(tag::SEQUENCE)?;
    if kdf.read(tag::OID)? != oid::PBKDF2 {
        return Err(Pkcs12Error::Legacy);
    }
    let mut kdf = kdf.enter(tag::SEQUENCE)?;
    let salt = kdf.read(tag::OCTET_STRING)?;
    let rounds = rounds(kdf.number()?)?;
    if kdf.read_if(tag::INTEGER)?.is_some() {
        // The length of the key: the cipher says it too.
    }
    let prf = match kdf.read_if(tag::SEQUENCE)? {
        None => pbkdf2::PBKDF2_HMAC_SHA1,
        Some(prf) => match Reader::new(prf).read(tag::OID)? {
            prf if prf == oid::HMAC_SHA1 => pbkdf2::PBKDF2_HMAC_SHA1,
            prf if prf == oid::HMAC_SHA256 => pbkdf2::PBKDF2_HMAC_SHA256,
            prf if prf == oid::HMAC_SHA384 => pbkdf2::PBKDF2_HMAC_SHA384,
            prf if prf == oid::HMAC_SHA512 => pbkdf2::PBKDF2_HMAC_SHA512,
            _ => return Err(Pkcs12Error::Legacy),
        },
    };
    let mut cipher = parameters.enter(tag::SEQUENCE)?;
    let (cipher_algorithm, length) = match cipher.read(tag::OID)? {
        cipher if cipher == oid::AES_128_CBC => (&AES_128, 16),
        cipher if cipher == oid::AES_192_CBC => (&AES_192, 24),
        cipher if cipher == oid::AES_256_CBC => (&AES_256, 32),
        _ => return Err(Pkcs12Error::Legacy),
    };
    let vector: [u8; 16] = cipher
        .read(tag::OCTET_STRING)?
        .try_into()
        .map_err(|_| Pkcs12Error::Malformed)?;
    let mut key = vec![0; length];
    pbkdf2::derive(prf, rounds, salt, password.expose().as_bytes(), &mut key);
    // What can still fail is the padding: the key is not the right one.
    let wrong = |_| Pkcs12Error::WrongPassword;
    let key = UnboundCipherKey::new(cipher_algorithm, &key).map_err(wrong)?;
    let key = PaddedBlockDecryptingKey::cbc_pkcs7(key).map_err(wrong)?;
    let context = DecryptionContext::Iv128(iv::FixedLength::from(vector));
    let mut text = encrypted.to_vec();
    let plain = key.decrypt(&mut text, context).map_err(wrong)?;
    Ok(plain.to_vec())
}

/// More rounds than this keep a start waiting for minutes.
fn rounds(number: u32) -> Result<NonZeroU32, Pkcs12Error> {
    NonZeroU32::new(number)
        .filter(|number| number.get() <= 10_000_000)
        .ok_or(Pkcs12Error::Malformed)
}

/// RFC 7292 §5.1 step 5: the MAC over the content, when there is one.
fn check_mac(
    pfx: &mut Reader<'_>,
    content: &[u8],
    password: &Secret<String>,
) -> Result<(), Pkcs12Error> {
    if pfx.is_empty() {
        return Ok(());
    }
    let mut mac = pfx.enter(tag::SEQUENCE)?;
    let mut info = mac.enter(tag::SEQUENCE)?;
    let mut algorithm = info.enter(tag::SEQUENCE)?;
    let (hash, hmac_algorithm, block) = match algorithm.read(tag::OID)? {
        hash if hash == oid::SHA1 => (
            &digest::SHA1_FOR_LEGACY_USE_ONLY,
            hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            64,
        ),
        hash if hash == oid::SHA256 => (&digest::SHA256, hmac::HMAC_SHA256, 64),
        hash if hash == oid::SHA384 => (&digest::SHA384, hmac::HMAC_SHA384, 128),
        hash if hash == oid::SHA512 => (&digest::SHA512, hmac::HMAC_SHA512, 128),
        _ => return Err(Pkcs12Error::Legacy),
    };
    let tag_bytes = info.read(tag::OCTET_STRING)?;
    let salt = mac.read(tag::OCTET_STRING)?;
    let rounds = rounds(if mac.is_empty() { 1 } else { mac.number()? })?;
    // Appendix B.1: UTF-16, and a zero at the end. Some write an empty password as nothing at all.
    let units = password.expose().encode_utf16().chain([0]);
    let mut spellings = vec![units.flat_map(u16::to_be_bytes).collect::<Vec<u8>>()];
    if password.expose().is_empty() {
        spellings.push(Vec::new());
    }
    let fits = spellings.iter().any(|password| {
        let key = mac_key((hash, block), password, salt, rounds);
        let key = hmac::Key::new(hmac_algorithm, key.as_ref());
        hmac::verify(&key, content, tag_bytes).is_ok()
    });
    if fits {
        Ok(())
    } else {
        Err(Pkcs12Error::WrongPassword)
    }
}

/// Appendix B.2 for keys no longer than the hash, where its loop ends after one turn.
fn mac_key(
    (hash, block): (&'static digest::Algorithm, usize),
    password: &[u8],
    salt: &[u8],
    rounds: NonZeroU32,
) -> digest::Digest {
    const FOR_MAC: u8 = 3;
    let filled = |bytes: &[u8]| -> Vec<u8> {
        let length = bytes.len().div_ceil(block) * block;
        bytes.iter().copied().cycle().take(length).collect()
    };
    let mut first = vec![FOR_MAC; block];
    first.extend(filled(salt));
    first.extend(filled(password));
    let mut key = digest::digest(hash, &first);
    for _ in 1..rounds.get() {
        key = digest::digest(hash, key.as_ref());
    }
    key
}

/// Object identifiers, as DER spells them.
mod oid {
    pub(super) const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];
    pub(super) const ENCRYPTED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 6];
    pub(super) const KEY_BAG: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 12, 10, 1, 1];
    pub(super) const SHROUDED_KEY_BAG: &[u8] =
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 12, 10, 1, 2];
    pub(super) const CERTIFICATE_BAG: &[u8] =
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 12, 10, 1, 3];
    pub(super) const X509: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 22, 1];
    pub(super) const LOCAL_KEY_ID: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 21];
    pub(super) const PBES2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 13];
    pub(super) const PBKDF2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 12];
    pub(super) const HMAC_SHA1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 2, 7];
    pub(super) const HMAC_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 2, 9];
    pub(super) const HMAC_SHA384: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 2, 10];
    pub(super) const HMAC_SHA512: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 2, 11];
    pub(super) const AES_128_CBC: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 2];
    pub(super) const AES_192_CBC: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 22];
    pub(super) const AES_256_CBC: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 42];
    pub(super) const SHA1: &[u8] = &[0x2b, 0x0e, 3, 2, 26];
    pub(super) const SHA256: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];
    pub(super) const SHA384: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 2];
    pub(super) const SHA512: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 3];
}

#[cfg(test)]
mod tests {
    use super::*;

    // Made once: `keytool -genkeypair -alias a -keyalg EC -storepass changeit …` of Java 17, and
    // `openssl pkcs12 -export` of version 3 from that key, in the form of today and with `-legacy`.
    const KEYTOOL: &[u8] = include_bytes!("testdata/keytool.p12");
    const OPENSSL: &[u8] = include_bytes!("testdata/openssl.p12");
    const EMPTY: &[u8] = include_bytes!("testdata/empty-password.p12");
    const LEGACY: &[u8] = include_bytes!("testdata/legacy.p12");

    fn open(bytes: &[u8], store: &str, key: &str) -> Result<Identity, Pkcs12Error> {
        let (store, key) = (Secret::new(store.to_owned()), Secret::new(key.to_owned()));
        let passwords = Passwords {
            store: &store,
            key: &key,
        };
        read(bytes, passwords)
    }

    #[test]
    fn what_keytool_and_openssl_write_is_read() {
        let java = open(KEYTOOL, "changeit", "").unwrap();
        let openssl = open(OPENSSL, "changeit", "changeit").unwrap();
        let empty = open(EMPTY, "", "").unwrap();
        assert_eq!(java.chain.len(), 1);
        assert_eq!(java.chain, openssl.chain);
        assert_eq!(java.chain, empty.chain);
        assert_eq!(openssl.key.expose(), empty.key.expose());
    }

    #[test]
    fn a_wrong_password_is_named_as_such() {
        let refused = |bytes, store, key| open(bytes, store, key).unwrap_err();
        assert_eq!(refused(KEYTOOL, "wrong", ""), Pkcs12Error::WrongPassword);
        assert_eq!(refused(KEYTOOL, "", ""), Pkcs12Error::WrongPassword);
        assert_eq!(
            refused(OPENSSL, "changeit", "wrong"),
            Pkcs12Error::WrongKeyPassword
        );
        assert_eq!(refused(LEGACY, "changeit", ""), Pkcs12Error::Legacy);
    }

    #[test]
    fn broken_bytes_are_refused_wherever_they_break() {
        for length in 0..KEYTOOL.len() {
            let cut = KEYTOOL.get(..length).unwrap();
            assert!(open(cut, "changeit", "").is_err(), "{length}");
        }
        for place in (0..KEYTOOL.len()).step_by(97) {
            let mut bytes = KEYTOOL.to_vec();
            if let Some(byte) = bytes.get_mut(place) {
                *byte ^= 0x11;
            }
            // Whatever breaks, it ends with an answer; under the MAC nothing passes unseen.
            drop(open(&bytes, "changeit", ""));
        }
    }
}
