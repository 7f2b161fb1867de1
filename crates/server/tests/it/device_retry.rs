//! A device whose answer was lost asks again: rows S-22 and S-23 for a code that is bound to a key.

use std::sync::Arc;

use hallpass_protocol::Timestamp;
use hallpass_protocol::dpop::{self, ProofRequest};
use hallpass_protocol::jose::{Algorithm, SigningKey};
use hallpass_protocol::random::SystemRandom;
use hallpass_server::settings::Rotation;
use hallpass_testing::person::APPROVE;
use hallpass_testing::server::START;
use hallpass_testing::{Answer, Person, TestServer};
use tokio::task::JoinSet;
use url::Url;

use crate::accounts::{PASSWORD, is_active, log_in};

const START_PATH: &str = "/oauth2/device_authorization";
const TOKEN: &str = "/oauth2/token";

/// A device with a key, and the server's nodes that it asks in turn.
struct Device<'a> {
    nodes: [&'a TestServer; 2],
    key: SigningKey,
    /// How far the nodes' clocks were moved.
    elapsed: i64,
    code: String,
}

fn new_key() -> SigningKey {
    SigningKey::generate(Algorithm::Es256, "ignored").unwrap()
}

impl<'a> Device<'a> {
    /// A device whose code is bound to its key from the start, and approved.
    async fn approved(nodes: [&'a TestServer; 2], elapsed: i64, person: &Person) -> Self {
        let mut device = Self {
            nodes,
            key: new_key(),
            elapsed,
            code: String::new(),
        };
        device.start(true, person).await;
        device
    }

    async fn start(&mut self, is_bound: bool, person: &Person) {
        let form = [("client_id", "cli"), ("scope", "openid offline_access a")];
        let mut request = self.nodes[0].http().post(self.nodes[0].url(START_PATH));
        if is_bound {
            request = request.header("DPoP", self.proof(&self.key, START_PATH));
        }
        let started = self.nodes[0].send(request.form(&form)).await;
        assert_eq!(started.status, 200, "{}", started.body);
        self.code = started.member("device_code");
        let entry = person.open("/device").await;
        let fields = [("user_code", started.member("user_code"))];
        let fields = fields.each_ref().map(|(name, code)| (*name, code.as_str()));
        let page = person.submit(&entry, &fields).await;
        let done = person.submit(&page, APPROVE).await;
        assert_eq!(done.status, 200, "{}", done.body);
    }

    fn proof(&self, key: &SigningKey, path: &str) -> String {
        let request = ProofRequest {
            htm: "POST",
            htu: &Url::parse(&format!("https://id.example.com{path}")).unwrap(),
            access_token: None,
            nonce: None,
            now: Timestamp::from_unix_seconds(START + self.elapsed),
        };
        dpop::prove(key, &request, &SystemRandom).unwrap()
    }

    fn asking(
        &self,
        node: usize,
        form: &[(&str, &str)],
        key: &SigningKey,
    ) -> reqwest::RequestBuilder {
        let request = self.nodes[node].http().post(self.nodes[node].url(TOKEN));
        request.header("DPoP", self.proof(key, TOKEN)).form(form)
    }

    fn polling(&self) -> [(&str, &str); 3] {
        [
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("client_id", "cli"),
            ("device_code", &self.code),
        ]
    }

    async fn poll_by(&self, node: usize, key: &SigningKey) -> Answer {
        let request = self.asking(node, &self.polling(), key);
        self.nodes[node].send(request).await
    }

    async fn poll(&self, node: usize) -> Answer {
        self.poll_by(node, &self.key).await
    }

    async fn refresh(&self, node: usize, token: &str) -> Answer {
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", "cli"),
            ("refresh_token", token),
        ];
        let request = self.asking(node, &form, &self.key);
        self.nodes[node].send(request).await
    }

    fn advance(&mut self, seconds: u64) {
        self.nodes[0].advance(seconds);
        if !std::ptr::eq(self.nodes[0], self.nodes[1]) {
            self.nodes[1].advance(seconds);
        }
        self.elapsed += i64::try_from(seconds).unwrap();
    }
}

#[track_caller]
fn tokens(answer: &Answer) -> (String, String) {
    assert_eq!(answer.status, 200, "{}", answer.body);
    (
        answer.member("access_token"),
        answer.member("refresh_token"),
    )
}

#[track_caller]
fn is_over(answer: &Answer) {
    assert_eq!(answer.refusal(), (400, "invalid_grant".to_owned()));
}

