//! The settings of production: flags win over the environment, that over the file, that over the
//! defaults.
//!
//! For users: `docs/server.md`.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use hallpass_issuer::consent_policy::ConsentPolicy;
use hallpass_issuer::factors::passkey::{NoRelyingParty, RelyingParty};
use hallpass_issuer::factors::password::Cost;
use hallpass_issuer::factors::required::RequireMfa;
use hallpass_issuer::tokens::mint::Dialect;
use hallpass_protocol::Secret;
use hallpass_protocol::jose::Algorithm;

use super::error::SettingsError;
use super::files::{self, Format, Source};
use super::mode::{
    AuditSettings, AuditSink, Compat, DatabaseSettings, EmailSettings, EmailTransport,
    KeyRingSource, Mode,
};
use super::mode::{LimitSettings, Resource, SmtpSecurity};
use super::server_toml::{
    Argon2, Audit, CompatWord, Email, EmailTransportWord, RequireMfaWord, Secrets, ServerToml, Tls,
    TlsMode,
};
use super::values::{ControlAccess, PublicUrl, Settings};
use super::{overrides, toml_file};
use crate::languages::Language;
use crate::tls::{self, Certificate};

/// Where the file is, unless `--config` says otherwise.
const DEFAULT_FILE: &str = "/etc/hallpass/server.toml";
/// Where the records are, unless told otherwise.
const DEFAULT_DATABASE: &str = "sqlite:///var/lib/hallpass/hallpass.db";
/// The port of the contract: no privilege is needed for it.
const PORT: u16 = 8443;

/// What the command line says.
#[derive(Clone, Debug, Default)]
pub struct ServerFlags {
    /// `--config`.
    pub config: Option<PathBuf>,
    /// `--database`, in place of `database.url`.
    pub database: Option<String>,
}

impl Settings {
    /// Reads the settings of production. `variables` are those of the environment; the ones that
    /// begin with `HALLPASS__`, and `CREDENTIALS_DIRECTORY`, are read.
    pub fn production(
        variables: &[(String, String)],
        flags: &ServerFlags,
    ) -> Result<Self, SettingsError> {
        let source = find(flags.config.as_deref())?;
        let warnings = toml_file::check_keys(&source, Mode::Production)?;
        let file = overrides::read(&source, variables)?;
        let mut settings = Self {
            warnings,
            ..Self::production_defaults()
        };
        let mut file = toml_file::apply_common(file, &source, &mut settings)?;
        refuse_user_ids(&source, &settings)?;
        let url = public_url(&source, file.public_url.as_deref())?;
        settings.passkeys = passkeys(&source, file.login.passkey, &url)?;
        settings.public = PublicUrl::Fixed(url);
        settings.tls = certificate(&source, file.tls.take(), settings.is_https())?;
        settings.listen = vec![file.listen.unwrap_or_else(|| default_address(&settings))];
        settings.loopback_only = settings
            .listen
            .iter()
            .all(|address| address.ip().to_canonical().is_loopback());
        settings.compat = compat(&file.compat);
        settings.trusted_proxies = trusted_proxies(&source, &file.trusted_proxies)?;
        settings.database = database(&source, &mut file, flags)?;
        let secrets = file.secrets.take().unwrap_or_default();
        settings.key_ring = key_ring(&source, &secrets, variables, &settings.database)?;
        if let Some(password) = file.login.password {
            settings.login.password = password;
        }
        if let Some(totp) = file.login.totp {
            settings.login.totp = totp;
        }
        settings.login.require_mfa = require_mfa(&source, file.login.require_mfa, &settings)?;
        settings.login.argon2 = read_cost(&file.login.argon2, &source, &mut settings.warnings)?;
        if let Some(registration) = file.login.registration {
            settings.login.registration = registration;
        }
        if let Some(email) = &file.email {
            settings.email = read_email(&source, email)?;
        }
        settings.audit = read_audit(&source, &file.audit)?;
        settings.branding.name = match file.branding.name {
            Some(name) if name.trim().is_empty() || name.chars().any(char::is_control) => {
                return Err(bad(
                    &source,
                    "branding.name",
                    "is empty or holds control characters",
                ));
            }
            Some(name) => name,
            None => host_of(&settings),
        };
        settings.branding.support = file.branding.support.take();
        if let Some(tag) = &file.branding.language {
            settings.branding.language = language(&source, tag)?;
        }
        settings.resources = resources(&source, file.resource)?;
        Ok(settings)
    }

