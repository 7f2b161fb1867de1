//! The token request.
//!
//! RFC 6749 §4.1.3, §4.4.2 and §6: <https://www.rfc-editor.org/rfc/rfc6749#section-4.1.3>,
//! RFC 8628 §3.4, RFC 8693 §2.1, RFC 7523 §2.1.

use super::{GrantType, TokenTypeUri};
use crate::Secret;
use crate::form::{Form, FormError};

/// The parameters that may stand more than once (RFC 8693 §2.1, RFC 8707 §2).
pub const REPEATABLE: &[&str] = &["resource", "audience"];

/// A token request, one variant per grant. Client authentication travels beside it.
#[derive(Clone, Debug)]
pub enum TokenRequest {
    /// RFC 6749 §4.1.3 with RFC 7636 §4.5.
    AuthorizationCode {
        /// `code`.
        code: Secret<String>,
        /// `redirect_uri`, required when it stood in the authorization request.
        redirect_uri: Option<String>,
        /// `code_verifier`, as it was sent.
        code_verifier: Option<Secret<String>>,
        /// `resource`, RFC 8707 §2.2.
        resource: Vec<String>,
        /// `scope`: not of the RFC; the mock takes an audience from it (`docs/dev-mode.md`).
        scope: Option<String>,
    },
    /// RFC 6749 §6.
    RefreshToken {
        /// `refresh_token`.
        refresh_token: Secret<String>,
        /// `scope`, as it was sent.
        scope: Option<String>,
        /// `resource`, RFC 8707 §2.2.
        resource: Vec<String>,
        /// `audience`: a common extension, what the sign-in named.
        audience: Vec<String>,
    },
    /// RFC 6749 §4.4.2.
    ClientCredentials {
        /// `scope`, as it was sent.
        scope: Option<String>,
        /// `resource`, RFC 8707 §2.
        resource: Vec<String>,
        /// `audience`: a common extension, read as a target like `resource`.
        audience: Vec<String>,
    },
    /// RFC 8628 §3.4.
    DeviceCode {
        /// `device_code`.
        device_code: Secret<String>,
        /// `resource`, RFC 8707 §2.2.
        resource: Vec<String>,
    },
    /// RFC 8693 §2.1.
    TokenExchange(TokenExchangeRequest),
    /// RFC 7523 §2.1.
    JwtBearer {
        /// `assertion`.
        assertion: Secret<String>,
        /// `scope`, as it was sent.
        scope: Option<String>,
        /// `resource`, RFC 8707 §2.
        resource: Vec<String>,
    },
}

/// RFC 8693 §2.1.
#[derive(Clone, Debug)]
pub struct TokenExchangeRequest {
    /// `subject_token`.
    pub subject_token: Secret<String>,
    /// `subject_token_type`.
    pub subject_token_type: TokenTypeUri,
    /// `actor_token` with its `actor_token_type`.
    pub actor: Option<(Secret<String>, TokenTypeUri)>,
    /// `requested_token_type`.
    pub requested_token_type: Option<TokenTypeUri>,
    /// `audience`; may repeat.
    pub audience: Vec<String>,
    /// `resource`; may repeat.
    pub resource: Vec<String>,
    /// `scope`, as it was sent.
    pub scope: Option<String>,
}

