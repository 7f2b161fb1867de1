//! Who may exchange a token that is bound to a key.

use hallpass_issuer::client::Proof;
use hallpass_issuer::{Refusal, bound_key};
use hallpass_protocol::jose::jwt::RegisteredClaims;

use crate::issuance::Context;

/// Row S-89: a token that is bound to a key is exchanged by the owner of the key, or by the service
/// that it is for.
pub(super) fn check_key(at: Context<'_>, token: &RegisteredClaims) -> Result<(), Refusal> {
    let is_for_caller = at.client.proof() != Proof::Named
        && token
            .aud
            .as_ref()
            .is_some_and(|audience| audience.contains(at.client.id().as_str()));
    if is_for_caller {
        return Ok(());
    }
    let confirmation = token.extra.get("cnf");
    let bound = confirmation.and_then(|cnf| cnf.get("jkt")?.as_str());
    bound_key::check(bound, at.dpop_jkt)
}
