//! The server, and who the client is to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use hallpass_protocol::dpop::ProofRequest;
use hallpass_protocol::form::Form;
use hallpass_protocol::metadata::Metadata;
use hallpass_protocol::{ClientId, ErrorCode, Timestamp};
use tokio::sync::OnceCell;
use url::Url;

use super::discovery;
use super::issuer_keys::IssuerKeys;
use super::refusal::refusal;
use crate::address::is_loopback;
use crate::clean;
use crate::client_auth::{ClientAuthMethod, Proof};
use crate::dpop::{DpopKey, Nonces, Role};
use crate::error::Error;
use crate::http::{Http, Reply};
use crate::provider::{Provider, RequestTo};
use crate::timer::Timer;

/// What every request to the server needs. It knows of no session and of no person.
#[derive(Debug)]
pub(crate) struct AuthorizationServer {
    pub(crate) issuer: String,
    url: Url,
    pub(crate) client_id: ClientId,
    auth: ClientAuthMethod,
    pub(crate) http: Http,
    /// What is known of it by its name.
    pub(crate) provider: Option<Provider>,
    pub(super) keys: IssuerKeys,
    metadata: OnceCell<Arc<Metadata>>,
    /// What it wants to see in the next proof.
    pub(crate) nonces: Nonces,
    /// How far its clock was ahead of ours at the last answer, in milliseconds.
    ahead: AtomicI64,
}

impl AuthorizationServer {
    /// `url` is the issuer, read and judged.
    pub(crate) fn new(
        (issuer, url): (String, Url),
        (client_id, auth): (ClientId, ClientAuthMethod),
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
            nonces: Nonces::default(),
            ahead: AtomicI64::new(0),
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
        self.post_bound(endpoint, form, None).await
    }

    /// The same with a proof that the key is here, so that what is issued is bound to it (RFC 9449 §5).
    ///
    /// A proof without the nonce that the server wants is made again once, and what is refused because
    /// the clocks differ is made again once by the server's clock. Both are refused before anything else
    /// is looked at, so nothing is consumed (RFC 9449 §8, rows C-36 and S-27).
    pub(crate) async fn post_bound(
        &self,
        endpoint: &Url,
        form: Form,
        key: Option<&DpopKey>,
    ) -> Result<Reply, Error> {
        let mut ahead = self.ahead.load(Ordering::Relaxed);
        let (mut has_asked_nonce, mut has_asked_time) = (false, false);
        loop {
            let reply = self.post_as_of(endpoint, &form, (ahead, key)).await?;
            match refusal(&reply).map(|refused| refused.error) {
                Some(ErrorCode::UseDpopNonce) if key.is_some() => {
                    if has_asked_nonce || reply.dpop_nonce.is_none() {
                        return Err(self.nonce_again());
                    }
                    has_asked_nonce = true;
                }
                Some(refused)
                    if !has_asked_time && self.is_late(&refused, &reply, (ahead, key)) =>
                {
                    has_asked_time = true;
                    ahead = reply.server_ahead;
                    tracing::debug!(ahead, "once more, by the server's clock");
                }
                _ => return Ok(reply),
            }
        }
    }

    /// Sends it with a proof of its own, made by a clock that is so many milliseconds ahead of ours.
    async fn post_as_of(
        &self,
        endpoint: &Url,
        form: &Form,
        (ahead, key): (i64, Option<&DpopKey>),
    ) -> Result<Reply, Error> {
        self.require_id()?;
        let metadata = if self.auth.asks_metadata() {
            Some(self.metadata().await?)
        } else {
            self.metadata.get().cloned()
        };
        let now = self.http.now().unix_millis().saturating_add(ahead);
        let proof = Proof {
            client_id: &self.client_id,
            method: &self.auth,
            issuer: &self.issuer,
            metadata: metadata.as_deref(),
            now: Timestamp::from_unix_millis(now),
        };
        let mut form = form.clone();
        let authorization = proof.attach(&mut form)?;
        let role = Role::AuthorizationServer;
        let nonce = self.nonces.newest(role, endpoint);
        let request = ProofRequest {
            htm: "POST",
            htu: endpoint,
            access_token: None,
            nonce: nonce.as_deref(),
            now: Timestamp::from_unix_millis(now),
        };
        let dpop = key.map(|key| key.prove(&request)).transpose()?;
        let reply = self
            .http
            .post_form(endpoint, &form, authorization.as_ref(), dpop.as_ref());
        let reply = reply.await?;
        self.ahead.store(reply.server_ahead, Ordering::Relaxed);
        self.nonces.learn(role, endpoint, reply.dpop_nonce.clone());
        Ok(reply)
    }

    /// A client that was never registered can ask for nothing.
    pub(crate) fn require_id(&self) -> Result<(), Error> {
        if !self.client_id.as_str().is_empty() {
            return Ok(());
        }
        let text = format!("the client has no id at {}", self.host());
        Err(Error::config(text).hint_to("register it first, or name its client id"))
    }

    /// The metadata, before a person is bothered for a client that this server cannot know.
    pub(crate) async fn metadata_for_sign_in(&self) -> Result<Arc<Metadata>, Error> {
        self.require_id()?;
        let metadata = self.metadata().await?;
        let id = self.client_id.as_str();
        if metadata.client_id_metadata_document_supported || !names_document(id) {
            return Ok(metadata);
        }
        let (host, shown) = (self.host(), clean::text(id));
        let text = format!(
            "{host} reads no client id metadata documents, and the client id `{shown}` is the address of one"
        );
        let hint = if metadata.registration_endpoint.is_some() {
            "leave the client id out and register the program, or name a client id that this server has on record"
        } else {
            "have the client registered by who runs the server, and name the client id that it got"
        };
        Err(Error::config(text).hint_to(hint))
    }

    /// Whether an assertion or a proof was made by a clock that differs too much from the server's.
    fn is_late(
        &self,
        refused: &ErrorCode,
        reply: &Reply,
        (assumed, key): (i64, Option<&DpopKey>),
    ) -> bool {
        let may_be_late = match refused {
            ErrorCode::InvalidClient => matches!(self.auth, ClientAuthMethod::PrivateKeyJwt(_)),
            ErrorCode::InvalidDpopProof => key.is_some(),
            _ => false,
        };
        may_be_late && reply.server_ahead.abs_diff(assumed) >= MOST_SKEW
    }

    fn nonce_again(&self) -> Error {
        let text = format!("{} refuses every DPoP proof for its nonce", self.host());
        Error::protocol(text).hint_to("report this to the operator of the server, or turn DPoP off")
    }
}

/// Whether a client id is the address of a document that describes the client: https, with a path
/// (draft-ietf-oauth-client-id-metadata-document §3).
fn names_document(client_id: &str) -> bool {
    let url = Url::parse(client_id).ok();
    url.is_some_and(|url| url.scheme() == "https" && url.path() != "/")
}

/// In milliseconds: a smaller difference leaves an assertion and a proof good.
const MOST_SKEW: u64 = 5000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_a_document_is_told_from_other_client_ids() {
        for (id, is_document) in [
            ("https://app.example/client.json", true),
            ("https://app.example/a/b?c", true),
            ("https://app.example/", false),
            ("https://app.example", false),
            ("http://127.0.0.1/client.json", false),
            ("api://app/client", false),
            ("acme-cli", false),
            ("", false),
        ] {
            assert_eq!(names_document(id), is_document, "{id}");
        }
    }
}
