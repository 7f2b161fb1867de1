//! What a page sends back: what `navigator.credentials.create()` and `get()` answered.
//!
//! WebAuthn §5.1.8, the JSON forms: <https://www.w3.org/TR/webauthn-3/#dom-publickeycredential-tojson>

use serde_json::{Map, Value};

use crate::jose::base64url;
use crate::jose::json::{self, JsonError};

/// `RegistrationResponseJSON`, as far as it matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistrationResponse {
    /// `response.clientDataJSON`.
    pub client_data_json: Vec<u8>,
    /// `response.attestationObject`.
    pub attestation_object: Vec<u8>,
    /// `response.transports`, those that look like one.
    pub transports: Vec<String>,
}

/// `AuthenticationResponseJSON`, as far as it matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthenticationResponse {
    /// `id`, decoded.
    pub credential_id: Vec<u8>,
    /// `response.clientDataJSON`.
    pub client_data_json: Vec<u8>,
    /// `response.authenticatorData`.
    pub authenticator_data: Vec<u8>,
    /// `response.signature`.
    pub signature: Vec<u8>,
    /// `response.userHandle`.
    pub user_handle: Option<Vec<u8>>,
}

/// Why an answer is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResponseError {
    /// It is no JSON object, or has a member twice.
    #[error("the browser's answer is not a JSON object: {0}")]
    Json(#[from] JsonError),
    /// A member is absent, of the wrong type or not base64url.
    #[error("`{0}` in the browser's answer is absent or malformed")]
    Malformed(&'static str),
}

/// Unknown transports are kept, as the specification asks, but no more than this many, each no longer
/// than any that is registered.
const MOST_TRANSPORTS: usize = 8;
const LONGEST_TRANSPORT: usize = 16;

impl RegistrationResponse {
    /// Reads the text.
    pub fn read(text: &str) -> Result<Self, ResponseError> {
        let whole = Whole::read(text)?;
        let transports = whole.response.get("transports").and_then(Value::as_array);
        let is_transport = |name: &&str| {
            let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte == b'-';
            (1..=LONGEST_TRANSPORT).contains(&name.len()) && name.bytes().all(is_letter)
        };
        let transports = transports.into_iter().flatten().filter_map(Value::as_str);
        Ok(Self {
            client_data_json: whole.bytes("clientDataJSON")?,
            attestation_object: whole.bytes("attestationObject")?,
            transports: transports
                .filter(is_transport)
                .take(MOST_TRANSPORTS)
                .map(str::to_owned)
                .collect(),
        })
    }
}

impl AuthenticationResponse {
    /// Reads the text.
    pub fn read(text: &str) -> Result<Self, ResponseError> {
        let whole = Whole::read(text)?;
        let user_handle = match whole.response.get("userHandle") {
            None | Some(Value::Null) => None,
            Some(_) => Some(whole.bytes("userHandle")?),
        };
        Ok(Self {
            credential_id: decoded(&whole.members, "id")?,
            client_data_json: whole.bytes("clientDataJSON")?,
            authenticator_data: whole.bytes("authenticatorData")?,
            signature: whole.bytes("signature")?,
            user_handle,
        })
    }
}

struct Whole {
    members: Map<String, Value>,
    response: Map<String, Value>,
}

impl Whole {
    fn read(text: &str) -> Result<Self, ResponseError> {
        let mut members = json::parse_object(text.as_bytes())?;
        if members.get("type").and_then(Value::as_str) != Some("public-key") {
            return Err(ResponseError::Malformed("type"));
        }
        match members.remove("response") {
            Some(Value::Object(response)) => Ok(Self { members, response }),
            _ => Err(ResponseError::Malformed("response")),
        }
    }

    fn bytes(&self, name: &'static str) -> Result<Vec<u8>, ResponseError> {
        decoded(&self.response, name)
    }
}

fn decoded(members: &Map<String, Value>, name: &'static str) -> Result<Vec<u8>, ResponseError> {
    let text = members.get(name).and_then(Value::as_str);
    let bytes = text.and_then(base64url::decode);
    bytes.ok_or(ResponseError::Malformed(name))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn registration() -> Value {
        json!({
            "id": "AQI", "rawId": "AQI", "type": "public-key",
            "clientExtensionResults": {},
            "response": {
                "clientDataJSON": "AQ", "attestationObject": "Ag",
                "transports": ["usb", "smart-card", "", 1, "Usb", "x".repeat(17)],
                "publicKeyAlgorithm": -7,
            },
        })
    }

    fn authentication() -> Value {
        json!({
            "id": "AQI", "type": "public-key",
            "response": {
                "clientDataJSON": "AQ", "authenticatorData": "Ag", "signature": "Aw",
                "userHandle": "BA",
            },
        })
    }

    #[test]
    fn answers_are_read_and_more_members_may_be_there() {
        let read = RegistrationResponse::read(&registration().to_string()).unwrap();
        assert_eq!(read.client_data_json, [1]);
        assert_eq!(read.attestation_object, [2]);
        assert_eq!(read.transports, ["usb", "smart-card"]);
        let read = AuthenticationResponse::read(&authentication().to_string()).unwrap();
        assert_eq!(read.credential_id, [1, 2]);
        assert_eq!(read.signature, [3]);
        assert_eq!(read.user_handle, Some(vec![4]));
        for absent in [Value::Null, json!("absent")] {
            let mut without = authentication();
            match absent {
                Value::Null => without["response"]["userHandle"] = Value::Null,
                _ => drop(
                    without["response"]
                        .as_object_mut()
                        .unwrap()
                        .remove("userHandle"),
                ),
            }
            let read = AuthenticationResponse::read(&without.to_string()).unwrap();
            assert_eq!(read.user_handle, None);
        }
    }

    #[test]
    fn malformed_answers_are_refused_for_their_reason() {
        use ResponseError::{Json, Malformed};
        for (text, reason) in [
            ("", Json(JsonError::Malformed)),
            ("[]", Json(JsonError::NotAnObject)),
            (
                r#"{"type":"x","type":"y"}"#,
                Json(JsonError::DuplicateMember),
            ),
            ("{}", Malformed("type")),
            (r#"{"type":"password"}"#, Malformed("type")),
            (r#"{"type":"public-key"}"#, Malformed("response")),
        ] {
            assert_eq!(AuthenticationResponse::read(text), Err(reason), "{text}");
            assert_eq!(RegistrationResponse::read(text), Err(reason), "{text}");
        }
        for name in [
            "clientDataJSON",
            "authenticatorData",
            "signature",
            "userHandle",
        ] {
            for wrong in [json!("A="), json!(1), json!("AR")] {
                let mut changed = authentication();
                changed["response"][name] = wrong;
                let read = AuthenticationResponse::read(&changed.to_string());
                assert_eq!(read, Err(Malformed(name)));
            }
        }
        let mut changed = authentication();
        changed["id"] = json!("=");
        let read = AuthenticationResponse::read(&changed.to_string());
        assert_eq!(read, Err(Malformed("id")));
    }

    proptest! {
        #[test]
        fn no_text_panics(text: String) {
            prop_assert!(AuthenticationResponse::read(&text).is_err());
            prop_assert!(RegistrationResponse::read(&text).is_err());
        }
    }
}
