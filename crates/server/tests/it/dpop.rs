//! DPoP: tokens that only the owner of a key can use.

use std::time::Duration;

use hallpass_protocol::Timestamp;
use hallpass_protocol::dpop::{self, ProofRequest, access_token_hash};
use hallpass_protocol::jose::{Algorithm, SigningKey, base64url, sign_jwt};
use hallpass_protocol::random::SystemRandom;
use hallpass_testing::person::{REDIRECT_URI, VERIFIER};
use hallpass_testing::server::{CLIENTS, START};
use hallpass_testing::{Answer, Person, TestServer};
use serde_json::{Value, json};
use url::Url;

use crate::token::assert_json_refusal;

/// The owner of a key.
pub(crate) struct Owner(SigningKey);

impl Owner {
    pub(crate) fn new() -> Self {
        Self::of(Algorithm::Es256)
    }

    fn of(algorithm: Algorithm) -> Self {
        Self(SigningKey::generate(algorithm, "ignored").unwrap())
    }

    pub(crate) fn jkt(&self) -> String {
        self.0.public_jwk().thumbprint()
    }

    /// A good proof for a POST to a path.
    pub(crate) fn proof(&self, server: &TestServer, path: &str) -> String {
        self.prove(server, ("POST", path), None, None)
    }

    fn prove(
        &self,
        server: &TestServer,
        (htm, path): (&str, &str),
        access_token: Option<&str>,
        nonce: Option<&str>,
    ) -> String {
        let request = ProofRequest {
            htm,
            htu: &Url::parse(&server.url(path)).unwrap(),
            access_token,
            nonce,
            now: Timestamp::from_unix_seconds(START),
        };
        dpop::prove(&self.0, &request, &SystemRandom).unwrap()
    }

    /// A proof with changed header and claims, signed all the same.
    fn odd(&self, server: &TestServer, header: &Value, changes: &Value) -> String {
        let mut head =
            json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": self.0.public_jwk().to_bare_json() });
        merge(&mut head, header);
        let mut claims = json!({
            "jti": "odd", "htm": "POST", "htu": server.url("/default/token"), "iat": START,
        });
        merge(&mut claims, changes);
        // Only the payload can be signed by the library: the header is ours, and so is the input.
        let good = sign_jwt(&self.0, "dpop+jwt", &claims).unwrap();
        let payload = good.split('.').nth(1).unwrap();
        let input = format!("{}.{payload}", base64url::encode(head.to_string()));
        let signature = self.0.sign(input.as_bytes()).unwrap();
        format!("{input}.{}", base64url::encode(signature))
    }
}

fn merge(into: &mut Value, changes: &Value) {
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => into.as_object_mut().unwrap().remove(name),
            value => into
                .as_object_mut()
                .unwrap()
                .insert(name.clone(), value.clone()),
        };
    }
}

/// `POST` a form with these `DPoP` headers.
pub(crate) async fn post(
    server: &TestServer,
    path: &str,
    form: &[(&str, &str)],
    proofs: &[&str],
) -> Answer {
    let request = server.http().post(server.url(path)).form(form);
    let request = proofs
        .iter()
        .fold(request, |request, proof| request.header("DPoP", *proof));
    server.send(request).await
}

async fn token(server: &TestServer, form: &[(&str, &str)], proof: &str) -> Answer {
    post(server, "/default/token", form, &[proof]).await
}

const SERVICE: [(&str, &str); 3] = [
    ("grant_type", "client_credentials"),
    ("client_id", "any"),
    ("client_secret", "x"),
];

/// A code of the public client `cli`, for ada.
async fn code(server: &TestServer, changes: &[(&str, &str)]) -> String {
    let path = Person::authorization_path_with("cli", "openid offline_access a", changes);
    let answer = server.person().sign_in_at(&path, "ada").await;
    answer.redirect_parameters()["code"].clone()
}

fn redemption(code: &str) -> [(&str, &str); 5] {
    [
        ("grant_type", "authorization_code"),
        ("client_id", "cli"),
        ("code", code),
        ("redirect_uri", REDIRECT_URI),
        ("code_verifier", VERIFIER),
    ]
}

