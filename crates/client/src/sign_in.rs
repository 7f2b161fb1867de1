//! Signing in: silently if possible, else with a person, by the flow that fits.
//!
//! What a flow brings is checked and saved here, once for all flows.

use std::time::Duration;

use hallpass_protocol::Scopes;
use hallpass_protocol::id_token::IdTokenClaims;
use hallpass_protocol::metadata::Metadata;

use crate::client::{Client, Inner};
use crate::credentials::SessionRecord;
use crate::error::{Error, ErrorKind};
use crate::flow::{self, Environment, Offers, Sign, Way};
use crate::loopback_page::Page;
use crate::session::Session;
use crate::token_endpoint::Granted;
use crate::tokens::{TokenType, lifetime};
use crate::ui::{Prompt, UiOutcome};
use crate::{authorization_code, clean, device_code};

/// How to sign in.
#[derive(Clone, Debug)]
#[must_use = "pass it to `Client::sign_in`"]
pub struct SignIn {
    wish: Wish,
    force: bool,
    pub(crate) callback_ports: Vec<u16>,
    pub(crate) callback_path: String,
    pub(crate) open_browser: bool,
    pub(crate) timeout: Duration,
    pub(crate) login_hint: Option<String>,
    pub(crate) prompt: Option<String>,
    pub(crate) acr: Vec<String>,
    pub(crate) max_age: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    Auto,
    Browser,
    Device,
    Silent,
}

/// What a flow brought, with the ID token already checked.
pub(crate) struct SignedIn {
    pub(crate) granted: Granted,
    pub(crate) claims: Option<IdTokenClaims>,
}

impl SignIn {
    /// Uses the session that is there; else chooses the flow from the surroundings
    /// ([`flow::decide`]). Where nobody is there to answer, it fails at once.
    pub fn auto() -> Self {
        Self::new(Wish::Auto)
    }

    /// Uses the session that is there; else the code flow on loopback (RFC 8252).
    pub fn browser() -> Self {
        Self::new(Wish::Browser)
    }

    /// Uses the session that is there; else the device flow (RFC 8628).
    pub fn device() -> Self {
        Self::new(Wish::Device)
    }

    /// Uses the session that is there; else fails with [`ErrorKind::LoginRequired`].
    pub fn silent_only() -> Self {
        Self::new(Wish::Silent)
    }

    fn new(wish: Wish) -> Self {
        Self {
            wish,
            force: false,
            callback_ports: Vec::new(),
            callback_path: "/callback".to_owned(),
            open_browser: true,
            timeout: Duration::from_mins(5),
            login_hint: None,
            prompt: None,
            acr: Vec::new(),
            max_age: None,
        }
    }

    /// Signs in anew although a session is there.
    pub fn force(mut self) -> Self {
        self.force = true;
        self
    }

    /// Listens for the browser's answer on this port of 127.0.0.1; call again for more to try.
    /// Default: a port that the system chooses (RFC 8252 §7.3).
    pub fn callback_port(mut self, port: u16) -> Self {
        self.callback_ports.push(port);
        self
    }

    /// The path of the redirect URI, exactly as registered. Default: `/callback`.
    pub fn callback_path(mut self, path: impl Into<String>) -> Self {
        self.callback_path = path.into();
        self
    }

    /// Shows the address and starts no browser.
    pub fn no_browser(mut self) -> Self {
        self.open_browser = false;
        self
    }

    /// How long the person has in the code flow. Default: 300 s (row C-13). A device code has the
    /// lifetime that the server gives it.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Tells the server who probably signs in (OIDC Core §3.1.2.1).
    pub fn login_hint(mut self, hint: impl Into<String>) -> Self {
        self.login_hint = Some(hint.into());
        self
    }

    /// Asks the server to show a page: `login`, `consent`, `select_account` (OIDC Core §3.1.2.1).
    pub fn prompt(mut self, prompt: impl Into<String>) -> Self {
        self.prompt = Some(prompt.into());
        self
    }

    /// Demands one of these authentication contexts (OIDC Core §2, RFC 9470 §4); may be called again.
    pub fn acr(mut self, value: impl Into<String>) -> Self {
        self.acr.push(value.into());
        self
    }

