//! An authorization: user U lets client C act with scope S. Every token hangs from one.

use std::net::IpAddr;
use std::time::Duration;

use hallpass_protocol::{AuthorizationId, ClientId, Scopes, Timestamp};
use serde::{Deserialize, Serialize};

use crate::browser_session::BrowserSessionId;
use crate::oidc_scopes::OFFLINE_ACCESS;
use crate::tokens::one_time::SecretHash;
use crate::user::{SignIn, User};

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
    /// How they signed in.
    #[serde(default)]
    pub sign_in: SignIn,
    /// What was granted.
    pub scopes: Scopes,
    /// The resources that were granted (RFC 8707 §2).
    pub resource: Vec<String>,
    /// When the person signed in.
    pub auth_time: Timestamp,
    /// `nonce` of the authorization request (OIDC Core §2).
    pub nonce: Option<String>,
    /// The browser session in which it was granted.
    pub browser_session: Option<BrowserSessionId>,
    /// The address of the browser in which a code was granted, where it is known (row S-275).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub browser_address: Option<IpAddr>,
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
    /// The account was locked, or its password changed (row S-65).
    AccountChanged,
    /// The person signed out of the browser in which it was granted (row S-246).
    SignedOut,
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
    /// The network that the last rotation was answered to, where it is known (row S-259).
    pub rotated_from: Option<IpAddr>,
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
    /// What becomes of one that is forgiven to another network.
    pub grace_elsewhere: GraceElsewhere,
}

/// What becomes of a retired token that comes in time, but from another network than the one that
/// the last rotation was answered to (row S-259).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GraceElsewhere {
    /// It is forgiven, and told.
    #[default]
    Told,
    /// It is told, and ends the family.
    Ended,
}

impl Default for RefreshLifetimes {
    fn default() -> Self {
        let day = Duration::from_hours(24);
        Self {
            idle: 30 * day,
            absolute: 90 * day,
            grace: Duration::from_secs(30),
            grace_elsewhere: GraceElsewhere::default(),
        }
    }
}

impl AuthorizationSeed {
    /// The browser session with which it ends: none where it was granted for longer (`offline_access`,
    /// OIDC Core §11).
    pub fn online_in(&self) -> Option<BrowserSessionId> {
        self.browser_session
            .filter(|_| !self.scopes.contains(OFFLINE_ACCESS))
    }
}

impl Authorization {
    /// Whether its tokens still count.
    pub fn is_live(&self) -> bool {
        self.revoked.is_none()
    }

    /// Whether nothing that hangs from it is good any more, though nobody revoked it. `access` is how
    /// long access tokens live: what has no refresh tokens ends with its only one.
    pub fn is_over(&self, access: Duration, now: Timestamp) -> bool {
        match &self.refresh {
            Some(family) => now >= family.idle_expires_at.min(family.absolute_expires_at),
            None => now >= self.created_at + access,
        }
    }

    /// When it was last used to get a token, as far as the record tells: `idle` is how long a family
    /// lives without use.
    pub fn last_used_at(&self, idle: Duration) -> Timestamp {
        let used = self.refresh.as_ref().and_then(|family| {
            let is_capped = family.idle_expires_at == family.absolute_expires_at;
            let refreshed = (!family.rotates && !is_capped).then(|| family.idle_expires_at - idle);
            family.rotated_at.max(refreshed)
        });
        used.map_or(self.created_at, |used| used.max(self.created_at))
    }

    /// Ends it; the first reason stays.
    pub fn revoke(&mut self, reason: RevokeReason, now: Timestamp) {
        self.revoked.get_or_insert((now, reason));
    }
}

#[cfg(test)]
mod tests {
    use hallpass_protocol::UserId;
    use serde_json::Map;

    use super::*;

    const ACCESS: Duration = Duration::from_mins(10);
    const IDLE: Duration = Duration::from_hours(24);

    fn start() -> Timestamp {
        Timestamp::from_unix_seconds(1_000_000)
    }

    fn authorization(refresh: Option<RefreshFamily>) -> Authorization {
        Authorization {
            id: AuthorizationId::parse("018bcfe5680070008000000000000001").unwrap(),
            issuer: String::new(),
            client_id: ClientId::new("cli"),
            seed: AuthorizationSeed {
                user: User {
                    id: UserId::new("ada"),
                    claims: Map::new(),
                },
                sign_in: SignIn::default(),
                scopes: Scopes::default(),
                resource: Vec::new(),
                auth_time: start(),
                nonce: None,
                browser_session: None,
                browser_address: None,
            },
            origin: Origin::Code,
            address: None,
            created_at: start(),
            refresh,
            revoked: None,
            dpop_jkt: None,
        }
    }

    fn family(rotates: bool) -> RefreshFamily {
        RefreshFamily {
            seed_hash: SecretHash::of(b"seed"),
            generation: 0,
            rotates,
            rotated_at: None,
            previously_rotated_at: None,
            rotated_from: None,
            idle_expires_at: start() + IDLE,
            absolute_expires_at: start() + 3 * IDLE,
        }
    }

    #[test]
    fn it_is_over_with_its_last_token() {
        let lone = authorization(None);
        assert!(!lone.is_over(ACCESS, start() + ACCESS - Duration::from_secs(1)));
        assert!(lone.is_over(ACCESS, start() + ACCESS));
        let refreshed = authorization(Some(family(true)));
        assert!(!refreshed.is_over(ACCESS, start() + ACCESS));
        assert!(refreshed.is_over(ACCESS, start() + IDLE));
    }

    #[test]
    fn its_last_use_is_the_last_refresh_that_left_a_trace() {
        let hour = Duration::from_hours(1);
        assert_eq!(authorization(None).last_used_at(IDLE), start());
        assert_eq!(
            authorization(Some(family(true))).last_used_at(IDLE),
            start()
        );
        let rotated = RefreshFamily {
            rotated_at: Some(start() + hour),
            ..family(true)
        };
        assert_eq!(
            authorization(Some(rotated)).last_used_at(IDLE),
            start() + hour
        );
        let kept = RefreshFamily {
            idle_expires_at: start() + IDLE + hour,
            ..family(false)
        };
        assert_eq!(authorization(Some(kept)).last_used_at(IDLE), start() + hour);
        // Longer idle times since: never before it was there.
        let kept = authorization(Some(family(false)));
        assert_eq!(kept.last_used_at(2 * IDLE), start());
    }
}
