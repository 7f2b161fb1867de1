//! The device flow in two steps, for programs that show the code and wait in their own time.
//!
//! RFC 8628 §3.1 to §3.5: <https://www.rfc-editor.org/rfc/rfc8628#section-3.1>

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hallpass_protocol::metadata::Metadata;
use url::Url;

use super::device_code::{self, DeviceCode, Polled};
use super::new_session::{keep, other_account};
use crate::client::Client;
use crate::error::Error;
use crate::session::Session;
use crate::ui::Prompt;

/// A code that waits for a person (RFC 8628 §3.2). Dropping it withdraws the code at servers that can
/// do so (row C-68).
#[must_use = "the code is good for nothing until `wait` is awaited"]
pub struct DeviceAuthorization {
    client: Client,
    metadata: Arc<Metadata>,
    code: DeviceCode,
    shown: Shown,
}

/// What the person sees.
#[derive(Debug)]
struct Shown {
    user_code: String,
    verification_uri: Url,
    verification_uri_complete: Option<Url>,
    expires_in: Duration,
}

impl Client {
    /// Asks the server for a code that a person enters on any device, and shows nothing: that is the
    /// caller's part. [`crate::SignIn::device`] does all of it, through the [`crate::Ui`].
    ///
    /// ```no_run
    /// # async fn sign_in(client: hallpass_client::Client) -> Result<(), hallpass_client::Error> {
    /// let code = client.start_device_authorization().await?;
    /// println!("Enter {} at {}", code.user_code(), code.verification_uri());
    /// let session = code.wait().await?;
    /// # drop(session);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Config`] when the server has no device flow or does not know the client,
    /// [`crate::ErrorKind::Unavailable`] when it is not there, [`crate::ErrorKind::Store`] when a session
    /// could not be kept.
    pub async fn start_device_authorization(&self) -> Result<DeviceAuthorization, Error> {
        let inner = &self.inner;
        let metadata = inner.server.metadata_for_sign_in().await?;
        // Nobody should sign in for a session that cannot be kept.
        if let Some(text) = inner.store.prepare().await? {
            inner.show(Prompt::Notice { text }).await?;
        }
        let (code, prompt) = DeviceCode::start(inner, &metadata, &inner.audiences).await?;
        let Prompt::DeviceCode {
            user_code,
            verification_uri,
            verification_uri_complete,
            expires_in,
            ..
        } = prompt
        else {
            return Err(Error::protocol("the server gave no device code"));
        };
        Ok(DeviceAuthorization {
            client: self.clone(),
            metadata,
            code,
            shown: Shown {
                user_code,
                verification_uri,
                verification_uri_complete,
                expires_in,
            },
        })
    }
}

impl DeviceAuthorization {
    /// The code to enter: at most 32 printable characters (`user_code`).
    pub fn user_code(&self) -> &str {
        &self.shown.user_code
    }

    /// Where to enter it (`verification_uri`).
    pub fn verification_uri(&self) -> &Url {
        &self.shown.verification_uri
    }

    /// The same with the code filled in, for a link or a QR code (RFC 8628 §3.3.1).
    pub fn verification_uri_complete(&self) -> Option<&Url> {
        self.shown.verification_uri_complete.as_ref()
    }

    /// How long the code is good, counted from when it came (`expires_in`).
    pub fn expires_in(&self) -> Duration {
        self.shown.expires_in
    }

    /// Polls at the server's pace until the person has decided, and keeps the session (RFC 8628 §3.4 and
    /// §3.5). Dropping the future gives up.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Denied`] when the person declines, [`crate::ErrorKind::TimedOut`] when the
    /// code expires, [`crate::ErrorKind::Security`] when somebody else signed in than the stored session
    /// belongs to: nothing is stored then (row C-69).
    pub async fn wait(mut self) -> Result<Session, Error> {
        let inner = Arc::clone(&self.client.inner);
        let granted = loop {
            let now = inner.timer.elapsed();
            self.code.poll_if_due(now);
            if !self.code.is_polling() {
                let wait = self.code.next_poll().saturating_sub(now);
                inner.timer.sleep(wait).await;
                continue;
            }
            match self.code.polled().await {
                Polled::Granted(granted) => break granted,
                Polled::Pending(status) => inner.show(Prompt::Polling { status }).await?,
                Polled::Over { error, .. } => return Err(error),
            }
        };
        let signed_in = device_code::check(&inner, &self.metadata, *granted).await?;
        if let Some(names) = signed_in.replaces(&inner).await? {
            signed_in.discard(&inner).await;
            return Err(other_account(&names));
        }
        let (key, record) = keep(&inner, &self.metadata, signed_in, &inner.audiences).await?;
        Ok(Session::new(self.client.clone(), key, record))
    }
}

impl fmt::Debug for DeviceAuthorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shown.fmt(f)
    }
}
