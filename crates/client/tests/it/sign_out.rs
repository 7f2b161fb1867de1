//! Signing out works whatever the server says.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

use hallpass_client::flow::Sign;
use hallpass_client::{Browser, Client, SignIn, StepResult};
use serde_json::json;
use url::Url;

use crate::fake::{Answer, Fake, TestTimer};
use crate::person::Person;

async fn signed_in(fake: &Fake) -> Client {
    let person = Person::who_signs_in(fake);
    let browser = fake.client(&person).build().unwrap();
    browser.sign_in(SignIn::browser()).await.unwrap();
    let store = browser.store();
    fake.client(&person)
        .store(store)
        .timer(TestTimer::default())
        .build()
        .unwrap()
}

#[tokio::test]
async fn c_52_refresh_token_then_access_token_then_the_session() {
    let fake = Fake::start().await;
    let client = signed_in(&fake).await;
    let report = client.sign_out().await.unwrap();
    let steps: Vec<_> = report
        .steps
        .iter()
        .map(|step| (step.what, &step.result))
        .collect();
    assert_eq!(
        steps,
        [
            ("revoke_refresh_token", &StepResult::Ok),
            ("revoke_access_token", &StepResult::Ok),
            ("delete_session", &StepResult::Ok),
        ]
    );
    let revoked: Vec<_> = fake
        .seen("/revoke")
        .iter()
        .map(|seen| seen.field("token").unwrap())
        .collect();
    assert_eq!(revoked, ["rt-1", "at-1"]);
    assert!(client.session().await.unwrap().is_none());

    let again = client.sign_out().await.unwrap();
    assert!(matches!(again.steps[0].result, StepResult::Skipped(_)));
}

#[tokio::test]
async fn c_52_a_busy_server_is_asked_once_more() {
    let fake = Fake::start().await;
    let client = signed_in(&fake).await;
    let mut asked = 0;
    fake.on("/revoke", move |_, _| {
        asked += 1;
        let status = if asked == 1 { 503 } else { 200 };
        Answer::Raw(status, vec![("retry-after", "1".to_owned())], String::new())
    });
    let report = client.sign_out().await.unwrap();
    assert_eq!(
        (report.failures().count(), fake.seen("/revoke").len()),
        (0, 3)
    );
}

#[tokio::test]
async fn c_52_whatever_the_server_says_the_session_is_deleted() {
    for (status, kind, body) in [
        (503, "text/plain", ""),
        (
            400,
            "application/json",
            r#"{"error":"unsupported_token_type"}"#,
        ),
        (404, "text/html", "<h1>no</h1>"),
    ] {
        let fake = Fake::start().await;
        let client = signed_in(&fake).await;
        fake.on("/revoke", move |_, _| {
            let headers = vec![
                ("content-type", kind.to_owned()),
                ("retry-after", "1".to_owned()),
            ];
            Answer::Raw(status, headers, body.to_owned())
        });
        let report = client.sign_out().await.unwrap();
        assert_eq!(report.failures().count(), 2, "{status}");
        assert!(client.session().await.unwrap().is_none());
    }
    let fake = Fake::start().await;
    let client = signed_in(&fake).await;
    fake.announce("revocation_endpoint", json!("http://127.0.0.1:1/revoke"));
    assert_eq!(client.sign_out().await.unwrap().failures().count(), 2);
    assert!(client.session().await.unwrap().is_none());

    let fake = Fake::start().await;
    let client = signed_in(&fake).await;
    fake.announce("revocation_endpoint", json!(null));
    let report = client.sign_out().await.unwrap();
    assert_eq!(report.failures().count(), 0);
    assert!(matches!(report.steps[0].result, StepResult::Skipped(_)));
    assert!(client.session().await.unwrap().is_none());
}

/// A browser that fetches what it is told to, and notes where it is led.
#[derive(Clone, Debug, Default)]
struct Tab {
    opened: Arc<Mutex<Vec<Url>>>,
    answers: Arc<Mutex<Vec<String>>>,
    /// It starts, and nothing comes of it.
    hangs: bool,
}

impl Browser for Tab {
    fn open(&self, url: &Url) -> Result<(), String> {
        self.opened.lock().unwrap().push(url.clone());
        if self.hangs {
            return Ok(());
        }
        let (url, answers) = (url.clone(), Arc::clone(&self.answers));
        std::thread::spawn(move || {
            let authority = url.authority();
            let mut stream = TcpStream::connect(authority).unwrap();
            let head = format!("GET {} HTTP/1.1\r\nHost: {authority}\r\n\r\n", url.path());
            stream.write_all(head.as_bytes()).unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            answers.lock().unwrap().push(answer);
        });
        Ok(())
    }
}

