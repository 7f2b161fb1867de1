//! The signing keys of every issuer: found in the store, or made at first need.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};

use hallpass_issuer::tokens::mint::{Dialect, Signer};
use hallpass_issuer::tokens::signing_key::SigningKeyRecord;
use hallpass_protocol::jose::{Algorithm, JwkSet, SigningKey};
use hallpass_protocol::{KeyId, Timestamp};
use hallpass_store::{Store, signing_keys};
use hyper::body::Bytes;
use serde_json::json;

use crate::error::Fault;
use crate::public_json::PublicJson;
use crate::settings::Settings;

/// So many issuers have keys at once; dev mode makes an issuer of every path.
const MOST_ISSUERS: usize = 1_000;

/// The keys in use.
#[derive(Debug)]
pub(crate) struct Keys {
    algorithm: Algorithm,
    dialect: Dialect,
    initial: Option<String>,
    ready: RwLock<HashMap<String, Arc<IssuerKeys>>>,
    making: tokio::sync::Mutex<()>,
}

/// The keys of one issuer.
#[derive(Debug)]
pub(crate) struct IssuerKeys {
    /// Signs new tokens.
    pub(crate) signer: Signer,
    /// Checks them.
    pub(crate) public: JwkSet,
    /// The answer of the JWKS endpoint.
    pub(crate) jwks: PublicJson,
}

impl Keys {
    /// Takes algorithm and dialect of the settings; makes nothing yet.
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            algorithm: settings.algorithm,
            dialect: settings.token_rules.dialect,
            initial: settings.initial_keys.clone(),
            ready: RwLock::default(),
            making: tokio::sync::Mutex::default(),
        }
    }

    /// The algorithm of new tokens.
    pub(crate) fn algorithm(&self) -> Algorithm {
        self.algorithm
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
        let record = match self.stored(issuer, store).await? {
            Some(record) => record,
            None => self.make(issuer, store, now).await?,
        };
        let kid = record.kid.as_str();
        let key = SigningKey::from_pkcs8(record.algorithm, kid, record.pkcs8.expose())?;
        let keys = Arc::new(IssuerKeys::new(key, self.dialect)?);
        let mut ready = self
            .ready
            .write()
            .map_err(|_| Fault::new("the key table is poisoned"))?;
        ready.insert(issuer.to_owned(), Arc::clone(&keys));
        Ok(keys)
    }

    /// Whether an issuer has keys already: only then can it have signed anything.
    pub(crate) fn is_ready(&self, issuer: &str) -> bool {
        self.find(issuer).is_some()
    }

    fn find(&self, issuer: &str) -> Option<Arc<IssuerKeys>> {
        self.ready.read().ok()?.get(issuer).map(Arc::clone)
    }

    async fn stored(&self, issuer: &str, store: &Store) -> Result<Option<SigningKeyRecord>, Fault> {
        let issuer = issuer.to_owned();
        Ok(store
            .read(move |tx| signing_keys::find(tx, &issuer))
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
        let kid = if issuer.is_empty() {
            "root".to_owned()
        } else {
            issuer.to_owned()
        };
        // RSA takes long enough to disturb other requests.
        let made = tokio::task::spawn_blocking(move || match initial {
            Some(jwk) => SigningKey::from_private_jwk(&jwk),
            None => SigningKey::generate(algorithm, kid),
        });
        let key = made
            .await
            .map_err(|_| Fault::new("making a key panicked"))??;
        let record = SigningKeyRecord {
            issuer: issuer.to_owned(),
            kid: KeyId::new(key.kid()),
            algorithm: key.algorithm(),
            pkcs8: key.to_pkcs8()?,
            created_at: now,
        };
        // Another node may have been faster: the first key that is stored counts.
        Ok(store
            .write(move |tx| signing_keys::insert(tx, &record))
            .await?)
    }
}

impl IssuerKeys {
    /// Prepares a key for use.
    pub(crate) fn new(key: SigningKey, dialect: Dialect) -> Result<Self, Fault> {
        let jwks = json!({ "keys": [key.public_jwk_json()] });
        Ok(Self {
            public: JwkSet::new([key.public_jwk()]),
            jwks: PublicJson::new(Bytes::from(serde_json::to_vec(&jwks)?))?,
            signer: Signer::new(key, dialect)?,
        })
    }
}
