//! `hallpass serve` dies by SIGKILL while everybody works, or PostgreSQL does, and comes back:
//! nothing that was answered is lost, nothing is done twice, and nobody signs in again (rows S-58,
//! S-267).

use std::sync::Arc;
use std::sync::atomic::Ordering;

use hallpass_testing::TestPostgres;
use tokio::task::JoinSet;

use crate::desk::Desk;
use crate::dice::Dice;
use crate::history::Tally;
use crate::production::{Database, Production};

const PEOPLE: [&str; 4] = ["ada", "grace", "joan", "mary"];

/// What happens again and again.
#[derive(Clone, Copy)]
enum Fault {
    /// The server is killed.
    Server,
    /// PostgreSQL ends in the middle of whatever it does, or cuts everybody off.
    Postgres,
}

struct Story {
    server: Production,
    desk: Arc<Desk>,
    clients: JoinSet<()>,
    dice: Dice,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_267_a_server_on_a_file_is_killed_under_load_and_nothing_is_lost() {
    let tally = Story::run(Database::File, Fault::Server, 4, 1).await;
    println!("{tally:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_58_a_server_on_postgres_is_killed_under_load_and_nothing_is_lost() {
    let tally = Story::run(on_postgres(), Fault::Server, 4, 2).await;
    println!("{tally:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_58_postgres_ends_under_load_and_nothing_is_lost() {
    let tally = Story::run(on_postgres(), Fault::Postgres, 3, 3).await;
    println!("{tally:?}");
    assert!(tally.refused_for_now > 0, "{tally:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes: `just nightly`"]
async fn s_267_a_server_on_a_file_is_killed_200_times() {
    let tally = Story::run(Database::File, Fault::Server, 200, seed()).await;
    println!("{tally:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes: `just nightly`"]
async fn s_58_a_server_on_postgres_is_killed_200_times() {
    let tally = Story::run(on_postgres(), Fault::Server, 200, seed()).await;
    println!("{tally:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes: `just nightly`"]
async fn s_58_postgres_ends_50_times() {
    let tally = Story::run(on_postgres(), Fault::Postgres, 50, seed()).await;
    println!("{tally:#?}");
}

fn on_postgres() -> Database {
    Database::Server(TestPostgres::start())
}

fn seed() -> u64 {
    std::process::id().into()
}

impl Story {
    async fn run(database: Database, fault: Fault, times: u64, seed: u64) -> Tally {
        let server = Production::start(database, &PEOPLE);
        let dice = Dice::new(seed);
        let desk = Arc::new(Desk::new(&server.url, seed));
        let mut story = Self {
            server,
            desk,
            clients: JoinSet::new(),
            dice,
        };
        story.desk.history.tally().seed = seed;
        story.open();
        for _ in 0..times {
            let more = 20 + story.dice.below(60);
            story.work(more).await;
            story.desk.history.tally().stops += 1;
            match fault {
                Fault::Server => story.kill_the_server().await,
                Fault::Postgres => story.end_postgres().await,
            }
        }
        story.close().await
    }

    /// Lets the clients begin.
    fn open(&mut self) {
        for n in 0..12 {
            let (desk, name) = (Arc::clone(&self.desk), PEOPLE[n % PEOPLE.len()]);
            self.clients.spawn(async move {
                match n {
                    0..4 => desk.refresh_for_ever(name).await,
                    4..6 => desk.race_for_ever(name).await,
                    6..8 => desk.connect_devices_for_ever(name).await,
                    8..11 => desk.sign_in_for_ever(name).await,
                    _ => desk.audit_for_ever().await,
                }
            });
        }
    }

    /// Waits until so many changes are answered; a client that panics ends the story.
    async fn work(&mut self, more: u64) {
        let desk = Arc::clone(&self.desk);
        tokio::select! {
            () = desk.history.until_answered(more) => {}
            Some(ended) = self.clients.join_next() => {
                panic!("a client ended: {ended:?}\n{}", self.server.log());
            }
        }
    }

    async fn kill_the_server(&mut self) {
        self.server.kill();
        let desk = Arc::clone(&self.desk);
        let known = desk.history.known();
        // Every other time nobody asks while it starts: what the rows say then is what the disk
        // kept.
        let quiet = match self.dice.below(2) {
            0 => Some(desk.door.write().await),
            _ => None,
        };
        let known = if quiet.is_some() {
            desk.history.known()
        } else {
            known
        };
        self.server.start_again();
        desk.history.compare(&known, &self.server.rows());
        // At most the last second of what happened is gone, and no chain is broken.
        self.server.audit(&["verify"]);
    }

    async fn end_postgres(&mut self) {
        let known = self.desk.history.known();
        if self.dice.below(2) == 0 {
            self.server.postgres().crash();
        } else {
            self.server.postgres().stop();
        }
        let refused = self.desk.history.tally().refused_for_now;
        // Everybody meets the gap.
        while self.desk.history.tally().refused_for_now < refused + 12 {
            tokio::select! {
                () = tokio::task::yield_now() => {}
                Some(ended) = self.clients.join_next() => panic!("a client ended: {ended:?}"),
            }
        }
        self.server.postgres().start_again();
        self.desk.history.compare(&known, &self.server.rows());
    }

    /// Lets everybody finish what they began, and looks at everything.
    async fn close(mut self) -> Tally {
        self.work(20).await;
        self.desk.is_over.store(true, Ordering::Relaxed);
        // Who waits for a first answer hears that there is none to come.
        self.desk.history.note_answer();
        while let Some(ended) = self.clients.join_next().await {
            ended.unwrap();
        }
        self.desk.settle().await;
        self.desk.history.compare_at_rest(&self.server.rows());
        self.server.audit(&["verify"]);
        let log = self.server.log();
        assert!(!log.contains("panicked"), "{log}");
        self.desk.history.tally().clone()
    }
}
