//! Where each setting comes from, and what is refused.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use hallpass_issuer::client::{AllowedScopes, ClientKind, Credential};
use hallpass_issuer::consent_policy::ConsentPolicy;
use hallpass_issuer::tokens::mint::Dialect;
use hallpass_issuer::tokens::one_time::SecretHash;
use hallpass_protocol::Timestamp;
use hallpass_protocol::client_auth::ClientAuthMethod;
use hallpass_protocol::jose::Algorithm;
use hallpass_protocol::token::GrantType;

use super::files::{Format, Source};
use super::*;

fn dev(env: &[(&str, &str)], flags: DevFlags) -> Result<Settings, SettingsError> {
    let env: Vec<(String, String)> = env
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect();
    Settings::dev(
        &|name| {
            env.iter()
                .find(|(known, _)| known == name)
                .map(|(_, value)| value.clone())
        },
        flags,
    )
}

fn json(text: &str) -> Result<Settings, SettingsError> {
    dev(&[("JSON_CONFIG", text)], DevFlags::default())
}

fn strict_json(text: &str) -> Result<Settings, SettingsError> {
    dev(
        &[("JSON_CONFIG", text)],
        DevFlags {
            strict: true,
            ..DevFlags::default()
        },
    )
}

fn toml(text: &str) -> Result<Settings, SettingsError> {
    let source = Source {
        name: "server.toml".to_owned(),
        folder: PathBuf::from(env!("CARGO_MANIFEST_DIR")),
        text: text.to_owned(),
        format: Format::Toml,
    };
    let mut settings = Settings::defaults(8080);
    toml_file::apply(&source, &mut settings).map(|()| settings)
}

fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

#[test]
fn without_a_configuration_the_defaults_are_the_mocks() {
    let settings = dev(&[], DevFlags::default()).unwrap();
    assert_eq!(
        settings.listen,
        addresses(&["127.0.0.1:8080", "[::1]:8080"])
    );
    assert!(settings.interactive_login && settings.loopback_only);
    assert_eq!(settings.rotation, Rotation::Public);
    assert_eq!(
        (settings.algorithm, &settings.public),
        (Algorithm::Rs256, &PublicUrl::FromHost)
    );
    assert_eq!(settings.token_rules.dialect, Dialect::Mock);
    assert_eq!(
        settings.token_rules.access_lifetime,
        Duration::from_hours(1)
    );
    assert!(settings.warnings.is_empty());
}

#[test]
fn flags_win_over_the_environment() {
    let env = [
        ("SERVER_HOSTNAME", "0.0.0.0"),
        ("SERVER_PORT", "1"),
        ("PORT", "2"),
        ("LOGBACK_CONFIG", "x.xml"),
    ];
    let settings = dev(&env, DevFlags::default()).unwrap();
    assert_eq!(settings.listen, addresses(&["0.0.0.0:1"]));
    assert_eq!(
        (settings.loopback_only, settings.hostname.as_deref()),
        (false, Some("0.0.0.0"))
    );
    assert_eq!(settings.warnings.len(), 1);
    let flags = DevFlags {
        host: Some("localhost".to_owned()),
        port: Some(0),
        ..DevFlags::default()
    };
    let settings = dev(&env, flags).unwrap();
    assert_eq!(settings.listen, addresses(&["127.0.0.1:0", "[::1]:0"]));
    assert!(settings.loopback_only);
    let settings = dev(
        &[("PORT", "2"), ("SERVER_PORT", ""), ("SERVER_HOSTNAME", "")],
        DevFlags::default(),
    )
    .unwrap();
    assert_eq!((settings.listen[1].port(), settings.hostname), (2, None));
    assert_eq!(
        dev(&[("SERVER_HOSTNAME", "[::1]")], DevFlags::default())
            .unwrap()
            .listen,
        addresses(&["[::1]:8080"])
    );
    let error = dev(&[("SERVER_PORT", "70000")], DevFlags::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "environment: `SERVER_PORT` is not a port"
    );
    assert_eq!(error.exit_code(), 5);
}

