//! Three ways at once, and a person who enters lines: which way wins, and what becomes of the others.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hallpass_client::flow::{Sign, Way};
use hallpass_client::{
    BoxFuture, CancelSignIn, ErrorKind, MemoryStore, Prompt, SecurityViolation, SignIn, Ui, UiCaps,
    UiOutcome,
};
use hallpass_protocol::form::Form;
use serde_json::{Value, json};
use tokio::sync::Notify;
use url::Url;

use crate::fake::{Answer, Fake, TestTimer};
use crate::person::Person;

/// What a person types when the screen shows something.
type Typing = Arc<dyn Fn(&Prompt, &Url) -> Vec<String> + Send + Sync>;

/// A person at a keyboard, far from any browser.
#[derive(Clone)]
struct Typist {
    typing: Typing,
    prompts: Arc<Mutex<Vec<Prompt>>>,
    lines: Arc<Mutex<VecDeque<String>>>,
    has_typed: Arc<Notify>,
    url: Arc<Mutex<Option<Url>>>,
    /// What the person answers to a question.
    says_yes: bool,
}

impl std::fmt::Debug for Typist {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Typist")
    }
}

impl Typist {
    fn who(typing: impl Fn(&Prompt, &Url) -> Vec<String> + Send + Sync + 'static) -> Self {
        Self {
            typing: Arc::new(typing),
            prompts: Arc::default(),
            lines: Arc::default(),
            has_typed: Arc::default(),
            url: Arc::default(),
            says_yes: false,
        }
    }

    /// Enter at the first chance, then these addresses at the paste prompt.
    fn who_pastes(addresses: impl Fn(&Url) -> Vec<String> + Send + Sync + 'static) -> Self {
        Self::who(move |prompt, url| match prompt {
            Prompt::Waiting { enter: true, .. } => vec![String::new()],
            Prompt::PasteAddress => addresses(url),
            _ => Vec::new(),
        })
    }

    fn prompts(&self) -> Vec<Prompt> {
        self.prompts.lock().unwrap().clone()
    }

    fn place_of(&self, wanted: impl Fn(&Prompt) -> bool) -> Option<usize> {
        self.prompts().iter().position(wanted)
    }
}

impl Ui for Typist {
    fn show<'a>(&'a self, prompt: &'a Prompt) -> BoxFuture<'a, UiOutcome> {
        self.prompts.lock().unwrap().push(prompt.clone());
        if let Prompt::OpenUrl { url, .. } = prompt {
            *self.url.lock().unwrap() = Some(url.clone());
        }
        if let Some(url) = self.url.lock().unwrap().as_ref() {
            let typed = (self.typing)(prompt, url);
            if !typed.is_empty() {
                self.lines.lock().unwrap().extend(typed);
                self.has_typed.notify_one();
            }
        }
        Box::pin(std::future::ready(UiOutcome::Shown))
    }

    fn capabilities(&self) -> UiCaps {
        UiCaps { interactive: true }
    }

    fn reads_lines(&self) -> bool {
        true
    }

    fn read_line(&self) -> BoxFuture<'_, Option<String>> {
        Box::pin(async {
            loop {
                if let Some(line) = self.lines.lock().unwrap().pop_front() {
                    return Some(line);
                }
                self.has_typed.notified().await;
            }
        })
    }

    fn confirm<'a>(&'a self, _question: &'a str) -> BoxFuture<'a, bool> {
        Box::pin(std::future::ready(self.says_yes))
    }
}

fn one(url: &Url, name: &str) -> String {
    let form = Form::parse(url.query().unwrap()).unwrap();
    form.one(name).unwrap().unwrap_or_default().to_owned()
}

/// The address that a browser would come back to.
fn callback(fake: &Fake, url: &Url, code: &str, state: Option<&str>) -> String {
    fake.expect_nonce(Some(one(url, "nonce")));
    let state = state.map_or_else(|| one(url, "state"), str::to_owned);
    let iss = hallpass_protocol::form::encode(&fake.issuer);
    format!(
        "{}?code={code}&state={state}&iss={iss}",
        one(url, "redirect_uri")
    )
}

