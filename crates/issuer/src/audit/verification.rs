//! Whether a chain is the one that was written: record by record, against its signed ends, and against
//! the ends that somebody noted elsewhere.

use super::chain::{AuditPublicKey, Floor, Head, Signed};
use super::entry::Record;
use super::node_id::NodeId;

/// What a database says of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// Its end.
    pub head: Signed<Head>,
    /// Where it begins now, if old records went.
    pub floor: Option<Signed<Floor>>,
    /// The highest place that a record has, if there is one.
    pub last: Option<u64>,
}

/// Why a chain is not the one that was written. Only the first reason of a chain is told: after it
/// nothing can be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Finding {
    /// A record is not what it was.
    #[error("record {seq} of chain {node} was changed")]
    Changed {
        /// Whose chain.
        node: NodeId,
        /// Which record.
        seq: u64,
    },
    /// A record is missing, or another one stands before it.
    #[error(
        "record {seq} of chain {node} does not follow the one before it: records are missing or were exchanged"
    )]
    OutOfLine {
        /// Whose chain.
        node: NodeId,
        /// Which record.
        seq: u64,
    },
    /// The end of a chain is gone.
    #[error("chain {node} ends with record {last} and had {signed}: its tail was cut")]
    Cut {
        /// Whose chain.
        node: NodeId,
        /// The last record there is; 0 where there is none.
        last: u64,
        /// The last one that is known of.
        signed: u64,
    },
    /// Records stand behind the signed end.
    #[error("record {seq} of chain {node} was never signed: somebody else wrote it")]
    Unsigned {
        /// Whose chain.
        node: NodeId,
        /// The first of them.
        seq: u64,
    },
    /// The signature under the end of a chain is not the server's.
    #[error("the end of chain {node} is not signed by this server")]
    BadHead {
        /// Whose chain.
        node: NodeId,
    },
    /// The signature under the beginning of a chain is not the server's.
    #[error(
        "records of chain {node} up to {seq} are gone, and this server did not sign that they were old"
    )]
    BadFloor {
        /// Whose chain.
        node: NodeId,
        /// The last of them.
        seq: u64,
    },
    /// A record is another one than an anchor says.
    #[error(
        "record {seq} of chain {node} is not the one of the anchor: the chain was written anew"
    )]
    NotAnchored {
        /// Whose chain.
        node: NodeId,
        /// Which record.
        seq: u64,
    },
    /// A chain that is known of is not there.
    #[error("chain {node} is missing: it had {seq} records")]
    Missing {
        /// Whose chain.
        node: NodeId,
        /// How many records are known of.
        seq: u64,
    },
    /// Records of a chain of which the server says nothing.
    #[error(
        "the records of chain {node} have no signed end: it was removed, or somebody else wrote them"
    )]
    Headless {
        /// Whose chain.
        node: NodeId,
    },
    /// An anchor is not this server's.
    #[error("the anchor of chain {node} at record {seq} is not signed by this server")]
    BadAnchor {
        /// Whose chain.
        node: NodeId,
        /// At which record.
        seq: u64,
    },
}

/// The walk along one chain, from its beginning.
#[derive(Debug)]
pub struct Walk<'a> {
    chain: &'a Chain,
    at: Head,
    /// The ends that somebody noted, in the order of their places; those behind are passed.
    anchors: Vec<Head>,
    passed: usize,
}

impl<'a> Walk<'a> {
    /// Begins the walk. Anchors of other chains are left out.
    pub fn begin(
        chain: &'a Chain,
        key: &AuditPublicKey,
        anchors: &[Head],
    ) -> Result<Self, Finding> {
        let node = chain.head.value.node;
        if !key.signed_head(&chain.head) {
            return Err(Finding::BadHead { node });
        }
        let mut at = Head::start(node, chain.head.value.at);
        if let Some(floor) = &chain.floor {
            let value = floor.value;
            if value.node != node || !key.signed_floor(floor) {
                let seq = value.seq;
                return Err(Finding::BadFloor { node, seq });
            }
            (at.seq, at.hash) = (value.seq, value.hash);
        }
        let mut anchors: Vec<Head> = anchors
            .iter()
            // What is older than all that is kept says nothing any more.
            .filter(|anchor| anchor.node == node && anchor.seq >= at.seq)
            .copied()
            .collect();
        anchors.sort_by_key(|anchor| anchor.seq);
        let mut walk = Self {
            chain,
            at,
            anchors,
            passed: 0,
        };
        walk.pass_anchors()?;
        Ok(walk)
    }

    /// The place of the last record that was seen, or from where the chain begins.
    pub fn place(&self) -> u64 {
        self.at.seq
    }

    /// Takes the next record of the chain.
    pub fn step(&mut self, record: &Record) -> Result<(), Finding> {
        let (node, seq) = (self.at.node, record.seq);
        if seq > self.chain.head.value.seq {
            return Err(Finding::Unsigned { node, seq });
        }
        if record.node != node || seq != self.at.seq + 1 || record.prev_hash != self.at.hash {
            return Err(Finding::OutOfLine { node, seq });
        }
        let content = &record.content;
        let is_shown = |personal: Option<&super::entry::Veiled>| {
            personal.is_none_or(super::entry::Veiled::holds)
        };
        if content.hash(&node, seq, &record.prev_hash) != record.hash
            || !content.personal().into_iter().all(is_shown)
        {
            return Err(Finding::Changed { node, seq });
        }
        (self.at.seq, self.at.hash) = (seq, record.hash);
        self.pass_anchors()
    }

    /// Ends the walk: no record is left.
    pub fn finish(self) -> Result<(), Finding> {
        let (node, signed) = (self.at.node, self.chain.head.value);
        let last = self.at.seq;
        if last < signed.seq {
            let signed = signed.seq;
            return Err(Finding::Cut { node, last, signed });
        }
        if signed.hash != self.at.hash {
            return Err(Finding::BadHead { node });
        }
        if let Some(seq) = self.chain.last.filter(|seq| *seq > signed.seq) {
            return Err(Finding::Unsigned { node, seq });
        }
        match self.anchors.last().filter(|anchor| anchor.seq > last) {
            Some(anchor) => {
                let signed = anchor.seq;
                Err(Finding::Cut { node, last, signed })
            }
            None => Ok(()),
        }
    }

    fn pass_anchors(&mut self) -> Result<(), Finding> {
        while let Some(anchor) = self.anchors.get(self.passed) {
            if anchor.seq > self.at.seq {
                break;
            }
            if anchor.hash != self.at.hash {
                let (node, seq) = (anchor.node, anchor.seq);
                return Err(Finding::NotAnchored { node, seq });
            }
            self.passed += 1;
        }
        Ok(())
    }
}
