//! Refresh tokens, codes and device codes that only the owner of a key can use.

use hallpass_testing::{Person, TestServer};

use super::owner::{Owner, code, post, redemption, refreshing, sign_in, token};
use crate::token::assert_json_refusal;

#[tokio::test]
async fn s_106_s_61_a_54_a_public_client_s_refresh_token_needs_its_key() {
    let server = TestServer::registered().await;
    let (owner, thief) = (Owner::new(), Owner::new());
    let refresh = sign_in(&server, &owner).await.member("refresh_token");
    let form = refreshing(&refresh);
    let by = |who: &Owner| who.proof(&server, "/default/token");
    assert_json_refusal(
        &server.post("/default/token", &form).await,
        400,
        "invalid_dpop_proof",
    );
    assert_json_refusal(
        &token(&server, &form, &by(&thief)).await,
        400,
        "invalid_grant",
    );
    // The family is untouched, and does not rotate.
    for _ in 0..2 {
        let again = token(&server, &form, &by(&owner)).await;
        assert_eq!(again.status, 200, "{}", again.body);
        assert_eq!(again.member("refresh_token"), refresh);
        assert_eq!(again.claims("access_token")["cnf"]["jkt"], owner.jkt());
    }
}

#[tokio::test]
async fn s_106_a_confidential_client_may_change_its_key() {
    let server = TestServer::registered().await;
    let path = Person::authorization_path_with("web", "openid offline_access", &[]);
    let answer = server.person().sign_in_at(&path, "ada").await;
    let code = answer.redirect_parameters()["code"].clone();
    let secret = [("client_id", "web")];
    let send = async |form: &[(&str, &str)], proof: Option<String>| {
        let request = server
            .http()
            .post(server.url("/default/token"))
            .basic_auth("web", Some("s3cret"))
            .form(&[form, &secret[..]].concat());
        let request = match proof {
            Some(proof) => request.header("DPoP", proof),
            None => request,
        };
        server.send(request).await
    };
    let (one, two) = (Owner::new(), Owner::new());
    let form: Vec<_> = redemption(&code)
        .into_iter()
        .filter(|(name, _)| *name != "client_id")
        .collect();
    let tokens = send(&form, Some(one.proof(&server, "/default/token"))).await;
    assert_eq!(tokens.claims("access_token")["cnf"]["jkt"], one.jkt());
    let refresh = tokens.member("refresh_token");
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh.as_str()),
    ];
    let again = send(&form, Some(two.proof(&server, "/default/token"))).await;
    assert_eq!(again.claims("access_token")["cnf"]["jkt"], two.jkt());
    let plain = send(&form, None).await;
    assert_eq!(
        (plain.status, &*plain.member("token_type")),
        (200, "Bearer")
    );
}

#[tokio::test]
async fn s_108_s_46_dpop_jkt_binds_the_code() {
    let server = TestServer::registered().await;
    let (owner, thief) = (Owner::new(), Owner::new());
    let jkt = owner.jkt();
    let bound = [("dpop_jkt", jkt.as_str())];
    let stolen = code(&server, &bound).await;
    let by = |who: &Owner| who.proof(&server, "/default/token");
    assert_json_refusal(
        &token(&server, &redemption(&stolen), &by(&thief)).await,
        400,
        "invalid_grant",
    );
    assert_json_refusal(
        &token(&server, &redemption(&stolen), &by(&owner)).await,
        400,
        "invalid_grant",
    );
    let good = code(&server, &bound).await;
    assert_json_refusal(
        &server.post("/default/token", &redemption(&good)).await,
        400,
        "invalid_dpop_proof",
    );
    let tokens = token(&server, &redemption(&good), &by(&owner)).await;
    assert_eq!(tokens.claims("access_token")["cnf"]["jkt"], jkt);
    let path = Person::authorization_path_with("cli", "openid", &[("dpop_jkt", "short")]);
    let refused = server.get(&path).await;
    crate::authorization::assert_redirect_error(&server, &refused, "invalid_request");
}

#[tokio::test]
async fn s_27_a_proof_at_the_poll_binds_the_tokens_and_a_bad_one_uses_up_no_code() {
    let server = TestServer::registered().await;
    let owner = Owner::new();
    let form = [("client_id", "cli"), ("scope", "openid offline_access")];
    let device = server.post("/default/device/authorize", &form).await;
    let device_code = device.member("device_code");
    let polling = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("client_id", "cli"),
        ("device_code", device_code.as_str()),
    ];
    let user_code = device.member("user_code");
    server.person().approve(&user_code, "ada").await;
    for bad in [
        owner.proof(&server, "/default/userinfo"),
        "no.proof.".to_owned(),
    ] {
        let refused = token(&server, &polling, &bad).await;
        assert_json_refusal(&refused, 400, "invalid_dpop_proof");
    }
    let tokens = token(&server, &polling, &owner.proof(&server, "/default/token")).await;
    assert_eq!(tokens.member("token_type"), "DPoP", "{}", tokens.body);
    assert_eq!(tokens.claims("access_token")["cnf"]["jkt"], owner.jkt());
}

#[tokio::test]
async fn s_257_a_device_that_proves_a_key_keeps_it() {
    let server = TestServer::registered().await;
    let (owner, thief) = (Owner::new(), Owner::new());
    let path = "/default/device/authorize";
    let form = [("client_id", "cli"), ("scope", "openid offline_access")];
    let device = post(&server, path, &form, &[&owner.proof(&server, path)]).await;
    assert_eq!(device.status, 200, "{}", device.body);
    let device_code = device.member("device_code");
    let polling = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("client_id", "cli"),
        ("device_code", device_code.as_str()),
    ];
    let by = |who: &Owner| who.proof(&server, "/default/token");
    for _ in 0..2 {
        assert_json_refusal(
            &token(&server, &polling, &by(&thief)).await,
            400,
            "invalid_grant",
        );
        assert_json_refusal(
            &server.post("/default/token", &polling).await,
            400,
            "invalid_dpop_proof",
        );
    }
    // None of these counted as a poll.
    let pending = token(&server, &polling, &by(&owner)).await;
    assert_json_refusal(&pending, 400, "authorization_pending");
    server.advance(5);
    let user_code = device.member("user_code");
    server.person().approve(&user_code, "ada").await;
    assert_json_refusal(
        &token(&server, &polling, &by(&thief)).await,
        400,
        "invalid_grant",
    );
    let tokens = token(&server, &polling, &by(&owner)).await;
    assert_eq!(tokens.status, 200, "{}", tokens.body);
    assert_eq!(tokens.claims("access_token")["cnf"]["jkt"], owner.jkt());
}
