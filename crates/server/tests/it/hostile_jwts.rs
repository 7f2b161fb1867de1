//! Tokens that name their own keys, addresses to fetch, and tokens that cost more than they are
//! worth: rows A-58, A-69 and A-86.

use std::io::ErrorKind;
use std::net::TcpListener;

use hallpass_protocol::client_assertion::TYPE;
use hallpass_protocol::jose::{Algorithm, SigningKey, base64url};
use hallpass_testing::server::CLIENTS;
use hallpass_testing::{Person, TestServer};
use serde_json::{Value, json};

use crate::authorization::assert_redirect_error;
use crate::token::assert_json_refusal;

const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// A server that nobody may call.
struct Trap(TcpListener);

impl Trap {
    fn set() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        Self(listener)
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.0.local_addr().unwrap())
    }

    #[track_caller]
    fn is_empty(&self) {
        let called = self.0.accept().map(|(_, peer)| peer);
        assert_eq!(called.unwrap_err().kind(), ErrorKind::WouldBlock);
    }
}

/// Signs claims under any header.
fn sign(key: &SigningKey, header: &Value, claims: &Value) -> String {
    let part = |value: &Value| base64url::encode(value.to_string());
    let input = format!("{}.{}", part(header), part(claims));
    let signature = key.sign(input.as_bytes()).unwrap();
    format!("{input}.{}", base64url::encode(signature))
}

/// Shows a bad token to every endpoint that takes one: all refuse, and nothing is asked back.
async fn is_refused_everywhere(server: &TestServer, token: &str) {
    assert_eq!(server.introspect(token).await.body, "{\"active\":false}");
    // Where it fits into a header.
    if token.len() < 8_000 {
        let asked = server.userinfo(token).await;
        assert_eq!(asked.status, 401);
        let challenge = asked.header("www-authenticate");
        assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
    }
    let path = "/default/token";
    let exchange = [
        ("grant_type", EXCHANGE),
        ("subject_token", token),
        ("subject_token_type", ACCESS_TOKEN),
    ];
    assert_json_refusal(&server.post(path, &exchange).await, 400, "invalid_request");
    let bearer = [("grant_type", BEARER), ("assertion", token)];
    assert_json_refusal(&server.post(path, &bearer).await, 400, "invalid_grant");
    let revoked = [("client_id", "cli"), ("token", token)];
    assert_eq!(server.post("/default/revoke", &revoked).await.status, 200);
}

async fn refuses_assertion(server: &TestServer, assertion: &str) {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_assertion_type", TYPE),
        ("client_assertion", assertion),
    ];
    let answer = server.post("/default/token", &form).await;
    assert_json_refusal(&answer, 401, "invalid_client");
}

/// A strict server with a client that signs its assertions with this key.
async fn with_signer(key: &SigningKey) -> TestServer {
    let jwk = key.public_jwk_json();
    let members: Vec<_> = jwk.as_object().unwrap().iter().collect();
    let members: Vec<_> = members.iter().map(|(k, v)| format!("{k} = {v}")).collect();
    TestServer::strict(&format!(
        "{CLIENTS}\n[[client]]\nid = \"signer\"\ntype = \"confidential\"\n\
         auth_method = \"private_key_jwt\"\njwks = {{ keys = [{{ {} }}] }}\n\
         grants = [\"client_credentials\"]\nscopes = [\"a\"]\n",
        members.join(", ")
    ))
    .await
}

#[tokio::test]
async fn a_58_keys_that_a_token_names_are_neither_fetched_nor_used() {
    let trap = Trap::set();
    let server = TestServer::dev().await;
    let good = server.sign_in("cli", "openid", "ada").await;
    let claims = good.claims("access_token");
    let kid = server.get("/default/jwks").await.json()["keys"][0]["kid"].clone();
    let forger = SigningKey::generate(Algorithm::Es256, kid.as_str().unwrap()).unwrap();
    let honest = SigningKey::generate(Algorithm::Es256, "k1").unwrap();
    let strict = with_signer(&honest).await;
    let assertion = json!({
        "iss": "signer", "sub": "signer", "aud": strict.issuer(), "jti": "j",
        "iat": hallpass_testing::server::START, "exp": hallpass_testing::server::START + 60,
    });
    for (name, value) in [
        ("jku", json!(trap.url("jwks"))),
        ("x5u", json!(trap.url("x5u"))),
        ("jwk", forger.public_jwk().to_bare_json()),
        ("x5c", json!(["AQAB"])),
        ("iss", json!(trap.url(""))),
    ] {
        for typ in ["at+jwt", "JWT"] {
            for kid in [&kid, &json!("k1"), &Value::Null] {
                let mut header = json!({ "alg": "ES256", "typ": typ });
                header[name] = value.clone();
                if !kid.is_null() {
                    header["kid"] = kid.clone();
                }
                is_refused_everywhere(&server, &sign(&forger, &header, &claims)).await;
                refuses_assertion(&strict, &sign(&forger, &header, &assertion)).await;
            }
        }
    }
    trap.is_empty();
    assert!(server.is_active(&good.member("access_token")).await);
}

