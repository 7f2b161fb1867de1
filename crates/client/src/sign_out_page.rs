//! Signing out of the server's own pages too, in the browser.
//!
//! OIDC RP-Initiated Logout §2: <https://openid.net/specs/openid-connect-rpinitiated-1_0.html>; row C-67.
//!
//! The server wants the ID token as a hint of whom to sign out, and in some places an ID token opens doors.
//! So it is no argument of the browser's command line, which every user of the machine can read: the
//! browser is given an address of this machine, good once, that leads on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderValue};
use hyper::{Request, Response, StatusCode};
use tokio::sync::Notify;
use url::Url;

use hallpass_protocol::form::Form;
use hallpass_protocol::jose::base64url;
use hallpass_protocol::random::{self, SystemRandom};
use hallpass_protocol::{ClientId, Secret};

use crate::address::{secure_url, with_query};
use crate::client::{Client, ClientInner};
use crate::error::Error;
use crate::flow::{self, Environment};
use crate::sign_in::{Answers, Arrival, CallbackHost, End, Loopback, Page, open_browser, page};
use crate::sign_out::{SignOutReport, SignOutStep, StepResult};
use crate::ui::{Prompt, UiOutcome};

/// A browser that was started has this long to come.
const COMES_WITHIN: Duration = Duration::from_secs(30);

/// The last step.
const END_BROWSER_SESSION: &str = "end_browser_session";

impl Client {
    /// Signs out as [`Client::sign_out`] does, then has the person's browser open the page where the server
    /// ends its own session with them (OIDC RP-Initiated Logout §2), so that the next sign-in asks who they
    /// are. The report ends with the step `end_browser_session`; where the server has no such page, or no
    /// browser can be started here, it is skipped, and the text says what to do.
    ///
    /// Returns once the browser was sent there, or did not come within 30 s.
    ///
    /// ```no_run
    /// # async fn example(client: hallpass_client::Client) -> Result<(), hallpass_client::Error> {
    /// use hallpass_client::StepResult;
    ///
    /// let report = client.sign_out_with_browser().await?;
    /// if let Some(StepResult::Skipped(why)) = report.steps.last().map(|step| &step.result) {
    ///     eprintln!("the browser is still signed in: {why}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Client::sign_out`].
    pub async fn sign_out_with_browser(&self) -> Result<SignOutReport, Error> {
        // The hint is gone with the session.
        let page = SignOutPage::find(&self.inner).await;
        let mut report = self.sign_out().await?;
        let result = match page {
            Ok(page) => page.open(&self.inner).await,
            Err(result) => result,
        };
        report.steps.push(SignOutStep {
            what: END_BROWSER_SESSION,
            result,
        });
        Ok(report)
    }
}

/// Where the server ends the browser's session.
struct SignOutPage {
    endpoint: Url,
    client_id: ClientId,
    id_token: Option<Secret<String>>,
}

impl SignOutPage {
    async fn find(client: &ClientInner) -> Result<Self, StepResult> {
        let server = &client.server;
        let failed = |error: Error| StepResult::Failed(error.to_string());
        let metadata = server.metadata().await.map_err(failed)?;
        let Some(address) = &metadata.end_session_endpoint else {
            return Err(StepResult::Skipped(format!(
                "{} names no page for signing out (end_session_endpoint); sign out on its own pages",
                server.host()
            )));
        };
        let endpoint = secure_url(address, server.is_on_loopback()).map_err(|reason| {
            let host = server.host();
            StepResult::Failed(format!(
                "the end_session_endpoint of {host} cannot be used: {reason}"
            ))
        })?;
        // A session that cannot be read has no hint; the sign-out itself reports it.
        let found = client
            .store
            .load(&client.default_key())
            .await
            .ok()
            .flatten();
        Ok(Self {
            endpoint,
            client_id: server.client_id.clone(),
            id_token: found.and_then(|found| found.value.id_token),
        })
    }

    /// Without the hint, so that it may be shown: the server then asks the person.
    fn address(&self) -> Url {
        let mut form = Form::default();
        form.push("client_id", self.client_id.as_str());
        with_query(&self.endpoint, &form)
    }

    /// With the hint.
    fn hinted(&self) -> Secret<String> {
        let mut form = Form::default();
        // §2: "RECOMMENDED", and it may have expired.
        if let Some(token) = &self.id_token {
            form.push("id_token_hint", token.expose());
        }
        form.push("client_id", self.client_id.as_str());
        Secret::new(with_query(&self.endpoint, &form).into())
    }

