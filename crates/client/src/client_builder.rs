//! What a program says once about itself and its server.

use std::sync::Arc;

use hallpass_protocol::time::SystemClock;
use hallpass_protocol::{ClientId, Clock, Scopes};
use url::Origin;

use crate::address::secure_url;
use crate::async_store::AsyncStore;
use crate::authorization_server::{AuthorizationServer, PushedRequests};
use crate::clean;
use crate::client::{Client, ClientInner};
use crate::client_auth::ClientAuthMethod;
use crate::credentials::{MemoryStore, Store, TokenStore};
use crate::dpop::DpopMode;
use crate::error::Error;
use crate::flow::Environment;
use crate::http::Http;
use crate::network::{HttpTransport, SystemTransport};
use crate::provider::Provider;
use crate::sign_in::Withdrawals;
use crate::timer::{Timer, TokioTimer};
use crate::ui::{Browser, SystemBrowser, TerminalUi, Ui};
use crate::watcher::Watcher;

/// Collects what a [`Client`] needs; made by [`Client::builder`].
#[derive(Debug)]
#[must_use = "a builder does nothing until `build`"]
pub struct ClientBuilder {
    issuer: String,
    client_id: ClientId,
    app_name: Option<String>,
    profile: String,
    auth: ClientAuthMethod,
    scopes: String,
    resources: Vec<String>,
    audiences: Vec<String>,
    store: Option<Arc<dyn TokenStore>>,
    ui: Option<Arc<dyn Ui>>,
    browser: Arc<dyn Browser>,
    clock: Arc<dyn Clock>,
    timer: Arc<dyn Timer>,
    environment: Option<Environment>,
    watcher: Option<Arc<dyn Watcher>>,
    http: Option<Arc<dyn HttpTransport>>,
    provider: Option<Provider>,
    pushed_requests: PushedRequests,
    dpop: DpopMode,
}

impl Client {
    /// Starts describing a client: the issuer exactly as its metadata spells it, and the client id.
    pub fn builder(issuer: impl Into<String>, client_id: impl Into<String>) -> ClientBuilder {
        ClientBuilder {
            issuer: issuer.into(),
            client_id: ClientId::new(client_id),
            app_name: None,
            profile: String::new(),
            auth: ClientAuthMethod::None,
            scopes: String::new(),
            resources: Vec::new(),
            audiences: Vec::new(),
            store: None,
            ui: None,
            browser: Arc::new(SystemBrowser),
            clock: Arc::new(SystemClock),
            timer: Arc::new(TokioTimer::default()),
            environment: None,
            watcher: None,
            http: None,
            provider: None,
            pushed_requests: PushedRequests::default(),
            dpop: DpopMode::default(),
        }
    }

    /// Starts describing a client that has no id yet: it can read the server's metadata and register
    /// itself ([`Client::register`]). Nothing is stored.
    pub fn unregistered(issuer: impl Into<String>) -> ClientBuilder {
        Self::builder(issuer, "")
            .app_name("hallpass")
            .store(MemoryStore::new())
    }

    /// Starts describing a client of a provider that is known by name: its addresses, and in what it
    /// differs from the specifications. Scopes that it does not know (`openid` at GitHub,
    /// `offline_access` at Google) are said in its own words; without scopes, its usual ones are asked
    /// for.
    ///
    /// ```
    /// use hallpass_client::{Client, MemoryStore, Provider};
    ///
    /// let client = Client::for_provider(Provider::parse("github")?, "Iv1.8a61f9b3a7aba766")
    ///     .store(MemoryStore::new())
    ///     .build()?;
    /// # drop(client);
    /// # Ok::<(), hallpass_client::Error>(())
    /// ```
    pub fn for_provider(provider: Provider, client_id: impl Into<String>) -> ClientBuilder {
        let mut builder = Self::builder(provider.issuer(), client_id);
        builder.provider = Some(provider);
        builder
    }
}

impl ClientBuilder {
    /// The program's name: names the credentials file and the `User-Agent`. Default: the client id.
    pub fn app_name(mut self, name: impl Into<String>) -> Self {
        self.app_name = Some(name.into());
        self
    }

    /// Tells several accounts of this client at this issuer apart: each name has a session of its
    /// own. Default: one account, without a name.
    pub fn profile(mut self, name: impl Into<String>) -> Self {
        self.profile = name.into();
        self
    }

