//! What dev mode refuses because it belongs to production: it signs anybody in (row S-284).

use super::error::SettingsError;
use super::files::Env;

/// What dev mode refuses, in words that follow "together with".
pub(super) const DATABASE: &str = "a database URL";
/// See [`DATABASE`].
pub(super) const KEYRING: &str = "a keyring";
/// See [`DATABASE`].
const HTTPS: &str = "an https issuer URL";

/// Refuses to start on what the environment or `--database` brings of production.
pub(super) fn check(env: Env<'_>, has_database_flag: bool) -> Result<(), SettingsError> {
    let refuse = |what| Err(SettingsError::NotInDevMode { what });
    if has_database_flag || env("HALLPASS__DATABASE__URL").is_some() {
        return refuse(DATABASE);
    }
    if env("HALLPASS__SECRETS__KEYRING_FILE").is_some() {
        return refuse(KEYRING);
    }
    if env("HALLPASS__PUBLIC_URL").is_some_and(|url| is_https(&url)) {
        return refuse(HTTPS);
    }
    Ok(())
}

/// Reads the fixed URL of the issuers: plain http, a host, perhaps a port.
pub(super) fn check_issuer_url(
    place: &str,
    key: &str,
    text: &str,
) -> Result<String, SettingsError> {
    if is_https(text) {
        return Err(SettingsError::NotInDevMode { what: HTTPS });
    }
    let plain = url::Url::parse(text).ok().filter(|url| {
        url.scheme() == "http"
            && url.has_host()
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    });
    let url = plain.ok_or_else(|| SettingsError::BadValue {
        place: place.to_owned(),
        key: key.to_owned(),
        problem: format!("is `{text}`, not `http://` with a host and perhaps a port"),
        hint: Some("leave the issuer's path away: `http://auth.internal:8080`".to_owned()),
    })?;
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

fn is_https(url: &str) -> bool {
    url.get(..6)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("https:"))
}
