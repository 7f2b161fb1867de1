//! A person with a browser: keeps cookies, reads forms, presses buttons; no script.
#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a test harness fails by panicking"
)]

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Mutex;

use reqwest::header::{HeaderName, HeaderValue};

use crate::{Answer, TestServer};

/// The redirect URI of the clients in tests.
pub const REDIRECT_URI: &str = "http://127.0.0.1:8085/callback";
/// The code verifier of RFC 7636 appendix B.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
/// Its challenge.
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// What the confirmation page posts for yes.
pub const APPROVE: &[(&str, &str)] = &[("action", "approve"), ("confirm", "on")];

/// A person in front of a browser of their own.
#[derive(Debug)]
pub struct Person {
    base: url::Url,
    http: reqwest::Client,
    cookies: Mutex<BTreeMap<String, String>>,
}

/// A form on a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form {
    /// Where it posts, as it stands in the page.
    pub action: String,
    /// Its hidden fields.
    pub hidden: Vec<(String, String)>,
    /// Its boxes that are ticked when the page opens.
    pub ticked: Vec<(String, String)>,
}

impl Form {
    /// What it posts with these fields typed: the hidden ones first.
    pub fn fields<'a>(&'a self, typed: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
        let hidden = self.hidden.iter();
        let hidden = hidden.map(|(name, value)| (name.as_str(), value.as_str()));
        hidden.chain(typed.iter().copied()).collect()
    }

    /// Puts a hidden field in the place of the one of its name.
    pub fn replace(&mut self, field: (String, String)) {
        self.hidden.retain(|(name, _)| *name != field.0);
        self.hidden.push(field);
    }
}

impl Person {
    /// A person who has a server's URL.
    pub fn new(base: &str) -> Self {
        Self::with_address(base, None)
    }

    /// A person at an address of this machine.
    pub(crate) fn with_address(base: &str, address: Option<IpAddr>) -> Self {
        Self::with_browser(base, reqwest::Client::builder().local_address(address))
    }

