//! Redirect URIs at the authorization endpoint: equal byte for byte, loopback ports apart.

use hallpass_testing::{Answer, Person, TestServer};

use crate::authorization::assert_page_400;

async fn ask(server: &TestServer, client_id: &str, redirect_uri: &str) -> Answer {
    let changes = [("redirect_uri", redirect_uri)];
    server
        .get(&Person::authorization_path_with(
            client_id, "openid", &changes,
        ))
        .await
}

#[tokio::test]
async fn s_38_a_22_a_redirect_uri_is_equal_byte_for_byte() {
    let server = TestServer::registered().await;
    assert_eq!(ask(&server, "web", "https://app.test/cb").await.status, 200);
    for uri in [
        "https://app.test/Cb",
        "https://app.test/cb/",
        "https://app.test/cb?x=1",
        "https://app.test/cb?",
        "https://app.test/c%62",
        "https://app.test/c%2eb",
        "https://app.test%2Fcb",
        "https://app.test/x/../cb",
        "https://app.test/./cb",
        "https://app.test:443/cb",
        "https://u@app.test/cb",
        "https://app.test@evil.test/cb",
        "https://app.test/cb#f",
        "https://app.test/cb#",
        "https://sub.app.test/cb",
        "https://xn--pp-eja.test/cb",
        "https://\u{430}pp.test/cb",
        "https://app.test\\@evil.test/cb",
        "https://app.test/cb\t",
        "https://app.test/cb\n",
        "https://app.test/cb\0",
        " https://app.test/cb",
        "HTTPS://app.test/cb",
        "https://APP.test/cb",
        "http://app.test/cb",
        "//app.test/cb",
        "/cb",
        "javascript:alert(1)",
        "data:text/html,x",
    ] {
        assert_page_400(&ask(&server, "web", uri).await, uri);
    }
}

#[tokio::test]
async fn s_39_a_24_the_port_of_a_loopback_uri_is_ignored_and_nothing_else() {
    let server = TestServer::registered().await;
    for authority in [
        "127.0.0.1:1",
        "127.0.0.1:49152",
        "127.0.0.1:65535",
        "127.0.0.1",
    ] {
        assert_eq!(
            ask(&server, "cli", &format!("http://{authority}/callback"))
                .await
                .status,
            200,
            "{authority}"
        );
    }
    for uri in [
        "http://localhost:1/callback",
        "http://localhost:9/callback",
        "http://[::1]:1/callback",
        "https://127.0.0.1:1/callback",
        "http://127.0.0.1:1/callback/",
        "http://127.0.0.1:1/callback?x=1",
        "http://127.0.0.1:1/Callback",
        "http://127.0.0.1:1/",
    ] {
        assert_page_400(&ask(&server, "cli", uri).await, uri);
    }
    let toml =
        "[[client]]\nid = \"cli\"\nredirect_uris = [\"http://localhost/cb\", \"http://[::1]/cb\"]";
    let server = TestServer::strict(toml).await;
    assert_eq!(
        ask(&server, "cli", "http://localhost:9/cb").await.status,
        200
    );
    assert_eq!(ask(&server, "cli", "http://[::1]:9/cb").await.status, 200);
    assert_page_400(
        &ask(&server, "cli", "http://127.0.0.1:9/cb").await,
        "the reverse",
    );
}

#[tokio::test]
async fn s_40_a_23_only_three_literals_are_loopback() {
    let (strict, dev) = (TestServer::registered().await, TestServer::dev().await);
    for uri in [
        "http://127.0.0.2/callback",
        "http://127.1/callback",
        "http://0x7f.1/callback",
        "http://0x7f000001/callback",
        "http://2130706433/callback",
        "http://127.0.0.1.evil.test/callback",
        "http://localhost.evil.test/callback",
        "http://localhost./callback",
        "http://[::ffff:127.0.0.1]/callback",
        "http://[::ffff:7f00:1]/callback",
        "http://[0:0:0:0:0:0:0:1]/callback",
        "http://127.0.0.1:80@evil.test/callback",
        "http://127.0.0.1@evil.test/callback",
        "http://127.0.0.1\\@evil.test/callback",
        "http://127.0.0.1:99999/callback",
        "http://127.0.0.1:0/callback",
        "http://127.0.0.1:-1/callback",
        "http://127.0.0.1:080/callback",
        "http://0.0.0.0/callback",
    ] {
        assert_page_400(&ask(&strict, "cli", uri).await, uri);
        assert_page_400(&ask(&dev, "anything", uri).await, uri);
    }
}

#[tokio::test]
async fn an_unconfigured_client_of_dev_mode_may_use_any_plain_loopback_uri() {
    let server = TestServer::dev().await;
    for uri in [
        "http://localhost:8085/callback",
        "http://[::1]:1/x?y=z",
        "http://127.0.0.1",
    ] {
        assert_eq!(ask(&server, "anything", uri).await.status, 200, "{uri}");
    }
    for uri in [
        "https://app.test/cb",
        "com.example.app:/cb",
        "http://localhost/a/../b",
        "http://localhost/a/%2e%2E/b",
        "http://localhost/a#f",
        "http://u@localhost/a",
    ] {
        assert_page_400(&ask(&server, "anything", uri).await, uri);
    }
}
