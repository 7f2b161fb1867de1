//! Brings the tables of a database to this version: forward only, in one transaction.
//!
//! The files are written once, in SQLite's words. PostgreSQL has other words for the same types;
//! where it needs other statements, two files have the same number.

use std::borrow::Cow;

use aws_lc_rs::digest::{SHA256, digest};
use hallpass_protocol::Clock as _;
use hallpass_protocol::time::SystemClock;

use crate::database::{Dialect, Transaction};
use crate::error::StoreError;
use crate::ring_keys;

/// Every change of the tables, in order. What was released is never edited: a checksum tells.
const MIGRATIONS: &[Migration] = &[
    Migration::new(1, include_str!("../migrations/0001_settings.sql")),
    Migration::new(2, include_str!("../migrations/0002_authorizations.sql")),
    Migration::new(
        3,
        include_str!("../migrations/0003_authorization_codes.sql"),
    ),
    Migration::new(4, include_str!("../migrations/0004_device_grants.sql")),
    Migration::new(5, include_str!("../migrations/0005_browser_sessions.sql")),
    Migration::new(6, include_str!("../migrations/0006_signing_keys.sql")),
    Migration::new(7, include_str!("../migrations/0007_revocations.sql")),
    Migration::new(
        8,
        include_str!("../migrations/0008_signing_key_rotation.sql"),
    ),
    Migration {
        version: 9,
        sqlite: include_str!("../migrations/0009_room_to_refresh.sqlite.sql"),
        postgres: Some(include_str!(
            "../migrations/0009_room_to_refresh.postgres.sql"
        )),
    },
    Migration::new(10, include_str!("../migrations/0010_dpop.sql")),
    Migration::new(11, include_str!("../migrations/0011_pushed_requests.sql")),
    Migration::new(12, include_str!("../migrations/0012_clients.sql")),
    Migration::new(
        13,
        include_str!("../migrations/0013_signing_key_states.sql"),
    ),
    Migration::new(14, include_str!("../migrations/0014_ring_keys.sql")),
    Migration::new(15, include_str!("../migrations/0015_accounts.sql")),
    Migration::new(16, include_str!("../migrations/0016_email_outbox.sql")),
    Migration {
        version: 17,
        sqlite: include_str!("../migrations/0017_counters.sqlite.sql"),
        postgres: Some(include_str!("../migrations/0017_counters.postgres.sql")),
    },
    Migration::new(18, include_str!("../migrations/0018_sign_ins.sql")),
    Migration::new(19, include_str!("../migrations/0019_consents.sql")),
    Migration::new(20, include_str!("../migrations/0020_other_address.sql")),
    Migration {
        version: 21,
        sqlite: include_str!("../migrations/0021_proof_ids.sqlite.sql"),
        postgres: Some(include_str!("../migrations/0021_proof_ids.postgres.sql")),
    },
    Migration::new(22, include_str!("../migrations/0022_sign_in_events.sql")),
    Migration::new(23, include_str!("../migrations/0023_labels.sql")),
    Migration {
        version: 24,
        sqlite: include_str!("../migrations/0024_revocation_feed.sqlite.sql"),
        postgres: Some(include_str!(
            "../migrations/0024_revocation_feed.postgres.sql"
        )),
    },
    Migration::new(25, include_str!("../migrations/0025_languages.sql")),
    Migration {
        version: 26,
        sqlite: include_str!("../migrations/0026_device_polls.sqlite.sql"),
        postgres: Some(include_str!("../migrations/0026_device_polls.postgres.sql")),
    },
    Migration::new(27, include_str!("../migrations/0027_nodes.sql")),
    Migration::new(28, include_str!("../migrations/0028_second_factors.sql")),
    Migration::new(29, include_str!("../migrations/0029_passkeys.sql")),
    Migration {
        version: 30,
        sqlite: include_str!("../migrations/0030_authorizations_by_holder.sqlite.sql"),
        postgres: Some(include_str!(
            "../migrations/0030_authorizations_by_holder.postgres.sql"
        )),
    },
    Migration::new(31, include_str!("../migrations/0031_networks.sql")),
    Migration {
        version: 32,
        sqlite: include_str!("../migrations/0032_browser_session_ids.sqlite.sql"),
        postgres: Some(include_str!(
            "../migrations/0032_browser_session_ids.postgres.sql"
        )),
    },
    Migration::new(33, include_str!("../migrations/0033_audit_events.sql")),
    Migration::new(34, include_str!("../migrations/0034_sign_ups.sql")),
];

/// How far the tables of a database are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schema {
    /// The changes that were made.
    pub applied: Vec<u32>,
    /// Those that this version would make, each with its first line.
    pub pending: Vec<(u32, &'static str)>,
    /// Those that only a newer version knows.
    pub unknown: Vec<u32>,
}

