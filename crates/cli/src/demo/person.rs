//! A person at a browser, played: fetches pages, fills in their forms, follows where they lead.
//!
//! Nothing is taken from the server but its pages; a page that a person could not use ends the demo.

use std::sync::Arc;
use std::time::Duration;

use hallpass_client::clean;
use reqwest::header::{CONTENT_TYPE, COOKIE, LOCATION, ORIGIN, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Method, StatusCode};
use tokio::sync::mpsc;
use url::Url;

use super::cookies::Cookies;
use super::errand::Errand;
use super::html_form::Page;
use super::stage::{Stage, Visit};
use crate::failure::Failure;

/// Somebody with a browser.
pub(crate) struct Person {
    http: reqwest::Client,
    cookies: Cookies,
    stage: Arc<Stage>,
}

/// What came back.
struct Answer {
    status: StatusCode,
    next: Option<Url>,
    html: String,
}

/// What to do on a page.
enum Move {
    Post { to: Url, body: String },
    Done,
}

impl Person {
    /// The name by which the person signs in.
    pub(crate) const NAME: &str = "ada";

    /// Sits down at a browser without cookies.
    pub(crate) fn new(stage: Arc<Stage>) -> Result<Self, Failure> {
        let http = reqwest::Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .timeout(DEADLINE)
            .user_agent("hallpass demo (played person)")
            .build()
            .map_err(|error| Failure::other("the played browser cannot start").caused_by(&error))?;
        Ok(Self {
            http,
            cookies: Cookies::default(),
            stage,
        })
    }

    /// Runs errands until nobody has one any more.
    pub(crate) async fn run(
        &mut self,
        errands: &mut mpsc::UnboundedReceiver<Errand>,
    ) -> Result<(), Failure> {
        while let Some(errand) = errands.recv().await {
            match errand {
                Errand::SignIn(url) => self.browse(url, None).await?,
                Errand::EnterCode { at, user_code } => self.browse(at, Some(&user_code)).await?,
            }
        }
        Ok(())
    }

    async fn browse(&mut self, start: Url, user_code: Option<&str>) -> Result<(), Failure> {
        let home = start.origin();
        let mut at = start;
        let mut answer = self.request(Method::GET, &at, None).await?;
        for _ in 0..MOST_PAGES {
            if let Some(next) = answer.next {
                at = next;
                answer = self.request(Method::GET, &at, None).await?;
                continue;
            }
            expect_success(&answer)?;
            if at.origin() != home {
                // Back at the program: the browser's part is over.
                return Ok(());
            }
            match fill_in(&answer.html, &at, user_code)? {
                Move::Done => return Ok(()),
                Move::Post { to, body } => {
                    at = to;
                    answer = self.request(Method::POST, &at, Some(body)).await?;
                }
            }
        }
        Err(Failure::other("the pages lead in a circle"))
    }

    async fn request(
        &mut self,
        method: Method,
        url: &Url,
        body: Option<String>,
    ) -> Result<Answer, Failure> {
        let mut request = self.http.request(method.clone(), url.clone());
        if let Some(cookies) = self.cookies.header(url) {
            request = request.header(COOKIE, cookies);
        }
        if let Some(body) = body {
            // As a browser does on a page with `Referrer-Policy: no-referrer`.
            request = request
                .header(ORIGIN, "null")
                .header("sec-fetch-site", "same-origin")
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(body);
        }
        let failed = |error: reqwest::Error| {
            let error = error.without_url();
            Failure::other("the played browser cannot reach the server").caused_by(&error)
        };
        let response = request.send().await.map_err(failed)?;
        let status = response.status();
        let text = |value: &reqwest::header::HeaderValue| value.to_str().ok().map(str::to_owned);
        let set: Vec<_> = response
            .headers()
            .get_all(SET_COOKIE)
            .iter()
            .filter_map(text)
            .collect();
        for cookie in set {
            self.cookies.keep(url, &cookie);
        }
        let next = response
            .headers()
            .get(LOCATION)
            .and_then(text)
            .filter(|_| status.is_redirection())
            .and_then(|location| url.join(&location).ok());
        let html = response.text().await.map_err(failed)?;
        let heading = clean::text(&Page::parse(&html).heading);
        self.stage.person_did(&Visit {
            method: method.as_str(),
            url,
            status: status.as_u16(),
            heading: &heading,
            next: next.as_ref(),
        });
        Ok(Answer { status, next, html })
    }
}

/// A page that a person could not use ends the demo.
fn expect_success(answer: &Answer) -> Result<(), Failure> {
    if answer.status == StatusCode::OK {
        return Ok(());
    }
    let heading = clean::text(&Page::parse(&answer.html).heading);
    Err(Failure::other(format!(
        "a page of the sign-in answered {}: {heading}",
        answer.status.as_u16()
    ))
    .hint_to("run `hallpass -vv demo --yes` and report what it says"))
}

/// Does what a person would do on this page.
fn fill_in(html: &str, at: &Url, user_code: Option<&str>) -> Result<Move, Failure> {
    let page = Page::parse(html);
    let code = user_code.unwrap_or_default();
    let (form, done) = if let Some(form) = page.form_with_text("user_code") {
        if html.contains("user_code-error\"><") || html.contains("aria-invalid") {
            return Err(Failure::other("the server does not accept the code"));
        }
        (form, [("user_code", code)])
    } else if let Some(form) = page.form_with_text("username") {
        (form, [("username", Person::NAME)])
    } else if let Some(form) = page.form_with_button("action", "approve") {
        // A careful person compares before agreeing (RFC 8628 §5.4).
        if !html.contains(code) {
            return Err(Failure::other("the page asks to approve another code"));
        }
        (form, [("action", "approve")])
    } else if let Some(form) = page.form_with_button("action", "continue") {
        (form, [("action", "continue")])
    } else if user_code.is_some() {
        return Ok(Move::Done);
    } else {
        return Err(Failure::other(format!(
            "nobody knows what to do on the page \"{}\"",
            clean::text(&page.heading)
        )));
    };
    let to = at
        .join(&form.action)
        .map_err(|error| Failure::other("a form leads nowhere").caused_by(&error))?;
    Ok(Move::Post {
        to,
        body: form.submit(&done),
    })
}

/// No sign-in has more pages.
const MOST_PAGES: usize = 12;
const DEADLINE: Duration = Duration::from_secs(10);
