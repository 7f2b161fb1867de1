//! The answer to a pushed authorization request. The request itself is that of
//! [`crate::authorization`], with client authentication beside it ([`crate::client_auth`]).
//!
//! RFC 9126 §2.2: <https://www.rfc-editor.org/rfc/rfc9126#section-2.2>

use serde::{Deserialize, Serialize};

/// Where the request can be found, and for how long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushedAuthorizationResponse {
    /// `request_uri`: goes to the authorization endpoint in place of the parameters.
    pub request_uri: String,
    /// `expires_in`: lifetime in seconds.
    pub expires_in: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_9126_survives() {
        let text = r#"{"request_uri":"urn:ietf:params:oauth:request_uri:6esc_11ACC5bwc014ltc14eY22c","expires_in":60}"#;
        let response: PushedAuthorizationResponse = serde_json::from_str(text).unwrap();
        assert_eq!(response.expires_in, 60);
        assert_eq!(serde_json::to_string(&response).unwrap(), text);
    }
}