impl Tab {
    fn opened(&self) -> Vec<Url> {
        self.opened.lock().unwrap().clone()
    }

    /// Where the one answer led.
    async fn location(&self) -> Url {
        loop {
            if let Some(answer) = self.answers.lock().unwrap().first() {
                let mut lines = answer.lines();
                let found = lines.find_map(|line| line.strip_prefix("location: "));
                return Url::parse(found.unwrap()).unwrap();
            }
            tokio::task::yield_now().await;
        }
    }
}

/// Who is signed in, with this browser at hand.
async fn with_browser(fake: &Fake, tab: &Tab) -> Client {
    let store = signed_in(fake).await.store();
    let person = Person::who_signs_in(fake);
    let client = fake.client(&person).store(store).browser(tab.clone());
    client.build().unwrap()
}

fn parameter(url: &Url, name: &str) -> Option<String> {
    let mut found = url.query_pairs().filter(|(found, _)| found == name);
    found.next().map(|(_, value)| value.into_owned())
}

#[tokio::test]
async fn c_67_the_browser_is_led_to_the_sign_out_page_with_the_id_token_as_hint() {
    let (fake, tab) = (Fake::start().await, Tab::default());
    let endpoint = format!("{}/logout?tenant=a", fake.issuer);
    fake.announce("end_session_endpoint", json!(endpoint));
    let client = with_browser(&fake, &tab).await;
    let session = client.session().await.unwrap().unwrap();
    let id_token = session.id_token().unwrap().token;
    let report = client.sign_out_with_browser().await.unwrap();
    let steps: Vec<_> = report.steps.iter().map(|step| step.what).collect();
    assert_eq!(
        steps,
        [
            "revoke_refresh_token",
            "revoke_access_token",
            "delete_session",
            "end_browser_session"
        ]
    );
    assert_eq!(report.failures().count(), 0, "{report:?}");
    assert!(client.session().await.unwrap().is_none());

    let led = tab.location().await;
    assert!(led.as_str().starts_with(&endpoint), "{led}");
    assert_eq!(parameter(&led, "client_id").as_deref(), Some("cli"));
    let hint = parameter(&led, "id_token_hint").unwrap();
    assert_eq!(&hint, id_token.expose());
    // Row C-49: the command line of a browser is no secret.
    let opened = &tab.opened()[0];
    assert_eq!(opened.host_str(), Some("127.0.0.1"));
    assert!(!opened.as_str().contains(&hint));
    // The port is closed again.
    assert!(TcpStream::connect(opened.authority()).is_err());
}

#[tokio::test]
async fn c_67_without_a_page_or_a_browser_the_tokens_are_revoked_all_the_same() {
    let fake = Fake::start().await;
    let sign_out = async |tab: &Tab, is_far: bool| {
        let client = with_browser(&fake, tab).await;
        let person = Person::who_signs_in(&fake);
        let environment = person.environment();
        let environment = if is_far {
            environment.with(Sign::SshConnection)
        } else {
            environment
        };
        let client = fake
            .client(&person)
            .store(client.store())
            .browser(tab.clone())
            .environment(environment)
            .timer(TestTimer::default())
            .build()
            .unwrap();
        let report = client.sign_out_with_browser().await.unwrap();
        assert!(client.session().await.unwrap().is_none());
        assert_eq!(report.steps[2].result, StepResult::Ok);
        report.steps[3].result.clone()
    };
    let (tab, hangs) = (
        Tab::default(),
        Tab {
            hangs: true,
            ..Tab::default()
        },
    );
    let StepResult::Skipped(why) = sign_out(&tab, false).await else {
        panic!("there is no page");
    };
    assert!(why.contains("end_session_endpoint"), "{why}");

    fake.announce(
        "end_session_endpoint",
        json!(format!("{}/logout", fake.issuer)),
    );
    let StepResult::Skipped(why) = sign_out(&tab, true).await else {
        panic!("there is no browser");
    };
    let by_hand = format!("open {}/logout?client_id=cli in your browser", fake.issuer);
    assert!(
        why.contains(&by_hand) && !why.contains("id_token_hint"),
        "{why}"
    );
    assert!(tab.opened().is_empty());

    let StepResult::Failed(why) = sign_out(&hangs, false).await else {
        panic!("it never comes");
    };
    assert!(
        why.contains("did not come") && why.contains(&by_hand),
        "{why}"
    );

    // Row C-44: nothing is sent in the clear, whatever the metadata says.
    for address in ["http://as.test/logout", "javascript:alert(1)"] {
        fake.announce("end_session_endpoint", json!(address));
        let result = sign_out(&tab, false).await;
        assert!(matches!(result, StepResult::Failed(_)), "{result:?}");
    }
    assert!(tab.opened().is_empty());
}
