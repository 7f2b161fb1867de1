//! The issuer's signing keys, and the check of its ID tokens.
//!
//! OIDC Core §3.1.3.7 and §10.1.1 (rotation): an unknown key is looked up again, at most once a
//! minute (row C-41).

use std::time::Duration;

use hallpass_protocol::Timestamp;
use hallpass_protocol::id_token::{
    self, DEFAULT_ALGORITHMS, Expect, IdTokenError, IdTokenPolicy, VerifiedIdToken,
};
use hallpass_protocol::jose::{Algorithm, JwkSet, JwsError};
use hallpass_protocol::metadata::Metadata;
use tokio::sync::Mutex;

use crate::client::Inner;
use crate::discovery::endpoint;
use crate::error::{Error, SecurityViolation};
use crate::token_endpoint::Granted;

/// How often the keys are fetched at most.
const REFETCH_PAUSE: Duration = Duration::from_mins(1);

/// The keys that were fetched last.
#[derive(Debug, Default)]
pub(crate) struct IssuerKeys(Mutex<Option<Fetched>>);

#[derive(Debug)]
struct Fetched {
    keys: JwkSet,
    /// When they were fetched again because of an unknown key; the first fetch does not count.
    again_at: Option<Duration>,
}

/// What the request that brought the ID token asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) nonce: Expect<'a>,
    pub(crate) acr: &'a [String],
    pub(crate) max_age: Option<Duration>,
}

impl IssuerKeys {
    /// Fetches the keys if there are none yet.
    pub(crate) async fn prepare(&self, client: &Inner, metadata: &Metadata) -> Result<(), Error> {
        let mut known = self.0.lock().await;
        if known.is_none() {
            *known = Some(Fetched {
                keys: fetch(client, metadata).await?,
                again_at: None,
            });
        }
        Ok(())
    }

    /// Checks the ID token that came with an answer; `None` when none came.
    pub(crate) async fn verify(
        &self,
        client: &Inner,
        metadata: &Metadata,
        granted: &Granted,
        asked: Asked<'_>,
    ) -> Result<Option<VerifiedIdToken>, Error> {
        let Some(token) = &granted.response.id_token else {
            return Ok(None);
        };
        self.prepare(client, metadata).await?;
        let mut known = self.0.lock().await;
        let check = |known: &Option<Fetched>| {
            let none = JwkSet::default();
            let keys = known.as_ref().map_or(&none, |fetched| &fetched.keys);
            check(client, metadata, granted, (token.expose(), keys), asked)
        };
        let mut checked = check(&known);
        let is_unknown = matches!(checked, Err(IdTokenError::Jws(JwsError::UnknownKey)));
        let now = client.timer.elapsed();
        let again_at = known.as_ref().and_then(|fetched| fetched.again_at);
        if is_unknown && again_at.is_none_or(|at| now >= at + REFETCH_PAUSE) {
            let keys = fetch(client, metadata).await?;
            *known = Some(Fetched {
                keys,
                again_at: Some(now),
            });
            checked = check(&known);
        }
        checked.map(Some).map_err(|error| refused(&error))
    }
}

/// The error for an ID token that failed a check.
pub(crate) fn refused(error: &IdTokenError) -> Error {
    let built = Error::security(SecurityViolation::IdToken(error.clone()), error.to_string());
    match error {
        IdTokenError::Time(_) | IdTokenError::AuthTimeInFuture => built.hint_to(
            "nothing was stored; synchronise the clocks of this machine and of the server",
        ),
        _ => built.hint_to("nothing was stored; report this to the operator of the server"),
    }
}

fn check(
    client: &Inner,
    metadata: &Metadata,
    granted: &Granted,
    (token, keys): (&str, &JwkSet),
    asked: Asked<'_>,
) -> Result<VerifiedIdToken, IdTokenError> {
    let algorithms = algorithms(metadata);
    let acr: Vec<&str> = asked.acr.iter().map(String::as_str).collect();
    // The server's own clock judges its tokens; ours may be wrong (row Q-40).
    let now = granted
        .received_at
        .unix_millis()
        .saturating_add(granted.server_ahead);
    let now = Timestamp::from_unix_millis(now);
    let policy = IdTokenPolicy {
        algorithms: &algorithms,
        max_age: asked.max_age,
        acr: &acr,
        access_token: Some(granted.response.access_token.expose()),
        ..IdTokenPolicy::new(&client.issuer, client.client_id.as_str(), asked.nonce, now)
    };
    id_token::verify(token, keys, &policy)
}

/// What the metadata offers of what we know (row C-40); the usual ones when it says nothing.
fn algorithms(metadata: &Metadata) -> Vec<Algorithm> {
    let offered = &metadata.id_token_signing_alg_values_supported;
    if offered.is_empty() {
        return DEFAULT_ALGORITHMS.to_vec();
    }
    offered
        .iter()
        .filter_map(|name| name.parse().ok())
        .collect()
}

async fn fetch(client: &Inner, metadata: &Metadata) -> Result<JwkSet, Error> {
    let url = endpoint(metadata, "jwks_uri", metadata.jwks_uri.as_ref())?;
    let reply = client
        .http
        .get_document(&url, client.clock.as_ref())
        .await?;
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
fn read_keys(
    text: &str,
    metadata: &Metadata,
) -> Result<JwkSet, hallpass_protocol::jose::JwkSetError> {
    let rules = hallpass_protocol::jose::JwkSetRules::FETCHED;
    let rsa = algorithms(metadata)
        .into_iter()
        .find(|algorithm| algorithm.is_rsa());
    JwkSet::read(
        text,
        rsa.map_or(rules, |algorithm| rules.with_rsa_algorithm(algorithm)),
    )
}