#[test]
fn the_mocks_own_json_is_understood() {
    let settings = json(
        r#"{ "interactiveLogin": true, "rotateRefreshToken": false,
            "httpServer": {"type": "NettyWrapper"},
            "tokenProvider": {"keyProvider": {"algorithm": "ES256"}, "systemTime": "2020-01-21T00:00:00Z"},
            "tokenCallbacks": [{"issuerId": "issuer1", "tokenExpiry": 120, "requestMappings": [
                {"requestParam": "code", "match": "*", "typeHeader": "JWT", "claims": {"anything": {"at": "all"}}},
                {"requestParam": "scope"}]}, {"issuerId": "issuer2"}],
            "redirectUris": ["http://app.internal:3000/cb", "com.example.app:/cb"] }"#,
    )
    .unwrap();
    assert!(settings.interactive_login);
    assert_eq!(settings.rotation, Rotation::Never);
    assert_eq!(settings.algorithm, Algorithm::Es256);
    assert_eq!(
        settings.system_time,
        Some(Timestamp::from_unix_seconds(1_579_564_800))
    );
    let [one, two] = &settings.token_callbacks[..] else {
        panic!("two callbacks")
    };
    assert_eq!(
        (one.token_expiry, one.mappings.len()),
        (Duration::from_mins(2), 2)
    );
    assert_eq!(
        (two.token_expiry, &*two.issuer_id),
        (Duration::from_hours(1), "issuer2")
    );
    assert_eq!(settings.free_redirect_uris.len(), 2);
    assert!(settings.warnings.is_empty(), "{:?}", settings.warnings);
    assert_eq!(
        json(r#"{"rotateRefreshToken": true}"#).unwrap().rotation,
        Rotation::All
    );
    assert_eq!(json("{}").unwrap().rotation, Rotation::Public);
    assert!(!json("{}").unwrap().interactive_login);
    assert!(
        json(r#"{"httpServer": "MockWebServerWrapper"}"#)
            .unwrap()
            .warnings
            .is_empty()
    );
}

#[test]
fn an_unknown_json_key_warns_and_is_refused_when_strict() {
    let text = r#"{"tokenCallbacks": [{"issuerId": "a", "requestMapping": []}]}"#;
    let unknown = "JSON_CONFIG: unknown key `tokenCallbacks[0].requestMapping`";
    assert_eq!(
        json(text).unwrap().warnings,
        [format!("{unknown} (did you mean `requestMappings`?)")]
    );
    let error = strict_json(text).unwrap_err();
    assert_eq!(error.to_string(), unknown);
    assert_eq!(
        error.hint().as_deref(),
        Some("did you mean `requestMappings`?")
    );
}

#[test]
fn broken_json_is_refused_with_its_place() {
    for (text, message) in [
        (
            "{\n  \"interactiveLogin\": \"yes\"}",
            "JSON_CONFIG:2:27: invalid type: string \"yes\", expected a boolean",
        ),
        ("{", "JSON_CONFIG:1:1: EOF while parsing an object"),
        (
            r#"{"httpServer": {"ssl": {"keystoreType": "BKS"}}}"#,
            "JSON_CONFIG: `httpServer.ssl.keystoreType` is `BKS`, which is no kind of key store",
        ),
        (
            r#"{"loginPagePath": "no-such.html"}"#,
            "JSON_CONFIG: `loginPagePath` names `no-such.html`, which is not there",
        ),
        (
            r#"{"staticAssetsPath": "src/lib.rs"}"#,
            "JSON_CONFIG: `staticAssetsPath` names `src/lib.rs`, which is not there",
        ),
        (
            r#"{"tokenProvider": {"systemTime": "now"}}"#,
            "JSON_CONFIG: `tokenProvider.systemTime` is `now`, which is no point in time",
        ),
        (
            r#"{"tokenProvider": {"keyProvider": {"algorithm": "HS256"}}}"#,
            "JSON_CONFIG: `tokenProvider.keyProvider.algorithm` is `HS256`, which is not supported",
        ),
        (
            r#"{"tokenProvider": {"keyProvider": {"initialKeys": "canary"}}}"#,
            "JSON_CONFIG: `tokenProvider.keyProvider.initialKeys` cannot be used: not a private JSON Web Key",
        ),
        (
            r#"{"redirectUris": ["javascript:alert(1)"]}"#,
            "JSON_CONFIG: `redirectUris` holds `javascript:alert(1)`, which is no redirect URI",
        ),
    ] {
        assert_eq!(json(text).unwrap_err().to_string(), message);
    }
    let negative = r#"{"tokenCallbacks": [{"issuerId": "a", "tokenExpiry": -1}]}"#;
    assert!(matches!(
        json(negative),
        Err(SettingsError::Malformed { .. })
    ));
}

/// RFC 7515 A.3.
const EC_KEY: &str = r#"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\",\"d\":\"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI\"}"#;

#[test]
fn an_initial_key_decides_the_algorithm_and_is_not_printed() {
    let config = |algorithm: &str| {
        json(&format!(
            r#"{{"tokenProvider": {{"keyProvider": {{"initialKeys": "{EC_KEY}"{algorithm}}}}}}}"#
        ))
    };
    let settings = config("").unwrap();
    assert_eq!(settings.algorithm, Algorithm::Es256);
    assert!(settings.initial_keys.is_some() && !format!("{settings:?}").contains("jpsQ"));
    let error = config(r#", "algorithm": "RS256""#).unwrap_err().to_string();
    assert!(
        error.contains("is a key for ES256, but `algorithm` is RS256") && !error.contains("jpsQ"),
        "{error}"
    );
}

#[test]
fn json_and_toml_share_the_clients() {
    let settings = strict_json(
        r#"{"clients": [{"id": "svc", "type": "confidential", "secret": "s", "auth_method": "client_secret_post",
            "grants": ["client_credentials"], "scopes": ["api:read"], "introspect": true}]}"#,
    )
    .unwrap();
    let client = &settings.clients[0];
    let kind = ClientKind::Confidential(Credential::Secret {
        method: ClientAuthMethod::ClientSecretPost,
        hashes: vec![SecretHash::of(b"s")],
    });
    assert_eq!(
        (&client.kind, client.introspects, &*client.name),
        (&kind, true, "svc")
    );
    let settings = toml(
        r#"
        public_url = "http://auth.internal:9000/"
        listen = "0.0.0.0:9000"
        [ttl]
        access = "5m"
        refresh_idle = "1d"
        device = "2m"
        [device]
        interval = "1s"
        [refresh]
        grace = "0s"
        [[client]]
        id = "acme-cli"
        name = "Acme CLI"
        type = "public"
        grants = ["authorization_code", "refresh_token", "device_code"]
        redirect_uris = ["http://127.0.0.1/callback"]
        scopes = ["openid", "api:read"]
        device = { scopes = ["openid"] }
        refresh = "always"
        consent = "remember"
        dpop = "required"
        "#,
    )
    .unwrap();
    assert_eq!(
        settings.public,
        PublicUrl::Fixed("http://auth.internal:9000".to_owned())
    );
    assert_eq!(settings.token_rules.access_lifetime, Duration::from_mins(5));
    assert_eq!(
        (settings.refresh.idle, settings.refresh.grace),
        (Duration::from_hours(24), Duration::ZERO)
    );
    assert_eq!(
        (settings.device.lifetime, settings.device.interval),
        (Duration::from_mins(2), Duration::from_secs(1))
    );
    let client = &settings.clients[0];
    assert_eq!(
        (&client.kind, client.grants.contains(&GrantType::DeviceCode)),
        (&ClientKind::Public, true)
    );
    assert!(
        matches!(&client.scopes, AllowedScopes::Only(scopes) if scopes.to_string() == "openid api:read")
    );
    assert_eq!(client.device.scopes.as_ref().unwrap().to_string(), "openid");
    assert!(client.refresh_without_offline_access && client.require_pkce && !client.introspects);
    assert_eq!(settings.warnings, [""; 0]);
    assert_eq!(client.consent, Some(ConsentPolicy::Remember));
    assert!(client.requires_dpop && !client.requires_pushed_requests);
    assert_eq!(
        (settings.dpop_nonce, settings.registration.is_open),
        (false, true)
    );
}

