//! What a `server.toml` may say, what the environment says over it, and what stops the start.

mod branding;
mod login;

use std::path::Path;

use super::*;
use crate::settings::dev::DevFlags;
use crate::settings::mode::{AccountRegistration, AuditSink, KeyRingSource};
use crate::settings::{known_keys, server_toml};

fn read(toml: &str, variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    let folder = tempfile::tempdir().unwrap();
    read_in(folder.path(), toml, variables, None)
}

fn read_in(
    folder: &Path,
    toml: &str,
    variables: &[(&str, &str)],
    database: Option<&str>,
) -> Result<Settings, SettingsError> {
    let file = folder.join("server.toml");
    std::fs::write(&file, toml).unwrap();
    let flags = ServerFlags {
        config: Some(file),
        database: database.map(str::to_owned),
    };
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let variables: Vec<_> = variables.iter().map(own).collect();
    Settings::production(&variables, &flags)
}

const LEAST: &str = "public_url = \"https://id.example.com\"\ntls.mode = \"off\"\n";
const PICTURE: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\"/>";

#[test]
fn two_lines_are_enough_and_the_defaults_are_those_of_production() {
    let settings = read(LEAST, &[]).unwrap();
    assert_eq!(settings.mode, Mode::Production);
    assert!(settings.strict && settings.is_https() && !settings.registration.is_open);
    assert_eq!(settings.control, ControlAccess::Off);
    assert_eq!(
        settings.public,
        PublicUrl::Fixed("https://id.example.com".to_owned())
    );
    assert_eq!(settings.listen, ["127.0.0.1:8443".parse().unwrap()]);
    assert_eq!(settings.token_rules.access_lifetime.as_secs(), 600);
    assert_eq!(settings.compat, Compat::default());
    assert_eq!(settings.branding.name, "id.example.com");
    assert!(matches!(
        &settings.key_ring,
        KeyRingSource::File(path) if path == Path::new("/var/lib/hallpass/keyring.toml")
    ));
    assert_eq!(settings.warnings, [""; 0]);
}

#[test]
fn an_unknown_key_stops_the_start_with_line_column_and_the_nearest_name() {
    let error = read(&format!("{LEAST}[devcie]\nenabled = false\n"), &[]).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("server.toml:3:2: unknown key `devcie`"),
        "{error}"
    );
    assert_eq!(error.hint().unwrap(), "did you mean `device`?");
    let error = read(&format!("{LEAST}[ttl]\n  acess = \"5m\"\n"), &[]).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("server.toml:4:3: unknown key `ttl.acess`"),
        "{error}"
    );
    let error = read(&format!("{LEAST}[limits]\nlogin_per_ip = \"many\"\n"), &[]).unwrap_err();
    assert!(
        error.to_string().contains("server.toml:4:16") && error.to_string().contains("10/15m"),
        "{error}"
    );
}

#[test]
fn the_environment_wins_over_the_file_and_the_flag_over_both() {
    let toml = format!("{LEAST}[ttl]\naccess = \"5m\"\n[database]\nurl = \"sqlite:a.db\"\n");
    let variables = [
        ("HALLPASS__TTL__ACCESS", "2m"),
        ("HALLPASS__LISTEN", "0.0.0.0:9000"),
        ("HALLPASS__DEVICE__ENABLED", "false"),
        ("HALLPASS__TRUSTED_PROXIES", "[\"10.0.0.0/8\"]"),
        ("HALLPASS__DATABASE__URL", "sqlite:b.db"),
        ("HALLPASS__DATABASE__MAX_CONNECTIONS", "7"),
        ("HALLPASS__BRANDING__NAME", "Acme"),
        ("HALLPASS__REFRESH__GRACE", ""),
        ("OTHER", "x"),
    ];
    let settings = read(&toml, &variables).unwrap();
    assert_eq!(settings.token_rules.access_lifetime.as_secs(), 120);
    assert_eq!(settings.listen, ["0.0.0.0:9000".parse().unwrap()]);
    assert!(!settings.device_flow);
    assert_eq!(settings.trusted_proxies.len(), 1);
    assert_eq!(settings.database.url.expose(), "sqlite:b.db");
    assert_eq!(settings.branding.name, "Acme");
    let folder = tempfile::tempdir().unwrap();
    let flagged = read_in(folder.path(), &toml, &variables, Some("sqlite:c.db")).unwrap();
    assert_eq!(flagged.database.url.expose(), "sqlite:c.db");
    // Beside the database that is used.
    assert!(
        matches!(&flagged.key_ring, KeyRingSource::File(path) if path == Path::new("keyring.toml"))
    );
}

