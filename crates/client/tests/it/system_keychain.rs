//! The keychain of a Linux desktop: there, away, locked and stuck (row C-74).
//!
//! Each test has a bus and a keychain daemon of its own, in folders of its own, and looks at them
//! from other processes, as the command line does. The packages `gnome-keyring` and `dbus-daemon`
//! bring both; `scripts/check install` installs them.

#![cfg(all(target_os = "linux", feature = "secret-service"))]

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use keyring_core::api::CredentialStoreApi as _;

use hallpass_client::{
    Generation, Scopes, Secret, SessionKey, SessionRecord, Store, StorePlace, Timestamp, TokenStore,
};

#[test]
fn the_key_is_in_the_keychain_and_the_tokens_are_sealed_beside_it() {
    let desk = Desk::new();
    let _bus = desk.bus();
    desk.unlocked_keychain();
    for store in ["keyring", "auto"] {
        let said = desk.runs(&["save", store, "1"]);
        assert_eq!(said, "saved\nsealed keyring\n");
        assert_eq!(
            desk.runs(&["load", store, "1"]),
            "refresh-canary-1\nsealed keyring\n"
        );
        desk.runs(&["remove", store, "1"]);
    }
    desk.runs(&["save", "keyring", "1"]);
    assert!(!desk.has_canary());
    // The keys of this folder, and nothing else: `remove` leaves the key for the next session.
    assert_eq!(
        desk.runs(&["entries", "keyring", "1"]),
        "32\nsealed keyring\n"
    );
}

#[test]
fn c_74_twenty_first_runs_at_once_are_all_readable() {
    let desk = Desk::new();
    let _bus = desk.bus();
    desk.unlocked_keychain();
    let runs: Vec<_> = (0..20)
        .map(|n| desk.start(&["save", "auto", &n.to_string()]))
        .collect();
    for run in runs {
        assert_eq!(
            said(run.wait_with_output().unwrap()),
            "saved\nsealed keyring\n"
        );
    }
    for n in 0..20 {
        let said = desk.runs(&["load", "auto", &n.to_string()]);
        assert_eq!(said, format!("refresh-canary-{n}\nsealed keyring\n"));
    }
    assert!(!desk.has_canary());
}

#[test]
fn c_74_a_sealed_session_without_its_keychain_is_an_error_and_never_a_plain_file() {
    let desk = Desk::new();
    let bus = desk.bus();
    desk.unlocked_keychain();
    desk.runs(&["save", "auto", "1"]);
    drop(bus);
    for store in ["auto", "keyring"] {
        for call in ["load", "save"] {
            for n in ["1", "2"] {
                if (call, n) == ("load", "2") {
                    continue;
                }
                let said = desk.fails(&[call, store, n]);
                assert!(said.contains("system keychain not reachable"), "{said}");
            }
        }
    }
    assert!(!desk.has_canary());
    // A bus on which nobody is a keychain is as good as none.
    let _bus = desk.bus();
    let said = desk.fails(&["load", "auto", "1"]);
    assert!(said.contains("system keychain not reachable"), "{said}");
    assert!(!desk.has_canary());
}

#[test]
fn a_locked_keychain_is_an_error_within_its_two_seconds() {
    let desk = Desk::new();
    let bus = desk.bus();
    desk.unlocked_keychain();
    desk.runs(&["save", "auto", "1"]);
    drop(bus);
    let _bus = desk.bus();
    desk.locked_keychain();
    let said = desk.fails(&["load", "auto", "1"]);
    assert!(said.contains("system keychain not reachable"), "{said}");
    assert!(said.contains("locked"), "{said}");
    assert!(!desk.has_canary());
}

