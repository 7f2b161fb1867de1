//! Clients, and the only way to an [`AuthenticatedClient`].
//!
//! RFC 6749 §2: <https://www.rfc-editor.org/rfc/rfc6749#section-2>

use std::sync::Arc;

use hallpass_protocol::client_auth::{ClientAuthMethod, ClientCredentials};
use hallpass_protocol::token::GrantType;
use hallpass_protocol::{ClientId, Scopes};
use subtle::{Choice, ConstantTimeEq};

use crate::refusal::{ClientReason, Refusal};
use crate::tokens::one_time::SecretHash;

/// A client as the issuer knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// `client_id`.
    pub id: ClientId,
    /// What people read on the pages.
    pub name: String,
    /// Whether it can keep a secret.
    pub kind: ClientKind,
    /// The grants it may use.
    pub grants: Vec<GrantType>,
    /// Its redirect URIs, as registered.
    pub redirect_uris: Vec<String>,
    /// Where it may send people after sign-out.
    pub post_logout_redirect_uris: Vec<String>,
    /// The scopes it may ask for.
    pub scopes: AllowedScopes,
    /// The scopes it may ask for by the device flow, where that is less (row S-29).
    pub device_scopes: Option<Scopes>,
    /// Whether a confidential client must use PKCE; a public one always must (row S-30).
    pub require_pkce: bool,
    /// Whether refresh tokens come without `offline_access` (row S-68).
    pub refresh_without_offline_access: bool,
    /// Whether it may introspect any token (a resource server, row S-155).
    pub introspects: bool,
}

/// RFC 6749 §2.1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientKind {
    /// A program on people's machines: it has no secret.
    Public,
    /// A service with a secret.
    Confidential {
        /// The one method that it is registered for.
        method: ClientAuthMethod,
        /// The hashes of its secrets: two while one is replaced.
        secrets: Vec<SecretHash>,
    },
    /// Dev mode: nobody configured it, so it may present whatever it likes.
    Unconfigured,
}

/// Which scopes a client may ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowedScopes {
    /// Any (dev mode).
    Any,
    /// These; they are also the default when none is asked for.
    Only(Scopes),
}

impl Client {
    /// The client of dev mode that nobody configured: everything is allowed.
    pub fn unconfigured(id: ClientId) -> Self {
        Self {
            name: id.to_string(),
            id,
            kind: ClientKind::Unconfigured,
            grants: GrantType::ALL.to_vec(),
            redirect_uris: Vec::new(),
            post_logout_redirect_uris: Vec::new(),
            scopes: AllowedScopes::Any,
            device_scopes: None,
            require_pkce: false,
            refresh_without_offline_access: false,
            introspects: true,
        }
    }

    /// Whether the client cannot keep a secret, so that PKCE and rotation protect it.
    pub fn is_public(&self) -> bool {
        !matches!(self.kind, ClientKind::Confidential { .. })
    }
}

/// A client that has proven who it is, as well as its kind can.
#[derive(Clone, Debug)]
pub struct AuthenticatedClient {
    client: Arc<Client>,
    proof: Proof,
}

/// How the client proved itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// It named itself; a public client cannot do more.
    Named,
    /// It showed a secret.
    Secret,
}

