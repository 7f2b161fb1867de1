//! Three nodes on one PostgreSQL database: what one of them did counts at all of them.

use std::collections::HashSet;
use std::sync::Arc;

use hallpass_protocol::client_assertion::{self, TYPE};
use hallpass_protocol::dpop::{self, ProofRequest};
use hallpass_protocol::jose::{Algorithm, SigningKey};
use hallpass_protocol::random::SystemRandom;
use hallpass_protocol::{ClientId, Timestamp};
use hallpass_testing::server::{CLIENTS, START, production_settings};
use hallpass_testing::{Answer, TestPostgres, TestServer};
use tokio::task::JoinSet;
use url::Url;

use crate::accounts::{PASSWORD, code, is_active, redeem};

const ISSUER: &str = "https://id.example.com";
const TOKEN: &str = "https://id.example.com/oauth2/token";
const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const SERVICE: [(&str, &str); 1] = [("grant_type", "client_credentials")];

struct Nodes {
    all: Vec<Arc<TestServer>>,
    /// The name of their database.
    database: String,
    // The key ring is read at the start only, and lies here while it is.
    _folder: tempfile::TempDir,
}

impl Nodes {
    async fn start(toml: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = TestPostgres::shared().database();
        let path = address.split('?').next().unwrap();
        let mut all = Vec::new();
        for _ in 0..3 {
            let toml = format!("{toml}\n{CLIENTS}");
            let mut settings = production_settings(&toml, folder.path(), &address);
            settings.consent = None;
            all.push(Arc::new(TestServer::start(settings).await));
        }
        Self {
            all,
            database: path.rsplit('/').next().unwrap().to_owned(),
            _folder: folder,
        }
    }

    /// Asks all nodes at once, each `times` times.
    async fn at_once(
        &self,
        times: usize,
        request: impl Fn(&TestServer) -> reqwest::RequestBuilder,
    ) -> Vec<Answer> {
        let mut asked = JoinSet::new();
        for number in 0..times * self.all.len() {
            let node = Arc::clone(&self.all[number % self.all.len()]);
            let request = request(&node);
            asked.spawn(async move { node.send(request).await });
        }
        asked.join_all().await
    }
}

fn ask(node: &TestServer, proof: &str) -> reqwest::RequestBuilder {
    let request = node.http().post(node.url("/oauth2/token"));
    let request = request.basic_auth("svc", Some("s3cret")).form(&SERVICE);
    request.header("DPoP", proof)
}

