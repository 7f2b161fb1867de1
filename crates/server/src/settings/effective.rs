//! The settings as they hold, as TOML: `hallpass admin config show --effective`. Secrets are masked.

use hallpass_issuer::authorization::GraceElsewhere;
use hallpass_issuer::factors::required::RequireMfa;
use hallpass_issuer::grants::authorization_code::NetworkMismatch;
use toml::{Table, Value};

use super::duration;
use super::mode::{AuditSink, EmailTransport, KeyRingSource};
use super::values::{PublicUrl, Rotation, Settings};

impl Settings {
    /// The settings as TOML, without what is secret.
    pub fn effective(&self) -> String {
        let mut document = Table::new();
        let mut put = |path: &str, value: Value| {
            let (section, key) = path.split_once('.').unwrap_or(("", path));
            if section.is_empty() {
                document.insert(key.to_owned(), value);
                return;
            }
            let entry = document
                .entry(section.to_owned())
                .or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(table) = entry {
                table.insert(key.to_owned(), value);
            }
        };
        if let PublicUrl::Fixed(url) = &self.public {
            put("public_url", Value::from(url.as_str()));
        }
        if let Some(address) = self.listen.first() {
            put("listen", Value::from(address.to_string()));
        }
        let words = |names: Vec<String>| Value::Array(names.into_iter().map(Value::from).collect());
        let proxies = self.trusted_proxies.iter().map(ToString::to_string);
        put("trusted_proxies", words(proxies.collect()));
        put("compat", words(self.compat_words()));
        let tls = if self.tls.is_some() { "file" } else { "off" };
        put("tls.mode", Value::from(tls));
        put(
            "database.url",
            Value::from(mask_url(self.database.url.expose())),
        );
        if let Some(count) = self.database.max_connections {
            put("database.max_connections", Value::from(i64::from(count)));
        }
        match &self.key_ring {
            KeyRingSource::File(path) => {
                put(
                    "secrets.keyring_file",
                    Value::from(path.display().to_string()),
                );
            }
            KeyRingSource::Text { .. } => put("secrets.keyring", Value::from(MASK)),
            KeyRingSource::Fresh => {}
        }
        self.put_lifetimes(&mut put);
        self.put_people(&mut put);
        let limits = &self.limits;
        for (key, limit) in [
            ("limits.login_per_account", limits.login_per_account),
            ("limits.login_per_ip", limits.login_per_ip),
            ("limits.user_code_per_session", limits.user_code_per_session),
            ("limits.user_code_per_account", limits.user_code_per_account),
            ("limits.user_code_per_ip", limits.user_code_per_ip),
            ("limits.user_code_global_fail", limits.user_code_global_fail),
            ("limits.client_secret_fail", limits.client_secret_fail),
            ("limits.device_start_per_ip", limits.device_start_per_ip),
            (
                "limits.device_start_per_client",
                limits.device_start_per_client,
            ),
        ] {
            let window = duration::spell(limit.window);
            put(key, Value::from(format!("{}/{window}", limit.failures)));
        }
        put(
            "client",
            Value::Array(self.clients.iter().map(client).collect()),
        );
        let resources = self.resources.iter().map(|resource| {
            let scopes = resource.scopes.iter();
            let scopes = scopes.map(|(name, words)| (name.clone(), Value::from(words.as_str())));
            table([
                ("id", Value::from(resource.id.as_str())),
                ("scopes", Value::Table(scopes.collect())),
            ])
        });
        put("resource", Value::Array(resources.collect()));
        toml::to_string(&document).unwrap_or_default()
    }