#[test]
fn without_a_keychain_auto_takes_a_file_says_so_once_and_starts_nothing() {
    let desk = Desk::new();
    // Whoever launches a bus would find these.
    let trap = desk.trap(&["dbus-launch", "dbus-daemon", "gnome-keyring-daemon"]);
    let said = desk.runs(&["save", "auto", "1"]);
    let notice = "system keychain not reachable (no D-Bus session); using a 0600 file instead. \
                  hint: --store sealed with HALLPASS_PASSPHRASE_FILE to encrypt it. This is shown \
                  once.";
    assert_eq!(said, format!("saved\nnotice {notice}\nfile -\n"));
    assert_eq!(desk.runs(&["save", "auto", "2"]), "saved\nfile -\n");
    assert_eq!(
        desk.runs(&["load", "auto", "1"]),
        "refresh-canary-1\nfile -\n"
    );
    for file in fs::read_dir(desk.folder().join("state/sessions")).unwrap() {
        let mode = file.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let said = desk.fails(&["save", "keyring", "3"]);
    assert!(said.contains("(no D-Bus session)"), "{said}");
    assert!(!trap.exists(), "a program was launched");
    // From now on a desktop changes nothing by itself.
    fs::remove_dir_all(desk.folder().join("bin")).unwrap();
    let _bus = desk.bus();
    desk.unlocked_keychain();
    assert_eq!(desk.runs(&["save", "auto", "4"]), "saved\nfile -\n");
}

#[test]
fn an_address_that_would_launch_a_bus_is_not_followed() {
    let desk = Desk::new();
    let trap = desk.trap(&["dbus-launch", "dbus-daemon"]);
    let launch = format!(
        "unixexec:path={}",
        trap.with_file_name("dbus-launch").display()
    );
    for address in ["autolaunch:", &launch] {
        let run = desk.call(&["save", "keyring", "1"]);
        let run = with(run, "DBUS_SESSION_BUS_ADDRESS", address).output();
        let said = said(run.unwrap());
        assert!(said.contains("no D-Bus session"), "{said}");
    }
    assert!(!trap.exists(), "a program was launched");
}

#[test]
fn a_bus_that_never_answers_costs_two_seconds_and_a_file_costs_none() {
    let desk = Desk::new();
    let stuck = UnixListener::bind(desk.folder().join("run/bus")).unwrap();
    stuck.set_nonblocking(true).unwrap();
    // Reads and writes of plain files do not so much as knock.
    assert_eq!(desk.runs(&["save", "file", "1"]), "saved\nfile -\n");
    assert_eq!(
        desk.runs(&["load", "file", "1"]),
        "refresh-canary-1\nfile -\n"
    );
    assert_eq!(
        desk.runs(&["load", "auto", "1"]),
        "refresh-canary-1\nauto -\n"
    );
    assert!(stuck.accept().is_err(), "the bus was called");

    let said = desk.runs(&["save", "auto", "2"]);
    assert!(said.contains("no answer within 2 s"), "{said}");
    assert!(said.ends_with("file -\n"), "{said}");
    let _caller = stuck.accept().expect("nobody called the bus");
    assert_eq!(
        desk.runs(&["load", "auto", "2"]),
        "refresh-canary-2\nfile -\n"
    );
    assert!(stuck.accept().is_err(), "the bus was called again");
}

/// What the tests start as other processes: one call of a store.
#[test]
#[ignore = "the other tests run it"]
fn one_call() {
    let variable = |name: &str| std::env::var_os(name).unwrap().into_string().unwrap();
    let call = variable("ONE_CALL");
    let words: Vec<_> = call.split(' ').collect();
    let [action, store, n] = words[..] else {
        panic!("{call}")
    };
    let place = StorePlace::in_state_dir("hallpass-test", variable("ONE_CALL_STATE"));
    let store = Store::parse(store).unwrap().open(&place);
    let key = SessionKey::new(format!("https://{n}.test"), "cli");
    let done = match action {
        "save" => save(store.as_ref(), &key, n).map(|_| "saved".to_owned()),
        "load" => store.load(&key).map(|found| {
            let token = found.unwrap().value.refresh_token.unwrap();
            token.expose().clone()
        }),
        "remove" => store.remove(&key).map(|()| "removed".to_owned()),
        "entries" => Ok(entries()),
        "await" => Ok(await_keychain()),
        _ => panic!("{action}"),
    };
    let say = |line: &str| println!("{SAID}{line}");
    match done {
        Ok(done) => say(&done),
        Err(error) => say(&format!("error {error}")),
    }
    if let Some(notice) = store.take_notice() {
        say(&format!("notice {notice}"));
    }
    let info = store.describe();
    say(&format!("{} {}", info.kind, info.key.unwrap_or("-")));
}

#[expect(
    clippy::disallowed_methods,
    reason = "nothing tells when a name appears on the bus, so it is asked again"
)]
fn await_keychain() -> String {
    for _ in 0..1000 {
        if zbus_secret_service_keyring_store::Store::new().is_ok() {
            return "there".to_owned();
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("the keychain did not start")
}

/// The sizes of what is in the keychain.
fn entries() -> String {
    let keychain = zbus_secret_service_keyring_store::Store::new().unwrap();
    let service = [("service", "hallpass-test")].into();
    let found = keychain.search(&service).unwrap();
    let sizes = found.iter().map(|entry| entry.get_secret().unwrap().len());
    sizes
        .map(|size| size.to_string())
        .collect::<Vec<_>>()
        .join(" ")
}

fn save(
    store: &dyn TokenStore,
    key: &SessionKey,
    n: &str,
) -> Result<Generation, hallpass_client::StoreError> {
    let record = SessionRecord {
        token_endpoint: "https://as.test/token".to_owned(),
        access_token: Some(Secret::from("access-canary")),
        token_type: hallpass_client::TokenType::Bearer,
        dpop_key: None,
        refresh_token: Some(Secret::new(format!("refresh-canary-{n}"))),
        id_token: None,
        claims: None,
        identity: None,
        asked: Scopes::default(),
        resource: Vec::new(),
        audience: Vec::new(),
        scope: Scopes::default(),
        expires_at: None,
        lifetime: None,
        server_ahead: 0,
        signed_in_at: Timestamp::from_unix_seconds(1000),
        reauth_required: false,
        intent: None,
        registration: None,
    };
    let old = store.load(key)?.map(|found| found.generation);
    store.compare_and_swap(key, old, &record)
}

/// A person's desk: home, runtime folder and session folder, all new.
struct Desk(tempfile::TempDir);

/// Ends a process that the test started.
struct Running(Child);

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["home", "run", "bin"] {
            let mut builder = fs::DirBuilder::new();
            builder.mode(0o700);
            builder.create(folder.path().join(name)).unwrap();
        }
        Self(folder)
    }

    fn folder(&self) -> &Path {
        self.0.path()
    }

    /// Starts a bus on which no service starts by itself.
    fn bus(&self) -> Running {
        let socket = self.folder().join("run/bus");
        drop(fs::remove_file(&socket));
        let config = self.folder().join("bus.conf");
        let text = BUS_CONFIG.replace("SOCKET", &socket.display().to_string());
        fs::write(&config, text).unwrap();
        let mut bus = self
            .command("dbus-daemon")
            .args(["--nofork", "--print-address", "--config-file"])
            .arg(&config)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("dbus-daemon is missing; `scripts/check install` installs it");
        let mut line = String::new();
        let output = bus.stdout.take().unwrap();
        BufReader::new(output).read_line(&mut line).unwrap();
        assert!(line.starts_with("unix:"), "{line}");
        Running(bus)
    }

    fn unlocked_keychain(&self) {
        self.keychain(&["--unlock"]);
    }

    fn locked_keychain(&self) {
        self.keychain(&[]);
    }

    /// Comes back when the daemon serves; it ends with its bus.
    fn keychain(&self, arguments: &[&str]) {
        let mut starting = self
            .command("gnome-keyring-daemon")
            .args(["--daemonize", "--components=secrets"])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("gnome-keyring-daemon is missing; `scripts/check install` installs it");
        starting
            .stdin
            .take()
            .unwrap()
            .write_all(b"password")
            .unwrap();
        assert!(starting.wait().unwrap().success());
        // It takes its name on the bus a moment later.
        self.runs(&["await", "keyring", "1"]);
    }

    /// Puts programs into `PATH` that leave the returned file when they are started.
    fn trap(&self, programs: &[&str]) -> PathBuf {
        let sprung = self.folder().join("bin/sprung");
        for program in programs {
            let path = self.folder().join("bin").join(program);
            fs::write(&path, format!("#!/bin/sh\ntouch '{}'\n", sprung.display())).unwrap();
            fs::set_permissions(&path, PermissionsExt::from_mode(0o700)).unwrap();
        }
        sprung
    }

    /// A program in this person's environment and no other. The bus is at its usual place.
    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut path = self.folder().join("bin").into_os_string();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_else(|| OsString::from("/usr/bin:/bin")));
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.folder().join("home"))
            .env("DISPLAY", ":99")
            .env("XDG_RUNTIME_DIR", self.folder().join("run"))
            .current_dir(self.folder());
        command
    }

    fn call(&self, words: &[&str]) -> Command {
        let mut command = self.command(std::env::current_exe().unwrap());
        command
            .args([
                "--exact",
                "system_keychain::one_call",
                "--ignored",
                "--nocapture",
            ])
            .env("ONE_CALL", words.join(" "))
            .env("ONE_CALL_STATE", self.folder().join("state"));
        command
    }

    fn start(&self, words: &[&str]) -> Child {
        let mut call = self.call(words);
        call.stdout(Stdio::piped()).stderr(Stdio::piped());
        call.spawn().unwrap()
    }

    /// Calls the store in another process; it must succeed.
    fn runs(&self, words: &[&str]) -> String {
        let said = said(self.call(words).output().unwrap());
        assert!(!said.starts_with("error"), "{words:?}: {said}");
        said
    }

    /// Calls the store in another process; it must fail.
    fn fails(&self, words: &[&str]) -> String {
        let said = said(self.call(words).output().unwrap());
        assert!(said.starts_with("error"), "{words:?}: {said}");
        said
    }

    fn has_canary(&self) -> bool {
        let files = fs::read_dir(self.folder().join("state/sessions")).unwrap();
        let mut texts = files.map(|file| fs::read(file.unwrap().path()).unwrap());
        texts.any(|bytes| String::from_utf8_lossy(&bytes).contains("canary"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn with(mut command: Command, name: &str, value: &str) -> Command {
    command.env(name, value);
    command
}

/// The lines of [`one_call`] among those of its test runner.
fn said(output: Output) -> String {
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{text}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    text.lines()
        .filter_map(|line| line.split_once(SAID))
        .flat_map(|(_, said)| [said, "\n"])
        .collect()
}

const SAID: &str = "one call: ";

const BUS_CONFIG: &str = r#"<busconfig>
  <type>session</type>
  <listen>unix:path=SOCKET</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#;
