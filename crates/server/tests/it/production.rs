//! Production: one issuer, its own paths, configured clients, and nothing of dev mode.

use hallpass_server::{ServerFlags, Settings};
use hallpass_testing::person::REDIRECT_URI;
use hallpass_testing::server::production_settings;
use hallpass_testing::{Person, TestServer, claims_of};
use serde_json::Value;

use crate::accounts::{PASSWORD, fill_in, is_in, log_in};
use crate::log_lines::LogLines;

const MORE: &str = r#"
[[resource]]
id = "https://api.example.com"
scopes = { a = "Read", b = "Write" }
"#;

const ISSUER: &str = "https://id.example.com";
const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

async fn server() -> TestServer {
    TestServer::production(MORE).await
}

async fn metadata(server: &TestServer) -> Value {
    server.get("/.well-known/openid-configuration").await.json()
}

/// The path of an advertised address.
fn path(document: &Value, member: &str) -> String {
    let url = document[member]
        .as_str()
        .unwrap_or_else(|| panic!("no {member}"));
    url.strip_prefix(ISSUER).unwrap().to_owned()
}

fn words<'a>(document: &'a Value, member: &str) -> Vec<&'a str> {
    let list = document[member]
        .as_array()
        .unwrap_or_else(|| panic!("no {member}"));
    list.iter().map(|word| word.as_str().unwrap()).collect()
}

#[tokio::test]
async fn s_170_a_83_the_document_is_the_same_under_both_names_and_whatever_host_is_asked_for() {
    let server = server().await;
    let document = metadata(&server).await;
    assert_eq!(document["issuer"], ISSUER);
    let other = server.get("/.well-known/oauth-authorization-server").await;
    assert_eq!(other.json(), document);
    let asked = server
        .http()
        .get(server.url("/.well-known/openid-configuration"))
        .header("host", "evil.test")
        .header("x-forwarded-host", "evil.test")
        .header("x-forwarded-proto", "http");
    assert_eq!(server.send(asked).await.json(), document);
}

#[tokio::test]
async fn every_advertised_endpoint_answers() {
    let server = server().await;
    let document = metadata(&server).await;
    let basic = ("svc", "s3cret");
    for (member, value) in document.as_object().unwrap() {
        let is_endpoint = member.ends_with("_endpoint") || member == "jwks_uri";
        assert_eq!(
            is_endpoint,
            value
                .as_str()
                .is_some_and(|url| url.starts_with("https://"))
                && member != "issuer",
            "{member}"
        );
    }
    let keys = server.get(&path(&document, "jwks_uri")).await;
    assert!(!keys.json()["keys"].as_array().unwrap().is_empty());
    for (member, form, expected) in [
        (
            "token_endpoint",
            &[("grant_type", "client_credentials")][..],
            200,
        ),
        ("introspection_endpoint", &[("token", "x")][..], 401),
        ("revocation_endpoint", &[("token", "x")][..], 200),
    ] {
        let answer = server
            .post_basic(&path(&document, member), basic, form)
            .await;
        assert_eq!(answer.status, expected, "{member}: {}", answer.body);
    }
    let rs = ("rs", "s");
    let introspected = server
        .post_basic(
            &path(&document, "introspection_endpoint"),
            rs,
            &[("token", "x")],
        )
        .await;
    assert_eq!(introspected.json()["active"], false);
    let device = [("client_id", "cli")];
    let device = server
        .post(&path(&document, "device_authorization_endpoint"), &device)
        .await;
    assert_eq!(
        device.json()["verification_uri"],
        format!("{ISSUER}/device")
    );
    assert_eq!(server.get("/device").await.status, 200);
    let logout = server.get(&path(&document, "end_session_endpoint")).await;
    assert_eq!(logout.status, 200, "{}", logout.body);
}

