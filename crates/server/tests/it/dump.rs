//! Whoever steals a copy of the database can sign nobody in: no token, code, password or key that
//! was used stands in it, in any spelling.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_protocol::{Secret, Timestamp};
use hallpass_server::accounts::{NewAccount, Role};
use hallpass_testing::person::{REDIRECT_URI, VERIFIER};
use hallpass_testing::server::{CLIENTS, START, production_settings};
use hallpass_testing::{Person, TestPostgres, TestServer};

use crate::second_factors::{App, recovery_codes};

const PASSWORD: &str = "engines of analysis";
const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// Signs in by browser and by device, refreshes, pushes, registers; every secret that was used.
pub(crate) async fn story(server: &TestServer) -> Vec<(&'static str, String)> {
    let mut secrets = vec![
        ("password", PASSWORD.to_owned()),
        ("client secret", "s3cret".to_owned()),
    ];
    let account = NewAccount {
        username: "ada".to_owned(),
        email: Some("ada@example.com".to_owned()),
        display_name: None,
        role: Role::User,
        locale: None,
    };
    let password = Secret::new(PASSWORD.to_owned());
    let made = server
        .accounts()
        .create_with_password(account, password)
        .await;
    made.unwrap();

    let person = server.person();
    let path = Person::authorization_path("cli", "openid offline_access");
    let page = person
        .open(&path.replace("/default/authorize", "/oauth2/authorize"))
        .await;
    let fields = [("username", "ada"), ("password", PASSWORD)];
    let answer = person.submit(&page, &fields).await;
    let code = answer.redirect_parameters()["code"].clone();
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "cli"),
        ("code", code.as_str()),
        ("redirect_uri", REDIRECT_URI),
        ("code_verifier", VERIFIER),
    ];
    let tokens = server.post("/oauth2/token", &form).await;
    assert_eq!(tokens.status, 200, "{}", tokens.body);
    let refresh = tokens.member("refresh_token");
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", "cli"),
        ("refresh_token", refresh.as_str()),
    ];
    let second = server.post("/oauth2/token", &form).await;
    for (name, answer) in [("first", &tokens), ("second", &second)] {
        for kind in ["access_token", "refresh_token"] {
            secrets.push((name, answer.member(kind)));
        }
    }
    secrets.push(("ID token", tokens.member("id_token")));
    secrets.push(("code", code));

    secrets.extend(second_factor(&person).await);
    secrets.extend(programs(server).await);
    // What happened is written down by now, and tells none of it either.
    let records = server.audited().await;
    assert!(records.len() > 5, "{records:?}");
    for (name, secret) in &secrets {
        let has = |record: &serde_json::Value| record.to_string().contains(secret.as_str());
        assert!(!records.iter().any(has), "{name} stands in a record");
    }
    for (_, value) in person.cookies() {
        secrets.push(("cookie", value));
    }
    assert!(
        secrets.iter().all(|(_, secret)| secret.len() >= 6),
        "{secrets:?}"
    );
    secrets
}

/// Row A-88: what an authenticator app shares with the server, and the codes on paper.
async fn second_factor(person: &Person) -> Vec<(&'static str, String)> {
    let page = person.open("/account/security/totp").await;
    let app = App::scan(&page);
    let code = app.code_at(Timestamp::from_unix_seconds(START));
    let codes = person.submit(&page, &[("code", &code)]).await;
    let codes = recovery_codes(&codes);
    assert_eq!(codes.len(), 10);
    let mut secrets = vec![("TOTP key", app.key.clone())];
    secrets.push(("TOTP seed", hex(&app.bytes)));
    for code in codes {
        secrets.push(("recovery code", code.replace('-', "")));
        secrets.push(("recovery code", code));
    }
    secrets
}

/// What programs do without a person: a device asks, a request is pushed, a client registers.
async fn programs(server: &TestServer) -> Vec<(&'static str, String)> {
    let mut secrets = Vec::new();
    let device = [("client_id", "cli"), ("scope", "openid")];
    let device = server.post("/oauth2/device_authorization", &device).await;
    let user_code = device.member("user_code");
    let poll = [
        ("grant_type", DEVICE_CODE),
        ("client_id", "cli"),
        ("device_code", &device.member("device_code")),
    ];
    let pending = server.post("/oauth2/token", &poll).await;
    assert_eq!(pending.refusal().1, "authorization_pending");
    secrets.push(("device code", device.member("device_code")));
    secrets.push(("user code without its dash", user_code.replace('-', "")));
    secrets.push(("user code", user_code));

    let pushed = [
        ("response_type", "code"),
        ("client_id", "cli"),
        ("redirect_uri", REDIRECT_URI),
        (
            "code_challenge",
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        ),
        ("code_challenge_method", "S256"),
    ];
    let pushed = server
        .post("/oauth2/par", &pushed)
        .await
        .member("request_uri");
    secrets.push(("request URI", pushed.rsplit(':').next().unwrap().to_owned()));
    let metadata = r#"{"redirect_uris": ["https://x.example/cb"], "token_endpoint_auth_method": "client_secret_basic"}"#;
    let asked = server
        .http()
        .post(server.url("/oauth2/register"))
        .header("content-type", "application/json")
        .body(metadata);
    let registered = server.send(asked).await;
    assert_eq!(registered.status, 201, "{}", registered.body);
    secrets.push(("registered secret", registered.member("client_secret")));
    secrets.push((
        "registration token",
        registered.member("registration_access_token"),
    ));
    secrets
}

