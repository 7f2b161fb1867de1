//! Signing in: silently if possible, else with a person, by the flow that fits.

use hallpass_protocol::metadata::Metadata;

use super::loopback_page::Page;
use super::new_session::keep;
use super::options::{SignIn, Wish};
use super::{authorization_code, device_code};
use crate::client::{Client, ClientInner};
use crate::credentials::{SessionKey, SessionRecord};
use crate::error::{Error, ErrorKind};
use crate::flow::{self, Environment, Offers, Sign, Way};
use crate::session::Session;
use crate::ui::{Prompt, UiOutcome};

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
        let done = with_person(&self.inner, &how).await;
        if let Err(error) = &done {
            let text = error.to_string();
            // The error itself goes to the caller whatever the user interface does.
            let _: UiOutcome = self.inner.ui.show(&Prompt::Failed { text }).await;
        }
        let (key, record) = done?;
        Ok(Session::new(self.clone(), key, record))
    }

    async fn sign_in_silently(&self) -> Result<Session, Error> {
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
        session.access_token().await?;
        Ok(session.reloaded().await?.unwrap_or(session))
    }
}

async fn with_person(
    client: &ClientInner,
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
    let both = Offers {
        browser: true,
        device: true,
    };
    if how.wish == Wish::Auto && flow::decide(&environment, both).way == Way::NotInteractive {
        return Err(not_interactive(&flow::decide(&environment, both).why));
    }
    let metadata = client.server.metadata().await?;
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
                authorization_code::sign_in(client, &metadata, how, open).await?;
            let kept = keep(client, &metadata, signed_in).await;
            // The page in the browser tells how it really ended.
            page.finish(match &kept {
                Ok(_) => Page::signed_in(),
                Err(error) => Page::failed(&error.to_string()),
            })
            .await;
            kept
        }
        Way::Device => {
            let signed_in = device_code::sign_in(client, &metadata).await?;
            keep(client, &metadata, signed_in).await
        }
        Way::NotInteractive => Err(not_interactive(&[])),
        Way::NotOffered => {
            let text = format!(
                "{} offers neither the code flow nor the device flow",
                client.server.host()
            );
            Err(Error::config(text).hint_to("check the issuer, or sign in with client credentials"))
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
