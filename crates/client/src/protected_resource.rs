//! What an API says about itself: which server gives tokens for it, and with which scopes.
//!
//! RFC 9728: <https://www.rfc-editor.org/rfc/rfc9728#section-3>; row C-75. Nothing secret is sent, and
//! nothing that is found makes a token go anywhere: that stays with [`crate::ClientBuilder::resource`].

use std::sync::Arc;

use hallpass_protocol::resource_metadata::{ResourceMetadata, well_known_url};
use hallpass_protocol::time::SystemClock;
use reqwest::Method;
use reqwest::header::ACCEPT;
use url::Url;

use crate::address::secure_url;
use crate::authorized_http::Challenges;
use crate::clean;
use crate::error::{Error, SecurityViolation};
use crate::http::Http;
use crate::network::HttpTransport;

/// An API, as its metadata describes it (RFC 9728 §2).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProtectedResource {
    /// `resource`: what to ask tokens for (RFC 8707 §2). It is at the origin that was asked.
    pub resource: String,
    /// `authorization_servers`: the issuers, at least one.
    pub authorization_servers: Vec<String>,
    /// `scopes_supported`.
    pub scopes: Vec<String>,
    /// `dpop_bound_access_tokens_required`: Bearer tokens are not taken (RFC 9449).
    pub requires_dpop: bool,
}

impl ProtectedResource {
    /// Asks an API, without a token, what it wants: by the `resource_metadata` of its answer 401
    /// (RFC 9728 §5.1), else at the well-known places of the address and of its host (§3.1).
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), hallpass_client::Error> {
    /// use hallpass_client::{Client, ProtectedResource, SystemTransport};
    ///
    /// let api = ProtectedResource::discover("https://api.example.com/v1", SystemTransport::new()).await?;
    /// let client = Client::builder(api.server(None), "acme-cli")
    ///     .scopes(&api.scopes)
    ///     .resource(&api.resource)
    ///     .build()?;
    /// # drop(client);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Config`] for an address that is not https (http is fine on loopback) and for
    /// an API that describes itself nowhere; [`crate::ErrorKind::Security`] for a document that is about
    /// something else than was asked (§3.3) or lies elsewhere; [`crate::ErrorKind::Unavailable`].
    pub async fn discover(
        address: &str,
        transport: impl HttpTransport + 'static,
    ) -> Result<Self, Error> {
        let http = Http::new("", Arc::new(transport), None, Arc::new(SystemClock));
        let mut url = secure_url(address, true).map_err(|reason| {
            let shown = clean::text(address);
            Error::config(format!("`{shown}` is no address of an API: {reason}"))
                .hint_to("name its https address (http only on loopback)")
        })?;
        url.set_fragment(None);
        if let Some(place) = named(&http, &url).await? {
            let document = fetch(&http, &place).await?;
            let document = document.ok_or_else(|| missing(&url))?;
            // §3.3: "MUST be identical to the URL that the client used to make the request".
            return about(document, &[address, url.as_str()], &url);
        }
        let origin = url.origin().ascii_serialization();
        for asked in [url.as_str(), origin.as_str()] {
            let place = well_known_url(asked).and_then(|place| Url::parse(&place).ok());
            let Some(place) = place else { continue };
            if let Some(document) = fetch(&http, &place).await? {
                // §3.3: identical to the identifier into which the well-known path was inserted; a path
                // of `/` is inserted as none.
                let bare = asked.strip_suffix('/').unwrap_or(asked);
                let slashed = format!("{origin}/");
                let known = if bare == origin {
                    vec![origin.as_str(), slashed.as_str()]
                } else {
                    vec![asked]
                };
                return about(document, &known, &url);
            }
        }
        Err(missing(&url))
    }

    /// The server to ask: the preferred one if the API names it, else the first.
    pub fn server(&self, preferred: Option<&str>) -> &str {
        let mut servers = self.authorization_servers.iter();
        let wanted = servers
            .clone()
            .find(|issuer| Some(issuer.as_str()) == preferred);
        wanted.or_else(|| servers.next()).map_or("", String::as_str)
    }
}

