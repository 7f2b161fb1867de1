//! Why the server does not start, and what to do about it.
//!
//! Exit codes: `hallpass help exit-codes`.

use std::io;
use std::net::SocketAddr;

use hallpass_store::StoreError;

use crate::key_ring::KeyRingError;
use crate::settings::SettingsError;

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Somebody else listens there.
    #[error("cannot listen on {address}: the port is in use")]
    PortInUse {
        /// The address that is taken.
        address: SocketAddr,
    },
    /// The system refuses the address.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// No address is configured.
    #[error("there is no address to listen on")]
    NoAddress,
    /// The key ring cannot be used.
    #[error(transparent)]
    KeyRing(#[from] KeyRingError),
    /// The database cannot be used.
    #[error("cannot open the database: {0}")]
    Database(#[from] StoreError),
    /// Store or keys cannot be opened.
    #[error("cannot prepare the server: {0}")]
    Fault(String),
    /// A node does not publish a new signing key.
    #[error("node {node} does not publish the new signing key, so nothing signs with it yet")]
    Unpublished {
        /// Its id.
        node: String,
    },
    /// The settings cannot be used.
    #[error(transparent)]
    Settings(#[from] SettingsError),
}

impl StartError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::PortInUse { .. } => {
                Some("take any free port with `--port 0`, or free the port".to_owned())
            }
            Self::Bind { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                Some("ports below 1024 need a privilege: take another one with `--port`".to_owned())
            }
            Self::Bind { .. } | Self::NoAddress => {
                Some("give `--host` an address that this machine has".to_owned())
            }
            Self::KeyRing(error) => Some(error.hint()),
            Self::Database(error) => database_hint(error),
            Self::Unpublished { .. } => Some(
                "see `hallpass admin keys list` and that node's log, then try again; a key in foreign hands \
                 goes at once with `keys rotate --now --revoke KID`"
                    .to_owned(),
            ),
            Self::Fault(_) => None,
            Self::Settings(error) => error.hint(),
        }
    }

    /// The exit code of the command line.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::PortInUse { .. } | Self::Bind { .. } | Self::Unpublished { .. } => 1,
            Self::NoAddress
            | Self::KeyRing(_)
            | Self::Database(_)
            | Self::Fault(_)
            | Self::Settings(_) => 5,
        }
    }
}

fn database_hint(error: &StoreError) -> Option<String> {
    let hint = match error {
        StoreError::InUse { .. } => "stop the other process: one server uses a SQLite file",
        StoreError::MissingKey {
            needed_until: Some(until),
            ..
        } => {
            let until = jiff::Timestamp::from_millisecond(until.unix_millis()).unwrap_or_default();
            return Some(format!(
                "put that key back into the key ring, after the first one: tokens that it made live \
                 until {}",
                until.strftime("%Y-%m-%d %H:%M UTC")
            ));
        }
        StoreError::MissingKey { .. } => {
            "put that key back into the key ring, after the first one; `hallpass admin keys reencrypt` \
             makes it unnecessary"
        }
        StoreError::WrongKey { .. } => "use the key ring that belongs to this database",
        StoreError::Migration(_) => "see `hallpass admin migrate status`",
        StoreError::Unavailable(_) => "check `database.url`, and that the database runs",
        StoreError::Conflict | StoreError::Corrupt(_) => return None,
    };
    Some(hint.to_owned())
}
