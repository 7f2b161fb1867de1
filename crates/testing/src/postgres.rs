//! A PostgreSQL server for tests, made of the programs that Debian installs: a fresh cluster in a
//! temporary folder, on a socket there and on a free port of this machine.
//!
//! A shell watches over it. When the test's process ends, however it ends, the shell's input does
//! too, and it stops the server and removes the folder.
#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::panic,
    reason = "a test harness fails by panicking"
)]

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// A running server. Without `fsync` by default: a test's data need not outlive the machine.
#[derive(Debug)]
pub struct TestPostgres {
    programs: PathBuf,
    folder: PathBuf,
    port: u16,
    databases: AtomicU32,
    watcher: Child,
}

impl TestPostgres {
    /// The server that the tests of one process share, each with a database of its own.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<TestPostgres> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// A server that nobody else uses.
    pub fn start() -> Self {
        let programs = programs();
        let folder = tempfile::Builder::new()
            .prefix("hallpass-pg-")
            .tempdir()
            .expect("a temporary folder")
            .keep();
        let watcher = watcher(&programs, &folder);
        let port = free_port();
        let server = Self {
            programs,
            folder,
            port,
            databases: AtomicU32::new(0),
            watcher,
        };
        if is_root() {
            run(Command::new("chown").arg("postgres").arg(&server.folder));
        }
        let data = server.data();
        run(server
            .program("initdb")
            .args(["--auth=trust", "--username=hallpass", "--encoding=UTF8"])
            .args(["--locale=C", "--no-sync", "--pgdata"])
            .arg(&data));
        let settings = format!(
            "fsync = off\nmax_connections = 300\nport = {port}\nlisten_addresses = '127.0.0.1'\n\
             unix_socket_directories = '{}'\n",
            server.folder.display()
        );
        server.configure(&settings);
        server.start_again();
        server
    }