#[test]
fn a_variable_that_means_nothing_is_refused_by_name() {
    for (name, value, words) in [
        ("HALLPASS__TTL__ACESS", "1m", "HALLPASS__TTL__ACESS"),
        ("HALLPASS__CLIENT", "x", "HALLPASS__CLIENT"),
        ("HALLPASS__TTL", "x", "HALLPASS__TTL"),
        (
            "HALLPASS__DEVICE__ENABLED",
            "maybe",
            "HALLPASS__DEVICE__ENABLED",
        ),
        ("HALLPASS__LISTEN", "nowhere", "HALLPASS__LISTEN"),
    ] {
        let error = read(LEAST, &[(name, value)]).unwrap_err();
        assert!(error.to_string().contains(words), "{name}: {error}");
    }
    let error = read(LEAST, &[("HALLPASS__TTL__ACESS", "1m")]).unwrap_err();
    assert_eq!(error.hint().unwrap(), "did you mean `access`?");
}

#[test]
fn s_92_what_would_be_unsafe_does_not_start() {
    for (toml, words) in [
        ("tls.mode = \"off\"", "`public_url` is missing"),
        ("public_url = \"http://id.example.com\"", "need https"),
        ("public_url = \"https://id.example.com/auth\"", "https://"),
        ("public_url = \"https://u:p@id.example.com\"", "https://"),
        (
            "public_url = \"https://id.example.com\"",
            "`tls` names no `cert` and `key`",
        ),
        (
            "public_url = \"https://a.b\"\ntls = { mode = \"off\", cert = \"x\" }",
            "a certificate is named too",
        ),
        (
            "public_url = \"https://a.b\"\ntls = { cert = \"no.pem\", key = \"no.pem\" }",
            "no.pem",
        ),
        ("trusted_proxies = [\"10.0.0.0/99\"]", "10.0.0.0/99"),
        ("database.url = \"sqlite::memory:\"", "outlives the process"),
        ("database.url = \"mysql://x\"", "outlives the process"),
        ("database.max_connections = 0", "from 1 to 100"),
        (
            "database.url = \"postgres://u@h/d\"",
            "`secrets.keyring_file` is missing",
        ),
        ("secrets.keyring = \"x\"", "stands in the settings"),
        ("ttl.access = \"0s\"", "is zero"),
        (
            "public_url = \"http://127.0.0.1\"\nlogin.passkey = true",
            "need a host name",
        ),
        ("branding.name = \" \"", "empty"),
        ("branding.language = \"pt\"", "do not speak"),
        ("branding.language = \"DE\"", "do not speak"),
        ("resource = [{ id = \"api\" }]", "absolute URI"),
        (
            "resource = [{ id = \"https://a\" }, { id = \"https://a\" }]",
            "two resources",
        ),
        (
            "resource = [{ id = \"https://a\", scopes = { \"a b\" = \"x\" } }]",
            "no scope",
        ),
        (
            "email = { transport = \"smtp\", from = \"a@b\", host = \"h\", user = \"u\" }",
            "password_file",
        ),
        (
            "email = { transport = \"smtp\", from = \"a@b\" }",
            "`email.host` is missing",
        ),
        (
            "email = { transport = \"smtp\", from = \"a@b\\nBcc: c@d\", host = \"h\" }",
            "control characters",
        ),
    ] {
        let whole = if toml.contains("public_url") || words.contains("public_url") {
            toml.to_owned()
        } else {
            format!("{LEAST}{toml}")
        };
        let error = read(&whole, &[]).unwrap_err().to_string();
        assert!(error.contains(words), "{toml}: {error}");
    }
    // A trial on this machine needs no certificate.
    for url in [
        "http://localhost:8443",
        "http://127.0.0.1:1",
        "http://[::1]:1",
    ] {
        let settings = read(&format!("public_url = \"{url}\""), &[]).unwrap();
        assert!(!settings.is_https() && settings.tls.is_none(), "{url}");
    }
}

