//! `[[client]]` of the TOML file and `clients` of the JSON file: one spelling, one reader.
//!
//! For users: `docs/dev-mode.md`. RFC 6749 §2: <https://www.rfc-editor.org/rfc/rfc6749#section-2>

use std::path::{Path, PathBuf};

use hallpass_issuer::Client;
use hallpass_issuer::client::{AllowedScopes, ClientKind};
use hallpass_issuer::redirect_uri::check_registrable;
use hallpass_issuer::tokens::one_time::SecretHash;
use hallpass_protocol::client_auth::ClientAuthMethod;
use hallpass_protocol::token::GrantType;
use hallpass_protocol::{ClientId, Scopes};
use serde::Deserialize;

use super::error::SettingsError;
use super::known_keys::Keys;

/// One client, as it is written.
#[derive(Deserialize)]
pub(super) struct ClientConfig {
    id: String,
    name: Option<String>,
    #[serde(rename = "type", default)]
    kind: Kind,
    auth_method: Option<ClientAuthMethod>,
    secret: Option<String>,
    secret_file: Option<PathBuf>,
    grants: Option<Vec<String>>,
    #[serde(default)]
    redirect_uris: Vec<String>,
    #[serde(default)]
    post_logout_redirect_uris: Vec<String>,
    scopes: Option<Vec<String>>,
    device: Option<DeviceConfig>,
    require_pkce: Option<bool>,
    #[serde(default)]
    refresh: Refresh,
    #[serde(default)]
    introspect: bool,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    #[default]
    Public,
    Confidential,
}

/// When the client gets refresh tokens (row S-68).
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Refresh {
    #[default]
    OfflineAccess,
    Always,
}

#[derive(Deserialize)]
struct DeviceConfig {
    scopes: Option<Vec<String>>,
}

/// The keys of one client. Those without effect belong to production.
pub(super) static CLIENT_KEYS: Keys = Keys::Table(&[
    ("id", Keys::Value),
    ("name", Keys::Value),
    ("type", Keys::Value),
    ("auth_method", Keys::Value),
    ("secret", Keys::Value),
    ("secret_file", Keys::Value),
    ("grants", Keys::Value),
    ("redirect_uris", Keys::Value),
    ("post_logout_redirect_uris", Keys::Value),
    ("scopes", Keys::Value),
    ("device", Keys::Table(&[("scopes", Keys::Value)])),
    ("require_pkce", Keys::Value),
    ("refresh", Keys::Value),
    ("introspect", Keys::Value),
    ("consent", Keys::NoEffect),
    ("dpop", Keys::NoEffect),
]);

/// Where clients stand, for messages and for relative paths.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    /// The file.
    pub(super) file: &'a str,
    /// Its folder.
    pub(super) folder: &'a Path,
    /// The key of the list.
    pub(super) key: &'a str,
}

/// Checks the clients and hashes their secrets.
pub(super) fn read_all(
    configs: Vec<ClientConfig>,
    place: Place<'_>,
) -> Result<Vec<Client>, SettingsError> {
    let mut clients: Vec<Client> = Vec::new();
    for config in configs {
        let client = config.read(place)?;
        if clients.iter().any(|known| known.id == client.id) {
            return Err(place.bad(client.id.as_str(), "id", "is the id of two clients"));
        }
        clients.push(client);
    }
    Ok(clients)
}

impl ClientConfig {
    fn read(self, place: Place<'_>) -> Result<Client, SettingsError> {
        // RFC 6749 appendix A.1: `client-id = *VSCHAR`.
        if self.id.is_empty() || !self.id.bytes().all(|byte| matches!(byte, 0x20..=0x7e)) {
            return Err(place.bad(&self.id, "id", "is not printable ASCII"));
        }
        let kind = self.read_kind(place)?;
        let grants = self.read_grants(place)?;
        for (key, uris) in [
            ("redirect_uris", &self.redirect_uris),
            ("post_logout_redirect_uris", &self.post_logout_redirect_uris),
        ] {
            for uri in uris {
                check_registrable(uri)
                    .map_err(|why| place.bad(&self.id, key, &format!("holds `{uri}`: {why}")))?;
            }
        }
        let scopes = read_scopes(self.scopes.as_deref())
            .map_err(|why| place.bad(&self.id, "scopes", &why))?;
        let device_scopes = read_scopes(
            self.device
                .as_ref()
                .and_then(|device| device.scopes.as_deref()),
        )
        .map_err(|why| place.bad(&self.id, "device.scopes", &why))?;
        // Row S-29: by the device flow a client may have less, never more.
        if let (Some(narrower), Some(all)) = (&device_scopes, &scopes)
            && !narrower.is_subset(all)
        {
            return Err(place.bad(&self.id, "device.scopes", "is not a part of `scopes`"));
        }
        Ok(Client {
            name: self.name.unwrap_or_else(|| self.id.clone()),
            id: ClientId::new(self.id),
            kind,
            grants,
            redirect_uris: self.redirect_uris,
            post_logout_redirect_uris: self.post_logout_redirect_uris,
            scopes: scopes.map_or(AllowedScopes::Any, AllowedScopes::Only),
            device_scopes,
            // RFC 9700 §2.1.1: confidential clients are RECOMMENDED to use PKCE too.
            require_pkce: self.require_pkce.unwrap_or(true),
            refresh_without_offline_access: self.refresh == Refresh::Always,
            introspects: self.introspect,
        })
    }

