//! A person with a browser: keeps cookies, reads forms, presses buttons, runs no script.

use std::cell::RefCell;
use std::collections::BTreeMap;

use ureq::http::{Request, Response};
use ureq::{AsSendBody, Body};
use url::Url;

use crate::agent;

/// Where the browser stopped: a page of the server, or a redirect that leaves it.
pub struct Page {
    /// The address of the page.
    pub url: Url,
    /// Its status.
    pub status: u16,
    /// Where a redirect leads that leaves the server.
    pub location: Option<Url>,
    /// Its HTML.
    pub body: String,
}

/// One browser.
#[derive(Default)]
pub struct Person {
    cookies: RefCell<BTreeMap<String, String>>,
}

impl Person {
    /// Opens an address that was typed in.
    pub fn open(&self, address: &str) -> Page {
        let url = Url::parse(address).expect("an address");
        let answer = self.get(&url, "none");
        self.follow(url, answer)
    }

    /// Fills in the first form that has these fields, and posts it.
    pub fn submit(&self, page: &Page, fields: &[(&str, &str)]) -> Page {
        let form = page.body.split("<form").skip(1).find_map(|form| {
            let form = form.split("</form>").next()?;
            let has_all = fields
                .iter()
                .all(|(name, _)| form.contains(&format!("name=\"{name}\"")));
            has_all.then_some(form)
        });
        let form = form.unwrap_or_else(|| {
            panic!(
                "no form with {fields:?} on {} ({})\n{}",
                page.url, page.status, page.body
            )
        });
        let (head, inside) = form.split_once('>').expect("a form");
        let url = page
            .url
            .join(&attribute(head, "action"))
            .expect("an action");
        let hidden = inside.split("<input").skip(1).filter_map(|input| {
            let input = input.split('>').next()?;
            let is_hidden = attribute(input, "type") == "hidden";
            is_hidden.then(|| (attribute(input, "name"), attribute(input, "value")))
        });
        let given = fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(hidden.chain(given))
            .finish();
        let request = Request::post(url.as_str())
            .header("content-type", "application/x-www-form-urlencoded")
            .header("origin", url.origin().ascii_serialization())
            .header("sec-fetch-site", "same-origin");
        let answer = self.send(request, body);
        self.follow(url, answer)
    }

    /// Signs in at an authorization request: the parameters that go back to the client.
    pub fn authorize(&self, address: &Url, username: &str) -> BTreeMap<String, String> {
        let login = self.open(address.as_str());
        parameters(&self.submit(&login, &[("username", username)]))
    }

    /// Opens the complete verification URI, signs in, and presses a button of the last page.
    pub fn decide(&self, address: &str, user_code: &str, decision: &[(&str, &str)]) {
        let entry = self.open(address);
        // The code is filled in, but a person has to say that it is theirs.
        let login = self.submit(&entry, &[("user_code", user_code)]);
        let confirmation = self.submit(&login, &[("username", "ada")]);
        let done = self.submit(&confirmation, decision);
        assert_eq!(done.status, 200, "{}", done.body);
    }

    fn follow(&self, mut url: Url, mut answer: Response<Body>) -> Page {
        for _ in 0..10 {
            let location = answer.headers().get("location");
            let location = location.map(|at| url.join(at.to_str().expect("text")).expect("a URL"));
            match location {
                Some(next) if next.origin() == url.origin() => {
                    answer = self.get(&next, "same-origin");
                    url = next;
                }
                location => {
                    return Page {
                        url,
                        status: answer.status().as_u16(),
                        location,
                        body: answer.body_mut().read_to_string().expect("HTML"),
                    };
                }
            }
        }
        panic!("redirects without end: {url}");
    }

    fn get(&self, url: &Url, site: &str) -> Response<Body> {
        let request = Request::get(url.as_str()).header("sec-fetch-site", site);
        self.send(request, ())
    }

    fn send(&self, request: ureq::http::request::Builder, body: impl AsSendBody) -> Response<Body> {
        let cookies: Vec<_> = self
            .cookies
            .borrow()
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let request = request
            .header("cookie", cookies.join("; "))
            .header("sec-fetch-mode", "navigate")
            .header("sec-fetch-dest", "document")
            .body(body)
            .expect("a request");
        let answer = agent().run(request).expect("the server answers");
        for cookie in answer.headers().get_all("set-cookie") {
            let cookie = cookie.to_str().expect("text");
            let (pair, attributes) = cookie.split_once(';').unwrap_or((cookie, ""));
            let (name, value) = pair.split_once('=').expect("a cookie has a name");
            let mut jar = self.cookies.borrow_mut();
            if attributes.contains("Max-Age=0") {
                jar.remove(name);
            } else {
                jar.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }
}

/// What a redirect brings to the client.
pub fn parameters(page: &Page) -> BTreeMap<String, String> {
    let location = page.location.as_ref();
    let location = location
        .unwrap_or_else(|| panic!("no redirect to the client: {}\n{}", page.status, page.body));
    location.query_pairs().into_owned().collect()
}

fn attribute(tag: &str, name: &str) -> String {
    let found = tag
        .split_once(&format!(" {name}=\""))
        .and_then(|(_, rest)| rest.split_once('"'));
    found.map_or_else(String::new, |(value, _)| unescape(value))
}

fn unescape(text: &str) -> String {
    let escapes = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&#60;", "<"),
        ("&#62;", ">"),
        ("&#38;", "&"),
        ("&amp;", "&"),
    ];
    escapes
        .iter()
        .fold(text.to_owned(), |text, (escaped, plain)| {
            text.replace(escaped, plain)
        })
}
