//! The key ring outlives the process, and stops a start that it does not fit.

use hallpass_testing::TestServer;
use hallpass_testing::server::production_settings;

use super::issuer::DEVICE_CODE;

#[tokio::test]
async fn keys_and_people_outlive_a_restart_and_a_new_key_of_the_ring() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite://{}", folder.path().join("x.db").display());
    let toml = hallpass_testing::server::CLIENTS;
    let first = TestServer::start(production_settings(toml, folder.path(), &database)).await;
    let form = [("grant_type", "client_credentials")];
    let token = first
        .post_basic("/oauth2/token", ("svc", "s3cret"), &form)
        .await;
    let token = token.member("access_token");
    let jwks = first.get("/.well-known/jwks.json").await.json();
    let device = [("client_id", "cli")];
    let device = first
        .post("/oauth2/device_authorization", &device)
        .await
        .json();
    first.stop().await;

    let ring = folder.path().join("keyring.toml");
    let old = hallpass_server::key_ring::KeyRing::read(&ring).unwrap();
    let new = old
        .with_new_first(&hallpass_protocol::random::SystemRandom)
        .unwrap();
    std::fs::remove_file(&ring).unwrap();
    hallpass_server::key_ring::create(&ring, &new, hallpass_protocol::Timestamp::UNIX_EPOCH)
        .unwrap();

    let second = TestServer::start(production_settings(toml, folder.path(), &database)).await;
    assert_eq!(second.get("/.well-known/jwks.json").await.json(), jwks);
    let found = second
        .post_basic("/oauth2/introspect", ("rs", "s"), &[("token", &token)])
        .await;
    assert_eq!(found.json()["active"], true);
    // A code in flight is found under the key that it was made with.
    let code = device["device_code"].as_str().unwrap();
    let poll = [
        ("grant_type", DEVICE_CODE),
        ("client_id", "cli"),
        ("device_code", code),
    ];
    assert_eq!(
        second.post("/oauth2/token", &poll).await.refusal().1,
        "authorization_pending"
    );
    second.stop().await;

    // Without the key that the database needs nothing starts, and it is named.
    std::fs::remove_file(&ring).unwrap();
    let text = format!("[[key]]\nid = 2\nkey = \"{}\"\n", "A".repeat(42) + "E");
    std::fs::write(&ring, text).unwrap();
    private(&ring);
    let settings = production_settings(toml, folder.path(), &database);
    let error = hallpass_server::Server::start(settings).await.unwrap_err();
    assert!(error.to_string().contains("key 1"), "{error}");
}

#[cfg(unix)]
fn private(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

#[cfg(not(unix))]
fn private(_: &std::path::Path) {}

#[cfg(unix)]
#[tokio::test]
async fn a_ring_that_others_can_read_is_refused_with_its_mode() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite://{}", folder.path().join("x.db").display());
    let settings = production_settings("", folder.path(), &database);
    let ring = folder.path().join("keyring.toml");
    for mode in [0o604, 0o640, 0o644, 0o660] {
        std::fs::set_permissions(&ring, std::fs::Permissions::from_mode(mode)).unwrap();
        let error = hallpass_server::Server::start(settings.clone())
            .await
            .unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains(&format!("{mode:04o}")) && text.contains("keyring.toml"),
            "{text}"
        );
        assert!(error.hint().unwrap().contains("chmod 600"));
        assert!(!folder.path().join("x.db").exists(), "nothing was made");
    }
}