/// Where the answer 401 says that the document lies.
async fn named(http: &Http, url: &Url) -> Result<Option<Url>, Error> {
    let request = http.request(Method::GET, url)?.header(ACCEPT, "*/*");
    let request = request.build().map_err(|error| {
        Error::config("the request is malformed").caused_by(error.without_url())
    })?;
    // The body is not read: it may be anything.
    let answer = http.send(request).await?;
    if answer.status().as_u16() != 401 {
        return Ok(None);
    }
    let challenges = Challenges::of(answer.headers());
    let Some(text) = challenges.parameter("resource_metadata") else {
        return Ok(None);
    };
    let shown = clean::text(text);
    let place = secure_url(text, true).ok();
    // Stricter than §5.1: an API must not make this machine ask some other host, inside its network
    // perhaps (§7.7).
    match place.filter(|place| place.origin() == url.origin()) {
        Some(place) => Ok(Some(place)),
        None => Err(Error::security(
            SecurityViolation::Resource,
            format!("the API names its metadata elsewhere: `{shown}`"),
        )
        .hint_to("name the server yourself: --issuer URL")),
    }
}

/// The document at a place; `None` where there is none. Redirects stay on the origin.
async fn fetch(http: &Http, place: &Url) -> Result<Option<ResourceMetadata>, Error> {
    let reply = http.get_document(place).await?;
    if reply.status >= 500 || reply.status == 429 {
        let text = format!("the API does not describe itself ({})", reply.describe());
        return Err(Error::unavailable(text, reply.retry_after));
    }
    // §3.2: a successful answer is 200 with JSON; a page that is shown for every address is none.
    let is_json = reply.content_type.starts_with("application/json");
    if reply.status != 200 || !is_json {
        return Ok(None);
    }
    serde_json::from_slice(reply.body.expose())
        .map(Some)
        .map_err(|error| Error::protocol("the API's metadata is malformed").caused_by(error))
}

/// The document, if it is about what was asked (§3.3).
fn about(found: ResourceMetadata, asked: &[&str], url: &Url) -> Result<ProtectedResource, Error> {
    if !asked.contains(&found.resource.as_str()) {
        let other = clean::text(&found.resource);
        let asked = clean::text(url.as_str());
        let text = format!("the metadata of {asked} is about another resource, `{other}`");
        let hint = match Url::parse(&found.resource) {
            Ok(other) if other.origin() == url.origin() => {
                format!(
                    "if that is the API, name it: {}",
                    clean::text(other.as_str())
                )
            }
            _ => "report this to the operator of the API".to_owned(),
        };
        return Err(Error::security(SecurityViolation::Resource, text).hint_to(hint));
    }
    let is_issuer = |issuer: &String| secure_url(issuer, true).is_ok() && clean::is_clean(issuer);
    let is_scope = |scope: &String| {
        let is_char = |c: char| c.is_ascii_graphic() && c != '"' && c != '\\';
        !scope.is_empty() && scope.chars().all(is_char)
    };
    let servers: Vec<_> = found
        .authorization_servers
        .into_iter()
        .filter(is_issuer)
        .collect();
    if servers.is_empty() {
        let host = clean::text(url.host_str().unwrap_or_default());
        return Err(
            Error::config(format!("{host} names no authorization server"))
                .hint_to("name it yourself: --issuer URL"),
        );
    }
    Ok(ProtectedResource {
        resource: found.resource,
        authorization_servers: servers,
        scopes: found
            .scopes_supported
            .into_iter()
            .filter(is_scope)
            .collect(),
        requires_dpop: found.dpop_bound_access_tokens_required,
    })
}

fn missing(url: &Url) -> Error {
    let host = clean::text(url.host_str().unwrap_or_default());
    Error::config(format!(
        "{host} does not say which server gives tokens for it"
    ))
    .hint_to("name the server yourself: --issuer URL")
}
