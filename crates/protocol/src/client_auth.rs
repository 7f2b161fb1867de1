//! How a client says who it is at the token endpoint and beside it.
//!
//! RFC 6749 §2.3.1: <https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1>, RFC 7521 §4.2.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::client_assertion;
use crate::form::{self, Form, FormError};
use crate::{ClientId, Secret};

/// The authentication methods of the IANA registry that this project speaks so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuthMethod {
    /// A public client: it only names itself.
    None,
    /// The secret in an `Authorization: Basic` header.
    ClientSecretBasic,
    /// The secret in the body.
    ClientSecretPost,
    /// An assertion that a registered key signed, RFC 7523 §2.2.
    PrivateKeyJwt,
}

impl ClientAuthMethod {
    /// The registered name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::PrivateKeyJwt => "private_key_jwt",
        }
    }
}

impl fmt::Display for ClientAuthMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a request brought to say who its client is. Nothing is proven yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientCredentials {
    /// Nothing at all.
    Absent,
    /// `client_id` alone.
    Named(ClientId),
    /// `Authorization: Basic`.
    Basic(ClientId, Secret<String>),
    /// `client_id` and `client_secret` in the body.
    Post(ClientId, Secret<String>),
    /// `client_assertion`, from the client of `client_id` or, without it, of the assertion's `sub`.
    Assertion(ClientId, Secret<String>),
}

/// Why the credentials could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientAuthError {
    /// A parameter is repeated.
    #[error(transparent)]
    Form(#[from] FormError),
    /// RFC 6749 §2.3: "MUST NOT use more than one authentication method".
    #[error("the client authenticates in more than one way")]
    MoreThanOne,
    /// A header that is not `Basic base64(id:secret)`.
    #[error("the Authorization header is not valid Basic authentication")]
    BadBasic,
    /// Basic and the body name two clients.
    #[error("the Authorization header and `client_id` name different clients")]
    TwoClients,
    /// `client_secret` without `client_id`.
    #[error("`client_secret` stands without `client_id`")]
    SecretAlone,
    /// RFC 7521 §4.2: one of the pair without the other, another `client_assertion_type`, or an
    /// assertion that names nobody.
    #[error("`client_assertion` and `client_assertion_type` are not a client's JWT")]
    BadAssertion,
}

impl ClientCredentials {
    /// Reads the header and the body of a request.
    ///
    /// The query is never read (row S-126). An empty `client_secret` parameter counts as absent,
    /// Basic with an empty password is an attempt that will fail (row S-136).
    pub fn decode(authorization: Option<&str>, body: &Form) -> Result<Self, ClientAuthError> {
        let id = body.one("client_id")?.map(ClientId::new);
        let secret = body.one("client_secret")?.map(Secret::from);
        let basic = match authorization {
            Some(header) => decode_basic(header)?,
            None => None,
        };
        if let Some(assertion) = decode_assertion(body)? {
            return match (basic, secret) {
                (None, None) => Self::of_assertion(id, assertion),
                _ => Err(ClientAuthError::MoreThanOne),
            };
        }
        match (basic, id, secret) {
            (Some(_), _, Some(_)) => Err(ClientAuthError::MoreThanOne),
            (Some((basic_id, _)), Some(id), None) if basic_id != id => {
                Err(ClientAuthError::TwoClients)
            }
            (Some((id, secret)), _, None) => Ok(Self::Basic(id, secret)),
            (None, Some(id), Some(secret)) => Ok(Self::Post(id, secret)),
            (None, Some(id), None) => Ok(Self::Named(id)),
            (None, None, Some(_)) => Err(ClientAuthError::SecretAlone),
            (None, None, None) => Ok(Self::Absent),
        }
    }

    /// RFC 7521 §4.2: `client_id` "is unnecessary" beside an assertion, whose subject names it.
    fn of_assertion(
        id: Option<ClientId>,
        assertion: Secret<String>,
    ) -> Result<Self, ClientAuthError> {
        let id = id.or_else(|| client_assertion::named_client(assertion.expose()));
        id.map(|id| Self::Assertion(id, assertion))
            .ok_or(ClientAuthError::BadAssertion)
    }

    /// The client that is named, if any.
    pub fn client_id(&self) -> Option<&ClientId> {
        match self {
            Self::Absent => None,
            Self::Named(id) | Self::Basic(id, _) | Self::Post(id, _) | Self::Assertion(id, _) => {
                Some(id)
            }
        }
    }
}

/// The assertion, when both parameters of RFC 7521 §4.2 are there and the type is the JWT's.
fn decode_assertion(body: &Form) -> Result<Option<Secret<String>>, ClientAuthError> {
    match (
        body.one("client_assertion_type")?,
        body.one("client_assertion")?,
    ) {
        (None, None) => Ok(None),
        (Some(client_assertion::TYPE), Some(assertion)) => Ok(Some(Secret::from(assertion))),
        (Some(_) | None, Some(_) | None) => Err(ClientAuthError::BadAssertion),
    }
}