#[tokio::test]
async fn every_advertised_endpoint_of_a_sign_in_answers() {
    let server = server().await;
    let document = metadata(&server).await;
    let authorize = path(&document, "authorization_endpoint");
    let query = "response_type=code&client_id=cli&redirect_uri=http%3A%2F%2F127.0.0.1%2Fcallback\
                 &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";
    let page = server.get(&format!("{authorize}?{query}")).await;
    assert_eq!(page.status, 200, "{}", page.body);
    let pushed = [
        ("response_type", "code"),
        ("client_id", "cli"),
        ("redirect_uri", "http://127.0.0.1/callback"),
        (
            "code_challenge",
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        ),
        ("code_challenge_method", "S256"),
    ];
    let pushed = server
        .post(
            &path(&document, "pushed_authorization_request_endpoint"),
            &pushed,
        )
        .await;
    assert_eq!(pushed.status, 201, "{}", pushed.body);
    assert_eq!(
        server
            .get(&path(&document, "userinfo_endpoint"))
            .await
            .status,
        401
    );
    let resource = "/.well-known/oauth-protected-resource/oauth2/userinfo";
    let resource = server.get(resource).await.json();
    assert_eq!(resource["resource"], format!("{ISSUER}/oauth2/userinfo"));
}

#[tokio::test]
async fn every_advertised_value_is_understood_and_no_other_grant_is() {
    let server = server().await;
    let document = metadata(&server).await;
    let token = path(&document, "token_endpoint");
    let advertised = words(&document, "grant_types_supported");
    for grant in [
        "authorization_code",
        "refresh_token",
        "client_credentials",
        DEVICE_CODE,
        "urn:ietf:params:oauth:grant-type:token-exchange",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "password",
    ] {
        let form = [("grant_type", grant), ("client_id", "cli")];
        let (_, error) = server.post(&token, &form).await.refusal();
        let is_known = error != "unsupported_grant_type";
        assert_eq!(is_known, advertised.contains(&grant), "{grant}: {error}");
    }
    let authorize = path(&document, "authorization_endpoint");
    for mode in words(&document, "response_modes_supported") {
        let query = format!(
            "response_type=code&client_id=cli&redirect_uri=http%3A%2F%2F127.0.0.1%2Fcallback&state=s\
             &response_mode={mode}&prompt=none&code_challenge_method=S256\
             &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
        let answer = server.get(&format!("{authorize}?{query}")).await;
        // Nobody is signed in: told in the way that was asked for.
        let told = format!("{} {}", answer.header("location"), answer.body);
        assert!(told.contains("login_required"), "{mode}: {told}");
    }
    for scope in ["a", "b", "openid"] {
        assert!(
            words(&document, "scopes_supported").contains(&scope),
            "{scope}"
        );
    }
    assert_eq!(
        words(&document, "id_token_signing_alg_values_supported"),
        ["ES256"]
    );
}

#[tokio::test]
async fn s_195_s_199_an_access_token_says_what_rfc_9068_asks_for_and_no_more() {
    let server = server().await;
    let form = [("grant_type", "client_credentials"), ("scope", "a")];
    let answer = server
        .post_basic("/oauth2/token", ("svc", "s3cret"), &form)
        .await;
    let token = answer.member("access_token");
    let header = token.split('.').next().unwrap();
    let header = base64_json(header);
    assert_eq!(
        (&header["typ"], &header["alg"]),
        (&"at+jwt".into(), &"ES256".into())
    );
    let claims = claims_of(&token);
    let mut names: Vec<_> = claims
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "aud",
            "client_id",
            "exp",
            "iat",
            "iss",
            "jti",
            "nbf",
            "scope",
            "sub"
        ]
    );
    assert_eq!(
        (&claims["iss"], &claims["aud"]),
        (&ISSUER.into(), &ISSUER.into())
    );
    assert_eq!(answer.json()["expires_in"], 600);
    // RFC 8707 §2: a service that nobody configured is no target.
    for (resource, expected) in [
        ("https://api.example.com", 200),
        ("https://evil.example", 400),
    ] {
        let form = [("grant_type", "client_credentials"), ("resource", resource)];
        let answer = server
            .post_basic("/oauth2/token", ("svc", "s3cret"), &form)
            .await;
        assert_eq!(answer.status, expected, "{resource}: {}", answer.body);
        if expected == 400 {
            assert_eq!(answer.refusal().1, "invalid_target");
        } else {
            assert_eq!(answer.claims("access_token")["aud"], resource);
        }
    }
}

