//! A server in a process of its own, as people start it.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use crate::hallpass::Home;

/// `hallpass serve --dev` on a free port; it ends with the test.
pub(crate) struct Server {
    child: Child,
    /// What the ready line says.
    pub(crate) ready: serde_json::Value,
}

impl Server {
    pub(crate) fn start(home: &Home) -> Self {
        Self::start_with(home, &[])
    }

    /// The same with more words on its command line.
    pub(crate) fn start_with(home: &Home, words: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_hallpass"))
            .args(["serve", "--dev", "--port", "0", "--json", "--quiet"])
            .args(words)
            .env_clear()
            .env("HALLPASS_HOME", home.path("server"))
            .current_dir(home.path(""))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let ready = serde_json::from_str(&line).unwrap();
        Self { child, ready }
    }

    pub(crate) fn issuer(&self) -> String {
        self.ready["issuer"].as_str().unwrap().to_owned()
    }

    /// Scheme, host and port.
    pub(crate) fn origin(&self) -> String {
        let issuer = url::Url::parse(&self.issuer()).unwrap();
        issuer.origin().ascii_serialization()
    }

    /// What programs sent to an endpoint, oldest first.
    pub(crate) fn requests(&self, endpoint: &str) -> Vec<serde_json::Value> {
        let url = format!("{}/_hallpass/requests?endpoint={endpoint}", self.origin());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let text = runtime.block_on(async {
            let client = reqwest::Client::builder().no_proxy().build().unwrap();
            let answer = client.get(url).send().await.unwrap();
            answer.text().await.unwrap()
        });
        let mut found: serde_json::Value = serde_json::from_str(&text).unwrap();
        serde_json::from_value(found["requests"].take()).unwrap()
    }

    pub(crate) fn port(&self) -> String {
        let url = self.ready["url"].as_str().unwrap();
        url.rsplit(':').next().unwrap().to_owned()
    }

    /// Asks it to stop, as systemd does; returns its exit code.
    #[cfg(unix)]
    pub(crate) fn terminate(mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        let killed = Command::new("/bin/sh")
            .args(["-c", &format!("kill -TERM {pid}")])
            .status()
            .unwrap();
        assert!(killed.success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
