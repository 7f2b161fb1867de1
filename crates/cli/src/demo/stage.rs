//! Tells the demo: numbered steps, each with its requests and what they brought.
//!
//! Secrets come here already shortened ([`hallpass_client::Exchange`]).

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

use hallpass_client::{
    BoxFuture, Browser, BrowserStart, Exchange, Prompt, Ui, UiCaps, UiOutcome, Watcher, clean,
};
use hallpass_protocol::secret::shorten;
use tokio::sync::mpsc;
use url::Url;

use super::errand::Errand;
use super::lines::{Lines, bare};
use super::step::Step;
use crate::duration;
use crate::output::Output;

/// Where the demo is told.
#[derive(Debug)]
pub(crate) struct Stage {
    lines: Lines,
    is_silent: bool,
    /// The played person, when there is one.
    person: Option<mpsc::UnboundedSender<Errand>>,
    scene: Mutex<Scene>,
}

#[derive(Debug, Default)]
struct Scene {
    step: Option<Step>,
    number: usize,
    endpoints: BTreeMap<String, String>,
    has_live_line: bool,
    /// The person came by a code, not by a browser that the program opened.
    has_code: bool,
}

/// One request of the person's browser.
pub(crate) struct Visit<'a> {
    /// `GET` or `POST`.
    pub(crate) method: &'a str,
    /// Where.
    pub(crate) url: &'a Url,
    /// The status of the answer.
    pub(crate) status: u16,
    /// The heading of the page that came.
    pub(crate) heading: &'a str,
    /// Where the answer leads.
    pub(crate) next: Option<&'a Url>,
}

impl Stage {
    /// Sets the stage; `person` gets the errands of a played person.
    pub(crate) fn new(output: Output, person: Option<mpsc::UnboundedSender<Errand>>) -> Self {
        Self {
            lines: Lines {
                paint: output.paint,
                style: output.style,
            },
            is_silent: output.is_json(),
            person,
            scene: Mutex::default(),
        }
    }

    /// Whether nothing is told, because a program reads the answer.
    pub(crate) fn is_silent(&self) -> bool {
        self.is_silent
    }

    /// Begins a flow.
    pub(crate) fn title(&self, text: &str) {
        self.with_scene(|scene| {
            scene.step = None;
            self.print(scene, &format!("\n{}\n", self.lines.paint.bold(text)));
        });
    }

    /// Says something that belongs to no step.
    pub(crate) fn say(&self, text: &str) {
        self.with_scene(|scene| self.print(scene, &format!("{text}\n")));
    }

    /// Says how a flow ended, and begins a new step with the next exchange.
    pub(crate) fn done(&self, text: &str) {
        let mark = self.lines.mark();
        self.with_scene(|scene| {
            scene.step = None;
            self.print(scene, &format!(" {mark}  {text}\n"));
        });
    }

    /// Tells what the person's browser did.
    pub(crate) fn person_did(&self, visit: &Visit<'_>) {
        let Visit {
            method,
            url,
            status,
            heading,
            next,
        } = *visit;
        let note = match next {
            // The redirect that carries the code (RFC 6749 §4.1.2).
            Some(next) if next.origin() != url.origin() => {
                format!("{} {}", self.lines.arrow(), bare(next))
            }
            Some(next) => format!("{} {}", self.lines.arrow(), next.path()),
            None => heading.to_owned(),
        };
        self.with_scene(|scene| {
            let step = if scene.has_code {
                Step::EnterCode
            } else {
                Step::SignIn
            };
            self.enter(scene, step);
            let at = if url.path() == CALLBACK_PATH {
                bare(url)
            } else {
                url.path().to_owned()
            };
            self.print(scene, &self.lines.request(method, &at, status, &note));
            if url.path() == CALLBACK_PATH {
                let members: Vec<_> = url
                    .query_pairs()
                    .filter(|(name, _)| matches!(&**name, "code" | "state" | "iss"))
                    .map(|(name, value)| {
                        let is_plain = name == "iss";
                        let value = if is_plain {
                            value.into_owned()
                        } else {
                            shorten(&value)
                        };
                        (name.into_owned(), clean::text(&value))
                    })
                    .collect();
                self.print(
                    scene,
                    &self
                        .lines
                        .members("with", &members, &["code", "state", "iss"]),
                );
            }
        });
    }

    fn exchanged(&self, exchange: &Exchange) {
        self.with_scene(|scene| {
            let step = Step::of(exchange, &scene.endpoints);
            if step == Step::Discover {
                scene.endpoints = exchange.received.iter().cloned().collect();
            }
            self.enter(scene, step);
            let path = Url::parse(&exchange.url)
                .map_or_else(|_| exchange.url.clone(), |url| url.path().to_owned());
            self.print(
                scene,
                &self
                    .lines
                    .request(exchange.method, &path, exchange.status, ""),
            );
            self.print(
                scene,
                &self.lines.members("sent", &exchange.sent, step.sent()),
            );
            let received = on_this_server(exchange);
            self.print(
                scene,
                &self.lines.members("got", &received, step.received()),
            );
        });
    }

