//! `kubectl config view -o json`: the users that sign in with OpenID Connect, by a plugin that takes
//! `--oidc-…` arguments or by the provider that older kubectl had built in.

use std::collections::BTreeMap;

use serde_json::Value;

use super::imported::Imported;
use crate::config::Settings;

/// Reads them; none when the document is something else.
pub(super) fn read(document: &Value) -> BTreeMap<String, Imported> {
    let users = document.get("users").and_then(Value::as_array);
    let users = users.into_iter().flatten();
    users
        .filter_map(|entry| {
            let name = entry.get("name").and_then(Value::as_str)?;
            let user = entry.get("user")?;
            let settings = by_arguments(user).or_else(|| by_provider(user))?;
            let imported = Imported {
                settings,
                secret: None,
            };
            Some((profile_name(name), imported))
        })
        .collect()
}

fn by_arguments(user: &Value) -> Option<Settings> {
    let list = user.get("exec")?.get("args")?.as_array()?;
    let words: Vec<&str> = list.iter().filter_map(Value::as_str).collect();
    // `--name=value` and `--name value` are the same.
    let values = |name: &str| -> Vec<String> {
        let mut found = Vec::new();
        for (at, word) in words.iter().enumerate() {
            if let Some(value) = word
                .strip_prefix(name)
                .and_then(|rest| rest.strip_prefix('='))
            {
                found.push(value.to_owned());
            } else if *word == name
                && let Some(value) = words.get(at + 1)
            {
                found.push((*value).to_owned());
            }
        }
        found
    };
    let issuer = values("--oidc-issuer-url").pop()?;
    let mut scopes = vec!["openid".to_owned()];
    scopes.extend(values("--oidc-extra-scope"));
    Some(Settings {
        issuer: Some(issuer),
        client_id: values("--oidc-client-id").pop(),
        scopes: Some(scopes),
        ..Settings::default()
    })
}

fn by_provider(user: &Value) -> Option<Settings> {
    let config = user.get("auth-provider")?.get("config")?;
    let text = |name: &str| config.get(name).and_then(Value::as_str).map(str::to_owned);
    let extra = text("extra-scopes").unwrap_or_default();
    let extra = extra
        .split(',')
        .map(str::trim)
        .filter(|scope| !scope.is_empty());
    let scopes = std::iter::once("openid")
        .chain(extra)
        .map(str::to_owned)
        .collect();
    Some(Settings {
        issuer: Some(text("idp-issuer-url")?),
        client_id: text("client-id"),
        scopes: Some(scopes),
        ..Settings::default()
    })
}

/// Users are named like `oidc:ada@cluster`; profiles are one word.
fn profile_name(user: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let name: String = user
        .chars()
        .map(|c| if is_plain(c) { c } else { '-' })
        .collect();
    name.chars().take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn users_of_plugins_and_of_the_built_in_provider_become_profiles() {
        let found = read(&json!({"users": [
            {"name": "oidc:ada", "user": {"exec": {"command": "kubectl", "args": [
                "oidc-login", "get-token", "--oidc-issuer-url=https://as.test",
                "--oidc-client-id", "kube", "--oidc-extra-scope=groups", "--oidc-client-secret=canary",
            ]}}},
            {"name": "old", "user": {"auth-provider": {"name": "oidc", "config": {
                "idp-issuer-url": "https://old.test", "client-id": "k", "extra-scopes": "email,groups",
                "refresh-token": "canary",
            }}}},
            {"name": "certificate", "user": {"client-certificate-data": "x"}},
        ]}));
        assert_eq!(found.keys().collect::<Vec<_>>(), ["oidc-ada", "old"]);
        let ada = &found["oidc-ada"].settings;
        assert_eq!(ada.client_id.as_deref(), Some("kube"));
        assert_eq!(ada.scopes.as_deref().unwrap(), ["openid", "groups"]);
        let old = &found["old"].settings;
        assert_eq!(old.issuer.as_deref(), Some("https://old.test"));
        assert_eq!(
            old.scopes.as_deref().unwrap(),
            ["openid", "email", "groups"]
        );
        assert!(!format!("{found:?}").contains("canary"));
    }
}
