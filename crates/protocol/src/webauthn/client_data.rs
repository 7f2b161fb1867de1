//! What the browser says it was asked to sign: `clientDataJSON`.
//!
//! WebAuthn §5.8.1: <https://www.w3.org/TR/webauthn-3/#dictionary-client-data>

use crate::jose::base64url;
use crate::jose::json::{self, JsonError};

/// `CollectedClientData`. Members that are not here may be there: browsers add some.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientData {
    /// `type`: what was done.
    pub ceremony: String,
    /// `challenge`, decoded.
    pub challenge: Vec<u8>,
    /// `origin` of the page that asked.
    pub origin: String,
    /// `crossOrigin`: whether that page was inside another one.
    pub cross_origin: bool,
    /// `topOrigin` of the page around it.
    pub top_origin: Option<String>,
}

/// Why client data is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientDataError {
    /// More than [`ClientData::LONGEST`] bytes.
    #[error("the client data is too long")]
    TooLong,
    /// It is no JSON object, or has a member twice.
    #[error("the client data is not a JSON object: {0}")]
    Json(#[from] JsonError),
    /// A member is absent or has the wrong type.
    #[error("`{0}` in the client data is absent or malformed")]
    Malformed(&'static str),
}

impl ClientData {
    /// No browser sends more bytes.
    pub const LONGEST: usize = 4 * 1024;
    /// `type` when a passkey is made.
    pub const CREATE: &'static str = "webauthn.create";
    /// `type` when it is used.
    pub const GET: &'static str = "webauthn.get";

    /// Reads the bytes of `clientDataJSON`.
    pub fn read(bytes: &[u8]) -> Result<Self, ClientDataError> {
        if bytes.len() > Self::LONGEST {
            return Err(ClientDataError::TooLong);
        }
        // "UTF-8 decode" (WebAuthn §7.1 step 5) takes a byte order mark away.
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let members = json::parse_object(bytes)?;
        let text = |name: &'static str| match members.get(name) {
            None => Ok(None),
            Some(value) => match value.as_str() {
                Some(text) => Ok(Some(text.to_owned())),
                None => Err(ClientDataError::Malformed(name)),
            },
        };
        let needed = |name| text(name)?.ok_or(ClientDataError::Malformed(name));
        let challenge = base64url::decode(&needed("challenge")?);
        let cross_origin = match members.get("crossOrigin") {
            None => Some(false),
            Some(value) => value.as_bool(),
        };
        Ok(Self {
            ceremony: needed("type")?,
            challenge: challenge.ok_or(ClientDataError::Malformed("challenge"))?,
            origin: needed("origin")?,
            cross_origin: cross_origin.ok_or(ClientDataError::Malformed("crossOrigin"))?,
            top_origin: text("topOrigin")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WHOLE: &str = r#"{"type":"webauthn.get","challenge":"AQI","origin":"https://id.example","crossOrigin":true,"topOrigin":"https://other.example","more":{"a":[1]}}"#;

    #[test]
    fn members_are_read_and_others_may_be_there() {
        let read = ClientData::read(WHOLE.as_bytes()).unwrap();
        assert_eq!(read.ceremony, ClientData::GET);
        assert_eq!(read.challenge, [1, 2]);
        assert_eq!(read.origin, "https://id.example");
        assert!(read.cross_origin);
        assert_eq!(read.top_origin.as_deref(), Some("https://other.example"));
        let marked = format!("\u{feff}{WHOLE}");
        assert_eq!(ClientData::read(marked.as_bytes()), Ok(read));
        let least = br#"{"type":"t","challenge":"","origin":"o"}"#;
        let read = ClientData::read(least).unwrap();
        assert!(!read.cross_origin && read.top_origin.is_none() && read.challenge.is_empty());
    }

    #[test]
    fn malformed_client_data_is_refused_for_its_reason() {
        use ClientDataError::{Json, Malformed, TooLong};
        let refused = [
            ("", Json(JsonError::Malformed)),
            ("[]", Json(JsonError::NotAnObject)),
            (
                r#"{"type":"t","type":"u","challenge":"","origin":"o"}"#,
                Json(JsonError::DuplicateMember),
            ),
            (r#"{"challenge":"","origin":"o"}"#, Malformed("type")),
            (
                r#"{"type":1,"challenge":"","origin":"o"}"#,
                Malformed("type"),
            ),
            (r#"{"type":"t","origin":"o"}"#, Malformed("challenge")),
            (
                r#"{"type":"t","challenge":"AQ==","origin":"o"}"#,
                Malformed("challenge"),
            ),
            (r#"{"type":"t","challenge":""}"#, Malformed("origin")),
            (
                r#"{"type":"t","challenge":"","origin":"o","crossOrigin":"false"}"#,
                Malformed("crossOrigin"),
            ),
            (
                r#"{"type":"t","challenge":"","origin":"o","topOrigin":null}"#,
                Malformed("topOrigin"),
            ),
        ];
        for (text, reason) in refused {
            assert_eq!(ClientData::read(text.as_bytes()), Err(reason), "{text}");
        }
        assert_eq!(ClientData::read(b"\xff"), Err(Json(JsonError::NotUtf8)));
        let long = vec![b' '; ClientData::LONGEST + 1];
        assert_eq!(ClientData::read(&long), Err(TooLong));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            drop(ClientData::read(&bytes));
        }
    }
}
