//! `hallpass login --events`: one JSON object a line, for editors and agents that show the sign-in
//! themselves.

use hallpass_client::{
    BoxFuture, Clock as _, Prompt, TerminalStyle, TerminalUi, Ui, UiCaps, UiOutcome,
};
use hallpass_protocol::time::SystemClock;
use serde_json::{Value, json};
use url::Url;

use crate::moment;
use crate::output::Output;

/// Writes events to standard output.
#[derive(Debug)]
pub(crate) struct EventLines {
    /// Reads what is pasted; writes nothing.
    input: Option<TerminalUi>,
}

impl EventLines {
    /// `reads` when a pasted address is awaited on standard input.
    pub(crate) fn new(reads: bool) -> Self {
        let style = TerminalStyle {
            interactive: true,
            ..TerminalStyle::PLAIN
        };
        Self {
            input: reads.then(|| TerminalUi::new(std::io::sink(), style)),
        }
    }
}

impl Ui for EventLines {
    fn show<'a>(&'a self, prompt: &'a Prompt) -> BoxFuture<'a, UiOutcome> {
        let written = event(prompt).map_or(Ok(()), |event| Output::answer_json(&event));
        // Nobody reads any more: nobody will sign in either.
        let outcome = if written.is_ok() {
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

/// What a program is told; a failure comes from who runs the command.
fn event(prompt: &Prompt) -> Option<Value> {
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
        } => {
            let expires_at = moment::rfc3339(SystemClock.now() + *expires_in);
            json!({
                "event": "device_code",
                "user_code": user_code,
                "verification_uri": verification_uri.as_str(),
                "verification_uri_complete": verification_uri_complete.as_ref().map(Url::as_str),
                "expires_at": expires_at,
                "interval": interval.as_secs(),
            })
        }
        Prompt::BrowserOpened => json!({"event": "browser", "opened": true, "tried": []}),
        Prompt::BrowserFailed { reason, tried } => {
            json!({"event": "browser", "opened": false, "tried": tried, "reason": reason})
        }
        Prompt::PasteAddress => json!({"event": "paste"}),
        Prompt::Polling { status } => json!({"event": "polling", "status": status}),
        Prompt::Notice { text } => json!({"event": "notice", "text": text}),
        Prompt::Done { subject, .. } => json!({"event": "done", "subject": subject}),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use hallpass_client::BrowserStart;
    use hallpass_client::flow::{Sign, Way};

    use super::*;

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
                Prompt::Polling {
                    status: "authorization_pending".to_owned(),
                },
                json!({"event": "polling", "status": "authorization_pending"}),
            ),
        ] {
            assert_eq!(event(&prompt), Some(expected));
        }
        let code = Prompt::DeviceCode {
            host: "as.test".to_owned(),
            user_code: "WDJB-MJHT".to_owned(),
            verification_uri: url("https://as.test/device"),
            verification_uri_complete: None,
            expires_in: Duration::from_mins(10),
            interval: Duration::from_secs(5),
        };
        let code = event(&code).unwrap();
        assert_eq!(code["interval"], 5);
        assert!(
            code["expires_at"].as_str().unwrap().ends_with('Z'),
            "{code}"
        );
        let waiting = Prompt::Waiting {
            left: Duration::ZERO,
            enter: false,
        };
        assert_eq!(event(&waiting), None);
    }
}
