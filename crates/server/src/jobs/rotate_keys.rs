//! Leads each signing key of production through its life, and tells this node what others changed.
//!
//! The steps are decided in `hallpass_issuer::tokens::signing_key`. Nodes that decide the same step
//! at once meet in the table: one of them changes the row, the others find it changed.

use std::time::Duration;

use hallpass_issuer::audit::{Actor, Entry, Event};
use hallpass_issuer::tokens::signing_key::{self, KeyFacts, KeySchedule, KeyState, Step, Urgency};
use hallpass_protocol::jose::{Algorithm, SigningKey};
use hallpass_protocol::random::{self, Random};
use hallpass_protocol::{KeyId, Timestamp, hex};
use hallpass_store::{Store, StoreError, signing_keys};

use crate::audit::Audit;
use crate::error::Fault;
use crate::keys::{generate, record};
use crate::settings::Settings;
use crate::state::{Current, State};

/// How soon a node sees what another one, or a command, did to the keys.
const LOOK: Duration = Duration::from_secs(1);
/// How often the schedule is asked, in looks.
const LOOKS_PER_STEP: u32 = 60;
/// Production has one issuer, whose path is empty.
pub(crate) const ISSUER: &str = "";

/// Follows the keys until the server stops, by the settings that hold at each look.
pub(crate) async fn run(current: Current) {
    let mut ticks = tokio::time::interval(LOOK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut looks = 0;
    loop {
        ticks.tick().await;
        let state = current.get();
        looks = (looks + 1) % LOOKS_PER_STEP;
        if looks == 0
            && let Err(fault) = advance(&state).await
        {
            tracing::warn!(%fault, "the signing keys were not looked after; the next round tries again");
        }
        if let Err(fault) = state.keys.reload(ISSUER, &state.store).await {
            tracing::debug!(%fault, "the signing keys were not read");
        }
    }
}

/// Does what is due, and takes the keys into use.
pub(crate) async fn advance(state: &State) -> Result<(), Fault> {
    let keeper = KeyKeeper {
        store: &state.store,
        settings: &state.settings,
        random: state.random.as_ref(),
        audit: &state.audit,
        actor: Actor::System,
    };
    for algorithm in keeper.algorithms() {
        keeper.advance(algorithm, state.now()).await?;
    }
    state.keys.reload(ISSUER, &state.store).await
}

/// Changes the signing keys in a database: for the job, and for commands.
#[derive(Debug)]
pub(crate) struct KeyKeeper<'a> {
    pub(crate) store: &'a Store,
    pub(crate) settings: &'a Settings,
    pub(crate) random: &'a dyn Random,
    pub(crate) audit: &'a Audit,
    /// Who does it.
    pub(crate) actor: Actor,
}

impl KeyKeeper<'_> {
    /// The algorithms that need a key: one key, one algorithm.
    pub(crate) fn algorithms(&self) -> Vec<Algorithm> {
        let access = self.settings.algorithm;
        let id = self.settings.id_token_algorithm.filter(|id| *id != access);
        std::iter::once(access).chain(id).collect()
    }

    /// What is published now.
    pub(crate) async fn list(&self) -> Result<Vec<KeyFacts>, Fault> {
        Ok(self
            .store
            .read(|tx| signing_keys::facts(tx, ISSUER))
            .await?)
    }

    /// Does what the schedule asks for.
    pub(crate) async fn advance(&self, algorithm: Algorithm, now: Timestamp) -> Result<(), Fault> {
        let schedule = self.schedule();
        self.perform(algorithm, now, |keys| {
            signing_key::steps(keys, &schedule, now)
        })
        .await
    }

    /// Makes a successor, which takes over when its time has come, or at once.
    pub(crate) async fn rotate(
        &self,
        algorithm: Algorithm,
        urgency: Urgency,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let schedule = self.schedule();
        self.perform(algorithm, now, |keys| {
            signing_key::rotation(keys, urgency, &schedule, now)
        })
        .await
    }

    fn schedule(&self) -> KeySchedule {
        let rules = self.settings.token_rules;
        KeySchedule::for_tokens(rules.access_lifetime.max(rules.id_lifetime))
    }

    async fn perform(
        &self,
        algorithm: Algorithm,
        now: Timestamp,
        decide: impl Fn(&[KeyFacts]) -> Vec<Step>,
    ) -> Result<(), Fault> {
        let keys = self.list().await?;
        let keys: Vec<_> = keys
            .into_iter()
            .filter(|key| key.algorithm == algorithm)
            .collect();
        let steps = decide(&keys);
        let (mut changes, mut events) = (Vec::new(), Vec::new());
        let told = |event: Event, kid: &KeyId| {
            let entry = Entry::new(event, now).by(self.actor.clone());
            entry.with("kid", kid.as_str())
        };
        for step in steps {
            changes.push(match step {
                Step::Create(state) => {
                    let kid = new_kid(algorithm, self.random);
                    let key = generate(move || SigningKey::generate(algorithm, kid)).await?;
                    let mut record = record(ISSUER, &key, now)?;
                    record.state = state;
                    events.push(told(Event::KeyCreated, &record.kid));
                    if matches!(state, KeyState::Active { .. }) {
                        events.push(told(Event::KeyActivated, &record.kid));
                    }
                    Change::Add(Box::new(record))
                }
                Step::Change(kid, to) => {
                    match to {
                        KeyState::Next { .. } => {}
                        KeyState::Active { .. } => events.push(told(Event::KeyActivated, &kid)),
                        KeyState::Retiring { .. } => events.push(told(Event::KeyRetired, &kid)),
                    }
                    let from = keys.iter().find(|key| key.kid == kid).map(|key| key.state);
                    Change::State(kid, from.unwrap_or(to), to)
                }
                Step::Delete(kid) => {
                    tracing::info!(%kid, "signing key deleted");
                    Change::Delete(kid)
                }
            });
        }
        if changes.is_empty() {
            return Ok(());
        }
        let done = self.store.write(move |tx| {
            changes.iter().try_for_each(|change| match change {
                Change::Add(record) => signing_keys::add(tx, record),
                Change::State(kid, from, to) => signing_keys::change(tx, ISSUER, (kid, *from, *to)),
                Change::Delete(kid) => signing_keys::delete(tx, ISSUER, kid),
            })
        });
        match done.await {
            // Another node was faster, and did the same.
            Err(StoreError::Conflict) => Ok(()),
            Ok(()) => {
                for event in events {
                    self.audit.keep(event).await;
                }
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// A step with the key that it makes.
enum Change {
    Add(Box<signing_key::SigningKeyRecord>),
    State(KeyId, KeyState, KeyState),
    Delete(KeyId),
}

/// A name that no key had before: `es256-` and 64 random bits.
fn new_kid(algorithm: Algorithm, random: &dyn Random) -> String {
    let drawn: [u8; 8] = random::bytes(random);
    let algorithm = algorithm.as_str().to_ascii_lowercase();
    format!("{algorithm}-{}", hex::encode(&drawn))
}
