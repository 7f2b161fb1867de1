//! A database from a copy: whose sign-in ended since the copy was made, does not get it back (row S-269).

use std::fs;

use crate::desk::Desk;
use crate::production::{Database, Production};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s_269_what_ended_since_the_copy_ends_again() {
    let mut server = Production::start(Database::File, &["ada", "bob"]);
    let desk = Desk::new(&server.url, 1);
    let (ada, bob) = (
        desk.signed_in_person("ada").await,
        desk.signed_in_person("bob").await,
    );
    let mut kept = desk.sign_in_by_device(&ada).await.unwrap();
    let revoked = desk.sign_in_by_device(&ada).await.unwrap();
    let locked = desk.sign_in_by_device(&bob).await.unwrap();
    let (copy, events) = (server.file("copy.db"), server.file("audit.jsonl"));
    let (copy, events) = (copy.to_str().unwrap(), events.to_str().unwrap());
    server.admin(&["backup", copy]);

    desk.revoke(&revoked).await;
    server.kill();
    server.admin(&["user", "lock", "bob"]);
    fs::write(
        events,
        server.audit(&["search", "--limit", "1000000", "-o", "json"]),
    )
    .unwrap();
    server.admin(&["restore", copy, "--keep-sessions", "--replay-audit", events]);

    server.start_again();
    desk.has_ended(&revoked).await;
    desk.has_ended(&locked).await;
    assert!(desk.refresh_once(&mut kept).await.is_none());
    let asks_to_sign_in = |body: &str| body.contains("name=\"password\"");
    let (ada, bob) = (ada.open("/account").await, bob.open("/account").await);
    assert!(!asks_to_sign_in(&ada.body), "{}", ada.body);
    assert!(asks_to_sign_in(&bob.body), "{}", bob.body);
}