    /// Makes a database and tells its address.
    pub fn database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.sql("postgres", &format!("CREATE DATABASE {name}"));
        self.address(&name)
    }

    /// The address of a database, over the socket.
    pub fn address(&self, database: &str) -> String {
        format!(
            "postgres://hallpass@/{database}?host={}&port={}",
            self.folder.display(),
            self.port
        )
    }

    /// The address of a database, over the network of this machine.
    pub fn network_address(&self, database: &str) -> String {
        format!("postgres://hallpass@127.0.0.1:{}/{database}", self.port)
    }

    /// Its port on the network of this machine.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Runs a statement and returns what it prints: rows as lines, columns with `|` between them.
    pub fn sql(&self, database: &str, statement: &str) -> String {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align"])
            .args(["--username=hallpass", "--dbname", database, "--host"])
            .arg(&self.folder)
            .args(["--port", &self.port.to_string()])
            .args(["--set=ON_ERROR_STOP=1", "--command", statement]);
        run(&mut psql).trim_end().to_owned()
    }

    /// All that a database holds, as the statements that would make it again.
    pub fn dump(&self, database: &str) -> String {
        let mut dump = Command::new(self.programs.join("pg_dump"));
        dump.args(["--username=hallpass", "--dbname", database, "--host"])
            .arg(&self.folder)
            .args(["--port", &self.port.to_string()]);
        run(&mut dump)
    }

    /// A server that nobody else uses, and that keeps what it is asked for [`Self::statements`].
    pub fn watched() -> Self {
        let server = Self::start();
        server.configure("log_statement = 'all'\nlog_line_prefix = '%d|%p|'\n");
        server.stop();
        server.start_again();
        server
    }

    /// The statements that a [`Self::watched`] server ran in a database, in their order: each with its
    /// placeholders, without its values.
    pub fn statements(&self, database: &str) -> Vec<String> {
        let log = fs::read_to_string(self.folder.join("log")).expect("the server's log");
        // A statement of several lines goes on with a tab.
        let log = log.replace("\n\t", " ");
        let of_database = log.lines().filter_map(|line| line.split_once('|'));
        let of_database = of_database.filter(|(name, _)| *name == database);
        let said = of_database.filter_map(|(_, rest)| rest.split_once("LOG:  "));
        let statements = said.filter_map(|(_, said)| {
            let (kind, statement) = said.split_once(": ")?;
            let is_one = kind == "statement" || kind.starts_with("execute ");
            is_one.then(|| statement.to_owned())
        });
        statements.collect()
    }

    /// Adds settings; they count from the next start.
    pub fn configure(&self, settings: &str) {
        let path = self.data().join("postgresql.conf");
        let before = fs::read_to_string(&path).expect("the server's settings");
        fs::write(&path, before + settings).expect("the server's settings");
    }

    /// Lets the server offer TLS from its next start; the file with its certificate.
    pub fn offer_tls(&self) -> PathBuf {
        let file = self.data().join("localhost.pem");
        fs::write(&file, include_str!("localhost.pem")).expect("a certificate");
        run(Command::new("chmod").arg("0600").arg(&file));
        if is_root() {
            run(Command::new("chown").arg("postgres").arg(&file));
        }
        self.configure(
            "ssl = on\nssl_cert_file = 'localhost.pem'\nssl_key_file = 'localhost.pem'\n",
        );
        file
    }

    /// Ends the server at once, in the middle of whatever it does, as a crash would.
    pub fn crash(&self) {
        self.control(&["stop", "--mode=immediate"]);
    }

    /// Stops the server as an update of it does: every client is cut off, what was committed is
    /// written.
    pub fn stop(&self) {
        self.control(&["stop", "--mode=fast"]);
    }

    /// Starts the server that crashed or was stopped.
    pub fn start_again(&self) {
        let log = self.folder.join("log");
        let log = log.to_str().expect("a folder with a plain name");
        self.control(&["start", "--log", log]);
    }

    fn control(&self, arguments: &[&str]) {
        let data = self.data();
        // The server would keep a pipe open.
        let done = self
            .program("pg_ctl")
            .args(arguments)
            .args(["--wait", "--silent", "--pgdata"])
            .arg(data)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        if !done.expect("pg_ctl").success() {
            let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            panic!("pg_ctl {arguments:?} failed:\n{log}");
        }
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn program(&self, name: &str) -> Command {
        as_server_user(&self.programs.join(name))
    }
}

impl Drop for TestPostgres {
    fn drop(&mut self) {
        drop(self.watcher.stdin.take());
        // Whatever it says, the test is over.
        drop(self.watcher.wait());
    }
}

/// Waits for the end of its input, then cleans up.
fn watcher(programs: &Path, folder: &Path) -> Child {
    let stop = as_server_user(&programs.join("pg_ctl"));
    let words: Vec<_> = std::iter::once(stop.get_program())
        .chain(stop.get_args())
        .collect();
    Command::new("sh")
        .arg("-c")
        .arg(
            "trap '' INT; cat >/dev/null; folder=$1; shift; \
             \"$@\" stop --mode=immediate --wait --silent --pgdata \"$folder/data\"; \
             rm -rf \"$folder\"",
        )
        .arg("sh")
        .arg(folder)
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a shell")
}

/// The server refuses to run as root.
fn as_server_user(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid=postgres", "--regid=postgres", "--clear-groups"])
        .arg(program);
    command
}

fn is_root() -> bool {
    static ROOT: OnceLock<bool> = OnceLock::new();
    *ROOT.get_or_init(|| run(Command::new("id").arg("-u")).trim() == "0")
}

/// Debian keeps the programs of each version in a folder of their own.
fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    versions
        .filter_map(|version| Some(version.ok()?.path().join("bin")))
        .filter(|programs| programs.join("initdb").exists())
        .max()
        .expect("PostgreSQL in /usr/lib/postgresql: install the package `postgresql-15`")
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("its number").port()
}

fn run(command: &mut Command) -> String {
    // Not the folder of the caller: the server's user may not enter it.
    let output = command.current_dir("/").output().expect("a program");
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}