fn refreshing(refresh_token: &str) -> [(&str, &str); 3] {
    [
        ("grant_type", "refresh_token"),
        ("client_id", "cli"),
        ("refresh_token", refresh_token),
    ]
}

/// The tokens of `cli` for ada, bound to a key.
async fn sign_in(server: &TestServer, owner: &Owner) -> Answer {
    let code = code(server, &[]).await;
    let tokens = token(
        server,
        &redemption(&code),
        &owner.proof(server, "/default/token"),
    )
    .await;
    assert_eq!(tokens.status, 200, "{}", tokens.body);
    tokens
}

async fn userinfo(server: &TestServer, scheme: &str, token: &str, proofs: &[&str]) -> Answer {
    let request = server
        .http()
        .get(server.url("/default/userinfo"))
        .header("authorization", format!("{scheme} {token}"));
    let request = proofs
        .iter()
        .fold(request, |request, proof| request.header("DPoP", *proof));
    server.send(request).await
}

/// `RS401 x` under the scheme DPoP.
fn assert_challenge(answer: &Answer, error: &str) {
    assert_eq!(answer.status, 401, "{}", answer.body);
    let line = answer.header("www-authenticate");
    assert!(line.starts_with("DPoP "), "{line}");
    assert!(line.contains(&format!("error=\"{error}\"")), "{line}");
    assert!(line.contains("algs=\"ES256 EdDSA PS256\""), "{line}");
    assert_eq!(answer.member("error"), error);
}

#[tokio::test]
async fn s_105_s_164_a_bound_token_says_so_everywhere() {
    let server = TestServer::registered().await;
    for algorithm in dpop::DEFAULT_ALGORITHMS {
        let owner = Owner::of(algorithm);
        let tokens = sign_in(&server, &owner).await;
        assert_eq!(tokens.member("token_type"), "DPoP");
        let access = tokens.member("access_token");
        assert_eq!(tokens.claims("access_token")["cnf"]["jkt"], owner.jkt());
        let said = server.introspect(&access).await.json();
        assert_eq!(
            (&said["active"], &said["token_type"], &said["cnf"]["jkt"]),
            (&json!(true), &json!("DPoP"), &json!(owner.jkt()))
        );
        let proof = owner.prove(&server, ("GET", "/default/userinfo"), Some(&access), None);
        let person = userinfo(&server, "DPoP", &access, &[&proof]).await;
        assert_eq!((person.status, &*person.member("sub")), (200, "ada"));
    }
    // Nothing changes without a proof.
    let plain = server.sign_in("cli", "openid", "ada").await;
    assert_eq!(plain.member("token_type"), "Bearer");
    assert!(plain.claims("access_token")["cnf"].is_null());
}

#[tokio::test]
async fn s_105_every_grant_gives_bound_tokens() {
    let server = TestServer::dev().await;
    let owner = Owner::new();
    let proof = || owner.proof(&server, "/default/token");
    let service = token(&server, &SERVICE, &proof()).await;
    assert_eq!(service.member("token_type"), "DPoP");
    let tokens = sign_in(&server, &owner).await;
    let refreshed = token(
        &server,
        &refreshing(&tokens.member("refresh_token")),
        &proof(),
    )
    .await;
    let subject = refreshed.member("access_token");
    let exchange = [
        (
            "grant_type",
            "urn:ietf:params:oauth:grant-type:token-exchange",
        ),
        ("subject_token", subject.as_str()),
        (
            "subject_token_type",
            "urn:ietf:params:oauth:token-type:access_token",
        ),
        ("audience", "b"),
    ];
    let exchanged = token(&server, &exchange, &proof()).await;
    let device = server.start_device("cli", "openid").await;
    server
        .person()
        .approve(&device.member("user_code"), "ada")
        .await;
    let polling = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("client_id", "cli"),
        ("device_code", &device.member("device_code")),
    ];
    let polled = token(&server, &polling, &proof()).await;
    for answer in [service, tokens, refreshed, exchanged, polled] {
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.member("token_type"), "DPoP", "{}", answer.body);
        assert_eq!(answer.claims("access_token")["cnf"]["jkt"], owner.jkt());
    }
}

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

