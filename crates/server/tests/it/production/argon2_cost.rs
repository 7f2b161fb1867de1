//! How much a password costs to check.

use hallpass_server::{ServerFlags, Settings};
use hallpass_testing::TestServer;
use hallpass_testing::server::production_settings;

use crate::accounts::{PASSWORD, is_in, log_in};

#[tokio::test]
async fn another_cost_of_passwords_counts_from_the_next_sign_in_on() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.db");
    let database = format!("sqlite://{}", file.display());
    let start = |memory_kib: u32| {
        let toml = format!("[login.argon2]\nmemory_kib = {memory_kib}\npasses = 1\n");
        TestServer::start(production_settings(&toml, folder.path(), &database))
    };
    let has = |hash: &str| {
        let bytes = std::fs::read(&file).unwrap();
        bytes
            .windows(hash.len())
            .any(|window| window == hash.as_bytes())
    };
    let server = start(64).await;
    server.person_with_account("ada", PASSWORD).await;
    server.stop().await;
    assert!(has("$argon2id$v=19$m=64,t=1,p=1$"));

    let server = start(128).await;
    // A wrong password changes nothing: there is nothing to hash anew.
    assert!(!is_in(
        &log_in(&server.person(), "ada", "not the password").await
    ));
    server.stop().await;
    assert!(!has("$argon2id$v=19$m=128,t=1,p=1$"));
    let server = start(128).await;
    assert!(is_in(&log_in(&server.person(), "ada", PASSWORD).await));
    server.stop().await;
    assert!(has("$argon2id$v=19$m=128,t=1,p=1$"));
    let server = start(128).await;
    assert!(is_in(&log_in(&server.person(), "ada", PASSWORD).await));
    server.stop().await;
}

#[test]
fn a_cost_that_argon2_cannot_have_is_refused_and_a_low_one_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let read = |cost: &str| {
        let file = folder.path().join("cost.toml");
        let text = format!(
            "public_url = \"https://id.test\"\n[tls]\nmode = \"off\"\n[login.argon2]\n{cost}\n"
        );
        std::fs::write(&file, text).unwrap();
        let flags = ServerFlags {
            config: Some(file),
            database: None,
        };
        Settings::production(&[], &flags)
    };
    for bad in [
        "memory_kib = 7",
        "memory_kib = 4000000000",
        "passes = 0",
        "passes = 1000",
        "lanes = 0",
        "lanes = 16\nmemory_kib = 100",
    ] {
        let error = read(bad).err().map(|error| error.to_string());
        let named = error
            .as_ref()
            .is_some_and(|text| text.contains("login.argon2."));
        assert!(named, "{bad}: {error:?}");
    }
    let weak = |cost: &str| {
        let warnings = read(cost).unwrap().warnings;
        warnings.iter().any(|text| text.contains("login.argon2"))
    };
    assert!(weak("memory_kib = 64") && weak("passes = 1"));
    assert!(!weak("memory_kib = 65536") && !weak("passes = 3") && !weak(""));
}