/// `None` for another scheme than Basic: it belongs to somebody else (Bearer at introspection).
fn decode_basic(header: &str) -> Result<Option<(ClientId, Secret<String>)>, ClientAuthError> {
    let Some((scheme, rest)) = header.split_once(' ') else {
        return Ok(None);
    };
    if !scheme.eq_ignore_ascii_case("basic") {
        return Ok(None);
    }
    let bytes = STANDARD
        .decode(rest.trim())
        .map_err(|_| ClientAuthError::BadBasic)?;
    let text = String::from_utf8(bytes).map_err(|_| ClientAuthError::BadBasic)?;
    let (id, secret) = text.split_once(':').ok_or(ClientAuthError::BadBasic)?;
    // RFC 6749 §2.3.1 form-encodes both before base64; many clients do not. A plain text without
    // `%` and `+` reads the same either way, so only what is a valid escape is decoded.
    let id = form::decode(id).map_err(|_| ClientAuthError::BadBasic)?;
    let secret = form::decode(secret).map_err(|_| ClientAuthError::BadBasic)?;
    Ok(Some((ClientId::new(id), Secret::new(secret))))
}

/// Writes an `Authorization: Basic` header value.
pub fn encode_basic(id: &ClientId, secret: &Secret<String>) -> Secret<String> {
    let pair = format!(
        "{}:{}",
        form::encode(id.as_str()),
        form::encode(secret.expose())
    );
    Secret::new(format!("Basic {}", STANDARD.encode(pair)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(header: Option<&str>, body: &str) -> Result<ClientCredentials, ClientAuthError> {
        ClientCredentials::decode(header, &Form::parse(body).unwrap())
    }

    #[test]
    fn s_131_id_and_secret_are_form_decoded_after_base64() {
        for (id, secret) in [
            ("a%b", "c+d:e"),
            ("é", "with space"),
            ("cli", &"x".repeat(256)),
        ] {
            let (id, secret) = (ClientId::new(id), Secret::from(secret));
            let header = encode_basic(&id, &secret);
            assert_eq!(
                decode(Some(header.expose()), ""),
                Ok(ClientCredentials::Basic(id, secret))
            );
        }
        // RFC 6749 §2.3.1's own example.
        let basic = decode(
            Some("Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3"),
            "",
        )
        .unwrap();
        assert_eq!(
            basic,
            ClientCredentials::Basic(
                ClientId::new("s6BhdRkqt3"),
                Secret::from("7Fjfp0ZBr1KtDRbnfVdmIw")
            )
        );
    }

    #[test]
    fn s_132_two_methods_at_once_are_refused() {
        let header = encode_basic(&ClientId::new("cli"), &Secret::from("s"));
        let header = Some(header.expose().as_str());
        assert_eq!(
            decode(header, "client_id=cli&client_secret=s"),
            Err(ClientAuthError::MoreThanOne)
        );
        assert_eq!(
            decode(header, "client_id=other"),
            Err(ClientAuthError::TwoClients)
        );
        assert!(decode(header, "client_id=cli").is_ok());
    }

    #[test]
    fn s_136_an_empty_secret_parameter_counts_as_absent_and_an_empty_password_does_not() {
        assert_eq!(
            decode(None, "client_id=cli&client_secret="),
            Ok(ClientCredentials::Named(ClientId::new("cli")))
        );
        let header = encode_basic(&ClientId::new("cli"), &Secret::from(""));
        assert_eq!(
            decode(Some(header.expose()), ""),
            Ok(ClientCredentials::Basic(
                ClientId::new("cli"),
                Secret::from("")
            ))
        );
    }

    #[test]
    fn s_184_an_assertion_comes_with_its_type_and_alone() {
        let pair = format!(
            "client_assertion=x&client_assertion_type={}",
            form::encode(client_assertion::TYPE)
        );
        let svc = ClientId::new("svc");
        assert_eq!(
            decode(None, &format!("client_id=svc&{pair}")),
            Ok(ClientCredentials::Assertion(svc.clone(), Secret::from("x")))
        );
        let header = encode_basic(&svc, &Secret::from("s"));
        assert_eq!(
            decode(Some(header.expose()), &pair),
            Err(ClientAuthError::MoreThanOne)
        );
        assert_eq!(
            decode(None, &format!("client_id=svc&client_secret=s&{pair}")),
            Err(ClientAuthError::MoreThanOne)
        );
        for bad in [
            // It names nobody.
            pair.as_str(),
            "client_id=svc&client_assertion=x",
            "client_id=svc&client_assertion_type=jwt",
            "client_id=svc&client_assertion=x&client_assertion_type=jwt",
        ] {
            assert_eq!(
                decode(None, bad),
                Err(ClientAuthError::BadAssertion),
                "{bad}"
            );
        }
    }

    #[test]
    fn broken_headers_are_told_from_other_schemes() {
        assert_eq!(decode(Some("Basic !!"), ""), Err(ClientAuthError::BadBasic));
        assert_eq!(
            decode(Some("Basic Y2xp"), ""),
            Err(ClientAuthError::BadBasic)
        );
        assert_eq!(
            decode(Some("Bearer abc"), ""),
            Ok(ClientCredentials::Absent)
        );
    }
}