    /// Asks for these scopes at sign-in (RFC 6749 §3.3). `openid` brings an ID token,
    /// `offline_access` a session that lasts.
    pub fn scopes<S: AsRef<str>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        for scope in scopes {
            self.scopes.push(' ');
            self.scopes.push_str(scope.as_ref());
        }
        self
    }

    /// Names an API that the tokens are for (RFC 8707 §2); may be called again. It is sent as
    /// `resource`, and its origin is one of the only ones to which [`crate::Session::http`] sends a token.
    pub fn resource(mut self, resource: impl Into<String>) -> Self {
        self.resources.push(resource.into());
        self
    }

    /// Names an API by the word that the server has for it, for servers that take the parameter `audience`
    /// where RFC 8707 has `resource`, such as Auth0 and Hydra; may be called again. It is asked for at every
    /// sign-in, refresh and in [`Client::client_credentials`]. No origin gets a token for it: that is
    /// [`Self::resource`].
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audiences.push(audience.into());
        self
    }

    /// How the client authenticates (RFC 6749 §2.3). Default: a public client.
    pub fn client_auth(mut self, auth: ClientAuthMethod) -> Self {
        self.auth = auth;
        self
    }

    /// Whether authorization requests are pushed to the server before the browser opens (RFC 9126).
    /// Default: where the server's metadata offers it.
    pub fn pushed_requests(mut self, wish: PushedRequests) -> Self {
        self.pushed_requests = wish;
        self
    }

    /// Whether the tokens of a sign-in are bound to a key of its own (RFC 9449). Default: where the server's
    /// metadata offers it. [`crate::Session::http`] makes the proofs; a bound token alone is of no use.
    pub fn dpop(mut self, mode: DpopMode) -> Self {
        self.dpop = mode;
        self
    }

    /// Where sessions are kept. Default: [`Store::auto`] of the program's name.
    pub fn store(mut self, store: impl TokenStore + 'static) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    /// Who talks to the person. Default: [`TerminalUi`] on standard error.
    pub fn ui(mut self, ui: impl Ui + 'static) -> Self {
        self.ui = Some(Arc::new(ui));
        self
    }

    /// Who opens addresses. Default: the system's browser.
    pub fn browser(mut self, browser: impl Browser + 'static) -> Self {
        self.browser = Arc::new(browser);
        self
    }

    /// Who tells the time. Default: the system's clock.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Who waits. Default: Tokio's timer.
    pub fn timer(mut self, timer: impl Timer + 'static) -> Self {
        self.timer = Arc::new(timer);
        self
    }

    /// What surrounds the program, for the choice of the flow. Default:
    /// [`Environment::detect`] at each sign-in.
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = Some(environment);
        self
    }

    /// What carries requests to the server and to the APIs. Default: [`SystemTransport::new`], rustls
    /// with the system's trust store and the proxies of the environment.
    pub fn http(mut self, transport: impl HttpTransport + 'static) -> Self {
        self.http = Some(Arc::new(transport));
        self
    }

    /// Who sees what is exchanged with the server, secrets shortened. Default: nobody.
    pub fn watcher(mut self, watcher: impl Watcher + 'static) -> Self {
        self.watcher = Some(Arc::new(watcher));
        self
    }

    /// Checks the description. Nothing is sent and no file is touched.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Config`] for an issuer or resource that is not an https address (http is
    /// fine on loopback), for an empty audience and for malformed scopes, [`crate::ErrorKind::Store`] when there is no
    /// place for the credentials file.
    pub fn build(mut self) -> Result<Client, Error> {
        let shown = clean::text(&self.issuer);
        let issuer_url = secure_url(&self.issuer, true)
            .ok()
            .filter(|url| url.query().is_none())
            .ok_or_else(|| {
                Error::config(format!("`{shown}` is no issuer"))
                    .hint_to("name an https address without query (http only on loopback), such as https://login.example.com")
            })?;
        let scopes = Scopes::parse(&self.scopes)
            .map_err(|error| Error::config("the scopes are malformed").caused_by(error))?;
        let scopes = self.in_words_of_the_provider(scopes);
        let origins = self
            .resources
            .iter()
            .map(|resource| origin(resource))
            .collect::<Result<_, _>>()?;
        let audiences = joined_audiences(&[], &self.audiences)?;
        let app_name = self
            .app_name
            .unwrap_or_else(|| self.client_id.as_str().to_owned());
        let store = match self.store {
            Some(store) => store,
            None => Store::auto(&app_name)?,
        };
        let http = Http::new(
            &user_agent_word(&app_name),
            self.http
                .unwrap_or_else(|| Arc::new(SystemTransport::new())),
            self.watcher,
            Arc::clone(&self.clock),
        );
        let server = AuthorizationServer::new(
            (self.issuer, issuer_url),
            (self.client_id, self.auth),
            (http, self.provider),
            Arc::clone(&self.timer),
        );
        let inner = ClientInner {
            server,
            profile: self.profile,
            scopes,
            resources: self.resources,
            audiences,
            origins,
            pushed_requests: self.pushed_requests,
            dpop: self.dpop,
            store: AsyncStore::new(store),
            ui: self.ui.unwrap_or_else(|| Arc::new(TerminalUi::stderr())),
            browser: self.browser,
            clock: self.clock,
            timer: self.timer,
            environment: self.environment,
            withdrawals: Withdrawals::default(),
        };
        Ok(Client {
            inner: Arc::new(inner),
        })
    }
}

