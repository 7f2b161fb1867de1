//! The JWT bearer grant: a token for an assertion that somebody trusted signed.
//!
//! RFC 7523 §2.1: <https://www.rfc-editor.org/rfc/rfc7523#section-2.1>

use hallpass_protocol::token::TokenRequest;
use hallpass_protocol::{Scopes, Secret};

use super::token_set::TokenSet;
use crate::client::{Client, scope_parameter};
use crate::error::Error;

/// An assertion to redeem.
#[derive(Clone, Debug)]
#[must_use = "pass it to `Client::jwt_bearer`"]
pub struct JwtBearer {
    assertion: Secret<String>,
    scopes: Option<Scopes>,
}

impl JwtBearer {
    /// Redeems this signed JWT.
    pub fn new(assertion: Secret<String>) -> Self {
        Self {
            assertion,
            scopes: None,
        }
    }

    /// Asks for these scopes. Default: the client's.
    pub fn scopes(mut self, scopes: Scopes) -> Self {
        self.scopes = Some(scopes);
        self
    }
}

impl Client {
    /// Redeems an assertion. Nothing is stored.
    ///
    /// ```no_run
    /// # async fn example(client: hallpass_client::Client, assertion: hallpass_client::Secret<String>) -> Result<(), hallpass_client::Error> {
    /// use hallpass_client::JwtBearer;
    ///
    /// // Signed by a party that the server trusts, such as a cloud's identity service.
    /// let set = client.jwt_bearer(JwtBearer::new(assertion)).await?;
    /// println!("{:?}", set.access_token.expires_at());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Client::client_credentials`].
    pub async fn jwt_bearer(&self, assertion: JwtBearer) -> Result<TokenSet, Error> {
        let request = TokenRequest::JwtBearer {
            assertion: assertion.assertion,
            scope: assertion
                .scopes
                .as_ref()
                .map_or_else(|| self.inner.scope(), scope_parameter),
            resource: self.inner.resources.clone(),
        };
        self.inner
            .token_set(&request, None, "the server refused the assertion")
            .await
    }
}