async fn person(server: &TestServer) -> Person {
    let person = server.person_with_account("ada", PASSWORD).await;
    log_in(&person, "ada", PASSWORD).await;
    person
}

/// All of it, at servers that are one or two nodes of one database.
async fn a_lost_answer_is_given_again(nodes: [&TestServer; 2]) {
    let person = person(nodes[0]).await;
    let mut device = Device::approved(nodes, 0, &person).await;
    let (first, refresh_token) = tokens(&device.poll(0).await);
    let (second, again) = tokens(&device.poll(1).await);
    assert_eq!(
        again, refresh_token,
        "the same generation of the same family"
    );
    assert_ne!(second, first);
    // A thief with the code has another key, or none; neither harms the device.
    is_over(&device.poll_by(1, &new_key()).await);
    let bare = nodes[1].post(TOKEN, &device.polling()).await;
    assert_eq!(bare.refusal(), (400, "invalid_dpop_proof".to_owned()));
    for token in [&first, &second] {
        assert!(is_active(nodes[0], token).await);
    }
    let (third, _) = tokens(&device.refresh(1, &refresh_token).await);
    // After ten seconds a second redemption is a replay for the owner of the key, too.
    device.advance(9);
    assert_eq!(tokens(&device.poll(0).await).1, refresh_token);
    device.advance(1);
    is_over(&device.poll(1).await);
    // At once at this node, and at others when they hear of it.
    for token in [&first, &second, &third] {
        assert!(!is_active(nodes[1], token).await);
    }
    is_over(&device.refresh(0, &refresh_token).await);

    // What was revoked meanwhile does not come back.
    let device = Device::approved(nodes, device.elapsed, &person).await;
    let (_, refresh_token) = tokens(&device.poll(0).await);
    let revoke = [("client_id", "cli"), ("token", refresh_token.as_str())];
    assert_eq!(nodes[1].post("/oauth2/revoke", &revoke).await.status, 200);
    is_over(&device.poll(1).await);

    // Without a bound code a proof at the polls is nobody's in particular.
    let mut device = Device::approved(nodes, device.elapsed, &person).await;
    device.start(false, &person).await;
    let (first, _) = tokens(&device.poll(0).await);
    is_over(&device.poll(1).await);
    assert!(!is_active(nodes[1], &first).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_22_s_23_a_device_that_proves_its_key_is_answered_again_for_ten_seconds() {
    let server = TestServer::production("").await;
    a_lost_answer_is_given_again([&server, &server]).await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_22_s_23_a_device_is_answered_again_by_another_node() {
    use hallpass_testing::TestPostgres;
    use hallpass_testing::server::{CLIENTS, production_settings};

    let folder = tempfile::tempdir().unwrap();
    let address = TestPostgres::shared().database();
    let mut nodes = Vec::new();
    for _ in 0..2 {
        let mut settings = production_settings(CLIENTS, folder.path(), &address);
        settings.consent = None;
        nodes.push(TestServer::start(settings).await);
    }
    a_lost_answer_is_given_again([&nodes[0], &nodes[1]]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_22_of_many_polls_at_once_by_one_key_all_lead_to_one_family() {
    let server = Arc::new(TestServer::production("").await);
    let person = person(&server).await;
    let device = Device::approved([&server, &server], 0, &person).await;
    let mut polls = JoinSet::new();
    for _ in 0..20 {
        let request = device.asking(0, &device.polling(), &device.key);
        let server = Arc::clone(&server);
        polls.spawn(async move { server.send(request).await });
    }
    let answers = polls.join_all().await;
    let (_, refresh_token) = tokens(&answers[0]);
    for answer in &answers {
        assert_eq!(tokens(answer).1, refresh_token);
    }
}

/// What becomes of the first refresh token is the family's own business.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_22_s_58_a_device_that_refreshed_already_is_judged_by_its_family() {
    let server = TestServer::production_with("", |settings| {
        settings.consent = None;
        settings.rotation = Rotation::All;
    })
    .await;
    let person = person(&server).await;
    let mut device = Device::approved([&server, &server], 0, &person).await;
    let (_, zero) = tokens(&device.poll(0).await);
    let (_, one) = tokens(&device.refresh(0, &zero).await);
    assert_ne!(one, zero);
    assert_eq!(tokens(&device.poll(0).await).1, zero);
    // In its grace it leads to the family's newest one, as any lost answer does.
    assert_eq!(tokens(&device.refresh(0, &zero).await).1, one);
    device.advance(31);
    is_over(&device.refresh(0, &zero).await);
    is_over(&device.refresh(0, &one).await);
}
