//! Row A-123: the records in a SQLite file belong to one process.

use std::sync::Arc;

use hallpass_protocol::random::SystemRandom;
use hallpass_server::admin::Admin;
use hallpass_server::{Server, Settings};
use hallpass_testing::TestServer;
use hallpass_testing::server::{CLIENTS, production_settings};

use crate::accounts::{PASSWORD, code, is_active, redeem, refresh};

#[tokio::test]
async fn s_268_a_123_beside_a_live_server_nobody_opens_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite://{}", folder.path().join("x.db").display());
    let settings = || Settings {
        consent: None,
        ..production_settings(CLIENTS, folder.path(), &database)
    };
    let server = TestServer::start(settings()).await;
    let person = server.person_with_account("ada", PASSWORD).await;
    let tokens = redeem(&server, &code(&person, "ada").await).await;
    assert!(is_active(&server, &tokens.member("access_token")).await);

    // A second server, and `hallpass admin … --offline`: a revocation there would go unheard.
    let clock = Arc::clone(&server.clock);
    let second = Server::start_with(settings(), clock, Arc::new(SystemRandom)).await;
    let told = second.unwrap_err().to_string();
    assert!(told.contains("x.db.lock"), "{told}");
    let told = Admin::open(settings()).await.unwrap_err().to_string();
    assert!(told.contains("x.db.lock"), "{told}");
    // The first one goes on.
    assert!(is_active(&server, &tokens.member("access_token")).await);
    let again = refresh(&server, &tokens.member("refresh_token")).await;
    assert_eq!(again.status, 200, "{}", again.body);

    // Once it has stopped, what is done to the file counts at the next start.
    server.stop().await;
    let admin = Admin::open(settings()).await.unwrap();
    admin.close().await;
    let next = TestServer::start(settings()).await;
    next.accounts().revoke_all("ada").await.unwrap();
    assert!(!is_active(&next, &again.member("access_token")).await);
    let refused = refresh(&next, &again.member("refresh_token")).await;
    assert_eq!(refused.refusal(), (400, "invalid_grant".to_owned()));
}