    /// A person whose browser sends these headers with every request, as a proxy before it would.
    pub fn sending(base: &str, headers: &[(&'static str, &str)]) -> Self {
        let read = |(name, value): &(&'static str, &str)| {
            let value = HeaderValue::from_str(value).expect("the value of a header");
            (HeaderName::from_static(name), value)
        };
        let headers = headers.iter().map(read).collect();
        Self::with_browser(base, reqwest::Client::builder().default_headers(headers))
    }

    fn with_browser(base: &str, browser: reqwest::ClientBuilder) -> Self {
        let http = browser.redirect(reqwest::redirect::Policy::none());
        Self {
            base: url::Url::parse(base).expect("a URL"),
            http: http.no_proxy().build().expect("an HTTP client"),
            cookies: Mutex::default(),
        }
    }

    /// Opens a page; redirects on this server are followed, one to a client is not.
    pub async fn open(&self, path: &str) -> Answer {
        answered(self.try_open(path).await)
    }

    /// As [`Self::open`], at a server that may not answer.
    pub async fn try_open(&self, path: &str) -> Result<Answer, reqwest::Error> {
        let url = self.base.join(path).expect("a path");
        self.follow(self.http.get(url)).await
    }

    /// Fills in the first form of a page that has all these fields' siblings, and posts it.
    pub async fn submit(&self, page: &Answer, fields: &[(&str, &str)]) -> Answer {
        answered(self.try_submit(page, fields).await)
    }

    /// As [`Self::submit`], at a server that may not answer.
    pub async fn try_submit(
        &self,
        page: &Answer,
        fields: &[(&str, &str)],
    ) -> Result<Answer, reqwest::Error> {
        let form = forms(&page.body)
            .into_iter()
            .find(|form| !form.action.is_empty());
        self.try_submit_form(&form.expect("the page has a form"), fields)
            .await
    }

    /// Posts a form.
    pub async fn submit_form(&self, form: &Form, fields: &[(&str, &str)]) -> Answer {
        answered(self.try_submit_form(form, fields).await)
    }

    async fn try_submit_form(
        &self,
        form: &Form,
        fields: &[(&str, &str)],
    ) -> Result<Answer, reqwest::Error> {
        let url = self.base.join(&form.action).expect("a form's action");
        let hidden = form
            .hidden
            .iter()
            .chain(&form.ticked)
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let all: Vec<(&str, &str)> = hidden.chain(fields.iter().copied()).collect();
        self.follow(self.http.post(url).form(&all)).await
    }

    /// Sends one request with this browser's cookies; follows nothing.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        answered(self.try_send(request).await)
    }

    async fn try_send(&self, request: reqwest::RequestBuilder) -> Result<Answer, reqwest::Error> {
        let cookies = self
            .cookies
            .lock()
            .expect("no panic")
            .iter()
            .map(|(n, v)| format!("{n}={v}"))
            .collect::<Vec<_>>();
        let request = if cookies.is_empty() {
            request
        } else {
            request.header("cookie", cookies.join("; "))
        };
        let answer = Answer::try_read(request.send().await?).await?;
        let mut jar = self.cookies.lock().expect("no panic");
        for cookie in answer.headers.get_all("set-cookie") {
            let text = cookie.to_str().expect("a cookie is text");
            let (pair, attributes) = text.split_once(';').unwrap_or((text, ""));
            let (name, value) = pair.split_once('=').expect("a cookie has a name");
            if attributes.contains("Max-Age=0") {
                jar.remove(name);
            } else {
                jar.insert(name.to_owned(), value.to_owned());
            }
        }
        drop(jar);
        Ok(answer)
    }

    /// The HTTP client, to shape a request for [`Self::send`].
    pub fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// The cookies that the browser holds.
    pub fn cookies(&self) -> BTreeMap<String, String> {
        self.cookies.lock().expect("no panic").clone()
    }

    async fn follow(&self, request: reqwest::RequestBuilder) -> Result<Answer, reqwest::Error> {
        let mut answer = self.try_send(request).await?;
        for _ in 0..5 {
            let Ok(next) = self.base.join(answer.header("location")) else {
                return Ok(answer);
            };
            if answer.status != 303 || next.origin() != self.base.origin() {
                return Ok(answer);
            }
            answer = self.try_send(self.http.get(next)).await?;
        }
        Ok(answer)
    }

    /// The path of a good authorization request.
    pub fn authorization_path(client_id: &str, scope: &str) -> String {
        Self::authorization_path_with(client_id, scope, &[])
    }

    /// The path of an authorization request with changes: each value replaces the usual one or is
    /// added, an empty one leaves the parameter out.
    pub fn authorization_path_with(
        client_id: &str,
        scope: &str,
        changes: &[(&str, &str)],
    ) -> String {
        let usual = [
            ("client_id", client_id),
            ("redirect_uri", REDIRECT_URI),
            ("response_type", "code"),
            ("scope", scope),
            ("state", "st"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
            ("nonce", "n-0S6_WzA2Mj"),
        ];
        let kept = usual
            .iter()
            .filter(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
        let mut url = url::Url::parse("http://x/default/authorize").expect("a URL");
        url.query_pairs_mut()
            .extend_pairs(kept.chain(changes).filter(|(_, value)| !value.is_empty()));
        format!("{}?{}", url.path(), url.query().unwrap_or_default())
    }

    /// Opens an authorization request and signs in: the answer to the client, or the next page.
    pub async fn sign_in_at(&self, path: &str, username: &str) -> Answer {
        let page = self.open(path).await;
        self.submit(&page, &[("username", username)]).await
    }

    /// Signs in to a client and returns the authorization code.
    pub async fn authorize(
        &self,
        _server: &TestServer,
        client_id: &str,
        scope: &str,
        username: &str,
    ) -> String {
        let answer = self
            .sign_in_at(&Self::authorization_path(client_id, scope), username)
            .await;
        answer
            .redirect_parameters()
            .get("code")
            .cloned()
            .expect("the client gets a code")
    }

    /// Types a user code in: the sign-in page, the confirmation page, or why neither.
    pub async fn try_code(&self, user_code: &str) -> Answer {
        let entry = self.open("/default/device").await;
        self.submit(&entry, &[("user_code", user_code)]).await
    }

    /// Types a user code in and signs in: the confirmation page.
    pub async fn enter_code(&self, user_code: &str, username: &str) -> Answer {
        self.enter_code_at("/default/device", user_code, username)
            .await
    }

    /// As [`Self::enter_code`], at another verification URI.
    pub async fn enter_code_at(&self, page: &str, user_code: &str, username: &str) -> Answer {
        let entry = self.open(page).await;
        let next = self.submit(&entry, &[("user_code", user_code)]).await;
        if next.body.contains("name=\"username\"") {
            self.submit(&next, &[("username", username)]).await
        } else {
            next
        }
    }

    /// Approves a device from code entry to the last page.
    pub async fn approve(&self, user_code: &str, username: &str) -> Answer {
        let page = self.enter_code(user_code, username).await;
        self.submit(&page, APPROVE).await
    }

    /// Denies a device.
    pub async fn deny(&self, user_code: &str, username: &str) -> Answer {
        let page = self.enter_code(user_code, username).await;
        self.submit(&page, &[("action", "deny")]).await
    }
}

fn answered(answer: Result<Answer, reqwest::Error>) -> Answer {
    answer.expect("the server answers")
}

/// The forms of a page, with their hidden fields.
pub fn forms(html: &str) -> Vec<Form> {
    let mut forms = Vec::new();
    for piece in html.split("<form").skip(1) {
        let piece = piece.split("</form>").next().unwrap_or_default();
        let (head, rest) = piece.split_once('>').unwrap_or((piece, ""));
        let mut form = Form {
            action: attribute(head, "action"),
            hidden: Vec::new(),
            ticked: Vec::new(),
        };
        for input in rest.split("<input").skip(1) {
            let input = input.split('>').next().unwrap_or_default();
            let field = (attribute(input, "name"), attribute(input, "value"));
            match attribute(input, "type").as_str() {
                "hidden" => form.hidden.push(field),
                "checkbox" if input.ends_with(" checked") => form.ticked.push(field),
                _ => {}
            }
        }
        forms.push(form);
    }
    forms
}

/// A page without what is drawn anew for each: the challenges of passkeys.
pub fn without_challenges(html: &str) -> String {
    let mut text = html.to_owned();
    for marker in ["data-options=\"", "name=\"challenge\" value=\""] {
        let mut pieces = text.split(marker);
        let mut kept = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let rest = piece.split_once('"').map_or("", |(_, rest)| rest);
            kept.push_str(rest);
        }
        text = kept;
    }
    text
}

fn attribute(tag: &str, name: &str) -> String {
    let marker = format!("{name}=\"");
    let found = tag
        .split_once(&marker)
        .and_then(|(_, rest)| rest.split_once('"'));
    found.map_or_else(String::new, |(value, _)| unescape(value))
}

fn unescape(text: &str) -> String {
    [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&#60;", "<"),
        ("&#62;", ">"),
        ("&#38;", "&"),
        ("&amp;", "&"),
    ]
    .into_iter()
    .fold(text.to_owned(), |text, (escaped, plain)| {
        text.replace(escaped, plain)
    })
}
