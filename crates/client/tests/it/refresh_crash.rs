//! A refresh that is interrupted, by a crash, a lost answer or a full disk, loses nothing.

use std::sync::Arc;
use std::time::Duration;

use hallpass_client::{
    Client, ErrorKind, FileStore, LockAttempt, SessionKey, SessionRecord, SignIn, StoreGuard,
    TokenStore, Versioned,
};
use serde_json::json;
use tokio::sync::Notify;

use crate::fake::{Answer, Fake, TestClock, TestTimer};
use crate::person::Person;

/// Somebody who signed in a moment ago, and whose session is a file.
struct Desk {
    fake: Fake,
    clock: TestClock,
    timer: TestTimer,
    person: Person,
    folder: tempfile::TempDir,
}

impl Desk {
    async fn new() -> Self {
        let fake = Fake::start().await;
        let person = Person::who_signs_in(&fake);
        let desk = Self {
            clock: TestClock::new(),
            timer: TestTimer::default(),
            folder: tempfile::tempdir().unwrap(),
            fake,
            person,
        };
        let waits = desk.fake.client(&desk.person).clock(desk.clock.clone());
        let waits = waits.store(desk.store()).build().unwrap();
        waits.sign_in(SignIn::browser()).await.unwrap();
        desk.fake.expect_nonce(None);
        desk.fake.on("/token", |_, signer| {
            signer
                .tokens(&json!({"access_token": "at-2", "refresh_token": "rt-2", "id_token": null}))
        });
        desk
    }

    fn store(&self) -> FileStore {
        FileStore::in_state_dir(self.folder.path())
    }

    /// A client as another process has it: it shares nothing but the files.
    fn client(&self) -> Client {
        let client = self.fake.client(&self.person).store(self.store());
        let client = client.clock(self.clock.clone()).timer(self.timer.clone());
        client.build().unwrap()
    }

    async fn token(&self) -> Result<String, hallpass_client::Error> {
        let session = self.client().session().await?.unwrap();
        Ok(session.access_token().await?.expose().to_owned())
    }

    fn key(&self) -> SessionKey {
        self.store().list().unwrap().remove(0)
    }

    fn kept(&self) -> Versioned<SessionRecord> {
        self.store().load(&self.key()).unwrap().unwrap()
    }

    fn sent(&self) -> Vec<String> {
        let seen = self.fake.seen("/token");
        seen.iter()
            .filter_map(|request| request.field("refresh_token"))
            .collect()
    }

    fn lock(&self) -> StoreGuard {
        match self.store().try_lock(&self.key()).unwrap() {
            LockAttempt::Locked(guard) => guard,
            LockAttempt::Busy(holder) => panic!("{holder:?}"),
        }
    }

    /// A refresh whose process is gone before it hears the answer.
    async fn crash(&self) {
        let asked = Arc::new(Notify::new());
        let tell = Arc::clone(&asked);
        self.fake.on("/token", move |_, _| {
            tell.notify_one();
            Answer::Never
        });
        let session = self.client().session().await.unwrap().unwrap();
        tokio::select! {
            ended = session.refresh() => panic!("{ended:?}"),
            () = asked.notified() => {}
        }
    }
}

#[tokio::test]
async fn an_intent_is_on_the_disk_before_the_token_is_sent_and_gone_after_the_answer() {
    let desk = Desk::new().await;
    let (store, key) = (desk.store(), desk.key());
    desk.fake.on("/token", move |_, signer| {
        let intent = store.load(&key).unwrap().unwrap().value.intent.unwrap();
        assert_eq!(intent.pid, std::process::id());
        assert!(!intent.rt_fingerprint.contains("rt-1"));
        signer.tokens(&json!({"access_token": "at-2", "refresh_token": "rt-2", "id_token": null}))
    });
    desk.clock.advance(3600);
    let before = desk.kept().generation;
    assert_eq!(desk.token().await.unwrap(), "at-2");
    let kept = desk.kept();
    assert_eq!((kept.value.intent, kept.generation.0), (None, before.0 + 2));
}

