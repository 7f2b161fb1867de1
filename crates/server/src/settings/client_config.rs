//! `[[client]]` of the TOML file and `clients` of the JSON file: one spelling, one reader.
//!
//! For users: `docs/dev-mode.md`. RFC 6749 §2: <https://www.rfc-editor.org/rfc/rfc6749#section-2>

use std::path::{Path, PathBuf};

use hallpass_issuer::Client;
use hallpass_issuer::client::{AllowedScopes, ClientKind, Credential, DevicePolicy};
use hallpass_issuer::consent_policy::ConsentPolicy;
use hallpass_issuer::grants::device_approval::Requirement;
use hallpass_issuer::redirect_uri::check_registrable;
use hallpass_issuer::tokens::one_time::SecretHash;
use hallpass_protocol::client_auth::ClientAuthMethod;
use hallpass_protocol::jose::{Algorithm, JwkSet, JwkSetRules};
use hallpass_protocol::token::GrantType;
use hallpass_protocol::{ClientId, Scopes};
use serde::Deserialize;

use super::duration::Span;
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
    jwks: Option<serde_json::Value>,
    jwks_file: Option<PathBuf>,
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
    #[serde(default)]
    dpop: Dpop,
    #[serde(default)]
    require_pushed_authorization_requests: bool,
    consent: Option<Consent>,
    #[serde(default)]
    origins: Vec<String>,
}

/// When people are asked about the client.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Consent {
    Always,
    Remember,
    Trusted,
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

/// Whether access tokens are bound to a key (RFC 9449 §5.2).
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Dpop {
    #[default]
    Optional,
    Required,
}

#[derive(Default, Deserialize)]
struct DeviceConfig {
    scopes: Option<Vec<String>>,
    require: Option<DeviceRequirement>,
    access: Option<Span>,
    refresh_absolute: Option<Span>,
}

/// What devices need beside the confirmation.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum DeviceRequirement {
    Confirm,
    Mfa,
    SameNetwork,
    Off,
}

impl From<DeviceRequirement> for Requirement {
    fn from(word: DeviceRequirement) -> Self {
        match word {
            DeviceRequirement::Confirm => Self::Confirm,
            DeviceRequirement::Mfa => Self::SecondFactor,
            DeviceRequirement::SameNetwork => Self::SameNetwork,
            DeviceRequirement::Off => Self::Off,
        }
    }
}