fn base64_json(text: &str) -> Value {
    serde_json::from_slice(&hallpass_protocol::jose::base64url::decode(text).unwrap()).unwrap()
}

#[tokio::test]
async fn s_36_a_challenge_that_leads_to_a_second_code_is_told() {
    let log = LogLines::listen();
    // A client that no other test has, since the log is everybody's.
    let toml = format!(
        "[[client]]\nid = \"forgetful\"\nredirect_uris = [\"{REDIRECT_URI}\"]\nscopes = [\"openid\"]\n\
         consent = \"trusted\"\n"
    );
    let server = TestServer::production(&toml).await;
    let person = server.person_with_account("ada", PASSWORD).await;
    let asked = Person::authorization_path_with("forgetful", "openid", &[]);
    let asked = asked.replace("/default/authorize", "/oauth2/authorize");
    let told = ["WARN", "pkce.challenge_reuse", "client=forgetful"];
    let page = person.open(&asked).await;
    let first = fill_in(&person, &page, "ada", PASSWORD).await;
    assert!(first.redirect_parameters().contains_key("code"));
    assert!(!log.has(&told), "{}", log.text());
    let page = person.open(&asked).await;
    let second = if page.status == 200 {
        person.submit(&page, &[("action", "continue")]).await
    } else {
        page
    };
    assert!(second.redirect_parameters().contains_key("code"));
    assert!(log.has(&told), "{}", log.text());
}

#[tokio::test]
async fn nothing_of_dev_mode_is_there() {
    let server = server().await;
    for path in [
        "/default/token",
        "/token",
        "/default/.well-known/openid-configuration",
        "/default/debugger",
        "/debugger",
        "/oauth2/auth",
        "/user_management/authenticate",
        "/isalive",
        "/_hallpass/state",
        "/_hallpass/clock",
    ] {
        assert_eq!(server.get(path).await.status, 404, "{path}");
    }
    // A client that nobody configured is nobody.
    let device = [("client_id", "anybody")];
    let (status, error) = server
        .post("/oauth2/device_authorization", &device)
        .await
        .refusal();
    assert_eq!((status, error.as_str()), (401, "invalid_client"));
    let registered = server
        .http()
        .post(server.url("/oauth2/register"))
        .body("{}");
    assert_ne!(server.send(registered).await.status, 201);
    // Row S-50, and S-168 until origins can be registered.
    let asked = server.http().get(server.url("/.well-known/jwks.json"));
    let answer = server
        .send(asked.header("origin", "https://evil.test"))
        .await;
    assert_eq!(answer.header("access-control-allow-origin"), "");
    let page = server.get("/login").await.body.to_lowercase();
    assert!(
        !page.contains("any username") && !page.contains("dev mode"),
        "{page}"
    );
}

#[tokio::test]
async fn browsers_are_told_to_stay_with_https() {
    let server = server().await;
    let page = server.get("/device").await;
    assert!(
        page.header("strict-transport-security")
            .starts_with("max-age=")
    );
    let cookie = page.header("set-cookie");
    assert!(
        cookie.starts_with("__Host-") && cookie.contains("; Secure"),
        "{cookie}"
    );
}

