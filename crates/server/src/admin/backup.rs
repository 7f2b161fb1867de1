//! Copies of a SQLite database, and what comes back with one.

use std::path::{Path, PathBuf};

use hallpass_protocol::Clock as _;
use hallpass_protocol::random::SystemRandom;
use hallpass_protocol::time::SystemClock;
use hallpass_store::{Store, StoreError};

use super::replay;
use crate::key_ring;
use crate::server::StartError;
use crate::settings::Settings;

/// What becomes of the sign-ins of a restored database, which has forgotten who was signed out since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sessions {
    /// Everybody signs in again.
    End,
    /// Also those that were revoked after the backup live again, unless this audit file says that they
    /// ended (row S-269).
    Keep {
        /// What a sink wrote, or what `hallpass admin audit search -o json` printed.
        audit_file: Option<PathBuf>,
    },
}

/// What a restore did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// How many authorizations ended.
    pub ended: u64,
    /// Where the database before is kept.
    pub before: Option<PathBuf>,
}

/// Copies the database into a new file; a server may use it meanwhile.
pub async fn back_up(settings: &Settings, copy: &Path) -> Result<(), StartError> {
    let (database, copy) = (file(settings)?, copy.to_owned());
    let copied = tokio::task::spawn_blocking(move || hallpass_store::backup(&database, &copy));
    Ok(copied.await.map_err(|_| panicked())??)
}

/// Puts a copy in the place of the database. The copy must be whole, and the key ring must open it.
pub async fn restore(
    settings: &Settings,
    copy: &Path,
    sessions: Sessions,
) -> Result<Restored, StartError> {
    let (database, copy) = (file(settings)?, copy.to_owned());
    let forgotten = match &sessions {
        Sessions::Keep {
            audit_file: Some(path),
        } => replay::read(path)?,
        Sessions::Keep { audit_file: None } | Sessions::End => Vec::new(),
    };
    let (ring, _) = key_ring::load(settings, &SystemRandom, SystemClock.now())?;
    let begun =
        tokio::task::spawn_blocking(move || hallpass_store::Restore::begin(&copy, &database));
    let restore = begun.await.map_err(|_| panicked())??;
    let store = Store::open(restore.waiting(), ring.store_keys())?;
    let now = SystemClock.now();
    let ended = match sessions {
        Sessions::End => {
            store
                .write(move |tx| hallpass_store::end_all_sessions(tx, now))
                .await?
        }
        Sessions::Keep { .. } => {
            store
                .write(move |tx| hallpass_store::end_again(tx, &forgotten, now))
                .await?
        }
    };
    store.close().await;
    let finished = tokio::task::spawn_blocking(move || restore.finish());
    let before = finished.await.map_err(|_| panicked())??;
    Ok(Restored { ended, before })
}

fn file(settings: &Settings) -> Result<PathBuf, StartError> {
    sqlite_file(settings).ok_or_else(|| {
        StartError::Fault(
            "this database is not SQLite: PostgreSQL has its own backups (pg_basebackup, pg_dump)"
                .to_owned(),
        )
    })
}

/// The file of a SQLite database.
fn sqlite_file(settings: &Settings) -> Option<PathBuf> {
    let place = settings.database.url.expose().strip_prefix("sqlite:")?;
    Some(PathBuf::from(place.strip_prefix("//").unwrap_or(place)))
}

fn panicked() -> StartError {
    StartError::Database(StoreError::Unavailable("the copy panicked".to_owned()))
}
