//! The `UserInfo` response.
//!
//! OIDC Core §5.3.2: <https://openid.net/specs/openid-connect-core-1_0.html#UserInfoResponse>

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::UserId;

/// Claims about the user. `sub` always stands; members are never `null` (§5.3.2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UserInfo {
    /// `sub`: must equal the ID token's before anything else is believed (§5.3.2).
    pub sub: UserId,
    /// Every other claim.
    #[serde(flatten)]
    pub claims: Map<String, Value>,
}
