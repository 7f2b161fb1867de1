//! What happens during a sign-in, one JSON object a line: for editors and agents that show it themselves.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use hallpass_protocol::time::SystemClock;
use hallpass_protocol::{Clock as _, Timestamp};
use serde_json::{Value, json};
use url::Url;

use super::rfc3339;
use crate::BoxFuture;
use crate::clean;
use crate::ui::{Prompt, TerminalStyle, TerminalUi, Ui, UiCaps, UiOutcome};

/// The user interface of `--events`: writes what happens, and lets another program be the screen. A program
/// reads until `done`, or an object with `error`; one of them is always the last line. Clones write to the
/// same place.
///
/// Where nobody reads any more nobody will sign in either: the sign-in is then cancelled.
///
/// ```no_run
/// # async fn example(client: hallpass_client::ClientBuilder) -> Result<(), hallpass_client::Error> {
/// use hallpass_client::SignIn;
/// use hallpass_client::answers::{EventLines, error};
///
/// let events = EventLines::stdout();
/// let signed_in = client.ui(events.clone()).build()?.sign_in(SignIn::device()).await;
/// match signed_in {
///     Ok(session) => events.end(session.account().subject.as_deref()),
///     Err(failed) => events.write(&error(&failed)).unwrap_or_default(),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct EventLines {
    lines: Arc<Mutex<Lines>>,
    /// Reads what is pasted; writes nothing.
    input: Option<Arc<TerminalUi>>,
}

struct Lines {
    out: Box<dyn Write + Send>,
    has_ended: bool,
}

impl EventLines {
    /// Writes to standard output.
    pub fn stdout() -> Self {
        Self::new(io::stdout())
    }

    /// Writes somewhere else.
    pub fn new(out: impl Write + Send + 'static) -> Self {
        let lines = Lines {
            out: Box::new(out),
            has_ended: false,
        };
        Self {
            lines: Arc::new(Mutex::new(lines)),
            input: None,
        }
    }

    /// Takes a pasted address from standard input.
    #[must_use]
    pub fn reading(mut self) -> Self {
        let style = TerminalStyle {
            interactive: true,
            ..TerminalStyle::PLAIN
        };
        self.input = Some(Arc::new(TerminalUi::new(io::sink(), style)));
        self
    }

    /// Writes an event of the program's own.
    ///
    /// # Errors
    ///
    /// When it cannot be written: nobody reads.
    pub fn write(&self, event: &Value) -> io::Result<()> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.has_ended |= event["event"] == DONE || event.get("error").is_some();
        let line = format!("{}\n", clean::json(&event.to_string()));
        lines.out.write_all(line.as_bytes())?;
        lines.out.flush()
    }

    /// Says that somebody is signed in, unless the sign-in has said so itself: it asks nobody where a session
    /// is there. Who reads no further has what they wanted.
    pub fn end(&self, subject: Option<&str>) {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let has_ended = lines.has_ended;
        drop(lines);
        if has_ended {
            return;
        }
        if let Err(error) = self.write(&json!({"event": DONE, "subject": subject})) {
            tracing::debug!(%error, "nobody reads the events");
        }
    }
}

/// What a program is told about a prompt, at this time; nothing for what is only for the eye. A failure
/// comes from who runs the command: [`super::error`].
///
/// ```
/// use hallpass_client::answers::event;
/// use hallpass_client::{Prompt, Timestamp};
///
/// let told = event(&Prompt::BrowserOpened, Timestamp::from_unix_seconds(0));
/// assert_eq!(told.map(|event| event["event"].clone()), Some("browser".into()));
/// ```
pub fn event(prompt: &Prompt, now: Timestamp) -> Option<Value> {
    Some(match prompt {
        Prompt::Flow { way, why } => {
            let why: Vec<_> = why.iter().map(|sign| sign.as_str()).collect();
            json!({"event": "flow", "flow": way.as_str(), "why": why})
        }
        // The last one is good: an address that was not opened in time is followed by another.
        Prompt::OpenUrl {
            url, redirect_uri, ..
        }
        | Prompt::NewUrl { url, redirect_uri } => {
            let port = Url::parse(redirect_uri).ok().and_then(|uri| uri.port());
            json!({"event": "authorize_url", "url": url.as_str(), "port": port})
        }
        Prompt::DeviceCode {
            user_code,
            verification_uri,
            verification_uri_complete,
            expires_in,
            interval,
            ..
        } => json!({
            "event": "device_code",
            "user_code": user_code,
            "verification_uri": verification_uri.as_str(),
            "verification_uri_complete": verification_uri_complete.as_ref().map(Url::as_str),
            "expires_at": rfc3339(now + *expires_in),
            "interval": interval.as_secs(),
        }),
        Prompt::BrowserOpened => json!({"event": "browser", "opened": true, "tried": []}),
        Prompt::BrowserFailed { reason, tried } => {
            json!({"event": "browser", "opened": false, "tried": tried, "reason": reason})
        }
        Prompt::PasteAddress => json!({"event": "paste"}),
        Prompt::Polling { status } => json!({"event": "polling", "status": status}),
        Prompt::Notice { text } => json!({"event": "notice", "text": text}),
        Prompt::Done { subject, .. } => json!({"event": DONE, "subject": subject}),
        Prompt::Waiting { .. } | Prompt::SigningOut { .. } | Prompt::Failed { .. } => return None,
    })
}

