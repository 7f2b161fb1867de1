//! Many processes share one session with a server that rotates refresh tokens, over a network that
//! loses every fifth answer, while processes are killed at any moment: nobody has to sign in again,
//! and no more than one process at a time refreshes (rows C-21 to C-23, C-72, C-73).

use std::ffi::OsString;
use std::os::unix::fs::symlink;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use hallpass_client::{FileStore, SessionKey, Timestamp, TokenStore as _};
use hallpass_protocol::Clock as _;
use hallpass_protocol::time::SystemClock;
use hallpass_testing::pty;

use crate::dice::Dice;
use crate::home::{Home, Ran};
use crate::lossy_proxy::LossyProxy;
use crate::server_process::Server;

/// One run; the same seed throws the same dice.
struct Race {
    processes: u64,
    expiries: u64,
    seed: u64,
}

/// What came of it.
#[derive(Debug, Default)]
struct Tally {
    started: u64,
    killed: u64,
    /// Of these, so many by the name that they had left in the lock file.
    killed_holders: u64,
    /// Exit code 7: every answer to a process was lost. The session is kept.
    unavailable: u64,
    refreshes: u64,
    rotations: usize,
    most_rotations_of_one_expiry: usize,
    most_refreshes_at_once: usize,
    lost_answers: u64,
}

#[tokio::test]
async fn c_21_to_c_23_lost_answers_and_killed_processes_cost_no_session() {
    let race = Race {
        processes: 12,
        expiries: 20,
        seed: 1,
    };
    let tally = race.run().await;
    println!("{tally:?}");
    assert!(tally.rotations >= 10, "{tally:?}");
}

#[tokio::test]
#[ignore = "takes minutes: `just nightly`"]
async fn c_21_to_c_23_the_same_with_50_processes_and_200_expiries() {
    let race = Race {
        processes: 50,
        expiries: 200,
        seed: u64::from(std::process::id()),
    };
    println!("seed {}", race.seed);
    let tally = race.run().await;
    println!("{tally:#?}");
    assert!(tally.rotations >= 100, "{tally:?}");
}

/// The surroundings in which the processes run; all of one user.
struct Desk {
    home: Home,
    store: FileStore,
    key: SessionKey,
    dice: Dice,
}

impl Race {
    async fn run(&self) -> Tally {
        let dice = Dice::new(self.seed);
        let proxy = LossyProxy::new(&dice);
        let toml = "[ttl]\naccess = \"1h\"\n[device]\ninterval = \"1s\"\n";
        let server = Server::with(toml, &["--issuer-url", &proxy.url]);
        let authority = server.url.strip_prefix("http://").unwrap();
        let address = authority.replace("localhost", "127.0.0.1").parse().unwrap();
        proxy.lead_to(address);
        let home = Home::new();
        server.sign_in(&home).await;
        let store = FileStore::in_state_dir(home.path("state"));
        let key = store.list().unwrap().remove(0);
        symlink(home.path(""), home.path("mount")).unwrap();
        let desk = Desk {
            home,
            store,
            key,
            dice,
        };
        proxy.lose(20);
        let mut tally = Tally::default();
        for expiry in 0..self.expiries {
            // Every other time the token is about to expire, and nobody should wait.
            let is_expired = expiry.is_multiple_of(2);
            let before = desk.expire(if is_expired { -1 } else { 5 });
            proxy.take_seen();
            let tokens = desk.run_at_once(self.processes, &mut tally);
            let seen = proxy.take_seen();
            let is_old = |token: &OsString| *token == *before;
            assert!(!is_expired || !tokens.iter().any(is_old), "round {expiry}");
            let mut new: Vec<_> = tokens.into_iter().filter(|token| !is_old(token)).collect();
            new.dedup();
            assert!(new.len() <= 1, "round {expiry}: {} tokens", new.len());
            tally.refreshes += seen.refreshes;
            tally.rotations += seen.refresh_tokens.len();
            tally.lost_answers += seen.lost;
            let most = &mut tally.most_rotations_of_one_expiry;
            *most = seen.refresh_tokens.len().max(*most);
            let most = &mut tally.most_refreshes_at_once;
            *most = seen.most_at_once.max(*most);
        }
        assert_eq!(tally.most_rotations_of_one_expiry, 1, "{tally:?}");
        assert_eq!(tally.most_refreshes_at_once, 1, "{tally:?}");
        assert!(desk.home.kept("corrupt-").is_empty(), "{tally:?}");
        // The session is alive, at the server too.
        proxy.lose(0);
        desk.home.runs(&["token", "--refresh"]);
        tally
    }
}

