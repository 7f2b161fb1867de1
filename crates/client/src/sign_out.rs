//! Signing out: the tokens are revoked, then forgotten, whatever the server says.
//!
//! RFC 7009 §2.2: <https://www.rfc-editor.org/rfc/rfc7009#section-2.2>, row C-52.

use std::time::Duration;

use hallpass_protocol::Secret;
use hallpass_protocol::revocation::RevocationRequest;
use url::Url;

use crate::authorization_server::{AuthorizationServer, refusal};
use crate::client::{Client, ClientInner};
use crate::credentials::SessionKey;
use crate::error::Error;
use crate::provider::Provider;
use crate::session::Session;
use crate::timer::Timer;

/// A refresh that is under way is waited for this long; then it is ended with the session.
const LOCK_WAIT: Duration = Duration::from_secs(12);
/// A server that is busy is asked once more after at most this long.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The last step.
const DELETE: &str = "delete_session";

/// What signing out did, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignOutReport {
    /// Each step.
    pub steps: Vec<SignOutStep>,
}

/// One step of signing out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignOutStep {
    /// `revoke_refresh_token`, `revoke_access_token`, `delete_session`, and `end_browser_session` after
    /// [`Client::sign_out_with_browser`].
    pub what: &'static str,
    /// How it went.
    pub result: StepResult,
}

/// How a step went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepResult {
    /// Done.
    Ok,
    /// There was nothing to do; why.
    Skipped(String),
    /// It did not work; why. The steps after it were taken all the same.
    Failed(String),
}

impl SignOutReport {
    /// What did not work, for a warning.
    pub fn failures(&self) -> impl Iterator<Item = &SignOutStep> {
        self.steps
            .iter()
            .filter(|step| matches!(step.result, StepResult::Failed(_)))
    }
}

impl Session {
    /// Signs out: revokes the refresh token, then the access token (RFC 7009), then forgets the
    /// session. A revocation that fails is reported and changes nothing else.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Store`] when the session cannot be deleted: it is then still there.
    pub async fn sign_out(self) -> Result<SignOutReport, Error> {
        self.client.inner.sign_out(&self.key).await
    }
}

impl Client {
    /// Signs out whoever is signed in with this client; see [`Session::sign_out`].
    ///
    /// ```no_run
    /// # async fn example(client: hallpass_client::Client) -> Result<(), hallpass_client::Error> {
    /// let report = client.sign_out().await?;
    /// for step in report.failures() {
    ///     eprintln!("not done: {} ({:?})", step.what, step.result);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Store`].
    pub async fn sign_out(&self) -> Result<SignOutReport, Error> {
        self.inner.sign_out(&self.inner.default_key()).await
    }

    /// Forgets whoever is signed in without telling the server: what it issued stays good until it
    /// expires. A session that cannot be read is forgotten all the same.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Store`].
    pub async fn forget(&self) -> Result<SignOutReport, Error> {
        let key = self.inner.default_key();
        let found = self.inner.store.load(&key).await;
        let result = if matches!(found, Ok(None)) {
            StepResult::Skipped("nobody was signed in".to_owned())
        } else {
            self.inner.store.remove(&key).await?;
            StepResult::Ok
        };
        let what = DELETE;
        Ok(SignOutReport {
            steps: vec![SignOutStep { what, result }],
        })
    }
}

impl ClientInner {
    async fn sign_out(&self, key: &SessionKey) -> Result<SignOutReport, Error> {
        if self.store.load(key).await?.is_none() {
            let result = StepResult::Skipped("nobody was signed in".to_owned());
            return Ok(SignOutReport {
                steps: vec![SignOutStep {
                    what: DELETE,
                    result,
                }],
            });
        }
        // Nobody should refresh between the revocation and the deletion; who holds the lock for so
        // long finds the session gone.
        let timer = self.timer.as_ref();
        let guard = self.store.lock(key, LOCK_WAIT, timer).await;
        let mut steps = match self.store.load(key).await? {
            Some(found) => {
                let record = &found.value;
                let tokens = (&record.refresh_token, &record.access_token);
                revoke_all(&self.server, timer, tokens).await
            }
            None => Vec::new(),
        };
        self.store.remove(key).await?;
        steps.push(SignOutStep {
            what: DELETE,
            result: StepResult::Ok,
        });
        drop(guard);
        Ok(SignOutReport { steps })
    }
}