impl Ui for EventLines {
    fn show<'a>(&'a self, prompt: &'a Prompt) -> BoxFuture<'a, UiOutcome> {
        let event = event(prompt, SystemClock.now());
        let written = event.map_or(Ok(()), |event| self.write(&event));
        if let Err(error) = &written {
            tracing::debug!(%error, "nobody reads the events");
        }
        // At the end there is nothing left to cancel: the session is kept.
        let outcome = if written.is_ok() || matches!(prompt, Prompt::Done { .. }) {
            UiOutcome::Shown
        } else {
            UiOutcome::Cancelled
        };
        Box::pin(std::future::ready(outcome))
    }

    fn capabilities(&self) -> UiCaps {
        UiCaps { interactive: true }
    }

    fn reads_lines(&self) -> bool {
        self.input.is_some()
    }

    fn read_line(&self) -> BoxFuture<'_, Option<String>> {
        match &self.input {
            Some(input) => input.read_line(),
            None => Box::pin(std::future::pending()),
        }
    }
}

impl std::fmt::Debug for Lines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lines")
            .field("has_ended", &self.has_ended)
            .finish_non_exhaustive()
    }
}

const DONE: &str = "done";

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::flow::{Sign, Way};
    use crate::ui::BrowserStart;

    fn now() -> Timestamp {
        Timestamp::from_unix_seconds(1_795_226_400)
    }

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn each_event_has_the_members_of_the_contract() {
        let flow = Prompt::Flow {
            way: Way::Remote,
            why: vec![Sign::SshConnection],
        };
        let open = Prompt::OpenUrl {
            host: "as.test".to_owned(),
            url: url("https://as.test/authorize?x=1"),
            browser: BrowserStart::NotTried,
            redirect_uri: "http://127.0.0.1:8400/callback".to_owned(),
            forward: None,
        };
        let failed = Prompt::BrowserFailed {
            reason: "none".to_owned(),
            tried: vec!["wslview".to_owned()],
        };
        let code = Prompt::DeviceCode {
            host: "as.test".to_owned(),
            user_code: "WDJB-MJHT".to_owned(),
            verification_uri: url("https://as.test/device"),
            verification_uri_complete: None,
            expires_in: Duration::from_mins(10),
            interval: Duration::from_secs(5),
        };
        for (prompt, expected) in [
            (
                flow,
                json!({"event": "flow", "flow": "remote", "why": ["SSH_CONNECTION"]}),
            ),
            (
                open,
                json!({"event": "authorize_url", "url": "https://as.test/authorize?x=1", "port": 8400}),
            ),
            (
                failed,
                json!({"event": "browser", "opened": false, "tried": ["wslview"], "reason": "none"}),
            ),
            (
                code,
                json!({
                    "event": "device_code",
                    "user_code": "WDJB-MJHT",
                    "verification_uri": "https://as.test/device",
                    "verification_uri_complete": null,
                    "expires_at": "2026-11-21T02:10:00Z",
                    "interval": 5,
                }),
            ),
            (
                Prompt::Polling {
                    status: "authorization_pending".to_owned(),
                },
                json!({"event": "polling", "status": "authorization_pending"}),
            ),
        ] {
            assert_eq!(event(&prompt, now()), Some(expected));
        }
        let waiting = Prompt::Waiting {
            left: Duration::ZERO,
            enter: false,
        };
        assert_eq!(event(&waiting, now()), None);
    }

    /// Somebody who has stopped reading.
    struct Closed;

    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn where_nobody_reads_the_sign_in_is_cancelled() {
        let polling = Prompt::Polling {
            status: "authorization_pending".to_owned(),
        };
        let lines = EventLines::new(Closed);
        assert_eq!(lines.show(&polling).await, UiOutcome::Cancelled);
        assert_eq!(
            EventLines::new(io::sink()).show(&polling).await,
            UiOutcome::Shown
        );
    }
}
