//! How often each device code was polled that nobody has decided.

use hallpass_issuer::tokens::one_time::SecretHash;
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
    pub(crate) fn clear(&self) {
        self.0.clear();
    }
}