    /// Demands that the person signed in no longer ago than this (OIDC Core §3.1.2.1).
    pub fn max_age(mut self, age: Duration) -> Self {
        self.max_age = Some(age);
        self
    }
}

impl Client {
    /// Signs in. Unless [`SignIn::force`] says otherwise, a session that is there and covers the
    /// client's scopes is used, refreshed if need be, and nobody is asked.
    ///
    /// Dropping the future cancels the sign-in; nothing is stored then.
    ///
    /// # Errors
    ///
    /// Every [`ErrorKind`]; [`ErrorKind::LoginRequired`] when a person is needed and none is there.
    pub async fn sign_in(&self, how: SignIn) -> Result<Session, Error> {
        let asks_more = how.max_age.is_some() || !how.acr.is_empty() || how.prompt.is_some();
        if how.wish == Wish::Silent || !(how.force || asks_more) {
            match self.sign_in_silently().await {
                Ok(session) => return Ok(session),
                Err(error) if how.wish == Wish::Silent => return Err(error),
                Err(error) if *error.kind() == ErrorKind::LoginRequired => {
                    tracing::debug!(%error, "a person is needed");
                }
                Err(error) => return Err(error),
            }
        }
        let done = self.inner.sign_in_with_person(&how).await;
        if let Err(error) = &done {
            let text = error.to_string();
            // The error itself goes to the caller whatever the user interface does.
            let _: UiOutcome = self.inner.ui.show(&Prompt::Failed { text }).await;
        }
        Ok(Session::new(self.clone(), done?))
    }

    async fn sign_in_silently(&self) -> Result<Session, Error> {
        let session = self.session().await?.ok_or_else(|| {
            Error::login_required(format!("nobody is signed in to {}", self.inner.host()))
        })?;
        // Against what was asked, not granted: who was refused a scope would be asked for ever.
        let missing = self
            .inner
            .scopes
            .filter(|scope| !session.asked().contains(scope));
        if !missing.is_empty() {
            return Err(Error::login_required(format!(
                "the session was not asked for {missing}"
            )));
        }
        if self
            .inner
            .resources
            .iter()
            .any(|resource| !session.resources().contains(resource))
        {
            return Err(Error::login_required("the session is for other resources"));
        }
        session.access_token().await?;
        Ok(session.reloaded().await?.unwrap_or(session))
    }
}

impl Inner {
    async fn sign_in_with_person(&self, how: &SignIn) -> Result<SessionRecord, Error> {
        let environment = self.environment.clone().unwrap_or_else(Environment::detect);
        let environment = if self.ui.capabilities().interactive {
            environment
        } else {
            environment.with(Sign::NoInput)
        };
        // Before any network: where nobody is there, this must fail at once.
        let both = Offers {
            browser: true,
            device: true,
        };
        if how.wish == Wish::Auto && flow::decide(&environment, both).way == Way::NotInteractive {
            return Err(not_interactive(&flow::decide(&environment, both).why));
        }
        let metadata = self.metadata().await?;
        let way = match how.wish {
            Wish::Auto => flow::decide(&environment, offers(&metadata)).way,
            Wish::Browser => flow::decide_browser(&environment).way,
            Wish::Device => Way::Device,
            Wish::Silent => Way::NotInteractive,
        };
        tracing::debug!(?way, "chosen");
        match way {
            Way::Browser | Way::BrowserElsewhere => {
                let open = how.open_browser && way == Way::Browser;
                let (signed_in, page) =
                    authorization_code::sign_in(self, &metadata, how, open).await?;
                let kept = self.keep(&metadata, signed_in).await;
                // The page in the browser tells how it really ended.
                page.finish(match &kept {
                    Ok(_) => Page::signed_in(),
                    Err(error) => Page::failed(&error.to_string()),
                })
                .await;
                kept
            }
            Way::Device => {
                let signed_in = device_code::sign_in(self, &metadata).await?;
                self.keep(&metadata, signed_in).await
            }
            Way::NotInteractive => Err(not_interactive(&[])),
            Way::NotOffered => {
                let text = format!(
                    "{} offers neither the code flow nor the device flow",
                    self.host()
                );
                Err(Error::config(text)
                    .hint_to("check the issuer, or sign in with client credentials"))
            }
        }
    }

