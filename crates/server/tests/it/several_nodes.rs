//! Three nodes on one PostgreSQL database: what one of them did counts at all of them.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_protocol::client_assertion::{self, TYPE};
use hallpass_protocol::dpop::{self, ProofRequest};
use hallpass_protocol::jose::{Algorithm, SigningKey};
use hallpass_protocol::random::SystemRandom;
use hallpass_protocol::{ClientId, Timestamp};
use hallpass_server::Server;
use hallpass_server::admin::Admin;
use hallpass_server::key_ring::{self, KeyRing};
use hallpass_testing::person::forms;
use hallpass_testing::server::{CLIENTS, START, production_settings};
use hallpass_testing::{Answer, SilentNetwork, TestPostgres, TestServer};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use url::Url;

use crate::accounts::{PASSWORD, code, is_active, is_in, redeem, refresh};
use crate::second_factors::{enrol, half_way};

const ISSUER: &str = "https://id.example.com";
const TOKEN: &str = "https://id.example.com/oauth2/token";
const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const SERVICE: [(&str, &str); 1] = [("grant_type", "client_credentials")];
/// A second, and a margin for machines that do a lot at once.
const SOON: Duration = Duration::from_millis(1_500);

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

/// What introspection says of a token; a fault is no answer.
async fn introspect(node: &TestServer, token: &str) -> Answer {
    let asked = [("token", token)];
    node.post_basic("/oauth2/introspect", ("rs", "s"), &asked)
        .await
}

async fn service_token(node: &TestServer) -> String {
    let minted = node.post_basic("/oauth2/token", ("svc", "s3cret"), &SERVICE);
    minted.await.member("access_token")
}

