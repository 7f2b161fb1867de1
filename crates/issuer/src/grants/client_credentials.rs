//! The client credentials grant: a service speaks for itself.
//!
//! RFC 6749 §4.4: <https://www.rfc-editor.org/rfc/rfc6749#section-4.4>

use hallpass_protocol::Scopes;

use crate::client::{AuthenticatedClient, ClientKind};
use crate::oidc_scopes;
use crate::policy::{self, Flow};
use crate::refusal::Refusal;

/// What the client gets: its scopes and the audience it named. Nothing is written.
pub fn redeem(
    client: &AuthenticatedClient,
    scope: Option<&str>,
    resource: &[String],
) -> Result<(Scopes, Vec<String>), Refusal> {
    // RFC 6749 §4.4: "MUST only be used by confidential clients".
    if client.client().kind == ClientKind::Public {
        return Err(Refusal::UnauthorizedClient);
    }
    let scopes = policy::granted_scopes(client.client(), scope, Flow::Any)?;
    // Nobody signed in: there is no person to be away, and no ID token (row S-137).
    let scopes = scopes.filter(|scope| scope != oidc_scopes::OFFLINE_ACCESS);
    Ok((scopes, policy::check_resources(resource)?))
}
