//! Finding the metadata, and refusing what is somebody else's.

use hallpass_client::{Client, ErrorKind, MemoryStore, SecurityViolation};
use serde_json::json;

use crate::fake::{Answer, Fake};

fn client(issuer: &str) -> Client {
    Client::builder(issuer, "cli")
        .store(MemoryStore::new())
        .build()
        .unwrap()
}

#[tokio::test]
async fn c_53_another_issuer_in_the_document_is_refused_and_named() {
    let fake = Fake::start().await;
    let slash = client(&format!("{}/", fake.issuer))
        .metadata()
        .await
        .unwrap_err();
    assert_eq!((slash.kind(), slash.exit_code()), (&ErrorKind::Config, 5));
    assert!(
        slash
            .hint()
            .unwrap()
            .contains(&format!("`{}`", fake.issuer))
    );
    fake.announce("issuer", json!("https://evil.test\u{1b}[2J"));
    let error = client(&fake.issuer).metadata().await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Config);
    assert!(error.to_string().contains("evil.test") && !error.to_string().contains('\u{1b}'));
}

#[tokio::test]
async fn c_54_openid_first_then_oauth_and_every_endpoint_must_be_safe() {
    let fake = Fake::start().await;
    fake.on("/.well-known/openid-configuration", |_, _| {
        Answer::Raw(
            200,
            vec![("content-type", "text/html".to_owned())],
            "<html>".to_owned(),
        )
    });
    let metadata = fake.metadata();
    fake.on("/.well-known/oauth-authorization-server", move |_, _| {
        Answer::Json(200, metadata.clone())
    });
    client(&fake.issuer).metadata().await.unwrap();
    let asked: Vec<_> = fake.all_seen().into_iter().map(|seen| seen.path).collect();
    assert_eq!(
        asked,
        [
            "/.well-known/openid-configuration",
            "/.well-known/oauth-authorization-server"
        ]
    );

    let fake = Fake::start().await;
    fake.announce("token_endpoint", json!("http://as.test/token"));
    let error = client(&fake.issuer).metadata().await.unwrap_err();
    assert!(error.to_string().contains("token_endpoint"), "{error}");
}

#[tokio::test]
async fn c_54_a_document_of_more_than_a_megabyte_is_not_read() {
    let fake = Fake::start().await;
    fake.announce("padding", json!("x".repeat(1024 * 1024)));
    let error = client(&fake.issuer).metadata().await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Protocol);
    assert!(error.to_string().contains("1 MB"), "{error}");
}

#[tokio::test]
async fn c_55_an_issuer_with_a_path_is_looked_for_in_three_places() {
    let fake = Fake::start_at("/t1").await;
    client(&fake.issuer).metadata().await.unwrap();
    assert_eq!(
        fake.all_seen()[0].path,
        "/t1/.well-known/openid-configuration"
    );

    fake.on("/t1/.well-known/openid-configuration", |_, _| {
        Answer::Json(404, json!({}))
    });
    let metadata = fake.metadata();
    fake.on("/.well-known/oauth-authorization-server/t1", move |_, _| {
        Answer::Json(200, metadata.clone())
    });
    client(&fake.issuer).metadata().await.unwrap();

    fake.on("/.well-known/oauth-authorization-server/t1", |_, _| {
        Answer::Json(404, json!({}))
    });
    let error = client(&fake.issuer).metadata().await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Config);
    assert_eq!(
        fake.all_seen().last().unwrap().path,
        "/t1/.well-known/oauth-authorization-server"
    );
}

#[tokio::test]
async fn c_45_a_document_may_move_on_its_host_and_not_to_another() {
    let (fake, other) = (Fake::start().await, Fake::start().await);
    let metadata = fake.metadata();
    fake.on("/moved", move |_, _| Answer::Json(200, metadata.clone()));
    fake.on("/.well-known/openid-configuration", |_, _| {
        Answer::Raw(302, vec![("location", "/moved".to_owned())], String::new())
    });
    client(&fake.issuer).metadata().await.unwrap();
    let target = format!("{}/moved", other.issuer);
    fake.on("/.well-known/openid-configuration", move |_, _| {
        Answer::Raw(302, vec![("location", target.clone())], String::new())
    });
    let error = client(&fake.issuer).metadata().await.unwrap_err();
    assert_eq!(
        error.kind(),
        &ErrorKind::Security(SecurityViolation::Redirect)
    );
    assert!(other.all_seen().is_empty());
}

#[tokio::test]
async fn a_server_that_is_away_or_busy_is_unavailable() {
    let fake = Fake::start().await;
    fake.on("/.well-known/openid-configuration", |_, _| {
        Answer::Raw(503, vec![("retry-after", "7".to_owned())], String::new())
    });
    let error = client(&fake.issuer).metadata().await.unwrap_err();
    let retry_after = Some(std::time::Duration::from_secs(7));
    assert_eq!(error.kind(), &ErrorKind::Unavailable { retry_after });
    let error = client("http://127.0.0.1:1").metadata().await.unwrap_err();
    assert_eq!(
        (
            error.exit_code(),
            error.to_string().contains("cannot reach")
        ),
        (7, true)
    );
}
