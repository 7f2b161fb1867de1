//! Nodes, as they stand behind a balancer.

use std::sync::Arc;
use std::time::Duration;

use hallpass_server::Settings;
use hallpass_testing::server::{CLIENTS, production_settings};
use hallpass_testing::{Answer, TestPostgres, TestServer};
use tokio::task::JoinSet;

/// What a service asks for itself.
pub(super) const SERVICE: [(&str, &str); 1] = [("grant_type", "client_credentials")];
/// A second, and a margin for machines that do a lot at once.
pub(super) const SOON: Duration = Duration::from_millis(1_500);

/// Three nodes, and what they stand on.
pub(super) struct Nodes {
    pub(super) all: Vec<Arc<TestServer>>,
    /// The name of their database.
    pub(super) database: String,
    // The key ring is read at the start only, and lies here while it is.
    _folder: tempfile::TempDir,
}

impl Nodes {
    /// Starts them, with further lines of `server.toml`.
    pub(super) async fn start(toml: &str) -> Self {
        Self::start_with(toml, |_| {}).await
    }

    /// Starts them with settings that no file has.
    pub(super) async fn start_with(toml: &str, change: impl Fn(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = TestPostgres::shared().database();
        let path = address.split('?').next().unwrap();
        let mut all = Vec::new();
        for _ in 0..3 {
            let toml = format!("{toml}\n{CLIENTS}");
            let mut settings = production_settings(&toml, folder.path(), &address);
            settings.consent = None;
            change(&mut settings);
            all.push(Arc::new(TestServer::start(settings).await));
        }
        Self {
            all,
            database: path.rsplit('/').next().unwrap().to_owned(),
            _folder: folder,
        }
    }

    /// Asks all nodes at once, each `times` times.
    pub(super) async fn at_once(
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

    /// Moves the clocks of all of them.
    pub(super) fn advance(&self, seconds: u64) {
        for node in &self.all {
            node.advance(seconds);
        }
    }
}

/// A token of a service.
pub(super) async fn service_token(node: &TestServer) -> String {
    let minted = node.post_basic("/oauth2/token", ("svc", "s3cret"), &SERVICE);
    minted.await.member("access_token")
}
