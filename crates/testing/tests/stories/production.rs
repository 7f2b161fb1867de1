//! `hallpass serve` as others run it: a process with a `server.toml`, a key ring and a database
//! that outlives it.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::Duration;

use hallpass_protocol::Clock as _;
use hallpass_protocol::random::SystemRandom;
use hallpass_protocol::time::SystemClock;
use hallpass_server::key_ring::{self, KeyRing};
use hallpass_testing::TestPostgres;

use crate::home::Home;
use crate::small_disk::SmallDisk;

/// The password of everybody.
pub(crate) const PASSWORD: &str = "engines of analysis";

/// A server for one story, which may die and start again. Dropping it kills the process.
pub(crate) struct Production {
    pub(crate) home: Home,
    database: Database,
    config: String,
    /// Without a path; the issuer too.
    pub(crate) url: String,
    process: Option<Process>,
    disk: Option<SmallDisk>,
}

/// Where its records are.
pub(crate) enum Database {
    File,
    Server(TestPostgres),
}

struct Process {
    child: Child,
    /// Kept open: who writes to a closed pipe dies of it.
    said: BufReader<ChildStdout>,
}

/// What the database says of a sign-in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) generation: u32,
    pub(crate) is_revoked: bool,
}

/// Whatever a log says, it says by then.
const PATIENCE: Duration = Duration::from_secs(30);

/// Everybody here comes from one address, and nobody guesses. A sign-in that dies with the server
/// counts as a failed one, so that nobody guesses for nothing by killing it.
const SETTINGS: &str = r#"
[device]
interval = "1s"
[limits]
login_per_account = "100000/1m"
login_per_ip = "100000/1m"
device_start_per_ip = "100000/1m"
device_start_per_client = "100000/1m"
user_code_per_session = "100000/1m"
user_code_per_account = "100000/1m"
user_code_per_ip = "100000/1m"
user_code_global_fail = "100000/1m"
[email]
transport = "log"

[[client]]
id = "cli"
name = "Story CLI"
grants = ["authorization_code", "refresh_token", "device_code"]
redirect_uris = ["http://127.0.0.1/callback"]
scopes = ["openid", "offline_access"]
consent = "trusted"

[[client]]
id = "rs"
type = "confidential"
secret = "a secret for a story"
grants = []
introspect = true
"#;

const QUERY: &str =
    "SELECT ENCODED, coalesce(rt_generation, 0), revoked_at IS NOT NULL FROM authorizations";

impl Production {
    /// Makes the settings, the key ring and these accounts, and starts the server.
    pub(crate) fn start(database: Database, people: &[&str]) -> Self {
        let mut server = Self::prepare(database, people);
        server.start_again();
        server
    }

    /// As [`Self::start`], but the server does not run yet.
    pub(crate) fn prepare(database: Database, people: &[&str]) -> Self {
        let home = Home::new();
        std::fs::create_dir(home.path("data")).unwrap();
        let port = free_port();
        let url = format!("http://localhost:{port}");
        let address = match &database {
            Database::File => format!("sqlite://{}", home.path("data/hallpass.db").display()),
            Database::Server(postgres) => postgres.database(),
        };
        let ring = KeyRing::generate(&SystemRandom);
        key_ring::create(&home.path("keyring.toml"), &ring, SystemClock.now()).unwrap();
        let toml = format!(
            "public_url = \"{url}\"\nlisten = \"127.0.0.1:{port}\"\n[database]\nurl = \"{address}\"\n\
             [secrets]\nkeyring_file = \"keyring.toml\"\n{SETTINGS}"
        );
        let config = home.write("server.toml", &toml);
        let server = Self {
            home,
            database,
            config,
            url,
            process: None,
            disk: None,
        };
        for name in people {
            server.make_account(name);
        }
        server
    }

