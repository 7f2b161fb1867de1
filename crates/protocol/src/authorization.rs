//! The authorization request and response.
//!
//! RFC 6749 §4.1.1 and §4.1.2: <https://www.rfc-editor.org/rfc/rfc6749#section-4.1.1>,
//! RFC 7636 §4.3, RFC 9207 §2 (`iss`), RFC 9449 §10 (`dpop_jkt`), OIDC Core §3.1.2.1.

use serde::{Deserialize, Serialize};

use crate::error::{ErrorCode, OAuthError};
use crate::form::{Form, FormError};
use crate::token::REPEATABLE;
use crate::{ClientId, Secret};

/// The parameters of an authorization request as they were sent; nothing is checked beyond their
/// number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationRequest {
    /// `client_id`.
    pub client_id: Option<ClientId>,
    /// `redirect_uri`.
    pub redirect_uri: Option<String>,
    /// `response_type`.
    pub response_type: Option<String>,
    /// `response_mode`, OAuth 2.0 Multiple Response Types §2.1.
    pub response_mode: Option<String>,
    /// `scope`.
    pub scope: Option<String>,
    /// `state`: opaque, returned byte for byte.
    pub state: Option<String>,
    /// `code_challenge`, RFC 7636 §4.3.
    pub code_challenge: Option<String>,
    /// `code_challenge_method`, RFC 7636 §4.3.
    pub code_challenge_method: Option<String>,
    /// `nonce`, OIDC Core §3.1.2.1.
    pub nonce: Option<String>,
    /// `prompt`, OIDC Core §3.1.2.1.
    pub prompt: Option<String>,
    /// `max_age` in seconds, OIDC Core §3.1.2.1.
    pub max_age: Option<String>,
    /// `ui_locales`: language tags with spaces between, the best first; OIDC Core §3.1.2.1.
    #[serde(default)]
    pub ui_locales: Option<String>,
    /// `login_hint`, OIDC Core §3.1.2.1.
    pub login_hint: Option<String>,
    /// `id_token_hint`, OIDC Core §3.1.2.1.
    pub id_token_hint: Option<String>,
    /// `acr_values`, OIDC Core §3.1.2.1.
    pub acr_values: Option<String>,
    /// `dpop_jkt`, RFC 9449 §10.
    #[serde(default)]
    pub dpop_jkt: Option<String>,
    /// `resource`, RFC 8707 §2; may repeat.
    pub resource: Vec<String>,
    /// `audience`: the name of an API, asked for at servers that do not take `resource`; may repeat.
    #[serde(default)]
    pub audience: Vec<String>,
    /// `request`, RFC 9101: not taken.
    pub request: Option<String>,
    /// `request_uri`, RFC 9101 and RFC 9126: not taken yet.
    pub request_uri: Option<String>,
}

macro_rules! single_parameters {
    ($macro:ident) => {
        $macro!(
            redirect_uri,
            response_type,
            response_mode,
            scope,
            state,
            code_challenge,
            code_challenge_method,
            nonce,
            prompt,
            max_age,
            ui_locales,
            login_hint,
            id_token_hint,
            acr_values,
            dpop_jkt,
            request,
            request_uri
        )
    };
}

impl AuthorizationRequest {
    /// Reads the request; repeated parameters are refused (RFC 6749 §3.1).
    pub fn decode(form: &Form) -> Result<Self, FormError> {
        form.refuse_repeats(REPEATABLE)?;
        macro_rules! read {
            ($($name:ident),*) => {
                Self {
                    client_id: form.one("client_id")?.map(ClientId::new),
                    resource: form.all("resource").map(str::to_owned).collect(),
                    audience: form.all("audience").map(str::to_owned).collect(),
                    $($name: form.one(stringify!($name))?.map(str::to_owned),)*
                }
            };
        }
        Ok(single_parameters!(read))
    }

    /// Writes the request.
    pub fn encode(&self) -> Form {
        let mut form = Form::default();
        form.push_some("client_id", self.client_id.as_ref().map(ClientId::as_str));
        macro_rules! write {
            ($($name:ident),*) => { $(form.push_some(stringify!($name), self.$name.as_deref());)* };
        }
        single_parameters!(write);
        for resource in &self.resource {
            form.push("resource", resource);
        }
        for audience in &self.audience {
            form.push("audience", audience);
        }
        form
    }

