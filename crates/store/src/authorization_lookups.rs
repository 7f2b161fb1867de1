//! Which authorizations a person has, and which a browser session has.
//!
//! People and browsers lie in no order: each of a thousand sign-ins that began in the same hour has
//! a page of its own in an index by person. A purge that had to change them would write thousands of
//! pages where a few dozen hold the rows. So on SQLite these indexes are tables, whose entries the
//! purge leaves behind: they point nowhere then. A sweep goes through the tables in their own order
//! and takes such entries out, all of a page at once. PostgreSQL's vacuum does the same with its
//! indexes, so there the tables are views.

use std::time::Duration;

use hallpass_issuer::browser_session::BrowserSessionId;
use hallpass_protocol::random::{self, SystemRandom};
use hallpass_protocol::{Timestamp, hex};

use crate::columns::Bind;
use crate::database::{Row, Transaction};
use crate::error::StoreError;

/// No authorization of a session that began before is left, with what settings are usual.
const OLDEST: Duration = Duration::from_hours(150 * 24);

/// How far a sweep came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    user: OfUser,
    session: OfSession,
}

impl Place {
    /// Anywhere: a server that is often started anew still comes everywhere. The ids of people lie in
    /// no order, those of sessions in the order of time.
    pub fn random(now: Timestamp) -> Self {
        let user: [u8; 16] = random::bytes(&SystemRandom);
        let share = u32::from_be_bytes(random::bytes(&SystemRandom));
        let age = OLDEST.mul_f64(f64::from(share) / f64::from(u32::MAX));
        let session = BrowserSessionId::generate(now - age, &SystemRandom);
        Self {
            user: (String::new(), hex::encode(&user), Vec::new()),
            session: (session.as_bytes().to_vec(), Vec::new()),
        }
    }
}

/// Entries whose authorization is gone. It never comes back: they may go at any time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dangling {
    users: Vec<OfUser>,
    sessions: Vec<OfSession>,
}

impl Dangling {
    /// How many entries these are.
    pub fn len(&self) -> usize {
        self.users.len() + self.sessions.len()
    }

    /// Whether there is nothing to delete.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Looks at `limit` entries of each table after a place: what to delete of them, and where it came
/// to. After the end it begins again. Where tables need no sweep there is nothing.
pub fn list_dangling(
    tx: &Transaction<'_>,
    from: &Place,
    limit: u32,
) -> Result<(Dangling, Place), StoreError> {
    if tx.is_remote() {
        return Ok((Dangling::default(), from.clone()));
    }
    let (users, user) = BY_USER.list_dangling(tx, &from.user, limit)?;
    let (sessions, session) = BY_SESSION.list_dangling(tx, &from.session, limit)?;
    Ok((Dangling { users, sessions }, Place { user, session }))
}

/// Deletes what [`list_dangling`] found.
pub fn delete(tx: &Transaction<'_>, dangling: &Dangling) -> Result<(), StoreError> {
    for entry in &dangling.users {
        tx.run(BY_USER.delete, &(BY_USER.bind)(entry))?;
    }
    for entry in &dangling.sessions {
        tx.run(BY_SESSION.delete, &(BY_SESSION.bind)(entry))?;
    }
    Ok(())
}

/// A table of holders and their authorizations.
struct Lookup<K> {
    /// The entries after one, and of each whether its authorization is there.
    list: &'static str,
    delete: &'static str,
    bind: fn(&K) -> Vec<&dyn Bind>,
    load: fn(&mut Row<'_>) -> Result<K, StoreError>,
}

impl<K: Clone + Default> Lookup<K> {
    fn list_dangling(
        &self,
        tx: &Transaction<'_>,
        from: &K,
        limit: u32,
    ) -> Result<(Vec<K>, K), StoreError> {
        let mut values = (self.bind)(from);
        values.push(&limit);
        let entries = tx.list(self.list, &values, |row| {
            let entry = (self.load)(row)?;
            let is_there: bool = row.take()?;
            Ok((entry, is_there))
        })?;
        let is_full = u64::try_from(entries.len()) == Ok(limit.into());
        let last = entries.last().filter(|_| is_full);
        let last = last.map(|(entry, _)| entry.clone()).unwrap_or_default();
        let dangling = entries.into_iter().filter(|(_, is_there)| !is_there);
        Ok((dangling.map(|(entry, _)| entry).collect(), last))
    }
}

type OfUser = (String, String, Vec<u8>);
type OfSession = (Vec<u8>, Vec<u8>);

const BY_USER: Lookup<OfUser> = Lookup {
    list: "SELECT issuer, user_id, id, EXISTS \
         (SELECT 1 FROM authorizations WHERE authorizations.id = entry.id) \
         FROM authorizations_by_user AS entry WHERE (issuer, user_id, id) > ($1, $2, $3) \
         ORDER BY issuer, user_id, id LIMIT $4",
    delete: "DELETE FROM authorizations_by_user WHERE issuer = $1 AND user_id = $2 AND id = $3",
    bind: |(issuer, user, id)| vec![issuer, user, id],
    load: |row| Ok((row.take()?, row.take()?, row.take()?)),
};
const BY_SESSION: Lookup<OfSession> = Lookup {
    list: "SELECT browser_session, id, EXISTS \
         (SELECT 1 FROM authorizations WHERE authorizations.id = entry.id) \
         FROM authorizations_by_session AS entry WHERE (browser_session, id) > ($1, $2) \
         ORDER BY browser_session, id LIMIT $3",
    delete: "DELETE FROM authorizations_by_session WHERE browser_session = $1 AND id = $2",
    bind: |(session, id)| vec![session, id],
    load: |row| Ok((row.take()?, row.take()?)),
};
