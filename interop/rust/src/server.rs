//! `hallpass serve --dev` as a process of its own.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// Has characters that RFC 6749 §2.3.1 has escaped in a Basic header.
pub const SECRET: &str = "s3cr:et/+%";

/// The clients of the tests.
pub const CONFIG: &str = r#"
[device]
interval = "1s"

[refresh]
grace = "0s"

[[client]]
id = "public"
redirect_uris = ["http://127.0.0.1/callback"]
grants = ["authorization_code", "refresh_token", "device_code"]
scopes = ["openid", "profile", "email", "offline_access"]

[[client]]
id = "robot-basic"
type = "confidential"
auth_method = "client_secret_basic"
secret = "s3cr:et/+%"
grants = ["client_credentials"]
scopes = ["api:read"]
introspect = true

[[client]]
id = "robot-post"
type = "confidential"
auth_method = "client_secret_post"
secret = "s3cr:et/+%"
grants = ["client_credentials"]
scopes = ["api:read"]
"#;

/// Killed when it is dropped.
pub struct Server {
    child: Child,
    /// The issuer `default`.
    pub issuer: String,
    _home: TempDir,
}

impl Server {
    /// Starts a server with a configuration, and waits for its ready line.
    pub fn start(config: &str, flags: &[&str]) -> Self {
        let binary =
            PathBuf::from(std::env::var_os("HALLPASS").expect("HALLPASS names the binary"));
        let home = tempfile::tempdir().expect("a temporary folder");
        let file = home.path().join("server.toml");
        std::fs::write(&file, config).expect("the configuration is written");
        let mut child = Command::new(binary)
            .args(["serve", "--dev", "--port", "0", "--config"])
            .arg(&file)
            .args(flags)
            .current_dir(home.path())
            .env_clear()
            .env("HOME", home.path())
            .env("HALLPASS_HOME", home.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let mut log = child.stderr.take().expect("a pipe");
        // A pipe that nobody reads would stop the server.
        let log = std::thread::spawn(move || {
            let mut text = Vec::new();
            let _ = std::io::copy(&mut log, &mut text);
            String::from_utf8_lossy(&text).into_owned()
        });
        let mut said = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut ready = String::new();
        said.read_line(&mut ready).expect("a line");
        let Some(issuer) = ready.strip_prefix("Ready: ").and_then(issuer_of) else {
            let _ = child.kill();
            let _ = child.wait();
            panic!(
                "no ready line: {ready:?}\n{}",
                log.join().unwrap_or_default()
            );
        };
        std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        Self {
            child,
            issuer,
            _home: home,
        }
    }

    /// A server with [`CONFIG`].
    pub fn with_clients() -> Self {
        Self::start(CONFIG, &[])
    }

    /// Ends the server as `kill -9` does.
    pub fn kill(&mut self) {
        self.child.kill().expect("the server is running");
        self.child.wait().expect("the server is gone");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn issuer_of(ready: &str) -> Option<String> {
    let (_, issuer) = ready.trim_end().split_once("issuer ")?;
    Some(issuer.to_owned())
}
