//! The table of `docs/planted-faults.md`: each fault is planted under the real program, and ends as the
//! row says.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use hallpass_protocol::Clock as _;
use hallpass_protocol::time::SystemClock;
use serde_json::{Value, json};

use crate::between::{Between, Passing, Reply};
use crate::home::{Home, Ran};
use crate::server_process::{Server, user_code};
use crate::small_disk::can_mount;

const TABLE: &str = include_str!("../../../../docs/planted-faults.md");

const DEVICE: &str = "grant-type%3Adevice_code";
const REFRESH: &str = "grant_type=refresh_token";

/// A row of the table.
struct Row {
    fault: &'static str,
    exit: i32,
    words: &'static str,
}

fn rows() -> Vec<Row> {
    let rows = TABLE.lines().filter(|line| line.starts_with("| `"));
    rows.map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        Row {
            fault: cells[0].trim_matches('`'),
            exit: cells[3].parse().unwrap(),
            words: cells[4].trim_matches('`'),
        }
    })
    .collect()
}

fn row(fault: &str) -> Row {
    let found = rows().into_iter().find(|row| row.fault == fault);
    found.unwrap_or_else(|| panic!("docs/planted-faults.md has no row `{fault}`"))
}

/// Insists that a run ended as the row says.
fn as_documented(fault: &str, code: Option<i32>, said: &str) {
    let row = row(fault);
    assert_eq!(code, Some(row.exit), "{fault}: {said}");
    assert!(
        said.contains(row.words),
        "{fault}: no `{}` in {said}",
        row.words
    );
    assert!(!said.contains("panicked"), "{fault}: {said}");
}

macro_rules! faults {
    ($($test:ident: $fault:literal => $plant:ident($($more:expr),*);)*) => {
        $(
            #[tokio::test]
            async fn $test() {
                $plant($fault, $($more),*).await;
            }
        )*

        #[test]
        fn every_row_of_the_table_is_planted_and_every_fault_has_a_row() {
            let documented: Vec<_> = rows().iter().map(|row| row.fault).collect();
            assert_eq!(documented, [$($fault),*]);
        }
    };
}

faults! {
    device_without_interval: "device-without-interval" => device(without_interval);
    device_interval_as_text: "device-interval-as-text" => device(interval_as_text);
    device_slow_down_storm: "device-slow-down-storm" => device(slow_down_storm());
    device_502_burst: "device-502-burst" => device(burst(DEVICE, 3));
    device_clock_15_percent_fast: "device-clock-15-percent-fast" => device(fast_clock());
    token_of_20_kb: "token-of-20-kb" => long_token();
    refresh_502_burst: "refresh-502-burst" => refresh(2);
    refresh_502_for_ever: "refresh-502-for-ever" => refresh(u32::MAX);
    home_read_only: "home-read-only" => sign_in_on("ro,size=1m");
    disk_full_at_sign_in: "disk-full-at-sign-in" => sign_in_on(FULL);
    disk_full_at_refresh: "disk-full-at-refresh" => refresh_on_full_disk();
}

/// Somebody signs in with a device code, past this fault.
async fn device(fault: &str, plant: impl Fn(&Passing) -> Reply + Send + Sync + 'static) {
    let (server, home) = (Server::start(), Home::new());
    let between = Between::start(&server.url, plant);
    let issuer = between.issuer();
    let words = [
        "login",
        "--device",
        "--issuer",
        &issuer,
        "--client-id",
        "story-cli",
    ];
    let terminal = home.types(&words);
    let code = terminal.wait_until("a user code", user_code);
    server.person().approve(&code, "ada").await;
    let ended = terminal.end();
    as_documented(fault, ended.code, &ended.text);
    assert_eq!(home.sessions().len(), 1, "{fault}");
}

fn is_device_answer(passing: &Passing) -> bool {
    passing.path.ends_with("/device/authorize")
}

fn without_interval(passing: &Passing) -> Reply {
    let reply = passing.forward();
    if !is_device_answer(passing) {
        return reply;
    }
    reply.changed(|document| {
        document
            .as_object_mut()
            .unwrap()
            .remove("interval")
            .unwrap();
    })
}

fn interval_as_text(passing: &Passing) -> Reply {
    let reply = passing.forward();
    if !is_device_answer(passing) {
        return reply;
    }
    reply.changed(|document| {
        document["interval"] = "1".into();
        document["expires_in"] = "600".into();
    })
}

fn slow_down() -> Reply {
    Reply::json(400, &json!({ "error": "slow_down" }))
}

fn slow_down_storm() -> impl Fn(&Passing) -> Reply + Send + Sync {
    let polls = AtomicU32::new(0);
    move |passing| {
        if passing.is_grant(DEVICE) && polls.fetch_add(1, Ordering::SeqCst) < 2 {
            slow_down()
        } else {
            passing.forward()
        }
    }
}

/// Only the first requests of a grant meet it.
fn burst(grant: &'static str, times: u32) -> impl Fn(&Passing) -> Reply + Send + Sync {
    let seen = AtomicU32::new(0);
    move |passing| {
        if passing.is_grant(grant) && seen.fetch_add(1, Ordering::SeqCst) < times {
            Reply::bad_gateway()
        } else {
            passing.forward()
        }
    }
}

