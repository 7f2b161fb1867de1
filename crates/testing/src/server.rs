//! The real server in the test's own process, on a free port, with a stopped clock.
#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a test harness fails by panicking"
)]

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use hallpass_protocol::jose::Algorithm;
use hallpass_protocol::random::{Random, SystemRandom};
use hallpass_protocol::time::SystemClock;
use hallpass_protocol::{Clock as _, Secret, Timestamp};
use hallpass_server::accounts::{Accounts, NewAccount, Role};
use hallpass_server::audit;
use hallpass_server::key_ring::{self, KeyRing};
use hallpass_server::{DevFlags, Running, Server, ServerFlags, Settings};

use crate::{Answer, Person, TestClock};

/// Where the stopped clock stands at first: a date without meaning.
pub const START: i64 = 1_790_000_000;

/// The clients of [`TestServer::registered`]: two programs without a secret, a web application that
/// uses PKCE and one that does not, a service, and a resource server.
pub const CLIENTS: &str = r#"
[[client]]
id = "cli"
grants = ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"]
redirect_uris = ["http://127.0.0.1/callback"]
post_logout_redirect_uris = ["http://127.0.0.1/bye", "https://app.test/bye"]
scopes = ["openid", "offline_access", "a", "b"]

[[client]]
id = "other"
grants = ["authorization_code", "refresh_token"]
redirect_uris = ["http://127.0.0.1/callback"]
scopes = ["openid", "offline_access", "a", "b"]

[[client]]
id = "web"
type = "confidential"
secret = "s3cret"
redirect_uris = ["https://app.test/cb", "http://127.0.0.1/callback"]
scopes = ["openid", "offline_access", "a", "b"]

[[client]]
id = "old"
type = "confidential"
auth_method = "client_secret_post"
secret = "s3cret"
require_pkce = false
redirect_uris = ["https://old.test/cb?x=1"]
scopes = ["openid", "offline_access", "a", "b"]

[[client]]
id = "svc"
type = "confidential"
secret = "s3cret"
grants = ["client_credentials", "urn:ietf:params:oauth:grant-type:token-exchange"]
scopes = ["a", "b"]

[[client]]
id = "rs"
type = "confidential"
secret = "s"
grants = []
introspect = true
"#;

/// A server for one test.
#[derive(Debug)]
pub struct TestServer {
    running: Running,
    /// Its clock.
    pub clock: Arc<TestClock>,
    http: reqwest::Client,
    /// Where a server of production has its records.
    folder: Option<tempfile::TempDir>,
}

impl TestServer {
    /// Starts a dev server with these settings ([`Settings::for_tests`] is a good beginning).
    pub async fn start(settings: Settings) -> Self {
        Self::start_with_dice(settings, Arc::new(SystemRandom)).await
    }

    /// As [`Self::start`], with dice of the test's.
    pub async fn start_with_dice(settings: Settings, dice: Arc<dyn Random>) -> Self {
        let clock = Arc::new(TestClock::at(Timestamp::from_unix_seconds(START)));
        let time: Arc<TestClock> = Arc::clone(&clock);
        let running = Server::start_with(settings, time, dice);
        let running = running.await.expect("the server starts");
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy();
        Self {
            running,
            clock,
            http: http.build().expect("an HTTP client"),
            folder: None,
        }
    }

    /// Starts a dev server that accepts every client.
    pub async fn dev() -> Self {
        Self::start(Settings::for_tests()).await
    }

    /// Starts a strict server: only the `[[client]]` tables of this TOML exist.
    pub async fn strict(toml: &str) -> Self {
        Self::start(settings(toml, true)).await
    }

    /// Starts a strict server with the clients of [`CLIENTS`].
    pub async fn registered() -> Self {
        Self::strict(CLIENTS).await
    }

    /// As [`Self::production_asking`], but nobody is asked for consent of which its clients say
    /// nothing.
    pub async fn production(toml: &str) -> Self {
        Self::production_with(toml, |settings| settings.consent = None).await
    }

