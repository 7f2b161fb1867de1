//! A scripted person with a browser: reads prompts, opens addresses, comes back to the listener.

use std::fmt;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hallpass_client::flow::{Environment, Platform, Sign};
use hallpass_client::{BoxFuture, Browser, Prompt, Ui, UiCaps, UiOutcome};
use hallpass_protocol::form::Form;
use url::Url;

use crate::fake::Fake;

type Script = Arc<dyn Fn(&Visit) + Send + Sync>;

/// A person at a desk.
#[derive(Clone)]
pub(crate) struct Person {
    script: Script,
    prompts: Arc<Mutex<Vec<Prompt>>>,
    pages: Arc<Mutex<Vec<Page>>>,
    visits: Arc<Mutex<Vec<std::thread::JoinHandle<()>>>>,
    fake: Option<Fake>,
}

/// What an opened address asks for.
pub(crate) struct Visit {
    pub(crate) state: String,
    pub(crate) redirect_uri: Url,
    pages: Arc<Mutex<Vec<Page>>>,
    issuer: String,
}

/// What a browser got.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Page {
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found
                .eq_ignore_ascii_case(name)
                .then(|| value.trim().to_owned())
        })
    }
}

impl Person {
    /// Signs in and comes back.
    pub(crate) fn who_signs_in(fake: &Fake) -> Self {
        Self::who(fake, |visit| {
            visit.come_back("code=code-canary");
        })
    }

    /// Does something else in the browser.
    pub(crate) fn who(fake: &Fake, script: impl Fn(&Visit) + Send + Sync + 'static) -> Self {
        Self {
            script: Arc::new(script),
            prompts: Arc::default(),
            pages: Arc::default(),
            visits: Arc::default(),
            fake: Some(fake.clone()),
        }
    }

    /// Has no browser.
    pub(crate) fn without_browser() -> Self {
        Self {
            script: Arc::new(|_| ()),
            prompts: Arc::default(),
            pages: Arc::default(),
            visits: Arc::default(),
            fake: None,
        }
    }

    pub(crate) fn environment(&self) -> Environment {
        let signs = if self.fake.is_some() {
            vec![Sign::Display]
        } else {
            vec![]
        };
        Environment {
            signs: signs.into_iter().collect(),
            platform: Platform::Unix,
        }
    }

    pub(crate) fn prompts(&self) -> Vec<Prompt> {
        self.prompts.lock().unwrap().clone()
    }

    /// The pages that came back, in order, once the person is done.
    pub(crate) fn pages(&self) -> Vec<Page> {
        for visit in self.visits.lock().unwrap().drain(..) {
            visit.join().unwrap();
        }
        self.pages.lock().unwrap().clone()
    }

    /// The addresses that were to be opened.
    pub(crate) fn opened(&self) -> Vec<Url> {
        let url = |prompt| match prompt {
            Prompt::OpenUrl { url, .. } => Some(url),
            _ => None,
        };
        self.prompts().into_iter().filter_map(url).collect()
    }

    pub(crate) fn notices(&self) -> Vec<String> {
        let text = |prompt| match prompt {
            Prompt::Notice { text } => Some(text),
            _ => None,
        };
        self.prompts().into_iter().filter_map(text).collect()
    }
}

impl Browser for Person {
    fn open(&self, url: &Url) -> Result<(), String> {
        let fake = self.fake.clone().ok_or("no browser")?;
        let mut form = Form::parse(url.query().unwrap()).unwrap();
        // The server knows the request already (RFC 9126 §4).
        if form.has("request_uri") {
            form = fake.seen("/par").pop().unwrap().form();
        }
        let one = |name: &str| form.one(name).unwrap().unwrap_or_default().to_owned();
        fake.expect_nonce(Some(one("nonce")));
        let visit = Visit {
            state: one("state"),
            redirect_uri: Url::parse(&one("redirect_uri")).unwrap(),
            pages: Arc::clone(&self.pages),
            issuer: fake.issuer.clone(),
        };
        let script = Arc::clone(&self.script);
        self.visits
            .lock()
            .unwrap()
            .push(std::thread::spawn(move || script(&visit)));
        Ok(())
    }
}

impl Ui for Person {
    fn show<'a>(&'a self, prompt: &'a Prompt) -> BoxFuture<'a, UiOutcome> {
        self.prompts.lock().unwrap().push(prompt.clone());
        Box::pin(std::future::ready(UiOutcome::Shown))
    }

    fn capabilities(&self) -> UiCaps {
        UiCaps { interactive: true }
    }
}

impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Person")
    }
}

impl Visit {
    pub(crate) fn authority(&self) -> String {
        format!(
            "{}:{}",
            self.redirect_uri.host_str().unwrap(),
            self.redirect_uri.port().unwrap()
        )
    }

    /// Comes back with the right state and issuer, follows redirects.
    pub(crate) fn come_back(&self, answer: &str) -> Page {
        let iss = hallpass_protocol::form::encode(&self.issuer);
        self.come_back_with(&format!("{answer}&state={}&iss={iss}", self.state))
    }

    /// Comes back with exactly this query, follows redirects.
    pub(crate) fn come_back_with(&self, query: &str) -> Page {
        let path = self.redirect_uri.path();
        let mut page = self.ask("GET", &format!("{path}?{query}"), &self.authority());
        while let Some(next) = page.header("location") {
            page = self.ask("GET", &next, &self.authority());
        }
        page
    }

    /// Any request to the listener.
    pub(crate) fn ask(&self, method: &str, target: &str, host: &str) -> Page {
        let head = format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        let page = self.send(head.as_bytes());
        self.pages.lock().unwrap().push(page.clone());
        page
    }

    /// Any bytes to the listener.
    pub(crate) fn send(&self, bytes: &[u8]) -> Page {
        let mut stream = TcpStream::connect(self.authority()).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        // A listener that had enough may close early.
        drop(stream.write_all(bytes));
        let mut text = Vec::new();
        drop(stream.read_to_end(&mut text));
        let text = String::from_utf8_lossy(&text).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .unwrap_or(0);
        Page {
            status,
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }
}