    fn read_kind(&self, place: Place<'_>) -> Result<ClientKind, SettingsError> {
        let bad = |key, problem| Err(place.bad(&self.id, key, problem));
        match (self.kind, &self.secret, &self.secret_file) {
            (Kind::Public, Some(_), _) => {
                bad("secret", "is set, but a public client cannot keep one")
            }
            (Kind::Public, _, Some(_)) => bad(
                "secret_file",
                "is set, but a public client cannot keep a secret",
            ),
            (Kind::Public, None, None) => match self.auth_method {
                None | Some(ClientAuthMethod::None) => Ok(ClientKind::Public),
                Some(_) => bad("auth_method", "needs `type = \"confidential\"`"),
            },
            (Kind::Confidential, Some(_), Some(_)) => {
                bad("secret_file", "and `secret` are both set")
            }
            (Kind::Confidential, None, None) => bad(
                "secret_file",
                "is missing: a confidential client has a secret",
            ),
            (Kind::Confidential, Some(secret), None) => self.confidential(secret, "secret", place),
            (Kind::Confidential, None, Some(path)) => {
                let path = place.folder.join(path);
                let text = std::fs::read_to_string(&path)
                    .map_err(|source| SettingsError::Unreadable { path, source })?;
                self.confidential(text.trim_end_matches(['\r', '\n']), "secret_file", place)
            }
        }
    }

    fn confidential(
        &self,
        secret: &str,
        key: &str,
        place: Place<'_>,
    ) -> Result<ClientKind, SettingsError> {
        let method = self
            .auth_method
            .unwrap_or(ClientAuthMethod::ClientSecretBasic);
        if method == ClientAuthMethod::None {
            return Err(place.bad(
                &self.id,
                "auth_method",
                "is `none`, which is for public clients",
            ));
        }
        if secret.is_empty() {
            return Err(place.bad(&self.id, key, "is empty"));
        }
        Ok(ClientKind::Confidential {
            method,
            secrets: vec![SecretHash::of(secret.as_bytes())],
        })
    }

    fn read_grants(&self, place: Place<'_>) -> Result<Vec<GrantType>, SettingsError> {
        let bad = |problem: &str| Err(place.bad(&self.id, "grants", problem));
        let mut grants = Vec::new();
        for name in self.grants.as_ref().unwrap_or(&vec![
            "authorization_code".to_owned(),
            "refresh_token".to_owned(),
        ]) {
            match GrantType::parse(name) {
                Some(grant) => grants.push(grant),
                None => return bad(&format!("holds `{name}`, which is no grant")),
            }
        }
        if grants.contains(&GrantType::AuthorizationCode) && self.redirect_uris.is_empty() {
            let problem = "is empty, but the authorization code grant needs one";
            return Err(place.bad(&self.id, "redirect_uris", problem));
        }
        // RFC 6749 §4.4: it "MUST only be used by confidential clients".
        if self.kind == Kind::Public && grants.contains(&GrantType::ClientCredentials) {
            return bad("holds `client_credentials`, which is for confidential clients");
        }
        Ok(grants)
    }
}

fn read_scopes(tokens: Option<&[String]>) -> Result<Option<Scopes>, String> {
    let Some(tokens) = tokens else {
        return Ok(None);
    };
    if let Some(bad) = tokens
        .iter()
        .find(|token| token.is_empty() || token.contains(' '))
    {
        return Err(format!("holds `{bad}`: write one scope per entry"));
    }
    Scopes::parse(&tokens.join(" "))
        .map(Some)
        .map_err(|error| format!("cannot be read: {error}"))
}

impl Place<'_> {
    fn bad(self, id: &str, key: &str, problem: &str) -> SettingsError {
        SettingsError::BadValue {
            place: self.file.to_owned(),
            key: format!("{}[{id}].{key}", self.key),
            problem: problem.to_owned(),
            hint: None,
        }
    }
}
