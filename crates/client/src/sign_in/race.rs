//! The ways of one sign-in under one state machine: whichever comes first wins, and the others end.
//!
//! Rows C-68 and C-70. A way that loses is dropped: the listener's ports close, the device code is
//! withdrawn at the server, and tokens that its last poll still brings are taken back.

use std::sync::Arc;
use std::time::Duration;

use hallpass_protocol::metadata::Metadata;

use super::authorization_code::{self, CodeRequest};
use super::callback::Verdict;
use super::device_code::{self, DeviceCode, Polled};
use super::loopback::{Answer, Came, Loopback, MOST_FOREIGN, Serving, forged};
use super::loopback_page::Page;
use super::new_session::SignedIn;
use super::options::SignIn;
use super::plan::{BROWSER_LIMIT, Plan, QUIET, When};
use super::waiting_note::WaitingNote;
use crate::client::ClientInner;
use crate::error::{Error, ErrorKind};
use crate::flow::{Decision, Sign, Way};
use crate::ui::{BrowserStart, Prompt, TICK};

/// The ports that a remote screen tries when none is configured: the same ones each time, so that a
/// forwarding can be set up beforehand.
const REMOTE_PORTS: [u16; 4] = [8400, 8401, 8402, 0];

/// What the first way brought.
pub(super) struct Won {
    pub(super) signed_in: SignedIn,
    /// A browser that waits for its last page.
    pub(super) page: Option<Serving>,
}

/// A sign-in under way.
pub(super) struct Race<'a> {
    client: &'a Arc<ClientInner>,
    metadata: &'a Metadata,
    how: &'a SignIn,
    decision: Decision,
    plan: Plan,
    began: Duration,
    code: Option<CodeWay>,
    device: Option<DeviceCode>,
    reads: bool,
    has_grown: bool,
    is_pasting: bool,
    wrong_pastes: usize,
}

struct CodeWay {
    request: CodeRequest,
    /// `None` once the port was closed; the address can still be pasted.
    serving: Option<Serving>,
    /// A browser was started for the address: then it was opened in time.
    is_opened: bool,
}

enum Happened {
    Came(Came),
    Polled(Polled),
    Line(Option<String>),
    Tick,
}

impl<'a> Race<'a> {
    pub(super) fn new(
        client: &'a Arc<ClientInner>,
        metadata: &'a Metadata,
        how: &'a SignIn,
        decision: Decision,
        plan: Plan,
    ) -> Self {
        Self {
            client,
            metadata,
            how,
            decision,
            plan,
            began: client.timer.elapsed(),
            code: None,
            device: None,
            reads: client.ui.reads_lines(),
            has_grown: false,
            is_pasting: false,
            wrong_pastes: 0,
        }
    }

    /// Shows the ways and waits for the first one.
    pub(super) async fn run(mut self, note: Option<&WaitingNote>) -> Result<Won, Error> {
        if self.plan.listens {
            authorization_code::require_sound(self.metadata, self.how)?;
        }
        let Decision { way, why, .. } = self.decision.clone();
        self.client.show(Prompt::Flow { way, why }).await?;
        if self.plan.device == When::AtOnce {
            self.start_device(note).await?;
        }
        if self.plan.listens {
            self.start_code(note).await?;
        }
        let has_no_device =
            self.plan.paste == When::OnEnter && self.is_remote() && self.device.is_none();
        if self.plan.paste == When::AtOnce || has_no_device {
            self.show_paste().await?;
        }
        self.wait(note).await
    }

    fn is_remote(&self) -> bool {
        self.decision.way == Way::Remote
    }