/// The keys of the ring, as text and as bytes.
fn ring_keys(folder: &Path) -> Vec<(&'static str, Vec<u8>)> {
    let text = std::fs::read_to_string(folder.join("keyring.toml")).unwrap();
    let key = text.split('"').nth(1).unwrap();
    let bytes = URL_SAFE_NO_PAD.decode(key).unwrap();
    assert_eq!(bytes.len(), 32);
    vec![
        ("ring key", key.as_bytes().to_vec()),
        ("ring key, bytes", bytes),
    ]
}

fn hex(bytes: &[u8]) -> String {
    hallpass_protocol::hex::encode(bytes)
}

fn holds(dump: &[u8], wanted: &[u8]) -> bool {
    dump.windows(wanted.len()).any(|part| part == wanted)
}

/// Looks for each secret as it is, and as PostgreSQL writes bytes.
fn assert_tells_nothing(dump: &[u8], secrets: &[(&'static str, String)], folder: &Path) {
    // It is the right dump: what is no secret can be read.
    for known in ["ada@example.com", "x.example", "login.success"] {
        assert!(holds(dump, known.as_bytes()), "the dump lacks {known}");
    }
    let texts = secrets
        .iter()
        .map(|(name, secret)| (*name, secret.as_bytes().to_vec()));
    // What is told in hexadecimal digits may lie there as bytes.
    let bytes = secrets.iter().filter_map(|(name, secret)| {
        let bytes: Option<[u8; 20]> = hallpass_protocol::hex::decode(secret);
        Some((*name, bytes?.to_vec()))
    });
    for (name, secret) in texts.chain(bytes).chain(ring_keys(folder)) {
        assert!(!holds(dump, &secret), "{name} stands in the dump");
        assert!(
            !holds(dump, hex(&secret).as_bytes()),
            "{name} stands in the dump, as hex"
        );
    }
    // PKCS #8 of a P-256 key begins so; sealed it does not.
    let pkcs8 = [0x30, 0x81, 0x87, 0x02, 0x01, 0x00, 0x30, 0x13, 0x06, 0x07];
    assert!(
        !holds(dump, &pkcs8) && !holds(dump, hex(&pkcs8).as_bytes()),
        "a private key"
    );
}

async fn server(folder: &Path, database: &str) -> TestServer {
    let toml = format!("register = {{ mode = \"open\" }}\n{CLIENTS}");
    let settings = hallpass_server::Settings {
        // Whether a person is asked once more changes no secret.
        consent: None,
        ..production_settings(&toml, folder, database)
    };
    TestServer::start(settings).await
}

#[tokio::test]
async fn a_sqlite_file_tells_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.db");
    let server = server(folder.path(), &format!("sqlite://{}", file.display())).await;
    let secrets = story(&server).await;
    let read = |suffix: &str| {
        std::fs::read(folder.path().join(format!("x.db{suffix}"))).unwrap_or_default()
    };
    // While it runs most of it is in the log.
    let running = [read(""), read("-wal"), read("-shm")].concat();
    assert_tells_nothing(&running, &secrets, folder.path());
    hallpass_store::backup(&file, &folder.path().join("copy.db")).unwrap();
    let copy = std::fs::read(folder.path().join("copy.db")).unwrap();
    assert_tells_nothing(&copy, &secrets, folder.path());
    server.stop().await;
    assert_tells_nothing(&read(""), &secrets, folder.path());
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgresql_dump_tells_no_secret() {
    let postgres = TestPostgres::shared();
    let folder = tempfile::tempdir().unwrap();
    let url = postgres.database();
    let server = server(folder.path(), &url).await;
    let secrets = story(&server).await;
    let name = url.split('?').next().unwrap().rsplit('/').next().unwrap();
    let dump = postgres.dump(name);
    assert_tells_nothing(dump.as_bytes(), &secrets, folder.path());
    server.stop().await;
}