/// Nobody approves the device code.
fn never_approve(fake: &Fake) {
    fake.on("/token", |seen, signer| {
        let grant = seen.field("grant_type").unwrap();
        if grant.ends_with("device_code") {
            return Answer::Json(400, json!({"error": "authorization_pending"}));
        }
        signer.tokens(&json!({}))
    });
}

fn over_ssh(fake: &Fake, typist: &Typist) -> hallpass_client::ClientBuilder {
    let nobody = Person::without_browser();
    let environment = nobody.environment().with(Sign::SshConnection);
    fake.client(&nobody)
        .environment(environment)
        .ui(typist.clone())
}

#[tokio::test]
async fn c_20_and_c_70_the_pasted_address_signs_in_and_the_device_code_is_withdrawn() {
    let fake = Fake::start().await;
    never_approve(&fake);
    let at = fake.clone();
    let typist = Typist::who_pastes(move |url| vec![callback(&at, url, "pasted", None)]);
    let client = over_ssh(&fake, &typist).build().unwrap();
    let session = client
        .sign_in(SignIn::auto().callback_port(0))
        .await
        .unwrap();
    assert_eq!(session.claims().unwrap().sub, "ada");
    let shown = typist.prompts();
    assert!(
        matches!(&shown[0], Prompt::Flow { way: Way::Remote, why } if why == &[Sign::SshConnection])
    );
    assert!(
        matches!(&shown[1], Prompt::DeviceCode { .. }),
        "{:?}",
        shown[1]
    );
    assert!(
        matches!(&shown[2], Prompt::OpenUrl { forward: Some(line), .. } if line.starts_with("ssh -L ")),
        "{:?}",
        shown[2]
    );
    let enter = typist.place_of(|prompt| matches!(prompt, Prompt::Waiting { enter: true, .. }));
    let paste = typist.place_of(|prompt| matches!(prompt, Prompt::PasteAddress));
    assert!(
        enter.unwrap() < paste.unwrap(),
        "the paste line comes only after Enter"
    );
    let [revoked] = fake.seen("/revoke").try_into().unwrap();
    assert_eq!(revoked.field("token").as_deref(), Some("device-canary"));
    let redirect_uri = Url::parse(&one(
        &typist.url.lock().unwrap().clone().unwrap(),
        "redirect_uri",
    ));
    let port = redirect_uri.unwrap().port().unwrap();
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err());
}

#[tokio::test]
async fn c_70_what_is_typed_before_our_prompt_is_no_address() {
    let fake = Fake::start().await;
    never_approve(&fake);
    let at = fake.clone();
    let typist = Typist::who(move |prompt, url| match prompt {
        Prompt::Waiting { enter: true, .. } => vec![callback(&at, url, "too-early", None)],
        _ => Vec::new(),
    });
    let client = over_ssh(&fake, &typist).build().unwrap();
    let how = SignIn::auto()
        .callback_port(0)
        .timeout(Duration::from_millis(300));
    let error = client.sign_in(how).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::TimedOut);
    let codes = fake
        .seen("/token")
        .into_iter()
        .filter_map(|seen| seen.field("code"))
        .count();
    assert_eq!(codes, 0);
}

#[tokio::test]
async fn c_20_an_address_of_another_sign_in_is_refused_and_the_third_one_ends_it() {
    let fake = Fake::start().await;
    never_approve(&fake);
    let at = fake.clone();
    let wrong = move |url: &Url| callback(&at, url, "attacker", Some("another-state"));
    let (right_at, also_wrong) = (fake.clone(), wrong.clone());
    let typist = Typist::who_pastes(move |url| {
        vec![
            wrong(url),
            "not an address".to_owned(),
            callback(&right_at, url, "x", None).replace("127.0.0.1", "evil.test"),
            wrong(url),
            callback(&right_at, url, "mine", None),
        ]
    });
    let client = over_ssh(&fake, &typist).build().unwrap();
    client
        .sign_in(SignIn::auto().callback_port(0))
        .await
        .unwrap();
    let notices =
        typist.place_of(|p| matches!(p, Prompt::Notice { text } if text.contains("state differs")));
    assert!(notices.is_some(), "{:?}", typist.prompts());
    let codes: Vec<_> = fake
        .seen("/token")
        .iter()
        .filter_map(|seen| seen.field("code"))
        .collect();
    assert_eq!(codes, ["mine"]);

    let typist =
        Typist::who_pastes(move |url| vec![also_wrong(url), also_wrong(url), also_wrong(url)]);
    let client = over_ssh(&fake, &typist).build().unwrap();
    let error = client
        .sign_in(SignIn::auto().callback_port(0))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Security(SecurityViolation::State));
    assert_eq!(error.exit_code(), 8);
    assert!(client.session().await.unwrap().is_none());
}

