//! How the records of a store are opened: its key, whose chain is written, and what it begins with.

use std::sync::Arc;

use hallpass_issuer::audit::{Actor, Entry, Event, NodeId};
use hallpass_protocol::random::Random;
use hallpass_protocol::{Clock, Timestamp};
use hallpass_store::audit_events;
use hallpass_store::{Store, StoreError};

use super::handle::Audit;
use super::sinks::Lines;
use super::writer::Writer;
use super::{json, key};
use crate::listen::StartError;
use crate::settings::{AuditSettings, AuditSink};

/// So many chains are named by the first record of a new one.
const NAMED_CHAINS: u32 = 20;

/// Whose chain a process writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// A server.
    Server,
    /// A command, which on a server's database shares a chain with all others.
    Command,
}

impl Audit {
    /// Opens the records of a store: makes sure of the key, and of the other sinks.
    pub(crate) async fn open(
        store: &Store,
        (clock, random): (Arc<dyn Clock>, Arc<dyn Random>),
        settings: &AuditSettings,
        role: Role,
    ) -> Result<Self, StartError> {
        if settings.sinks.is_empty() {
            return Ok(Self::off());
        }
        let lines = Lines::of(&settings.sinks);
        lines.check().map_err(|error| {
            StartError::Fault(format!(
                "the file of `[audit] file` cannot be written: {error}"
            ))
        })?;
        let key = key::load(store, random.as_ref()).await?;
        let is_alone = role == Role::Command || !store.has_other_nodes();
        let node = if is_alone {
            NodeId::ALONE
        } else {
            NodeId::from_bytes(store.node())
        };
        let started = start_event(store, (clock.now(), node), role).await?;
        let kept = settings.sinks.contains(&AuditSink::Database);
        let (store, is_shared) = (store.clone(), is_alone && store.has_other_nodes());
        let audit = Self::over(|dropped| {
            let store = kept.then_some(store);
            Writer::new(
                (store, key),
                (clock, random),
                lines,
                (node, is_shared),
                dropped,
            )
        });
        for entry in started {
            audit.tell(entry);
        }
        Ok(audit)
    }
}

/// That a server starts, and which chains it met; that it changed the tables.
async fn start_event(
    store: &Store,
    (now, node): (Timestamp, NodeId),
    role: Role,
) -> Result<Vec<Entry>, StoreError> {
    let mut entries = Vec::new();
    if role == Role::Server {
        let started = Entry::new(Event::SystemStarted, now)
            .by(Actor::System)
            .with("version", env!("CARGO_PKG_VERSION"));
        entries.push(if node == NodeId::ALONE {
            started
        } else {
            let heads = store.read(|tx| audit_events::list_newest_heads(tx, NAMED_CHAINS));
            json::with_chains(started, &heads.await?)
        });
    }
    if let (Some(first), Some(last)) = (store.migrated().first(), store.migrated().last()) {
        let migrated = Entry::new(Event::SystemMigrated, now)
            .by(if role == Role::Server {
                Actor::System
            } else {
                Actor::Operator
            })
            .with("from", first.saturating_sub(1))
            .with("to", *last);
        entries.push(migrated);
    }
    Ok(entries)
}
