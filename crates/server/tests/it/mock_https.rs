//! `httpServer.ssl`: HTTPS with a certificate made at start, or with one of a key store.

use hallpass_server::{Certificate, DevFlags, Running, Server, Settings};
use serde_json::Value;

async fn start(settings: Settings) -> Running {
    Server::start(settings).await.unwrap()
}

fn client() -> reqwest::ClientBuilder {
    reqwest::Client::builder().no_proxy()
}

#[tokio::test]
async fn a_generated_certificate_serves_https_on_every_loopback_name() {
    let settings = Settings {
        tls: Some(Certificate::self_signed()),
        ..Settings::for_tests()
    };
    let server = start(settings).await;
    assert!(server.url().starts_with("https://localhost:"));
    let trusting = client().danger_accept_invalid_certs(true).build().unwrap();
    let port = server.addresses()[0].port();
    for host in ["localhost", "127.0.0.1"] {
        let base = format!("https://{host}:{port}");
        let url = format!("{base}/default/.well-known/openid-configuration");
        let metadata: Value = trusting
            .get(url)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        assert_eq!(metadata["issuer"], format!("{base}/default"));
        assert_eq!(metadata["token_endpoint"], format!("{base}/default/token"));
    }
    // Nobody vouches for it: whoever checks, refuses it.
    let checking = client().build().unwrap();
    assert!(checking.get(server.url()).send().await.is_err());
    // Plain HTTP on that port is no answer, and does not hurt the others.
    let plain = format!("http://localhost:{port}/isalive");
    assert!(client().build().unwrap().get(plain).send().await.is_err());
    let alive = trusting
        .get(format!("{}/isalive", server.url()))
        .send()
        .await
        .unwrap();
    assert_eq!(alive.version(), reqwest::Version::HTTP_2);
    assert_eq!(alive.text().await.unwrap(), "alive and well");
    server.shutdown().await;
}

#[tokio::test]
async fn a_key_store_serves_https() {
    let config = r#"{"httpServer": {"type": "NettyWrapper", "ssl": {"keystoreFile": "src/tls/testdata/keytool.p12",
        "keystoreType": "PKCS12", "keystorePassword": "changeit", "keyPassword": "changeit"}}}"#;
    let env = |name: &str| (name == "JSON_CONFIG").then(|| config.to_owned());
    let flags = DevFlags {
        port: Some(0),
        ..DevFlags::default()
    };
    let server = start(Settings {
        algorithm: Settings::for_tests().algorithm,
        ..Settings::dev(&env, flags).unwrap()
    })
    .await;
    let trusting = client().danger_accept_invalid_certs(true).build().unwrap();
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", "svc"),
        ("client_secret", "x"),
    ];
    let url = format!("{}/default/token", server.url());
    let answer = trusting.post(url).form(&form).send().await.unwrap();
    let tokens: Value = answer.json().await.unwrap();
    let claims = hallpass_testing::claims_of(tokens["access_token"].as_str().unwrap());
    assert_eq!(claims["iss"], format!("{}/default", server.url()));
}

#[tokio::test]
async fn a_proxy_still_says_how_it_was_asked() {
    let settings = Settings {
        tls: Some(Certificate::self_signed()),
        ..Settings::for_tests()
    };
    let server = start(settings).await;
    let trusting = client().danger_accept_invalid_certs(true).build().unwrap();
    let url = format!("{}/default/.well-known/openid-configuration", server.url());
    let request = trusting
        .get(url)
        .header("x-forwarded-proto", "http")
        .header("x-forwarded-port", "80");
    let metadata: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(metadata["issuer"], "http://localhost/default");
}
