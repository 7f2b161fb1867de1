//! Clients, and the only way to an [`AuthenticatedClient`].
//!
//! RFC 6749 §2: <https://www.rfc-editor.org/rfc/rfc6749#section-2>, RFC 7523 §3.

use std::sync::Arc;
use std::time::Duration;

use hallpass_protocol::client_assertion::{
    self, AssertionError, AssertionPolicy, CheckedAssertion,
};
use hallpass_protocol::client_auth::{ClientAuthMethod, ClientCredentials};
use hallpass_protocol::jose::JwkSet;
use hallpass_protocol::token::GrantType;
use hallpass_protocol::{ClientId, Scopes, Secret, Timestamp};
use subtle::{Choice, ConstantTimeEq};

use crate::authorization::RefreshLifetimes;
use crate::consent_policy::ConsentPolicy;
use crate::grants::device_approval::Requirement;
use crate::refusal::{ClientReason, Refusal};
use crate::tokens::one_time::SecretHash;

/// A client as the issuer knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a member of a client's registration"
)]
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
    /// What its devices may, where that is less than what it may otherwise.
    pub device: DevicePolicy,
    /// Whether a confidential client must use PKCE; a public one always must (row S-30).
    pub require_pkce: bool,
    /// Whether refresh tokens come without `offline_access` (row S-68).
    pub refresh_without_offline_access: bool,
    /// Whether it may introspect any token (a resource server, row S-155).
    pub introspects: bool,
    /// Whether its access tokens must be bound to a DPoP key (RFC 9449 §5.2).
    pub requires_dpop: bool,
    /// Whether its authorization requests must be pushed (RFC 9126 §6).
    pub requires_pushed_requests: bool,
    /// Whether it registered itself: nobody vouches for it (RFC 9700 §4.11.2).
    pub registered_itself: bool,
    /// When people are asked about it; `None` leaves that to the issuer.
    pub consent: Option<ConsentPolicy>,
    /// The origins of its pages that may read what the issuer answers (row S-168).
    pub origins: Vec<String>,
}

/// What holds for the devices of one client (row S-29). What is `None` is as for its other sign-ins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DevicePolicy {
    /// The scopes it may ask for by the device flow.
    pub scopes: Option<Scopes>,
    /// What people need to approve a device, beside the confirmation; `None` leaves that to the issuer.
    pub requirement: Option<Requirement>,
    /// The most that an access token lives.
    pub access_lifetime: Option<Duration>,
    /// The most that a sign-in is refreshed.
    pub refresh_absolute: Option<Duration>,
}

impl DevicePolicy {
    /// How long an access token lives, of the issuer's time.
    pub fn access_lifetime(&self, of_issuer: Duration) -> Duration {
        self.access_lifetime
            .map_or(of_issuer, |most| most.min(of_issuer))
    }

    /// How long a sign-in is refreshed, of the issuer's times.
    pub fn refresh_lifetimes(&self, of_issuer: RefreshLifetimes) -> RefreshLifetimes {
        let most = self.refresh_absolute.unwrap_or(of_issuer.absolute);
        RefreshLifetimes {
            absolute: most.min(of_issuer.absolute),
            ..of_issuer
        }
    }
}

/// RFC 6749 §2.1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientKind {
    /// A program on people's machines: it has no secret.
    Public,
    /// A service that can prove who it is.
    Confidential(Credential),
    /// Dev mode: nobody configured it, so it may present whatever it likes.
    Unconfigured,
}

/// What a confidential client proves itself with, by the one method that it is registered for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// A secret.
    Secret {
        /// `client_secret_basic` or `client_secret_post`.
        method: ClientAuthMethod,
        /// The hashes of its secrets: two while one is replaced.
        hashes: Vec<SecretHash>,
    },
    /// `private_key_jwt`: the public keys of whatever signs its assertions.
    Keys(JwkSet),
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
            device: DevicePolicy::default(),
            require_pkce: false,
            refresh_without_offline_access: false,
            introspects: true,
            requires_dpop: false,
            requires_pushed_requests: false,
            registered_itself: false,
            consent: None,
            origins: Vec::new(),
        }
    }

    /// Whether the client cannot keep a secret, so that PKCE and rotation protect it.
    pub fn is_public(&self) -> bool {
        !matches!(self.kind, ClientKind::Confidential(_))
    }
}