    /// Saves what a flow brought, then tells the person.
    async fn keep(&self, metadata: &Metadata, signed_in: SignedIn) -> Result<SessionRecord, Error> {
        let record = self.record(metadata, signed_in)?;
        self.store.put(&self.key(), record.clone()).await?;
        let missing = self.scopes.filter(|scope| !record.scope.contains(scope));
        // Row C-48; `offline_access` has its own sentence, in `Done`.
        let missing = missing.filter(|scope| scope != "offline_access");
        if !missing.is_empty() {
            let text = format!("the server did not grant: {missing}");
            self.show(Prompt::Notice { text }).await?;
        }
        let who = record.claims.as_ref().map(who);
        let (refreshes, expires_in) = (record.refresh_token.is_some(), record.lifetime);
        self.show(Prompt::Done {
            who,
            refreshes,
            expires_in,
        })
        .await?;
        Ok(record)
    }

    fn record(&self, metadata: &Metadata, signed_in: SignedIn) -> Result<SessionRecord, Error> {
        let SignedIn { granted, claims } = signed_in;
        let Granted {
            response,
            received_at,
            server_ahead,
        } = granted;
        if TokenType::parse(&response.token_type)? != TokenType::Bearer {
            return Err(Error::protocol(
                "the server issued no access token (token_type N_A)",
            ));
        }
        let scope = response
            .scope
            .clone()
            .unwrap_or_else(|| self.scopes.clone());
        // OIDC Core §3.1.3.3: an OpenID sign-in brings an ID token.
        if claims.is_none() && self.scopes.contains("openid") && scope.contains("openid") {
            return Err(Error::protocol(
                "the server sent no ID token although `openid` was granted",
            )
            .hint_to(
                "the server must support OpenID Connect, or leave `openid` out of the scopes",
            ));
        }
        let mut record = SessionRecord {
            token_endpoint: metadata.token_endpoint.clone().unwrap_or_default(),
            access_token: None,
            refresh_token: response.refresh_token.clone(),
            id_token: response.id_token.clone(),
            claims,
            asked: self.scopes.clone(),
            resource: self.resources.clone(),
            scope,
            expires_at: None,
            lifetime: None,
            server_ahead,
            signed_in_at: received_at,
            reauth_required: false,
        };
        let server_now = record.server_time(received_at);
        record.lifetime = lifetime(&response, server_now);
        record.expires_at = record.lifetime.map(|lifetime| server_now + lifetime);
        record.access_token = Some(response.access_token);
        Ok(record)
    }

    /// Shows a prompt; a person who gives up ends the sign-in.
    pub(crate) async fn show(&self, prompt: Prompt) -> Result<(), Error> {
        match self.ui.show(&prompt).await {
            UiOutcome::Shown => Ok(()),
            UiOutcome::Cancelled => Err(Error::new(
                ErrorKind::Cancelled,
                "the sign-in was cancelled",
            )),
        }
    }
}

/// Some list an endpoint and not the grant (row Q-36): the endpoint is what counts.
fn offers(metadata: &Metadata) -> Offers {
    Offers {
        browser: metadata.authorization_endpoint.is_some(),
        device: metadata.device_authorization_endpoint.is_some(),
    }
}

fn not_interactive(why: &[Sign]) -> Error {
    let why: Vec<_> = why.iter().map(|sign| sign.as_str()).collect();
    let text = if why.is_empty() {
        "sign-in is required".to_owned()
    } else {
        format!(
            "sign-in is required, and nobody is here to do it ({})",
            why.join(", ")
        )
    };
    Error::login_required(text).hint_to("sign in from a terminal")
}

/// The name by which people know themselves.
pub(crate) fn who(claims: &IdTokenClaims) -> String {
    let claim = |name: &str| claims.extra.get(name).and_then(serde_json::Value::as_str);
    let known = ["email", "preferred_username", "name"]
        .into_iter()
        .find_map(claim);
    clean::text(known.unwrap_or(&claims.sub))
}

/// Scopes as a request carries them; none is left out.
pub(crate) fn scope_text(scopes: &Scopes) -> Option<String> {
    (!scopes.is_empty()).then(|| scopes.to_string())
}