impl Desk {
    /// Lets the access token expire in so many seconds; gives it.
    fn expire(&self, seconds: i64) -> OsString {
        let found = self.store.load(&self.key).unwrap().unwrap();
        let mut value = found.value;
        let now = value.server_time(SystemClock.now()).unix_seconds();
        value.expires_at = Some(Timestamp::from_unix_seconds(now + seconds));
        self.store
            .compare_and_swap(&self.key, Some(found.generation), &value)
            .unwrap();
        value.access_token.unwrap().expose().into()
    }

    /// Starts `hallpass token` so many times, and kills some; gives what the others printed.
    fn run_at_once(&self, processes: u64, tally: &mut Tally) -> Vec<OsString> {
        let mut children: Vec<Child> = Vec::new();
        let mut killed = Vec::new();
        for n in 0..processes {
            children.push(self.command(n).spawn().unwrap());
            if self.dice.below(12) == 0 {
                let chosen = self.dice.below(n + 1);
                kill(&mut children, chosen, &mut killed);
            }
        }
        tally.started += processes;
        // Who refreshes is the most interesting one.
        for _ in 0..self.dice.below(3) {
            wait(Duration::from_millis(self.dice.below(40)));
            if let Some(holder) = self.holder(&children) {
                let before = killed.len();
                kill(&mut children, holder, &mut killed);
                tally.killed_holders += (killed.len() - before) as u64;
            }
        }
        tally.killed += killed.len() as u64;
        let mut tokens = Vec::new();
        for (child, n) in children.into_iter().zip(0..) {
            let ran = Ran::from(child.wait_with_output().unwrap());
            match ran.code {
                Some(0) => tokens.push(ran.line().into()),
                // It kept the session, and says so.
                Some(7) => tally.unavailable += 1,
                None => assert!(killed.contains(&n), "{ran}"),
                Some(_) => panic!("{ran}"),
            }
        }
        tokens
    }

    /// Half of them as cron starts programs, the others as a login shell does, at another path.
    fn command(&self, n: u64) -> Command {
        let mut command = Command::new(pty::hallpass());
        command.args(["token", "--allow-bound"]).env_clear();
        if n.is_multiple_of(2) {
            command.env("HALLPASS_HOME", self.home.path(""));
        } else {
            let folder = self.home.path(&format!("run-{n}"));
            command
                .env("HALLPASS_HOME", self.home.path("mount"))
                .env("HOME", &folder)
                .env("TMPDIR", &folder)
                .env("XDG_RUNTIME_DIR", &folder)
                .env("XDG_STATE_HOME", &folder);
        }
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Which of the children holds the lock, as its file says.
    fn holder(&self, children: &[Child]) -> Option<u64> {
        let name = format!("state/sessions/{}.lock", self.key.hash());
        let text = std::fs::read_to_string(self.home.path(&name)).ok()?;
        let pid: u32 = text.split(' ').nth(1)?.parse().ok()?;
        let found = children.iter().position(|child| child.id() == pid)?;
        Some(found as u64)
    }
}

/// SIGKILL.
fn kill(children: &mut [Child], n: u64, killed: &mut Vec<u64>) {
    let child = &mut children[usize::try_from(n).unwrap()];
    // Who has ended by itself is not killed.
    if matches!(child.try_wait(), Ok(None)) {
        child.kill().unwrap();
        killed.push(n);
    }
}

fn wait(span: Duration) {
    let (_nobody, says) = channel::<()>();
    assert!(says.recv_timeout(span).is_err());
}
