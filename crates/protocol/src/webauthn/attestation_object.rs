//! What comes back when a passkey was made: `attestationObject`.
//!
//! WebAuthn §6.5.4: <https://www.w3.org/TR/webauthn-3/#sctn-generating-an-attestation-object>

use super::authenticator_data::{AuthenticatorData, AuthenticatorDataError};
use super::cbor::{self, CborError, Key, Value};

/// An attestation object. Its statement, which would say who made the authenticator, is read over:
/// nothing here trusts one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttestationObject {
    /// `fmt`: the format of the statement.
    pub format: String,
    /// `authData`.
    pub authenticator_data: AuthenticatorData,
}

/// Why an attestation object is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AttestationObjectError {
    /// It is no CBOR of the kind that CTAP2 has.
    #[error("the attestation object is not CBOR: {0}")]
    Cbor(#[from] CborError),
    /// `fmt`, `attStmt` or `authData` is absent or of the wrong type, or there is something else.
    #[error("the attestation object has not exactly `fmt`, `attStmt` and `authData`")]
    Malformed,
    /// The format `none` with a statement (WebAuthn §8.7).
    #[error("an attestation of the format `none` has a statement")]
    NotEmpty,
    /// The authenticator data cannot be read.
    #[error(transparent)]
    AuthenticatorData(#[from] AuthenticatorDataError),
}

impl AttestationObject {
    /// Reads the bytes of `attestationObject`.
    pub fn read(bytes: &[u8]) -> Result<Self, AttestationObjectError> {
        let Value::Map(mut members) = cbor::read(bytes)? else {
            return Err(AttestationObjectError::Malformed);
        };
        let mut take = |name| members.remove(&Key::Text(name));
        let parts = (take("fmt"), take("attStmt"), take("authData"));
        let (Some(Value::Text(format)), Some(Value::Map(statement)), Some(Value::Bytes(data))) =
            parts
        else {
            return Err(AttestationObjectError::Malformed);
        };
        if !members.is_empty() {
            return Err(AttestationObjectError::Malformed);
        }
        // WebAuthn §8.7: the statement of `none` is an empty map.
        if format == "none" && !statement.is_empty() {
            return Err(AttestationObjectError::NotEmpty);
        }
        Ok(Self {
            format: format.to_owned(),
            authenticator_data: AuthenticatorData::read(data)?,
        })
    }
}