#[test]
fn s_137_a_73_a_client_cannot_have_the_id_of_a_person() {
    let client = |id: &str| {
        format!(
            "{LEAST}[[client]]\nid = \"{id}\"\ntype = \"confidential\"\nsecret = \"x\"\n\
             grants = [\"client_credentials\"]\n"
        )
    };
    let error = read(&client("01939f7c-5b5e-7cc3-8a9b-0123456789aB"), &[]).unwrap_err();
    assert!(error.to_string().contains("id of a person"), "{error}");
    for id in [
        "acme-cli",
        "01939f7c-5b5e-7cc3-8a9b-0123456789a",
        "01939f7c5b5e7cc38a9b0123456789abcdef",
    ] {
        assert!(read(&client(id), &[]).is_ok(), "{id}");
    }
}

#[test]
fn the_key_ring_comes_from_a_file_the_environment_or_a_credential() {
    let ring = "[{id = 1, key = \"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\"}]";
    let from_text = |settings: &Settings, ending: &str| match &settings.key_ring {
        KeyRingSource::Text { name, .. } => name.ends_with(ending),
        KeyRingSource::File(_) | KeyRingSource::Fresh => false,
    };
    let variable = [("HALLPASS__SECRETS__KEYRING", ring)];
    assert!(from_text(
        &read(LEAST, &variable).unwrap(),
        "HALLPASS__SECRETS__KEYRING"
    ));
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("keyring"), ring).unwrap();
    let credentials = [("CREDENTIALS_DIRECTORY", folder.path().to_str().unwrap())];
    assert!(from_text(&read(LEAST, &credentials).unwrap(), "keyring"));
    let both = format!("{LEAST}secrets.keyring_file = \"x.toml\"");
    let error = read(&both, &variable).unwrap_err();
    assert!(error.to_string().contains("both set"), "{error}");
    let settings = read_in(folder.path(), &both, &credentials, None).unwrap();
    let expected = folder.path().join("x.toml");
    assert!(matches!(&settings.key_ring, KeyRingSource::File(path) if *path == expected));
    assert!(!format!("{:?}", read(LEAST, &variable).unwrap().key_ring).contains("AAECAw"));
}

#[test]
fn the_effective_settings_can_be_read_again_and_hide_what_is_secret() {
    let toml = format!(
        "{LEAST}compat = [\"hydra\"]\ndatabase.url = \"postgres://u:pa55word@h/d\"\n\
         secrets.keyring_file = \"/x.toml\"\n\
         [[client]]\nid = \"svc\"\ntype = \"confidential\"\nsecret = \"s3cret\"\n\
         grants = [\"client_credentials\"]\nscopes = [\"a\"]\n"
    );
    let shown = read(&toml, &[]).unwrap().effective();
    assert!(
        !shown.contains("pa55word") && !shown.contains("s3cret"),
        "{shown}"
    );
    let table: toml::Table = toml::from_str(&shown).unwrap();
    assert_eq!(table["ttl"]["access"].as_str(), Some("10m"));
    assert_eq!(
        table["limits"]["login_per_account"].as_str(),
        Some("10/15m")
    );
    assert_eq!(table["compat"][0].as_str(), Some("hydra"));
    assert_eq!(
        table["database"]["url"].as_str(),
        Some("postgres://u:[redacted]@h/d")
    );
    assert_eq!(
        table["client"][0]["credential"].as_str(),
        Some("[redacted]")
    );
    // Every key that it shows is one that the file may have, but for the mask of a credential.
    let names = toml::de::DeTable::parse(&shown).unwrap();
    let unknown = known_keys::check_toml(names.get_ref(), &server_toml::KEYS, Mode::Production);
    let unknown: Vec<_> = unknown
        .into_iter()
        .filter(|found| !found.known)
        .map(|found| found.path)
        .collect();
    assert_eq!(unknown, ["client[0].credential"]);
}

