//! How the client of a profile proves who it is: what the settings say, or what its registration brought.
//!
//! RFC 6749 §2.3, RFC 7523 §2.2, RFC 7591 §3.2.1.

use hallpass_client::{
    Client, ClientAuthMethod, ClientBuilder, PrivateKey, RegisteredClient, Secret,
};
use url::Url;

use super::Profile;
use crate::config::{AuthMethod, SecretPlace};
use crate::failure::Failure;

impl Profile {
    /// Where nobody says how, a key is for signing, and a secret goes where the server wants it.
    pub(super) fn auth(&self) -> Result<ClientAuthMethod, Failure> {
        let settings = &self.settings;
        let method = settings.auth_method;
        let has_secret = self.given_secret.is_some() || settings.client_secret.is_some();
        match (method, has_secret, &settings.private_key) {
            (Some(AuthMethod::None), ..) | (None, false, None) => Ok(ClientAuthMethod::None),
            (None, true, Some(_)) => Err(Failure::config(format!(
                "profile `{}` has a client secret and a private key",
                self.name
            ))
            .hint_to(
                "say which one: `auth_method = \"private_key_jwt\"`, or `client_secret_basic`",
            )),
            (Some(AuthMethod::PrivateKeyJwt) | None, _, Some(place)) => {
                self.key(place).map(ClientAuthMethod::PrivateKeyJwt)
            }
            (Some(AuthMethod::PrivateKeyJwt), _, None) => Err(Failure::config(format!(
                "profile `{}` signs as a client, and has no private key",
                self.name
            ))
            .hint_to("--private-key-file FILE, or `private_key = { file = \"…\" }`")),
            (Some(AuthMethod::ClientSecretBasic), ..) => Ok(self
                .secret()?
                .map_or_else(Default::default, ClientAuthMethod::SecretBasic)),
            (Some(AuthMethod::ClientSecretPost), ..) => Ok(self
                .secret()?
                .map_or_else(Default::default, ClientAuthMethod::SecretPost)),
            (None, true, None) => Ok(self
                .secret()?
                .map_or_else(Default::default, ClientAuthMethod::Secret)),
        }
    }

    /// Its private key, where it has one.
    pub(crate) fn private_key(&self) -> Result<Option<PrivateKey>, Failure> {
        let place = self.settings.private_key.as_ref();
        place.map(|place| self.key(place)).transpose()
    }

    fn key(&self, place: &SecretPlace) -> Result<PrivateKey, Failure> {
        let key = place.read_key(&self.environment)?;
        match &self.settings.private_key_id {
            Some(id) => key.with_key_id(id).map_err(|error| {
                Failure::config("`private_key_id` cannot be used")
                    .caused_by(&error)
                    .hint_to(error.hint())
            }),
            None => Ok(key),
        }
    }

    /// Its secret: given, named, or from the server at registration.
    fn secret(&self) -> Result<Option<Secret<String>>, Failure> {
        match (&self.given_secret, &self.settings.client_secret) {
            (Some(secret), _) => Ok(Some(secret.clone())),
            (None, Some(place)) => place.read("client secret", &self.environment).map(Some),
            (None, None) => Ok(self.registered()?.and_then(|kept| kept.client_secret)),
        }
    }

    /// The registration of this profile's client, where it registered itself.
    pub(crate) fn registered(&self) -> Result<Option<RegisteredClient>, Failure> {
        let kept = RegisteredClient::find_kept(self.store()?.as_ref(), self.issuer()?)?;
        let is_ours = |kept: &RegisteredClient| {
            let id = self.settings.client_id.as_deref();
            id.is_none_or(|id| id == kept.client_id)
        };
        Ok(kept.filter(is_ours))
    }

    /// Takes the client id that the server gave, and how the client then authenticates.
    pub(crate) fn adopt(&mut self, registered: &RegisteredClient) {
        let settings = &mut self.settings;
        settings.client_id = Some(registered.client_id.clone());
        settings.auth_method = match registered.client_auth() {
            Some(ClientAuthMethod::SecretBasic(_)) => Some(AuthMethod::ClientSecretBasic),
            Some(ClientAuthMethod::SecretPost(_)) => Some(AuthMethod::ClientSecretPost),
            _ => settings.auth_method,
        };
        let path = settings.callback_path.as_deref().unwrap_or("/callback");
        // Row C-56: what the server has on record counts, not what was asked for.
        if let Some((path, ports)) = other_callback(&registered.metadata.redirect_uris, path) {
            settings.callback_path = Some(path);
            settings.callback_ports = (!ports.is_empty()).then_some(ports);
        }
    }

    /// A client that has no id yet, for its registration.
    pub(crate) fn unregistered(&self) -> Result<ClientBuilder, Failure> {
        let builder = Client::unregistered(self.issuer()?).http(self.transport()?);
        Ok(self.watched(builder))
    }

    /// A program that registered itself has the id that it got then (row C-56). What cannot be read now
    /// is not known now; the command that needs it says so.
    pub(super) fn recall_registration(&mut self) {
        let settings = &self.settings;
        if settings.client_id.is_some() || settings.issuer.is_none() || settings.provider.is_some()
        {
            return;
        }
        match self.registered() {
            Ok(Some(kept)) => self.adopt(&kept),
            Ok(None) => {}
            Err(failure) => tracing::debug!(reason = failure.message(), "no registration is read"),
        }
    }
}

/// Path and ports of the redirect URIs on record, when none of them is the one that would be used.
fn other_callback(redirect_uris: &[String], path: &str) -> Option<(String, Vec<u16>)> {
    let read = |text: &String| {
        let url = Url::parse(text).ok()?;
        let is_here = matches!(url.host_str(), Some("127.0.0.1" | "[::1]" | "localhost"));
        (url.scheme() == "http" && is_here).then_some(url)
    };
    let here: Vec<Url> = redirect_uris.iter().filter_map(read).collect();
    if here.iter().any(|url| url.path() == path) {
        return None;
    }
    let path = here.first()?.path().to_owned();
    let same = here.iter().filter(|url| url.path() == path);
    let mut ports: Vec<u16> = same.filter_map(Url::port).collect();
    ports.sort_unstable();
    ports.dedup();
    Some((path, ports))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c_56_the_callback_that_the_server_put_in_place_is_used() {
        let found = |uris: &[&str]| {
            let uris: Vec<_> = uris.iter().map(|uri| (*uri).to_owned()).collect();
            other_callback(&uris, "/callback")
        };
        assert_eq!(
            found(&["http://127.0.0.1/callback", "http://[::1]/callback"]),
            None
        );
        assert_eq!(found(&[]), None);
        assert_eq!(found(&["https://app.example/cb", "com.example:/cb"]), None);
        assert_eq!(
            found(&["http://127.0.0.1/cb"]),
            Some(("/cb".to_owned(), vec![]))
        );
        assert_eq!(
            found(&["http://127.0.0.1:8401/cb", "http://127.0.0.1:8400/cb"]),
            Some(("/cb".to_owned(), vec![8400, 8401]))
        );
    }
}
