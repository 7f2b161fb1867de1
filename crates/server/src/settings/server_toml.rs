//! The TOML file of hallpass: which keys it has, and of which type each is.
//!
//! One file for dev mode and production. For users: `docs/server.md`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::client_config::{CLIENT_KEYS, ClientConfig, DeviceRequirement};
use super::duration::Span;
use super::known_keys::Keys;
use super::mode::{AccountRegistration, SmtpSecurity};
use super::rate::Rate;

/// What is left out keeps its default.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct ServerToml {
    pub(super) public_url: Option<String>,
    pub(super) listen: Option<SocketAddr>,
    pub(super) trusted_proxies: Vec<String>,
    pub(super) compat: Vec<CompatWord>,
    pub(super) tls: Option<Tls>,
    pub(super) database: Option<Database>,
    pub(super) secrets: Option<Secrets>,
    pub(super) ttl: Ttl,
    pub(super) refresh: Refresh,
    pub(super) device: Device,
    pub(super) loopback: Loopback,
    pub(super) geo: Geo,
    pub(super) login: Login,
    pub(super) limits: Limits,
    pub(super) dpop: Dpop,
    pub(super) par: Par,
    pub(super) register: Register,
    pub(super) email: Option<Email>,
    pub(super) audit: Audit,
    pub(super) branding: Branding,
    pub(super) client: Vec<ClientConfig>,
    pub(super) resource: Vec<Resource>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum CompatWord {
    Mock,
    Hydra,
    Workos,
    Google,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Tls {
    pub(super) mode: Option<TlsMode>,
    pub(super) cert: Option<PathBuf>,
    pub(super) key: Option<PathBuf>,
}

/// Who speaks TLS.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum TlsMode {
    /// This server, with `cert` and `key`.
    File,
    /// A proxy before it.
    Off,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Database {
    pub(super) url: Option<String>,
    pub(super) max_connections: Option<u32>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Secrets {
    pub(super) keyring_file: Option<PathBuf>,
    /// For the environment alone: see `production.rs`.
    pub(super) keyring: Option<IgnoredAny>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Ttl {
    pub(super) access: Option<Span>,
    pub(super) id_token: Option<Span>,
    pub(super) refresh_idle: Option<Span>,
    pub(super) refresh_absolute: Option<Span>,
    pub(super) device: Option<Span>,
    pub(super) par: Option<Span>,
    pub(super) code: Option<Span>,
    pub(super) interaction: Option<Span>,
    pub(super) sso_idle: Option<Span>,
    pub(super) sso_absolute: Option<Span>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Refresh {
    pub(super) grace: Option<Span>,
    pub(super) rotation: Option<RotationWord>,
    pub(super) grace_elsewhere: Option<ElsewhereWord>,
}

/// Who gets a new refresh token at each refresh.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum RotationWord {
    Always,
    Public,
    Never,
}

/// What a retired token leads to that comes from another network than the last rotation.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ElsewhereWord {
    Alert,
    Revoke,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Device {
    pub(super) enabled: Option<bool>,
    pub(super) interval: Option<Span>,
    pub(super) prefill: Option<bool>,
    pub(super) max_pending_per_client: Option<u32>,
    pub(super) require: Option<DeviceRequirement>,
    pub(super) long_poll_max: Option<Span>,
    pub(super) long_polls_max: Option<u32>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Loopback {
    pub(super) network_mismatch: Option<MismatchWord>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Geo {
    pub(super) mmdb: Option<PathBuf>,
}

/// What a code leads to that comes from another network than the browser.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum MismatchWord {
    Off,
    Warn,
    Refuse,
}

/// Of whom a second factor is required.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum RequireMfaWord {
    Off,
    Admins,
    All,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Login {
    pub(super) password: Option<bool>,
    pub(super) passkey: Option<bool>,
    pub(super) totp: Option<bool>,
    pub(super) require_mfa: Option<RequireMfaWord>,
    pub(super) registration: Option<AccountRegistration>,
    pub(super) password_blocklist_file: Option<PathBuf>,
    pub(super) argon2: Argon2,
}

/// How much work a guess at a password is (RFC 9106 §3.1).
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Argon2 {
    pub(super) memory_kib: Option<u32>,
    pub(super) passes: Option<u32>,
    pub(super) lanes: Option<u32>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Limits {
    pub(super) login_per_account: Option<Rate>,
    pub(super) login_per_ip: Option<Rate>,
    pub(super) user_code_per_session: Option<Rate>,
    pub(super) user_code_per_account: Option<Rate>,
    pub(super) user_code_per_ip: Option<Rate>,
    pub(super) user_code_global_fail: Option<Rate>,
    pub(super) client_secret_fail: Option<Rate>,
    pub(super) device_start_per_ip: Option<Rate>,
    pub(super) device_start_per_client: Option<Rate>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Dpop {
    pub(super) nonce: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Par {
    pub(super) required: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Register {
    pub(super) mode: Option<RegisterMode>,
    pub(super) require_pkce: Option<bool>,
}

/// Who may register a client (RFC 7591 §3).
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum RegisterMode {
    Off,
    Open,
}

#[derive(Deserialize)]
pub(super) struct Email {
    pub(super) transport: EmailTransportWord,
    pub(super) from: Option<String>,
    pub(super) host: Option<String>,
    pub(super) port: Option<u16>,
    pub(super) security: Option<SmtpSecurity>,
    pub(super) user: Option<String>,
    pub(super) password_file: Option<PathBuf>,
    pub(super) command: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum EmailTransportWord {
    Smtp,
    Sendmail,
    Log,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Audit {
    pub(super) retention: Option<Span>,
    pub(super) sink: Option<Vec<String>>,
    pub(super) file: Option<PathBuf>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Branding {
    pub(super) name: Option<String>,
    pub(super) support: Option<String>,
    pub(super) language: Option<String>,
    pub(super) accent: Option<String>,
    pub(super) logo: Option<PathBuf>,
}

#[derive(Deserialize)]
pub(super) struct Resource {
    pub(super) id: String,
    #[serde(default)]
    pub(super) scopes: BTreeMap<String, String>,
}

/// Every key that the file may have.
pub(super) static KEYS: Keys = Keys::Table(&[
    ("public_url", Keys::Value),
    ("listen", Keys::Value),
    ("trusted_proxies", Keys::Production(&Keys::Value)),
    ("compat", Keys::Production(&Keys::Value)),
    (
        "tls",
        Keys::Production(&Keys::Table(&[
            ("mode", Keys::Value),
            ("cert", Keys::Value),
            ("key", Keys::Value),
        ])),
    ),
    // Dev mode refuses these two by name.
    (
        "database",
        Keys::Table(&[("url", Keys::Value), ("max_connections", Keys::Value)]),
    ),
    (
        "secrets",
        Keys::Table(&[("keyring_file", Keys::Value), ("keyring", Keys::Value)]),
    ),
    (
        "ttl",
        Keys::Table(&[
            ("access", Keys::Value),
            ("id_token", Keys::Value),
            ("refresh_idle", Keys::Value),
            ("refresh_absolute", Keys::Value),
            ("device", Keys::Value),
            ("par", Keys::Value),
            ("code", Keys::Value),
            ("interaction", Keys::Value),
            ("sso_idle", Keys::Value),
            ("sso_absolute", Keys::Production(&Keys::Value)),
        ]),
    ),
    (
        "refresh",
        Keys::Table(&[
            ("grace", Keys::Value),
            ("rotation", Keys::Value),
            ("grace_elsewhere", Keys::Value),
        ]),
    ),
    (
        "device",
        Keys::Table(&[
            ("enabled", Keys::Value),
            ("interval", Keys::Value),
            ("prefill", Keys::Value),
            ("max_pending_per_client", Keys::Value),
            ("require", Keys::Value),
            ("long_poll_max", Keys::Value),
            ("long_polls_max", Keys::Value),
        ]),
    ),
    (
        "loopback",
        Keys::Table(&[("network_mismatch", Keys::Value)]),
    ),
    (
        "geo",
        Keys::Production(&Keys::Table(&[("mmdb", Keys::Value)])),
    ),
    (
        "login",
        Keys::Production(&Keys::Table(&[
            ("password", Keys::Value),
            ("passkey", Keys::Value),
            ("totp", Keys::Value),
            ("require_mfa", Keys::Value),
            ("registration", Keys::Value),
            ("password_blocklist_file", Keys::Value),
            (
                "argon2",
                Keys::Table(&[
                    ("memory_kib", Keys::Value),
                    ("passes", Keys::Value),
                    ("lanes", Keys::Value),
                ]),
            ),
        ])),
    ),
    (
        "limits",
        Keys::Table(&[
            ("login_per_account", Keys::Production(&Keys::Value)),
            ("login_per_ip", Keys::Production(&Keys::Value)),
            ("user_code_per_session", Keys::Value),
            ("user_code_per_account", Keys::Value),
            ("user_code_per_ip", Keys::Value),
            ("user_code_global_fail", Keys::Value),
            ("client_secret_fail", Keys::Value),
            ("device_start_per_ip", Keys::Value),
            ("device_start_per_client", Keys::Value),
        ]),
    ),
    ("dpop", Keys::Table(&[("nonce", Keys::Value)])),
    ("par", Keys::Table(&[("required", Keys::Value)])),
    (
        "register",
        Keys::Table(&[("mode", Keys::Value), ("require_pkce", Keys::Value)]),
    ),
    (
        "email",
        Keys::Production(&Keys::Table(&[
            ("transport", Keys::Value),
            ("from", Keys::Value),
            ("host", Keys::Value),
            ("port", Keys::Value),
            ("security", Keys::Value),
            ("user", Keys::Value),
            ("password_file", Keys::Value),
            ("command", Keys::Value),
        ])),
    ),
    (
        "audit",
        Keys::Production(&Keys::Table(&[
            ("retention", Keys::Value),
            ("sink", Keys::Value),
            ("file", Keys::Value),
        ])),
    ),
    (
        "branding",
        Keys::Production(&Keys::Table(&[
            ("name", Keys::Value),
            ("support", Keys::Value),
            ("language", Keys::Value),
            ("accent", Keys::Value),
            ("logo", Keys::Value),
        ])),
    ),
    ("client", Keys::List(&CLIENT_KEYS)),
    (
        "resource",
        Keys::Production(&Keys::List(&Keys::Table(&[
            ("id", Keys::Value),
            ("scopes", Keys::Value),
        ]))),
    ),
]);

impl ServerToml {
    /// The clients, and everything else.
    pub(super) fn without_clients(mut self) -> (Vec<ClientConfig>, Self) {
        (std::mem::take(&mut self.client), self)
    }
}
