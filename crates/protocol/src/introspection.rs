//! Token introspection.
//!
//! RFC 7662 §2: <https://www.rfc-editor.org/rfc/rfc7662#section-2>

use serde::{Deserialize, Serialize};

use crate::access_token::{AccessTokenClaims, Confirmation};
use crate::form::{Form, FormError};
use crate::jose::numeric_date;
use crate::{Scopes, Secret, Timestamp};

/// RFC 7662 §2.1. The hint only orders the search, so it is read and not kept.
#[derive(Clone, Debug)]
pub struct IntrospectionRequest {
    /// `token`; `None` when it is missing.
    pub token: Option<Secret<String>>,
}

impl IntrospectionRequest {
    /// Reads the request.
    pub fn decode(form: &Form) -> Result<Self, FormError> {
        form.refuse_repeats(&[])?;
        Ok(Self {
            token: form.one("token")?.map(Secret::from),
        })
    }

    /// Writes the request.
    pub fn encode(&self) -> Form {
        let mut form = Form::default();
        form.push_some(
            "token",
            self.token.as_ref().map(|token| token.expose().as_str()),
        );
        form
    }
}

/// RFC 7662 §2.2: active with everything known, or inactive and nothing else.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IntrospectionResponse<C = AccessTokenClaims> {
    /// `active`.
    pub active: bool,
    /// `token_type`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_type: Option<String>,
    /// The claims of the token.
    #[serde(flatten, default, skip_serializing_if = "Option::is_none")]
    pub claims: Option<C>,
}

impl<C> IntrospectionResponse<C> {
    /// `{"active":false}`: what is unknown, expired, revoked or not for this caller (§2.2).
    pub const INACTIVE: Self = Self {
        active: false,
        token_type: None,
        claims: None,
    };
}

/// What the own client of a live refresh token learns of it (row S-159). There is no `token_type`:
/// a refresh token is sent to nobody but us.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RefreshTokenInfo {
    /// `active`: always true.
    pub active: bool,
    /// `iss`.
    pub iss: String,
    /// `sub`.
    pub sub: String,
    /// `client_id`.
    pub client_id: String,
    /// `scope`.
    #[serde(skip_serializing_if = "Scopes::is_empty")]
    pub scope: Scopes,
    /// `exp`: when it ends unless it is used before.
    #[serde(with = "numeric_date")]
    pub exp: Timestamp,
    /// `iat`: when the sign-in began.
    #[serde(with = "numeric_date")]
    pub iat: Timestamp,
    /// `sid`: the authorization that it hangs from.
    pub sid: String,
    /// `cnf`: the key that it is bound to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cnf: Option<Confirmation>,
}