#[tokio::test]
async fn s_98_a_52_at_userinfo_the_proof_is_of_the_token_and_its_key() {
    let server = TestServer::registered().await;
    let (owner, thief) = (Owner::new(), Owner::new());
    let access = sign_in(&server, &owner).await.member("access_token");
    let another = sign_in(&server, &owner).await.member("access_token");
    let at = ("GET", "/default/userinfo");
    let ath = |token| Some(token);
    for (proof, error) in [
        (owner.prove(&server, at, None, None), "invalid_dpop_proof"),
        (
            owner.prove(&server, at, ath(another.as_str()), None),
            "invalid_dpop_proof",
        ),
        (
            owner.prove(&server, ("POST", at.1), ath(&access), None),
            "invalid_dpop_proof",
        ),
        (
            owner.prove(&server, ("GET", "/default/token"), ath(&access), None),
            "invalid_dpop_proof",
        ),
        (
            thief.prove(&server, at, ath(&access), None),
            "invalid_token",
        ),
    ] {
        let answer = userinfo(&server, "DPoP", &access, &[&proof]).await;
        assert_challenge(&answer, error);
    }
    assert_challenge(
        &userinfo(&server, "DPoP", &access, &[]).await,
        "invalid_dpop_proof",
    );
    // A token that is bound to nobody is none of this scheme.
    let plain = server.sign_in("cli", "openid", "ada").await;
    let plain = plain.member("access_token");
    let proof = owner.prove(&server, at, Some(&plain), None);
    assert_challenge(
        &userinfo(&server, "DPoP", &plain, &[&proof]).await,
        "invalid_token",
    );
    assert_ne!(access_token_hash(&plain), access_token_hash(&access));
}

