//! Consent: whether a person is asked before a client gets what it wants, what they may leave out,
//! and which decisions are remembered.
//!
//! OIDC Core §3.1.2.4: <https://openid.net/specs/openid-connect-core-1_0.html#Consent>
//! Offline access, §11: <https://openid.net/specs/openid-connect-core-1_0.html#OfflineAccess>
//! RFC 6749 §3.3 (the granted scope may be less): <https://www.rfc-editor.org/rfc/rfc6749#section-3.3>

use hallpass_protocol::{ClientId, Scopes, Timestamp, UserId};

use crate::client::Client;
use crate::consent_policy::ConsentPolicy;
use crate::oidc_scopes::{OFFLINE_ACCESS, OPENID};

/// What a person let a client do at one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    /// The issuer it belongs to (its path).
    pub issuer: String,
    /// The person.
    pub user: UserId,
    /// The client.
    pub client_id: ClientId,
    /// The resource (RFC 8707 §2); empty where the request named none.
    pub resource: String,
    /// What they agreed to.
    pub scopes: Scopes,
    /// When they last did.
    pub granted_at: Timestamp,
    /// From then on they are asked again.
    pub expires_at: Timestamp,
}

/// What a client asks a person for.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The scopes.
    pub scopes: &'a Scopes,
    /// The resources; none means one that has no name.
    pub resources: &'a [String],
    /// Whether the request has `prompt=consent`.
    pub prompt: bool,
}

/// Why what a form says was ticked is no decision about the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadChoice {
    /// It holds a scope that was not asked for.
    NotAsked,
    /// Nothing is left of what was asked for.
    Nothing,
}

/// The policy for a client. `default` holds where nothing is said of it; `None` is dev mode's: nobody
/// is asked. A client that registered itself has nobody's word but its own.
pub fn policy_of(client: &Client, default: Option<ConsentPolicy>) -> Option<ConsentPolicy> {
    if client.registered_itself && default.is_some() {
        return Some(ConsentPolicy::Always);
    }
    client.consent.or(default)
}

/// The resources under which a decision is kept.
pub fn places(resources: &[String]) -> Vec<String> {
    if resources.is_empty() {
        return vec![String::new()];
    }
    let mut places = resources.to_vec();
    places.sort_unstable();
    places.dedup();
    places
}

/// Whether a person has to be asked; `remembered` is what is known of this person and this client.
pub fn is_asked(
    policy: Option<ConsentPolicy>,
    asked: Asked<'_>,
    remembered: &[Consent],
    now: Timestamp,
) -> bool {
    match policy {
        Some(ConsentPolicy::Always) => true,
        Some(_) if asked.prompt => true,
        None | Some(ConsentPolicy::Trusted) => false,
        Some(ConsentPolicy::Remember) => {
            let is_covered = |place: &String| {
                remembered.iter().any(|consent| {
                    consent.resource == *place
                        && now < consent.expires_at
                        && asked.scopes.is_subset(&consent.scopes)
                })
            };
            !places(asked.resources).iter().all(is_covered)
        }
    }
}

/// The scopes of an authorization request that count: `offline_access` is ignored unless the client
/// asks for consent by `prompt`, is trusted, is a program on somebody's own machine, or gets refresh
/// tokens by its registration (row S-238).
pub fn effective_scopes(
    client: &Client,
    policy: Option<ConsentPolicy>,
    asked: Asked<'_>,
) -> Scopes {
    let keeps_offline_access = asked.prompt
        || matches!(policy, None | Some(ConsentPolicy::Trusted))
        || client.is_public()
        || client.refresh_without_offline_access;
    asked
        .scopes
        .filter(|scope| keeps_offline_access || scope != OFFLINE_ACCESS)
}

/// Whether a person may leave a scope out. Without `openid` it would be another protocol.
pub fn is_optional(scope: &str) -> bool {
    scope != OPENID
}

/// What a person granted: of what was asked for, what must be and what they left ticked.
pub fn chosen<'a>(
    asked: &Scopes,
    ticked: impl IntoIterator<Item = &'a str>,
) -> Result<Scopes, BadChoice> {
    let ticked: Vec<&str> = ticked.into_iter().collect();
    if !ticked.iter().all(|scope| asked.contains(scope)) {
        return Err(BadChoice::NotAsked);
    }
    let granted = asked.filter(|scope| !is_optional(scope) || ticked.contains(&scope));
    // A grant of `offline_access` alone is a grant of nothing, for long.
    let is_nothing = granted.iter().all(|scope| scope == OFFLINE_ACCESS);
    if is_nothing && granted != *asked {
        return Err(BadChoice::Nothing);
    }
    Ok(granted)
}

impl Consent {
    /// What is remembered after a decision about `asked`: earlier decisions about other scopes stay,
    /// those about the same ones give way.
    #[must_use]
    pub fn after(self, earlier: Option<&Self>, asked: &Scopes) -> Self {
        let Some(earlier) = earlier.filter(|earlier| self.granted_at < earlier.expires_at) else {
            return self;
        };
        let kept = earlier.scopes.filter(|scope| !asked.contains(scope));
        Self {
            scopes: kept.iter().chain(self.scopes.iter()).collect(),
            ..self
        }
    }
}

#[cfg(test)]
#[path = "consent_tests.rs"]
mod tests;
