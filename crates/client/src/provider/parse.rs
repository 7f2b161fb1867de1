//! Reads a provider as people type it: `github`, `microsoft:contoso.example`, `keycloak:sso.example/main`.

use url::Url;

use super::place::Place;
use super::preset::{Parameter, PathRule, Preset};
use super::presets::PRESETS;
use super::profile::Provider;
use crate::address::secure_url;
use crate::clean;
use crate::error::Error;

impl Provider {
    /// Reads `NAME` or `NAME:PARAMETER`. The parameter is a tenant (`microsoft`), or a host with what
    /// `docs/providers.md` lets follow it (`gitlab`, `okta`, `auth0`, `keycloak`, `hydra`, `workos`,
    /// and `github` for GitHub Enterprise Server). An `https://` before the host is fine; `http://` only
    /// on loopback.
    ///
    /// ```
    /// use hallpass_client::Provider;
    ///
    /// let realm = Provider::parse("keycloak:sso.example.com/main")?;
    /// assert_eq!(realm.issuer(), "https://sso.example.com/realms/main");
    /// assert!(Provider::parse("okta").is_err()); // which one?
    /// # Ok::<(), hallpass_client::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Config`] for an unknown name, and for a parameter that is missing, malformed
    /// or not wanted.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let (name, parameter) = match text.trim().split_once(':') {
            Some((name, parameter)) => (name, Some(parameter)),
            None => (text.trim(), None),
        };
        let mut refused = None;
        let known = PRESETS
            .iter()
            .filter(|preset| preset.name.eq_ignore_ascii_case(name));
        for preset in known {
            match place(preset, parameter) {
                Ok(place) => return Ok(Self::new(preset, place)),
                // With a parameter, the last preset of a name is meant; without one, the first.
                Err(error) if parameter.is_some() || refused.is_none() => refused = Some(error),
                Err(_) => {}
            }
        }
        Err(refused.unwrap_or_else(|| {
            let names: Vec<_> = Self::names().collect();
            Error::config(format!("`{}` is no provider", clean::text(name))).hint_to(format!(
                "one of: {}; or name the issuer of another server",
                names.join(", ")
            ))
        }))
    }

    /// The names that [`Provider::parse`] knows, each once.
    pub fn names() -> impl Iterator<Item = &'static str> {
        let names = PRESETS.iter().map(|preset| preset.name);
        let mut last = None;
        names.filter(move |name| last.replace(*name) != Some(*name))
    }
}

fn place(preset: &Preset, parameter: Option<&str>) -> Result<Place, Error> {
    let name = preset.name;
    let missing = |what: &str| {
        Error::config(format!("`{name}` needs {what}"))
            .hint_to(format!("write `{name}:{}`", example(preset)))
    };
    match (preset.parameter, parameter) {
        (Parameter::None(base), None) => Ok(Place {
            base: base.to_owned(),
            ..Place::default()
        }),
        (Parameter::None(_), Some(_)) => Err(Error::config(format!("`{name}` takes no parameter"))
            .hint_to(format!("write `{name}` alone"))),
        (Parameter::Tenant(base, default), tenant) => {
            let tenant = tenant.unwrap_or(default);
            let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
            if tenant.is_empty() || !tenant.chars().all(is_plain) || tenant.starts_with('.') {
                let shown = clean::text(tenant);
                return Err(Error::config(format!("`{shown}` is no tenant"))
                    .hint_to("a domain, an id, `common`, `organizations` or `consumers`"));
            }
            Ok(Place {
                base: base.to_owned(),
                path: String::new(),
                tenant: tenant.to_ascii_lowercase(),
            })
        }
        (Parameter::Base(Some(default), _), None) => Ok(Place {
            base: default.to_owned(),
            ..Place::default()
        }),
        (Parameter::Base(None, _), None) => Err(missing("a host")),
        (Parameter::Base(_, rule), Some(text)) => {
            let (base, tail) = split(text)?;
            let path = path(rule, &tail).ok_or_else(|| missing(wanted(rule)))?;
            Ok(Place {
                base,
                path,
                tenant: String::new(),
            })
        }
    }
}

/// The origin, and what follows it.
fn split(text: &str) -> Result<(String, String), Error> {
    let shown = clean::text(text);
    let address = if text.contains("://") {
        text.to_owned()
    } else {
        format!("https://{text}")
    };
    let url: Url = secure_url(&address, true)
        .ok()
        .filter(|url| url.query().is_none())
        .ok_or_else(|| {
            Error::config(format!("`{shown}` is no host"))
                .hint_to("a host such as login.example.com, or its https address")
        })?;
    // As it was typed: issuers are compared byte for byte, and a slash at the end counts.
    let after_host = address
        .split_once("://")
        .and_then(|(_, rest)| rest.find('/').and_then(|at| rest.get(at..)));
    let tail = after_host.unwrap_or_default().to_owned();
    Ok((url.origin().ascii_serialization(), tail))
}

