//! `public_url`: the one issuer.

use crate::settings::error::SettingsError;
use crate::settings::files::Source;
use crate::settings::refusal::{bad, with_hint};

/// The one issuer: https, or http on this machine for a trial.
pub(super) fn public_url(source: &Source, given: Option<&str>) -> Result<String, SettingsError> {
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
