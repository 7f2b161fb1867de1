//! The transport that is used unless the program brings its own: rustls, the system's trust store, and
//! the proxy that the environment or the configuration names.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Request, Response};
use url::Url;

use super::causes::causes;
use super::proxy::{Proxies, ProxyAddress};
use super::transport::{HttpTransport, TransportError, TransportErrorKind};
use super::trust;
use super::untrusted::Untrusted;
use crate::BoxFuture;
use crate::error::Error;

/// How long a connection may take to come about, in an exchange that may take longer.
const CONNECT_DEADLINE: Duration = Duration::from_secs(10);
/// A connection that lay idle longer is not used again. Many servers close theirs after 5 s, just when
/// the next poll of a device code (RFC 8628 §3.5) would be sent into it.
const LONGEST_IDLE: Duration = Duration::from_secs(2);

/// TLS by rustls, certificates judged by the system's trust store, proxies as the environment says.
///
/// Certificates: the trust store of the system. On Linux and BSD, `SSL_CERT_FILE` and `SSL_CERT_DIR`
/// take its place, as they do for OpenSSL, curl and Go; elsewhere they are added to it. The certificates
/// of [`Self::ca_bundle`] are always added. There is no way to skip the check (row C-44).
///
/// Proxies: the one of [`Self::proxy`], else `HTTPS_PROXY`, `HTTP_PROXY` and `ALL_PROXY`, each also in
/// lower case (`HTTP_PROXY` in capitals is ignored where `REQUEST_METHOD` is set: in a CGI program a
/// stranger writes it). `NO_PROXY` names what is reached directly: domains with all below them,
/// addresses, networks such as `10.0.0.0/8`, each with a port if wanted, or `*`. This machine itself is
/// never reached through a proxy. On macOS and Windows, where no variable names one, the system's own
/// proxy settings hold.
///
/// ```
/// use hallpass_client::{Client, MemoryStore, SystemTransport};
///
/// let transport = SystemTransport::new()
///     .ca_bundle("/etc/ssl/corporate.pem")
///     .proxy("http://proxy.example.com:3128")?;
/// let client = Client::builder("https://login.example.com", "acme-cli")
///     .store(MemoryStore::new())
///     .http(transport)
///     .build()?;
/// # drop(client);
/// # Ok::<(), hallpass_client::Error>(())
/// ```
#[derive(Debug)]
pub struct SystemTransport {
    ca_bundle: Option<PathBuf>,
    proxies: Arc<Proxies>,
    /// Made at the first request: reading the system's certificates takes time.
    client: OnceLock<reqwest::Client>,
}

impl Default for SystemTransport {
    fn default() -> Self {
        Self::new()
    }
}

impl SystemTransport {
    /// What the system and the environment say, and no more. The environment is read now, the
    /// certificates at the first request.
    pub fn new() -> Self {
        Self {
            ca_bundle: None,
            proxies: Arc::new(Proxies::from_environment()),
            client: OnceLock::new(),
        }
    }

    /// Also trusts the certificates of this PEM file. It is read at the first request.
    #[must_use]
    pub fn ca_bundle(mut self, file: impl AsRef<Path>) -> Self {
        self.ca_bundle = Some(file.as_ref().to_owned());
        self
    }

    /// Reaches every server through this proxy, but for those of `NO_PROXY`: `http://`, `https://`,
    /// `socks5://` or `socks5h://` (names resolved by the proxy), with `user:password@` if it wants one.
    /// Without scheme, `http://`.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Config`] when the text is no such address. It does not repeat a password.
    pub fn proxy(mut self, address: &str) -> Result<Self, Error> {
        let address = ProxyAddress::parse(address).map_err(|reason| {
            Error::config(format!("the proxy's address cannot be used: {reason}"))
                .hint_to("name it as http://HOST:PORT, or http://USER:PASSWORD@HOST:PORT")
        })?;
        self.proxies = Arc::new(self.proxies.with_explicit(address));
        Ok(self)
    }

    /// The proxy through which an address is reached, without its password; `None` for none.
    pub fn proxy_of(&self, url: &Url) -> Option<String> {
        self.proxies.of(url).map(ProxyAddress::shown)
    }