/// A client that has proven who it is, as well as its kind can.
#[derive(Clone, Debug)]
pub struct AuthenticatedClient {
    client: Arc<Client>,
    proof: Proof,
    assertion: Option<CheckedAssertion>,
}

/// Where and when a client authenticates: what its assertion is checked against.
#[derive(Clone, Copy, Debug)]
pub struct Occasion<'a> {
    /// The issuer, and the endpoints whose names an assertion may carry (row S-185).
    pub audiences: &'a [&'a str],
    /// The time.
    pub now: Timestamp,
}

/// How the client proved itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// It named itself; a public client cannot do more.
    Named,
    /// It showed a secret.
    Secret,
    /// It signed an assertion.
    Key,
}

impl AuthenticatedClient {
    /// Checks what a request brought against what is registered (RFC 6749 §2.3, §5.2).
    ///
    /// An unknown client and a wrong secret look alike, in words and in time (row S-133).
    pub fn authenticate(
        client: Option<Arc<Client>>,
        credentials: &ClientCredentials,
        occasion: Occasion<'_>,
    ) -> Result<Self, Refusal> {
        use ClientReason::{
            Absent, NotAuthenticated, SecretFromPublicClient, Unknown, WrongMethod,
        };
        let refuse = |reason| Err(Refusal::InvalidClient(reason));
        let shown = match credentials {
            ClientCredentials::Absent => return refuse(Absent),
            ClientCredentials::Named(_) => Shown::Nothing,
            ClientCredentials::Basic(_, secret) => {
                Shown::secret(secret, ClientAuthMethod::ClientSecretBasic)
            }
            ClientCredentials::Post(_, secret) => {
                Shown::secret(secret, ClientAuthMethod::ClientSecretPost)
            }
            ClientCredentials::Assertion(_, assertion) => Shown::Assertion(assertion),
        };
        let Some(client) = client else {
            return refuse(Unknown);
        };
        let (proof, assertion) = match (&client.kind, shown) {
            (ClientKind::Public | ClientKind::Unconfigured, Shown::Nothing) => (Proof::Named, None),
            (ClientKind::Public, Shown::Secret(..) | Shown::Assertion(_)) => {
                return refuse(SecretFromPublicClient);
            }
            (ClientKind::Unconfigured, Shown::Secret(..)) => (Proof::Secret, None),
            // Nobody registered its keys; what can be checked without them is.
            (ClientKind::Unconfigured, Shown::Assertion(assertion)) => {
                let checked = client_assertion::check_unsigned(
                    assertion.expose(),
                    &occasion.policy(&client.id),
                );
                (Proof::Key, Some(checked.map_err(bad_assertion)?))
            }
            (ClientKind::Confidential(_), Shown::Nothing) => return refuse(NotAuthenticated),
            (
                ClientKind::Confidential(Credential::Secret { method, hashes }),
                Shown::Secret(shown, by),
            ) if *method == by => {
                check_secret(hashes, shown)?;
                (Proof::Secret, None)
            }
            (ClientKind::Confidential(Credential::Keys(keys)), Shown::Assertion(assertion)) => {
                let policy = occasion.policy(&client.id);
                let checked = client_assertion::check(assertion.expose(), keys, &policy);
                (Proof::Key, Some(checked.map_err(bad_assertion)?))
            }
            (ClientKind::Confidential(_), Shown::Secret(..) | Shown::Assertion(_)) => {
                return refuse(WrongMethod);
            }
        };
        Ok(Self {
            client,
            proof,
            assertion,
        })
    }