fn path(rule: PathRule, tail: &str) -> Option<String> {
    let trimmed = tail.trim_matches('/');
    match rule {
        PathRule::Exact => Some(tail.to_owned()),
        PathRule::None => trimmed.is_empty().then(String::new),
        PathRule::OktaServer => Some(match trimmed {
            "" => "/oauth2/default".to_owned(),
            "org" => String::new(),
            server if server.starts_with("oauth2/") => format!("/{server}"),
            server => format!("/oauth2/{server}"),
        }),
        PathRule::Realm => {
            let (before, realm) = trimmed.rsplit_once('/').unwrap_or(("", trimmed));
            let before = before.strip_suffix("realms").unwrap_or(before);
            let before = before.trim_matches('/');
            let slash = if before.is_empty() { "" } else { "/" };
            (!realm.is_empty()).then(|| format!("{slash}{before}/realms/{realm}"))
        }
    }
}

fn wanted(rule: PathRule) -> &'static str {
    match rule {
        PathRule::Realm => "a realm behind the host",
        PathRule::None => "a host without a path",
        PathRule::Exact | PathRule::OktaServer => "a host",
    }
}

fn example(preset: &Preset) -> &'static str {
    match preset.parameter {
        Parameter::Base(_, PathRule::Realm) => "sso.example.com/main",
        Parameter::Base(_, PathRule::OktaServer) => "example.okta.com",
        Parameter::Tenant(..) => "contoso.example",
        _ => "login.example.com",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn providers_are_named_as_people_type_them() {
        for (text, issuer) in [
            ("github", "https://github.com/login/oauth"),
            ("GitHub", "https://github.com/login/oauth"),
            (
                "github:ghe.example.com",
                "https://ghe.example.com/login/oauth",
            ),
            ("google", "https://accounts.google.com"),
            ("gitlab", "https://gitlab.com"),
            ("gitlab:git.example.com", "https://git.example.com"),
            ("gitlab:git.example.com/in", "https://git.example.com/in"),
            ("microsoft", "https://login.microsoftonline.com/common/v2.0"),
            (
                "microsoft:Contoso.Example",
                "https://login.microsoftonline.com/contoso.example/v2.0",
            ),
            ("okta:a.okta.com", "https://a.okta.com/oauth2/default"),
            ("okta:a.okta.com/aus1", "https://a.okta.com/oauth2/aus1"),
            (
                "okta:https://a.okta.com/oauth2/aus1",
                "https://a.okta.com/oauth2/aus1",
            ),
            ("okta:a.okta.com/org", "https://a.okta.com"),
            ("auth0:t.eu.auth0.com", "https://t.eu.auth0.com/"),
            ("keycloak:sso.test/main", "https://sso.test/realms/main"),
            (
                "keycloak:https://sso.test:8443/auth/realms/main/",
                "https://sso.test:8443/auth/realms/main",
            ),
            (
                "keycloak:sso.test/auth/main",
                "https://sso.test/auth/realms/main",
            ),
            ("hydra:id.test", "https://id.test"),
            ("hydra:id.test/", "https://id.test/"),
            ("hydra:http://127.0.0.1:4444/", "http://127.0.0.1:4444/"),
            ("workos", "https://api.workos.com/user_management"),
            ("workos:acme.authkit.app", "https://acme.authkit.app"),
            ("slack", "https://slack.com"),
        ] {
            assert_eq!(Provider::parse(text).unwrap().issuer(), issuer, "{text}");
        }
    }

    #[test]
    fn what_is_missing_unknown_or_unsafe_is_refused_with_a_next_step() {
        for text in [
            "gihub",
            "",
            "okta",
            "auth0",
            "keycloak",
            "keycloak:sso.test",
            "hydra",
            "google:x.test",
            "slack:x",
            "gitlab:http://git.test",
            "gitlab:git.test?x=1",
            "gitlab:",
            "auth0:t.auth0.com/x",
            "microsoft:../evil",
            "microsoft:a/b",
            "microsoft:",
            "okta:a@evil.test",
            "okta:a\u{1b}b",
        ] {
            let error = Provider::parse(text).unwrap_err();
            assert_eq!(error.kind(), &crate::ErrorKind::Config, "{text}");
            assert!(error.hint().is_some(), "{text}");
            assert!(!format!("{error:?}").contains('\u{1b}'));
        }
    }

    #[test]
    fn every_name_stands_once() {
        let names: Vec<_> = Provider::names().collect();
        assert_eq!(names.len(), 10, "{names:?}");
    }
}
