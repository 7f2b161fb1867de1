//! The signing keys of every issuer: found in the store, and in dev mode made at first need. In
//! production `jobs/rotate_keys.rs` makes them.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, RwLock};

use hallpass_issuer::tokens::mint::{Dialect, Signer};
use hallpass_issuer::tokens::signing_key::{KeyFacts, KeyState, SigningKeyRecord};
use hallpass_protocol::jose::{Algorithm, JwkSet, KeyError, SigningKey};
use hallpass_protocol::{KeyId, Timestamp};
use hallpass_store::{Store, signing_keys};
use hyper::body::Bytes;
use serde_json::json;

use crate::error::Fault;
use crate::public_json::PublicJson;
use crate::settings::Settings;

/// So many issuers have keys at once; dev mode makes an issuer of every path.
const MOST_ISSUERS: usize = 1_000;
/// So many keys an issuer has at most; clients refuse sets without end.
const MOST_KEYS: usize = 20;

/// The keys in use.
#[derive(Debug)]
pub(crate) struct Keys {
    algorithm: Algorithm,
    /// Production's; in dev mode ID tokens have the one key.
    id_algorithm: Option<Algorithm>,
    dialect: Dialect,
    initial: Option<String>,
    ready: RwLock<HashMap<String, Arc<IssuerKeys>>>,
    /// Held while keys are made; counts the rotations of all issuers.
    making: tokio::sync::Mutex<u32>,
}

/// The keys of one issuer.
#[derive(Debug)]
pub(crate) struct IssuerKeys {
    /// Signs new tokens.
    pub(crate) signer: Signer,
    /// Checks them.
    pub(crate) public: JwkSet,
    /// With which algorithms.
    pub(crate) algorithms: Vec<Algorithm>,
    /// From which records these were made.
    facts: Vec<KeyFacts>,
    /// The answer of the JWKS endpoint.
    pub(crate) jwks: PublicJson,
}