impl Schema {
    /// Looks at the changes that a database has.
    pub(crate) fn of(applied: Vec<u32>) -> Self {
        let is_applied = |migration: &&Migration| applied.contains(&migration.version);
        let pending = MIGRATIONS.iter().filter(|migration| !is_applied(migration));
        let first_line = |sql: &'static str| {
            let line = sql.lines().next().unwrap_or_default();
            line.trim_start_matches("-- ").trim_end_matches('.')
        };
        let is_unknown = |version: &u32| MIGRATIONS.iter().all(|known| known.version != *version);
        Self {
            pending: pending
                .map(|migration| (migration.version, first_line(migration.sqlite)))
                .collect(),
            unknown: applied.iter().copied().filter(is_unknown).collect(),
            applied,
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Migration {
    version: u32,
    sqlite: &'static str,
    /// Only where it is more than other words.
    postgres: Option<&'static str>,
}

impl Migration {
    const fn new(version: u32, sqlite: &'static str) -> Self {
        Self {
            version,
            sqlite,
            postgres: None,
        }
    }

    fn sql(self, dialect: Dialect) -> Cow<'static, str> {
        match (dialect, self.postgres) {
            (Dialect::Sqlite, _) => self.sqlite.into(),
            (Dialect::Postgres, Some(sql)) => sql.into(),
            (Dialect::Postgres, None) => in_postgres_words(self.sqlite).into(),
        }
    }

    fn checksum(self, dialect: Dialect) -> Vec<u8> {
        // A checkout with other line ends is the same migration.
        digest(&SHA256, self.sql(dialect).replace('\r', "").as_bytes())
            .as_ref()
            .to_vec()
    }
}

/// Every integer is 64 bits wide on both engines, and texts sort by their bytes.
fn in_postgres_words(sqlite: &str) -> String {
    [
        (" INTEGER", " BIGINT"),
        (" BLOB", " BYTEA"),
        (" TEXT", " TEXT COLLATE \"C\""),
        (") STRICT", ")"),
    ]
    .into_iter()
    .fold(sqlite.to_owned(), |sql, (theirs, ours)| {
        sql.replace(theirs, ours)
    })
}

/// The changes that a PostgreSQL database has.
pub(crate) fn applied(tx: &Transaction<'_>) -> Result<Vec<u32>, StoreError> {
    if tx.count("SELECT count(to_regclass('schema_version'))", &[])? == 0 {
        return Ok(Vec::new());
    }
    tx.list(
        "SELECT version FROM schema_version ORDER BY version",
        &[],
        |row| {
            let version: u32 = row.take()?;
            Ok(version)
        },
    )
}

/// Applies what is missing, and checks that the key is the one that sealed what is there. The key of
/// the ring that makes what is new.
pub(crate) fn run(tx: &Transaction<'_>) -> Result<u8, StoreError> {
    tx.note_migrated(apply(tx, MIGRATIONS)?);
    ring_keys::check(tx, None, SystemClock.now())
}

/// Applies what is missing; which those are.
fn apply(tx: &Transaction<'_>, migrations: &'static [Migration]) -> Result<Vec<u32>, StoreError> {
    let mut made = Vec::new();
    let dialect = tx.dialect();
    if dialect == Dialect::Postgres {
        check_encoding(tx)?;
        // One node at a time. The lock goes with the transaction; what waits behind it for a table
        // does not wait long.
        tx.migrate(TAKE_TURNS)?;
    }
    tx.migrate(&Migration::new(0, SCHEMA_VERSION).sql(dialect))?;
    let applied = tx.list(
        "SELECT version, checksum FROM schema_version ORDER BY version",
        &[],
        |row| Ok((row.take::<u32>()?, row.take::<Vec<u8>>()?)),
    )?;
    for (version, checksum) in &applied {
        let Some(known) = migrations
            .iter()
            .find(|migration| migration.version == *version)
        else {
            return Err(StoreError::Migration(format!(
                "it has version {version} of the tables: a newer hallpass wrote it"
            )));
        };
        if known.checksum(dialect) != *checksum {
            return Err(StoreError::Migration(format!(
                "version {version} of its tables is not the one that this hallpass knows"
            )));
        }
    }
    for migration in migrations {
        if applied
            .iter()
            .any(|(version, _)| *version == migration.version)
        {
            continue;
        }
        tx.migrate(&migration.sql(dialect))?;
        tx.run(
            "INSERT INTO schema_version (version, checksum) VALUES ($1, $2)",
            &[&migration.version, &migration.checksum(dialect)],
        )?;
        made.push(migration.version);
    }
    Ok(made)
}

/// A database in another encoding would refuse some names, or change them.
fn check_encoding(tx: &Transaction<'_>) -> Result<(), StoreError> {
    tx.list(
        "SELECT current_setting('server_encoding')",
        &[],
        |row| match row.take::<String>()?.as_str() {
            "UTF8" => Ok(()),
            other => Err(StoreError::Migration(format!(
                "its encoding is {other} and must be UTF8"
            ))),
        },
    )
    .map(|_| ())
}

const SCHEMA_VERSION: &str = "CREATE TABLE IF NOT EXISTS schema_version \
     (version INTEGER PRIMARY KEY, checksum BLOB NOT NULL) STRICT";
/// The number says "hallpass" in ASCII.
const TAKE_TURNS: &str = "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0; \
     SELECT pg_advisory_xact_lock(7521962890172298099); SET LOCAL lock_timeout = '2s'";

#[cfg(test)]
mod tests {
    use crate::database::Context;
    use crate::database::sqlite::Database;
    use crate::sealed::StoreKey;

