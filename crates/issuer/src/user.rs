//! The person whom tokens speak for.

use hallpass_protocol::UserId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A user at one issuer, as far as tokens need to know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct User {
    /// The `sub` of the person's tokens.
    pub id: UserId,
    /// Further claims about the person; in dev mode those typed on the sign-in page.
    pub claims: Map<String, Value>,
}