impl Keys {
    /// Takes algorithm and dialect of the settings; makes nothing yet.
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            algorithm: settings.algorithm,
            id_algorithm: settings.id_token_algorithm,
            dialect: settings.token_rules.dialect,
            initial: settings.initial_keys.clone(),
            ready: RwLock::default(),
            making: tokio::sync::Mutex::default(),
        }
    }

    /// The algorithm of new ID tokens.
    pub(crate) fn id_token_algorithm(&self) -> Algorithm {
        self.id_algorithm.unwrap_or(self.algorithm)
    }

    /// Takes the keys of an issuer as they are stored, if they are not those in use.
    pub(crate) async fn reload(&self, issuer: &str, store: &Store) -> Result<(), Fault> {
        let name = issuer.to_owned();
        let facts = store.read(move |tx| signing_keys::facts(tx, &name)).await?;
        if self.find(issuer).is_some_and(|keys| keys.facts == facts) || facts.is_empty() {
            return Ok(());
        }
        let _one_at_a_time = self.making.lock().await;
        let records = self.stored(issuer, store).await?;
        self.take_into_use(issuer, &records).map(drop)
    }

    /// The keys of an issuer. Only the first request that needs one waits for it to be made.
    pub(crate) async fn of(
        &self,
        issuer: &str,
        store: &Store,
        now: Timestamp,
    ) -> Result<Arc<IssuerKeys>, Fault> {
        if let Some(keys) = self.find(issuer) {
            return Ok(keys);
        }
        let _one_at_a_time = self.making.lock().await;
        if let Some(keys) = self.find(issuer) {
            return Ok(keys);
        }
        let mut records = self.stored(issuer, store).await?;
        if records.is_empty() {
            if self.id_algorithm.is_some() {
                return Err(Fault::new("there is no signing key yet"));
            }
            records.push(self.make(issuer, store, now).await?);
        }
        self.take_into_use(issuer, &records)
    }

    /// Lets a new key sign for an issuer. The old ones stay in its JWKS, for the tokens that they
    /// signed. `None` when the issuer has [`MOST_KEYS`] already.
    pub(crate) async fn rotate(
        &self,
        issuer: &str,
        store: &Store,
        now: Timestamp,
    ) -> Result<Option<Arc<IssuerKeys>>, Fault> {
        let first = self.of(issuer, store, now).await?;
        let mut rotations = self.making.lock().await;
        let current = self.find(issuer).unwrap_or(first);
        if current.public.keys().len() >= MOST_KEYS {
            return Ok(None);
        }
        // A name is never used twice, also after a reset: clients keep keys by their names.
        let kid = loop {
            *rotations += 1;
            let kid = format!("{}-{}", own_name(issuer), *rotations + 1);
            if !current.public.has_kid(&kid) {
                break kid;
            }
        };
        let algorithm = self.algorithm;
        let key = generate(move || SigningKey::generate(algorithm, kid)).await?;
        let record = record(issuer, &key, now)?;
        let rotated = store.write(move |tx| signing_keys::rotate(tx, &record, now));
        rotated.await?;
        let records = self.stored(issuer, store).await?;
        self.take_into_use(issuer, &records).map(Some)
    }

    /// Takes every rotation back: the first key of each issuer signs again.
    pub(crate) async fn reset(&self, store: &Store) -> Result<(), Fault> {
        let _one_at_a_time = self.making.lock().await;
        store.write(signing_keys::keep_first).await?;
        for (issuer, keys) in self.in_use() {
            if keys.public.keys().len() > 1 {
                let records = self.stored(&issuer, store).await?;
                self.take_into_use(&issuer, &records)?;
            }
        }
        Ok(())
    }

    /// The keys that were made so far, by issuer.
    pub(crate) fn in_use(&self) -> BTreeMap<String, Arc<IssuerKeys>> {
        let ready = self.ready.read().map(|ready| ready.clone());
        ready.unwrap_or_default().into_iter().collect()
    }

    /// The active records sign; the others only check.
    fn take_into_use(
        &self,
        issuer: &str,
        records: &[SigningKeyRecord],
    ) -> Result<Arc<IssuerKeys>, Fault> {
        let parse = |record: &SigningKeyRecord| {
            let (algorithm, kid) = (record.algorithm, record.kid.as_str());
            let key = SigningKey::from_pkcs8(algorithm, kid, record.pkcs8.expose());
            key.map(|key| (record.state, Arc::new(key)))
        };
        let keys: Vec<_> = records.iter().map(parse).collect::<Result<_, _>>()?;
        let active = |algorithm: Option<Algorithm>| {
            let mut keys = keys.iter();
            keys.find(|(state, key)| {
                matches!(state, KeyState::Active { .. })
                    && algorithm.is_none_or(|wanted| key.algorithm() == wanted)
            })
            .map(|(_, key)| Arc::clone(key))
            .ok_or_else(|| Fault::new("an issuer has no key that signs"))
        };
        // In dev mode the one key signs both, whatever its algorithm.
        let (access, id) = match self.id_algorithm {
            None => (active(None)?, active(None)?),
            Some(id) => (active(Some(self.algorithm))?, active(Some(id))?),
        };
        let others = keys.iter().map(|(_, key)| key.as_ref());
        let mut made = IssuerKeys::new((access, id), others, self.dialect)?;
        made.facts = records.iter().map(facts).collect();
        let keys = Arc::new(made);
        let mut ready = self
            .ready
            .write()
            .map_err(|_| Fault::new("the key table is poisoned"))?;
        ready.insert(issuer.to_owned(), Arc::clone(&keys));
        Ok(keys)
    }

    /// The keys that an issuer publishes.
    pub(crate) fn kids(&self, issuer: &str) -> Vec<KeyId> {
        let facts = self.find(issuer).map(|keys| keys.facts.clone());
        facts.into_iter().flatten().map(|key| key.kid).collect()
    }

    /// Whether an issuer has keys already: only then can it have signed anything.
    pub(crate) fn is_ready(&self, issuer: &str) -> bool {
        self.find(issuer).is_some()
    }

    fn find(&self, issuer: &str) -> Option<Arc<IssuerKeys>> {
        self.ready.read().ok()?.get(issuer).map(Arc::clone)
    }

    async fn stored(&self, issuer: &str, store: &Store) -> Result<Vec<SigningKeyRecord>, Fault> {
        let issuer = issuer.to_owned();
        Ok(store
            .read(move |tx| signing_keys::list(tx, &issuer))
            .await?)
    }

    async fn make(
        &self,
        issuer: &str,
        store: &Store,
        now: Timestamp,
    ) -> Result<SigningKeyRecord, Fault> {
        if self
            .ready
            .read()
            .is_ok_and(|ready| ready.len() >= MOST_ISSUERS)
        {
            return Err(Fault::new(
                "more than 1,000 issuers: dev mode makes one of every path",
            ));
        }
        let (algorithm, initial) = (self.algorithm, self.initial.clone());
        let kid = own_name(issuer).to_owned();
        let key = generate(move || match initial {
            // As in the mock, the key is called after the issuer, whatever its own name.
            Some(jwk) => SigningKey::from_private_jwk(&jwk).and_then(|key| {
                SigningKey::from_pkcs8(key.algorithm(), kid, key.to_pkcs8()?.expose())
            }),
            None => SigningKey::generate(algorithm, kid),
        });
        let record = record(issuer, &key.await?, now)?;
        // Another node may have been faster: the first key that is stored counts.
        Ok(store
            .write(move |tx| signing_keys::insert(tx, &record))
            .await?)
    }
}