    fn production_defaults() -> Self {
        let mut settings = Self::defaults(PORT);
        settings.mode = Mode::Production;
        settings.compat = Compat::default();
        settings.strict = true;
        settings.consent = Some(ConsentPolicy::Remember);
        settings.limits = LimitSettings::default();
        settings.control = ControlAccess::Off;
        settings.algorithm = Algorithm::Es256;
        settings.id_token_algorithm = Some(Algorithm::Rs256);
        settings.registration.is_open = false;
        settings.token_rules.dialect = Dialect::Rfc9068;
        settings.token_rules.access_lifetime = std::time::Duration::from_mins(10);
        settings.token_rules.id_lifetime = std::time::Duration::from_mins(10);
        settings
    }
}

/// Row S-137 (RFC 9700 §4.15): the subject of a client's own token is its id, and no person may ever
/// have that subject. People have UUIDs.
fn refuse_user_ids(source: &Source, settings: &Settings) -> Result<(), SettingsError> {
    let is_uuid = |id: &str| {
        let form = |(at, byte): (usize, u8)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        };
        id.len() == 36 && id.bytes().enumerate().all(form)
    };
    let taken = settings
        .clients
        .iter()
        .find(|client| is_uuid(client.id.as_str()));
    match taken {
        None => Ok(()),
        Some(client) => {
            let key = format!("client[{}].id", client.id);
            let error = bad(source, &key, "looks like the id of a person");
            Err(with_hint(
                error,
                "give the client a name, such as \"acme-cli\"",
            ))
        }
    }
}

/// Without a file the environment may say it all, as in containers.
fn find(flag: Option<&Path>) -> Result<Source, SettingsError> {
    let path = flag.unwrap_or(Path::new(DEFAULT_FILE));
    match files::read(path, Format::Toml) {
        Err(SettingsError::Unreadable { source, .. })
            if flag.is_none() && source.kind() == std::io::ErrorKind::NotFound =>
        {
            Ok(Source {
                name: DEFAULT_FILE.to_owned(),
                folder: PathBuf::new(),
                text: String::new(),
                format: Format::Toml,
            })
        }
        outcome => outcome,
    }
}

