//! The records, for whoever reads them: an operator's commands, and tests.

use hallpass_issuer::account::Username;
use hallpass_issuer::audit::{Event, Head, Record, Signed};
pub use hallpass_protocol::AuthorizationId;
use hallpass_protocol::random::SystemRandom;
use hallpass_protocol::time::SystemClock;
use hallpass_protocol::{Clock as _, Timestamp, UserId};
use hallpass_store::audit_events::{self, By, Place};
use hallpass_store::{AuditReport, Store, StoreError, users, verify_audit};
use serde_json::Value;

use super::handle::Audit;
use super::{json, key};
use crate::key_ring;
use crate::listen::StartError;
use crate::settings::Settings;

/// So many records are read at once.
const PAGE: u32 = 500;

/// The end of a chain as somebody noted it, with the server's signature.
pub type Anchor = Signed<Head>;

/// The records of a database.
#[derive(Clone, Debug)]
pub struct Trail {
    store: Store,
    /// What still waits to be written, where a server of this process writes it.
    audit: Audit,
}

/// What is looked for: records that have all that is named here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Search {
    /// The name of an event, or the part before its dot: `login`.
    pub event: Option<String>,
    /// A person.
    pub subject: Option<UserId>,
    /// A client.
    pub client: Option<String>,
    /// What a person was shown to ask about it.
    pub reference: Option<String>,
    /// A sign-in.
    pub sid: Option<AuthorizationId>,
    /// Not older than this.
    pub since: Option<Timestamp>,
    /// Older than this.
    pub until: Option<Timestamp>,
}

/// Why the records cannot be checked.
#[derive(Debug, thiserror::Error)]
pub enum TrailError {
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No server or command has written records yet.
    #[error("this database has no audit events: no server of this version has used it yet")]
    Nothing,
}

impl Trail {
    /// Opens the records of a database to read them. A server may use it meanwhile.
    pub async fn open(settings: &Settings) -> Result<Self, StartError> {
        let (ring, _) = key_ring::load(settings, &SystemRandom, SystemClock.now())?;
        let address = settings.database.address();
        let store = Store::connect_to_read(address.expose(), ring.store_keys()).await?;
        Ok(Self::of(store, Audit::off()))
    }

    pub(crate) fn of(store: Store, audit: Audit) -> Self {
        Self { store, audit }
    }

    /// The records that are looked for, the newest first, `limit` at most.
    pub async fn search(&self, search: &Search, limit: usize) -> Result<Vec<Record>, StoreError> {
        self.audit.flush().await;
        let by = search.by();
        let since = search
            .since
            .unwrap_or(Timestamp::from_unix_millis(i64::MIN));
        let end = Timestamp::from_unix_millis(i64::MAX);
        let mut before = Place::at(search.until.unwrap_or(end));
        let mut found = Vec::new();
        while found.len() < limit {
            let by = by.clone();
            let page = self
                .store
                .read(move |tx| audit_events::list(tx, &by, (before, since), PAGE));
            let page = page.await?;
            let Some(last) = page.last() else { break };
            before = Place::of(last);
            found.extend(page.into_iter().filter(|record| search.admits(record)));
        }
        found.truncate(limit);
        Ok(found)
    }

    /// Checks all records, also against the signed ends that somebody noted.
    pub async fn verify(&self, anchors: &[Anchor]) -> Result<AuditReport, TrailError> {
        self.audit.flush().await;
        let key = key::find(&self.store).await?.ok_or(TrailError::Nothing)?;
        Ok(verify_audit(&self.store, &key.public(), anchors).await?)
    }

    /// The person of a user name; what is none is taken for an id, since a deleted account has no name.
    pub async fn find_user(&self, name: &str) -> Result<UserId, StoreError> {
        let Some(username) = Username::parse(name) else {
            return Ok(UserId::new(name));
        };
        let find = self
            .store
            .read(move |tx| users::find_by_username(tx, &username));
        let found = find.await?;
        Ok(found.map_or_else(|| UserId::new(name), |account| account.id))
    }

    /// The signed ends of all chains, one line of JSON each.
    pub async fn anchors(&self) -> Result<Vec<Value>, TrailError> {
        self.audit.flush().await;
        let key = key::find(&self.store).await?.ok_or(TrailError::Nothing)?;
        let chains = self.store.read(audit_events::list_chains).await?;
        let lines = chains.iter();
        Ok(lines
            .map(|chain| json::anchor(&chain.head, &key.public()))
            .collect())
    }

    /// Ends the look at the database.
    pub async fn close(&self) {
        self.store.close().await;
    }
}

impl Search {
    /// What the database looks by: whatever leaves least to look through.
    fn by(&self) -> By {
        if let Some(reference) = &self.reference {
            By::Reference(reference.clone())
        } else if let Some(sid) = self.sid {
            By::Sid(sid)
        } else if let Some(subject) = &self.subject {
            By::Subject(subject.clone())
        } else if let Some(client) = &self.client {
            By::Client(client.clone())
        } else {
            By::Time
        }
    }

    fn admits(&self, record: &Record) -> bool {
        let content = &record.content;
        let is_event = |wanted: &String| {
            let rest = content.event.strip_prefix(wanted.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let subject = content.subject.as_ref().and_then(|subject| subject.value());
        let is_about = |wanted: &UserId| subject == Some(wanted.as_str());
        self.event.as_ref().is_none_or(is_event)
            && self.subject.as_ref().is_none_or(is_about)
            && (self.client.is_none() || self.client == content.client)
            && (self.reference.is_none() || self.reference == content.reference)
            && (self.sid.is_none() || self.sid == content.sid)
    }
}

/// Whether a text names an event, or the events before a dot.
pub fn is_event(name: &str) -> bool {
    let names = |event: &Event| {
        let rest = event.as_str().strip_prefix(name);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    Event::ALL.iter().any(names)
}

/// Reads the signed ends of a file: what `anchor` wrote, or a sink with records between them.
pub fn read_anchors(text: &str) -> Vec<Anchor> {
    text.lines().filter_map(json::read_anchor).collect()
}

/// The time by which commands look back.
pub fn now() -> Timestamp {
    SystemClock.now()
}