    fn make_account(&self, name: &str) {
        let words = ["admin", "user", "create", name, "--password-stdin"];
        let mut child = self
            .home
            .hallpass(&[&words[..], &["--config", &self.config]].concat())
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        input.write_all(PASSWORD.as_bytes()).unwrap();
        drop(input);
        let ended = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success(), "{name}: {said}");
    }

    /// Starts the process, and waits for its ready line.
    pub(crate) fn start_again(&mut self) {
        assert!(self.process.is_none(), "it runs already");
        let mut command = self.home.hallpass(&["serve", "--config", &self.config]);
        if let Some(disk) = &self.disk {
            command = disk.inside(&command);
        }
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(self.log_file())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        let ready = format!("Ready: {}  issuer {}\n", self.url, self.url);
        assert_eq!(line, ready, "{}", self.log());
        self.process = Some(Process { child, said });
    }

    /// Puts the database on a disk of its own, of so many KiB.
    pub(crate) fn move_to_small_disk(&mut self, kib: u32) {
        assert!(self.process.is_none(), "it runs already");
        self.disk = Some(SmallDisk::over(&self.home.path("data"), kib));
    }

    /// The disk that it was moved to.
    pub(crate) fn disk(&self) -> &SmallDisk {
        self.disk.as_ref().expect("a disk of its own")
    }

    /// What `hallpass admin audit` prints, beside the server.
    pub(crate) fn audit(&self, words: &[&str]) -> String {
        self.admin(&[&["audit"], words].concat())
    }

    /// What `hallpass admin` prints.
    pub(crate) fn admin(&self, words: &[&str]) -> String {
        let words = [&["admin"], words, &["--config", &self.config]].concat();
        let mut command = self.home.hallpass(&words);
        if let Some(disk) = &self.disk {
            command = disk.inside(&command);
        }
        let ran = command.output().unwrap();
        let said = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "{words:?}: {said}{}", self.log());
        String::from_utf8(ran.stdout).unwrap()
    }

    /// Reads what the server says on its standard output until a line holds this; that line.
    pub(crate) fn wait_for_line(&mut self, said: &str) -> String {
        let process = self.process.as_mut().expect("it runs");
        loop {
            let mut line = String::new();
            let read = process.said.read_line(&mut line).unwrap();
            assert!(read > 0, "it ended");
            if line.contains(said) {
                return line;
            }
        }
    }

    /// SIGKILL; returns when the process is gone.
    pub(crate) fn kill(&mut self) {
        let mut process = self.process.take().expect("it runs");
        process.child.kill().unwrap();
        let ended = process.child.wait().unwrap();
        assert_eq!(ended.code(), None, "it ended by itself: {}", self.log());
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.process.as_ref().expect("it runs").child.id();
        let sent = Command::new("kill")
            .args(["-s", name, &id.to_string()])
            .status();
        assert!(sent.unwrap().success(), "{name}");
    }

    /// Waits until the process ends by itself.
    pub(crate) fn end(&mut self) -> ExitStatus {
        let mut process = self.process.take().expect("it runs");
        process.child.wait().unwrap()
    }

    /// What `server.toml` says.
    pub(crate) fn settings(&self) -> String {
        std::fs::read_to_string(&self.config).unwrap()
    }

    /// Writes it anew; the server does not know yet.
    pub(crate) fn configure(&self, toml: &str) {
        std::fs::write(&self.config, toml).unwrap();
    }

    /// A file beside the database.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        match &self.disk {
            Some(disk) => disk.path(name),
            None => self.home.path("data").join(name),
        }
    }

    /// All that it has said, over all its lives.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.home.path("log")).unwrap_or_default()
    }

    /// Waits until it says this after the first `from` bytes of its log; all it said since.
    pub(crate) async fn wait_for_log(&self, from: usize, said: &str) -> String {
        let waited = tokio::time::timeout(PATIENCE, async {
            loop {
                let log = self.log();
                let since = log.get(from..).unwrap_or_default();
                if since.lines().any(|line| line.contains(said)) {
                    return since.to_owned();
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        let heard = waited.await;
        heard.unwrap_or_else(|_| panic!("nobody said {said}: {}", self.log()))
    }

    fn log_file(&self) -> File {
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        options.open(self.home.path("log")).unwrap()
    }

    /// The database server.
    pub(crate) fn postgres(&self) -> &TestPostgres {
        match &self.database {
            Database::Server(postgres) => postgres,
            Database::File => panic!("the records are in a file"),
        }
    }

    /// SQLite follows links, so it finds no way to a disk that is mounted elsewhere. While nobody
    /// writes, the file and its log are the database.
    fn copy_from_disk(&self) -> PathBuf {
        let copies = ["hallpass.db", "hallpass.db-wal"].map(|name| {
            let copy = self.home.path(name);
            std::fs::copy(self.file(name), &copy).unwrap();
            copy
        });
        let [copy, _] = copies;
        copy
    }

    /// The sign-ins as the database has them, read beside the server: by `sid`.
    pub(crate) fn rows(&self) -> BTreeMap<String, Row> {
        match &self.database {
            Database::File if self.disk.is_some() => rows_of_file(&self.copy_from_disk()),
            Database::File => rows_of_file(&self.file("hallpass.db")),
            Database::Server(postgres) => {
                let query = QUERY.replace("ENCODED", "encode(id, 'hex')");
                let text = postgres.sql("test_0", &query);
                text.lines().map(row_of_line).collect()
            }
        }
    }
}

fn rows_of_file(path: &Path) -> BTreeMap<String, Row> {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE;
    let connection = rusqlite::Connection::open_with_flags(path, flags).unwrap();
    let query = QUERY.replace("ENCODED", "lower(hex(id))");
    let mut statement = connection.prepare(&query).unwrap();
    let rows = statement.query_map([], |row| {
        let found = Row {
            generation: row.get(1)?,
            is_revoked: row.get(2)?,
        };
        Ok((row.get(0)?, found))
    });
    rows.unwrap().map(Result::unwrap).collect()
}

/// `0123…|4|f`
fn row_of_line(line: &str) -> (String, Row) {
    let cells: Vec<_> = line.split('|').collect();
    let [id, generation, is_revoked] = cells[..] else {
        panic!("no row: {line}");
    };
    let row = Row {
        generation: generation.parse().unwrap(),
        is_revoked: is_revoked == "t",
    };
    (id.to_owned(), row)
}

impl Drop for Production {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            // It may have ended by itself.
            drop(process.child.kill());
            drop(process.child.wait());
        }
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}