fn proof(key: &SigningKey) -> String {
    let request = ProofRequest {
        htm: "POST",
        htu: &Url::parse(TOKEN).unwrap(),
        access_token: None,
        nonce: None,
        now: Timestamp::from_unix_seconds(START),
    };
    dpop::prove(key, &request, &SystemRandom).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_97_a_48_a_proof_counts_once_at_all_nodes_together() {
    let nodes = Nodes::start("").await;
    let key = SigningKey::generate(Algorithm::Es256, "k1").unwrap();
    // One after the other.
    let seen = proof(&key);
    let first = nodes.all[0].send(ask(&nodes.all[0], &seen)).await;
    assert_eq!(first.status, 200, "{}", first.body);
    for node in &nodes.all {
        let again = node.send(ask(node, &seen)).await;
        assert_eq!(again.refusal(), (400, "invalid_dpop_proof".to_owned()));
    }
    // All at once.
    for _ in 0..10 {
        let fresh = proof(&key);
        let answers = nodes.at_once(2, |node| ask(node, &fresh)).await;
        let taken = answers.iter().filter(|answer| answer.status == 200).count();
        assert_eq!(taken, 1);
        for refused in answers.iter().filter(|answer| answer.status != 200) {
            assert_eq!(refused.refusal(), (400, "invalid_dpop_proof".to_owned()));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_186_a_62_an_assertion_counts_once_at_all_nodes_together() {
    let key = SigningKey::generate(Algorithm::Es256, "k1").unwrap();
    let jwk = key.public_jwk_json();
    let members: Vec<_> = jwk.as_object().unwrap().iter().collect();
    let members: Vec<_> = members.iter().map(|(k, v)| format!("{k} = {v}")).collect();
    let nodes = Nodes::start(&format!(
        "[[client]]\nid = \"signer\"\ntype = \"confidential\"\nauth_method = \"private_key_jwt\"\n\
         jwks = {{ keys = [{{ {} }}] }}\ngrants = [\"client_credentials\"]\nscopes = [\"a\"]\n",
        members.join(", ")
    ))
    .await;
    let (id, now) = (ClientId::new("signer"), Timestamp::from_unix_seconds(START));
    let made = client_assertion::assert(&key, &id, ISSUER, now, &SystemRandom).unwrap();
    let form = [
        SERVICE[0],
        ("client_assertion_type", TYPE),
        ("client_assertion", made.expose().as_str()),
    ];
    let first = nodes.all[0].post("/oauth2/token", &form).await;
    assert_eq!(first.status, 200, "{}", first.body);
    for (node, path) in [
        (1, "/oauth2/token"),
        (2, "/oauth2/revoke"),
        (0, "/oauth2/token"),
    ] {
        let again = nodes.all[node].post(path, &form).await;
        assert_eq!(again.refusal(), (401, "invalid_client".to_owned()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_152_a_revocation_counts_at_every_node_as_soon_as_it_is_answered() {
    let nodes = Nodes::start("").await;
    for round in 0..30 {
        let revoking = &nodes.all[round % 3];
        let service = ("svc", "s3cret");
        let minted = revoking
            .post_basic("/oauth2/token", service, &SERVICE)
            .await;
        let token = minted.member("access_token");
        // All of them have looked at it before, and remember what they may.
        for node in &nodes.all {
            assert!(is_active(node, &token).await);
        }
        let form = [("token", token.as_str())];
        let revoked = revoking.post_basic("/oauth2/revoke", service, &form).await;
        assert_eq!(revoked.status, 200, "{}", revoked.body);
        for node in &nodes.all {
            // A fault would not be active either.
            let asked = [("token", token.as_str())];
            let found = node.post_basic("/oauth2/introspect", ("rs", "s"), &asked);
            assert_eq!(found.await.body, "{\"active\":false}", "round {round}");
            let asked = node.http().get(node.url("/oauth2/userinfo"));
            assert_eq!(node.send(asked.bearer_auth(&token)).await.status, 401);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_60_200_refreshes_of_one_token_over_three_nodes_are_one_step() {
    let nodes = Nodes::start("").await;
    let person = nodes.all[0].person_with_account("ada", PASSWORD).await;
    let code = code(&person, "ada").await;
    // The code was given at one node and is redeemed at another.
    let tokens = redeem(&nodes.all[1], &code).await;
    let refresh_token = tokens.member("refresh_token");
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", "cli"),
        ("refresh_token", refresh_token.as_str()),
    ];
    let generation = || {
        let sql = "SELECT rt_generation FROM authorizations";
        let found = TestPostgres::shared().sql(&nodes.database, sql);
        found.parse::<u32>().expect("one authorization")
    };
    let before = generation();
    let request = |node: &TestServer| node.http().post(node.url("/oauth2/token")).form(&form);
    let answers = nodes.at_once(67, request).await;
    assert!(answers.len() >= 200);
    let mut successors = HashSet::new();
    for answer in &answers {
        assert_eq!(answer.status, 200, "{}", answer.body);
        successors.insert(answer.member("refresh_token"));
    }
    assert_eq!((successors.len(), generation()), (1, before + 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_18_a_decision_at_one_node_is_seen_by_the_next_poll_at_another() {
    let nodes = Nodes::start("").await;
    let asked = [("client_id", "cli"), ("scope", "openid")];
    let device = nodes.all[0]
        .post("/oauth2/device_authorization", &asked)
        .await;
    let device_code = device.member("device_code");
    let form = [
        ("grant_type", DEVICE_CODE),
        ("client_id", "cli"),
        ("device_code", device_code.as_str()),
    ];
    for node in &nodes.all[1..] {
        let pending = node.post("/oauth2/token", &form).await;
        assert_eq!(pending.refusal().1, "authorization_pending");
    }
    let withdrawn = [("client_id", "cli"), ("token", device_code.as_str())];
    let done = nodes.all[0].post("/oauth2/revoke", &withdrawn).await;
    assert_eq!(done.status, 200, "{}", done.body);
    for node in &nodes.all {
        node.advance(6);
        let ended = node.post("/oauth2/token", &form).await;
        assert_eq!(ended.refusal(), (400, "access_denied".to_owned()));
    }
}