    fn put_lifetimes(&self, put: &mut impl FnMut(&str, Value)) {
        let (rules, browser) = (&self.token_rules, &self.browser_sessions);
        for (key, span) in [
            ("ttl.access", rules.access_lifetime),
            ("ttl.id_token", rules.id_lifetime),
            ("ttl.refresh_idle", self.refresh.idle),
            ("ttl.refresh_absolute", self.refresh.absolute),
            ("ttl.code", self.code_lifetime),
            ("ttl.interaction", self.interaction_lifetime),
            ("ttl.par", self.pushed_requests.lifetime),
            ("ttl.device", self.device.lifetime),
            ("ttl.sso_idle", browser.idle),
            ("ttl.sso_absolute", browser.absolute),
            ("refresh.grace", self.refresh.grace),
            ("device.interval", self.device.interval),
            ("device.long_poll_max", self.long_polls.longest),
        ] {
            put(key, Value::from(duration::spell(span)));
        }
        let rotation = match self.rotation {
            Rotation::Public => "public",
            Rotation::All => "always",
            Rotation::Never => "never",
        };
        put("refresh.rotation", Value::from(rotation));
        let elsewhere = match self.refresh.grace_elsewhere {
            GraceElsewhere::Told => "alert",
            GraceElsewhere::Ended => "revoke",
        };
        put("refresh.grace_elsewhere", Value::from(elsewhere));
        let mismatch = match self.network_mismatch {
            NetworkMismatch::Ignored => "off",
            NetworkMismatch::Told => "warn",
            NetworkMismatch::Refused => "refuse",
        };
        put("loopback.network_mismatch", Value::from(mismatch));
        if let Some(geo) = &self.geo {
            put("geo.mmdb", Value::from(geo.mmdb.display().to_string()));
        }
        put("device.enabled", Value::from(self.device_flow));
        put("device.prefill", Value::from(self.device.prefill));
        let most = i64::try_from(self.device.max_pending_per_client).unwrap_or(i64::MAX);
        put("device.max_pending_per_client", Value::from(most));
        let most = i64::try_from(self.long_polls.most).unwrap_or(i64::MAX);
        put("device.long_polls_max", Value::from(most));
        put("dpop.nonce", Value::from(self.dpop_nonce));
        put("par.required", Value::from(self.pushed_requests.required));
        let mode = if self.registration.is_open {
            "open"
        } else {
            "off"
        };
        put("register.mode", Value::from(mode));
        put(
            "register.require_pkce",
            Value::from(self.registration.require_pkce),
        );
    }

    fn put_people(&self, put: &mut impl FnMut(&str, Value)) {
        put("login.password", Value::from(self.login.password));
        put("login.passkey", Value::from(self.passkeys.is_some()));
        put("login.totp", Value::from(self.login.totp));
        let require_mfa = match self.login.require_mfa {
            RequireMfa::Off => "off",
            RequireMfa::Admins => "admins",
            RequireMfa::All => "all",
        };
        put("login.require_mfa", Value::from(require_mfa));
        let cost = self.login.argon2;
        let cost = [
            ("memory_kib", cost.memory_kib),
            ("passes", cost.passes),
            ("lanes", cost.lanes),
        ];
        let cost = cost.map(|(key, number)| (key.to_owned(), Value::from(i64::from(number))));
        put("login.argon2", Value::Table(Table::from_iter(cost)));
        let registration = format!("{:?}", self.login.registration).to_lowercase();
        put("login.registration", Value::from(registration));
        if let Some(path) = self.password_blocklist.path() {
            let path = Value::from(path.display().to_string());
            put("login.password_blocklist_file", path);
        }
        match &self.email.transport {
            EmailTransport::Log => put("email.transport", Value::from("log")),
            EmailTransport::Sendmail { command } => {
                put("email.transport", Value::from("sendmail"));
                put("email.command", Value::from(command.display().to_string()));
            }
            EmailTransport::Smtp {
                host,
                port,
                security,
                credentials,
            } => {
                put("email.transport", Value::from("smtp"));
                put("email.host", Value::from(host.as_str()));
                put("email.port", Value::from(i64::from(*port)));
                let security = format!("{security:?}").to_lowercase();
                put("email.security", Value::from(security));
                if let Some((user, _)) = credentials {
                    put("email.user", Value::from(user.as_str()));
                    put("email.password_file", Value::from(MASK));
                }
            }
        }
        put(
            "audit.retention",
            Value::from(duration::spell(self.audit.retention)),
        );
        let mut sinks = Vec::new();
        for sink in &self.audit.sinks {
            sinks.push(Value::from(match sink {
                AuditSink::Database => "db",
                AuditSink::Stdout => "stdout",
                AuditSink::File(path) => {
                    put("audit.file", Value::from(path.display().to_string()));
                    "file"
                }
            }));
        }
        put("audit.sink", Value::Array(sinks));
        put("email.from", Value::from(self.email.from.as_str()));
        put("branding.name", Value::from(self.branding.name.as_str()));
        let language = self.branding.language.tag();
        put("branding.language", Value::from(language));
        if let Some(support) = &self.branding.support {
            put("branding.support", Value::from(support.as_str()));
        }
        if let Some(accent) = &self.branding.accent {
            put("branding.accent", Value::from(accent.to_string()));
        }
        if let Some(logo) = &self.branding.logo {
            let path = logo.path().display().to_string();
            put("branding.logo", Value::from(path));
        }
    }

