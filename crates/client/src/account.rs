//! Who is signed in.

use hallpass_protocol::id_token::IdTokenClaims;

use crate::clean;
use crate::credentials::SessionKey;

/// Who is signed in, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The issuer.
    pub issuer: String,
    /// The client id.
    pub client_id: String,
    /// `sub` of the ID token; `None` when the sign-in brought none.
    pub subject: Option<String>,
    /// The name to show: `email`, `preferred_username`, `name` or `sub`, cleaned for a terminal.
    pub name: Option<String>,
}

impl Account {
    pub(crate) fn new(key: &SessionKey, claims: Option<&IdTokenClaims>) -> Self {
        Self {
            issuer: key.issuer.clone(),
            client_id: key.client_id.clone(),
            subject: claims.map(|claims| claims.sub.clone()),
            name: claims.map(shown_name),
        }
    }
}

/// The name by which people know themselves.
fn shown_name(claims: &IdTokenClaims) -> String {
    let claim = |name: &str| claims.extra.get(name).and_then(serde_json::Value::as_str);
    let known = ["email", "preferred_username", "name"]
        .into_iter()
        .find_map(claim);
    clean::text(known.unwrap_or(&claims.sub))
}
