//! The JSON key `devicePolicy`: device codes are decided after so many polls, without a person.

use hallpass_issuer::Refusal;
use hallpass_issuer::authorization::AuthorizationSeed;
use hallpass_issuer::grants::device_code::DeviceGrant;
use hallpass_issuer::user::{SignIn, User};
use hallpass_protocol::Timestamp;

use crate::settings::DevicePolicy;

impl DevicePolicy {
    /// Decides a code that nobody has decided; any other stays as it is.
    pub(crate) fn decide(&self, grant: &mut DeviceGrant, now: Timestamp) {
        // A decided or expired grant refuses, and its poll gets the answer that it has.
        drop(match &self.approved_by {
            Some(user) => approve_as(grant, user.clone(), now),
            None => grant.deny(now),
        });
    }
}

/// Approves a grant as if a person had just signed in.
pub(crate) fn approve_as(
    grant: &mut DeviceGrant,
    user: User,
    now: Timestamp,
) -> Result<(), Refusal> {
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