#[tokio::test]
async fn c_20_a_pasted_address_of_another_issuer_sends_nothing() {
    let fake = Fake::start().await;
    let typist = Typist::who(|prompt, url| match prompt {
        Prompt::PasteAddress => {
            let (redirect_uri, state) = (one(url, "redirect_uri"), one(url, "state"));
            vec![format!(
                "{redirect_uri}?code=c&state={state}&iss=https://evil.test"
            )]
        }
        _ => Vec::new(),
    });
    let client = over_ssh(&fake, &typist).build().unwrap();
    let error = client.sign_in(SignIn::paste()).await.unwrap_err();
    assert_eq!(
        error.kind(),
        &ErrorKind::Security(SecurityViolation::Issuer)
    );
    assert!(fake.seen("/token").is_empty());
}

#[tokio::test]
async fn c_70_without_a_device_grant_the_paste_line_comes_at_once() {
    let fake = Fake::start().await;
    fake.announce("device_authorization_endpoint", Value::Null);
    let at = fake.clone();
    let typist = Typist::who(move |prompt, url| match prompt {
        Prompt::PasteAddress => vec![callback(&at, url, "c", None)],
        _ => Vec::new(),
    });
    let client = over_ssh(&fake, &typist).build().unwrap();
    client
        .sign_in(SignIn::auto().callback_port(0))
        .await
        .unwrap();
    assert!(fake.seen("/revoke").is_empty());
}

#[tokio::test]
async fn rule_7_after_twenty_quiet_seconds_the_device_code_appears_and_signs_in() {
    let (fake, timer) = (Fake::start().await, TestTimer::default());
    let person = Person::who(&fake, |_| ());
    let client = fake.client(&person).timer(timer.clone()).build().unwrap();
    let forgets = fake.clone();
    fake.on("/token", move |_, signer| {
        // A device code has no nonce.
        forgets.expect_nonce(None);
        signer.tokens(&json!({}))
    });
    client.sign_in(SignIn::auto()).await.unwrap();
    let prompts = person.prompts();
    let waited = prompts
        .iter()
        .position(|prompt| matches!(prompt, Prompt::DeviceCode { .. }))
        .map(|at| {
            prompts[..at]
                .iter()
                .filter(|p| matches!(p, Prompt::Waiting { .. }))
                .count()
        });
    assert_eq!(waited, Some(20), "one a second");
    assert_eq!(fake.seen("/device_authorization").len(), 1);
}

#[tokio::test]
async fn a_browser_that_was_asked_for_by_name_grows_no_device_code() {
    let (fake, timer) = (Fake::start().await, TestTimer::default());
    let person = Person::who(&fake, |_| ());
    let client = fake.client(&person).timer(timer).build().unwrap();
    let error = client.sign_in(SignIn::browser()).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::TimedOut);
    assert!(error.to_string().contains("300 s"), "{error}");
    assert!(fake.seen("/device_authorization").is_empty());
}