    async fn start_device(&mut self, note: Option<&WaitingNote>) -> Result<(), Error> {
        let started = DeviceCode::start(self.client, self.metadata, &self.how.audience).await;
        let (code, prompt) = match started {
            Ok(started) => started,
            // Another way is there; what is wrong with this one is worth a line at most.
            Err(error)
                if self.plan.listens && !matches!(error.kind(), ErrorKind::Unavailable { .. }) =>
            {
                tracing::debug!(%error, "no device code");
                if self.plan.device == When::AtOnce {
                    let text = format!("no device code here: {error}");
                    self.client.show(Prompt::Notice { text }).await?;
                }
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        if let (
            Some(note),
            Prompt::DeviceCode {
                verification_uri,
                verification_uri_complete,
                ..
            },
        ) = (note, &prompt)
        {
            note.say(
                verification_uri_complete
                    .as_ref()
                    .unwrap_or(verification_uri),
            );
        }
        self.device = Some(code);
        self.client.show(prompt).await
    }

    async fn start_code(&mut self, note: Option<&WaitingNote>) -> Result<(), Error> {
        // Row C-13: the port is opened just before the browser.
        let ports = match self.how.callback_ports.as_slice() {
            [] if self.is_remote() => REMOTE_PORTS.as_slice(),
            ports => ports,
        };
        let (host, _) = self.how.callback(self.client.server.provider.as_ref());
        let loopback = Loopback::bind(ports, host).await?;
        let (request, serving) =
            CodeRequest::start(self.client, self.metadata, self.how, loopback).await?;
        if let (Some(note), None) = (note, &self.device) {
            note.say(&request.url);
        }
        let is_ssh = |sign: &Sign| matches!(sign, Sign::SshConnection | Sign::SshTty);
        let forward = self
            .decision
            .why
            .iter()
            .any(is_ssh)
            .then(|| forward(&request.redirect_uri));
        let browser = if self.plan.opens {
            BrowserStart::Starting
        } else {
            BrowserStart::NotTried
        };
        let prompt = Prompt::OpenUrl {
            host: self.client.server.host(),
            url: request.url.clone(),
            browser,
            redirect_uri: request.redirect_uri.clone(),
            forward: forward.flatten(),
        };
        let url = request.url.clone();
        self.client.show(prompt).await?;
        let mut is_opened = false;
        if self.plan.opens {
            let prompt = authorization_code::open_browser(self.client, &url).await;
            is_opened = matches!(prompt, Prompt::BrowserOpened);
            self.client.show(prompt).await?;
        }
        self.code = Some(CodeWay {
            request,
            serving: Some(serving),
            is_opened,
        });
        Ok(())
    }

    /// A pushed request is forgotten after a minute or so (RFC 9126 §2.2). Who carries the address to a
    /// browser may take longer: they get a new one, for the same attempt.
    async fn renew_address(
        &mut self,
        now: Duration,
        note: Option<&WaitingNote>,
    ) -> Result<(), Error> {
        let is_late = |code: &&mut CodeWay| !code.is_opened && code.request.has_expired(now);
        let Some(code) = self.code.as_mut().filter(is_late) else {
            return Ok(());
        };
        if let Err(error) = code.request.push(self.client).await {
            // It is not tried again: another way may be there, and the person can start anew.
            code.is_opened = true;
            return self
                .notice(&format!(
                    "that address has expired, and there is no new one: {error}"
                ))
                .await;
        }
        let url = code.request.url.clone();
        if let Some(note) = note.filter(|_| self.device.is_none()) {
            note.say(&url);
        }
        let redirect_uri = code.request.redirect_uri.clone();
        self.client.show(Prompt::NewUrl { url, redirect_uri }).await
    }

    async fn show_paste(&mut self) -> Result<(), Error> {
        if !self.reads || self.is_pasting || self.code.is_none() {
            return Ok(());
        }
        self.is_pasting = true;
        self.client.show(Prompt::PasteAddress).await
    }

    async fn wait(mut self, note: Option<&WaitingNote>) -> Result<Won, Error> {
        loop {
            let now = self.client.timer.elapsed();
            if self.end().is_some_and(|end| now >= end) {
                return Err(self.timed_out());
            }
            if now >= self.began + QUIET {
                self.grow().await?;
            }
            self.close_in_time(now);
            self.renew_address(now, note).await?;
            if let Some(device) = &mut self.device {
                device.poll_if_due(now);
            }
            match self.next(now).await? {
                Happened::Tick => {}
                Happened::Came(Came::Foreign) => {
                    self.notice(
                        "ignored a callback that is not ours (state differs); still waiting",
                    )
                    .await?;
                }
                Happened::Came(Came::Over(Ok(answer))) => return self.redeem(answer).await,
                Happened::Came(Came::Over(Err(error))) => {
                    // A browser that brought a bad answer gets to see why.
                    if let Some(serving) = self.code.take().and_then(|code| code.serving) {
                        serving.close().await;
                    }
                    return Err(error);
                }
                Happened::Polled(Polled::Granted(granted)) => {
                    // The ports close before anything else is done.
                    self.code = None;
                    let signed_in =
                        device_code::check(self.client, self.metadata, *granted).await?;
                    return Ok(Won {
                        signed_in,
                        page: None,
                    });
                }
                Happened::Polled(polled) => self.polled(polled).await?,
                Happened::Line(line) => {
                    if let Some(answer) = self.entered(line).await? {
                        return self.redeem(answer).await;
                    }
                }
            }
        }
    }

    /// Waits for the next thing. While the server is asked about the device code nothing ticks: the
    /// request has a deadline of its own.
    async fn next(&mut self, now: Duration) -> Result<Happened, Error> {
        let is_polling = self.device.as_ref().is_some_and(DeviceCode::is_polling);
        let mut pause = TICK;
        if let Some(end) = self.end() {
            pause = pause.min(end.saturating_sub(now));
        }
        if let Some(device) = &self.device {
            pause = pause.min(device.next_poll().saturating_sub(now));
        }
        if !is_polling {
            let prompt = Prompt::Waiting {
                left: self.left(now),
                enter: self.offers_enter(),
            };
            self.client.show(prompt).await?;
        }
        let Self {
            client,
            code,
            device,
            reads,
            ..
        } = self;
        Ok(tokio::select! {
            biased;
            came = came(code) => Happened::Came(came),
            polled = polled(device) => Happened::Polled(polled),
            line = client.ui.read_line(), if *reads => Happened::Line(line),
            () = client.timer.sleep(pause), if !is_polling => Happened::Tick,
        })
    }

    /// When the person's time is over; `None` while only the device code's lifetime counts.
    fn end(&self) -> Option<Duration> {
        let waits_for_device = self.device.is_some() && (self.is_remote() || !self.plan.listens);
        match self.how.timeout {
            Some(timeout) => Some(self.began + timeout),
            None if waits_for_device => None,
            None => Some(self.began + BROWSER_LIMIT),
        }
    }

    fn left(&self, now: Duration) -> Duration {
        let device = self.device.as_ref().map(DeviceCode::end);
        let end = match (self.end(), device) {
            (Some(end), Some(device)) if self.code.is_none() => end.min(device),
            (end, device) => end.or(device).unwrap_or(now),
        };
        end.saturating_sub(now)
    }

    fn timed_out(&self) -> Error {
        let limit = self.how.timeout.unwrap_or(BROWSER_LIMIT);
        let text = format!("nobody signed in within {} s", limit.as_secs());
        Error::new(ErrorKind::TimedOut, text).hint_to("start the sign-in again")
    }

    fn offers_enter(&self) -> bool {
        let can_grow = self.plan.device == When::AfterQuiet && !self.has_grown;
        let can_paste = matches!(self.plan.paste, When::OnEnter | When::AfterQuiet);
        self.reads && self.code.is_some() && (can_grow || (can_paste && !self.is_pasting))
    }

    /// A port does not stay open for longer than a browser is awaited (row C-13).
    fn close_in_time(&mut self, now: Duration) {
        let limit = self.how.timeout.unwrap_or(BROWSER_LIMIT);
        if now >= self.began + limit
            && let Some(code) = &mut self.code
        {
            code.serving = None;
        }
    }

    /// Nothing came for a while: another way appears by itself.
    async fn grow(&mut self) -> Result<(), Error> {
        if std::mem::replace(&mut self.has_grown, true) {
            return Ok(());
        }
        if self.plan.device == When::AfterQuiet
            && let Err(error) = self.start_device(None).await
        {
            tracing::debug!(%error, "no device code");
        }
        let has_device = self.device.is_some();
        let instead = self.plan.device == When::AfterQuiet && !has_device;
        if self.plan.paste == When::AfterQuiet || instead {
            self.show_paste().await?;
        }
        Ok(())
    }

    async fn polled(&mut self, polled: Polled) -> Result<(), Error> {
        match polled {
            Polled::Granted(_) => Ok(()),
            Polled::Pending(status) => self.client.show(Prompt::Polling { status }).await,
            // A code that grew later than the browser flow began is only one of two ways.
            Polled::Over {
                error,
                is_only_this_way,
            } => {
                self.device = None;
                if !is_only_this_way || self.code.is_none() || self.is_remote() {
                    return Err(error);
                }
                self.notice(&format!("{error}; the browser is still awaited"))
                    .await
            }
        }
    }

    /// A line came. Only at our own prompt it is read as an address (row C-70).
    async fn entered(&mut self, line: Option<String>) -> Result<Option<Answer>, Error> {
        let Some(line) = line else {
            self.reads = false;
            return Ok(None);
        };
        if !self.is_pasting {
            // Whoever asks for another way has no page open, or lost it.
            if let Some(code) = &mut self.code {
                code.is_opened = false;
            }
            self.grow().await?;
            if self.plan.paste != When::Never {
                self.show_paste().await?;
            }
            return Ok(None);
        }
        let Some(code) = self.code.as_ref().filter(|_| !line.trim().is_empty()) else {
            return Ok(None);
        };
        let verdict = code.request.judge_pasted(&line);
        match verdict {
            Verdict::Answer(answer) => {
                // Nobody needs the port any more.
                if let Some(code) = &mut self.code {
                    code.serving = None;
                }
                Ok(Some(answer))
            }
            Verdict::Refused(error) => Err(error),
            Verdict::NotFound => {
                let wanted = code.request.redirect_uri.clone();
                let text =
                    format!("that is not the address of this sign-in, which begins with {wanted}?");
                self.notice(&text).await?;
                Ok(None)
            }
            Verdict::Foreign => {
                self.wrong_pastes += 1;
                if self.wrong_pastes >= MOST_FOREIGN {
                    return Err(forged());
                }
                self.notice(
                    "ignored an address that is not of this sign-in (state differs); still waiting",
                )
                .await?;
                Ok(None)
            }
        }
    }

    /// By `&mut`, since a poll under way may move between threads but not be shared by them.
    async fn notice(&mut self, text: &str) -> Result<(), Error> {
        let text = text.to_owned();
        self.client.show(Prompt::Notice { text }).await
    }

    /// The code flow has won.
    async fn redeem(mut self, answer: Answer) -> Result<Won, Error> {
        self.device = None;
        let Some(CodeWay {
            request, serving, ..
        }) = self.code.take()
        else {
            return Err(Error::protocol("an answer came to no request"));
        };
        match request
            .redeem(self.client, self.metadata, self.how, answer)
            .await
        {
            Ok(signed_in) => Ok(Won {
                signed_in,
                page: serving,
            }),
            Err(error) => {
                if let Some(serving) = serving {
                    serving.finish(Page::failed(&error.to_string())).await;
                }
                Err(error)
            }
        }
    }
}

async fn came(code: &mut Option<CodeWay>) -> Came {
    match code.as_mut().and_then(|code| code.serving.as_mut()) {
        Some(serving) => serving.came().await,
        None => std::future::pending().await,
    }
}

async fn polled(device: &mut Option<DeviceCode>) -> Polled {
    match device {
        Some(device) => device.polled().await,
        None => std::future::pending().await,
    }
}

/// The command that brings the port to where the person sits.
fn forward(redirect_uri: &str) -> Option<String> {
    let uri = url::Url::parse(redirect_uri).ok()?;
    let (host, port) = (uri.host_str()?, uri.port()?);
    Some(format!("ssh -L {port}:{host}:{port} {}", machine()))
}

/// This machine's name, as far as it is plain.
fn machine() -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    ["/proc/sys/kernel/hostname", "/etc/hostname"]
        .iter()
        .filter_map(|path| std::fs::read_to_string(path).ok())
        .map(|name| name.trim().to_owned())
        .find(|name| !name.is_empty() && !name.starts_with('-') && name.chars().all(is_plain))
        .unwrap_or_else(|| "HOST".to_owned())
}
