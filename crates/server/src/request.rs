//! A request as the endpoints see it: read whole, limited, with its issuer.

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hallpass_issuer::Refusal;
use hallpass_issuer::audit::{Entry, Event};
use hallpass_issuer::tokens::mint::Issuer;
use hallpass_protocol::Timestamp;
use hallpass_protocol::form::Form;
use hallpass_store::Moment;
use http::header::{self, AsHeaderName};
use http::{HeaderMap, Method};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Bytes;
use serde_json::{Map, Value};

use crate::extract::cookie::CookieName;
use crate::languages::{Language, PageLanguage, Wishes, of_tags};
use crate::pages::layout::Layout;
use crate::pages::look::Look;
use crate::paths::Paths;
use crate::settings::Settings;

/// The largest body that is read (row S-140).
pub(crate) const LARGEST_BODY: usize = 64 * 1024;
/// How long a body may take (row S-140).
const BODY_TIME: Duration = Duration::from_secs(10);

/// A request, read whole.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// The address of whoever is connected.
    pub(crate) peer: IpAddr,
    /// Whether a proxy that nobody configured stands before the peer, so that its address says little.
    pub(crate) is_veiled: bool,
    /// The issuer's path: `default`, or nothing for the root issuer.
    pub(crate) issuer: String,
    /// The issuer's identifier.
    pub(crate) issuer_url: String,
    /// Where the endpoints lie.
    pub(crate) paths: &'static Paths,
    /// What people know the service by; in dev mode it is known by its address.
    pub(crate) brand: Option<Arc<str>>,
    /// How its pages look.
    pub(crate) look: Arc<Look>,
    pub(crate) now: Timestamp,
    /// When it came, by the clock that revocations are followed by.
    pub(crate) came: Moment,
    /// The language of its pages.
    pub(crate) language: PageLanguage,
    /// For how long at most it was held, where the client asked for that; the answer says so
    /// (RFC 7240 §3).
    pub(crate) held_for: OnceLock<Duration>,
}

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyError {
    /// More than [`LARGEST_BODY`]: 413.
    TooLarge,
    /// Not within [`BODY_TIME`]: 408.
    TooSlow,
    /// The connection broke.
    Broken,
}

/// Reads a body within its limits.
pub(crate) async fn read_body<B>(body: B) -> Result<Bytes, BodyError>
where
    B: hyper::body::Body<Data = Bytes> + Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let limited = Limited::new(body, LARGEST_BODY);
    match tokio::time::timeout(BODY_TIME, limited.collect()).await {
        Err(_) => Err(BodyError::TooSlow),
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            Err(BodyError::TooLarge)
        }
        Ok(Err(_)) => Err(BodyError::Broken),
    }
}

/// What may stand in an issuer's path: nothing that a URL or a cookie would change.
pub(crate) fn is_issuer(path: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~' | b'/');
    path.len() <= 200
        && path.bytes().all(plain)
        && (path.is_empty()
            || path
                .split('/')
                .all(|part| !part.is_empty() && !matches!(part, "." | "..")))
}

impl Request {
    /// The form in the body (row S-124: nothing but a form).
    pub(crate) fn form(&self) -> Result<Form, Refusal> {
        if !self.content_type_is("application/x-www-form-urlencoded") {
            return Err(Refusal::invalid_request(
                "send the parameters as `application/x-www-form-urlencoded`",
            ));
        }
        let text = std::str::from_utf8(&self.body)
            .map_err(|_| Refusal::invalid_request("the body is not UTF-8"))?;
        Ok(Form::parse(text)?)
    }

    /// The parameters in the body, which is a form or a JSON object of strings.
    pub(crate) fn json_or_form(&self) -> Result<Form, Refusal> {
        if !self.content_type_is("application/json") {
            return self.form();
        }
        let members: Map<String, Value> = serde_json::from_slice(&self.body)
            .map_err(|_| Refusal::invalid_request("the body is not a JSON object"))?;
        let text = |(name, value): (String, Value)| match value {
            Value::String(text) => Ok((name, text)),
            Value::Null => Ok((name, String::new())),
            _ => Err(Refusal::invalid_request(
                "every member of the body is a string",
            )),
        };
        let form: Form = members
            .into_iter()
            .map(text)
            .collect::<Result<Vec<_>, _>>()?
            .into_iter()
            .collect();
        Ok(Form::parse(&form.encode())?)
    }

    /// The form in the query.
    pub(crate) fn query_form(&self) -> Result<Form, Refusal> {
        Ok(Form::parse(&self.query)?)
    }