    /// Starts a server of [`production_settings`] with the clients of [`CLIENTS`] and further settings; its
    /// records are in a file.
    pub async fn production_asking(toml: &str) -> Self {
        Self::production_with(toml, |_| {}).await
    }

    /// As [`Self::production_asking`], with settings that no file can say.
    pub async fn production_with(toml: &str, change: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let database = format!("sqlite://{}", folder.path().join("hallpass.db").display());
        let mut settings =
            production_settings(&format!("{toml}\n{CLIENTS}"), folder.path(), &database);
        change(&mut settings);
        let mut server = Self::start(settings).await;
        server.folder = Some(folder);
        server
    }

    /// The accounts of a server of production.
    pub fn accounts(&self) -> Accounts {
        self.running.accounts()
    }

    /// All that it has written down of what happened, in the order of time.
    pub async fn audited(&self) -> Vec<serde_json::Value> {
        let trail = self.running.audit_trail();
        let found = trail.search(&audit::Search::default(), usize::MAX).await;
        let mut records = found.expect("the database answers");
        records.reverse();
        records.iter().map(audit::record_json).collect()
    }

    /// What it has written down of one event.
    pub async fn audited_as(&self, event: &str) -> Vec<serde_json::Value> {
        let mut records = self.audited().await;
        records.retain(|record| record["event"] == event);
        records
    }

    /// Whether one record of all that happened holds all of these words.
    pub async fn has_audited(&self, words: &[&str]) -> bool {
        let records = self.audited().await;
        let mut lines = records.iter().map(ToString::to_string);
        lines.any(|line| words.iter().all(|word| line.contains(word)))
    }

    /// The records themselves.
    pub fn audit_trail(&self) -> audit::Trail {
        self.running.audit_trail()
    }

    /// Makes an account with a password.
    pub async fn person_with_account(&self, username: &str, password: &str) -> Person {
        let new = NewAccount {
            username: username.to_owned(),
            email: Some(format!("{username}@example.com")),
            display_name: None,
            role: Role::User,
            locale: None,
        };
        let password = Secret::new(password.to_owned());
        let accounts = self.accounts();
        let made = accounts.create_with_password(new, password).await;
        made.expect("the account is made");
        self.person()
    }

    /// How many polls of devices wait for a decision (`Prefer: wait`).
    pub fn held_polls(&self) -> usize {
        self.running.held_polls()
    }