    fn client(&self) -> Result<&reqwest::Client, TransportError> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let tls = trust::tls_settings(self.ca_bundle.as_deref())?;
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .connect_timeout(CONNECT_DEADLINE)
            .pool_idle_timeout(LONGEST_IDLE);
        if !self.proxies.are_of_the_system() {
            let proxies = Arc::clone(&self.proxies);
            let proxy_of = move |url: &Url| proxies.of(url).map(|it| it.full().expose().clone());
            builder = builder.proxy(reqwest::Proxy::custom(proxy_of));
        }
        let built = builder.build().map_err(|error| {
            let kind = TransportErrorKind::NotConnected;
            TransportError::new(kind, "the HTTP client cannot start").caused_by(error)
        })?;
        Ok(self.client.get_or_init(|| built))
    }
}

impl HttpTransport for SystemTransport {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        Box::pin(async move {
            let proxy = self.proxies.of(request.url());
            let deadline = request.timeout().copied();
            let answer = self.client()?.execute(request).await;
            answer.map_err(|error| explained(error.without_url(), proxy, deadline))
        })
    }
}

/// What the HTTP library's error means. Its causes are the deeper reasons.
fn explained(
    error: reqwest::Error,
    proxy: Option<&ProxyAddress>,
    deadline: Option<Duration>,
) -> TransportError {
    if let Some(untrusted) = Untrusted::find(&error) {
        return untrusted.clone().into_error();
    }
    let by = proxy.map(ProxyAddress::shown);
    if let (Some(by), Some(refusal)) = (&by, tunnel_refusal(&error)) {
        return refusal.into_error(by).caused_by(error);
    }
    if error.is_timeout() {
        let seconds = deadline.unwrap_or(CONNECT_DEADLINE).as_secs_f64();
        let kind = if error.is_connect() {
            TransportErrorKind::NotConnected
        } else {
            TransportErrorKind::TimedOut
        };
        let reason = match by {
            Some(by) => format!("timeout {seconds} s, through the proxy {by}"),
            None => format!("timeout {seconds} s"),
        };
        return TransportError::new(kind, reason).caused_by(error);
    }
    if error.is_connect() {
        return not_connected(&error, by.as_deref()).caused_by(error);
    }
    TransportError::interrupted(error)
}

fn not_connected(error: &reqwest::Error, by: Option<&str>) -> TransportError {
    let reason = causes(error)
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .map(io::Error::kind)
        .find(|kind| *kind != io::ErrorKind::Other)
        .map(|kind| kind.to_string());
    match (by, reason) {
        (Some(by), reason) => {
            let reason = reason.map_or(String::new(), |reason| format!(": {reason}"));
            let text = format!("the proxy {by} cannot be reached{reason}");
            TransportError::new(TransportErrorKind::Proxy, text)
                .hint_to("check HTTPS_PROXY or --proxy; NO_PROXY names hosts that need none")
        }
        (None, reason) => {
            let reason = reason.unwrap_or_else(|| "no connection".to_owned());
            TransportError::new(TransportErrorKind::NotConnected, reason)
        }
    }
}

/// Why a proxy opened no tunnel (RFC 9110 §9.3.6).
#[derive(Clone, Copy)]
enum TunnelRefusal {
    WantsCredentials,
    Refused,
}

impl TunnelRefusal {
    fn into_error(self, proxy: &str) -> TransportError {
        let kind = TransportErrorKind::Proxy;
        match self {
            Self::WantsCredentials => {
                let text = format!("the proxy {proxy} asks for a user and password: status 407");
                TransportError::new(kind, text)
                    .hint_to("set HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT")
            }
            Self::Refused => {
                let text = format!("the proxy {proxy} refused to connect");
                TransportError::new(kind, text)
                    .hint_to("ask its operator to allow this host, or name it in NO_PROXY")
            }
        }
    }
}

/// The HTTP library keeps the type of this error to itself; its words are its interface.
fn tunnel_refusal(error: &reqwest::Error) -> Option<TunnelRefusal> {
    let words = causes(error)
        .map(ToString::to_string)
        .find_map(|text| text.strip_prefix("tunnel error: ").map(str::to_owned))?;
    match words.as_str() {
        "proxy authorization required" => Some(TunnelRefusal::WantsCredentials),
        "unsuccessful" | "unexpected end of file" | "proxy response headers too long" => {
            Some(TunnelRefusal::Refused)
        }
        _ => None,
    }
}
