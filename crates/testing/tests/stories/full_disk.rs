//! The disk under a SQLite file is full: what only reads goes on, what writes is refused for now,
//! and with room again everything goes on as if nothing had been (row S-267).

use hallpass_testing::Answer;

use crate::desk::Desk;
use crate::production::{Database, Production};
use crate::small_disk::can_mount;

/// The log of the database grows by a few pages with each write: long before this it has no room.
const MOST_WRITES: u32 = 5_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_267_a_101_on_a_full_disk_reads_go_on_and_writes_wait_for_room() {
    if !can_mount() {
        return;
    }
    let mut server = Production::prepare(Database::File, &["ada"]);
    server.move_to_small_disk(16 * 1024);
    server.start_again();
    let desk = Desk::new(&server.url, 1);
    let person = desk.signed_in_person("ada").await;
    let mut mine = desk.sign_in_by_device(&person).await.unwrap();
    desk.refresh(&mut mine).await;

    server.disk().fill();
    let refused = until_refused(&desk, &mut mine).await;
    is_refused_for_now("refresh", &refused);
    let started = desk.start_device_once().await;
    is_refused_for_now("device", &started);
    let revoked = desk.revoke_once(&mine).await;
    is_refused_for_now("revocation", &revoked);
    let page = person.open("/login").await;
    assert_eq!(page.status, 200, "{}", page.body);
    for path in [
        "/livez",
        "/readyz",
        "/.well-known/jwks.json",
        "/.well-known/openid-configuration",
    ] {
        assert_eq!(person.open(path).await.status, 200, "{path}");
    }
    assert!(desk.is_active(&mine.access_token).await);
    assert_eq!(desk.userinfo_status(&mine).await, 200);

    // Death on a full disk loses nothing either.
    server.kill();
    server.disk().make_room();
    server.start_again();
    desk.history.compare_at_rest(&server.rows());
    desk.refresh(&mut mine).await;

    // And a server that lived through it goes on by itself.
    server.disk().fill();
    until_refused(&desk, &mut mine).await;
    // What happens meanwhile is told on standard output, and that it was is kept.
    assert_eq!(desk.guess_a_secret().await.status, 401);
    let line = server.wait_for_line("client.auth_failed");
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(
        (&line["kept"], &line["client"]),
        (&false.into(), &"rs".into())
    );
    server.disk().make_room();
    desk.refresh(&mut mine).await;
    assert_eq!(desk.guess_a_secret().await.status, 401);
    let recovered = wait_for_record(&server, "system.recovered").await;
    let missed = recovered["detail"]["events"].as_u64();
    assert!(missed.is_some_and(|events| events >= 1), "{recovered}");
    server.audit(&["verify"]);
    let other = desk.sign_in_by_device(&person).await.unwrap();
    desk.revoke(&other).await;
    desk.history.compare_at_rest(&server.rows());
    let log = server.log();
    assert!(!log.contains("panicked"), "{log}");
}

/// Looks at the records until one of this event is there.
async fn wait_for_record(server: &Production, event: &str) -> serde_json::Value {
    for _ in 0..100 {
        let found = server.audit(&["search", "--event", event, "-o", "json"]);
        if let Some(line) = found.lines().next() {
            return serde_json::from_str(line).unwrap();
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("nobody wrote {event} down: {}", server.log());
}

/// Refreshes until there is no room to: the refusal.
async fn until_refused(desk: &Desk, mine: &mut crate::desk::SignedIn) -> Answer {
    for _ in 0..MOST_WRITES {
        if let Some(refused) = desk.refresh_once(mine).await {
            return refused;
        }
    }
    panic!("{MOST_WRITES} writes found room on a full disk");
}

#[track_caller]
fn is_refused_for_now(what: &str, answer: &Answer) {
    assert_eq!(
        answer.refusal(),
        (503, "temporarily_unavailable".to_owned()),
        "{what}: {}",
        answer.body
    );
    assert!(!answer.header("retry-after").is_empty(), "{what}");
}