#[tokio::test]
async fn s_286_a_122_the_aliases_of_compat_are_the_same_handlers() {
    let server = TestServer::production("compat = [\"mock\", \"hydra\", \"google\"]").await;
    let form = [("grant_type", "client_credentials")];
    for path in ["/default/token", "/oauth2/token"] {
        let answer = server.post_basic(path, ("svc", "s3cret"), &form).await;
        assert_eq!(answer.claims("access_token")["iss"], ISSUER, "{path}");
    }
    let document = server
        .get("/default/.well-known/openid-configuration")
        .await;
    assert_eq!(document.json(), metadata(&server).await);
    let device = server
        .post("/oauth2/device/auth", &[("client_id", "cli")])
        .await;
    assert_eq!(
        device.json()["verification_url"],
        format!("{ISSUER}/device")
    );
    assert_eq!(
        device.json()["verification_uri"],
        format!("{ISSUER}/device")
    );
    // Hydra's introspection has no authentication of its own; here it does.
    let stranger = server
        .post("/admin/oauth2/introspect", &[("token", "x")])
        .await;
    assert_eq!(stranger.status, 401);
    for path in ["/default/debugger", "/default/debugger/callback"] {
        assert_eq!(server.get(path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn the_device_flow_can_be_off() {
    let server = TestServer::production("device = { enabled = false }").await;
    let document = metadata(&server).await;
    assert!(document.get("device_authorization_endpoint").is_none());
    let answer = server
        .post("/oauth2/device_authorization", &[("client_id", "cli")])
        .await;
    assert_eq!(answer.status, 404);
    let form = [
        ("grant_type", DEVICE_CODE),
        ("client_id", "cli"),
        ("device_code", "x"),
    ];
    let (status, error) = server.post("/oauth2/token", &form).await.refusal();
    assert_eq!((status, error.as_str()), (400, "unsupported_grant_type"));
}

#[tokio::test]
async fn s_270_guesses_are_counted_by_the_address_that_a_trusted_proxy_names() {
    let toml = "trusted_proxies = [\"127.0.0.1\"]\nlimits = { client_secret_fail = \"2/1m\" }";
    let server = TestServer::production(toml).await;
    let guess = async |from: &str| {
        let form = [("grant_type", "client_credentials")];
        let asked = server
            .http()
            .post(server.url("/oauth2/token"))
            .basic_auth("svc", Some("wrong"))
            .header("x-forwarded-for", from)
            .form(&form);
        server.send(asked).await.status
    };
    assert_eq!(guess("192.0.2.1").await, 401);
    assert_eq!(guess("192.0.2.1").await, 401);
    // What a stranger writes before the proxy's word changes nothing.
    assert_eq!(guess("198.51.100.7, 192.0.2.1").await, 429);
    assert_eq!(guess("192.0.2.2").await, 401);
}

#[tokio::test]
async fn keys_and_people_outlive_a_restart_and_a_new_key_of_the_ring() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite://{}", folder.path().join("x.db").display());
    let toml = hallpass_testing::server::CLIENTS;
    let first = TestServer::start(production_settings(toml, folder.path(), &database)).await;
    let form = [("grant_type", "client_credentials")];
    let token = first
        .post_basic("/oauth2/token", ("svc", "s3cret"), &form)
        .await;
    let token = token.member("access_token");
    let jwks = first.get("/.well-known/jwks.json").await.json();
    let device = [("client_id", "cli")];
    let device = first
        .post("/oauth2/device_authorization", &device)
        .await
        .json();
    first.stop().await;

    let ring = folder.path().join("keyring.toml");
    let old = hallpass_server::key_ring::KeyRing::read(&ring).unwrap();
    let new = old
        .with_new_first(&hallpass_protocol::random::SystemRandom)
        .unwrap();
    std::fs::remove_file(&ring).unwrap();
    hallpass_server::key_ring::create(&ring, &new, hallpass_protocol::Timestamp::UNIX_EPOCH)
        .unwrap();

    let second = TestServer::start(production_settings(toml, folder.path(), &database)).await;
    assert_eq!(second.get("/.well-known/jwks.json").await.json(), jwks);
    let found = second
        .post_basic("/oauth2/introspect", ("rs", "s"), &[("token", &token)])
        .await;
    assert_eq!(found.json()["active"], true);
    // A code in flight is found under the key that it was made with.
    let code = device["device_code"].as_str().unwrap();
    let poll = [
        ("grant_type", DEVICE_CODE),
        ("client_id", "cli"),
        ("device_code", code),
    ];
    assert_eq!(
        second.post("/oauth2/token", &poll).await.refusal().1,
        "authorization_pending"
    );
    second.stop().await;

    // Without the key that the database needs nothing starts, and it is named.
    std::fs::remove_file(&ring).unwrap();
    let text = format!("[[key]]\nid = 2\nkey = \"{}\"\n", "A".repeat(42) + "E");
    std::fs::write(&ring, text).unwrap();
    private(&ring);
    let settings = production_settings(toml, folder.path(), &database);
    let error = hallpass_server::Server::start(settings).await.unwrap_err();
    assert!(error.to_string().contains("key 1"), "{error}");
}

#[cfg(unix)]
fn private(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

#[cfg(not(unix))]
fn private(_: &std::path::Path) {}

#[cfg(unix)]
#[tokio::test]
async fn a_ring_that_others_can_read_is_refused_with_its_mode() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite://{}", folder.path().join("x.db").display());
    let settings = production_settings("", folder.path(), &database);
    let ring = folder.path().join("keyring.toml");
    for mode in [0o604, 0o640, 0o644, 0o660] {
        std::fs::set_permissions(&ring, std::fs::Permissions::from_mode(mode)).unwrap();
        let error = hallpass_server::Server::start(settings.clone())
            .await
            .unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains(&format!("{mode:04o}")) && text.contains("keyring.toml"),
            "{text}"
        );
        assert!(error.hint().unwrap().contains("chmod 600"));
        assert!(!folder.path().join("x.db").exists(), "nothing was made");
    }
}

#[tokio::test]
async fn another_cost_of_passwords_counts_from_the_next_sign_in_on() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.db");
    let database = format!("sqlite://{}", file.display());
    let start = |memory_kib: u32| {
        let toml = format!("[login.argon2]\nmemory_kib = {memory_kib}\npasses = 1\n");
        TestServer::start(production_settings(&toml, folder.path(), &database))
    };
    let has = |hash: &str| {
        let bytes = std::fs::read(&file).unwrap();
        bytes
            .windows(hash.len())
            .any(|window| window == hash.as_bytes())
    };
    let server = start(64).await;
    server.person_with_account("ada", PASSWORD).await;
    server.stop().await;
    assert!(has("$argon2id$v=19$m=64,t=1,p=1$"));

    let server = start(128).await;
    // A wrong password changes nothing: there is nothing to hash anew.
    assert!(!is_in(
        &log_in(&server.person(), "ada", "not the password").await
    ));
    server.stop().await;
    assert!(!has("$argon2id$v=19$m=128,t=1,p=1$"));
    let server = start(128).await;
    assert!(is_in(&log_in(&server.person(), "ada", PASSWORD).await));
    server.stop().await;
    assert!(has("$argon2id$v=19$m=128,t=1,p=1$"));
    let server = start(128).await;
    assert!(is_in(&log_in(&server.person(), "ada", PASSWORD).await));
    server.stop().await;
}

#[test]
fn a_cost_that_argon2_cannot_have_is_refused_and_a_low_one_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let read = |cost: &str| {
        let file = folder.path().join("cost.toml");
        let text = format!(
            "public_url = \"https://id.test\"\n[tls]\nmode = \"off\"\n[login.argon2]\n{cost}\n"
        );
        std::fs::write(&file, text).unwrap();
        let flags = ServerFlags {
            config: Some(file),
            database: None,
        };
        Settings::production(&[], &flags)
    };
    for bad in [
        "memory_kib = 7",
        "memory_kib = 4000000000",
        "passes = 0",
        "passes = 1000",
        "lanes = 0",
        "lanes = 16\nmemory_kib = 100",
    ] {
        let error = read(bad).err().map(|error| error.to_string());
        let named = error
            .as_ref()
            .is_some_and(|text| text.contains("login.argon2."));
        assert!(named, "{bad}: {error:?}");
    }
    let weak = |cost: &str| {
        let warnings = read(cost).unwrap().warnings;
        warnings.iter().any(|text| text.contains("login.argon2"))
    };
    assert!(weak("memory_kib = 64") && weak("passes = 1"));
    assert!(!weak("memory_kib = 65536") && !weak("passes = 3") && !weak(""));
}
