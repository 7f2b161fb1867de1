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
        let mut child = Command::new(env!("CARGO_BIN_EXE_hallpass"))
            .args(["serve", "--dev", "--port", "0", "--json", "--quiet"])
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