#[tokio::test]
async fn c_22_and_a_91_the_answer_of_a_crashed_refresh_is_asked_for_at_once() {
    let desk = Desk::new().await;
    desk.crash().await;
    desk.fake.on("/token", |_, signer| {
        signer.tokens(&json!({"access_token": "at-2", "refresh_token": "rt-2", "id_token": null}))
    });
    // The access token is good for an hour, but the refresh token may have been used up: in a
    // minute the server would take it for stolen.
    desk.clock.advance(5);
    assert_eq!(desk.token().await.unwrap(), "at-2");
    assert_eq!(desk.sent(), ["rt-1", "rt-1"]);
    assert_eq!(desk.kept().value.intent, None);
}

#[tokio::test]
async fn c_72_after_20_seconds_a_good_token_is_used_and_the_server_is_left_alone() {
    let desk = Desk::new().await;
    desk.crash().await;
    desk.clock.advance(21);
    assert_eq!(desk.token().await.unwrap(), "at-1");
    assert_eq!(desk.sent(), ["rt-1"]);
    // When it has to be renewed, the old refresh token is still the only one there is.
    desk.clock.advance(3600);
    desk.fake.on("/token", |_, signer| {
        signer.tokens(&json!({"access_token": "at-2", "refresh_token": "rt-2", "id_token": null}))
    });
    assert_eq!(desk.token().await.unwrap(), "at-2");
}

#[tokio::test]
async fn c_72_two_processes_share_one_window_for_replays() {
    let desk = Desk::new().await;
    desk.crash().await;
    desk.clock.advance(19);
    desk.fake.on("/token", |_, _| Answer::Drop);
    // 19 s have gone: one try, and one replay half a second later; the third would be too late.
    assert_eq!(desk.token().await.unwrap(), "at-1");
    assert_eq!(desk.sent(), ["rt-1"; 3]);
}

#[tokio::test]
async fn a_server_that_cannot_be_connected_to_leaves_the_session_as_it_was() {
    let desk = Desk::new().await;
    let (store, key) = (desk.store(), desk.key());
    let found = desk.kept();
    let mut value = found.value;
    // A port where nobody listens.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    value.token_endpoint = format!("http://{}/token", port.local_addr().unwrap());
    drop(port);
    store
        .compare_and_swap(&key, Some(found.generation), &value)
        .unwrap();
    desk.clock.advance(3600);
    let error = desk.token().await.unwrap_err();
    assert_eq!(error.exit_code(), 7, "{error}");
    let kept = desk.kept().value;
    assert_eq!(format!("{kept:?}"), format!("{value:?}"));
    assert_eq!(kept.refresh_token, value.refresh_token);
}

#[tokio::test]
async fn retry_after_is_waited_for_if_there_is_time() {
    let desk = Desk::new().await;
    let busy = |seconds: &str| {
        let header = vec![("Retry-After", seconds.to_owned())];
        Answer::Raw(503, header, String::new())
    };
    let mut is_first = true;
    desk.fake.on("/token", move |_, signer| {
        if std::mem::take(&mut is_first) {
            return busy("7");
        }
        signer.tokens(&json!({"access_token": "at-2", "refresh_token": "rt-2", "id_token": null}))
    });
    desk.clock.advance(3600);
    let start = desk.timer.now();
    assert_eq!(desk.token().await.unwrap(), "at-2");
    let waited = desk.timer.now().checked_sub(start).unwrap();
    assert_eq!(waited, Duration::from_secs(7));

    desk.fake.on("/token", move |_, _| busy("30"));
    desk.clock.advance(3600);
    let before = desk.sent().len();
    let error = desk.token().await.unwrap_err();
    let retry_after = Some(Duration::from_secs(30));
    assert_eq!(error.kind(), &ErrorKind::Unavailable { retry_after });
    assert_eq!(desk.sent().len(), before + 1);
}

