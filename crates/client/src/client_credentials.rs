//! The client credentials grant: a program signs in as itself.
//!
//! RFC 6749 §4.4: <https://www.rfc-editor.org/rfc/rfc6749#section-4.4>

use hallpass_protocol::token::{TokenRequest, TokenTypeUri};

use crate::client::{Client, Inner};
use crate::discovery::endpoint;
use crate::error::Error;
use crate::token_endpoint::{self, Granted};
use crate::tokens::{AccessToken, TokenSet, TokenType, lifetime};

impl Client {
    /// Fetches a token for the client itself, with the client's scopes and resources. Nothing is
    /// stored.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Config`] when the server does not know the client, its secret or the
    /// scopes; [`crate::ErrorKind::Unavailable`] when it is not there.
    pub async fn client_credentials(&self) -> Result<TokenSet, Error> {
        let request = TokenRequest::ClientCredentials {
            scope: self.inner.scope(),
            resource: self.inner.resources.clone(),
            audience: Vec::new(),
        };
        self.inner
            .token_set(&request, "the server refused the client")
            .await
    }
}

impl Inner {
    /// Asks once for tokens that no session keeps.
    pub(crate) async fn token_set(
        &self,
        request: &TokenRequest,
        what: &str,
    ) -> Result<TokenSet, Error> {
        let metadata = self.metadata().await?;
        let url = endpoint(
            &metadata,
            "token_endpoint",
            metadata.token_endpoint.as_ref(),
        )?;
        let granted = token_endpoint::ask(self, &url, request).await;
        let Granted {
            response,
            received_at,
            server_ahead,
        } = granted.map_err(|refused| refused.into_error(what))?;
        let token_type = TokenType::parse(&response.token_type)?;
        let server_now = received_at.unix_millis().saturating_add(server_ahead);
        let lifetime = lifetime(
            &response,
            hallpass_protocol::Timestamp::from_unix_millis(server_now),
        );
        let expires_at = lifetime.map(|lifetime| received_at + lifetime);
        let scope = response.scope.unwrap_or_else(|| self.scopes.clone());
        Ok(TokenSet {
            access_token: AccessToken::new(response.access_token, token_type, expires_at, scope),
            refresh_token: response.refresh_token,
            issued_token_type: response
                .issued_token_type
                .as_deref()
                .map(TokenTypeUri::parse),
        })
    }
}