/// RFC 7468 §2.
fn pem(label: &str, der: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<_> = text
        .as_bytes()
        .chunks(64)
        .map(String::from_utf8_lossy)
        .collect();
    let text = lines.join("\n");
    format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
}

#[test]
fn the_documented_file_is_read() {
    let book = include_str!("../../../../../../docs/server.md");
    let block = book.split("```toml\n").nth(1).unwrap();
    let text = block.split("```").next().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let identity = rcgen::generate_simple_self_signed(["id.example.com".to_owned()]).unwrap();
    for (name, content) in [
        ("tls.crt", pem("CERTIFICATE", identity.cert.der())),
        (
            "tls.key",
            pem("PRIVATE KEY", &identity.signing_key.serialize_der()),
        ),
        ("web.secret", "s3cret\n".to_owned()),
        ("smtp.password", "x\n".to_owned()),
        ("logo.svg", PICTURE.to_owned()),
    ] {
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    let text = text.replace("/etc/hallpass/", "");
    let settings = read_in(folder.path(), &text, &[], None).unwrap();
    assert_eq!(settings.warnings, [""; 0]);
    assert!(
        settings.tls.is_some() && settings.clients.len() >= 2 && !settings.resources.is_empty()
    );
}

#[test]
fn dev_mode_takes_the_same_file_with_a_warning_for_what_it_does_not_use() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("server.toml");
    std::fs::write(
        &file,
        "trusted_proxies = []\n[branding]\nname = \"x\"\n[device]\ninterval = \"1s\"\n",
    )
    .unwrap();
    let flags = DevFlags {
        config: Some(file),
        ..DevFlags::default()
    };
    let settings = Settings::dev(&|_| None, flags).unwrap();
    assert_eq!(settings.warnings.len(), 2, "{:?}", settings.warnings);
    assert!(settings.warnings[0].contains("`trusted_proxies` has no effect in dev mode"));
}

#[test]
fn audit_events_go_where_the_file_says() {
    let audit = |toml: &str| read(&format!("{LEAST}[audit]\n{toml}"), &[]).map(|read| read.audit);
    let usual = audit("").unwrap();
    assert_eq!(usual.sinks, [AuditSink::Database]);
    assert_eq!(usual.retention.as_secs(), 400 * 86_400);
    let all = audit("sink = [\"db\", \"stdout\", \"file\"]\nfile = \"/a\"\nretention = \"30d\"\n");
    let all = all.unwrap();
    let file = AuditSink::File("/a".into());
    assert_eq!(all.sinks, [AuditSink::Database, AuditSink::Stdout, file]);
    assert_eq!(all.retention.as_secs(), 30 * 86_400);
    assert_eq!(audit("sink = []").unwrap().sinks, []);
    for (toml, words) in [
        ("sink = [\"webhook\"]", "this version does not have yet"),
        ("sink = [\"syslog\"]", "which is no sink"),
        ("sink = [\"file\"]", "`audit.file` names none"),
        ("file = \"x\"", "does not say `file`"),
        ("sink = [\"db\", \"db\"]", "twice"),
        ("retention = \"1h\"", "shorter than a day"),
        ("sinks = []", "unknown key `audit.sinks`"),
    ] {
        let error = audit(toml).unwrap_err().to_string();
        assert!(error.contains(words), "{toml}: {error}");
    }
}