#[tokio::test]
async fn who_cancels_leaves_no_device_code_behind() {
    let fake = Fake::start().await;
    never_approve(&fake);
    let cancel = CancelSignIn::default();
    let pressed = cancel.clone();
    let typist = Typist::who(move |prompt, _| {
        if matches!(prompt, Prompt::Waiting { .. }) {
            pressed.cancel();
        }
        Vec::new()
    });
    let client = over_ssh(&fake, &typist).build().unwrap();
    let how = SignIn::auto().callback_port(0).cancelled_by(cancel);
    let error = client.sign_in(how).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Cancelled);
    assert_eq!(
        fake.seen("/revoke")[0].field("token").as_deref(),
        Some("device-canary")
    );
    assert!(client.session().await.unwrap().is_none());
}

/// A server at which first ada signs in, then mallory.
fn two_people(fake: &Fake) {
    let mut count = 0;
    fake.on("/token", move |_, signer| {
        count += 1;
        let name = if count == 1 { "ada" } else { "mallory" };
        let id_token = signer.id_token(|claims| {
            claims.insert("sub".to_owned(), json!(name));
            claims.insert("email".to_owned(), json!(name));
        });
        signer.tokens(&json!({
            "id_token": id_token, "access_token": format!("at-{name}"), "refresh_token": format!("rt-{name}"),
        }))
    });
}

#[tokio::test]
async fn c_69_and_a_107_another_subject_is_not_stored_without_consent_and_its_tokens_are_taken_back()
 {
    for (says_yes, switches, expected) in [
        (None, false, "ada"),
        (Some(false), false, "ada"),
        (Some(true), false, "mallory"),
        (None, true, "mallory"),
    ] {
        let fake = Fake::start().await;
        two_people(&fake);
        let store = Arc::new(MemoryStore::new());
        let timer = TestTimer::default();
        let nobody = Person::without_browser();
        let client = fake
            .client(&nobody)
            .store(Arc::clone(&store))
            .timer(timer.clone());
        client
            .build()
            .unwrap()
            .sign_in(SignIn::device())
            .await
            .unwrap();

        let client = fake.client(&nobody).store(store).timer(timer);
        let client = match says_yes {
            Some(says_yes) => client.ui(Typist {
                says_yes,
                ..Typist::who(|_, _| Vec::new())
            }),
            None => client,
        };
        let client = client.build().unwrap();
        let how = SignIn::device().force();
        let how = if switches { how.switch_account() } else { how };
        let done = client.sign_in(how).await;
        let session = client.session().await.unwrap().unwrap();
        assert_eq!(session.claims().unwrap().sub, expected);
        let revoked: Vec<_> = fake
            .seen("/revoke")
            .iter()
            .filter_map(|seen| seen.field("token"))
            .collect();
        if expected == "ada" {
            let error = done.unwrap_err();
            assert_eq!(
                error.kind(),
                &ErrorKind::Security(SecurityViolation::Account)
            );
            assert_eq!(error.exit_code(), 8);
            assert_eq!(revoked, ["rt-mallory", "at-mallory"]);
        } else {
            done.unwrap();
            assert!(revoked.is_empty(), "{revoked:?}");
        }
    }
}

#[tokio::test]
async fn c_71_behind_the_name_localhost_both_families_listen_on_one_port() {
    let fake = Fake::start().await;
    let person = Person::who(&fake, |visit| {
        let port = visit.redirect_uri.port().unwrap();
        assert_eq!(visit.redirect_uri.host_str(), Some("localhost"));
        for family in ["127.0.0.1", "::1"] {
            let has_family = std::net::TcpListener::bind((family, 0)).is_ok();
            assert_eq!(
                std::net::TcpStream::connect((family, port)).is_ok(),
                has_family,
                "{family}"
            );
        }
        visit.come_back("code=c");
    });
    let client = fake.client(&person).build().unwrap();
    let how = SignIn::browser().callback_host(hallpass_client::CallbackHost::Localhost);
    client.sign_in(how).await.unwrap();
    person.pages();

    // A port whose other family is taken is not used.
    let Ok(other) = std::net::TcpListener::bind(("::1", 0)) else {
        return;
    };
    let port = other.local_addr().unwrap().port();
    let how = SignIn::browser()
        .force()
        .callback_host(hallpass_client::CallbackHost::Localhost);
    let error = client.sign_in(how.callback_port(port)).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Config);
}