/// The keys of one client. Those without effect belong to production.
pub(super) static CLIENT_KEYS: Keys = Keys::Table(&[
    ("id", Keys::Value),
    ("name", Keys::Value),
    ("type", Keys::Value),
    ("auth_method", Keys::Value),
    ("secret", Keys::Value),
    ("secret_file", Keys::Value),
    ("jwks", Keys::Value),
    ("jwks_file", Keys::Value),
    ("grants", Keys::Value),
    ("redirect_uris", Keys::Value),
    ("post_logout_redirect_uris", Keys::Value),
    ("scopes", Keys::Value),
    (
        "device",
        Keys::Table(&[
            ("scopes", Keys::Value),
            ("require", Keys::Value),
            ("access", Keys::Value),
            ("refresh_absolute", Keys::Value),
        ]),
    ),
    ("require_pkce", Keys::Value),
    ("refresh", Keys::Value),
    ("introspect", Keys::Value),
    ("consent", Keys::Value),
    ("origins", Keys::Value),
    ("dpop", Keys::Value),
    ("require_pushed_authorization_requests", Keys::Value),
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
        for origin in &self.origins {
            check_origin(origin).map_err(|why| {
                place.bad(&self.id, "origins", &format!("holds `{origin}`: {why}"))
            })?;
        }
        let scopes = read_scopes(self.scopes.as_deref())
            .map_err(|why| place.bad(&self.id, "scopes", &why))?;
        let device = self.device.unwrap_or_default();
        let device_scopes = read_scopes(device.scopes.as_deref())
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
            device: DevicePolicy {
                scopes: device_scopes,
                requirement: device.require.map(Requirement::from),
                access_lifetime: device.access.map(|span| span.0),
                refresh_absolute: device.refresh_absolute.map(|span| span.0),
            },
            // RFC 9700 §2.1.1: confidential clients are RECOMMENDED to use PKCE too.
            require_pkce: self.require_pkce.unwrap_or(true),
            refresh_without_offline_access: self.refresh == Refresh::Always,
            introspects: self.introspect,
            requires_dpop: self.dpop == Dpop::Required,
            requires_pushed_requests: self.require_pushed_authorization_requests,
            registered_itself: false,
            origins: self.origins,
            consent: self.consent.map(|word| match word {
                Consent::Always => ConsentPolicy::Always,
                Consent::Remember => ConsentPolicy::Remember,
                Consent::Trusted => ConsentPolicy::Trusted,
            }),
        })
    }

    fn read_kind(&self, place: Place<'_>) -> Result<ClientKind, SettingsError> {
        let bad = |key, problem| Err(place.bad(&self.id, key, problem));
        let given = [
            ("secret", self.secret.is_some()),
            ("secret_file", self.secret_file.is_some()),
            ("jwks", self.jwks.is_some()),
            ("jwks_file", self.jwks_file.is_some()),
        ];
        let given: Vec<_> = given.into_iter().filter(|(_, is_set)| *is_set).collect();
        match (self.kind, given.as_slice()) {
            (Kind::Public, [(key, _), ..]) => {
                bad(key, "is set, but a public client does not authenticate")
            }
            (Kind::Public, []) => match self.auth_method {
                None | Some(ClientAuthMethod::None) => Ok(ClientKind::Public),
                Some(_) => bad("auth_method", "needs `type = \"confidential\"`"),
            },
            (Kind::Confidential, [(first, _), (second, _), ..]) => {
                bad(second, &format!("and `{first}` are both set"))
            }
            (Kind::Confidential, [] | [_]) => {
                self.read_credential(place).map(ClientKind::Confidential)
            }
        }
    }

    fn read_credential(&self, place: Place<'_>) -> Result<Credential, SettingsError> {
        let bad = |key, problem| Err(place.bad(&self.id, key, problem));
        let method = self.auth_method.unwrap_or(if self.has_keys() {
            ClientAuthMethod::PrivateKeyJwt
        } else {
            ClientAuthMethod::ClientSecretBasic
        });
        match method {
            ClientAuthMethod::None => bad("auth_method", "is `none`, which is for public clients"),
            ClientAuthMethod::PrivateKeyJwt => self.read_keys(place).map(Credential::Keys),
            ClientAuthMethod::ClientSecretBasic | ClientAuthMethod::ClientSecretPost => {
                let hashes = vec![self.read_secret(place)?];
                Ok(Credential::Secret { method, hashes })
            }
        }
    }

    fn has_keys(&self) -> bool {
        self.jwks.is_some() || self.jwks_file.is_some()
    }

    fn read_secret(&self, place: Place<'_>) -> Result<SecretHash, SettingsError> {
        let (key, secret) = match (&self.secret, &self.secret_file) {
            (Some(secret), _) => ("secret", secret.clone()),
            (None, Some(path)) => {
                let text = place.read(path)?;
                let secret = text.trim_end_matches(['\r', '\n']);
                ("secret_file", secret.to_owned())
            }
            (None, None) if self.has_keys() => {
                let problem = "takes a secret, and `jwks` is for `private_key_jwt`";
                return Err(place.bad(&self.id, "auth_method", problem));
            }
            (None, None) => {
                let problem = "is missing: a confidential client has a secret or a `jwks`";
                return Err(place.bad(&self.id, "secret_file", problem));
            }
        };
        if secret.is_empty() {
            return Err(place.bad(&self.id, key, "is empty"));
        }
        Ok(SecretHash::of(secret.as_bytes()))
    }

    /// The public keys of `private_key_jwt`. An RSA key that does not say its algorithm is for the
    /// one that every client can: RS256.
    fn read_keys(&self, place: Place<'_>) -> Result<JwkSet, SettingsError> {
        let rules = JwkSetRules::REGISTERED.with_rsa_algorithm(Algorithm::Rs256);
        let (key, read) = match (&self.jwks, &self.jwks_file) {
            (Some(set), _) => ("jwks", JwkSet::from_value(set, rules)),
            (None, Some(path)) => ("jwks_file", JwkSet::read(&place.read(path)?, rules)),
            (None, None) => {
                let problem = "is missing: `private_key_jwt` needs the client's public keys";
                return Err(place.bad(&self.id, "jwks", problem));
            }
        };
        let keys = read.map_err(|why| place.bad(&self.id, key, &format!("is refused: {why}")))?;
        if keys.keys().is_empty() {
            return Err(place.bad(&self.id, key, "holds no key for signatures"));
        }
        Ok(keys)
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

/// An origin as browsers write it (RFC 6454 §6.1), and no other spelling: it is compared byte for
/// byte. Pages of this machine may come without TLS.
fn check_origin(origin: &str) -> Result<(), &'static str> {
    let url = url::Url::parse(origin).map_err(|_| "this is no origin")?;
    if url.origin().ascii_serialization() != origin {
        return Err("write scheme, host and port alone, in lower case, as browsers do");
    }
    let is_here = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    match url.scheme() {
        "https" => Ok(()),
        "http" if is_here => Ok(()),
        _ => Err("an origin is https, unless it is this machine"),
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
    /// A file beside the configuration.
    fn read(self, path: &Path) -> Result<String, SettingsError> {
        let path = self.folder.join(path);
        std::fs::read_to_string(&path).map_err(|source| SettingsError::Unreadable { path, source })
    }

    fn bad(self, id: &str, key: &str, problem: &str) -> SettingsError {
        SettingsError::BadValue {
            place: self.file.to_owned(),
            key: format!("{}[{id}].{key}", self.key),
            problem: problem.to_owned(),
            hint: None,
        }
    }
}
