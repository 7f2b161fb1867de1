//! Talks to a person at a terminal: plain, calm, and readable without color.
//!
//! Three kinds of lines: what to do (bold), what is happening (one line, replaced in place), what
//! happened (a mark and a word). Addresses, codes and commands always stand in full on lines of their own
//! (row C-06), so that they can be copied.

use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hallpass_protocol::Clock as _;
use hallpass_protocol::time::SystemClock;
use url::Url;

use super::keyboard::Keyboard;
use super::prompt::{BrowserStart, Prompt, Ui, UiCaps, UiOutcome};
#[cfg(feature = "qr")]
use super::qr_code;
use super::screen::Screen;
use super::terminal_style::TerminalStyle;
use super::time_of_day::at_time_of_day;
use super::wrapped::wrapped;
use crate::BoxFuture;
use crate::flow::{Sign, Way};

/// A plain user interface on standard error, answered on standard input.
///
/// ```
/// use hallpass_client::{Client, MemoryStore, TerminalStyle, TerminalUi};
///
/// // Never a QR code, whatever the room.
/// let style = TerminalStyle { qr: false, ..TerminalStyle::detect() };
/// let client = Client::builder("https://login.example.com", "acme-cli");
/// let client = client.ui(TerminalUi::stderr_in(style)).store(MemoryStore::new()).build()?;
/// # drop(client);
/// # Ok::<(), hallpass_client::Error>(())
/// ```
pub struct TerminalUi {
    style: TerminalStyle,
    /// Standard error is looked at again and again: a window can be made narrower.
    is_stderr: bool,
    screen: Mutex<Screen>,
    keyboard: Keyboard,
}

impl TerminalUi {
    /// Writes to standard error, as the terminal there allows.
    pub fn stderr() -> Self {
        Self::stderr_in(TerminalStyle::detect())
    }

    /// Writes to standard error in another style.
    pub fn stderr_in(style: TerminalStyle) -> Self {
        let mut terminal = Self::new(io::stderr(), style);
        terminal.is_stderr = true;
        terminal
    }

    /// Writes somewhere else, or in another style.
    pub fn new(out: impl Write + Send + 'static, style: TerminalStyle) -> Self {
        Self {
            style,
            is_stderr: false,
            screen: Mutex::new(Screen::new(out)),
            keyboard: Keyboard::default(),
        }
    }

    fn screen(&self) -> MutexGuard<'_, Screen> {
        self.screen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn width(&self) -> usize {
        let now = self
            .is_stderr
            .then(|| terminal_size::terminal_size_of(io::stderr()));
        let size = now.flatten().map(|(columns, rows)| (columns.0, rows.0));
        let size = size.or(self.style.size);
        TerminalStyle { size, ..self.style }.width()
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

    fn reads_lines(&self) -> bool {
        self.style.interactive
    }

    fn read_line(&self) -> BoxFuture<'_, Option<String>> {
        Box::pin(async {
            let line = self.keyboard.line().await?;
            if self.style.live {
                self.screen().was_entered();
            }
            Some(line)
        })
    }

    fn confirm<'a>(&'a self, question: &'a str) -> BoxFuture<'a, bool> {
        Box::pin(async move {
            if !self.style.interactive {
                return false;
            }
            let text = wrapped("! ", question, self.width());
            let text = format!("{}  Type yes to go on: ", self.style.bold(&text));
            self.screen().end(&text, self.style.live);
            let answer = self.keyboard.line().await.unwrap_or_default();
            answer.trim().eq_ignore_ascii_case("yes")
        })
    }
}

