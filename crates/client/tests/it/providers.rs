//! What the tests of providers share: a double, a client that knows it by name, and a person.

use hallpass_client::flow::{Environment, Platform, Sign};
use hallpass_client::{
    Browser, Client, ClientBuilder, Error, MemoryStore, Prompt, Provider, Session, SignIn,
};
use hallpass_testing::provider::{Double, Provider as Answers};
use url::Url;

use crate::fake::TestTimer;
use crate::person::Person;

/// A browser that goes wherever it is sent, the person's own listener included.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Visitor;

impl Browser for Visitor {
    fn open(&self, url: &Url) -> Result<(), String> {
        let visit = reqwest::get(url.clone());
        tokio::spawn(async move {
            // A listener that has what it wants may hang up.
            drop(visit.await);
        });
        Ok(())
    }
}

/// A client of a provider whose addresses are the double's; everything else is the preset's own.
pub(crate) fn client<P: Answers>(name: &str, id: &str, double: &Double<P>) -> ClientBuilder {
    at(
        Provider::parse(name).unwrap().at(&double.base),
        id,
        &Person::without_browser(),
    )
}

/// A client with this person.
pub(crate) fn at(provider: Provider, id: &str, person: &Person) -> ClientBuilder {
    let environment = Environment {
        signs: [Sign::Display].into_iter().collect(),
        platform: Platform::Unix,
    };
    Client::for_provider(provider, id)
        .store(MemoryStore::new())
        .environment(environment)
        .browser(Visitor)
        .ui(person.clone())
}

/// Signs in with a device code, and tells how many seconds the polls took.
pub(crate) async fn by_device(client: ClientBuilder) -> (Result<Session, Error>, u64) {
    let timer = TestTimer::default();
    let client = client.timer(timer.clone()).build().unwrap();
    let done = client.sign_in(SignIn::device()).await;
    (done, timer.now().as_secs())
}

pub(crate) async fn by_browser(client: ClientBuilder) -> Result<Session, Error> {
    client.build().unwrap().sign_in(SignIn::browser()).await
}

/// The code and the address that a person was shown.
pub(crate) fn shown(person: &Person) -> (String, Url, Option<Url>) {
    let device = |prompt| match prompt {
        Prompt::DeviceCode {
            user_code,
            verification_uri,
            verification_uri_complete,
            ..
        } => Some((user_code, verification_uri, verification_uri_complete)),
        _ => None,
    };
    person.prompts().into_iter().find_map(device).unwrap()
}