#[tokio::test]
async fn s_99_s_100_a_52_a_bound_token_is_no_bearer_token() {
    let server = TestServer::registered().await;
    let owner = Owner::new();
    let access = sign_in(&server, &owner).await.member("access_token");
    let proof = || owner.prove(&server, ("GET", "/default/userinfo"), Some(&access), None);
    assert_challenge(
        &userinfo(&server, "Bearer", &access, &[]).await,
        "invalid_token",
    );
    assert_challenge(
        &userinfo(&server, "Bearer", &access, &[&proof()]).await,
        "invalid_token",
    );
    let in_body = [("access_token", access.as_str())];
    assert_challenge(
        &server.post("/default/userinfo", &in_body).await,
        "invalid_token",
    );
    let both = server
        .http()
        .get(server.url("/default/userinfo"))
        .header("authorization", format!("Bearer {access}"))
        .header("authorization", format!("DPoP {access}"))
        .header("DPoP", proof());
    assert_eq!(
        server.send(both).await.refusal(),
        (400, "invalid_request".to_owned())
    );
}

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
async fn s_107_a_client_that_must_bind_its_tokens_does() {
    let toml = CLIENTS.replacen("id = \"cli\"", "id = \"cli\"\ndpop = \"required\"", 1);
    let server = TestServer::strict(&toml).await;
    let owner = Owner::new();
    let code = code(&server, &[]).await;
    assert_json_refusal(
        &server.post("/default/token", &redemption(&code)).await,
        400,
        "invalid_dpop_proof",
    );
    let proof = owner.proof(&server, "/default/token");
    let tokens = token(&server, &redemption(&code), &proof).await;
    assert_eq!(tokens.member("token_type"), "DPoP", "{}", tokens.body);
    let refresh = tokens.member("refresh_token");
    let answer = server.post("/default/token", &refreshing(&refresh)).await;
    assert_json_refusal(&answer, 400, "invalid_dpop_proof");
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

#[tokio::test]
async fn s_89_a_bound_subject_token_is_exchanged_by_its_owner() {
    let server = TestServer::dev().await;
    let (owner, thief) = (Owner::new(), Owner::new());
    let subject = sign_in(&server, &owner).await.member("access_token");
    let exchange = [
        (
            "grant_type",
            "urn:ietf:params:oauth:grant-type:token-exchange",
        ),
        ("subject_token", subject.as_str()),
        (
            "subject_token_type",
            "urn:ietf:params:oauth:token-type:access_token",
        ),
    ];
    let by = |who: &Owner| who.proof(&server, "/default/token");
    assert_json_refusal(
        &server.post("/default/token", &exchange).await,
        400,
        "invalid_dpop_proof",
    );
    assert_json_refusal(
        &token(&server, &exchange, &by(&thief)).await,
        400,
        "invalid_grant",
    );
    assert_eq!(token(&server, &exchange, &by(&owner)).await.status, 200);
    // The service in its audience: the token was sent there (`default` in dev mode).
    let service = server
        .post_basic("/default/token", ("default", "any"), &exchange)
        .await;
    assert_eq!(service.status, 200, "{}", service.body);
    let named = [&exchange[..], &[("client_id", "default")]].concat();
    assert_json_refusal(
        &server.post("/default/token", &named).await,
        400,
        "invalid_dpop_proof",
    );
}

#[tokio::test]
async fn s_101_s_102_s_103_s_104_a_53_nonces() {
    let server = TestServer::strict(&format!("[dpop]\nnonce = true\n{CLIENTS}")).await;
    let owner = Owner::new();
    let code = code(&server, &[]).await;
    let at = ("POST", "/default/token");
    let with = |nonce: Option<&str>| owner.prove(&server, at, None, nonce);
    let one_nonce = |answer: &Answer| {
        assert_eq!(answer.headers.get_all("dpop-nonce").iter().count(), 1);
        answer.header("dpop-nonce").to_owned()
    };
    let first = token(&server, &redemption(&code), &with(None)).await;
    assert_json_refusal(&first, 400, "use_dpop_nonce");
    let nonce = one_nonce(&first);
    for bad in ["x", &nonce[1..], "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
        let answer = token(&server, &redemption(&code), &with(Some(bad))).await;
        assert_json_refusal(&answer, 400, "use_dpop_nonce");
    }
    let other = post(
        &server,
        "/other/token",
        &redemption("x"),
        &[&owner.proof(&server, "/other/token")],
    )
    .await;
    let answer = token(&server, &redemption(&code), &with(Some(&one_nonce(&other)))).await;
    assert_json_refusal(&answer, 400, "use_dpop_nonce");
    let tokens = token(&server, &redemption(&code), &with(Some(&nonce))).await;
    assert_eq!(tokens.status, 200, "{}", tokens.body);
    assert_eq!(one_nonce(&tokens), nonce);
    assert_eq!(tokens.header("cache-control"), "no-store");
    // At the resource: another role, another nonce.
    let access = tokens.member("access_token");
    let at = ("GET", "/default/userinfo");
    let prove = |nonce| owner.prove(&server, at, Some(&access), nonce);
    let asked = userinfo(&server, "DPoP", &access, &[&prove(None)]).await;
    assert_challenge(&asked, "use_dpop_nonce");
    let swapped = userinfo(&server, "DPoP", &access, &[&prove(Some(&nonce))]).await;
    assert_challenge(&swapped, "use_dpop_nonce");
    let resource = one_nonce(&swapped);
    let person = userinfo(&server, "DPoP", &access, &[&prove(Some(&resource))]).await;
    assert_eq!(person.status, 200, "{}", person.body);
    let refresh = tokens.member("refresh_token");
    let swapped = owner.prove(&server, ("POST", "/default/token"), None, Some(&resource));
    let answer = token(&server, &refreshing(&refresh), &swapped).await;
    assert_json_refusal(&answer, 400, "use_dpop_nonce");
}

#[tokio::test]
async fn s_110_s_111_the_metadata_and_cors_say_it() {
    let server = TestServer::dev().await;
    let metadata = server
        .get("/default/.well-known/openid-configuration")
        .await;
    let algorithms = metadata.json()["dpop_signing_alg_values_supported"].clone();
    assert_eq!(algorithms, json!(["ES256", "EdDSA", "PS256"]));
    let request = server
        .http()
        .post(server.url("/default/token"))
        .header("origin", "https://app.test");
    let answer = server.send(request).await;
    assert_eq!(
        answer.header("access-control-expose-headers"),
        "WWW-Authenticate, DPoP-Nonce"
    );
}