impl TerminalUi {
    fn write(&self, prompt: &Prompt) {
        let (style, width) = (self.style, self.width());
        let mut screen = self.screen();
        match prompt {
            Prompt::Flow {
                way: Way::Remote,
                why,
            } => {
                screen.ways = Some(0);
                screen.lines(&style.bold(&wrapped("", &remote(why), width)));
            }
            Prompt::OpenUrl {
                host,
                url,
                browser,
                redirect_uri,
                forward,
            } => {
                let port = Url::parse(redirect_uri).ok().and_then(|uri| uri.port());
                let address = Address {
                    host,
                    url,
                    browser: *browser,
                    port,
                    forward: forward.as_deref(),
                };
                let text = match next_way(&mut screen) {
                    Some(number) => style.numbered_address(number, &address, width),
                    None => style.open_url(&address, width),
                };
                screen.lines(&text);
            }
            Prompt::NewUrl { url, .. } => {
                let text =
                    "That address has expired. Unless its page is open already, take this one:";
                let text = wrapped("", text, width);
                screen.lines(&format!("{text}  {}\n", style.link(url)));
            }
            Prompt::BrowserFailed { reason, .. } => {
                let text =
                    format!("no browser could be started ({reason}): open the address yourself");
                screen.lines(&wrapped("! ", &text, width));
            }
            Prompt::DeviceCode { .. } => self.write_code(&mut screen, prompt, width),
            Prompt::PasteAddress => {
                let first =
                    next_way(&mut screen).map_or("  ".to_owned(), |number| format!("  {number}  "));
                screen.lines(&wrapped(&first, PASTE, width));
                screen.start_pasting();
            }
            Prompt::Waiting { left, enter } if style.live => {
                screen.live_line(&style.waiting(*left, *enter, width));
            }
            Prompt::Waiting { left, enter } => {
                if !std::mem::replace(&mut screen.has_said_waiting, true) {
                    let more = if *enter {
                        "; press Enter for another way"
                    } else {
                        ""
                    };
                    let text = format!("Waiting, at most {}{more}", lasts(*left));
                    screen.lines(&wrapped("", &text, width));
                }
            }
            Prompt::Notice { text } => screen.lines(&wrapped("! ", text, width)),
            Prompt::Done {
                who,
                refreshes,
                expires_in,
                ..
            } => {
                let text = style.done(who.as_deref(), *refreshes, *expires_in, width);
                screen.end(&text, style.live);
            }
            Prompt::SigningOut { host } => {
                let text = format!("Opening your browser to sign out of {host}");
                screen.lines(&style.bold(&wrapped("", &text, width)));
            }
            // The caller prints the error with its causes and its hint.
            Prompt::Failed { .. } => screen.end("", style.live),
            Prompt::Flow { .. } | Prompt::BrowserOpened | Prompt::Polling { .. } => {}
        }
    }
}

impl TerminalUi {
    fn write_code(&self, screen: &mut Screen, prompt: &Prompt, width: usize) {
        let style = self.style;
        let Prompt::DeviceCode {
            host,
            user_code,
            verification_uri: uri,
            verification_uri_complete,
            expires_in,
            ..
        } = prompt
        else {
            return;
        };

        let complete = verification_uri_complete.as_ref();
        let expires_in = *expires_in;
        let code = DeviceCode {
            host,
            user_code,
            uri,
            complete,
            expires_in,
        };
        let way = next_way(screen);
        screen.lines(&match way {
            Some(number) => style.numbered_code(number, &code),
            None => style.device_code(&code, width),
        });
        let beside = if way.is_some() {
            LINES_OF_REMOTE
        } else {
            LINES_BESIDE
        };
        if let Some(drawn) = style.qr_code(complete.unwrap_or(uri), beside) {
            screen.lines(&drawn);
        }
    }
}

/// An authorization request to show.
struct Address<'a> {
    host: &'a str,
    url: &'a Url,
    browser: BrowserStart,
    port: Option<u16>,
    forward: Option<&'a str>,
}

struct DeviceCode<'a> {
    host: &'a str,
    user_code: &'a str,
    uri: &'a Url,
    complete: Option<&'a Url>,
    expires_in: Duration,
}

/// The next number on a remote screen.
fn next_way(screen: &mut Screen) -> Option<usize> {
    let ways = screen.ways.as_mut()?;
    *ways += 1;
    Some(*ways)
}

fn remote(why: &[Sign]) -> String {
    let place = if why
        .iter()
        .any(|sign| matches!(sign, Sign::SshConnection | Sign::SshTty))
    {
        "You are on a remote machine (SSH)"
    } else if why.contains(&Sign::Codespaces) {
        "You are in a codespace"
    } else if why.contains(&Sign::Container) {
        "You are in a container"
    } else {
        "There is no screen here"
    };
    format!("{place}. Sign in on any device:")
}

impl TerminalStyle {
    fn open_url(self, address: &Address<'_>, width: usize) -> String {
        let Address {
            host,
            url,
            browser,
            port,
            ..
        } = address;
        let what = match browser {
            BrowserStart::Starting => format!("Opening your browser to sign in to {host}"),
            BrowserStart::NotTried => {
                format!("Open this address in a browser on this machine to sign in to {host}")
            }
        };
        let what = self.bold(&wrapped("", &what, width));
        let far = match (browser, port) {
            (BrowserStart::Starting, _) | (_, None) => String::new(),
            (BrowserStart::NotTried, Some(port)) => {
                let text = wrapped(
                    "  ",
                    "(from another machine, forward the port first:",
                    width,
                );
                format!("{text}   ssh -L {port}:127.0.0.1:{port} ...)\n")
            }
        };
        format!("{what}  {}\n{far}", self.link(url))
    }