    /// Whether the body is of a media type.
    pub(crate) fn content_type_is(&self, media_type: &str) -> bool {
        let value = self.header(header::CONTENT_TYPE).unwrap_or_default();
        value
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .eq_ignore_ascii_case(media_type)
    }

    /// A header that is text.
    pub(crate) fn header(&self, name: impl AsHeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// A cookie.
    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        let pairs = self.headers.get_all(header::COOKIE).iter();
        let mut pairs = pairs
            .filter_map(|value| value.to_str().ok())
            .flat_map(|line| line.split(';'));
        pairs.find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
    }

    /// The token of `Authorization: Bearer`.
    pub(crate) fn bearer(&self) -> Option<&str> {
        self.authorization("bearer")
    }

    /// What follows a scheme in `Authorization`.
    pub(crate) fn authorization(&self, wanted: &str) -> Option<&str> {
        let (scheme, token) = self.header(header::AUTHORIZATION)?.split_once(' ')?;
        scheme.eq_ignore_ascii_case(wanted).then(|| token.trim())
    }

    /// The address of whoever asks, where it is known to be theirs (row S-270).
    pub(crate) fn known_address(&self) -> Option<IpAddr> {
        (!self.is_veiled).then_some(self.peer)
    }

    /// An event that this request leads to.
    pub(crate) fn event(&self, event: Event) -> Entry {
        let user_agent = self.header(header::USER_AGENT);
        Entry::new(event, self.now).from_place(self.peer, user_agent)
    }

    /// Where a path of this issuer lies.
    pub(crate) fn url_of(&self, path: &str) -> String {
        format!("{}/{path}", self.issuer_url)
    }

    /// What was asked for, as the client sees it: without the query.
    pub(crate) fn url(&self) -> String {
        let issuer = self.path_of("");
        let base = self.issuer_url.strip_suffix(issuer.trim_end_matches('/'));
        format!("{}{}", base.unwrap_or(&self.issuer_url), self.path)
    }

    /// Where a path of this issuer lies on this server.
    pub(crate) fn path_of(&self, path: &str) -> String {
        if self.issuer.is_empty() {
            format!("/{path}")
        } else {
            format!("/{}/{path}", self.issuer)
        }
    }

    /// The issuer as tokens name it.
    pub(crate) fn issuer<'a>(&'a self, settings: &Settings) -> Issuer<'a> {
        Issuer {
            url: &self.issuer_url,
            path: &self.issuer,
            rules: settings.token_rules,
        }
    }

    /// The frame of every page of this issuer.
    pub(crate) fn layout(&self) -> Layout {
        let address = self
            .issuer_url
            .split_once("://")
            .map_or("", |(_, rest)| rest);
        Layout {
            issuer_name: self.brand.as_deref().unwrap_or(address).to_owned(),
            dev_banner: self.brand.is_none(),
            words: self.language().words(),
            has_switch: true,
            look: Arc::clone(&self.look),
        }
    }

    /// The language of its pages.
    pub(crate) fn language(&self) -> Language {
        self.language.get(|| {
            let query = self.query_form().unwrap_or_default();
            let wishes = Wishes {
                ui_locales: query.one("ui_locales").ok().flatten(),
                chosen: self.cookie(CookieName::Language.of(&self.issuer_url)),
                headers: &self.headers,
                default: self.language.default(),
            };
            wishes.language()
        })
    }

    /// Takes the `ui_locales` of a request that did not come in the query; those of the query are
    /// ours where both are there, since the person chose them on the page.
    pub(crate) fn take_ui_locales(&self, tags: Option<&str>) {
        let in_query = self.query_form().is_ok_and(|query| query.has("ui_locales"));
        if let Some(language) = tags.filter(|_| !in_query).and_then(of_tags) {
            self.language.settle(language);
        }
    }

    /// Whether a browser sent this: all of today's name the origin of a POST by themselves.
    pub(crate) fn is_from_browser(&self) -> bool {
        self.header("sec-fetch-site").is_some() || self.header(header::ORIGIN.as_str()).is_some()
    }

    /// Whether another site's page sent this (RFC 9700 §4.16): browsers say so by themselves.
    pub(crate) fn is_cross_site(&self) -> bool {
        if let Some(site) = self.header("sec-fetch-site") {
            return !matches!(site, "same-origin" | "none");
        }
        let own = |origin: &str| {
            // In production a proxy may have put its own name into `Host`.
            if self.brand.is_some() {
                return origin == self.issuer_url;
            }
            let host = self.header(header::HOST);
            host.is_some() && origin.split_once("://").map(|(_, host)| host) == host
        };
        self.header(header::ORIGIN)
            .is_some_and(|origin| !own(origin))
    }
}
