//! `httpServer` of the mock's JSON: which certificate HTTPS is spoken with.
//!
//! For users: `docs/dev-mode.md`.

use std::path::{Path, PathBuf};

use hallpass_protocol::Secret;
use serde::Deserialize;
use serde_json::Value;

use super::error::SettingsError;
use super::files::Source;
use crate::tls::{self, Certificate, Passwords, Pkcs12Error};

/// `httpServer.ssl`, with the defaults that the mock has.
#[derive(Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Ssl {
    key_password: String,
    keystore_file: Option<String>,
    keystore_type: String,
    keystore_password: String,
}

impl Default for Ssl {
    fn default() -> Self {
        Self {
            key_password: String::new(),
            keystore_file: None,
            keystore_type: "PKCS12".to_owned(),
            keystore_password: String::new(),
        }
    }
}

/// Reads the certificate of `httpServer`, which may also be only the name of a server.
pub(super) fn read(
    source: &Source,
    http_server: &Value,
) -> Result<Option<Certificate>, SettingsError> {
    let Some(ssl) = http_server.get("ssl").filter(|ssl| !ssl.is_null()) else {
        return Ok(None);
    };
    let ssl: Ssl = serde_json::from_value(ssl.clone())
        .map_err(|error| bad(source, "", format!("cannot be read: {error}"), None))?;
    match (&*ssl.keystore_type.to_ascii_uppercase(), &ssl.keystore_file) {
        ("PKCS12", None) => Ok(Some(Certificate(tls::Source::SelfSigned))),
        ("PKCS12", Some(file)) => read_key_store(source, &ssl, file).map(Some),
        ("JKS", file) => {
            let hint = file.as_deref().map_or_else(
                || "set `keystoreType` to \"PKCS12\"".to_owned(),
                |file| convert(file, "JKS"),
            );
            let problem = "is `JKS`, a format that only Java reads".to_owned();
            Err(bad(source, ".keystoreType", problem, Some(hint)))
        }
        (other, _) => {
            let problem = format!("is `{other}`, which is no kind of key store");
            let hint = "set it to \"PKCS12\"".to_owned();
            Err(bad(source, ".keystoreType", problem, Some(hint)))
        }
    }
}

fn read_key_store(source: &Source, ssl: &Ssl, file: &str) -> Result<Certificate, SettingsError> {
    let path = locate(source, file);
    let bytes = std::fs::read(&path).map_err(|source| SettingsError::Unreadable {
        path: path.clone(),
        source,
    })?;
    // The magic number of JKS: the type was left out, and the file is Java's own.
    if bytes.starts_with(&[0xfe, 0xed, 0xfe, 0xed]) {
        let problem = format!("names `{file}`, which is a JKS key store");
        return Err(bad(
            source,
            ".keystoreFile",
            problem,
            Some(convert(file, "JKS")),
        ));
    }
    let [store, key] =
        [&ssl.keystore_password, &ssl.key_password].map(|text| Secret::new(text.clone()));
    let passwords = Passwords {
        store: &store,
        key: &key,
    };
    let identity = tls::read_pkcs12(&bytes, passwords).map_err(|error| {
        let hint = (error == Pkcs12Error::Legacy).then(|| convert(file, "PKCS12"));
        let problem = format!("names `{file}`, which {error}");
        bad(source, ".keystoreFile", problem, hint)
    })?;
    tls::check(&identity).map_err(|fault| {
        let problem = format!("names `{file}`, whose key TLS cannot use: {fault}");
        bad(source, ".keystoreFile", problem, None)
    })?;
    Ok(Certificate(tls::Source::Given(identity)))
}

/// Where a file of the configuration lies: from the working directory, as in the mock, else beside
/// the configuration.
pub(super) fn locate(source: &Source, file: &str) -> PathBuf {
    let from_here = Path::new(file);
    if from_here.exists() {
        return from_here.to_owned();
    }
    let beside = source.folder.join(file);
    if beside.exists() {
        beside
    } else {
        from_here.to_owned()
    }
}

/// The command that makes a key store of today's form.
fn convert(file: &str, kind: &str) -> String {
    let stem = Path::new(file).with_extension("");
    let suffix = if kind == "JKS" { "" } else { "-new" };
    let target = format!("{}{suffix}.p12", stem.display());
    format!(
        "convert it with `keytool -importkeystore -srckeystore {file} -srcstoretype {kind} \
         -destkeystore {target} -deststoretype PKCS12`, then set `keystoreFile` to \"{target}\" \
         and `keystoreType` to \"PKCS12\""
    )
}

fn bad(source: &Source, key: &str, problem: String, hint: Option<String>) -> SettingsError {
    SettingsError::BadValue {
        place: source.name.clone(),
        key: format!("httpServer.ssl{key}"),
        problem,
        hint,
    }
}
