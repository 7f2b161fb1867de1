//! The JWT bearer grant at the token endpoint, as far as dev mode has it.

use hallpass_testing::{Answer, TestServer};

use crate::token::assert_json_refusal;

const GRANT: (&str, &str) = ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");

/// An assertion of the issuer `from` about the service `svc`.
async fn assertion(server: &TestServer, from: &str, audience: &str) -> String {
    let form = [("grant_type", "client_credentials"), ("audience", audience)];
    server
        .post_basic(&format!("/{from}/token"), ("svc", "x"), &form)
        .await
        .member("access_token")
}

async fn redeem(server: &TestServer, assertion: &str) -> Answer {
    server
        .post(
            "/default/token",
            &[
                GRANT,
                ("client_id", "cli"),
                ("assertion", assertion),
                ("scope", "b:read"),
            ],
        )
        .await
}

#[tokio::test]
async fn an_assertion_of_an_issuer_of_this_server_is_worth_a_token() {
    let server = TestServer::dev().await;
    for audience in [server.issuer(), server.url("/default/token")] {
        for from in ["default", "partner"] {
            let answer = redeem(&server, &assertion(&server, from, &audience).await).await;
            assert_eq!(answer.status, 200, "{from}: {}", answer.body);
            let claims = answer.claims("access_token");
            assert_eq!(
                (&claims["sub"], &claims["aud"]),
                (&"svc".into(), &"b:read".into())
            );
            assert_eq!(claims["iss"], server.issuer());
            assert_eq!(answer.json().get("refresh_token"), None);
        }
    }
}

#[tokio::test]
async fn s_139_a_bad_assertion_is_an_invalid_grant() {
    let server = TestServer::dev().await;
    let foreign_audience = assertion(&server, "default", "https://elsewhere.test").await;
    assert_json_refusal(
        &redeem(&server, &foreign_audience).await,
        400,
        "invalid_grant",
    );
    let stranger = TestServer::dev().await;
    let unknown_issuer = assertion(&stranger, "default", &server.issuer()).await;
    assert_json_refusal(
        &redeem(&server, &unknown_issuer).await,
        400,
        "invalid_grant",
    );
    assert_json_refusal(&redeem(&server, "garbage").await, 400, "invalid_grant");
    assert_json_refusal(&redeem(&server, "").await, 400, "invalid_request");
    let expired = assertion(&server, "default", &server.issuer()).await;
    server.advance(3611);
    assert_json_refusal(&redeem(&server, &expired).await, 400, "invalid_grant");
    let revoked = assertion(&server, "default", &server.issuer()).await;
    server
        .post_basic("/default/revoke", ("svc", "x"), &[("token", &revoked)])
        .await;
    assert_json_refusal(&redeem(&server, &revoked).await, 400, "invalid_grant");
}