#[tokio::test]
async fn a_69_a_request_at_an_address_is_not_fetched() {
    let trap = Trap::set();
    for server in [TestServer::registered().await, TestServer::dev().await] {
        for uri in [
            "https://169.254.169.254/latest/meta-data",
            &trap.url("request"),
            &trap.url("request").replace("http:", "https:"),
            "file:///etc/passwd",
            "http://[::ffff:a9fe:a9fe]/",
        ] {
            let asked = [("request_uri", uri)];
            let path = Person::authorization_path_with("cli", "openid", &asked);
            let answer = server.get(&path).await;
            assert_redirect_error(&server, &answer, "request_uri_not_supported");
            // Nor when it is pushed (RFC 9126 §2.1).
            let (_, query) = path.split_once('?').unwrap();
            let form: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect();
            let form: Vec<_> = form.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
            let pushed = server.post("/default/par", &form).await;
            assert_json_refusal(&pushed, 400, "invalid_request");
        }
    }
    trap.is_empty();
}

/// Tokens that ask for work: to decrypt, to derive a key, to inflate, to nest.
fn bombs() -> Vec<(&'static str, String)> {
    let part = |text: &str| base64url::encode(text);
    let jws = |header: &str, payload: &str| format!("{}.{}.c2ln", part(header), part(payload));
    let pbes2 = r#"{"alg":"PBES2-HS256+A128KW","enc":"A128GCM","p2c":1000000000,"p2s":"AAAA"}"#;
    let zip = r#"{"alg":"dir","enc":"A128GCM","zip":"DEF"}"#;
    let es256 = r#"{"alg":"ES256","kid":"default"}"#;
    let deep = |n: usize| format!("{}1{}", "[".repeat(n), "]".repeat(n));
    let nested = (0..6).fold(jws(es256, "{}"), |inner, _| {
        jws(r#"{"alg":"ES256","cty":"JWT","kid":"default"}"#, &inner)
    });
    let many: Vec<String> = (0..3_000).map(|n| format!("\"m{n}\":1")).collect();
    vec![
        (
            "p2c",
            format!("{}.AA.AA.{}.AA", part(pbes2), "A".repeat(5_000)),
        ),
        ("p2c in a JWS", jws(pbes2, "{}")),
        (
            "zip in a JWE",
            format!("{}..AA.{}.AA", part(zip), "A".repeat(5_000)),
        ),
        (
            "zip in a JWS",
            jws(r#"{"alg":"ES256","zip":"DEF"}"#, &"A".repeat(30_000)),
        ),
        ("nested tokens", nested),
        (
            "deep header",
            jws(
                &format!("{{\"alg\":\"ES256\",\"x\":{}}}", deep(10_000)),
                "{}",
            ),
        ),
        (
            "deep payload",
            jws(es256, &format!("{{\"x\":{}}}", deep(10_000))),
        ),
        (
            "many members",
            jws(es256, &format!("{{{}}}", many.join(","))),
        ),
        (
            "long kid",
            jws(
                &format!("{{\"alg\":\"ES256\",\"kid\":\"{}\"}}", "k".repeat(30_000)),
                "{}",
            ),
        ),
        ("dots", ".".repeat(40_000)),
        (
            "long signature",
            format!("{}.{}.{}", part(es256), part("{}"), "A".repeat(40_000)),
        ),
        (
            "large number",
            jws(es256, &format!("{{\"exp\":{}}}", "9".repeat(30_000))),
        ),
    ]
}

#[tokio::test]
async fn a_86_tokens_that_ask_for_work_are_refused_unread() {
    let server = TestServer::dev().await;
    let strict = TestServer::registered().await;
    let good = server.sign_in("cli", "openid", "ada").await;
    for (name, token) in bombs() {
        is_refused_everywhere(&server, &token).await;
        refuses_assertion(&strict, &token).await;
        let request = server.http().post(server.url("/default/token"));
        let request = request.form(&[
            ("grant_type", "client_credentials"),
            ("client_id", "any"),
            ("client_secret", "x"),
        ]);
        if token.len() < 8_000 {
            let answer = server.send(request.header("DPoP", &token)).await;
            assert_json_refusal(&answer, 400, "invalid_dpop_proof");
        }
        #[cfg(target_os = "linux")]
        {
            let spent = cpu_of(&server, &token).await;
            assert!(
                spent < std::time::Duration::from_millis(10),
                "{name}: {spent:?}"
            );
        }
        #[cfg(not(target_os = "linux"))]
        let _ = name;
    }
    assert!(server.is_active(&good.member("access_token")).await);
}

/// What the refusal of a token costs this thread, on which client and server run: the least of
/// several, since the rest is the client's and the machine's.
#[cfg(target_os = "linux")]
async fn cpu_of(server: &TestServer, token: &str) -> std::time::Duration {
    let on_cpu = || {
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
        let nanoseconds = text.split(' ').next().unwrap().parse().unwrap();
        std::time::Duration::from_nanos(nanoseconds)
    };
    let mut least = std::time::Duration::MAX;
    for _ in 0..5 {
        let before = on_cpu();
        server.introspect(token).await;
        least = least.min(on_cpu().saturating_sub(before));
    }
    least
}

#[tokio::test]
async fn a_86_a_huge_set_of_keys_is_not_read() {
    let server = TestServer::dev().await;
    let key = SigningKey::generate(Algorithm::Es256, "k1").unwrap();
    let keys = vec![key.public_jwk_json(); 50_000];
    let metadata = json!({
        "redirect_uris": ["https://app.test/cb"], "jwks": { "keys": keys },
        "token_endpoint_auth_method": "private_key_jwt",
    });
    let body = metadata.to_string();
    assert!(body.len() > 5_000_000);
    let request = server.http().post(server.url("/default/register"));
    let request = request
        .header("content-type", "application/json")
        .body(body);
    // It may hang up before all is sent.
    if let Ok(answer) = request.send().await {
        assert_eq!(answer.status().as_u16(), 413);
    }
    assert_eq!(server.get("/default/jwks").await.status, 200);
}