    /// Whether `prompt` holds a word.
    pub fn prompts(&self, word: &str) -> bool {
        self.prompt
            .as_deref()
            .is_some_and(|prompt| prompt.split(' ').any(|known| known == word))
    }
}

/// What comes back at the redirect URI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizationResponse {
    /// The code, or why there is none.
    pub result: Result<Secret<String>, OAuthError>,
    /// `state`, as it was sent.
    pub state: Option<String>,
    /// `iss`, RFC 9207 §2.
    pub iss: Option<String>,
}

/// Why a callback is not an authorization response (row C-18).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadResponse {
    /// A parameter is repeated or not UTF-8.
    #[error(transparent)]
    Form(#[from] FormError),
    /// Both `code` and `error`.
    #[error("the answer carries both a code and an error")]
    Both,
    /// Neither `code` nor `error`.
    #[error("the answer carries neither a code nor an error")]
    Neither,
}

impl AuthorizationResponse {
    /// Reads the parameters of a callback.
    pub fn decode(form: &Form) -> Result<Self, BadResponse> {
        form.refuse_repeats(&[])?;
        let result = match (form.one("code")?, form.one("error")?) {
            (Some(_), Some(_)) => return Err(BadResponse::Both),
            (None, None) => return Err(BadResponse::Neither),
            (Some(code), None) => Ok(Secret::from(code)),
            (None, Some(error)) => Err(OAuthError {
                error: ErrorCode::parse(error),
                description: form.one("error_description")?.map(str::to_owned),
                uri: form.one("error_uri")?.map(str::to_owned),
                interval: None,
            }),
        };
        Ok(Self {
            result,
            state: form.one("state")?.map(str::to_owned),
            iss: form.one("iss")?.map(str::to_owned),
        })
    }

    /// The parameters to add to the redirect URI.
    pub fn encode(&self) -> Form {
        let mut form = Form::default();
        match &self.result {
            Ok(code) => form.push("code", code.expose()),
            Err(error) => {
                form.push("error", error.error.as_str());
                form.push_some("error_description", error.description.as_deref());
                form.push_some("error_uri", error.uri.as_deref());
            }
        }
        form.push_some("state", self.state.as_deref());
        form.push_some("iss", self.iss.as_deref());
        form
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c_18_doubled_contradicting_and_empty_answers_are_refused() {
        let decode = |text: &str| AuthorizationResponse::decode(&Form::parse(text).unwrap());
        assert_eq!(
            decode("code=a&code=b"),
            Err(BadResponse::Form(FormError::Repeated("code".to_owned())))
        );
        assert_eq!(decode("code=a&error=b"), Err(BadResponse::Both));
        assert_eq!(decode("state=a"), Err(BadResponse::Neither));
    }

    #[test]
    fn s_53_state_comes_back_byte_for_byte() {
        for state in ["a+b", "a b", "100%", "a&b=c", "é", &"x".repeat(1500)] {
            let response = AuthorizationResponse {
                result: Ok(Secret::from("c")),
                state: Some(state.to_owned()),
                iss: Some("https://as.test/t".to_owned()),
            };
            let wire = Form::parse(&response.encode().encode()).unwrap();
            assert_eq!(AuthorizationResponse::decode(&wire), Ok(response));
        }
    }

    #[test]
    fn the_request_survives_the_wire() {
        let text = "client_id=cli&redirect_uri=http%3A%2F%2F127.0.0.1%3A9%2Fcallback&response_type=code\
                    &scope=openid+api%3Aread&state=s&code_challenge=c&code_challenge_method=S256&nonce=n\
                    &resource=https%3A%2F%2Fa&audience=b&audience=c";
        let request = AuthorizationRequest::decode(&Form::parse(text).unwrap()).unwrap();
        assert_eq!(
            request.encode().encode(),
            text.replace("                    ", "")
        );
    }
}