/// A program that waits for a second by its own clock waits for less by the server's.
fn fast_clock() -> impl Fn(&Passing) -> Reply + Send + Sync {
    // When the last poll came, and the pause that is asked for, in milliseconds.
    let pace = Mutex::new((None, 1000_u64));
    move |passing| {
        if !passing.is_grant(DEVICE) {
            return passing.forward();
        }
        let now = SystemClock.now();
        let mut pace = pace.lock().unwrap();
        let (last, interval) = *pace;
        let waited: Duration = last.map_or(Duration::MAX, |last| now.since(last));
        let is_early = waited < Duration::from_millis(interval * 115 / 100);
        *pace = (Some(now), if is_early { 1000 } else { interval });
        drop(pace);
        if is_early {
            slow_down()
        } else {
            passing.forward()
        }
    }
}

#[expect(clippy::unused_async, reason = "called as every other fault is")]
async fn long_token(fault: &str) {
    let (server, home) = (Server::start(), Home::new());
    home.write("secret", "s");
    let long = "t".repeat(20_000);
    let between = Between::start(&server.url, move |passing| {
        let reply = passing.forward();
        if !passing.is_grant("client_credentials") {
            return reply;
        }
        reply.changed(|document| document["access_token"] = long.as_str().into())
    });
    let issuer = between.issuer();
    let words = [
        "login",
        "--flow",
        "client-credentials",
        "--issuer",
        &issuer,
        "--client-id",
        "robot",
        "--client-secret-file",
        "secret",
        "--store",
        "file",
    ];
    let done = home.run(&words);
    as_documented(fault, done.code, &done.stderr);
    assert_eq!(
        home.runs(&["token", "--store", "file"]).line().len(),
        20_000
    );
}

async fn refresh(fault: &str, times: u32) {
    let (server, home) = (Server::start(), Home::new());
    let between = Between::start(&server.url, burst(REFRESH, times));
    sign_in(&server, &between.issuer(), &home).await;
    let old = home.runs(&["token"]).line().to_owned();
    let done = home.run(&["token", "--refresh"]);
    as_documented(fault, done.code, &done.stderr);
    if times < 3 {
        assert_ne!(done.line(), old);
    } else {
        // The session is as it was, and what an API was sent stays good.
        assert_eq!(home.runs(&["token"]).line(), old);
    }
}

async fn sign_in(server: &Server, issuer: &str, home: &Home) {
    let words = [
        "login",
        "--device",
        "--store",
        "file",
        "--issuer",
        issuer,
        "--client-id",
        "story-cli",
    ];
    let terminal = home.types(&words);
    let code = terminal.wait_until("a user code", user_code);
    server.person().approve(&code, "ada").await;
    let ended = terminal.end();
    assert_eq!(ended.code, Some(0), "{}", ended.text);
}

/// The options of a disk that [`on_disk`] fills.
const FULL: &str = "size=64k";

/// Runs the program where its state lies on a disk of its own: mounted with these options, holding a
/// copy of what is there, and then filled to the last byte where it can be written.
fn on_disk(home: &Home, options: &str, words: &[&str]) -> Ran {
    std::fs::create_dir_all(home.path("state")).unwrap();
    let script = r#"
        cp -a "$HALLPASS_HOME/state" "$HALLPASS_HOME/copy"
        mount -t tmpfs -o "$OPTIONS" x "$HALLPASS_HOME/state" || exit 99
        case "$OPTIONS" in
            ro*) ;;
            *)
                cp -a "$HALLPASS_HOME/copy/." "$HALLPASS_HOME/state/" || exit 98
                cat /dev/zero >"$HALLPASS_HOME/state/filler" 2>/dev/null
                ;;
        esac
        exec "$@"
    "#;
    let inside = home.hallpass(words);
    let mut command = home.program("unshare", &["-r", "-m", "sh", "-c", script, "sh"]);
    command
        .arg(inside.get_program())
        .args(inside.get_args())
        .env("OPTIONS", options);
    command.output().unwrap().into()
}

#[expect(clippy::unused_async, reason = "called as every other fault is")]
async fn sign_in_on(fault: &str, options: &str) {
    if !can_mount() {
        return;
    }
    let (server, home) = (Server::start(), Home::new());
    home.write("secret", "s");
    let mut words = server.login(&[
        "--flow",
        "client-credentials",
        "--client-secret-file",
        "secret",
    ]);
    words.extend(["--store", "file"]);
    let done = on_disk(&home, options, &words);
    as_documented(fault, done.code, &done.stderr);
    assert_eq!(done.stdout, "", "{fault}");
}

async fn refresh_on_full_disk(fault: &str) {
    if !can_mount() {
        return;
    }
    let (server, home) = (Server::start(), Home::new());
    let refreshes = std::sync::Arc::new(AtomicU32::new(0));
    let seen = std::sync::Arc::clone(&refreshes);
    let between = Between::start(&server.url, move |passing| {
        seen.fetch_add(u32::from(passing.is_grant(REFRESH)), Ordering::SeqCst);
        passing.forward()
    });
    sign_in(&server, &between.issuer(), &home).await;
    let done = on_disk(&home, FULL, &["token", "--refresh"]);
    as_documented(fault, done.code, &done.stderr);
    assert_eq!(refreshes.load(Ordering::SeqCst), 0, "nothing was sent");
    // With room again, it goes on as if nothing had been.
    let again: Value = home.runs(&["token", "--refresh", "--json"]).json();
    assert_eq!(again["refreshed"], true);
}
