//! What token exchange is abused for: rows A-40 to A-47. Dev mode exchanges by impersonation alone;
//! production refuses until rules can say whose tokens are exchanged for what.

use hallpass_protocol::jose::{Algorithm, SigningKey, sign_jwt};
use hallpass_testing::{Answer, Person, TestServer, claims_of};
use serde_json::{Value, json};

use crate::token::assert_json_refusal;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

async fn exchange(server: &TestServer, token: &str, kind: &str, extra: &[(&str, &str)]) -> Answer {
    let form = [
        ("grant_type", GRANT),
        ("subject_token", token),
        ("subject_token_type", kind),
    ];
    let form = [&form[..], extra].concat();
    server.post("/default/token", &form).await
}

#[tokio::test]
async fn a_40_a_41_a_43_a_47_production_exchanges_nothing_until_there_are_rules() {
    let server = TestServer::production("").await;
    let service = [("grant_type", "client_credentials")];
    let svc = ("svc", "s3cret");
    let token = server.post_basic("/oauth2/token", svc, &service).await;
    let token = token.member("access_token");
    for extra in [
        &[][..],
        &[("scope", "openid a b")],
        &[("audience", "https://other.test")],
        &[("actor_token", &token), ("actor_token_type", ACCESS_TOKEN)],
    ] {
        let form = [
            ("grant_type", GRANT),
            ("subject_token", token.as_str()),
            ("subject_token_type", ACCESS_TOKEN),
        ];
        let form = [&form[..], extra].concat();
        // The client is registered for it.
        let answer = server.post_basic("/oauth2/token", svc, &form).await;
        assert_json_refusal(&answer, 400, "unsupported_grant_type");
    }
    let asked = [("token", token.as_str())];
    let still = server.post_basic("/oauth2/introspect", ("rs", "s"), &asked);
    assert_eq!(still.await.json()["active"], true);
}

#[tokio::test]
async fn a_42_an_actor_gets_nothing_whoever_may_act() {
    let server = TestServer::dev().await;
    let person = server.person();
    let page = person
        .open(&Person::authorization_path("cli", "openid"))
        .await;
    let claims = r#"{"may_act": {"sub": "bob"}}"#;
    let fields = [("username", "ada"), ("claims", claims)];
    let code = person.submit(&page, &fields).await.redirect_parameters()["code"].clone();
    let subject = server.redeem("cli", &code).await.member("id_token");
    assert_eq!(claims_of(&subject)["may_act"]["sub"], "bob");
    for actor in ["eve", "bob", "ada"] {
        let tokens = server.sign_in("cli", "openid", actor).await;
        for (name, kind) in [("access_token", ACCESS_TOKEN), ("id_token", ID_TOKEN)] {
            let token = tokens.member(name);
            let acting = [("actor_token", token.as_str()), ("actor_token_type", kind)];
            let answer = exchange(&server, &subject, ID_TOKEN, &acting).await;
            assert_json_refusal(&answer, 400, "invalid_request");
        }
    }
}

#[tokio::test]
async fn a_44_forged_actors_count_for_nothing() {
    let server = TestServer::dev().await;
    let tokens = server.sign_in("cli", "openid a", "eve").await;
    let kid = server.get("/default/jwks").await.json()["keys"][0]["kid"].clone();
    let stranger = SigningKey::generate(Algorithm::Es256, kid.as_str().unwrap()).unwrap();
    let forged = [
        json!({ "sub": "ada" }),
        json!({ "sub": "ada", "act": { "sub": "eve" } }),
        json!({ "sub": "ada", "may_act": { "sub": "eve", "iss": server.issuer() } }),
        json!({ "may_act": { "client_id": "cli" }, "scope": "openid a b" }),
    ];
    for changes in &forged {
        for (name, typ) in [
            ("access_token", "at+jwt"),
            ("access_token", "JWT"),
            ("id_token", "JWT"),
        ] {
            let mut claims = tokens.claims(name);
            for (member, value) in changes.as_object().unwrap() {
                claims[member] = value.clone();
            }
            let token = sign_jwt(&stranger, typ, &claims).unwrap();
            for kind in [ACCESS_TOKEN, ID_TOKEN, JWT] {
                let answer = exchange(&server, &token, kind, &[("audience", "b")]).await;
                assert_json_refusal(&answer, 400, "invalid_request");
                // Nor may it be the actor of a genuine one.
                let genuine = tokens.member("access_token");
                let acting = [("actor_token", token.as_str()), ("actor_token_type", kind)];
                let answer = exchange(&server, &genuine, ACCESS_TOKEN, &acting).await;
                assert_json_refusal(&answer, 400, "invalid_request");
            }
        }
    }
    assert!(server.is_active(&tokens.member("access_token")).await);
}

#[tokio::test]
async fn a_45_exchanging_again_and_again_makes_no_token_older() {
    let server = TestServer::dev().await;
    let tokens = server.sign_in("cli", "openid", "ada").await;
    let ends = |token: &str| claims_of(token)["exp"].as_i64().unwrap();
    let life = tokens.json()["expires_in"].as_u64().unwrap();
    for (name, kind) in [("access_token", ACCESS_TOKEN), ("id_token", ID_TOKEN)] {
        let first = server.sign_in("cli", "openid", "ada").await.member(name);
        let mut token = first.clone();
        let mut kind = kind;
        for round in 0..5 {
            server.advance(life / 6);
            let answer = exchange(&server, &token, kind, &[("audience", "b")]).await;
            assert_eq!(answer.status, 200, "{name} {round}: {}", answer.body);
            assert_eq!(answer.json().get("refresh_token"), None);
            token = answer.member("access_token");
            assert!(ends(&token) <= ends(&first), "{name} {round}");
            let expires_in = answer.json()["expires_in"].as_u64().unwrap();
            assert!(
                expires_in <= life - (round + 1) * (life / 6),
                "{expires_in}"
            );
            kind = ACCESS_TOKEN;
        }
        server.advance(life);
        let late = exchange(&server, &token, kind, &[("audience", "b")]).await;
        assert_json_refusal(&late, 400, "invalid_request");
        assert!(!server.is_active(&token).await);
    }
}

#[tokio::test]
async fn a_47_nobody_hides_behind_a_chain_of_actors() {
    let server = TestServer::dev().await;
    let chain = (0..6).fold(
        Value::Null,
        |inner, n| json!({ "sub": format!("actor{n}"), "act": inner }),
    );
    let person = server.person();
    let page = person
        .open(&Person::authorization_path("cli", "openid"))
        .await;
    let claims = json!({ "act": chain }).to_string();
    let fields = [("username", "ada"), ("claims", claims.as_str())];
    let code = person.submit(&page, &fields).await.redirect_parameters()["code"].clone();
    let tokens = server.redeem("cli", &code).await;
    let eve = server
        .sign_in("cli", "openid", "eve")
        .await
        .member("access_token");
    let acting = [
        ("actor_token", eve.as_str()),
        ("actor_token_type", ACCESS_TOKEN),
    ];
    for (name, kind) in [("access_token", ACCESS_TOKEN), ("id_token", ID_TOKEN)] {
        let seventh = exchange(&server, &tokens.member(name), kind, &acting).await;
        assert_json_refusal(&seventh, 400, "invalid_request");
        // Without an actor none is carried on.
        let plain = exchange(&server, &tokens.member(name), kind, &[("audience", "b")]).await;
        assert_eq!(
            plain.claims("access_token").get("act"),
            None,
            "{}",
            plain.body
        );
    }
}
