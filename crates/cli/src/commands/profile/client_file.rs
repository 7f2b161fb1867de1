//! `client_secret_*.json`, as the Google Cloud console hands out: one client under `installed` or
//! `web`.

use hallpass_client::Secret;
use serde_json::Value;
use url::Url;

use super::imported::Imported;
use crate::config::{AuthMethod, Settings};
use crate::failure::Failure;

/// Reads the client; `None` when the document is something else.
pub(super) fn read(document: &Value, issuer: Option<&str>) -> Result<Option<Imported>, Failure> {
    let (client, is_installed) = match (document.get("installed"), document.get("web")) {
        (Some(client), _) => (client, true),
        (None, Some(client)) => (client, false),
        (None, None) => return Ok(None),
    };
    let text = |name: &str| client.get(name).and_then(Value::as_str);
    let client_id = text("client_id").ok_or_else(|| {
        Failure::config("the file names no client_id").hint_to("download it anew")
    })?;
    let issuer = match issuer {
        Some(issuer) => issuer.to_owned(),
        None => known_issuer(text("auth_uri").unwrap_or_default()).ok_or_else(|| {
            Failure::config("the file does not say which server it is for")
                .hint_to("add --issuer URL")
        })?,
    };
    let secret = text("client_secret").map(Secret::from);
    Ok(Some(Imported {
        settings: Settings {
            issuer: Some(issuer),
            client_id: Some(client_id.to_owned()),
            // This server gives refresh tokens without `offline_access`, which it does not know.
            scopes: Some(["openid", "email", "profile"].map(str::to_owned).to_vec()),
            auth_method: secret.as_ref().map(|_| AuthMethod::ClientSecretPost),
            // RFC 8252 §8.5: what ships inside of a program is no secret.
            public_secret: is_installed.then_some(true),
            ..Settings::default()
        },
        secret,
    }))
}

/// The issuer of an authorization endpoint that is named in every such file.
fn known_issuer(auth_uri: &str) -> Option<String> {
    let url = Url::parse(auth_uri).ok()?;
    let is_known = url.scheme() == "https" && url.host_str() == Some("accounts.google.com");
    is_known.then(|| "https://accounts.google.com".to_owned())
}
