//! The issuer's signing keys.
//!
//! OIDC Core §10.1.1 (rotation): an unknown key is looked up again, at most once a minute (row
//! C-41).

use std::sync::Arc;
use std::time::Duration;

use hallpass_protocol::id_token::{DEFAULT_ALGORITHMS, IdTokenError};
use hallpass_protocol::jose::{Algorithm, JwkSet, JwkSetError, JwkSetRules, JwsError};
use hallpass_protocol::metadata::Metadata;
use tokio::sync::Mutex;

use super::discovery::endpoint;
use crate::error::Error;
use crate::http::Http;
use crate::timer::Timer;

/// How often the keys are fetched at most.
const REFETCH_PAUSE: Duration = Duration::from_mins(1);

/// The keys that were fetched last.
#[derive(Debug)]
pub(super) struct IssuerKeys {
    timer: Arc<dyn Timer>,
    known: Mutex<Option<Fetched>>,
}

#[derive(Debug)]
struct Fetched {
    keys: JwkSet,
    /// When they were fetched again because of an unknown key; the first fetch does not count.
    again_at: Option<Duration>,
}

impl IssuerKeys {
    pub(super) fn new(timer: Arc<dyn Timer>) -> Self {
        Self {
            timer,
            known: Mutex::new(None),
        }
    }

    /// Fetches the keys if there are none yet.
    pub(super) async fn prepare(&self, http: &Http, metadata: &Metadata) -> Result<(), Error> {
        let mut known = self.known.lock().await;
        fetched(&mut known, http, metadata).await?;
        Ok(())
    }

    /// Makes a check with the keys, and once more with fresh ones when it met an unknown key.
    pub(super) async fn check<T>(
        &self,
        http: &Http,
        metadata: &Metadata,
        check: impl Fn(&JwkSet) -> Result<T, IdTokenError>,
    ) -> Result<Result<T, IdTokenError>, Error> {
        let mut known = self.known.lock().await;
        let fetched = fetched(&mut known, http, metadata).await?;
        let checked = check(&fetched.keys);
        let is_unknown = matches!(checked, Err(IdTokenError::Jws(JwsError::UnknownKey)));
        let now = self.timer.elapsed();
        let may_fetch = fetched.again_at.is_none_or(|at| now >= at + REFETCH_PAUSE);
        if !(is_unknown && may_fetch) {
            return Ok(checked);
        }
        fetched.keys = fetch(http, metadata).await?;
        fetched.again_at = Some(now);
        Ok(check(&fetched.keys))
    }
}

async fn fetched<'a>(
    known: &'a mut Option<Fetched>,
    http: &Http,
    metadata: &Metadata,
) -> Result<&'a mut Fetched, Error> {
    if known.is_none() {
        *known = Some(Fetched {
            keys: fetch(http, metadata).await?,
            again_at: None,
        });
    }
    known
        .as_mut()
        .ok_or_else(|| Error::protocol("the server has no keys"))
}

async fn fetch(http: &Http, metadata: &Metadata) -> Result<JwkSet, Error> {
    let url = endpoint(metadata, "jwks_uri", metadata.jwks_uri.as_ref())?;
    let reply = http.get_document(&url).await?;
    if !reply.is_success() {
        let text = format!("the server's keys cannot be read ({})", reply.describe());
        return Err(Error::unavailable(text, reply.retry_after));
    }
    let malformed = || Error::protocol("the server's keys are malformed");
    let text =
        std::str::from_utf8(reply.body.expose()).map_err(|error| malformed().caused_by(error))?;
    read_keys(text, metadata).map_err(|error| malformed().caused_by(error))
}

/// RSA keys that do not say their algorithm are taken for the one RSA algorithm that is offered.
fn read_keys(text: &str, metadata: &Metadata) -> Result<JwkSet, JwkSetError> {
    let rules = JwkSetRules::FETCHED;
    let rsa = algorithms(metadata)
        .into_iter()
        .find(|algorithm| algorithm.is_rsa());
    JwkSet::read(
        text,
        rsa.map_or(rules, |algorithm| rules.with_rsa_algorithm(algorithm)),
    )
}

/// What the metadata offers of what we know (row C-40); the usual ones when it says nothing.
pub(super) fn algorithms(metadata: &Metadata) -> Vec<Algorithm> {
    let offered = &metadata.id_token_signing_alg_values_supported;
    if offered.is_empty() {
        return DEFAULT_ALGORITHMS.to_vec();
    }
    offered
        .iter()
        .filter_map(|name| name.parse().ok())
        .collect()
}
