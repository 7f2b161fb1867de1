//! A new authorization in the making.

use hallpass_issuer::AuthenticatedClient;
use hallpass_issuer::authorization::{
    Authorization, AuthorizationSeed, Origin, RefreshFamily, RefreshLifetimes,
};
use hallpass_issuer::client::Proof;
use hallpass_issuer::policy;
use hallpass_issuer::tokens::refresh_token::RefreshToken;
use hallpass_protocol::{AuthorizationId, Secret, Timestamp, random};

use super::context::Context;
use crate::settings::Rotation;

/// A new authorization in the making: all that the transaction needs, drawn before it begins.
#[derive(Clone, Debug)]
pub(crate) struct Beginning {
    id: AuthorizationId,
    issuer: String,
    client: AuthenticatedClient,
    address: std::net::IpAddr,
    /// The seeds that its family may have; a new one has the first.
    seeds: Vec<Secret<[u8; 16]>>,
    rotates: bool,
    dpop_jkt: Option<String>,
    lifetimes: RefreshLifetimes,
    now: Timestamp,
}

impl Beginning {
    /// Draws id and refresh seed.
    pub(crate) fn new(at: Context<'_>) -> Self {
        let seed = Secret::new(random::bytes(at.state.random.as_ref()));
        Self::with_seeds(at, vec![seed])
    }

    /// Draws an id, and derives the refresh seed from a device code: whoever redeems it again, and
    /// may, is given the same refresh token.
    pub(crate) fn of_device_code(at: Context<'_>, device_code: &Secret<String>) -> Self {
        Self::with_seeds(at, at.state.refresh_keys.seeds_of_code(device_code))
    }

    fn with_seeds(at: Context<'_>, seeds: Vec<Secret<[u8; 16]>>) -> Self {
        let Context {
            state,
            request,
            client,
            ..
        } = at;
        // RFC 9449 §5: the refresh tokens of a public client are bound; another's are bound to its
        // own credentials already (row S-106).
        let is_named_only = client.proof() == Proof::Named;
        let dpop_jkt = at.dpop_jkt.filter(|_| is_named_only).map(str::to_owned);
        let id = AuthorizationId::generate(request.now, state.random.as_ref());
        Self {
            id,
            issuer: request.issuer.clone(),
            client: client.clone(),
            address: request.peer,
            seeds,
            // RFC 9700 §2.2.2: tokens of a client without a secret rotate, unless they are bound to
            // a key (rows S-56, S-61).
            rotates: match state.settings.rotation {
                Rotation::Public => is_named_only && dpop_jkt.is_none(),
                Rotation::All => true,
                Rotation::Never => false,
            },
            dpop_jkt,
            lifetimes: state.settings.refresh,
            now: request.now,
        }
    }

    /// The id that the tokens will hang from.
    pub(crate) fn id(&self) -> AuthorizationId {
        self.id
    }

    /// When the request came.
    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    /// The client that the authorization is for.
    pub(crate) fn client(&self) -> &AuthenticatedClient {
        &self.client
    }

    /// The first refresh token of an authorization that has any, and whose family has one of the
    /// seeds.
    pub(crate) fn first_of(&self, authorization: &Authorization) -> Option<RefreshToken> {
        let family = authorization.refresh.as_ref()?;
        let first = |seed: &Secret<_>| RefreshToken::first_with(authorization.id, seed.clone());
        let mut tokens = self.seeds.iter().map(first);
        tokens.find(|token| token.seed_hash() == family.seed_hash)
    }

    /// The authorization that a grant leads to.
    pub(crate) fn authorization(&self, seed: AuthorizationSeed, origin: Origin) -> Authorization {
        let client = self.client.client();
        let lifetimes = match origin {
            Origin::Device => client.device.refresh_lifetimes(self.lifetimes),
            Origin::Code | Origin::Exchange => self.lifetimes,
        };
        let first = self
            .seeds
            .first()
            .filter(|_| policy::earns_refresh_token(client, &seed.scopes));
        let family = first.map(|first| {
            let first = RefreshToken::first_with(self.id, first.clone());
            RefreshFamily::begin(&first, self.rotates, &lifetimes, self.now)
        });
        Authorization {
            id: self.id,
            issuer: self.issuer.clone(),
            client_id: self.client.id().clone(),
            seed,
            origin,
            address: Some(self.address),
            created_at: self.now,
            refresh: family,
            revoked: None,
            dpop_jkt: self.dpop_jkt.clone(),
        }
    }
}