/// The one issuer: https, or http on this machine for a trial.
fn public_url(source: &Source, given: Option<&str>) -> Result<String, SettingsError> {
    let hint = |error| {
        with_hint(
            error,
            "write the address that people see: `https://id.example.com`",
        )
    };
    let Some(text) = given else {
        return Err(hint(bad(source, "public_url", "is missing")));
    };
    let url = url::Url::parse(text).ok().filter(|url| {
        url.has_host()
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    });
    let Some(url) = url else {
        let problem = format!("is `{text}`, not `https://` with a host and perhaps a port");
        return Err(hint(bad(source, "public_url", &problem)));
    };
    let is_loopback = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => {}
        // RFC 8414 §2: the issuer is an https URL. What never leaves this machine is a trial.
        "http" if is_loopback => {}
        _ => {
            let problem = format!("is `{text}`: tokens and passwords need https");
            return Err(hint(bad(source, "public_url", &problem)));
        }
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// Of administrators, unless something else is said. Where no factor is taken nobody could meet it.
fn require_mfa(
    source: &Source,
    given: Option<RequireMfaWord>,
    settings: &Settings,
) -> Result<RequireMfa, SettingsError> {
    let wanted = match given {
        None => RequireMfa::default(),
        Some(RequireMfaWord::Off) => RequireMfa::Off,
        Some(RequireMfaWord::Admins) => RequireMfa::Admins,
        Some(RequireMfaWord::All) => RequireMfa::All,
    };
    if settings.factor_policy().offered.has_any() || wanted == RequireMfa::Off {
        return Ok(wanted);
    }
    if given.is_none() {
        return Ok(RequireMfa::Off);
    }
    let error = bad(
        source,
        "login.require_mfa",
        "requires a second factor, and every one of them is switched off",
    );
    Err(with_hint(
        error,
        "write `totp = true` or `passkey = true` under `[login]`",
    ))
}

/// Passkeys are on where they can be, unless they are switched off.
fn passkeys(
    source: &Source,
    given: Option<bool>,
    public_url: &str,
) -> Result<Option<RelyingParty>, SettingsError> {
    let found = match url::Url::parse(public_url) {
        Ok(url) => RelyingParty::at(&url),
        Err(_) => Err(NoRelyingParty::Address),
    };
    match (given, found) {
        (Some(false), _) | (None, Err(_)) => Ok(None),
        (Some(true) | None, Ok(relying_party)) => Ok(Some(relying_party)),
        (Some(true), Err(reason)) => {
            let problem = format!("cannot be: {reason}");
            Err(with_hint(
                bad(source, "login.passkey", &problem),
                "give `public_url` a host name, such as `https://id.example.com`",
            ))
        }
    }
}

fn certificate(
    source: &Source,
    tls: Option<Tls>,
    is_https: bool,
) -> Result<Option<Certificate>, SettingsError> {
    let tls = tls.unwrap_or_default();
    let off = match tls.mode {
        Some(TlsMode::Off) => true,
        Some(TlsMode::File) => false,
        None => !is_https && tls.cert.is_none() && tls.key.is_none(),
    };
    match (off, &tls.cert, &tls.key) {
        (true, None, None) => Ok(None),
        (true, ..) => Err(bad(
            source,
            "tls.mode",
            "is `off`, but a certificate is named too",
        )),
        (false, Some(cert), Some(key)) => {
            let [cert, key] = [cert, key].map(|file| source.folder.join(file));
            tls::read_pem(&cert, &key)
                .map(Some)
                .map_err(|problem| bad(source, "tls", &problem))
        }
        (false, ..) => Err(with_hint(
            bad(source, "tls", "names no `cert` and `key`"),
            "name both files, or behind a proxy that speaks TLS write `mode = \"off\"`",
        )),
    }
}

/// Behind a proxy nobody else needs to reach us.
fn default_address(settings: &Settings) -> SocketAddr {
    if settings.tls.is_some() {
        (Ipv4Addr::UNSPECIFIED, PORT).into()
    } else {
        (Ipv4Addr::LOCALHOST, PORT).into()
    }
}

fn compat(words: &[CompatWord]) -> Compat {
    Compat {
        mock: words.contains(&CompatWord::Mock),
        hydra: words.contains(&CompatWord::Hydra),
        workos: words.contains(&CompatWord::Workos),
        google: words.contains(&CompatWord::Google),
    }
}

fn trusted_proxies(
    source: &Source,
    texts: &[String],
) -> Result<Vec<super::mode::Network>, SettingsError> {
    let parse = |text: &String| {
        text.parse().map_err(|()| {
            let problem = format!("holds `{text}`, which is no network");
            let error = bad(source, "trusted_proxies", &problem);
            with_hint(
                error,
                "write an address such as \"10.1.2.3\", or a network such as \"10.0.0.0/8\"",
            )
        })
    };
    texts.iter().map(parse).collect()
}

fn database(
    source: &Source,
    file: &mut ServerToml,
    flags: &ServerFlags,
) -> Result<DatabaseSettings, SettingsError> {
    let given = file.database.take().unwrap_or_default();
    let url = flags.database.clone().or(given.url);
    let url = url.unwrap_or_else(|| DEFAULT_DATABASE.to_owned());
    let known = ["sqlite:", "postgres://", "postgresql://"];
    if url == "sqlite::memory:" || !known.iter().any(|scheme| url.starts_with(scheme)) {
        let error = bad(
            source,
            "database.url",
            "is no database that outlives the process",
        );
        return Err(with_hint(
            error,
            "write `sqlite:///path/to/file` or `postgres://user@host/name`",
        ));
    }
    if given
        .max_connections
        .is_some_and(|count| !(1..=100).contains(&count))
    {
        return Err(bad(
            source,
            "database.max_connections",
            "is not from 1 to 100",
        ));
    }
    Ok(DatabaseSettings {
        url: Secret::new(url),
        max_connections: given.max_connections,
    })
}

/// The file of the settings, else the environment, else a systemd credential, else a file beside
/// the SQLite database.
fn key_ring(
    source: &Source,
    secrets: &Secrets,
    variables: &[(String, String)],
    database: &DatabaseSettings,
) -> Result<KeyRingSource, SettingsError> {
    let find = |wanted: &str| {
        let found = variables.iter().find(|(name, _)| name == wanted);
        found
            .map(|(_, value)| value)
            .filter(|value| !value.is_empty())
    };
    if secrets.keyring.is_some() {
        let error = bad(
            source,
            "secrets.keyring",
            "stands in the settings, which others may read",
        );
        return Err(with_hint(
            error,
            "put it into a file of its own and name that with `keyring_file`",
        ));
    }
    let text = find(overrides::KEYRING);
    match (&secrets.keyring_file, text) {
        (Some(_), Some(_)) => Err(with_hint(
            bad(
                source,
                "secrets.keyring_file",
                "and HALLPASS__SECRETS__KEYRING are both set",
            ),
            "keep one of them",
        )),
        (Some(file), None) => Ok(KeyRingSource::File(source.folder.join(file))),
        (None, Some(text)) => Ok(KeyRingSource::Text {
            name: overrides::KEYRING.to_owned(),
            text: Secret::new(text.clone()),
        }),
        (None, None) => {
            if let Some(credential) = find("CREDENTIALS_DIRECTORY")
                .map(|folder| Path::new(folder).join("keyring"))
                .filter(|path| path.exists())
            {
                return read_credential(&credential);
            }
            let place = database.url.expose().strip_prefix("sqlite:");
            let Some(place) = place.map(|place| place.strip_prefix("//").unwrap_or(place)) else {
                return Err(with_hint(
                    bad(source, "secrets.keyring_file", "is missing"),
                    "every node needs the same key ring: make one with `hallpass admin keys new-ring FILE`",
                ));
            };
            Ok(KeyRingSource::File(
                Path::new(place).with_file_name("keyring.toml"),
            ))
        }
    }
}

/// systemd.exec(5), `LoadCredential=`: only this service can read it, whatever its mode says.
fn read_credential(path: &Path) -> Result<KeyRingSource, SettingsError> {
    let text = std::fs::read_to_string(path).map_err(|source| SettingsError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    Ok(KeyRingSource::Text {
        name: path.display().to_string(),
        text: Secret::new(text),
    })
}

/// The database, unless something else is said.
fn read_audit(source: &Source, audit: &Audit) -> Result<AuditSettings, SettingsError> {
    let usual = AuditSettings::default();
    let retention = audit.retention.map_or(usual.retention, |span| span.0);
    if retention < SHORTEST_RETENTION {
        let error = bad(source, "audit.retention", "is shorter than a day");
        return Err(with_hint(error, "write a time such as \"400d\""));
    }
    let words = audit.sink.as_deref();
    let mut sinks = Vec::new();
    for word in words.unwrap_or(&["db".to_owned()]) {
        let sink = match (word.as_str(), &audit.file) {
            ("db", _) => AuditSink::Database,
            ("stdout", _) => AuditSink::Stdout,
            ("file", Some(file)) => AuditSink::File(source.folder.join(file)),
            ("file", None) => {
                let error = bad(
                    source,
                    "audit.sink",
                    "holds `file`, and `audit.file` names none",
                );
                return Err(with_hint(
                    error,
                    "write `file = \"/var/log/hallpass/audit.jsonl\"`",
                ));
            }
            ("webhook", _) => {
                let problem = "holds `webhook`, which this version does not have yet";
                let hint = "write \"file\", and send its lines with a log shipper";
                return Err(with_hint(bad(source, "audit.sink", problem), hint));
            }
            (other, _) => {
                let problem = format!("holds `{other}`, which is no sink");
                let hint = "write \"db\", \"stdout\" or \"file\"";
                return Err(with_hint(bad(source, "audit.sink", &problem), hint));
            }
        };
        if sinks.contains(&sink) {
            return Err(bad(source, "audit.sink", &format!("holds `{word}` twice")));
        }
        sinks.push(sink);
    }
    if audit.file.is_some() && !sinks.iter().any(|sink| matches!(sink, AuditSink::File(_))) {
        let error = bad(
            source,
            "audit.file",
            "names a file, and `audit.sink` does not say `file`",
        );
        return Err(with_hint(error, "write `sink = [\"db\", \"file\"]`"));
    }
    Ok(AuditSettings { sinks, retention })
}

fn read_email(source: &Source, email: &Email) -> Result<EmailSettings, SettingsError> {
    let from = email.from.clone().unwrap_or_default();
    if from.chars().any(char::is_control) {
        return Err(bad(source, "email.from", "holds control characters"));
    }
    let transport = match email.transport {
        EmailTransportWord::Log => EmailTransport::Log,
        EmailTransportWord::Sendmail => {
            let command = email.command.clone();
            EmailTransport::Sendmail {
                command: command.unwrap_or_else(|| PathBuf::from("/usr/sbin/sendmail")),
            }
        }
        EmailTransportWord::Smtp => {
            let host = email.host.clone().filter(|host| !host.is_empty());
            let host = host.ok_or_else(|| bad(source, "email.host", "is missing"))?;
            let security = email.security.unwrap_or(SmtpSecurity::Starttls);
            let password = match &email.password_file {
                None => None,
                Some(file) => {
                    let path = source.folder.join(file);
                    let text = std::fs::read_to_string(&path)
                        .map_err(|source| SettingsError::Unreadable { path, source })?;
                    Some(Secret::new(text.trim_end_matches(['\r', '\n']).to_owned()))
                }
            };
            let credentials = match (&email.user, password) {
                (Some(user), Some(password)) => Some((user.clone(), password)),
                (None, None) => None,
                _ => {
                    return Err(bad(
                        source,
                        "email.user",
                        "and `email.password_file` go together",
                    ));
                }
            };
            if security == SmtpSecurity::None && credentials.is_some() {
                return Err(bad(
                    source,
                    "email.security",
                    "is `none`: the password would travel in the clear",
                ));
            }
            EmailTransport::Smtp {
                host,
                port: email.port.unwrap_or(match security {
                    SmtpSecurity::Tls => 465,
                    SmtpSecurity::Starttls => 587,
                    SmtpSecurity::None => 25,
                }),
                security,
                credentials,
            }
        }
    };
    if !matches!(transport, EmailTransport::Log) && !crate::mail::is_sender(&from) {
        let error = bad(source, "email.from", "names no sender");
        return Err(with_hint(error, "write `Sign-in <id@example.com>`"));
    }
    Ok(EmailSettings { transport, from })
}

fn resources(
    source: &Source,
    given: Vec<super::server_toml::Resource>,
) -> Result<Vec<Resource>, SettingsError> {
    let mut resources: Vec<Resource> = Vec::new();
    for resource in given {
        let key = format!("resource[{}]", resource.id);
        // RFC 8707 §2: an absolute URI without a fragment.
        let id = url::Url::parse(&resource.id).ok();
        if id.is_none_or(|id| id.fragment().is_some()) {
            return Err(bad(
                source,
                &format!("{key}.id"),
                "is no absolute URI without a fragment",
            ));
        }
        if resources.iter().any(|known| known.id == resource.id) {
            return Err(bad(
                source,
                &format!("{key}.id"),
                "is the id of two resources",
            ));
        }
        for scope in resource.scopes.keys() {
            if scope.contains(' ') || hallpass_protocol::Scopes::parse(scope).is_err() {
                let problem = format!("holds `{scope}`, which is no scope");
                return Err(bad(source, &format!("{key}.scopes"), &problem));
            }
        }
        resources.push(Resource {
            id: resource.id,
            scopes: resource.scopes.into_iter().collect(),
        });
    }
    Ok(resources)
}

fn language(source: &Source, tag: &str) -> Result<Language, SettingsError> {
    Language::of_tag(tag).ok_or_else(|| {
        let known = Language::ALL.map(|known| format!("\"{}\"", known.tag()));
        let problem = format!("is `{tag}`, which the pages do not speak");
        let error = bad(source, "branding.language", &problem);
        with_hint(error, &format!("write one of {}", known.join(", ")))
    })
}

fn host_of(settings: &Settings) -> String {
    match &settings.public {
        PublicUrl::Fixed(url) => url
            .split_once("://")
            .map_or("", |(_, host)| host)
            .to_owned(),
        PublicUrl::FromHost => String::new(),
    }
}

fn bad(source: &Source, key: &str, problem: &str) -> SettingsError {
    SettingsError::BadValue {
        place: source.name.clone(),
        key: key.to_owned(),
        problem: problem.to_owned(),
        hint: None,
    }
}

fn with_hint(error: SettingsError, hint: &str) -> SettingsError {
    match error {
        SettingsError::BadValue {
            place,
            key,
            problem,
            ..
        } => SettingsError::BadValue {
            place,
            key,
            problem,
            hint: Some(hint.to_owned()),
        },
        other => other,
    }
}

/// How much work a guess at a password is. Less than RFC 9106 and OWASP ask for is a warning: some
/// machines are small.
fn read_cost(
    given: &Argon2,
    source: &Source,
    warnings: &mut Vec<String>,
) -> Result<Cost, SettingsError> {
    let usual = Cost::default();
    let cost = Cost {
        memory_kib: given.memory_kib.unwrap_or(usual.memory_kib),
        passes: given.passes.unwrap_or(usual.passes),
        lanes: given.lanes.unwrap_or(usual.lanes),
    };
    for (key, value, range) in [
        ("lanes", cost.lanes, 1..=16),
        ("passes", cost.passes, 1..=32),
        (
            "memory_kib",
            cost.memory_kib,
            8 * cost.lanes..=MOST_MEMORY_KIB,
        ),
    ] {
        if !range.contains(&value) {
            return Err(SettingsError::BadValue {
                place: source.name.clone(),
                key: format!("login.argon2.{key}"),
                problem: format!("is {value}"),
                hint: Some(format!("take {} to {}", range.start(), range.end())),
            });
        }
    }
    let work = |cost: Cost| u64::from(cost.memory_kib) * u64::from(cost.passes);
    if work(cost) < work(usual) {
        warnings.push(format!(
            "{}: `login.argon2` makes guessing cheaper than {} KiB in {} passes do",
            source.name, usual.memory_kib, usual.passes
        ));
    }
    Ok(cost)
}

/// A shorter time is a mistake: most of what is looked for is found out the day after.
const SHORTEST_RETENTION: std::time::Duration = std::time::Duration::from_hours(24);
/// Two sign-ins at once for each core need so much memory each.
const MOST_MEMORY_KIB: u32 = 1024 * 1024;
