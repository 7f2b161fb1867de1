//! The ways to prove who a client is, as a program chooses among them.
//!
//! RFC 6749 §2.3: <https://www.rfc-editor.org/rfc/rfc6749#section-2.3>, RFC 7523 §2.2.

use hallpass_protocol::Secret;

use super::private_key::PrivateKey;

/// How a client says who it is wherever the server asks: at the token endpoint, for device codes, for
/// pushed requests, at revocation (RFC 6749 §2.3).
///
/// ```
/// use hallpass_client::{Client, ClientAuthMethod, MemoryStore, Secret};
///
/// let secret = Secret::from("what the file of the secret holds");
/// let client = Client::builder("https://login.example.com", "acme-robot")
///     .client_auth(ClientAuthMethod::Secret(secret))
///     .store(MemoryStore::new())
///     .build()?;
/// assert!(!format!("{client:?}").contains("what the file"));
/// # Ok::<(), hallpass_client::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum ClientAuthMethod {
    /// A public client: it only names itself.
    #[default]
    None,
    /// A secret, sent in the way that the server's metadata lists
    /// (`token_endpoint_auth_methods_supported`); in a header when it lists none (RFC 8414 §2).
    Secret(Secret<String>),
    /// The secret in an `Authorization: Basic` header (RFC 6749 §2.3.1).
    SecretBasic(Secret<String>),
    /// The secret in the body, for servers that take it only there.
    SecretPost(Secret<String>),
    /// A JWT that a registered key signs, a new one for each request (RFC 7523 §2.2, OIDC Core §9). Nothing
    /// that the server could lose is sent.
    PrivateKeyJwt(PrivateKey),
}

impl ClientAuthMethod {
    /// Whether the method can only be carried out once the server's metadata is known.
    pub(crate) fn asks_metadata(&self) -> bool {
        match self {
            Self::None | Self::SecretBasic(_) | Self::SecretPost(_) => false,
            Self::Secret(_) => true,
            Self::PrivateKeyJwt(key) => key.has_choice(),
        }
    }
}

impl From<PrivateKey> for ClientAuthMethod {
    fn from(key: PrivateKey) -> Self {
        Self::PrivateKeyJwt(key)
    }
}
