//! An authorization: user U lets client C act with scope S. Every token hangs from one.

use std::net::IpAddr;
use std::time::Duration;

use hallpass_protocol::{AuthorizationId, ClientId, Scopes, Timestamp};
use serde::{Deserialize, Serialize};

use crate::tokens::one_time::SecretHash;
use crate::user::User;

/// How the authorization came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A browser and a redirect URI.
    Code,
    /// The device flow.
    Device,
    /// An assertion or an exchanged token.
    Exchange,
}

/// What a person granted, before tokens exist: it waits in an authorization code or an approved
/// device grant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuthorizationSeed {
    /// The person.
    pub user: User,
    /// What was granted.
    pub scopes: Scopes,
    /// The resources that were granted (RFC 8707 §2).
    pub resource: Vec<String>,
    /// When the person signed in.
    pub auth_time: Timestamp,
    /// `nonce` of the authorization request (OIDC Core §2).
    pub nonce: Option<String>,
    /// The browser session in which it was granted.
    pub browser_session: Option<SecretHash>,
}

/// The lasting permission. Revoking it ends every token under it.
#[derive(Clone, Debug, PartialEq)]
pub struct Authorization {
    /// The `sid` of its tokens.
    pub id: AuthorizationId,
    /// The issuer it belongs to (its path).
    pub issuer: String,
    /// The client that may act.
    pub client_id: ClientId,
    /// What was granted by whom.
    pub seed: AuthorizationSeed,
    /// How it came about.
    pub origin: Origin,
    /// The address that redeemed it.
    pub address: Option<IpAddr>,
    /// When it came about.
    pub created_at: Timestamp,
    /// The refresh tokens, where the client gets any.
    pub refresh: Option<RefreshFamily>,
    /// When it was revoked, and why.
    pub revoked: Option<(Timestamp, RevokeReason)>,
    /// The DPoP key that its refresh tokens are bound to: a public client's (RFC 9449 §5).
    pub dpop_jkt: Option<String>,
}

/// Why an authorization ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RevokeReason {
    /// The client asked (RFC 7009).
    Client,
    /// The person asked.
    User,
    /// A code or device code was presented twice.
    CodeReplayed,
    /// A retired refresh token was presented.
    RefreshReused,
}

/// The refresh tokens of one authorization: one row, whatever their number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshFamily {
    /// SHA-256 of the seed that travels in every token of the family.
    pub seed_hash: SecretHash,
    /// The one valid generation.
    pub generation: u32,
    /// Whether each refresh retires its token (RFC 9700 §4.14.2).
    pub rotates: bool,
    /// When the generation before the valid one was retired.
    pub rotated_at: Option<Timestamp>,
    /// When the one before that was retired.
    pub previously_rotated_at: Option<Timestamp>,
    /// The family dies when it is not used until then.
    pub idle_expires_at: Timestamp,
    /// The family dies then, whatever happens.
    pub absolute_expires_at: Timestamp,
}

/// How long refresh tokens live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefreshLifetimes {
    /// Without use.
    pub idle: Duration,
    /// In all.
    pub absolute: Duration,
    /// How long a retired token is forgiven (rows S-58, S-59).
    pub grace: Duration,
}

impl Default for RefreshLifetimes {
    fn default() -> Self {
        let day = Duration::from_hours(24);
        Self {
            idle: 30 * day,
            absolute: 90 * day,
            grace: Duration::from_secs(30),
        }
    }
}

impl Authorization {
    /// Whether its tokens still count.
    pub fn is_live(&self) -> bool {
        self.revoked.is_none()
    }

    /// Ends it; the first reason stays.
    pub fn revoke(&mut self, reason: RevokeReason, now: Timestamp) {
        self.revoked.get_or_insert((now, reason));
    }
}
