//! Token type identifiers.
//!
//! RFC 8693 §3: <https://www.rfc-editor.org/rfc/rfc8693#section-3>

/// A token type identifier, RFC 8693 §3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenTypeUri {
    /// `urn:ietf:params:oauth:token-type:access_token`
    AccessToken,
    /// `urn:ietf:params:oauth:token-type:refresh_token`
    RefreshToken,
    /// `urn:ietf:params:oauth:token-type:id_token`
    IdToken,
    /// `urn:ietf:params:oauth:token-type:jwt`
    Jwt,
    /// Another URI, as it was sent.
    Other(String),
}

impl TokenTypeUri {
    /// The URI as it travels.
    pub fn as_str(&self) -> &str {
        match self {
            Self::AccessToken => "urn:ietf:params:oauth:token-type:access_token",
            Self::RefreshToken => "urn:ietf:params:oauth:token-type:refresh_token",
            Self::IdToken => "urn:ietf:params:oauth:token-type:id_token",
            Self::Jwt => "urn:ietf:params:oauth:token-type:jwt",
            Self::Other(uri) => uri,
        }
    }

    /// Reads a URI; an unknown one is kept.
    pub fn parse(text: &str) -> Self {
        [
            Self::AccessToken,
            Self::RefreshToken,
            Self::IdToken,
            Self::Jwt,
        ]
        .into_iter()
        .find(|known| known.as_str() == text)
        .unwrap_or_else(|| Self::Other(text.to_owned()))
    }
}
