//! The client, and what every operation of it needs.

use std::sync::Arc;

use hallpass_protocol::metadata::Metadata;
use hallpass_protocol::{Clock, Scopes};
use url::Origin;

use crate::async_store::AsyncStore;
use crate::authorization_server::{AuthorizationServer, PushedRequests};
use crate::credentials::{SessionKey, TokenStore};
use crate::dpop::DpopMode;
use crate::error::{Error, ErrorKind};
use crate::flow::Environment;
use crate::sign_in::Withdrawals;
use crate::timer::Timer;
use crate::ui::{Browser, Prompt, Ui, UiOutcome};

/// A client of one authorization server (RFC 6749 §1.1). Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Client {
    pub(crate) inner: Arc<ClientInner>,
}

/// The server, what is asked of it, and the world around: the store, the person, the time.
#[derive(Debug)]
pub(crate) struct ClientInner {
    pub(crate) server: AuthorizationServer,
    pub(crate) profile: String,
    pub(crate) scopes: Scopes,
    pub(crate) resources: Vec<String>,
    pub(crate) audiences: Vec<String>,
    pub(crate) origins: Vec<Origin>,
    pub(crate) pushed_requests: PushedRequests,
    pub(crate) dpop: DpopMode,
    pub(crate) store: AsyncStore,
    pub(crate) ui: Arc<dyn Ui>,
    pub(crate) browser: Arc<dyn Browser>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) timer: Arc<dyn Timer>,
    pub(crate) environment: Option<Environment>,
    pub(crate) withdrawals: Withdrawals,
}

impl Client {
    /// The server's metadata (RFC 8414 §2, OIDC Discovery §3); fetched once and kept.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Config`] when there is none or it is of another issuer,
    /// [`crate::ErrorKind::Unavailable`] when the server is not there.
    pub async fn metadata(&self) -> Result<Arc<Metadata>, Error> {
        self.inner.server.metadata().await
    }

    /// Where sessions are kept.
    pub fn store(&self) -> Arc<dyn TokenStore> {
        self.inner.store.backend()
    }
}

impl ClientInner {
    /// The session that is meant when nobody names an account. Every other part of the crate is
    /// given a key, so this is the only place that knows how many sessions a client has: one for each
    /// profile, and a client is of one profile.
    pub(crate) fn default_key(&self) -> SessionKey {
        SessionKey::new(&self.server.issuer, self.server.client_id.as_str())
            .in_profile(&self.profile)
    }

    pub(crate) fn scope(&self) -> Option<String> {
        scope_parameter(&self.scopes)
    }

    /// Shows a prompt; a person who gives up ends the sign-in.
    pub(crate) async fn show(&self, prompt: Prompt) -> Result<(), Error> {
        match self.ui.show(&prompt).await {
            UiOutcome::Shown => Ok(()),
            UiOutcome::Cancelled => Err(Error::new(
                ErrorKind::Cancelled,
                "the sign-in was cancelled",
            )),
        }
    }
}

/// Scopes as a request carries them; none is left out.
pub(crate) fn scope_parameter(scopes: &Scopes) -> Option<String> {
    (!scopes.is_empty()).then(|| scopes.to_string())
}