    /// A URL of the server; paths begin with `/`.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.running.url())
    }

    /// The issuer that tests use.
    pub fn issuer(&self) -> String {
        self.url("/default")
    }

    /// Moves the clock.
    pub fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// The HTTP client, for requests of another shape. It follows no redirects.
    pub fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// `GET` a path.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.http.get(self.url(path))).await
    }

    /// `POST` a form to a path.
    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        self.send(self.http.post(self.url(path)).form(form)).await
    }

    /// `POST` a form with `Authorization: Basic`.
    pub async fn post_basic(
        &self,
        path: &str,
        (id, secret): (&str, &str),
        form: &[(&str, &str)],
    ) -> Answer {
        self.send(
            self.http
                .post(self.url(path))
                .basic_auth(id, Some(secret))
                .form(form),
        )
        .await
    }

    /// Sends a request of any shape.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        Answer::read(request.send().await.expect("the server answers")).await
    }

    /// A person with a browser of their own.
    pub fn person(&self) -> Person {
        Person::new(&self.running.url())
    }

    /// A person at another address of this machine: 127.0.0.`n`.
    pub fn person_at(&self, n: u8) -> Person {
        Person::with_address(
            &self.running.url(),
            Some(Ipv4Addr::new(127, 0, 0, n).into()),
        )
    }

    /// Gives the server's jobs their next round, in which they remove what is long over.
    pub async fn clean_up(&self) {
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(61)).await;
        tokio::time::resume();
        // The job runs on this thread, and memory makes nobody wait.
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
    }

    /// Starts a device authorization at `/default` as a client.
    pub async fn start_device(&self, client_id: &str, scope: &str) -> Answer {
        let form = [("client_id", client_id), ("scope", scope)];
        self.post("/default/device/authorize", &form).await
    }

    /// Polls the token endpoint of `/default` for a device code.
    pub async fn poll(&self, client_id: &str, device_code: &str) -> Answer {
        let grant = "urn:ietf:params:oauth:grant-type:device_code";
        let form = [
            ("grant_type", grant),
            ("client_id", client_id),
            ("device_code", device_code),
        ];
        self.post("/default/token", &form).await
    }

    /// Signs a person in by the authorization code flow and redeems the code: the token response.
    pub async fn sign_in(&self, client_id: &str, scope: &str, username: &str) -> Answer {
        let code = self
            .person()
            .authorize(self, client_id, scope, username)
            .await;
        self.redeem(client_id, &code).await
    }

    /// Redeems a code of [`Person::authorize`].
    pub async fn redeem(&self, client_id: &str, code: &str) -> Answer {
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", client_id),
            ("code", code),
            ("redirect_uri", crate::person::REDIRECT_URI),
            ("code_verifier", crate::person::VERIFIER),
        ];
        self.post("/default/token", &form).await
    }

    /// Refreshes at `/default`.
    pub async fn refresh(&self, client_id: &str, refresh_token: &str) -> Answer {
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", client_id),
            ("refresh_token", refresh_token),
        ];
        self.post("/default/token", &form).await
    }

    /// Introspects at `/default` as the resource server `rs`.
    pub async fn introspect(&self, token: &str) -> Answer {
        self.post_basic("/default/introspect", ("rs", "s"), &[("token", token)])
            .await
    }

    /// Asks for userinfo at `/default`.
    pub async fn userinfo(&self, token: &str) -> Answer {
        self.send(
            self.http
                .get(self.url("/default/userinfo"))
                .bearer_auth(token),
        )
        .await
    }

    /// Whether introspection calls a token active (as the confidential client `rs`, secret `s`).
    pub async fn is_active(&self, token: &str) -> bool {
        self.introspect(token)
            .await
            .json()
            .get("active")
            .and_then(serde_json::Value::as_bool)
            .unwrap_or_default()
    }

    /// Drains and stops.
    pub async fn stop(self) {
        self.running.shutdown().await;
    }
}

/// The settings of production: a `server.toml` of this text in a folder, whose key ring is there too.
/// The server listens on a free port; the issuer is `https://id.example.com`, which a proxy would be,
/// unless the text says otherwise. Signing keys are ES256 only: RSA keys take long to make.
pub fn production_settings(toml: &str, folder: &std::path::Path, database: &str) -> Settings {
    let file = folder.join("server.toml");
    let beginning = if toml.contains("public_url") {
        ""
    } else {
        "public_url = \"https://id.example.com\"\n"
    };
    let tables = "[secrets]\nkeyring_file = \"keyring.toml\"\n[tls]\nmode = \"off\"\n";
    std::fs::write(&file, format!("{beginning}{toml}\n{tables}")).expect("the file is written");
    let ring = folder.join("keyring.toml");
    if !ring.exists() {
        let keys = KeyRing::generate(&SystemRandom);
        key_ring::create(&ring, &keys, SystemClock.now()).expect("a key ring");
    }
    let flags = ServerFlags {
        config: Some(file),
        database: Some(database.to_owned()),
    };
    let settings = Settings::production(&[], &flags).expect("the test's settings are good");
    Settings {
        listen: vec![(Ipv4Addr::LOCALHOST, 0).into()],
        id_token_algorithm: Some(Algorithm::Es256),
        ..settings
    }
}

/// The settings of a TOML file, on a free port and with ES256.
pub fn settings(toml: &str, strict: bool) -> Settings {
    let file = tempfile::Builder::new()
        .suffix(".toml")
        .tempfile()
        .expect("a temporary file");
    std::fs::write(file.path(), toml).expect("the file is written");
    let config = Some(file.path().to_owned());
    let flags = DevFlags {
        config,
        port: Some(0),
        strict,
        ..DevFlags::default()
    };
    let settings = Settings::dev(&|_| None, flags).expect("the test's settings are good");
    Settings {
        algorithm: Algorithm::Es256,
        audit: Settings::for_tests().audit,
        ..settings
    }
}
