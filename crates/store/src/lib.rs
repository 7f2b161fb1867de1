//! How the issuer's records are kept: plain functions over a transaction, one file per table.
//!
//! A caller loads, decides and saves inside one job:
//!
//! ```
//! # use hallpass_store::{Store, StoreKey, revocations};
//! # use hallpass_protocol::{Timestamp, random::SystemRandom};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), hallpass_store::StoreError> {
//! let store = Store::open_in_memory(StoreKey::random(&SystemRandom))?;
//! let end = Timestamp::from_unix_seconds(1_700_000_000);
//! store.write(move |tx| revocations::insert_jti(tx, "/", "token-1", end)).await?;
//! assert!(store.read(|tx| revocations::is_revoked_jti(tx, "/", "token-1")).await?);
//! # Ok(())
//! # }
//! ```
//!
//! A job that returns an error leaves nothing behind. So a *refusal* that changes a record (a burnt
//! code, a counted attempt) is no error of the job: it returns `Ok` with the refusal inside.

mod audit_verification;
mod backup;
mod columns;
mod database;
mod device_news;
mod ended;
mod error;
mod lock_file;
mod memory;
mod migrations;
mod pool;
mod postgres_url;
mod revocation_feed;
mod revocation_watch;
mod sealed;
mod store;

pub mod account_links;
pub mod audit_events;
pub mod authorization_codes;
pub mod authorization_lookups;
pub mod authorizations;
pub mod browser_sessions;
pub mod clients;
pub mod confirmed_networks;
pub mod consents;
pub mod counters;
pub mod device_grants;
pub mod device_polls;
pub mod email_outbox;
pub mod lasting_secrets;
pub mod leader;
pub mod nodes;
pub mod passkey_challenges;
pub mod passkeys;
pub mod passwords;
pub mod proof_ids;
pub mod pushed_requests;
pub mod recovery_codes;
pub mod revocations;
pub mod ring_keys;
pub mod sign_in_events;
pub mod sign_ups;
pub mod signing_keys;
pub mod totp_secrets;
pub mod users;

pub use audit_verification::{AuditReport, ChainReport, verify_audit};
pub use backup::{Restore, backup};
pub use database::Transaction;
pub use device_news::DeviceNews;
pub use ended::{Forgotten, end_again, end_all_sessions};
pub use error::StoreError;
pub use migrations::Schema;
pub use revocation_watch::{LEASE, Moment, RevocationWatch, SeenLive, TokenNames};
pub use sealed::{StoreKey, StoreKeys};
pub use store::Store;
