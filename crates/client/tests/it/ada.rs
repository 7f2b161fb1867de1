//! A person at the real server.

use std::sync::Arc;
use std::time::Duration;

use hallpass_client::{
    BoxFuture, Browser, Client, ClientBuilder, Clock, MemoryStore, Prompt, Timer, Timestamp, Ui,
    UiCaps, UiOutcome, flow,
};
use hallpass_testing::{Person, TestClock, TestServer};
use tokio::runtime::Handle;
use url::Url;

/// Ada at a screen, on the server's time: reads the prompts, approves device codes, signs in on pages.
/// As a [`Timer`], time passes only when the program waits.
#[derive(Clone, Debug)]
pub(crate) struct Ada {
    pub(crate) person: Arc<Person>,
    pub(crate) clock: Arc<TestClock>,
    runtime: Handle,
    programs_push: bool,
}

impl Ada {
    pub(crate) fn at(server: &TestServer) -> Self {
        Self {
            person: Arc::new(server.person()),
            clock: Arc::clone(&server.clock),
            runtime: Handle::current(),
            programs_push: false,
        }
    }

    /// The same, and no address that is opened tells more than row C-59 allows.
    pub(crate) fn of_pushing_programs(server: &TestServer) -> Self {
        Self {
            programs_push: true,
            ..Self::at(server)
        }
    }

    /// A program of hers, whose sessions nobody else has.
    pub(crate) fn client(&self, server: &TestServer, client_id: &str) -> ClientBuilder {
        let screen = flow::Environment {
            signs: [flow::Sign::Display].into(),
            platform: flow::Platform::Unix,
        };
        Client::builder(server.issuer(), client_id)
            .store(MemoryStore::new())
            .ui(self.clone())
            .browser(self.clone())
            .clock(self.clone())
            .environment(screen)
    }
}

impl Ui for Ada {
    fn show<'a>(&'a self, prompt: &'a Prompt) -> BoxFuture<'a, UiOutcome> {
        Box::pin(async move {
            if let Prompt::DeviceCode { user_code, .. } = prompt {
                let done = self.person.approve(user_code, "ada").await;
                assert_eq!(done.status, 200, "{}", done.body);
            }
            UiOutcome::Shown
        })
    }

    fn capabilities(&self) -> UiCaps {
        UiCaps { interactive: true }
    }
}

impl Browser for Ada {
    fn open(&self, url: &Url) -> Result<(), String> {
        if self.programs_push {
            let names: Vec<_> = url.query_pairs().map(|(name, _)| name).collect();
            assert_eq!(names, ["client_id", "request_uri"], "row C-59");
        }
        let (person, url) = (Arc::clone(&self.person), url.to_string());
        self.runtime.spawn(async move {
            let page = person.open(&url).await;
            let answer = person.submit(&page, &[("username", "ada")]).await;
            let callback = Url::parse(answer.header("location")).expect("a way back");
            let moved = person.send(person.http().get(callback.clone())).await;
            let last = callback.join(moved.header("location")).expect("a page");
            person.send(person.http().get(last)).await
        });
        Ok(())
    }
}

impl Clock for Ada {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

impl Timer for Ada {
    fn elapsed(&self) -> Duration {
        self.now().since(Timestamp::from_unix_seconds(0))
    }

    fn sleep(&self, span: Duration) -> BoxFuture<'_, ()> {
        self.clock.advance(span);
        Box::pin(std::future::ready(()))
    }
}