impl ClientInner {
    /// Takes tokens back that nobody will use. Whether the server agrees changes nothing here.
    pub(crate) async fn take_back(
        &self,
        refresh_token: Option<Secret<String>>,
        access_token: Secret<String>,
    ) {
        let tokens = (&refresh_token, &Some(access_token));
        for step in revoke_all(&self.server, self.timer.as_ref(), tokens).await {
            tracing::debug!(what = step.what, result = ?step.result, "tokens nobody uses");
        }
    }

    /// Withdraws a device code that nobody waits for any more (row C-68). Servers that do not know the
    /// kind of token let it expire.
    pub(crate) async fn withdraw(&self, device_code: &Secret<String>) {
        let Ok(url) = revocation_endpoint(&self.server).await else {
            return;
        };
        let what = (device_code, "device_code");
        let result = revoke((&self.server, &url), self.timer.as_ref(), what).await;
        tracing::debug!(?result, "the device code is withdrawn");
    }
}

async fn revoke_all(
    server: &AuthorizationServer,
    timer: &dyn Timer,
    (refresh_token, access_token): (&Option<Secret<String>>, &Option<Secret<String>>),
) -> Vec<SignOutStep> {
    let endpoint = revocation_endpoint(server).await;
    let mut steps = Vec::new();
    for (what, hint, token) in [
        ("revoke_refresh_token", "refresh_token", refresh_token),
        ("revoke_access_token", "access_token", access_token),
    ] {
        let result = match (token, &endpoint) {
            (None, _) => StepResult::Skipped("there is none".to_owned()),
            (Some(_), Err(result)) => result.clone(),
            (Some(token), Ok(url)) => revoke((server, url), timer, (token, hint)).await,
        };
        steps.push(SignOutStep { what, result });
    }
    steps
}

async fn revocation_endpoint(server: &AuthorizationServer) -> Result<Url, StepResult> {
    let metadata = server
        .metadata()
        .await
        .map_err(|error| StepResult::Failed(error.to_string()))?;
    let address = metadata.revocation_endpoint.as_deref().ok_or_else(|| {
        let page = server.provider.as_ref().and_then(Provider::revocation_page);
        StepResult::Skipped(match page {
            Some(page) => {
                format!("the provider has no revocation endpoint; take the access back at {page}")
            }
            None => "the server has no revocation endpoint; the token expires by itself".to_owned(),
        })
    })?;
    Url::parse(address).map_err(|error| StepResult::Failed(error.to_string()))
}

async fn revoke(
    (server, url): (&AuthorizationServer, &Url),
    timer: &dyn Timer,
    (token, hint): (&Secret<String>, &str),
) -> StepResult {
    let request = RevocationRequest {
        token: Some(token.clone()),
        hint: Some(hint.to_owned()),
    };
    let mut has_waited = false;
    loop {
        let answer = server.post_form(url, request.encode()).await;
        let (note, retry_after) = match answer {
            Ok(reply) if reply.is_success() => return StepResult::Ok,
            // RFC 7009 §2.2.1: with 503 "the client must assume the token still exists and may retry".
            Ok(reply) if reply.status == 503 || reply.status == 429 => (
                reply.describe(),
                Some(reply.retry_after.unwrap_or(Duration::from_secs(1))),
            ),
            Ok(reply) => {
                let said = refusal(&reply).map(|error| crate::clean::text(&error.to_string()));
                (said.unwrap_or_else(|| reply.describe()), None)
            }
            Err(error) => (error.to_string(), None),
        };
        match retry_after.filter(|wait| !has_waited && *wait <= LONGEST_PAUSE) {
            Some(wait) => timer.sleep(wait).await,
            None => return StepResult::Failed(note),
        }
        has_waited = true;
    }
}