async fn revoke(node: &TestServer, token: &str) {
    let form = [("token", token)];
    let revoked = node.post_basic("/oauth2/revoke", ("svc", "s3cret"), &form);
    let revoked = revoked.await;
    assert_eq!(revoked.status, 200, "{}", revoked.body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_152_s_264_a_revocation_counts_here_at_once_and_everywhere_within_a_second() {
    let nodes = Nodes::start("").await;
    for round in 0..30 {
        let revoking = &nodes.all[round % 3];
        let token = service_token(revoking).await;
        // All of them have looked at it before, and believe what they saw.
        for node in &nodes.all {
            assert!(is_active(node, &token).await);
        }
        revoke(revoking, &token).await;
        let revoked_at = Instant::now();
        let found = introspect(revoking, &token).await;
        assert_eq!(found.body, "{\"active\":false}", "round {round}");
        let asked = revoking.http().get(revoking.url("/oauth2/userinfo"));
        let asked = revoking.send(asked.bearer_auth(&token)).await;
        assert_eq!(asked.status, 401);
        for node in &nodes.all {
            // A fault would not be active either.
            while introspect(node, &token).await.body != "{\"active\":false}" {
                assert!(revoked_at.elapsed() < SOON, "round {round}");
            }
            let asked = node.http().get(node.url("/oauth2/userinfo"));
            assert_eq!(node.send(asked.bearer_auth(&token)).await.status, 401);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_152_signing_somebody_out_ends_their_tokens_everywhere_within_a_second() {
    let nodes = Nodes::start("").await;
    let person = nodes.all[0].person_with_account("ada", PASSWORD).await;
    let tokens = redeem(&nodes.all[1], &code(&person, "ada").await).await;
    let token = tokens.member("access_token");
    for node in &nodes.all {
        assert!(is_active(node, &token).await);
    }
    let refresh_token = tokens.member("refresh_token");
    let form = [("client_id", "cli"), ("token", refresh_token.as_str())];
    let revoked = nodes.all[2].post("/oauth2/revoke", &form).await;
    assert_eq!(revoked.status, 200, "{}", revoked.body);
    let revoked_at = Instant::now();
    for node in &nodes.all {
        while introspect(node, &token).await.body != "{\"active\":false}" {
            assert!(revoked_at.elapsed() < SOON);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_152_a_token_that_was_seen_is_answered_without_the_database() {
    let nodes = Nodes::start("").await;
    let (node, token) = (&nodes.all[0], service_token(&nodes.all[0]).await);
    let own = service_token(node).await;
    let other = service_token(&nodes.all[1]).await;
    assert!(is_active(node, &token).await);
    TestPostgres::shared().sql(&nodes.database, "ALTER TABLE revocations RENAME TO away");
    for _ in 0..3 {
        assert!(is_active(node, &token).await);
    }
    assert!(is_active(node, &own).await, "it was signed here");
    assert_ne!(
        introspect(node, &other).await.status,
        200,
        "nobody saw this one"
    );
    TestPostgres::shared().sql(&nodes.database, "ALTER TABLE away RENAME TO revocations");
    assert!(is_active(node, &other).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_265_a_98_a_node_that_is_cut_off_in_silence_says_503_and_never_active() {
    let folder = tempfile::tempdir().unwrap();
    let address = TestPostgres::shared().database();
    let (path, _) = address.split_once('?').unwrap();
    let database = path.rsplit('/').next().unwrap();
    let network = SilentNetwork::to(TestPostgres::shared().port()).await;
    let through = format!(
        "postgres://hallpass@127.0.0.1:{}/{database}",
        network.port()
    );
    let through = format!("{through}?sslmode=disable");
    let start = async |address: &str| {
        TestServer::start(production_settings(CLIENTS, folder.path(), address)).await
    };
    let (whole, cut_off) = (start(&address).await, start(&through).await);
    let (known, unknown) = (service_token(&whole).await, service_token(&whole).await);
    assert!(is_active(&cut_off, &known).await);
    assert_eq!(cut_off.get("/readyz").await.status, 200);

    network.fall_silent();
    for token in [&known, &unknown] {
        revoke(&whole, token).await;
    }
    let silent_since = Instant::now();
    let refused = loop {
        let answer = introspect(&cut_off, &known).await;
        if answer.status == 503 {
            break answer;
        }
        assert!(silent_since.elapsed() < SOON, "{}", answer.body);
    };
    assert_eq!(refused.refusal().1, "temporarily_unavailable");
    assert!(!refused.header("retry-after").is_empty());
    let asked = |path: &str| cut_off.http().get(cut_off.url(path)).bearer_auth(&known);
    for answer in [
        introspect(&cut_off, &unknown).await,
        cut_off.send(asked("/oauth2/userinfo")).await,
        cut_off.send(asked("/readyz")).await,
    ] {
        assert_eq!(answer.status, 503, "{}", answer.body);
        assert!(!answer.header("retry-after").is_empty());
    }
    assert_eq!(cut_off.get("/livez").await.status, 200);

    network.talk_again();
    let back = async {
        while cut_off.get("/readyz").await.status != 200 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(Duration::from_secs(30), back)
        .await
        .expect("it recovers");
    for token in [&known, &unknown] {
        assert_eq!(introspect(&cut_off, token).await.body, "{\"active\":false}");
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
        advance(&nodes, 5);
        let pending = node.post("/oauth2/token", &form).await;
        assert_eq!(pending.refusal().1, "authorization_pending");
    }
    let withdrawn = [("client_id", "cli"), ("token", device_code.as_str())];
    let done = nodes.all[0].post("/oauth2/revoke", &withdrawn).await;
    assert_eq!(done.status, 200, "{}", done.body);
    for node in &nodes.all {
        let ended = node.post("/oauth2/token", &form).await;
        assert_eq!(ended.refusal(), (400, "access_denied".to_owned()));
    }
}

/// Moves the clocks of all nodes.
fn advance(nodes: &Nodes, seconds: u64) {
    for node in &nodes.all {
        node.advance(seconds);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_18_a_05_a_device_that_asks_the_nodes_in_turn_keeps_one_pace() {
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
    // After so many seconds, at which node, slowed down to what.
    for (seconds, node, slowed) in [
        (0, 0, None),
        (1, 1, Some(10)),
        (6, 2, Some(15)),
        (15, 0, None),
        (14, 1, None),
        (1, 2, Some(20)),
    ] {
        advance(&nodes, seconds);
        let answer = nodes.all[node].post("/oauth2/token", &form).await;
        let told = answer.json();
        let wanted = slowed.map_or("authorization_pending", |_| "slow_down");
        assert_eq!(told["error"], wanted, "{seconds} {node}");
        assert_eq!(told["interval"].as_u64(), slowed, "{seconds} {node}");
    }
    // Somebody else's polls slow nobody down.
    let stranger = [form[0], ("client_id", "other"), form[2]];
    for node in &nodes.all {
        let answer = node.post("/oauth2/token", &stranger).await;
        assert_ne!(answer.status, 200, "{}", answer.body);
    }
    advance(&nodes, 20);
    let answer = nodes.all[1].post("/oauth2/token", &form).await;
    assert_eq!(answer.refusal().1, "authorization_pending");
    // Of many at once the first one is on time, the others are early.
    advance(&nodes, 60);
    let answers = nodes.at_once(4, |node| {
        node.http().post(node.url("/oauth2/token")).form(&form)
    });
    let on_time = |answer: &&Answer| answer.refusal().1 == "authorization_pending";
    assert_eq!(answers.await.iter().filter(on_time).count(), 1);
}

/// The key of the ring that makes what is new, as the database has it.
fn minting_key(database: &str) -> String {
    let sql = "SELECT id FROM ring_keys WHERE superseded_at IS NULL";
    TestPostgres::shared().sql(database, sql)
}

/// Refreshes at the nodes in turn; the last token.
async fn refresh_in_turn(nodes: [&TestServer; 2], times: usize, mut token: String) -> String {
    for turn in 0..times {
        let answer = refresh(nodes[turn % 2], &token).await;
        assert_eq!(answer.status, 200, "{turn}: {}", answer.body);
        token = answer.member("refresh_token");
    }
    token
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_261_a_key_that_one_node_does_not_know_makes_nothing_until_it_does() {
    let [old, new, short] = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let address = TestPostgres::shared().database();
    let (path, _) = address.split_once('?').unwrap();
    let database = path.rsplit('/').next().unwrap();
    let settings = |folder: &tempfile::TempDir| {
        let mut settings = production_settings(CLIENTS, folder.path(), &address);
        settings.consent = None;
        settings
    };
    let b = TestServer::start(settings(&old)).await;
    let one = KeyRing::read(&old.path().join("keyring.toml")).unwrap();
    let both = one.with_new_first(&SystemRandom).unwrap();
    let now = Timestamp::from_unix_seconds(START);
    key_ring::create(&new.path().join("keyring.toml"), &both, now).unwrap();
    // A has the new key first; B does not know it.
    let a = TestServer::start(settings(&new)).await;
    assert_eq!(minting_key(database), "1");
    // A page of one node is posted at the other.
    let person = a.person_with_account("ada", PASSWORD).await;
    let tokens = redeem(&b, &code(&person, "ada").await).await;
    let token = refresh_in_turn([&a, &b], 50, tokens.member("refresh_token")).await;
    assert_eq!(minting_key(database), "1");

    // Nothing can be sealed with the new key yet.
    let admin = Admin::open(settings(&new)).await.unwrap();
    let refused = admin.reencrypt().await.unwrap_err();
    assert!(
        refused.to_string().contains("not every node knows it"),
        "{refused}"
    );
    admin.close().await;

    // B is started again with the same ring, and says so.
    b.stop().await;
    let b = TestServer::start(settings(&new)).await;
    let all_know = async {
        while minting_key(database) != "2" {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(Duration::from_secs(20), all_know)
        .await
        .expect("the new key is used");
    refresh_in_turn([&b, &a], 50, token).await;

    // Without the new key nobody starts, nor without the old one: it made tokens that live.
    let refused = Server::start(settings(&old)).await.unwrap_err();
    assert!(refused.to_string().contains("needs key 2"), "{refused}");
    let admin = Admin::open(settings(&new)).await.unwrap();
    let live = admin.nodes().await.unwrap();
    let rings: Vec<Vec<u8>> = live
        .iter()
        .map(|node| node.ring.iter().map(|(id, _)| *id).collect())
        .collect();
    assert_eq!(rings, [[2, 1], [2, 1]]);
    let (_, ring) = admin.reencrypt().await.unwrap();
    admin.close().await;
    assert!(
        ring.iter()
            .any(|key| key.id == 1 && key.needed_until.is_some())
    );
    let without = "\n[[key]]\nid = 1\n";
    let text = std::fs::read_to_string(new.path().join("keyring.toml")).unwrap();
    let (kept, _) = text.split_once(without).unwrap();
    let file = short.path().join("keyring.toml");
    key_ring::create(&file, &one, now).unwrap();
    std::fs::write(&file, kept).unwrap();
    let refused = Server::start(settings(&short)).await.unwrap_err();
    assert!(refused.to_string().contains("needs key 1"), "{refused}");
    let hint = refused.hint().unwrap();
    assert!(hint.contains("live until 20"), "{hint}");
    // A node that slept through a change of the ring is sent nobody.
    TestPostgres::shared().sql(
        database,
        "INSERT INTO ring_keys (id, fingerprint, first_used_at) VALUES (9, 'x', 1)",
    );
    let out = async {
        while a.get("/readyz").await.status != 503 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(Duration::from_secs(20), out)
        .await
        .expect("it says so");
    for node in [a, b] {
        node.stop().await;
    }
    let left = TestPostgres::shared().sql(database, "SELECT count(*) FROM nodes");
    assert_eq!(left, "0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_261_nodes_say_what_they_know() {
    let nodes = Nodes::start("").await;
    let known = || {
        let sql = "SELECT count(*), count(DISTINCT ring), count(DISTINCT kids) FROM nodes \
                   WHERE kids LIKE '%es256-%'";
        TestPostgres::shared().sql(&nodes.database, sql)
    };
    let said = async {
        while known() != "3|1|1" {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(Duration::from_secs(20), said)
        .await
        .expect("three nodes with the same keys");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_10_wrong_user_codes_are_counted_at_all_nodes_together() {
    let nodes = Nodes::start("[limits]\nuser_code_per_ip = \"5/10m\"\n").await;
    // Each guess with another browser, so that the address alone counts.
    let guess = async |node: &TestServer| {
        let person = node.person();
        let page = person.open("/device").await;
        match page.status {
            200 => person.submit(&page, &[("user_code", "BBBB-BBBB")]).await,
            _ => page,
        }
    };
    for round in 0..5 {
        let answer = guess(&nodes.all[round % 3]).await;
        assert_ne!(answer.status, 429, "{round}");
    }
    for node in &nodes.all {
        let answer = guess(node).await;
        assert_eq!(answer.status, 429, "{}", answer.body);
    }
    advance(&nodes, 600);
    for node in &nodes.all {
        assert_ne!(guess(node).await.status, 429);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_79_codes_of_an_app_and_guesses_at_them_count_at_all_nodes_together() {
    let nodes = Nodes::start("").await;
    let [one, two, three] = &nodes.all[..] else {
        panic!("three nodes")
    };
    let owner = one.person_with_account("ada", PASSWORD).await;
    let (app, codes) = enrol(one, &owner, "ada").await;
    // The clock of the first node went on by this.
    two.advance(30);
    three.advance(30);
    // A code that was used at one node is used at the others, on paper as well.
    let (person, page) = half_way(one, "ada").await;
    let code = app.code(one);
    assert!(is_in(&person.submit(&page, &[("code", &code)]).await));
    let (person, page) = half_way(two, "ada").await;
    let again = person.submit(&page, &[("code", &code)]).await;
    assert_eq!(again.status, 422);
    let paper = async |node: &TestServer| {
        let (person, page) = half_way(node, "ada").await;
        let mut form = forms(&page.body).remove(0);
        form.hidden.retain(|(name, _)| name != "method");
        let fields = [("method", "recovery_code"), ("code", codes[0].as_str())];
        person.submit_form(&form, &fields).await
    };
    assert!(is_in(&paper(three).await));
    assert_eq!(paper(two).await.status, 422);
    // One guess is counted already.
    for node in [one, two, three, one] {
        let (person, page) = half_way(node, "ada").await;
        let wrong = person.submit(&page, &[("code", "000000")]).await;
        assert_eq!(wrong.status, 422);
    }
    for node in [one, two, three] {
        let (person, page) = half_way(node, "ada").await;
        let locked = person.submit(&page, &[("code", &app.code(node))]).await;
        assert_eq!(locked.status, 429, "{}", locked.body);
    }
    advance(&nodes, 601);
    let (person, page) = half_way(three, "ada").await;
    assert!(is_in(
        &person.submit(&page, &[("code", &app.code(three))]).await
    ));
}

/// Tries a client secret at a node.
async fn try_secret(node: &TestServer, client: &str, secret: &str) -> Answer {
    node.post_basic("/oauth2/token", (client, secret), &SERVICE)
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_134_a_66_wrong_secrets_are_counted_for_all_nodes_together() {
    let nodes = Nodes::start("").await;
    for client in ["svc", "nobody"] {
        for number in 0..20 {
            let node = &nodes.all[number % 3];
            let wrong = try_secret(node, client, "guess").await;
            assert_eq!(wrong.refusal(), (401, "invalid_client".to_owned()));
        }
        // A node that did not count the last one hears of the lock at its next wrong secret.
        for node in &nodes.all {
            let locked = try_secret(node, client, "guess").await;
            assert_eq!(locked.status, 429, "{client}: {}", locked.body);
            assert_eq!(locked.header("retry-after"), "60");
            // From then on it looks at none.
            let locked = try_secret(node, client, "s3cret").await;
            assert_eq!(locked.status, 429, "{client}: {}", locked.body);
        }
        // Nobody else is locked.
        let other = nodes.all[0]
            .post_basic("/oauth2/introspect", ("rs", "s"), &[("token", "x")])
            .await;
        assert_eq!(other.status, 200, "{}", other.body);
    }
    // What came during the lock made it no longer.
    advance(&nodes, 60);
    for node in &nodes.all {
        let taken = try_secret(node, "svc", "s3cret").await;
        assert_eq!(taken.status, 200, "{}", taken.body);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_134_a_66_many_wrong_secrets_at_once_are_all_counted() {
    let nodes = Nodes::start("").await;
    let guess = |node: &TestServer| {
        let request = node.http().post(node.url("/oauth2/token"));
        request.basic_auth("svc", Some("guess")).form(&SERVICE)
    };
    let answers = nodes.at_once(7, guess).await;
    let looked_at = answers.iter().filter(|answer| answer.status == 401);
    assert_eq!(looked_at.count(), 20, "of 21");
    for node in &nodes.all {
        try_secret(node, "svc", "guess").await;
        let locked = try_secret(node, "svc", "s3cret").await;
        assert_eq!(locked.status, 429, "{}", locked.body);
    }
}

/// The last node to start has seen all three; each lets its share of the ten begin.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_11_a_node_lets_its_share_of_devices_begin() {
    let nodes = Nodes::start("").await;
    let last = nodes.all.last().unwrap();
    let asked = [("client_id", "cli"), ("scope", "openid")];
    let mut begun = 0;
    let refused = loop {
        let answer = last.post("/oauth2/device_authorization", &asked).await;
        if answer.status != 200 {
            break answer;
        }
        begun += 1;
    };
    assert_eq!(begun, 4, "a third of ten, rounded up");
    assert_eq!(refused.status, 429, "{}", refused.body);
    assert_eq!(refused.header("retry-after"), "60");
}

/// The key that signs at a node.
async fn signs_with(node: &TestServer) -> String {
    let answer = node
        .post_basic("/oauth2/token", ("svc", "s3cret"), &SERVICE)
        .await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let token = answer.member("access_token");
    let head = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap());
    let head: serde_json::Value = serde_json::from_slice(&head.unwrap()).unwrap();
    head["kid"].as_str().unwrap().to_owned()
}

/// The keys that a node publishes.
async fn publishes(node: &TestServer) -> Vec<String> {
    let keys = node.get("/.well-known/jwks.json").await.json();
    let kids = keys["keys"].as_array().unwrap().iter();
    kids.map(|key| key["kid"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_forced_signs_once_every_node_publishes_it() {
    let folder = tempfile::tempdir().unwrap();
    let address = TestPostgres::shared().database();
    let settings = || production_settings(CLIENTS, folder.path(), &address);
    let (a, b) = (
        TestServer::start(settings()).await,
        TestServer::start(settings()).await,
    );
    let before = signs_with(&a).await;
    // A third node lives, and does not hear of keys.
    let silent = Admin::open(settings()).await.unwrap();
    let admin = Admin::open(settings()).await.unwrap();
    let old: Vec<_> = admin.keys().await.unwrap();
    let old: Vec<_> = old.into_iter().map(|key| key.kid).collect();
    silent.store.beat(old).await.unwrap();
    let refused = admin.rotate_when_published(Duration::ZERO).await;
    let told = refused.unwrap_err();
    assert!(told.to_string().contains("does not publish"), "{told}");
    assert!(told.hint().unwrap().contains("--revoke"));

    let rotating = admin.rotate_when_published(Duration::from_secs(25));
    let mut rotating = std::pin::pin!(rotating);
    let others_publish = async {
        for node in [&a, &b] {
            while publishes(node).await.len() < 2 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        // They also said so, at their next beat.
        tokio::time::sleep(hallpass_store::nodes::BEAT).await;
    };
    tokio::select! {
        done = &mut rotating => panic!("{done:?} although one node publishes nothing"),
        () = others_publish => {}
    }
    assert_eq!(signs_with(&a).await, before);
    let all = admin.keys().await.unwrap().into_iter();
    let all = all.map(|key| key.kid).collect();
    silent.store.beat(all).await.unwrap();
    rotating.await.unwrap();
    let signs_anew = async {
        for node in [&a, &b] {
            while signs_with(node).await == before {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    };
    timeout(Duration::from_secs(10), signs_anew).await.unwrap();
    let now = signs_with(&a).await;
    for node in [&a, &b] {
        assert!(publishes(node).await.contains(&now));
    }
}
