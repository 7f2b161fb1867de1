//! The JSON of `mock-oauth2-server`, and the few keys that hallpass adds to it.
//!
//! Contract: "What a drop-in must accept and answer" of `docs/dev-mode.md`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use hallpass_issuer::user::User;
use hallpass_protocol::jose::{Algorithm, SigningKey};
use hallpass_protocol::{Timestamp, UserId};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::client_config::{self, CLIENT_KEYS, ClientConfig};
use super::error::SettingsError;
use super::files::Source;
use super::https;
use super::known_keys::{self, Keys};
use super::token_callback::{RequestMapping, TokenCallback};
use super::values::{DevicePolicy, Rotation, Settings};

/// What is left out is off: also `interactiveLogin`.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct JsonFile {
    interactive_login: bool,
    login_page_path: Option<String>,
    static_assets_path: Option<String>,
    rotate_refresh_token: Option<bool>,
    http_server: Value,
    token_provider: TokenProvider,
    token_callbacks: Vec<CallbackConfig>,
    redirect_uris: Vec<String>,
    clients: Vec<ClientConfig>,
    device_policy: Option<DevicePolicyConfig>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct TokenProvider {
    key_provider: KeyProvider,
    system_time: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct KeyProvider {
    initial_keys: Option<String>,
    algorithm: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CallbackConfig {
    issuer_id: String,
    #[serde(default = "an_hour")]
    token_expiry: u32,
    #[serde(default)]
    request_mappings: Vec<MappingConfig>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MappingConfig {
    request_param: String,
    #[serde(rename = "match", default = "anything")]
    wanted: String,
    type_header: Option<String>,
    #[serde(default)]
    claims: Map<String, Value>,
}

/// Who decides device codes; exactly one of the first two.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DevicePolicyConfig {
    auto_approve: Option<String>,
    #[serde(default)]
    auto_deny: bool,
    #[serde(default)]
    after_polls: u32,
    #[serde(default)]
    claims: Map<String, Value>,
}

fn an_hour() -> u32 {
    3600
}

fn anything() -> String {
    "*".to_owned()
}

static KEYS: Keys = Keys::Table(&[
    ("interactiveLogin", Keys::Value),
    ("loginPagePath", Keys::Value),
    ("staticAssetsPath", Keys::Value),
    ("rotateRefreshToken", Keys::Value),
    (
        "httpServer",
        Keys::Table(&[
            ("type", Keys::Value),
            (
                "ssl",
                Keys::Table(&[
                    ("keyPassword", Keys::Value),
                    ("keystoreFile", Keys::Value),
                    ("keystoreType", Keys::Value),
                    ("keystorePassword", Keys::Value),
                ]),
            ),
        ]),
    ),
    (
        "tokenProvider",
        Keys::Table(&[
            (
                "keyProvider",
                Keys::Table(&[("initialKeys", Keys::Value), ("algorithm", Keys::Value)]),
            ),
            ("systemTime", Keys::Value),
        ]),
    ),
    (
        "tokenCallbacks",
        Keys::List(&Keys::Table(&[
            ("issuerId", Keys::Value),
            ("tokenExpiry", Keys::Value),
            (
                "requestMappings",
                Keys::List(&Keys::Table(&[
                    ("requestParam", Keys::Value),
                    ("match", Keys::Value),
                    ("typeHeader", Keys::Value),
                    ("claims", Keys::Value),
                ])),
            ),
        ])),
    ),
    ("redirectUris", Keys::Value),
    ("clients", Keys::List(&CLIENT_KEYS)),
    (
        "devicePolicy",
        Keys::Table(&[
            ("autoApprove", Keys::Value),
            ("autoDeny", Keys::Value),
            ("afterPolls", Keys::Value),
            ("claims", Keys::Value),
        ]),
    ),
]);

/// Reads the file into the settings.
pub(super) fn apply(source: &Source, settings: &mut Settings) -> Result<(), SettingsError> {
    let value: Value =
        serde_json::from_str(&source.text).map_err(|error| malformed(source, &error))?;
    for finding in known_keys::check_json(&value, &KEYS) {
        if finding.known {
            settings.warnings.push(format!(
                "{}: `{}` has no effect yet",
                source.name, finding.path
            ));
        } else if settings.strict {
            let place = source.name.clone();
            return Err(SettingsError::UnknownKey {
                place,
                key: finding.path,
                nearest: finding.nearest,
            });
        } else {
            let nearest = finding
                .nearest
                .map(|name| format!(" (did you mean `{name}`?)"))
                .unwrap_or_default();
            settings.warnings.push(format!(
                "{}: unknown key `{}`{nearest}",
                source.name, finding.path
            ));
        }
    }
    let file: JsonFile =
        serde_json::from_str(&source.text).map_err(|error| malformed(source, &error))?;
    settings.tls = https::read(source, &file.http_server)?;
    settings.interactive_login = file.interactive_login;
    settings.login_page = match &file.login_page_path {
        Some(path) => Some(find_on_disk(source, "loginPagePath", path, Path::is_file)?),
        None => None,
    };
    settings.static_assets = match &file.static_assets_path {
        Some(path) => Some(find_on_disk(
            source,
            "staticAssetsPath",
            path,
            Path::is_dir,
        )?),
        None => None,
    };
    settings.rotation = match file.rotate_refresh_token {
        None => Rotation::Public,
        Some(true) => Rotation::All,
        Some(false) => Rotation::Never,
    };
    read_keys(source, file.token_provider.key_provider, settings)?;
    settings.system_time = match file.token_provider.system_time {
        Some(text) => Some(read_time(source, &text)?),
        None => None,
    };
    settings.token_callbacks = file
        .token_callbacks
        .into_iter()
        .map(CallbackConfig::read)
        .collect();
    for uri in &file.redirect_uris {
        check_free_redirect_uri(source, uri)?;
    }
    settings.free_redirect_uris = file.redirect_uris;
    settings.device_policy = match file.device_policy {
        Some(policy) => Some(read_device_policy(source, policy)?),
        None => None,
    };
    let place = client_config::Place {
        file: &source.name,
        folder: &source.folder,
        key: "clients",
    };
    settings.clients = client_config::read_all(file.clients, place)?;
    Ok(())
}

impl CallbackConfig {
    fn read(self) -> TokenCallback {
        let mapping = |mapping: MappingConfig| {
            RequestMapping::new(
                mapping.request_param,
                &mapping.wanted,
                mapping.type_header,
                mapping.claims,
            )
        };
        TokenCallback {
            issuer_id: self.issuer_id,
            token_expiry: Duration::from_secs(self.token_expiry.into()),
            mappings: self.request_mappings.into_iter().map(mapping).collect(),
        }
    }
}

fn read_device_policy(
    source: &Source,
    config: DevicePolicyConfig,
) -> Result<DevicePolicy, SettingsError> {
    let hint = Some("write {\"autoApprove\": \"alice\"} or {\"autoDeny\": true}");
    let bad_policy = |problem| bad(source, "devicePolicy", problem, hint);
    let approved_by = match (config.auto_approve, config.auto_deny) {
        (Some(_), true) => return Err(bad_policy("both approves and denies")),
        (None, false) => return Err(bad_policy("neither approves nor denies")),
        (None, true) if !config.claims.is_empty() => {
            return Err(bad_policy("has claims of a person, but denies"));
        }
        (None, true) => None,
        (Some(name), false) if name.trim().is_empty() => {
            return Err(bad_policy("approves in nobody's name"));
        }
        (Some(name), false) => Some(User {
            id: UserId::new(name),
            claims: config.claims,
        }),
    };
    Ok(DevicePolicy {
        after_polls: config.after_polls,
        approved_by,
    })
}

/// Finds a file or folder of the configuration now, so that a wrong path is not a page's surprise.
fn find_on_disk(
    source: &Source,
    key: &str,
    path: &str,
    is_right: fn(&Path) -> bool,
) -> Result<PathBuf, SettingsError> {
    let found = https::locate(source, path);
    if is_right(&found) {
        return Ok(found);
    }
    let problem = format!("names `{path}`, which is not there");
    let hint = Some("give a path from the working directory or from the configuration's folder");
    Err(bad(source, key, &problem, hint))
}

fn read_keys(
    source: &Source,
    keys: KeyProvider,
    settings: &mut Settings,
) -> Result<(), SettingsError> {
    let asked = match keys.algorithm {
        None => None,
        Some(name) => Some(name.parse::<Algorithm>().map_err(|_| {
            let names = Algorithm::ALL.map(Algorithm::as_str).join(", ");
            let key = "tokenProvider.keyProvider.algorithm";
            bad(
                source,
                key,
                &format!("is `{name}`, which is not supported"),
                Some(&format!("take one of {names}")),
            )
        })?),
    };
    settings.algorithm = asked.unwrap_or(settings.algorithm);
    if let Some(text) = keys.initial_keys {
        let bad_key = |problem: &str| {
            bad(
                source,
                "tokenProvider.keyProvider.initialKeys",
                problem,
                None,
            )
        };
        let jwk = with_algorithm(text, settings.algorithm);
        let key = SigningKey::from_private_jwk(&jwk)
            .map_err(|error| bad_key(&format!("cannot be used: {error}")))?;
        match asked {
            Some(asked) if asked != key.algorithm() => {
                return Err(bad_key(&format!(
                    "is a key for {}, but `algorithm` is {asked}",
                    key.algorithm()
                )));
            }
            Some(_) | None => settings.algorithm = key.algorithm(),
        }
        settings.initial_keys = Some(jwk);
    }
    Ok(())
}

/// An RSA key that the mock made names no `alg`: it signs with the configured one.
fn with_algorithm(text: String, algorithm: Algorithm) -> String {
    match serde_json::from_str::<Value>(&text) {
        Ok(Value::Object(mut jwk))
            if algorithm.is_rsa()
                && jwk.get("kty") == Some(&Value::from("RSA"))
                && !jwk.contains_key("alg") =>
        {
            jwk.insert("alg".to_owned(), Value::from(algorithm.as_str()));
            Value::Object(jwk).to_string()
        }
        Ok(_) | Err(_) => text,
    }
}

fn read_time(source: &Source, text: &str) -> Result<Timestamp, SettingsError> {
    text.parse::<jiff::Timestamp>()
        .map(|time| Timestamp::from_unix_millis(time.as_millisecond()))
        .map_err(|_| {
            let hint = Some("write it as \"2020-01-21T00:00:00Z\"");
            bad(
                source,
                "tokenProvider.systemTime",
                &format!("is `{text}`, which is no point in time"),
                hint,
            )
        })
}

/// Listing a URI is permission enough for http inside a container network; what is no place on the
/// web or no app's own scheme is refused all the same.
fn check_free_redirect_uri(source: &Source, uri: &str) -> Result<(), SettingsError> {
    let scheme = url::Url::parse(uri).ok().map(|url| url.scheme().to_owned());
    let usable =
        scheme.is_some_and(|scheme| matches!(&*scheme, "http" | "https") || scheme.contains('.'));
    if usable && !uri.contains(['#', '*']) {
        return Ok(());
    }
    let problem = format!("holds `{uri}`, which is no redirect URI");
    let hint = Some(
        "list whole URIs without fragment and wildcard, such as \"http://app.internal:3000/callback\"",
    );
    Err(bad(source, "redirectUris", &problem, hint))
}

fn bad(source: &Source, key: &str, problem: &str, hint: Option<&str>) -> SettingsError {
    SettingsError::BadValue {
        place: source.name.clone(),
        key: key.to_owned(),
        problem: problem.to_owned(),
        hint: hint.map(str::to_owned),
    }
}

fn malformed(source: &Source, error: &serde_json::Error) -> SettingsError {
    let (line, column) = (error.line(), error.column());
    let text = error.to_string();
    let message = text
        .strip_suffix(&format!(" at line {line} column {column}"))
        .unwrap_or(&text);
    SettingsError::Malformed {
        place: format!("{}:{line}:{column}", source.name),
        message: message.to_owned(),
    }
}
