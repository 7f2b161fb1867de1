//! Finds an issuer's metadata and makes sure that it is that issuer's.
//!
//! RFC 8414 §3: <https://www.rfc-editor.org/rfc/rfc8414#section-3>, OIDC Discovery §4.

use hallpass_protocol::metadata::{Metadata, well_known_urls};
use url::Url;

use crate::address::{is_loopback, secure_url};
use crate::clean;
use crate::client_auth::ClientAuthMethod;
use crate::error::{Error, ErrorKind};
use crate::http::Http;
use crate::provider::Provider;

/// Fetches and checks the metadata of an issuer.
pub(crate) async fn discover(
    http: &Http,
    (issuer, configured): (&Url, &str),
    (provider, auth): (Option<&Provider>, &ClientAuthMethod),
) -> Result<Metadata, Error> {
    if let Some(provider) = provider {
        provider.require_secret(auth)?;
    }
    let is_issuer = |said: &str| match provider {
        Some(provider) => provider.is_issuer(said),
        None => said == configured,
    };
    let check = |mut metadata: Metadata| {
        if let Some(provider) = provider {
            provider.complete(&mut metadata, auth);
        }
        check(metadata, issuer, configured, is_issuer)
    };
    if let Some(known) = provider.and_then(Provider::metadata) {
        return check(known);
    }
    let mut refused = None;
    for address in well_known_urls(configured) {
        let url = Url::parse(&address).map_err(|error| Error::config(error.to_string()))?;
        let reply = match http.get_document(&url).await {
            Ok(reply) => reply,
            // Another address of a host that is not there is not there either.
            Err(error) if matches!(error.kind(), ErrorKind::Unavailable { .. }) => {
                return Err(error);
            }
            Err(error) => {
                refused.get_or_insert(error);
                continue;
            }
        };
        if reply.status >= 500 || reply.status == 429 {
            let text = format!("{configured} is not available ({})", reply.describe());
            refused.get_or_insert(Error::unavailable(text, reply.retry_after));
            continue;
        }
        let document = serde_json::from_slice::<Metadata>(reply.body.expose());
        match document {
            Ok(metadata) if reply.is_success() && !metadata.issuer.is_empty() => {
                match check(metadata) {
                    Ok(metadata) => return Ok(metadata),
                    Err(error) => refused = Some(refused.unwrap_or(error)),
                }
            }
            _ => tracing::debug!(address, status = reply.status, "no metadata here"),
        }
    }
    Err(refused.unwrap_or_else(|| {
        Error::config(format!(
            "{configured} publishes no OAuth or OpenID Connect metadata"
        ))
        .hint_to(format!(
            "check the issuer: {configured}/.well-known/openid-configuration must exist"
        ))
    }))
}

fn check(
    metadata: Metadata,
    issuer: &Url,
    configured: &str,
    is_issuer: impl Fn(&str) -> bool,
) -> Result<Metadata, Error> {
    // RFC 8414 §3.3: "MUST be identical to the authorization server's issuer identifier value".
    if !is_issuer(&metadata.issuer) {
        let said = clean::text(&metadata.issuer);
        let error = Error::config(format!("{configured} calls itself `{said}`"));
        let is_slash = said.trim_end_matches('/') == configured.trim_end_matches('/');
        return Err(if is_slash {
            error.hint_to(format!("name the issuer exactly: `{said}`"))
        } else {
            error.hint_to(format!(
                "the metadata is of another issuer; if that is the one you mean, use `{said}`"
            ))
        });
    }
    // Stricter than RFC 8414 §2: an issuer of the network may not send us to this machine.
    let allow_loopback = is_loopback(issuer);
    for (name, address) in [
        ("authorization_endpoint", &metadata.authorization_endpoint),
        ("token_endpoint", &metadata.token_endpoint),
        (
            "device_authorization_endpoint",
            &metadata.device_authorization_endpoint,
        ),
        ("userinfo_endpoint", &metadata.userinfo_endpoint),
        ("jwks_uri", &metadata.jwks_uri),
        ("revocation_endpoint", &metadata.revocation_endpoint),
        (
            "pushed_authorization_request_endpoint",
            &metadata.pushed_authorization_request_endpoint,
        ),
        ("registration_endpoint", &metadata.registration_endpoint),
    ] {
        if let Some(address) = address {
            secure_url(address, allow_loopback).map_err(|reason| {
                let shown = clean::text(address);
                Error::config(format!(
                    "the {name} of {configured} cannot be used: `{shown}`: {reason}"
                ))
                .hint_to("the operator of the server must correct its metadata")
            })?;
        }
    }
    Ok(metadata)
}

/// An endpoint that this operation needs.
pub(crate) fn endpoint(
    metadata: &Metadata,
    name: &str,
    address: Option<&String>,
) -> Result<Url, Error> {
    let address = address.ok_or_else(|| {
        Error::config(format!("{} has no {name}", clean::text(&metadata.issuer)))
            .hint_to("the server does not offer this; sign in in another way")
    })?;
    // `check` has judged it already.
    Url::parse(address).map_err(|error| Error::config(format!("the {name} is unusable: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(configured: &str, change: impl FnOnce(&mut Metadata)) -> Result<Metadata, Error> {
        let mut metadata = Metadata {
            issuer: "https://h/t".to_owned(),
            ..Metadata::default()
        };
        change(&mut metadata);
        let url = Url::parse(configured).unwrap();
        check(metadata, &url, configured, |said| said == configured)
    }

    #[test]
    fn c_53_the_issuer_is_compared_byte_for_byte() {
        assert!(checked("https://h/t", |_| ()).is_ok());
        let slash = checked("https://h/t/", |_| ()).unwrap_err();
        assert_eq!(slash.kind(), &ErrorKind::Config);
        assert_eq!(slash.hint(), Some("name the issuer exactly: `https://h/t`"));
        for said in [
            "https://H/t",
            "https://h/T",
            "https://evil/t",
            "https://h/t?x",
        ] {
            let error = checked("https://h/t", |metadata| {
                said.clone_into(&mut metadata.issuer);
            });
            assert_eq!(error.unwrap_err().kind(), &ErrorKind::Config, "{said}");
        }
    }

    #[test]
    fn c_54_every_endpoint_must_be_https() {
        for bad in [
            "http://h/token",
            "http://127.0.0.1/token",
            "javascript:x",
            "//h/token",
        ] {
            let error = checked("https://h/t", |m| m.token_endpoint = Some(bad.to_owned()));
            assert_eq!(error.unwrap_err().kind(), &ErrorKind::Config, "{bad}");
        }
    }
}
