//! What an operator does to the database without a running server: `hallpass admin … --offline`.
//!
//! On PostgreSQL the servers may run, and take notice within a second. A SQLite file belongs to one
//! process, so there the server is stopped first.

mod backup;
mod keys;
mod replay;

use std::sync::Arc;

use hallpass_protocol::random::{Random, SystemRandom};
use hallpass_protocol::time::SystemClock;
use hallpass_protocol::{Clock as _, Timestamp};
use hallpass_store::{Schema, Store};

pub use backup::{Restored, Sessions, back_up, restore};
pub use hallpass_issuer::tokens::signing_key::{KeyState, Urgency};
pub use hallpass_store::nodes::Node;
pub use keys::KeyRow;

use crate::audit::{Audit, Role};
use crate::key_ring::{self, KeyRing};
use crate::server::StartError;
use crate::settings::Settings;

/// The records of a server, opened by a command.
#[derive(Debug)]
pub struct Admin {
    /// The settings.
    pub settings: Settings,
    /// The records.
    pub store: Store,
    /// The keys that they are sealed with.
    pub key_ring: KeyRing,
    random: Arc<dyn Random>,
    audit: Audit,
}

impl Admin {
    /// Opens the records that the settings name, and brings their tables to this version.
    pub async fn open(settings: Settings) -> Result<Self, StartError> {
        let random: Arc<dyn Random> = Arc::new(SystemRandom);
        let (key_ring, note) = key_ring::load(&settings, random.as_ref(), SystemClock.now())?;
        if let Some(note) = note {
            tracing::warn!("{note}");
        }
        let address = settings.database.address();
        let store = Store::connect(address.expose(), key_ring.store_keys()).await?;
        let at = (Arc::new(SystemClock) as Arc<_>, Arc::clone(&random));
        let audit = Audit::open(&store, at, &settings.audit, Role::Command).await?;
        Ok(Self {
            settings,
            store,
            key_ring,
            random,
            audit,
        })
    }

    /// The time by which commands act.
    pub fn now(&self) -> Timestamp {
        SystemClock.now()
    }

    /// Finishes every write.
    pub async fn close(self) {
        self.audit.flush().await;
        self.store.close().await;
    }
}

/// How far the tables are; changes nothing, and needs no key ring.
pub async fn schema(settings: &Settings) -> Result<Schema, StartError> {
    Ok(Store::schema(settings.database.address().expose()).await?)
}
