//! Token revocation.
//!
//! RFC 7009 §2.1: <https://www.rfc-editor.org/rfc/rfc7009#section-2.1>

use crate::Secret;
use crate::form::{Form, FormError};

/// RFC 7009 §2.1. A wrong hint must not change the result, so the server only uses it to look
/// there first.
#[derive(Clone, Debug)]
pub struct RevocationRequest {
    /// `token`; `None` when it is missing.
    pub token: Option<Secret<String>>,
    /// `token_type_hint`.
    pub hint: Option<String>,
}

impl RevocationRequest {
    /// Reads the request.
    pub fn decode(form: &Form) -> Result<Self, FormError> {
        form.refuse_repeats(&[])?;
        Ok(Self {
            token: form.one("token")?.map(Secret::from),
            hint: form.one("token_type_hint")?.map(str::to_owned),
        })
    }

    /// Writes the request.
    pub fn encode(&self) -> Form {
        let mut form = Form::default();
        form.push_some(
            "token",
            self.token.as_ref().map(|token| token.expose().as_str()),
        );
        form.push_some("token_type_hint", self.hint.as_deref());
        form
    }
}
