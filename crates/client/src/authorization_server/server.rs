//! The server, and who the client is to it.

use std::sync::Arc;

use hallpass_protocol::ClientId;
use hallpass_protocol::form::Form;
use hallpass_protocol::metadata::Metadata;
use tokio::sync::OnceCell;
use url::Url;

use super::discovery;
use super::issuer_keys::IssuerKeys;
use crate::address::is_loopback;
use crate::clean;
use crate::error::Error;
use crate::http::{ClientAuth, Http, Reply};
use crate::provider::{Provider, RequestTo};
use crate::timer::Timer;

/// What every request to the server needs. It knows of no session and of no person.
#[derive(Debug)]
pub(crate) struct AuthorizationServer {
    pub(crate) issuer: String,
    url: Url,
    pub(crate) client_id: ClientId,
    auth: ClientAuth,
    pub(crate) http: Http,
    /// What is known of it by its name.
    pub(crate) provider: Option<Provider>,
    pub(super) keys: IssuerKeys,
    metadata: OnceCell<Arc<Metadata>>,
}

impl AuthorizationServer {
    /// `url` is the issuer, read and judged.
    pub(crate) fn new(
        (issuer, url): (String, Url),
        (client_id, auth): (ClientId, ClientAuth),
        (http, provider): (Http, Option<Provider>),
        timer: Arc<dyn Timer>,
    ) -> Self {
        Self {
            issuer,
            url,
            client_id,
            auth,
            http,
            provider,
            keys: IssuerKeys::new(timer),
            metadata: OnceCell::new(),
        }
    }

    /// Fetched once and kept.
    pub(crate) async fn metadata(&self) -> Result<Arc<Metadata>, Error> {
        let discover = || async {
            let asked = (&self.url, self.issuer.as_str());
            discovery::discover(&self.http, asked, (self.provider.as_ref(), &self.auth))
                .await
                .map(Arc::new)
        };
        self.metadata.get_or_try_init(discover).await.cloned()
    }

    /// The server's host, for sentences.
    pub(crate) fn host(&self) -> String {
        clean::text(self.url.host_str().unwrap_or(&self.issuer))
    }

    /// A request in the words of the provider.
    pub(crate) fn adjusted(&self, step: RequestTo, form: Form) -> Form {
        match &self.provider {
            Some(provider) => provider.adjust(step, &form),
            None => form,
        }
    }

    pub(crate) fn is_on_loopback(&self) -> bool {
        is_loopback(&self.url)
    }

    /// Sends a form to an endpoint that authenticates clients (RFC 6749 §2.3).
    pub(crate) async fn post_form(&self, endpoint: &Url, form: Form) -> Result<Reply, Error> {
        let client = (&self.client_id, &self.auth);
        self.http.post_form(endpoint, form, client).await
    }
}