    async fn open(&self, client: &ClientInner) -> StepResult {
        let surroundings = client
            .environment
            .clone()
            .unwrap_or_else(Environment::detect);
        let by_hand = format!("open {} in your browser", self.address());
        if !flow::decide_browser(&surroundings).opens {
            return StepResult::Skipped(format!("no browser can be started here; {by_hand}"));
        }
        let prompt = Prompt::SigningOut {
            host: client.server.host(),
        };
        if client.ui.show(&prompt).await == UiOutcome::Cancelled {
            return StepResult::Skipped("cancelled".to_owned());
        }
        let failed = |why: &str| StepResult::Failed(format!("{why}; {by_hand}"));
        let loopback = match Loopback::bind(&[], CallbackHost::Literal).await {
            Ok(loopback) => loopback,
            Err(error) => return failed(&error.to_string()),
        };
        let lead = Arc::new(Lead::new(loopback.authority.clone(), self.hinted()));
        let Ok(first) = Url::parse(&format!("http://{}{}", lead.authority, lead.path)) else {
            return failed("no address of this machine can be opened");
        };
        let mut ports = loopback.answered_by(&lead);
        if let Prompt::BrowserFailed { reason, .. } = open_browser(client, &first).await {
            return failed(&format!("no browser could be started ({reason})"));
        }
        let result = tokio::select! {
            () = lead.led.notified() => StepResult::Ok,
            () = client.timer.sleep(COMES_WITHIN) => failed("the browser did not come"),
        };
        ports.shutdown().await;
        result
    }
}

/// Leads one browser on, once.
struct Lead {
    authority: String,
    /// 128 random bits: only who was given the address finds it.
    path: String,
    target: Secret<String>,
    is_used: AtomicBool,
    led: Notify,
}

impl Lead {
    fn new(authority: String, target: Secret<String>) -> Self {
        let word = base64url::encode(random::bytes::<16>(&SystemRandom));
        Self {
            authority,
            path: format!("/sign-out/{word}"),
            target,
            is_used: AtomicBool::new(false),
            led: Notify::new(),
        }
    }

    fn judge(&self, arrival: Arrival<'_>) -> (Response<Full<Bytes>>, End) {
        let is_ours = arrival.method == "GET"
            && arrival.host == Some(self.authority.as_str())
            && arrival.path == self.path;
        let target = HeaderValue::from_str(self.target.expose()).ok();
        match target.filter(|_| is_ours && !self.is_used.swap(true, Ordering::SeqCst)) {
            Some(mut target) => {
                target.set_sensitive(true);
                let mut response = page(StatusCode::SEE_OTHER, &Page::signing_out());
                response.headers_mut().insert(header::LOCATION, target);
                (response, End::OfWaiting)
            }
            None => (
                page(StatusCode::NOT_FOUND, &Page::not_found()),
                End::OfRequest,
            ),
        }
    }
}

impl Answers for Lead {
    async fn answer(&self, request: &Request<Incoming>) -> (Response<Full<Bytes>>, End) {
        self.judge(Arrival::of(request))
    }

    fn last_answer_left(&self) {
        self.led.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lead() -> Lead {
        let target = Secret::from("https://as.test/logout?id_token_hint=canary");
        Lead::new("127.0.0.1:8400".to_owned(), target)
    }

    fn answered(lead: &Lead, method: &str, host: &str, path: &str) -> Option<String> {
        let arrival = Arrival {
            method,
            host: Some(host),
            path,
            query: "",
        };
        let (response, end) = lead.judge(arrival);
        let target = response.headers().get(header::LOCATION);
        assert_eq!(target.is_some(), end == End::OfWaiting);
        target.map(|target| target.to_str().unwrap().to_owned())
    }

    #[test]
    fn c_67_only_who_was_given_the_address_is_led_on_and_only_once() {
        let lead = lead();
        let (good, path) = ("127.0.0.1:8400", lead.path.clone());
        assert_eq!(path.len(), "/sign-out/".len() + 22);
        for (method, host, path) in [
            ("HEAD", good, path.as_str()),
            ("POST", good, &path),
            ("GET", "evil.test:8400", &path),
            ("GET", "localhost:8400", &path),
            ("GET", good, "/sign-out/"),
            ("GET", good, "/"),
            ("GET", good, &path.to_uppercase()),
        ] {
            assert_eq!(
                answered(&lead, method, host, path),
                None,
                "{method} {host} {path}"
            );
        }
        let target = answered(&lead, "GET", good, &path).unwrap();
        assert_eq!(target, "https://as.test/logout?id_token_hint=canary");
        assert_eq!(answered(&lead, "GET", good, &path), None);
    }

    #[test]
    fn c_49_what_may_be_shown_holds_no_id_token_and_the_endpoint_keeps_its_query() {
        let page = SignOutPage {
            endpoint: Url::parse("https://as.test/logout?tenant=a").unwrap(),
            client_id: ClientId::new("cli"),
            id_token: Some(Secret::from("canary")),
        };
        assert_eq!(
            page.address().as_str(),
            "https://as.test/logout?tenant=a&client_id=cli"
        );
        assert_eq!(
            page.hinted().expose(),
            "https://as.test/logout?tenant=a&id_token_hint=canary&client_id=cli"
        );
        assert_ne!(lead().path, lead().path);
    }
}