/// Why a token request could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenRequestError {
    /// A parameter is repeated or not UTF-8.
    #[error(transparent)]
    Form(#[from] FormError),
    /// A parameter that the grant needs is absent.
    #[error("the parameter `{0}` is missing")]
    Missing(&'static str),
    /// `actor_token_type` without `actor_token` (RFC 8693 §2.1).
    #[error("`actor_token_type` stands without `actor_token`")]
    ActorTypeAlone,
    /// No `grant_type`.
    #[error("the parameter `grant_type` is missing")]
    NoGrantType,
    /// A `grant_type` that nobody here speaks.
    #[error("the grant type is not supported")]
    UnsupportedGrantType,
}

impl TokenRequest {
    /// The grant that is asked for; read before anything else, so that a client without it is
    /// refused before its parameters are looked at.
    pub fn grant_type(form: &Form) -> Result<GrantType, TokenRequestError> {
        let text = form
            .one("grant_type")?
            .ok_or(TokenRequestError::NoGrantType)?;
        GrantType::ALL
            .into_iter()
            .find(|grant| grant.as_str() == text)
            .ok_or(TokenRequestError::UnsupportedGrantType)
    }

    /// Reads the parameters of a grant.
    pub fn decode(form: &Form) -> Result<Self, TokenRequestError> {
        form.refuse_repeats(REPEATABLE)?;
        let one = |name: &'static str| form.one(name).map(|value| value.map(str::to_owned));
        let secret = |name: &'static str| -> Result<Secret<String>, TokenRequestError> {
            Ok(Secret::from(
                form.one(name)?.ok_or(TokenRequestError::Missing(name))?,
            ))
        };
        let all = |name: &str| form.all(name).map(str::to_owned).collect::<Vec<_>>();
        Ok(match Self::grant_type(form)? {
            GrantType::AuthorizationCode => Self::AuthorizationCode {
                code: secret("code")?,
                redirect_uri: one("redirect_uri")?,
                code_verifier: one("code_verifier")?.map(Secret::new),
                resource: all("resource"),
                scope: one("scope")?,
            },
            GrantType::RefreshToken => Self::RefreshToken {
                refresh_token: secret("refresh_token")?,
                scope: one("scope")?,
                resource: all("resource"),
                audience: all("audience"),
            },
            GrantType::ClientCredentials => Self::ClientCredentials {
                scope: one("scope")?,
                resource: all("resource"),
                audience: all("audience"),
            },
            GrantType::DeviceCode => Self::DeviceCode {
                device_code: secret("device_code")?,
                resource: all("resource"),
            },
            GrantType::TokenExchange => Self::TokenExchange(TokenExchangeRequest::decode(form)?),
            GrantType::JwtBearer => Self::JwtBearer {
                assertion: secret("assertion")?,
                scope: one("scope")?,
                resource: all("resource"),
            },
        })
    }

    /// Writes the request.
    pub fn encode(&self) -> Form {
        let mut form = Form::default();
        let push_all = |form: &mut Form, name: &str, values: &[String]| {
            for value in values {
                form.push(name, value);
            }
        };
        form.push("grant_type", self.kind().as_str());
        match self {
            Self::AuthorizationCode {
                code,
                redirect_uri,
                code_verifier,
                resource,
                scope,
            } => {
                form.push("code", code.expose());
                form.push_some("redirect_uri", redirect_uri.as_deref());
                form.push_some(
                    "code_verifier",
                    code_verifier.as_ref().map(|v| v.expose().as_str()),
                );
                push_all(&mut form, "resource", resource);
                form.push_some("scope", scope.as_deref());
            }
            Self::RefreshToken {
                refresh_token,
                scope,
                resource,
                audience,
            } => {
                form.push("refresh_token", refresh_token.expose());
                form.push_some("scope", scope.as_deref());
                push_all(&mut form, "resource", resource);
                push_all(&mut form, "audience", audience);
            }
            Self::ClientCredentials {
                scope,
                resource,
                audience,
            } => {
                form.push_some("scope", scope.as_deref());
                push_all(&mut form, "resource", resource);
                push_all(&mut form, "audience", audience);
            }
            Self::DeviceCode {
                device_code,
                resource,
            } => {
                form.push("device_code", device_code.expose());
                push_all(&mut form, "resource", resource);
            }
            Self::TokenExchange(exchange) => exchange.encode_into(&mut form),
            Self::JwtBearer {
                assertion,
                scope,
                resource,
            } => {
                form.push("assertion", assertion.expose());
                form.push_some("scope", scope.as_deref());
                push_all(&mut form, "resource", resource);
            }
        }
        form
    }

    /// The grant of this request.
    pub fn kind(&self) -> GrantType {
        match self {
            Self::AuthorizationCode { .. } => GrantType::AuthorizationCode,
            Self::RefreshToken { .. } => GrantType::RefreshToken,
            Self::ClientCredentials { .. } => GrantType::ClientCredentials,
            Self::DeviceCode { .. } => GrantType::DeviceCode,
            Self::TokenExchange(_) => GrantType::TokenExchange,
            Self::JwtBearer { .. } => GrantType::JwtBearer,
        }
    }
}

