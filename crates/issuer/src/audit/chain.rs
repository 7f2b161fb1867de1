//! The chain of a node's records: each carries the hash of the one before it, and the server signs the
//! last one. Whoever changes a record breaks the chain; whoever makes a new chain lacks the key.
//!
//! Ed25519, RFC 8032: <https://www.rfc-editor.org/rfc/rfc8032>

use std::fmt;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use hallpass_protocol::{Secret, Timestamp};

use super::entry::{Record, Unlinked};
use super::node_id::NodeId;

/// The end of a chain: its last record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Whose chain.
    pub node: NodeId,
    /// How many records it had.
    pub seq: u64,
    /// The hash of the last one; zero where there is none.
    pub hash: [u8; 32],
    /// When it was signed.
    pub at: Timestamp,
}

/// The beginning of what is left of a chain after old records went: up to this one they did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Floor {
    /// Whose chain.
    pub node: NodeId,
    /// The last record that went.
    pub seq: u64,
    /// Its hash.
    pub hash: [u8; 32],
}

/// Something with the server's signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signed<T> {
    /// What.
    pub value: T,
    /// Ed25519.
    pub signature: [u8; 64],
}

impl Head {
    /// The end of a chain that has no record yet.
    pub fn start(node: NodeId, at: Timestamp) -> Self {
        Self {
            node,
            seq: 0,
            hash: [0; 32],
            at,
        }
    }

    /// Gives a record its place at the end.
    pub fn link(&mut self, content: Unlinked) -> Record {
        let (prev_hash, seq) = (self.hash, self.seq + 1);
        let hash = content.hash(&self.node, seq, &prev_hash);
        (self.seq, self.hash) = (seq, hash);
        Record {
            node: self.node,
            seq,
            prev_hash,
            hash,
            content,
        }
    }

    /// Whether it is the same end, whenever it was signed.
    pub fn is_at(&self, other: &Self) -> bool {
        (self.node, self.seq, self.hash) == (other.node, other.seq, other.hash)
    }

    fn message(&self) -> Vec<u8> {
        let mut message = b"hallpass audit head 1".to_vec();
        message.extend(self.node.as_bytes());
        message.extend(self.seq.to_be_bytes());
        message.extend(self.hash);
        message.extend(self.at.unix_millis().to_be_bytes());
        message
    }
}

impl Floor {
    fn message(&self) -> Vec<u8> {
        let mut message = b"hallpass audit floor 1".to_vec();
        message.extend(self.node.as_bytes());
        message.extend(self.seq.to_be_bytes());
        message.extend(self.hash);
        message
    }
}

/// The key that signs the ends of chains.
pub struct AuditKey(Ed25519KeyPair);

/// Its public half.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditPublicKey([u8; 32]);

impl AuditKey {
    /// The key of a seed; `None` for a seed of which none can be made, which is never drawn.
    pub fn from_seed(seed: &Secret<[u8; 32]>) -> Option<Self> {
        Ed25519KeyPair::from_seed_unchecked(seed.expose())
            .ok()
            .map(Self)
    }

    /// Its public half.
    pub fn public(&self) -> AuditPublicKey {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(self.0.public_key().as_ref());
        AuditPublicKey(bytes)
    }

    /// Signs the end of a chain.
    pub fn sign_head(&self, head: Head) -> Signed<Head> {
        Signed {
            signature: self.sign(&head.message()),
            value: head,
        }
    }

    /// Signs that records went because they were old.
    pub fn sign_floor(&self, floor: Floor) -> Signed<Floor> {
        Signed {
            signature: self.sign(&floor.message()),
            value: floor,
        }
    }

    fn sign(&self, message: &[u8]) -> [u8; 64] {
        let mut signature = [0; 64];
        signature.copy_from_slice(self.0.sign(message).as_ref());
        signature
    }
}

impl fmt::Debug for AuditKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AuditKey").field(&self.public()).finish()
    }
}

impl AuditPublicKey {
    /// As it was written.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// As it is written.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether the server signed this end.
    pub fn signed_head(&self, head: &Signed<Head>) -> bool {
        self.signed(&head.value.message(), &head.signature)
    }

    /// Whether the server signed this beginning.
    pub fn signed_floor(&self, floor: &Signed<Floor>) -> bool {
        self.signed(&floor.value.message(), &floor.signature)
    }

    fn signed(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        let key = UnparsedPublicKey::new(&ED25519, self.0);
        key.verify(message, signature).is_ok()
    }
}
