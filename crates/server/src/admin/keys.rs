//! The signing keys and the key ring, by hand.

use std::time::Duration;

use hallpass_issuer::audit::{Actor, Entry, Event};
use hallpass_issuer::tokens::signing_key::{KeyFacts, KeyState, Urgency};
use hallpass_protocol::{KeyId, hex};
use hallpass_store::nodes::{self, Node};
use hallpass_store::ring_keys::{self, RingKey};
use hallpass_store::{StoreError, signing_keys};
use tokio::time::Instant;

use super::Admin;
use crate::jobs::rotate_keys::{ISSUER, KeyKeeper};
use crate::server::StartError;

/// A signing key, as people are shown it.
pub type KeyRow = KeyFacts;

/// No node hears later than this that another key of the ring makes what is new.
const LATE: Duration = Duration::from_hours(1);
/// How soon a node that publishes a new key is noticed.
const LOOK: Duration = Duration::from_millis(250);
/// So many values are sealed again in one transaction.
const BATCH: u32 = 500;

impl Admin {
    /// The signing keys.
    pub async fn keys(&self) -> Result<Vec<KeyRow>, StartError> {
        self.keeper().list().await.map_err(|error| fault(&error))
    }

    /// The nodes that live, and the keys that each of them knows; none where one process has the
    /// database to itself.
    pub async fn nodes(&self) -> Result<Vec<Node>, StartError> {
        Ok(self.store.read(nodes::list_live).await?)
    }

    /// Makes a successor for each signing key. With [`Urgency::Now`] it signs at once: APIs that hold
    /// an older JWKS refuse its tokens until they fetch the new one.
    pub async fn rotate(&self, urgency: Urgency) -> Result<(), StartError> {
        let keeper = self.keeper();
        for algorithm in keeper.algorithms() {
            let rotated = keeper.rotate(algorithm, urgency, self.now());
            rotated.await.map_err(|error| fault(&error))?;
        }
        Ok(())
    }

    /// Makes a successor for each signing key that signs as soon as every node that lives publishes
    /// it, so that no node refuses what another one signed. Nodes that do not publish it within
    /// `patience` are an error: the successor then waits for its time, or for another try.
    pub async fn rotate_when_published(&self, patience: Duration) -> Result<(), StartError> {
        self.rotate(Urgency::Scheduled).await?;
        let keys = self.keys().await?.into_iter();
        let next: Vec<KeyId> = keys
            .filter(|key| matches!(key.state, KeyState::Next { .. }))
            .map(|key| key.kid)
            .collect();
        let begun = Instant::now();
        loop {
            let nodes = self.nodes().await?;
            let is_late = |node: &&Node| next.iter().any(|kid| !node.kids.contains(kid));
            let Some(late) = nodes.iter().find(is_late) else {
                break;
            };
            if begun.elapsed() >= patience {
                return Err(StartError::Unpublished {
                    node: hex::encode(&late.id),
                });
            }
            tokio::time::sleep(LOOK).await;
        }
        self.rotate(Urgency::Now).await
    }

    /// Removes a signing key: every token that it signed is refused from then on. If it is the one
    /// that signs, a successor takes over at once. Whether there was such a key.
    pub async fn revoke_key(&self, kid: &str) -> Result<bool, StartError> {
        let keeper = self.keeper();
        let gone = KeyId::new(kid);
        let keys = keeper.list().await.map_err(|error| fault(&error))?;
        let Some(known) = keys.into_iter().find(|key| key.kid == gone) else {
            return Ok(false);
        };
        // First somebody else signs: there is no moment without a key.
        if matches!(known.state, KeyState::Active { .. }) {
            let rotated = keeper.rotate(known.algorithm, Urgency::Now, self.now());
            rotated.await.map_err(|error| fault(&error))?;
        }
        let removed = self
            .store
            .write(move |tx| signing_keys::delete(tx, ISSUER, &gone));
        match removed.await {
            Ok(()) => {
                let entry = Entry::new(Event::KeyRevoked, self.now()).by(Actor::Operator);
                self.audit.keep(entry.with("kid", kid)).await;
                Ok(true)
            }
            Err(StoreError::Conflict) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Seals everything with the first key of the ring; how many values were sealed again, and until
    /// when the ring needs its other keys.
    pub async fn reencrypt(&self) -> Result<(u64, Vec<RingKey>), StartError> {
        let (used, first) = (self.store.minting_key().id(), self.key_ring.ids());
        if let Some(first) = first.first().filter(|first| **first != used) {
            return Err(StartError::Fault(format!(
                "key {first} is not in use yet, as not every node knows it: give all nodes this key \
                 ring and restart them first"
            )));
        }
        let mut all = 0;
        loop {
            let some = self.store.write(|tx| ring_keys::reseal(tx, BATCH)).await?;
            if some == 0 {
                break;
            }
            all += some;
        }
        let longest = self.longest_life();
        self.store
            .write(move |tx| ring_keys::release(tx, longest))
            .await?;
        Ok((all, self.store.read(ring_keys::list).await?))
    }

    /// How long something that a key of the ring made may be good: a refresh family, most of all.
    fn longest_life(&self) -> Duration {
        let browser = self.settings.browser_sessions.absolute;
        // A node may hear of another key a little later, and make something with the old one.
        self.settings.refresh.absolute.max(browser) + LATE
    }

    fn keeper(&self) -> KeyKeeper<'_> {
        KeyKeeper {
            store: &self.store,
            settings: &self.settings,
            random: self.random.as_ref(),
            audit: &self.audit,
            actor: Actor::Operator,
        }
    }
}

fn fault(fault: &crate::error::Fault) -> StartError {
    StartError::Fault(fault.to_string())
}
