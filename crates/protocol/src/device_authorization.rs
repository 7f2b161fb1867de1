//! The device authorization request and response.
//!
//! RFC 8628 §3.1 and §3.2: <https://www.rfc-editor.org/rfc/rfc8628#section-3.1>

use serde::{Deserialize, Serialize};

use crate::form::{Form, FormError};
use crate::token::REPEATABLE;
use crate::{ClientId, Secret};

/// RFC 8628 §3.1. Client authentication travels beside it ([`crate::client_auth`]).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceAuthorizationRequest {
    /// `client_id`.
    pub client_id: Option<ClientId>,
    /// `scope`, as it was sent.
    pub scope: Option<String>,
    /// `resource`, RFC 8707 §2; may repeat.
    pub resource: Vec<String>,
    /// `audience`: the name of an API, asked for at servers that do not take `resource`; may repeat.
    pub audience: Vec<String>,
    /// `host_label`: what the device says of itself, shown as its own claim (row S-276).
    pub host_label: Option<String>,
}

impl DeviceAuthorizationRequest {
    /// Reads the request; unknown parameters are ignored, repeated ones refused.
    pub fn decode(form: &Form) -> Result<Self, FormError> {
        form.refuse_repeats(REPEATABLE)?;
        Ok(Self {
            client_id: form.one("client_id")?.map(ClientId::new),
            scope: form.one("scope")?.map(str::to_owned),
            resource: form.all("resource").map(str::to_owned).collect(),
            audience: form.all("audience").map(str::to_owned).collect(),
            host_label: form.one("host_label")?.map(str::to_owned),
        })
    }

    /// Writes the request.
    pub fn encode(&self) -> Form {
        let mut form = Form::default();
        form.push_some("client_id", self.client_id.as_ref().map(ClientId::as_str));
        form.push_some("scope", self.scope.as_deref());
        for resource in &self.resource {
            form.push("resource", resource);
        }
        for audience in &self.audience {
            form.push("audience", audience);
        }
        form.push_some("host_label", self.host_label.as_deref());
        form
    }
}

/// RFC 8628 §3.2.
#[derive(Clone, Debug)]
pub struct DeviceAuthorizationResponse {
    /// `device_code`.
    pub device_code: Secret<String>,
    /// `user_code`, as it is shown.
    pub user_code: String,
    /// `verification_uri` (older servers: `verification_url`).
    pub verification_uri: String,
    /// `verification_uri_complete`.
    pub verification_uri_complete: Option<String>,
    /// `expires_in`: lifetime in seconds.
    pub expires_in: u64,
    /// `interval` in seconds; `None` when the server did not say (then 5, RFC 8628 §3.2).
    pub interval: Option<u64>,
}

/// The members as they stand in JSON.
#[derive(Serialize, Deserialize)]
struct Wire {
    device_code: String,
    user_code: String,
    #[serde(alias = "verification_url")]
    verification_uri: String,
    #[serde(
        default,
        alias = "verification_url_complete",
        skip_serializing_if = "Option::is_none"
    )]
    verification_uri_complete: Option<String>,
    #[serde(
        default = "default_lifetime",
        deserialize_with = "crate::lenient::seconds_or_default"
    )]
    expires_in: u64,
    #[serde(
        default,
        deserialize_with = "crate::lenient::seconds",
        skip_serializing_if = "Option::is_none"
    )]
    interval: Option<u64>,
}

/// What a server that names no lifetime is given: 5 minutes, the shortest seen in the field.
fn default_lifetime() -> u64 {
    300
}

impl DeviceAuthorizationResponse {
    /// The JSON body of the answer.
    pub fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(&Wire {
            device_code: self.device_code.expose().clone(),
            user_code: self.user_code.clone(),
            verification_uri: self.verification_uri.clone(),
            verification_uri_complete: self.verification_uri_complete.clone(),
            expires_in: self.expires_in,
            interval: self.interval,
        })
    }

    /// Reads an answer; numbers may be strings, `verification_url` is read too (rows C-01, Q-07).
    pub fn from_json(body: &[u8]) -> serde_json::Result<Self> {
        let wire: Wire = serde_json::from_slice(body)?;
        Ok(Self {
            device_code: Secret::new(wire.device_code),
            user_code: wire.user_code,
            verification_uri: wire.verification_uri,
            verification_uri_complete: wire.verification_uri_complete,
            expires_in: wire.expires_in,
            interval: wire.interval,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_section_3_2_is_read() {
        let body = br#"{"device_code":"GmRhmhcxhwAzkoEqiMEg_DnyEysNkuNhszIySk9eS",
            "user_code":"WDJB-MJHT","verification_uri":"https://example.com/device",
            "verification_uri_complete":"https://example.com/device?user_code=WDJB-MJHT",
            "expires_in":1800,"interval":5}"#;
        let answer = DeviceAuthorizationResponse::from_json(body).unwrap();
        assert_eq!((answer.expires_in, answer.interval), (1800, Some(5)));
        assert_eq!(answer.user_code, "WDJB-MJHT");
    }

    #[test]
    fn c_01_a_missing_interval_stays_unknown_and_a_string_is_a_number() {
        let body = br#"{"device_code":"d","user_code":"u","verification_url":"https://x/d","expires_in":"900"}"#;
        let answer = DeviceAuthorizationResponse::from_json(body).unwrap();
        assert_eq!((answer.expires_in, answer.interval), (900, None));
        assert_eq!(answer.verification_uri, "https://x/d");
    }

    #[test]
    fn the_request_survives_the_wire() {
        let request = DeviceAuthorizationRequest {
            client_id: Some(ClientId::new("cli")),
            scope: Some("openid api:read".to_owned()),
            resource: vec!["https://a".to_owned(), "https://b".to_owned()],
            audience: vec!["a".to_owned(), "b".to_owned()],
            host_label: Some("build-7".to_owned()),
        };
        let form = Form::parse(&request.encode().encode()).unwrap();
        assert_eq!(DeviceAuthorizationRequest::decode(&form), Ok(request));
    }
}