    /// The assertion by which it proved itself. Whoever keeps state accepts its `jti` once.
    pub fn assertion(&self) -> Option<&CheckedAssertion> {
        self.assertion.as_ref()
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

/// What a request showed. A secret is hashed before anything is known of the client, so that
/// unknown ones cost the same.
enum Shown<'a> {
    Nothing,
    Secret(SecretHash, ClientAuthMethod),
    Assertion(&'a Secret<String>),
}

impl Shown<'_> {
    fn secret(secret: &Secret<String>, method: ClientAuthMethod) -> Self {
        Self::Secret(SecretHash::of(secret.expose().as_bytes()), method)
    }
}

impl<'a> Occasion<'a> {
    fn policy(self, client_id: &'a ClientId) -> AssertionPolicy<'a> {
        AssertionPolicy {
            client_id,
            audiences: self.audiences,
            now: self.now,
        }
    }
}

fn check_secret(hashes: &[SecretHash], shown: SecretHash) -> Result<(), Refusal> {
    let hit = hashes.iter().fold(Choice::from(0), |hit, known| {
        hit | known.as_bytes().ct_eq(shown.as_bytes())
    });
    if bool::from(hit) {
        Ok(())
    } else {
        Err(Refusal::InvalidClient(ClientReason::WrongSecret))
    }
}

fn bad_assertion(why: AssertionError) -> Refusal {
    Refusal::InvalidClient(ClientReason::BadAssertion(why))
}

#[cfg(test)]
mod tests {
    use hallpass_protocol::jose::{Algorithm, SigningKey};
    use hallpass_protocol::random::SystemRandom;

    use super::*;

    fn confidential() -> Arc<Client> {
        let hashes = vec![SecretHash::of(b"right"), SecretHash::of(b"next")];
        of_kind(ClientKind::Confidential(Credential::Secret {
            method: ClientAuthMethod::ClientSecretBasic,
            hashes,
        }))
    }

    fn of_kind(kind: ClientKind) -> Arc<Client> {
        Arc::new(Client {
            kind,
            ..Client::unconfigured(ClientId::new("svc"))
        })
    }

    fn occasion() -> Occasion<'static> {
        Occasion {
            audiences: &["https://as.test", "https://as.test/token"],
            now: Timestamp::from_unix_seconds(1_000_000),
        }
    }

    fn reason(client: Option<Arc<Client>>, credentials: &ClientCredentials) -> Option<Refusal> {
        AuthenticatedClient::authenticate(client, credentials, occasion()).err()
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

    #[test]
    fn s_184_s_188_an_assertion_counts_for_the_client_whose_key_signed_it() {
        let (own, foreign) = (
            SigningKey::generate(Algorithm::Es256, "k").unwrap(),
            SigningKey::generate(Algorithm::Es256, "k").unwrap(),
        );
        let id = ClientId::new("svc");
        let signed = |key: &SigningKey| {
            let issuer = "https://as.test";
            let assertion =
                client_assertion::assert(key, &id, issuer, occasion().now, &SystemRandom);
            ClientCredentials::Assertion(id.clone(), assertion.unwrap())
        };
        let keys = ClientKind::Confidential(Credential::Keys(JwkSet::new([own.public_jwk()])));
        let by_key = of_kind(keys);
        let client =
            AuthenticatedClient::authenticate(Some(Arc::clone(&by_key)), &signed(&own), occasion())
                .unwrap();
        assert_eq!(client.proof(), Proof::Key);
        assert!(client.assertion().is_some());
        let refusal = |kind: &Arc<Client>, shown: &ClientCredentials| match reason(
            Some(Arc::clone(kind)),
            shown,
        ) {
            Some(Refusal::InvalidClient(reason)) => reason,
            other => panic!("{other:?}"),
        };
        assert!(matches!(
            refusal(&by_key, &signed(&foreign)),
            ClientReason::BadAssertion(_)
        ));
        let secret = ClientCredentials::Basic(id.clone(), Secret::from("right"));
        assert_eq!(refusal(&by_key, &secret), ClientReason::WrongMethod);
        assert_eq!(
            refusal(&confidential(), &signed(&own)),
            ClientReason::WrongMethod
        );
        assert_eq!(
            refusal(&of_kind(ClientKind::Public), &signed(&own)),
            ClientReason::SecretFromPublicClient
        );
        // Dev mode: nobody registered a key.
        assert_eq!(
            reason(Some(of_kind(ClientKind::Unconfigured)), &signed(&foreign)),
            None
        );
    }
}
