//! Talks to a person at a terminal: plain, calm, and readable without color.
//!
//! Three kinds of lines: what to do (bold), what is happening (one line, replaced in place), what
//! happened (a mark and a word). Addresses and codes always stand in full on lines of their own (row
//! C-06), so that they can be copied.

use std::io::{self, IsTerminal as _, Write};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use url::Url;

use super::prompt::{BrowserStart, Prompt, Ui, UiCaps, UiOutcome};
use super::qr_code;
use crate::BoxFuture;

/// A plain user interface on standard error.
pub struct TerminalUi {
    style: TerminalStyle,
    screen: Mutex<Screen>,
}

/// How a [`TerminalUi`] may write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each says one thing about the terminal"
)]
pub struct TerminalStyle {
    /// A person sees it and can answer.
    pub interactive: bool,
    /// Lines can be replaced and addresses linked: a terminal, and not `TERM=dumb`.
    pub live: bool,
    /// Bold is fine: live, and no `NO_COLOR`.
    pub color: bool,
    /// The locale is UTF-8.
    pub unicode: bool,
    /// Columns and rows, where they are known.
    pub size: Option<(u16, u16)>,
    /// QR codes are wanted where they fit.
    pub qr: bool,
}

struct Screen {
    out: Box<dyn Write + Send>,
    has_live_line: bool,
    has_said_waiting: bool,
}

impl TerminalUi {
    /// Writes to standard error, as the terminal there allows.
    pub fn stderr() -> Self {
        Self::new(io::stderr(), TerminalStyle::detect())
    }

    /// Writes somewhere else, or in another style.
    pub fn new(out: impl Write + Send + 'static, style: TerminalStyle) -> Self {
        let screen = Screen {
            out: Box::new(out),
            has_live_line: false,
            has_said_waiting: false,
        };
        Self {
            style,
            screen: Mutex::new(screen),
        }
    }
}

impl TerminalStyle {
    /// Looks at standard error and at `TERM`, `NO_COLOR` and the locale.
    pub fn detect() -> Self {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let is_terminal = io::stderr().is_terminal();
        let live = is_terminal && set("TERM").is_none_or(|term| term != "dumb");
        let locale = set("LC_ALL")
            .or_else(|| set("LC_CTYPE"))
            .or_else(|| set("LANG"));
        let locale = locale.map(|name| name.to_string_lossy().to_lowercase());
        let is_utf8 = |name: String| name.contains("utf-8") || name.contains("utf8");
        let size = terminal_size::terminal_size_of(io::stderr());
        Self {
            interactive: is_terminal && io::stdin().is_terminal(),
            live,
            color: live && set("NO_COLOR").is_none(),
            unicode: cfg!(windows) || cfg!(target_os = "macos") || locale.is_some_and(is_utf8),
            size: size.map(|(columns, rows)| (columns.0, rows.0)),
            qr: true,
        }
    }

    /// The style for a pipe or a log.
    pub const PLAIN: Self = Self {
        interactive: false,
        live: false,
        color: false,
        unicode: false,
        size: None,
        qr: false,
    };

    fn bold(self, text: &str) -> String {
        if self.color {
            format!("\u{1b}[1m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    fn link(self, url: &Url) -> String {
        if self.live {
            format!("\u{1b}]8;;{url}\u{1b}\\{url}\u{1b}]8;;\u{1b}\\")
        } else {
            url.to_string()
        }
    }

    fn pick(self, unicode: &'static str, ascii: &'static str) -> &'static str {
        if self.unicode { unicode } else { ascii }
    }

    /// The QR code, when it fits with the lines around it.
    fn qr_code(self, url: &Url) -> Option<String> {
        let (columns, rows) = self.size.filter(|_| self.qr && self.live && self.unicode)?;
        let code = qr_code::draw(url.as_str(), self.color)?;
        let fits =
            code.columns <= usize::from(columns) && code.rows + LINES_BESIDE <= usize::from(rows);
        fits.then_some(code.text)
    }

    fn open_url(self, host: &str, url: &Url, browser: &BrowserStart, port: Option<u16>) -> String {
        let what = match browser {
            BrowserStart::Opened => format!("Opening your browser to sign in to {host}"),
            BrowserStart::Failed(_) | BrowserStart::NotTried => {
                format!("Open this address in a browser on this machine to sign in to {host}")
            }
        };
        let why = match browser {
            BrowserStart::Failed(reason) => format!("(no browser could be started: {reason})\n"),
            BrowserStart::Opened | BrowserStart::NotTried => String::new(),
        };
        let far = match (browser, port) {
            (BrowserStart::Opened, _) | (_, None) => String::new(),
            (_, Some(port)) => format!(
                "  (from another machine, forward the port first: ssh -L {port}:127.0.0.1:{port} ...)\n"
            ),
        };
        format!("{}\n{why}  {}\n{far}", self.bold(&what), self.link(url))
    }

    fn device_code(self, code: &DeviceCode<'_>) -> String {
        let DeviceCode {
            host,
            user_code,
            uri,
            complete,
            expires_in,
        } = code;
        let what = self.bold(&format!("Sign in to {host} on any device"));
        let (uri, minutes) = (self.link(uri), lasts(*expires_in));
        let user_code = self.bold(user_code);
        let mut text = format!(
            "{what}\n  Open\n    {uri}\n  and enter the code\n    {user_code}\n  (good for {minutes})\n"
        );
        if let Some(complete) = complete {
            text.extend(["  or open\n    ", &self.link(complete), "\n"]);
        }
        text
    }

    fn done(self, who: Option<&str>, refreshes: bool, expires_in: Option<Duration>) -> String {
        let mark = self.pick("✔", "ok:");
        let who = who.map(|who| format!(" as {who}")).unwrap_or_default();
        let mut text = format!("{mark} Signed in{who}\n");
        if !refreshes {
            let until = expires_in.map_or("when it ends".to_owned(), |span| {
                format!("in {}", lasts(span))
            });
            let sentence = format!(
                "  The server gave no refresh token (scope offline_access): you will be asked again {until}\n"
            );
            text.push_str(&sentence);
        }
        text
    }
}

struct DeviceCode<'a> {
    host: &'a str,
    user_code: &'a str,
    uri: &'a Url,
    complete: Option<&'a Url>,
    expires_in: Duration,
}