#[cfg(feature = "clap")]
impl ClientBuilder {
    /// Who talks to the person, unless the program has said it.
    pub(crate) fn or_ui<U: Ui + 'static>(mut self, ui: impl FnOnce() -> U) -> Self {
        self.ui.get_or_insert_with(|| Arc::new(ui()));
        self
    }

    /// What surrounds the program, as it says or as it looks.
    pub(crate) fn surroundings(&self) -> Environment {
        let said = self.environment.clone();
        said.unwrap_or_else(Environment::detect)
    }
}

impl ClientBuilder {
    fn in_words_of_the_provider(&mut self, scopes: Scopes) -> Scopes {
        let Some(provider) = &mut self.provider else {
            return scopes;
        };
        self.auth = provider.client_auth(std::mem::take(&mut self.auth));
        provider.scopes(&scopes)
    }
}

/// RFC 8707 §2: an absolute URI without fragment. Ours must also be a place to send a token to.
fn origin(resource: &str) -> Result<Origin, Error> {
    secure_url(resource, true)
        .map(|url| url.origin())
        .map_err(|reason| {
            let shown = clean::text(resource);
            Error::config(format!("`{shown}` is no resource: {reason}"))
                .hint_to("name the API's https address (http only on loopback)")
        })
}

/// What the client asks for, then what one sign-in adds, each once. An empty one would be left out at the
/// server (RFC 6749 §3.1), and the token would be for somebody else than was meant.
pub(crate) fn joined_audiences(known: &[String], more: &[String]) -> Result<Vec<String>, Error> {
    let mut joined = known.to_vec();
    for audience in more {
        if audience.trim().is_empty() || audience.chars().any(char::is_control) {
            let shown = clean::text(audience);
            return Err(Error::config(format!("`{shown}` is no audience"))
                .hint_to("name the API as the server knows it, such as https://api.example.com"));
        }
        if !joined.contains(audience) {
            joined.push(audience.clone());
        }
    }
    Ok(joined)
}

/// A product token of RFC 9110 §5.6.2.
fn user_agent_word(app_name: &str) -> String {
    let is_word = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    app_name.chars().filter(is_word).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    fn build(issuer: &str, resource: &str, scope: &str) -> Result<Client, Error> {
        Client::builder(issuer, "cli")
            .store(MemoryStore::new())
            .resource(resource)
            .scopes([scope])
            .build()
    }

    #[test]
    fn c_44_an_issuer_and_a_resource_are_https_or_loopback() {
        assert!(build("https://as.test", "https://api.test/v1", "openid").is_ok());
        assert!(build("http://127.0.0.1:8080/t", "http://localhost:1", "openid").is_ok());
        for (issuer, resource, scope) in [
            ("http://as.test", "https://api.test", "openid"),
            ("as.test", "https://api.test", "openid"),
            ("https://as.test?x=1", "https://api.test", "openid"),
            ("https://as.test", "http://api.test", "openid"),
            ("https://as.test", "api", "openid"),
            ("https://as.test", "https://api.test", "a\"b"),
        ] {
            let error = build(issuer, resource, scope).unwrap_err();
            assert_eq!(
                error.kind(),
                &ErrorKind::Config,
                "{issuer} {resource} {scope}"
            );
        }
    }

    #[test]
    fn an_audience_is_a_word_of_the_server_and_stands_once() {
        let built = |audiences: &[&str]| {
            let client = Client::builder("https://as.test", "cli").store(MemoryStore::new());
            let audiences = audiences.iter().copied();
            audiences.fold(client, ClientBuilder::audience).build()
        };
        let client = built(&["urn:api", "Any words", "urn:api"]).unwrap();
        assert_eq!(client.inner.audiences, ["urn:api", "Any words"]);
        assert!(client.inner.origins.is_empty());
        for bad in ["", "  ", "a\r\nb"] {
            let error = built(&["urn:api", bad]).unwrap_err();
            assert_eq!(error.kind(), &ErrorKind::Config, "{bad:?}");
            assert!(error.to_string().contains("is no audience"), "{error}");
        }
    }

    #[test]
    fn c_49_debug_of_a_client_shows_no_secret() {
        let client = Client::builder("https://as.test", "cli")
            .client_auth(ClientAuthMethod::SecretBasic(
                hallpass_protocol::Secret::from("canary"),
            ))
            .store(MemoryStore::new())
            .build()
            .unwrap();
        assert!(!format!("{client:?}").contains("canary"));
    }
}
