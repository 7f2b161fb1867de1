//! The JSON key `devicePolicy`: device codes are decided after so many polls, without a person.

use hallpass_issuer::authorization::AuthorizationSeed;
use hallpass_issuer::grants::device_code::DeviceGrant;
use hallpass_issuer::tokens::one_time::SecretHash;
use hallpass_issuer::user::{SignIn, User};
use hallpass_protocol::Timestamp;
use quick_cache::sync::Cache;

use crate::settings::DevicePolicy;

/// So many codes are counted; those that poll least are forgotten first.
const MOST_CODES: usize = 10_000;

/// How often each undecided code was polled.
#[derive(Debug)]
pub(crate) struct DevicePolls(Cache<SecretHash, u32>);

impl Default for DevicePolls {
    fn default() -> Self {
        Self(Cache::new(MOST_CODES))
    }
}

impl DevicePolls {
    /// Counts a poll; whether the policy decides at it.
    pub(crate) fn is_due(&self, policy: &DevicePolicy, code: SecretHash) -> bool {
        if policy.after_polls == 0 {
            return true;
        }
        let before = self.0.get(&code).unwrap_or_default();
        if before >= policy.after_polls {
            return true;
        }
        self.0.insert(code, before + 1);
        false
    }

    /// Forgets all of them.
    pub(super) fn clear(&self) {
        self.0.clear();
    }
}

impl DevicePolicy {
    /// Decides a code that nobody has decided; any other stays as it is.
    pub(crate) fn decide(&self, grant: &mut DeviceGrant, now: Timestamp) {
        // A decided or expired grant refuses, and its poll gets the answer that it has.
        drop(match &self.approved_by {
            Some(user) => approve(grant, user.clone(), now),
            None => grant.deny(now),
        });
    }
}

/// Approves a grant as if a person had just signed in.
pub(super) fn approve(
    grant: &mut DeviceGrant,
    user: User,
    now: Timestamp,
) -> Result<(), hallpass_issuer::Refusal> {
    let seed = AuthorizationSeed {
        user,
        sign_in: SignIn::default(),
        scopes: grant.scopes.clone(),
        resource: grant.resource.clone(),
        auth_time: now,
        nonce: None,
        browser_session: None,
        browser_address: None,
    };
    grant.approve(seed, now)
}
