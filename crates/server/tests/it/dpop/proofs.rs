//! Which proofs are good.

use std::time::Duration;

use hallpass_testing::TestServer;
use hallpass_testing::server::START;
use serde_json::{Value, json};

use super::owner::{Owner, SERVICE, assert_challenge, post, sign_in, token, userinfo};
use crate::token::assert_json_refusal;

#[tokio::test]
async fn s_93_a_51_a_56_a_57_a_broken_proof_is_refused() {
    let server = TestServer::dev().await;
    let owner = Owner::new();
    let other = Owner::new();
    let none = json!({});
    let private = {
        let mut jwk = owner.0.public_jwk().to_bare_json();
        jwk["d"] = json!("AAAA");
        jwk
    };
    let symmetric = json!({ "kty": "oct", "k": "AAAA" });
    assert_eq!(
        token(&server, &SERVICE, &owner.odd(&server, &none, &none))
            .await
            .status,
        200
    );
    for (header, claims) in [
        (json!({ "typ": "JWT" }), &none),
        (json!({ "typ": null }), &none),
        (json!({ "alg": "none" }), &none),
        (json!({ "alg": "HS256" }), &none),
        (json!({ "alg": "HS256", "jwk": symmetric }), &none),
        (json!({ "alg": "RS256" }), &none),
        (json!({ "jwk": null }), &none),
        (json!({ "jwk": private }), &none),
        (json!({ "jwk": other.0.public_jwk().to_bare_json() }), &none),
        (none.clone(), &json!({ "jti": null })),
        (none.clone(), &json!({ "jti": "j".repeat(10_000) })),
        (none.clone(), &json!({ "htm": null })),
        (none.clone(), &json!({ "htu": null })),
        (none.clone(), &json!({ "iat": null })),
        (none.clone(), &json!({ "iat": "1" })),
    ] {
        let proof = owner.odd(&server, &header, claims);
        let answer = token(&server, &SERVICE, &proof).await;
        assert_json_refusal(&answer, 400, "invalid_dpop_proof");
    }
    for text in ["", "x", "a.b.c", "a.b.c.d.e"] {
        let answer = token(&server, &SERVICE, text).await;
        assert_json_refusal(&answer, 400, "invalid_dpop_proof");
    }
    let two = [
        owner.proof(&server, "/default/token"),
        owner.proof(&server, "/default/token"),
    ];
    let answer = post(&server, "/default/token", &SERVICE, &[&two[0], &two[1]]).await;
    assert_json_refusal(&answer, 400, "invalid_dpop_proof");
}

#[tokio::test]
async fn s_94_s_95_a_49_a_proof_is_for_one_method_and_address() {
    let server = TestServer::dev().await;
    let owner = Owner::new();
    let with = |claims: Value| owner.odd(&server, &json!({}), &claims);
    let url = server.url("/default/token");
    let spelled = url
        .replace("http://localhost", "HTTP://LOCALHOST")
        .replace("token", "%74oken");
    for (number, good) in [
        url.clone(),
        spelled,
        format!("{url}?x=1"),
        format!("{url}#f"),
    ]
    .iter()
    .enumerate()
    {
        let answer = token(
            &server,
            &SERVICE,
            &with(json!({ "htu": good, "jti": number.to_string() })),
        )
        .await;
        assert_eq!(answer.status, 200, "{good}: {}", answer.body);
    }
    for bad in [
        json!({ "htm": "post" }),
        json!({ "htm": "GET" }),
        json!({ "htu": format!("{url}/") }),
        json!({ "htu": server.url("/other/token") }),
        json!({ "htu": server.url("/default/userinfo") }),
        json!({ "htu": url.replace("localhost", "127.0.0.1") }),
        json!({ "htu": url.replace("http:", "https:") }),
        json!({ "htu": "/default/token" }),
    ] {
        let answer = token(&server, &SERVICE, &with(bad)).await;
        assert_json_refusal(&answer, 400, "invalid_dpop_proof");
    }
    // The alias of the root issuer has an address of its own.
    let alias = owner.proof(&server, "/oauth2/token");
    let answer = post(&server, "/oauth2/token", &SERVICE, &[&alias]).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.member("token_type"), "DPoP");
}

#[tokio::test]
async fn s_96_a_50_a_proof_is_young() {
    let server = TestServer::dev().await;
    let owner = Owner::new();
    for (iat, status) in [
        (8, 200),
        (61, 400),
        (3600, 400),
        (-60, 200),
        (-61, 400),
        (-3600, 400),
    ] {
        let claims = json!({ "iat": START + iat, "jti": iat.to_string() });
        let answer = token(&server, &SERVICE, &owner.odd(&server, &json!({}), &claims)).await;
        assert_eq!(answer.status, status, "{iat}: {}", answer.body);
    }
}

#[tokio::test]
async fn s_97_a_48_a_proof_counts_once() {
    let server = TestServer::dev().await;
    let owner = Owner::new();
    let proof = owner.proof(&server, "/default/token");
    assert_eq!(token(&server, &SERVICE, &proof).await.status, 200);
    assert_json_refusal(
        &token(&server, &SERVICE, &proof).await,
        400,
        "invalid_dpop_proof",
    );
    server.clock.advance(Duration::from_mins(1));
    assert_json_refusal(
        &token(&server, &SERVICE, &proof).await,
        400,
        "invalid_dpop_proof",
    );
    // A stolen proof at userinfo.
    let server = TestServer::registered().await;
    let access = sign_in(&server, &owner).await.member("access_token");
    let proof = owner.prove(&server, ("GET", "/default/userinfo"), Some(&access), None);
    assert_eq!(
        userinfo(&server, "DPoP", &access, &[&proof]).await.status,
        200
    );
    assert_challenge(
        &userinfo(&server, "DPoP", &access, &[&proof]).await,
        "invalid_dpop_proof",
    );
}