impl AuthenticatedClient {
    /// Checks what a request brought against what is registered (RFC 6749 §2.3, §5.2).
    ///
    /// An unknown client and a wrong secret look alike, in words and in time (row S-133).
    pub fn authenticate(
        client: Option<Arc<Client>>,
        credentials: &ClientCredentials,
    ) -> Result<Self, Refusal> {
        use ClientReason::{
            Absent, NotAuthenticated, SecretFromPublicClient, Unknown, WrongMethod, WrongSecret,
        };
        let refuse = |reason| Err(Refusal::InvalidClient(reason));
        let (secret, method) = match credentials {
            ClientCredentials::Absent => return refuse(Absent),
            ClientCredentials::Named(_) => (None, ClientAuthMethod::None),
            ClientCredentials::Basic(_, secret) => {
                (Some(secret), ClientAuthMethod::ClientSecretBasic)
            }
            ClientCredentials::Post(_, secret) => {
                (Some(secret), ClientAuthMethod::ClientSecretPost)
            }
        };
        // Hashed before anything is known of the client, so that unknown ones cost the same.
        let shown = secret.map(|secret| SecretHash::of(secret.expose().as_bytes()));
        let Some(client) = client else {
            return refuse(Unknown);
        };
        let proof = match (&client.kind, shown) {
            (ClientKind::Unconfigured, Some(_)) => Proof::Secret,
            (ClientKind::Public | ClientKind::Unconfigured, None) => Proof::Named,
            (ClientKind::Public, Some(_)) => return refuse(SecretFromPublicClient),
            (ClientKind::Confidential { .. }, None) => return refuse(NotAuthenticated),
            (
                ClientKind::Confidential {
                    method: registered, ..
                },
                Some(_),
            ) if *registered != method => {
                return refuse(WrongMethod);
            }
            (ClientKind::Confidential { secrets, .. }, Some(shown)) => {
                let hit = secrets.iter().fold(Choice::from(0), |hit, known| {
                    hit | known.as_bytes().ct_eq(shown.as_bytes())
                });
                if !bool::from(hit) {
                    return refuse(WrongSecret);
                }
                Proof::Secret
            }
        };
        Ok(Self { client, proof })
    }

    /// The client's id.
    pub fn id(&self) -> &ClientId {
        &self.client.id
    }

    /// What is registered of it.
    pub fn client(&self) -> &Arc<Client> {
        &self.client
    }

    /// How it proved itself.
    pub fn proof(&self) -> Proof {
        self.proof
    }

    /// Refuses a grant that the client is not registered for (RFC 6749 §5.2).
    pub fn may_use(&self, grant: GrantType) -> Result<(), Refusal> {
        if self.client.grants.contains(&grant) {
            Ok(())
        } else {
            Err(Refusal::UnauthorizedClient)
        }
    }
}

#[cfg(test)]
mod tests {
    use hallpass_protocol::Secret;

    use super::*;

    fn confidential() -> Arc<Client> {
        let secrets = vec![SecretHash::of(b"right"), SecretHash::of(b"next")];
        let kind = ClientKind::Confidential {
            method: ClientAuthMethod::ClientSecretBasic,
            secrets,
        };
        Arc::new(Client {
            kind,
            ..Client::unconfigured(ClientId::new("svc"))
        })
    }

    fn reason(client: Option<Arc<Client>>, credentials: &ClientCredentials) -> Option<Refusal> {
        AuthenticatedClient::authenticate(client, credentials).err()
    }

    #[test]
    fn s_02_s_132_s_135_a_confidential_client_needs_its_secret_by_its_method() {
        let id = || ClientId::new("svc");
        let basic = |secret: &str| ClientCredentials::Basic(id(), Secret::from(secret));
        let client = || Some(confidential());
        assert_eq!(reason(client(), &basic("right")), None);
        assert_eq!(reason(client(), &basic("next")), None);
        let wrong = Refusal::InvalidClient(ClientReason::WrongSecret);
        assert_eq!(reason(client(), &basic("wrong")), Some(wrong));
        let post = ClientCredentials::Post(id(), Secret::from("right"));
        assert_eq!(
            reason(client(), &post),
            Some(Refusal::InvalidClient(ClientReason::WrongMethod))
        );
        let named = ClientCredentials::Named(id());
        assert_eq!(
            reason(client(), &named),
            Some(Refusal::InvalidClient(ClientReason::NotAuthenticated))
        );
        assert_eq!(
            reason(None, &basic("x")),
            Some(Refusal::InvalidClient(ClientReason::Unknown))
        );
    }

    #[test]
    fn s_136_a_public_client_gains_nothing_by_a_secret() {
        let kind = ClientKind::Public;
        let client = Arc::new(Client {
            kind,
            ..Client::unconfigured(ClientId::new("cli"))
        });
        let post = ClientCredentials::Post(ClientId::new("cli"), Secret::from("any"));
        let refusal = Refusal::InvalidClient(ClientReason::SecretFromPublicClient);
        assert_eq!(reason(Some(Arc::clone(&client)), &post), Some(refusal));
        assert_eq!(
            reason(
                Some(client),
                &ClientCredentials::Named(ClientId::new("cli"))
            ),
            None
        );
    }
}