    fn compat_words(&self) -> Vec<String> {
        let compat = self.compat;
        [
            ("mock", compat.mock),
            ("hydra", compat.hydra),
            ("workos", compat.workos),
            ("google", compat.google),
        ]
        .into_iter()
        .filter(|(_, is_on)| *is_on)
        .map(|(word, _)| word.to_owned())
        .collect()
    }
}

fn client(client: &hallpass_issuer::Client) -> Value {
    let list = |texts: Vec<String>| Value::Array(texts.into_iter().map(Value::from).collect());
    let kind = if client.is_public() {
        "public"
    } else {
        "confidential"
    };
    let mut pairs = vec![
        ("id", Value::from(client.id.as_str())),
        ("name", Value::from(client.name.as_str())),
        ("type", Value::from(kind)),
        (
            "grants",
            list(
                client
                    .grants
                    .iter()
                    .map(|grant| grant.as_str().to_owned())
                    .collect(),
            ),
        ),
        ("redirect_uris", list(client.redirect_uris.clone())),
    ];
    if let hallpass_issuer::client::AllowedScopes::Only(scopes) = &client.scopes {
        pairs.push(("scopes", list(scopes.iter().map(str::to_owned).collect())));
    }
    if !client.is_public() {
        pairs.push(("credential", Value::from(MASK)));
    }
    table(pairs)
}

fn table<'a>(pairs: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    let pairs = pairs.into_iter();
    Value::Table(pairs.map(|(key, value)| (key.to_owned(), value)).collect())
}

/// Hides the password of `postgres://user:password@host/name?password=…`.
fn mask_url(url: &str) -> String {
    let (place, query) = url
        .split_once('?')
        .map_or((url, None), |(place, query)| (place, Some(query)));
    let mut masked = match place.split_once("://").and_then(|(scheme, rest)| {
        let (user, host) = rest.rsplit_once('@')?;
        let (user, _) = user.split_once(':')?;
        Some(format!("{scheme}://{user}:{MASK}@{host}"))
    }) {
        Some(masked) => masked,
        None => place.to_owned(),
    };
    for (index, pair) in query
        .into_iter()
        .flat_map(|query| query.split('&'))
        .enumerate()
    {
        masked.push(if index == 0 { '?' } else { '&' });
        if pair.starts_with("password=") {
            masked.push_str("password=");
            masked.push_str(MASK);
        } else {
            masked.push_str(pair);
        }
    }
    masked
}

const MASK: &str = "[redacted]";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_a_database_url_is_masked() {
        for (url, shown) in [
            ("sqlite:///var/lib/x.db", "sqlite:///var/lib/x.db"),
            ("postgres://u@h/d", "postgres://u@h/d"),
            (
                "postgres://u:p@ss@h/d?a=b",
                "postgres://u:[redacted]@h/d?a=b",
            ),
            (
                "postgres://u@h/d?password=x&sslmode=disable",
                "postgres://u@h/d?password=[redacted]&sslmode=disable",
            ),
        ] {
            assert_eq!(mask_url(url), shown);
        }
    }
}
