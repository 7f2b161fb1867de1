//! Who is signed in.

use hallpass_protocol::id_token::IdTokenClaims;
use serde_json::{Map, Value};

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
    /// The name to show: `email`, `preferred_username` or `name`, of the ID token or else of userinfo, or `sub`;
    /// cleaned for a terminal.
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
            name: claims
                .and_then(|claims| name_in(&claims.extra))
                .map(clean::text)
                .or_else(|| identity.map(known_as))
                .or_else(|| claims.map(|claims| clean::text(&claims.sub))),
        }
    }
}

fn known_as(identity: &Identity) -> String {
    clean::text(identity.name.as_ref().unwrap_or(&identity.subject))
}

/// The name by which people know themselves, among the claims about them.
pub(crate) fn name_in(claims: &Map<String, Value>) -> Option<&str> {
    let claim = |name: &str| claims.get(name)?.as_str().filter(|text| !text.is_empty());
    ["email", "preferred_username", "name"]
        .into_iter()
        .find_map(claim)
}