#[test]
fn a_secret_file_lies_beside_the_configuration() {
    let base =
        "[[client]]\nid = \"svc\"\ntype = \"confidential\"\ngrants = [\"client_credentials\"]\n";
    let settings = toml(&format!("{base}secret_file = \"Cargo.toml\"")).unwrap();
    let text = include_str!("../../Cargo.toml").trim_end_matches('\n');
    let kind = ClientKind::Confidential(Credential::Secret {
        method: ClientAuthMethod::ClientSecretBasic,
        hashes: vec![SecretHash::of(text.as_bytes())],
    });
    assert_eq!(settings.clients[0].kind, kind);
    assert!(matches!(
        toml(&format!("{base}secret_file = \"no-such-file\"")),
        Err(SettingsError::Unreadable { .. })
    ));
}

#[test]
fn a_client_that_makes_no_sense_is_refused_by_name() {
    for (fields, message) in [
        (
            "redirect_uris = [\"http://evil.test/cb\"]",
            "`client[c].redirect_uris` holds `http://evil.test/cb`: http is only for 127.0.0.1, [::1] and localhost",
        ),
        (
            "secret = \"s\"",
            "`client[c].secret` is set, but a public client does not authenticate",
        ),
        (
            "auth_method = \"client_secret_basic\"",
            "`client[c].auth_method` needs `type = \"confidential\"`",
        ),
        (
            "type = \"confidential\"",
            "`client[c].secret_file` is missing: a confidential client has a secret or a `jwks`",
        ),
        (
            "type = \"confidential\"\nsecret = \"\"",
            "`client[c].secret` is empty",
        ),
        (
            "type = \"confidential\"\nsecret = \"s\"\nauth_method = \"none\"",
            "`client[c].auth_method` is `none`, which is for public clients",
        ),
        (
            "type = \"confidential\"\nsecret = \"s\"\njwks = { keys = [] }",
            "`client[c].jwks` and `secret` are both set",
        ),
        (
            "type = \"confidential\"\nauth_method = \"private_key_jwt\"",
            "`client[c].jwks` is missing: `private_key_jwt` needs the client's public keys",
        ),
        (
            "type = \"confidential\"\nauth_method = \"client_secret_post\"\njwks = { keys = [] }",
            "`client[c].auth_method` takes a secret, and `jwks` is for `private_key_jwt`",
        ),
        (
            "type = \"confidential\"\njwks = { keys = [] }",
            "`client[c].jwks` holds no key for signatures",
        ),
        (
            "type = \"confidential\"\njwks = { keys = [{ kty = \"oct\", k = \"AA\" }] }",
            "`client[c].jwks` is refused: key 0 of the set: the key carries its private part: `k`",
        ),
        (
            "grants = [\"password\"]",
            "`client[c].grants` holds `password`, which is no grant",
        ),
        (
            "grants = [\"client_credentials\"]",
            "`client[c].grants` holds `client_credentials`, which is for confidential clients",
        ),
        (
            "",
            "`client[c].redirect_uris` is empty, but the authorization code grant needs one",
        ),
        (
            "grants = []\nscopes = [\"a b\"]",
            "`client[c].scopes` holds `a b`: write one scope per entry",
        ),
        (
            "grants = []\nscopes = [\"a\"]\ndevice = { scopes = [\"a\", \"b\"] }",
            "`client[c].device.scopes` is not a part of `scopes`",
        ),
        (
            "grants = []\n[[client]]\nid = \"c\"\ngrants = []",
            "`client[c].id` is the id of two clients",
        ),
    ] {
        let error = toml(&format!("[[client]]\nid = \"c\"\n{fields}")).unwrap_err();
        assert_eq!(error.to_string(), format!("server.toml: {message}"));
    }
}