#[tokio::test]
async fn who_must_wait_longer_than_35_seconds_is_told_for_whom() {
    let desk = Desk::new().await;
    let held = desk.lock();
    desk.clock.advance(3600);
    let start = desk.timer.now();
    let error = desk.token().await.unwrap_err();
    let waited = desk.timer.now().checked_sub(start).unwrap();
    assert!((35..37).contains(&waited.as_secs()), "{waited:?}");
    assert_eq!(error.exit_code(), 9);
    let command = std::env::current_exe().unwrap();
    let command = command.file_name().unwrap().to_str().unwrap();
    let holder = format!("pid {} {command}", std::process::id());
    assert!(error.to_string().contains(&holder), "{error}");
    assert!(error.hint().is_some() && desk.sent().is_empty());
    drop(held);
    assert_eq!(desk.token().await.unwrap(), "at-2");
}

#[tokio::test]
async fn c_21_nobody_waits_for_a_refresh_while_the_token_is_good() {
    let desk = Desk::new().await;
    let _held = desk.lock();
    desk.clock.advance(570);
    let start = desk.timer.now();
    assert_eq!(desk.token().await.unwrap(), "at-1");
    assert_eq!((desk.timer.now(), desk.sent().len()), (start, 0));
}

#[tokio::test]
async fn a_token_that_came_late_is_tried_before_the_session_is_ended() {
    let desk = Desk::new().await;
    let (store, key) = (desk.store(), desk.key());
    desk.fake.on("/token", move |request, signer| {
        if request.field("refresh_token").as_deref() == Some("rt-late") {
            return signer.tokens(&json!({"access_token": "at-3", "id_token": null}));
        }
        let found = store.load(&key).unwrap().unwrap();
        let mut late = found.value;
        late.refresh_token = Some(hallpass_client::Secret::from("rt-late"));
        store
            .compare_and_swap(&key, Some(found.generation), &late)
            .unwrap();
        Answer::Json(400, json!({"error": "invalid_grant"}))
    });
    desk.clock.advance(3600);
    assert_eq!(desk.token().await.unwrap(), "at-3");
    assert_eq!(desk.sent(), ["rt-1", "rt-late"]);
}

#[tokio::test]
async fn where_nothing_can_be_kept_nothing_is_sent() {
    let desk = Desk::new().await;
    let sessions = desk.folder.path().join("sessions");
    // A folder in the way of the file that holds the lock for writing.
    let lock = sessions.join("write.lock");
    std::fs::remove_file(&lock).unwrap();
    std::fs::create_dir(&lock).unwrap();
    // In the window, the token is still good.
    desk.clock.advance(570);
    assert_eq!(desk.token().await.unwrap(), "at-1");
    desk.clock.advance(3600);
    let error = desk.token().await.unwrap_err();
    assert_eq!((error.kind(), error.exit_code()), (&ErrorKind::Store, 9));
    assert!(desk.sent().is_empty());
    std::fs::remove_dir(&lock).unwrap();
    assert_eq!(desk.token().await.unwrap(), "at-2");
}

#[tokio::test]
async fn q_40_the_end_of_a_token_is_told_by_the_server_clock() {
    let desk = Desk::new().await;
    // Ours is slow by an hour and a half: the sign-in was answered "from the future".
    desk.clock.advance(-5400);
    let session = desk.client().session().await.unwrap().unwrap();
    session.refresh().await.unwrap();
    let before = desk.sent().len();
    desk.clock.advance(530);
    assert_eq!(desk.token().await.unwrap(), "at-2");
    assert_eq!(desk.sent().len(), before);
    desk.clock.advance(12);
    desk.token().await.unwrap();
    assert_eq!(desk.sent().len(), before + 1);
}

#[tokio::test]
async fn a_kept_token_is_read_without_a_runtime_and_only_while_it_is_good() {
    let desk = Desk::new().await;
    let (client, clock) = (desk.client(), desk.clock.clone());
    let read = move || {
        let session = client.find_session().unwrap().unwrap();
        let token = session.kept_access_token(Duration::ZERO);
        token.map(|token| token.expose().to_owned())
    };
    // A thread of its own has no runtime.
    let (good, due) = std::thread::spawn(move || {
        let good = read();
        clock.advance(570);
        (good, read())
    })
    .join()
    .unwrap();
    assert_eq!((good.as_deref(), due), (Some("at-1"), None));
    assert!(desk.sent().is_empty());
}
