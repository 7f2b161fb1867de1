//! Signing in: silently if possible, else with a person, by the flow that fits.

use std::sync::Arc;
use std::time::Duration;

use hallpass_protocol::metadata::Metadata;

use super::loopback_page::Page;
use super::new_session::{keep, other_account};
use super::options::{SignIn, Wish};
use super::plan::plan;
use super::race::{Race, Won};
use super::waiting_note::WaitingNote;
use crate::client::{Client, ClientInner};
use crate::client_builder::joined_audiences;
use crate::credentials::{SessionKey, SessionRecord};
use crate::dpop::DpopMode;
use crate::error::{Error, ErrorKind};
use crate::flow::{self, Decision, Environment, Offers, Sign, Way};
use crate::session::Session;
use crate::ui::{Prompt, UiOutcome};

/// How long a way that lost may take to end at the server. A poll that is under way has 10 s.
const WITHDRAWAL: Duration = Duration::from_secs(10);
/// The same when a person pressed Ctrl-C and waits.
const WITHDRAWAL_OF_CANCELLED: Duration = Duration::from_secs(3);

impl Client {
    /// Signs in. Unless [`SignIn::force`] says otherwise, a session that is there and covers the
    /// client's scopes, resources and audiences is used, refreshed if need be, and nobody is asked.
    ///
    /// Dropping the future cancels the sign-in; nothing is stored then.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), hallpass_client::Error> {
    /// use hallpass_client::{Client, SignIn};
    ///
    /// let client = Client::builder("https://login.example.com", "acme-cli")
    ///     .scopes(["openid", "offline_access"])
    ///     .build()?;
    /// let session = client.sign_in(SignIn::auto()).await?;
    /// println!("{}", session.account().name.as_deref().unwrap_or("somebody"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Every [`ErrorKind`]; [`ErrorKind::LoginRequired`] when a person is needed and none is there.
    pub async fn sign_in(&self, how: SignIn) -> Result<Session, Error> {
        let audience = joined_audiences(&self.inner.audiences, &how.audience)?;
        let how = SignIn { audience, ..how };
        let asks_more = how.max_age.is_some() || !how.acr.is_empty() || how.prompt.is_some();
        if how.wish == Wish::Silent || !(how.force || asks_more) {
            match self.sign_in_silently(&how.audience).await {
                Ok(session) => return Ok(session),
                Err(error) if how.wish == Wish::Silent => return Err(error),
                Err(error) if *error.kind() == ErrorKind::LoginRequired => {
                    tracing::debug!(%error, "a person is needed");
                }
                Err(error) => return Err(error),
            }
        }
        let done = tokio::select! {
            done = with_person(&self.inner, &how) => done,
            // Dropping the sign-in withdraws the device code.
            () = how.cancel.cancelled() => {
                Err(Error::new(ErrorKind::Cancelled, "the sign-in was cancelled"))
            }
        };
        let limit = match &done {
            Err(error) if *error.kind() == ErrorKind::Cancelled => WITHDRAWAL_OF_CANCELLED,
            _ => WITHDRAWAL,
        };
        self.inner.withdrawals.finish(limit).await;
        if let Err(error) = &done {
            let text = error.to_string();
            // The error itself goes to the caller whatever the user interface does.
            let _: UiOutcome = self.inner.ui.show(&Prompt::Failed { text }).await;
        }
        let (key, record) = done?;
        Ok(Session::new(self.clone(), key, record))
    }

    async fn sign_in_silently(&self, audiences: &[String]) -> Result<Session, Error> {
        let session = self.session().await?.ok_or_else(|| {
            Error::login_required(format!(
                "nobody is signed in to {}",
                self.inner.server.host()
            ))
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
        if audiences.iter().any(|it| !session.audiences().contains(it)) {
            return Err(Error::login_required("the session is for other audiences"));
        }
        if self.inner.dpop == DpopMode::Required && !session.is_bound() {
            return Err(Error::login_required("the session is not bound to a key"));
        }
        session.access_token().await?;
        Ok(session.reloaded().await?.unwrap_or(session))
    }
}

async fn with_person(
    client: &Arc<ClientInner>,
    how: &SignIn,
) -> Result<(SessionKey, SessionRecord), Error> {
    let environment = client
        .environment
        .clone()
        .unwrap_or_else(Environment::detect);
    let environment = if client.ui.capabilities().interactive {
        environment
    } else {
        environment.with(Sign::NoInput)
    };
    // Before any network: where nobody is there, this must fail at once.
    let first = decide(&environment, Offers::BOTH, how);
    if first.way == Way::NotInteractive {
        return Err(not_interactive(&first.why));
    }
    let note = how
        .lock_file
        .as_deref()
        .map(WaitingNote::take)
        .transpose()?
        .flatten();
    let metadata = client.server.metadata_for_sign_in().await?;
    let offers = Offers::of(&metadata);
    let decision = decide(&environment, offers, how);
    tracing::debug!(?decision, "chosen");
    if decision.way == Way::NotOffered {
        let text = format!(
            "{} offers neither the code flow nor the device flow",
            client.server.host()
        );
        let error = Error::config(text);
        return Err(error.hint_to("check the issuer, or sign in with client credentials"));
    }
    // Nobody should sign in for a session that cannot be kept.
    if let Some(text) = client.store.prepare().await? {
        client.show(Prompt::Notice { text }).await?;
    }
    let plan = plan(&decision, offers, how, client.ui.reads_lines());
    let race = Race::new(client, &metadata, how, decision, plan);
    let won = race.run(note.as_ref()).await?;
    finish(client, &metadata, how, won).await
}

fn decide(environment: &Environment, offers: Offers, how: &SignIn) -> Decision {
    let asked_for = |way| Decision {
        way,
        why: Vec::new(),
        opens: false,
    };
    match how.wish {
        Wish::Auto => flow::decide(environment, offers),
        Wish::Browser => flow::decide_browser(environment),
        Wish::Device => asked_for(Way::Device),
        Wish::Paste => asked_for(Way::Paste),
        Wish::Silent => asked_for(Way::NotInteractive),
    }
}

/// Keeps the session, if it may be kept, and tells the browser how it really ended.
async fn finish(
    client: &Arc<ClientInner>,
    metadata: &Metadata,
    how: &SignIn,
    won: Won,
) -> Result<(SessionKey, SessionRecord), Error> {
    let Won {
        signed_in,
        mut page,
    } = won;
    let replaced = signed_in.replaces(client).await?;
    if let Some(names) = replaced.filter(|_| !how.switch_account) {
        let may_ask = client.ui.reads_lines();
        if let Some(page) = page.take_if(|_| may_ask) {
            page.finish(Page::asks()).await;
        }
        let (was, is) = &names;
        let question = format!(
            "{} signed in, but the session here belongs to {}. Replace it?",
            crate::clean::text(is),
            crate::clean::text(was)
        );
        if !(may_ask && client.ui.confirm(&question).await) {
            let error = other_account(&names);
            signed_in.discard(client).await;
            if let Some(page) = page {
                page.finish(Page::failed(&error.to_string())).await;
            }
            return Err(error);
        }
    }
    let kept = keep(client, metadata, signed_in, &how.audience).await;
    if let Some(page) = page {
        page.finish(match &kept {
            Ok(_) => Page::signed_in(),
            Err(error) => Page::failed(&error.to_string()),
        })
        .await;
    }
    kept
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