impl TokenExchangeRequest {
    fn decode(form: &Form) -> Result<Self, TokenRequestError> {
        let need = |name: &'static str| form.one(name)?.ok_or(TokenRequestError::Missing(name));
        let actor = match (form.one("actor_token")?, form.one("actor_token_type")?) {
            (Some(token), Some(kind)) => Some((Secret::from(token), TokenTypeUri::parse(kind))),
            // RFC 8693 §2.1: "This parameter is REQUIRED when the actor_token parameter is present".
            (Some(_), None) => return Err(TokenRequestError::Missing("actor_token_type")),
            (None, Some(_)) => return Err(TokenRequestError::ActorTypeAlone),
            (None, None) => None,
        };
        Ok(Self {
            subject_token: Secret::from(need("subject_token")?),
            subject_token_type: TokenTypeUri::parse(need("subject_token_type")?),
            actor,
            requested_token_type: form.one("requested_token_type")?.map(TokenTypeUri::parse),
            audience: form.all("audience").map(str::to_owned).collect(),
            resource: form.all("resource").map(str::to_owned).collect(),
            scope: form.one("scope")?.map(str::to_owned),
        })
    }

    fn encode_into(&self, form: &mut Form) {
        form.push("subject_token", self.subject_token.expose());
        form.push("subject_token_type", self.subject_token_type.as_str());
        if let Some((token, kind)) = &self.actor {
            form.push("actor_token", token.expose());
            form.push("actor_token_type", kind.as_str());
        }
        form.push_some(
            "requested_token_type",
            self.requested_token_type.as_ref().map(TokenTypeUri::as_str),
        );
        for audience in &self.audience {
            form.push("audience", audience);
        }
        for resource in &self.resource {
            form.push("resource", resource);
        }
        form.push_some("scope", self.scope.as_deref());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s_127_the_grant_type_is_read_first() {
        let parse = |text: &str| TokenRequest::grant_type(&Form::parse(text).unwrap());
        assert_eq!(parse("code=x"), Err(TokenRequestError::NoGrantType));
        assert_eq!(
            parse("grant_type=password"),
            Err(TokenRequestError::UnsupportedGrantType)
        );
        assert_eq!(
            parse("grant_type=device_code"),
            Err(TokenRequestError::UnsupportedGrantType)
        );
        assert_eq!(
            parse("grant_type=refresh_token"),
            Ok(GrantType::RefreshToken)
        );
    }

    #[test]
    fn s_71_an_actor_token_and_its_type_come_together() {
        let base = "grant_type=urn:ietf:params:oauth:grant-type:token-exchange";
        let parse = |rest: &str| {
            TokenRequest::decode(&Form::parse(&format!("{base}{rest}")).unwrap()).err()
        };
        assert_eq!(parse(""), Some(TokenRequestError::Missing("subject_token")));
        assert_eq!(
            parse("&subject_token=a"),
            Some(TokenRequestError::Missing("subject_token_type"))
        );
        let subject = "&subject_token=a&subject_token_type=urn:x";
        assert_eq!(
            parse(&format!("{subject}&actor_token=b")),
            Some(TokenRequestError::Missing("actor_token_type"))
        );
        assert_eq!(
            parse(&format!("{subject}&actor_token_type=b")),
            Some(TokenRequestError::ActorTypeAlone)
        );
        assert_eq!(parse(subject), None);
    }

    #[test]
    fn every_request_survives_the_wire() {
        for text in [
            "grant_type=authorization_code&code=c&redirect_uri=http%3A%2F%2F127.0.0.1%2Fcallback&code_verifier=v",
            "grant_type=refresh_token&refresh_token=r&scope=a+b&resource=https%3A%2F%2Fa&resource=https%3A%2F%2Fb&audience=a&audience=b",
            "grant_type=client_credentials&scope=a&audience=a",
            "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&device_code=d",
            "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=j&scope=a",
        ] {
            let request = TokenRequest::decode(&Form::parse(text).unwrap()).unwrap();
            assert_eq!(request.encode().encode(), text);
        }
    }
}
