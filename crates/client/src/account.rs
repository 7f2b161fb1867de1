//! Who is signed in.

use hallpass_protocol::id_token::IdTokenClaims;

use crate::clean;
use crate::credentials::SessionKey;
use crate::provider::Identity;

/// Who is signed in, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The issuer.
    pub issuer: String,
    /// The client id.
    pub client_id: String,
    /// Tells several accounts of one client apart ([`crate::ClientBuilder::profile`]); usually empty.
    pub profile: String,
    /// `sub` of the ID token, or what a provider without ID tokens tells users apart by; `None` when
    /// nobody said.
    pub subject: Option<String>,
    /// The name to show: `email`, `preferred_username`, `name` or `sub`, cleaned for a terminal.
    pub name: Option<String>,
}

impl Account {
    pub(crate) fn new(
        key: &SessionKey,
        claims: Option<&IdTokenClaims>,
        identity: Option<&Identity>,
    ) -> Self {
        Self {
            issuer: key.issuer.clone(),
            client_id: key.client_id.clone(),
            profile: key.profile.clone(),
            subject: claims
                .map(|claims| claims.sub.clone())
                .or_else(|| identity.map(|identity| identity.subject.clone())),
            name: claims.map(shown_name).or_else(|| identity.map(known_as)),
        }
    }
}

fn known_as(identity: &Identity) -> String {
    clean::text(identity.name.as_ref().unwrap_or(&identity.subject))
}

/// The name by which people know themselves.
fn shown_name(claims: &IdTokenClaims) -> String {
    let claim = |name: &str| claims.extra.get(name).and_then(serde_json::Value::as_str);
    let known = ["email", "preferred_username", "name"]
        .into_iter()
        .find_map(claim);
    clean::text(known.unwrap_or(&claims.sub))
}