#[test]
fn broken_toml_is_refused_with_line_column_and_the_nearest_name() {
    let error = toml("[[client]]\nid = \"c\"\n  grantz = []").unwrap_err();
    assert_eq!(
        error.to_string(),
        "server.toml:3:3: unknown key `client[0].grantz`"
    );
    assert_eq!(error.hint().as_deref(), Some("did you mean `grants`?"));
    for (text, start) in [
        ("[ttl]\naccess = true", "server.toml:2:10: a span"),
        ("[ttl]\naccess = \"5 min\"", "server.toml:2:10: not a span"),
        ("a = ", "server.toml:1:"),
        ("[[client]]\nid = 7", "server.toml:2:6: invalid type"),
        (
            "[ttl]\naccess = \"0s\"",
            "server.toml: `ttl.access` is zero",
        ),
    ] {
        let error = toml(text).unwrap_err().to_string();
        assert!(error.contains(start), "{error}");
    }
}

#[test]
fn s_284_production_settings_are_refused() {
    let flag = |url: &str| DevFlags {
        issuer_url: Some(url.to_owned()),
        ..DevFlags::default()
    };
    let database = DevFlags {
        database: Some("sqlite:///x".to_owned()),
        ..DevFlags::default()
    };
    for outcome in [
        dev(&[], database),
        dev(
            &[("HALLPASS__DATABASE__URL", "postgres://x")],
            DevFlags::default(),
        ),
        dev(&[], flag("HTTPS://id.example")),
        toml("public_url = \"https://id.example\""),
        toml("[database]\nurl = \"sqlite:///x\""),
        toml("[secrets]\nkeyring_file = \"/x\""),
    ] {
        let error = outcome.unwrap_err();
        assert!(
            matches!(error, SettingsError::NotInDevMode { .. }),
            "{error}"
        );
        assert_eq!(error.exit_code(), 5);
    }
    assert_eq!(
        dev(&[], flag("http://auth:8080/")).unwrap().public,
        PublicUrl::Fixed("http://auth:8080".to_owned())
    );
    for url in [
        "auth:8080",
        "http://auth/default",
        "http://u@auth",
        "http://auth/?x",
        "ftp://auth",
        "",
    ] {
        assert!(
            matches!(dev(&[], flag(url)), Err(SettingsError::BadValue { .. })),
            "{url}"
        );
    }
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let flag = |path: &str| DevFlags {
        config: Some(PathBuf::from(path)),
        ..DevFlags::default()
    };
    for (outcome, start) in [
        (
            dev(&[], flag("no-such.toml")),
            "cannot read `no-such.toml`: ",
        ),
        (dev(&[], flag("no-such.yaml")), "`no-such.yaml` is neither"),
        (
            dev(&[("JSON_CONFIG_PATH", "no-such.json")], DevFlags::default()),
            "cannot read `no-such.json`: ",
        ),
    ] {
        let error = outcome.unwrap_err();
        assert!(
            error.to_string().starts_with(start) && error.hint().is_some(),
            "{error}"
        );
    }
    let both = [("JSON_CONFIG", "{}"), ("JSON_CONFIG_PATH", "no-such.json")];
    assert!(dev(&both, DevFlags::default()).is_ok());
}