    fn prompted(&self, prompt: &Prompt) {
        match prompt {
            Prompt::OpenUrl { url, browser, .. } => self.opened(url, *browser),
            Prompt::BrowserFailed { reason, .. } => {
                self.say(&format!("  ! no browser could be started ({reason})"));
            }
            Prompt::DeviceCode {
                user_code,
                verification_uri,
                ..
            } => self.show_code(user_code, verification_uri),
            Prompt::Waiting { left, .. } if self.lines.style.live && !self.is_silent => {
                let dots = if self.lines.style.unicode {
                    "…"
                } else {
                    "..."
                };
                let left = duration::words(*left);
                self.with_scene(|scene| {
                    scene.has_live_line = true;
                    live(&format!(
                        "{CLEAR_LINE}  waiting{dots} {left} left, Ctrl-C cancels"
                    ));
                });
            }
            Prompt::Notice { text } => self.say(&format!("  ! {text}")),
            _ => {}
        }
    }

    fn opened(&self, url: &Url, browser: BrowserStart) {
        self.with_scene(|scene| {
            scene.has_code = false;
            self.enter(scene, Step::OpenBrowser);
            let query: Vec<_> = url
                .query_pairs()
                .map(|(name, value)| {
                    let is_secret = name != "client_id";
                    let value = if is_secret {
                        shorten(&value)
                    } else {
                        value.into_owned()
                    };
                    (name.into_owned(), clean::text(&value))
                })
                .collect();
            self.print(scene, &format!("      open  {}\n", url.path()));
            self.print(
                scene,
                &self.lines.members("with", &query, Step::OpenBrowser.sent()),
            );
            if self.person.is_none() {
                let what = match browser {
                    BrowserStart::Starting => "Your browser shows this page; sign in there:",
                    BrowserStart::NotTried => "Open this address in a browser on this machine:",
                };
                let text = format!("\n    {}\n    {url}\n\n", self.lines.paint.bold(what));
                self.print(scene, &text);
            }
        });
    }

    fn show_code(&self, user_code: &str, uri: &Url) {
        self.with_scene(|scene| scene.has_code = true);
        match &self.person {
            Some(person) => {
                let errand = Errand::EnterCode {
                    at: uri.clone(),
                    user_code: user_code.to_owned(),
                };
                if person.send(errand).is_err() {
                    tracing::debug!("nobody plays the person any more");
                }
            }
            None => self.with_scene(|scene| {
                self.enter(scene, Step::EnterCode);
                let (open, enter) = (
                    self.lines.paint.bold("Open"),
                    self.lines.paint.bold("and enter"),
                );
                let code = self.lines.paint.bold(user_code);
                let text = format!("\n    {open}\n    {uri}\n    {enter}\n    {code}\n\n");
                self.print(scene, &text);
            }),
        }
    }

    /// Begins a step, unless it is the one that is under way.
    fn enter(&self, scene: &mut Scene, step: Step) {
        if scene.step == Some(step) {
            return;
        }
        scene.step = Some(step);
        scene.number += 1;
        let line = format!("{:>2}  {}", scene.number, step.title());
        self.print(scene, &format!("{}\n", self.lines.paint.bold(&line)));
    }

    fn with_scene(&self, act: impl FnOnce(&mut Scene)) {
        act(&mut self.scene.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn print(&self, scene: &mut Scene, text: &str) {
        if std::mem::take(&mut scene.has_live_line) {
            live(CLEAR_LINE);
        }
        if self.is_silent {
            return;
        }
        let mut out = io::stdout().lock();
        let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        if let Err(error) = written {
            tracing::debug!(%error, "standard output cannot be written to");
        }
    }
}

impl Drop for Stage {
    /// A demo that was cancelled leaves no half line behind.
    fn drop(&mut self) {
        let scene = self.scene.get_mut().unwrap_or_else(PoisonError::into_inner);
        if scene.has_live_line {
            live(CLEAR_LINE);
        }
    }
}

/// The client's view of the stage.
#[derive(Clone, Debug)]
pub(crate) struct Seat(pub(crate) Arc<Stage>);

impl Ui for Seat {
    fn show<'a>(&'a self, prompt: &'a Prompt) -> BoxFuture<'a, UiOutcome> {
        self.0.prompted(prompt);
        Box::pin(std::future::ready(UiOutcome::Shown))
    }

    fn capabilities(&self) -> UiCaps {
        UiCaps { interactive: true }
    }
}

impl Watcher for Seat {
    fn saw(&self, exchange: &Exchange) {
        self.0.exchanged(exchange);
    }
}

/// A browser that the played person sits at.
#[derive(Clone, Debug)]
pub(crate) struct PlayedBrowser(pub(crate) mpsc::UnboundedSender<Errand>);

impl Browser for PlayedBrowser {
    fn open(&self, url: &Url) -> Result<(), String> {
        let errand = Errand::SignIn(url.clone());
        self.0
            .send(errand)
            .map_err(|_| "nobody plays the person any more".to_owned())
    }
}

/// The members of an answer; addresses on the server itself without its name, as the requests.
fn on_this_server(exchange: &Exchange) -> Vec<(String, String)> {
    let origin = Url::parse(&exchange.url).map(|url| url.origin().ascii_serialization());
    let origin = origin.unwrap_or_default();
    let shown = |(name, value): &(String, String)| {
        let is_endpoint = name.ends_with("_endpoint");
        let path = value.strip_prefix(&origin).filter(|_| is_endpoint);
        (name.clone(), path.unwrap_or(value).to_owned())
    };
    exchange.received.iter().map(shown).collect()
}

fn live(text: &str) {
    let mut out = io::stderr().lock();
    if let Err(error) = out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        tracing::debug!(%error, "standard error cannot be written to");
    }
}

const CLEAR_LINE: &str = "\r\u{1b}[2K";
const CALLBACK_PATH: &str = "/callback";
