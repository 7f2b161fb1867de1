//! Token exchange at the token endpoint, as far as dev mode has it.

use hallpass_testing::{Answer, TestServer};

use crate::token::assert_json_refusal;

const GRANT: (&str, &str) = (
    "grant_type",
    "urn:ietf:params:oauth:grant-type:token-exchange",
);
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

async fn exchange(server: &TestServer, token: &str, kind: &str, extra: &[(&str, &str)]) -> Answer {
    let form = [
        GRANT,
        ("subject_token", token),
        ("subject_token_type", kind),
    ];
    server
        .post("/default/token", &[&form[..], extra].concat())
        .await
}

#[tokio::test]
async fn s_69_s_76_s_85_an_access_token_for_another_audience() {
    let server = TestServer::dev().await;
    let token = server
        .sign_in("cli", "openid offline_access a", "ada")
        .await
        .member("access_token");
    server.advance(600);
    let target = [("audience", "service-b"), ("scope", "service-b:read")];
    let answer = exchange(&server, &token, ACCESS_TOKEN, &target).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(
        (answer.header("cache-control"), answer.header("pragma")),
        ("no-store", "no-cache")
    );
    assert_eq!(
        (
            answer.member("issued_token_type"),
            answer.member("token_type")
        ),
        (ACCESS_TOKEN.into(), "Bearer".into())
    );
    assert_eq!(answer.member("scope"), "service-b:read");
    assert_eq!(answer.json().get("refresh_token"), None);
    assert_eq!(answer.json()["expires_in"], 3000);
    let (before, after) = (
        hallpass_testing::http::claims_of(&token),
        answer.claims("access_token"),
    );
    assert_eq!(
        (&after["sub"], &after["aud"]),
        (&"ada".into(), &"service-b".into())
    );
    assert_eq!(
        after["exp"], before["exp"],
        "S-76: it ends with the subject token"
    );
    assert!(
        server.is_active(&token).await,
        "S-85: the subject token stays valid"
    );
    assert!(server.is_active(&answer.member("access_token")).await);
}

#[tokio::test]
async fn an_id_token_and_a_jwt_can_be_exchanged() {
    let server = TestServer::dev().await;
    let tokens = server.sign_in("cli", "openid", "ada").await;
    for (name, kind) in [
        ("id_token", ID_TOKEN),
        ("id_token", JWT),
        ("access_token", JWT),
    ] {
        let answer = exchange(&server, &tokens.member(name), kind, &[("audience", "b")]).await;
        assert_eq!(answer.status, 200, "{kind}: {}", answer.body);
        assert_eq!(answer.claims("access_token")["sub"], "ada");
    }
}

#[tokio::test]
async fn s_71_required_parameters() {
    let server = TestServer::dev().await;
    let token = server
        .sign_in("cli", "openid", "ada")
        .await
        .member("access_token");
    let all = [
        GRANT,
        ("subject_token", token.as_str()),
        ("subject_token_type", ACCESS_TOKEN),
    ];
    for left_out in 1..3 {
        let form: Vec<_> = all
            .iter()
            .enumerate()
            .filter(|(at, _)| *at != left_out)
            .map(|(_, pair)| *pair)
            .collect();
        assert_json_refusal(
            &server.post("/default/token", &form).await,
            400,
            "invalid_request",
        );
    }
    for extra in [
        &[("actor_token", "x")][..],
        &[("actor_token_type", ACCESS_TOKEN)],
        &[("requested_token_type", "urn:x")],
        &[("requested_token_type", ID_TOKEN)],
    ] {
        let answer = exchange(&server, &token, ACCESS_TOKEN, extra).await;
        assert_json_refusal(&answer, 400, "invalid_request");
    }
    for (extra, error) in [
        (("resource", "relative"), "invalid_target"),
        (("scope", "a\"b"), "invalid_scope"),
    ] {
        assert_json_refusal(
            &exchange(&server, &token, ACCESS_TOKEN, &[extra]).await,
            400,
            error,
        );
    }
}

#[tokio::test]
async fn s_72_a_46_a_61_bad_subject_tokens_are_invalid_requests() {
    let server = TestServer::dev().await;
    let tokens = server.sign_in("cli", "openid offline_access", "ada").await;
    let (access, id) = (tokens.member("access_token"), tokens.member("id_token"));
    for (token, kind) in [
        ("garbage", ACCESS_TOKEN),
        ("a.b.c", JWT),
        (&id, ACCESS_TOKEN),
        (&access, ID_TOKEN),
        (&access, "urn:x"),
        (&tokens.member("refresh_token"), ACCESS_TOKEN),
        (
            &tokens.member("refresh_token"),
            "urn:ietf:params:oauth:token-type:refresh_token",
        ),
    ] {
        assert_json_refusal(
            &exchange(&server, token, kind, &[]).await,
            400,
            "invalid_request",
        );
    }
    let stranger = TestServer::dev().await;
    assert_json_refusal(
        &exchange(&stranger, &access, ACCESS_TOKEN, &[]).await,
        400,
        "invalid_request",
    );
    server
        .post(
            "/default/revoke",
            &[("client_id", "cli"), ("token", &access)],
        )
        .await;
    assert_json_refusal(
        &exchange(&server, &access, ACCESS_TOKEN, &[]).await,
        400,
        "invalid_request",
    );
    // The authorization is gone: its ID token gives nothing either.
    let refresh = tokens.member("refresh_token");
    server
        .post(
            "/default/revoke",
            &[("client_id", "cli"), ("token", &refresh)],
        )
        .await;
    assert_json_refusal(
        &exchange(&server, &id, ID_TOKEN, &[]).await,
        400,
        "invalid_request",
    );
    let expired = server
        .sign_in("cli", "openid", "ada")
        .await
        .member("access_token");
    server.advance(3611);
    assert_json_refusal(
        &exchange(&server, &expired, ACCESS_TOKEN, &[]).await,
        400,
        "invalid_request",
    );
}

#[tokio::test]
async fn strict_mode_wants_a_client_that_may_exchange() {
    let server = TestServer::registered().await;
    let token = server
        .sign_in("cli", "openid", "ada")
        .await
        .member("access_token");
    assert_json_refusal(
        &exchange(&server, &token, ACCESS_TOKEN, &[]).await,
        401,
        "invalid_client",
    );
    let named = exchange(&server, &token, ACCESS_TOKEN, &[("client_id", "cli")]).await;
    assert_json_refusal(&named, 400, "unauthorized_client");
}
