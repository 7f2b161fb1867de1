//! A program that drives a sign-in: it reads the events, and does what a person would.

use hallpass_testing::{Person, TestServer};
use serde_json::Value;

use crate::world::{Home, Running, approve, lets_ask};

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_daemon");
/// Nobody calls it.
pub(crate) const API: &str = "https://api.test";

/// What the person does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Does<'a> {
    /// Signs in under this name.
    SignsInAs(&'a str),
    /// Says no.
    Declines,
    /// Is not there.
    Nothing,
}

/// How a sign-in went.
#[derive(Debug)]
pub(crate) struct Driven {
    pub(crate) code: Option<i32>,
    pub(crate) events: Vec<Value>,
    /// What stood on standard error.
    pub(crate) talk: String,
}

impl Driven {
    /// The first event of this name.
    pub(crate) fn event(&self, name: &str) -> &Value {
        let mut events = self.events.iter();
        let found = events.find(|event| event["event"] == name);
        found.unwrap_or_else(|| panic!("no `{name}` in {self:#?}"))
    }

    pub(crate) fn last(&self) -> &Value {
        self.events.last().unwrap()
    }
}

/// Starts `auth login --events`.
pub(crate) fn start(home: &Home, server: &TestServer, words: &[&str]) -> Running {
    let mut command = home.program(PROGRAM, &server.issuer(), API);
    command.args(["auth", "login", "--events"]).args(words);
    Running::start(command)
}

/// Reads the next event; every line is one.
pub(crate) fn next(program: &mut Running) -> Option<Value> {
    let line = program.line();
    let event = (!line.is_empty()).then(|| serde_json::from_str(&line));
    event.map(|event| event.unwrap_or_else(|error| panic!("{error}: {line}")))
}

/// Runs `auth login --events` to its end.
pub(crate) async fn drive(
    home: &Home,
    server: &TestServer,
    words: &[&str],
    does: Does<'_>,
) -> Driven {
    let mut program = start(home, server, words);
    let mut events = Vec::new();
    while let Some(event) = next(&mut program) {
        act(server, &event, does).await;
        events.push(event);
    }
    let (code, talk) = program.end();
    Driven { code, events, talk }
}

async fn act(server: &TestServer, event: &Value, does: Does<'_>) {
    let person = server.person();
    let text = |name: &str| event[name].as_str().unwrap();
    match (event["event"].as_str(), does) {
        (Some("device_code"), Does::SignsInAs("ada")) => {
            approve(&person, server, text("user_code")).await;
        }
        (Some("device_code"), Does::SignsInAs(name)) => {
            person.approve(text("user_code"), name).await;
            lets_ask(server);
        }
        (Some("device_code"), Does::Declines) => {
            person.deny(text("user_code"), "ada").await;
            lets_ask(server);
        }
        (Some("authorize_url"), Does::SignsInAs(name)) => browse(&person, text("url"), name).await,
        _ => {}
    }
}

/// Signs in at this address, up to the page of the program.
pub(crate) async fn browse(person: &Person, url: &str, name: &str) {
    let page = person.open(url).await;
    let answer = person.submit(&page, &[("username", name)]).await;
    let callback = answer.header("location").to_owned();
    let answer = person.http().get(callback).send().await.unwrap();
    // The code leaves the browser's history.
    let page = answer
        .url()
        .join(answer.headers()["location"].to_str().unwrap());
    let answer = person.http().get(page.unwrap()).send().await.unwrap();
    assert!(answer.status().is_success(), "{answer:?}");
}

/// The form that the program sent to an endpoint, newest last.
pub(crate) async fn sent(server: &TestServer, endpoint: &str) -> Vec<Value> {
    let path = format!("/_hallpass/requests?endpoint={endpoint}");
    let found = server.get(&path).await.json();
    let requests = found["requests"].as_array().unwrap().iter();
    requests.map(|request| request["form"].clone()).collect()
}