#[test]
fn https_takes_a_key_store_of_today_and_says_how_to_convert_the_others() {
    let ssl = |members: &str| json(&format!(r#"{{"httpServer": {{"ssl": {{{members}}}}}}}"#));
    assert!(ssl("").unwrap().tls.is_some());
    assert!(
        json(r#"{"httpServer": {"ssl": null}}"#)
            .unwrap()
            .tls
            .is_none()
    );
    assert!(
        json(r#"{"httpServer": "MockWebServerWrapper"}"#)
            .unwrap()
            .tls
            .is_none()
    );
    let store = |name: &str, password: &str| {
        ssl(&format!(
            r#""keystoreFile": "src/tls/testdata/{name}.p12", "keystorePassword": "{password}", "keyPassword": """#
        ))
    };
    assert!(store("keytool", "changeit").unwrap().tls.is_some());
    assert!(store("empty-password", "").unwrap().tls.is_some());
    let wrong = store("keytool", "wrong").unwrap_err();
    assert!(
        wrong
            .to_string()
            .ends_with("does not open with this `keystorePassword`")
    );
    let legacy = store("legacy", "changeit").unwrap_err().hint().unwrap();
    assert!(legacy.contains("-srcstoretype PKCS12 -destkeystore src/tls/testdata/legacy-new.p12"));
    let jks = ssl(r#""keystoreFile": "localhost.jks", "keystoreType": "JKS""#).unwrap_err();
    assert_eq!(
        jks.hint().as_deref(),
        Some(
            "convert it with `keytool -importkeystore -srckeystore localhost.jks -srcstoretype JKS \
             -destkeystore localhost.p12 -deststoretype PKCS12`, then set `keystoreFile` to \
             \"localhost.p12\" and `keystoreType` to \"PKCS12\""
        )
    );
}
