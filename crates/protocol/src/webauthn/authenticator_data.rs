//! What the authenticator signs: `authenticatorData`.
//!
//! WebAuthn §6.1: <https://www.w3.org/TR/webauthn-3/#sctn-authenticator-data>

use super::cbor::{self, CborError, Value};
use super::cose_key::{CoseKeyError, CosePublicKey};

/// Authenticator data, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthenticatorData {
    /// `rpIdHash`: SHA-256 of the relying party's id.
    pub rp_id_hash: [u8; 32],
    /// `flags`.
    pub flags: Flags,
    /// `signCount`.
    pub sign_count: u32,
    /// `attestedCredentialData`, where a passkey was made.
    pub attested_credential_data: Option<AttestedCredentialData>,
}

/// The bits of `flags` that say something.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Flags(u8);

/// WebAuthn §6.5.1: the passkey that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttestedCredentialData {
    /// `aaguid`: the model of the authenticator, or zeros.
    pub aaguid: [u8; 16],
    /// `credentialId`.
    pub credential_id: Vec<u8>,
    /// `credentialPublicKey`.
    pub public_key: CosePublicKey,
}

/// Why authenticator data is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthenticatorDataError {
    /// It ends too early.
    #[error("the authenticator data ends too early")]
    Truncated,
    /// More follows than the flags announce.
    #[error("something follows the authenticator data")]
    TrailingBytes,
    /// The id of the credential has more than [`AttestedCredentialData::LONGEST_ID`] bytes, or none.
    #[error("the credential id is empty or too long")]
    CredentialIdLength,
    /// The public key is none that is taken.
    #[error(transparent)]
    Key(#[from] CoseKeyError),
    /// The extensions are no map.
    #[error("the extensions are not a map")]
    Extensions,
    /// The extensions are no CBOR.
    #[error("the extensions are not CBOR: {0}")]
    ExtensionsCbor(CborError),
}

impl Flags {
    const USER_PRESENT: u8 = 1;
    const USER_VERIFIED: u8 = 1 << 2;
    const BACKUP_ELIGIBLE: u8 = 1 << 3;
    const BACKUP_STATE: u8 = 1 << 4;
    const ATTESTED: u8 = 1 << 6;
    const EXTENSIONS: u8 = 1 << 7;

    /// UP: somebody touched it.
    pub fn user_present(self) -> bool {
        self.has(Self::USER_PRESENT)
    }

    /// UV: it knows who did, by a PIN or a finger.
    pub fn user_verified(self) -> bool {
        self.has(Self::USER_VERIFIED)
    }

    /// BE: the key may be copied to the person's other devices.
    pub fn backup_eligible(self) -> bool {
        self.has(Self::BACKUP_ELIGIBLE)
    }

    /// BS: it has been.
    pub fn backup_state(self) -> bool {
        self.has(Self::BACKUP_STATE)
    }

    fn has(self, bit: u8) -> bool {
        self.0 & bit != 0
    }
}

impl std::fmt::Debug for Flags {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Flags({:#010b})", self.0)
    }
}

impl AttestedCredentialData {
    /// WebAuthn §7.1 step 24: so many bytes at most.
    pub const LONGEST_ID: usize = 1023;
}

impl AuthenticatorData {
    /// Reads the bytes of `authenticatorData`, to the last one.
    pub fn read(bytes: &[u8]) -> Result<Self, AuthenticatorDataError> {
        let (rp_id_hash, rest) = take::<32>(bytes)?;
        let ([flags], rest) = take::<1>(rest)?;
        let (sign_count, rest) = take::<4>(rest)?;
        let flags = Flags(flags);
        let (attested_credential_data, rest) = if flags.has(Flags::ATTESTED) {
            let (attested, rest) = attested_credential_data(rest)?;
            (Some(attested), rest)
        } else {
            (None, rest)
        };
        let rest = if flags.has(Flags::EXTENSIONS) {
            extensions(rest)?
        } else {
            rest
        };
        if !rest.is_empty() {
            return Err(AuthenticatorDataError::TrailingBytes);
        }
        Ok(Self {
            rp_id_hash,
            flags,
            sign_count: u32::from_be_bytes(sign_count),
            attested_credential_data,
        })
    }
}

fn attested_credential_data(
    bytes: &[u8],
) -> Result<(AttestedCredentialData, &[u8]), AuthenticatorDataError> {
    let (aaguid, rest) = take::<16>(bytes)?;
    let (length, rest) = take::<2>(rest)?;
    let length = usize::from(u16::from_be_bytes(length));
    if !(1..=AttestedCredentialData::LONGEST_ID).contains(&length) {
        return Err(AuthenticatorDataError::CredentialIdLength);
    }
    let (credential_id, rest) = rest
        .split_at_checked(length)
        .ok_or(AuthenticatorDataError::Truncated)?;
    let (public_key, rest) = CosePublicKey::read_first(rest)?;
    let attested = AttestedCredentialData {
        aaguid,
        credential_id: credential_id.to_vec(),
        public_key,
    };
    Ok((attested, rest))
}

/// Unasked extensions are ignored (WebAuthn §7.1 step 27), but what cannot be read is refused.
fn extensions(bytes: &[u8]) -> Result<&[u8], AuthenticatorDataError> {
    let read = cbor::read_first(bytes).map_err(AuthenticatorDataError::ExtensionsCbor)?;
    match read {
        (Value::Map(_), rest) => Ok(rest),
        _ => Err(AuthenticatorDataError::Extensions),
    }
}

fn take<const N: usize>(bytes: &[u8]) -> Result<([u8; N], &[u8]), AuthenticatorDataError> {
    let taken = bytes.split_first_chunk::<N>();
    let (taken, rest) = taken.ok_or(AuthenticatorDataError::Truncated)?;
    Ok((*taken, rest))
}