    use super::*;

    const FIRST: &[Migration] = &[Migration::new(1, "CREATE TABLE a (b INTEGER)")];
    const BOTH: &[Migration] = &[
        Migration::new(1, "CREATE TABLE a (b INTEGER)"),
        Migration::new(2, "CREATE TABLE c (d TEXT)"),
    ];
    const EDITED: &[Migration] = &[Migration::new(1, "CREATE TABLE a (b TEXT)")];
    const BROKEN: &[Migration] = &[
        Migration::new(1, "CREATE TABLE a (b INTEGER)"),
        Migration::new(2, "CREATE TABEL"),
    ];

    fn database() -> Database {
        let context = Context::alone(StoreKey::from_bytes([1; 32])).unwrap();
        Database::open_in_memory(context).unwrap()
    }

    fn migrate(database: &Database, to: &'static [Migration]) -> Result<(), StoreError> {
        database.write_alone(|tx| apply(tx, to)).map(drop)
    }

    #[test]
    fn what_is_there_stays_and_what_is_missing_comes() {
        let database = database();
        migrate(&database, FIRST).unwrap();
        database
            .write_alone(|tx| tx.execute("INSERT INTO a (b) VALUES (1)", &[]))
            .unwrap();
        migrate(&database, BOTH).unwrap();
        migrate(&database, BOTH).unwrap();
        assert_eq!(
            database.read(|tx| tx.count("SELECT count(*) FROM a", &[])),
            Ok(1)
        );
    }

    #[test]
    fn an_edited_migration_and_a_newer_database_are_refused() {
        let database = database();
        migrate(&database, BOTH).unwrap();
        assert!(
            matches!(migrate(&database, FIRST), Err(StoreError::Migration(text)) if text.contains("newer"))
        );
        assert!(matches!(
            migrate(&database, EDITED),
            Err(StoreError::Migration(_))
        ));
    }

    #[test]
    fn a_broken_migration_changes_nothing() {
        let database = database();
        assert!(migrate(&database, BROKEN).is_err());
        migrate(&database, FIRST).unwrap();
    }

    #[test]
    fn sign_ins_from_before_are_found_by_their_person_and_browser() {
        const SIGN_IN: &str = "INSERT INTO authorizations (id, issuer, client_id, user_id, \
             user_claims, scopes, resource, auth_time, browser_session, origin, created_at) \
             VALUES ($1, '', 'cli', 'ada', '{}', '', '[]', 0, $2, 1, 0)";
        let database = database();
        let before = MIGRATIONS.partition_point(|migration| migration.version < 30);
        migrate(&database, &MIGRATIONS[..before]).unwrap();
        let sign_in = |number: u8| {
            let (id, browser) = (vec![number; 16], vec![number; 32]);
            database
                .write_alone(|tx| tx.run(SIGN_IN, &[&id, &browser]))
                .unwrap();
        };
        sign_in(1);
        migrate(&database, MIGRATIONS).unwrap();
        sign_in(2);
        let count = |sql| database.read(|tx| tx.count(sql, &[]));
        let of_ada = "SELECT count(*) FROM authorizations_by_user WHERE user_id = 'ada'";
        assert_eq!(count(of_ada), Ok(2));
        let of_browsers = "SELECT count(DISTINCT browser_session) FROM authorizations_by_session";
        assert_eq!(count(of_browsers), Ok(2));
    }

    #[test]
    fn a_sign_in_from_before_hangs_from_its_browser_session() {
        const SESSION: &str = "INSERT INTO browser_sessions (token_hash, issuer, user_id, \
             user_claims, auth_time, expires_at) VALUES ($1, '', 'ada', '{}', 0, 9)";
        const SIGN_IN: &str = "INSERT INTO authorizations (id, issuer, client_id, user_id, \
             user_claims, scopes, resource, auth_time, browser_session, origin, created_at) \
             VALUES ($1, '', 'cli', 'ada', '{}', '', '[]', 0, $2, 1, 0)";
        let database = database();
        let before = MIGRATIONS.partition_point(|migration| migration.version < 32);
        migrate(&database, &MIGRATIONS[..before]).unwrap();
        let (id, cookie) = (vec![1; 16], vec![2; 32]);
        let signed_in = database.write_alone(|tx| {
            tx.run(SESSION, &[&cookie])?;
            tx.run(SIGN_IN, &[&id, &cookie])
        });
        signed_in.unwrap();
        migrate(&database, MIGRATIONS).unwrap();
        let found = "SELECT count(*) FROM authorizations_by_session JOIN browser_sessions \
             ON browser_sessions.id = browser_session AND token_hash = browser_session";
        assert_eq!(database.read(|tx| tx.count(found, &[])), Ok(1));
    }

    #[test]
    fn versions_only_grow() {
        let versions = MIGRATIONS.iter().map(|migration| migration.version);
        assert!(versions.clone().is_sorted_by(|one, next| one < next));
        assert_eq!(versions.min(), Some(1));
    }
}