impl IssuerKeys {
    /// The keys that sign access tokens and ID tokens, and all that are published, the signing ones
    /// again among them.
    pub(crate) fn new<'k>(
        (access, id): (Arc<SigningKey>, Arc<SigningKey>),
        all: impl Iterator<Item = &'k SigningKey>,
        dialect: Dialect,
    ) -> Result<Self, Fault> {
        let all: Vec<&SigningKey> = all.collect();
        // Clients that look at the first key only find the one that signs access tokens.
        let signing = |key: &&SigningKey| key.kid() == access.kid();
        let (first, rest): (Vec<&SigningKey>, Vec<_>) = all.into_iter().partition(signing);
        let ordered: Vec<&SigningKey> = first.into_iter().chain(rest).collect();
        let jwks: Vec<_> = ordered.iter().map(|key| key.public_jwk_json()).collect();
        let jwks = json!({ "keys": jwks });
        let mut algorithms: Vec<_> = ordered.iter().map(|key| key.algorithm()).collect();
        algorithms.dedup();
        Ok(Self {
            public: JwkSet::new(ordered.iter().map(|key| key.public_jwk())),
            algorithms,
            facts: Vec::new(),
            jwks: PublicJson::new(Bytes::from(serde_json::to_vec(&jwks)?))?,
            signer: Signer::new(Arc::clone(&access), id, dialect)?,
        })
    }
}

fn facts(record: &SigningKeyRecord) -> KeyFacts {
    KeyFacts {
        kid: record.kid.clone(),
        algorithm: record.algorithm,
        state: record.state,
        created_at: record.created_at,
    }
}

/// The `kid` of an issuer's first key.
fn own_name(issuer: &str) -> &str {
    if issuer.is_empty() { "root" } else { issuer }
}

/// RSA takes long enough to disturb other requests.
pub(crate) async fn generate(
    make: impl FnOnce() -> Result<SigningKey, KeyError> + Send + 'static,
) -> Result<SigningKey, Fault> {
    let outcome = tokio::task::spawn_blocking(make).await;
    Ok(outcome.map_err(|_| Fault::new("making a key panicked"))??)
}

pub(crate) fn record(
    issuer: &str,
    key: &SigningKey,
    now: Timestamp,
) -> Result<SigningKeyRecord, Fault> {
    Ok(SigningKeyRecord {
        issuer: issuer.to_owned(),
        kid: KeyId::new(key.kid()),
        algorithm: key.algorithm(),
        pkcs8: key.to_pkcs8()?,
        created_at: now,
        state: KeyState::Active { until: None },
    })
}