    fn numbered_address(self, number: usize, address: &Address<'_>, width: usize) -> String {
        let Address {
            host,
            url,
            browser,
            port,
            forward,
        } = address;
        let url = self.link(url);
        let first = format!("  {number}  ");
        match (browser, forward, port) {
            (BrowserStart::Starting, ..) => {
                let text = format!("or in the browser that opens now, to sign in to {host}:");
                format!("{}       {url}\n", wrapped(&first, &text, width))
            }
            (BrowserStart::NotTried, Some(command), _) => format!(
                "{}       {}\n     then open\n       {url}\n",
                wrapped(&first, "or forward a port:", width),
                self.bold(command),
            ),
            (BrowserStart::NotTried, None, port) => {
                let port = port.map(|port| format!(" {port}")).unwrap_or_default();
                let text =
                    format!("or, in a browser that reaches port{port} of this machine, open");
                format!("{}       {url}\n", wrapped(&first, &text, width))
            }
        }
    }

    fn device_code(self, code: &DeviceCode<'_>, width: usize) -> String {
        let DeviceCode {
            host,
            user_code,
            uri,
            complete,
            expires_in,
        } = code;
        let what = self.bold(&wrapped(
            "",
            &format!("Sign in to {host} on any device"),
            width,
        ));
        let (uri, minutes) = (self.link(uri), lasts(*expires_in));
        let user_code = self.bold(user_code);
        let mut text = format!(
            "{what}  Open\n    {uri}\n  and enter the code\n    {user_code}\n  (good for {minutes})\n"
        );
        if let Some(complete) = complete {
            text.extend(["  or open\n    ", &self.link(complete), "\n"]);
        }
        text
    }

    fn numbered_code(self, number: usize, code: &DeviceCode<'_>) -> String {
        let DeviceCode {
            user_code,
            uri,
            expires_in,
            ..
        } = code;
        let (uri, minutes) = (self.link(uri), lasts(*expires_in));
        let user_code = self.bold(user_code);
        format!(
            "  {number}  Open\n       {uri}\n     and enter the code\n       {user_code}\n     (good for {minutes})\n"
        )
    }

    /// A build without the feature `qr` draws none.
    #[cfg(not(feature = "qr"))]
    fn qr_code(self, _url: &Url, _beside: usize) -> Option<String> {
        None
    }

    /// The QR code, when it fits with the lines around it.
    #[cfg(feature = "qr")]
    fn qr_code(self, url: &Url, beside: usize) -> Option<String> {
        let (columns, rows) = self.size.filter(|_| self.qr && self.live && self.unicode)?;
        let code = qr_code::draw(url.as_str(), self.color)?;
        let fits = code.columns <= usize::from(columns) && code.rows + beside <= usize::from(rows);
        fits.then_some(code.text)
    }

    fn waiting(self, left: Duration, enter: bool, width: usize) -> String {
        let (dots, left) = (self.pick("…", "..."), clock(left));
        let all = format!("Waiting{dots} {left} left, Ctrl-C cancels");
        let with_enter = format!("{all}, Enter for another way");
        let short = format!("Waiting{dots} {left}, Enter: another way");
        [(enter, with_enter), (enter, short), (true, all)]
            .into_iter()
            .find(|(fits, text)| *fits && text.chars().count() < width)
            .map_or_else(|| format!("{left} left"), |(_, text)| text)
    }

    fn done(
        self,
        who: Option<&str>,
        refreshes: bool,
        expires_in: Option<Duration>,
        width: usize,
    ) -> String {
        let mark = self.pick("✔", "ok:");
        let who = who.map(|who| format!(" as {who}")).unwrap_or_default();
        let mut text = format!("{mark} Signed in{who}\n");
        if !refreshes {
            // By the clock that the person sees, whatever the server's says.
            let now = SystemClock.now();
            let until = expires_in.map_or("when the access token ends".to_owned(), |span| {
                at_time_of_day(now + span, now)
            });
            let sentence = format!(
                "The server gave no refresh token (scope offline_access not granted): you will be asked again {until}"
            );
            text.push_str(&wrapped("  ", &sentence, width));
        }
        text
    }
}

impl Drop for TerminalUi {
    /// A sign-in that was cancelled leaves no half line behind.
    fn drop(&mut self) {
        let live = self.style.live;
        self.screen
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
            .end("", live);
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

/// Row C-70: it says where the address may go and where never.
const PASTE: &str = "Open that link yourself and paste the address of the page that fails to load here, \
     in this terminal. Never paste it anywhere else: whoever has it can try to sign in as you.";
/// The lines around a QR code that should stay visible.
const LINES_BESIDE: usize = 9;
/// The same on a remote screen, with an address that is long.
const LINES_OF_REMOTE: usize = 19;

#[cfg(test)]
#[path = "terminal_tests.rs"]
mod tests;
