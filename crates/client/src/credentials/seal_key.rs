//! Keys that sessions are sealed with, and their names.

use hallpass_protocol::Secret;
use serde::{Deserialize, Serialize};

/// A key of AES-256.
pub(super) type SealKey = Secret<[u8; 32]>;

/// Where a key lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum KeyKind {
    Keyring,
    Passphrase,
}

impl KeyKind {
    /// For `StoreInfo`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Keyring => "keyring",
            Self::Passphrase => "passphrase",
        }
    }

    /// The store that has it.
    pub(super) fn store(self) -> &'static str {
        match self {
            Self::Keyring => "keyring",
            Self::Passphrase => "sealed",
        }
    }

    /// For sentences.
    pub(super) fn phrase(self) -> &'static str {
        match self {
            Self::Keyring => "a key in the system keychain",
            Self::Passphrase => "a passphrase",
        }
    }
}

/// Which key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KeyName {
    pub(super) kind: KeyKind,
    /// 32 random hexadecimal digits: the entry's name in the keychain, or the salt.
    pub(super) id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) argon2id: Option<Cost>,
}

/// How much work one guess of a passphrase costs (RFC 9106 §3.1). It is kept with each file, so that
/// it can grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cost {
    /// KiB of memory.
    pub(super) m: u32,
    /// Passes over it.
    pub(super) t: u32,
    /// Lanes.
    pub(super) p: u32,
}

impl Cost {
    /// About 30 ms of one core. Each process that reads a session pays it once.
    pub(super) const DEFAULT: Self = Self {
        m: 19 * 1024,
        t: 2,
        p: 1,
    };
}
