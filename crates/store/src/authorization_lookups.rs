//! Which authorizations a person has, and which a browser session has.
//!
//! People and browsers lie in no order: each of a thousand sign-ins that began in the same hour has
//! a page of its own in an index by person. A purge that had to change them would write thousands of
//! pages where a few dozen hold the rows. So on SQLite these indexes are tables, whose entries the
//! purge leaves behind: they point nowhere then. A sweep goes through the tables in their own order
//! and takes such entries out, all of a page at once. PostgreSQL's vacuum does the same with its
//! indexes, so there the tables are views.

use hallpass_issuer::tokens::one_time::SecretHash;
use hallpass_protocol::hex;
use hallpass_protocol::random::{self, SystemRandom};

use crate::columns::Bind;
use crate::database::{Row, Transaction};
use crate::error::StoreError;

/// How far a sweep came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    user: OfUser,
    browser: OfBrowser,
}

impl Place {
    /// Anywhere: a server that is often started anew still comes everywhere.
    pub fn random() -> Self {
        let user: [u8; 16] = random::bytes(&SystemRandom);
        let browser: [u8; 32] = random::bytes(&SystemRandom);
        Self {
            user: (String::new(), hex::encode(&user), Vec::new()),
            browser: (browser.into(), Vec::new()),
        }
    }
}

/// Entries whose authorization is gone. It never comes back: they may go at any time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dangling {
    users: Vec<OfUser>,
    browsers: Vec<OfBrowser>,
}

impl Dangling {
    /// How many entries these are.
    pub fn len(&self) -> usize {
        self.users.len() + self.browsers.len()
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
    let (browsers, browser) = BY_BROWSER.list_dangling(tx, &from.browser, limit)?;
    Ok((Dangling { users, browsers }, Place { user, browser }))
}

/// Deletes what [`list_dangling`] found.
pub fn delete(tx: &Transaction<'_>, dangling: &Dangling) -> Result<(), StoreError> {
    for entry in &dangling.users {
        tx.run(BY_USER.delete, &(BY_USER.bind)(entry))?;
    }
    for entry in &dangling.browsers {
        tx.run(BY_BROWSER.delete, &(BY_BROWSER.bind)(entry))?;
    }
    Ok(())
}

/// Hands what a browser session has over to another one. Only where the lookup is a table.
pub(crate) fn move_browser(
    tx: &Transaction<'_>,
    from: &SecretHash,
    to: &SecretHash,
) -> Result<(), StoreError> {
    if tx.is_remote() {
        return Ok(());
    }
    tx.run(
        "INSERT INTO authorizations_by_browser SELECT $1, id FROM authorizations_by_browser \
         WHERE browser_session = $2",
        &[to, from],
    )?;
    tx.run(
        "DELETE FROM authorizations_by_browser WHERE browser_session = $1",
        &[from],
    )
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
type OfBrowser = (Vec<u8>, Vec<u8>);

const BY_USER: Lookup<OfUser> = Lookup {
    list: "SELECT issuer, user_id, id, EXISTS \
         (SELECT 1 FROM authorizations WHERE authorizations.id = entry.id) \
         FROM authorizations_by_user AS entry WHERE (issuer, user_id, id) > ($1, $2, $3) \
         ORDER BY issuer, user_id, id LIMIT $4",
    delete: "DELETE FROM authorizations_by_user WHERE issuer = $1 AND user_id = $2 AND id = $3",
    bind: |(issuer, user, id)| vec![issuer, user, id],
    load: |row| Ok((row.take()?, row.take()?, row.take()?)),
};
const BY_BROWSER: Lookup<OfBrowser> = Lookup {
    list: "SELECT browser_session, id, EXISTS \
         (SELECT 1 FROM authorizations WHERE authorizations.id = entry.id) \
         FROM authorizations_by_browser AS entry WHERE (browser_session, id) > ($1, $2) \
         ORDER BY browser_session, id LIMIT $3",
    delete: "DELETE FROM authorizations_by_browser WHERE browser_session = $1 AND id = $2",
    bind: |(browser, id)| vec![browser, id],
    load: |row| Ok((row.take()?, row.take()?)),
};