impl Screen {
    /// Writes lines that stay. A terminal that is gone is no reason to fail.
    fn lines(&mut self, text: &str) {
        let clear = if std::mem::take(&mut self.has_live_line) {
            CLEAR_LINE
        } else {
            ""
        };
        self.write(&format!("{clear}{text}"));
    }

    /// Replaces the line that tells what is happening.
    fn live_line(&mut self, text: &str) {
        self.has_live_line = true;
        self.write(&format!("{CLEAR_LINE}{text}"));
    }

    fn write(&mut self, text: &str) {
        let written = self
            .out
            .write_all(text.as_bytes())
            .and_then(|()| self.out.flush());
        if let Err(error) = written {
            tracing::debug!(%error, "the terminal cannot be written to");
        }
    }
}

impl Ui for TerminalUi {
    fn show<'a>(&'a self, prompt: &'a Prompt) -> BoxFuture<'a, UiOutcome> {
        self.write(prompt);
        Box::pin(std::future::ready(UiOutcome::Shown))
    }

    fn capabilities(&self) -> UiCaps {
        UiCaps {
            interactive: self.style.interactive,
        }
    }
}

impl TerminalUi {
    fn write(&self, prompt: &Prompt) {
        let style = self.style;
        let mut screen = self.screen.lock().unwrap_or_else(PoisonError::into_inner);
        match prompt {
            Prompt::OpenUrl {
                host,
                url,
                browser,
                redirect_uri,
            } => {
                let port = Url::parse(redirect_uri).ok().and_then(|uri| uri.port());
                screen.lines(&style.open_url(host, url, browser, port));
            }
            Prompt::DeviceCode {
                host,
                user_code,
                verification_uri: uri,
                verification_uri_complete,
                expires_in,
                ..
            } => {
                let complete = verification_uri_complete.as_ref();
                let expires_in = *expires_in;
                let code = DeviceCode {
                    host,
                    user_code,
                    uri,
                    complete,
                    expires_in,
                };
                screen.lines(&style.device_code(&code));
                if let Some(drawn) = style.qr_code(complete.unwrap_or(uri)) {
                    screen.lines(&drawn);
                }
            }
            Prompt::Waiting { left } if style.live => {
                let dots = style.pick("…", "...");
                screen.live_line(&format!(
                    "Waiting{dots} {} left, Ctrl-C cancels",
                    clock(*left)
                ));
            }
            Prompt::Waiting { left } => {
                if !std::mem::replace(&mut screen.has_said_waiting, true) {
                    screen.lines(&format!("Waiting, at most {}\n", lasts(*left)));
                }
            }
            Prompt::Notice { text } => screen.lines(&format!("! {text}\n")),
            Prompt::Done {
                who,
                refreshes,
                expires_in,
            } => {
                screen.lines(&style.done(who.as_deref(), *refreshes, *expires_in));
            }
            // The caller prints the error with its causes and its hint.
            Prompt::Failed { .. } => screen.lines(""),
        }
    }
}

impl Drop for TerminalUi {
    /// A sign-in that was cancelled leaves no half line behind.
    fn drop(&mut self) {
        self.screen
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
            .lines("");
    }
}

impl std::fmt::Debug for TerminalUi {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TerminalUi")
            .field("style", &self.style)
            .finish_non_exhaustive()
    }
}

/// `4:59`, or `1:04:59`.
fn clock(span: Duration) -> String {
    let seconds = span.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}

/// `15 min`, or `45 s`.
fn lasts(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3600),
    }
}

const CLEAR_LINE: &str = "\r\u{1b}[2K";
/// The lines around a QR code that should stay visible.
const LINES_BESIDE: usize = 9;

#[cfg(test)]
#[path = "terminal_tests.rs"]
mod tests;
