//! The grants that this project speaks.
//!
//! RFC 6749 §1.3: <https://www.rfc-editor.org/rfc/rfc6749#section-1.3>, RFC 8628, RFC 8693, RFC 7523.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

/// The `grant_type` values that this project speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GrantType {
    /// RFC 6749 §4.1.3.
    AuthorizationCode,
    /// RFC 6749 §6.
    RefreshToken,
    /// RFC 6749 §4.4.2.
    ClientCredentials,
    /// RFC 8628 §3.4.
    DeviceCode,
    /// RFC 8693 §2.1.
    TokenExchange,
    /// RFC 7523 §2.1.
    JwtBearer,
}

impl GrantType {
    /// Every grant type.
    pub const ALL: [Self; 6] = [
        Self::AuthorizationCode,
        Self::RefreshToken,
        Self::ClientCredentials,
        Self::DeviceCode,
        Self::TokenExchange,
        Self::JwtBearer,
    ];

    /// The value of `grant_type`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::RefreshToken => "refresh_token",
            Self::ClientCredentials => "client_credentials",
            Self::DeviceCode => "urn:ietf:params:oauth:grant-type:device_code",
            Self::TokenExchange => "urn:ietf:params:oauth:grant-type:token-exchange",
            Self::JwtBearer => "urn:ietf:params:oauth:grant-type:jwt-bearer",
        }
    }

    /// Reads the value of `grant_type`, or the short last word that configuration files use.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grant| {
            grant.as_str() == text
                || grant.as_str().rsplit(':').next() == Some(&text.replace('_', "-"))
                || grant.as_str().rsplit(':').next() == Some(text)
        })
    }
}

impl fmt::Display for GrantType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for GrantType {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for GrantType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| serde::de::Error::custom(format!("unknown grant type `{text}`")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_has_a_short_name_in_configuration() {
        assert_eq!(GrantType::parse("device_code"), Some(GrantType::DeviceCode));
        assert_eq!(
            GrantType::parse("token-exchange"),
            Some(GrantType::TokenExchange)
        );
        assert_eq!(
            GrantType::parse("token_exchange"),
            Some(GrantType::TokenExchange)
        );
        assert_eq!(GrantType::parse("password"), None);
    }
}
