//! The tokens that no session keeps.

use hallpass_protocol::Secret;
use hallpass_protocol::token::{TokenRequest, TokenTypeUri};

use crate::authorization_server::endpoint;
use crate::client::ClientInner;
use crate::dpop::{Binding, DpopKey, DpopMode};
use crate::error::Error;
use crate::tokens::{AccessToken, TokenType};

/// What a grant without a session brought: client credentials, token exchange, JWT bearer.
#[derive(Clone, Debug)]
pub struct TokenSet {
    /// `access_token`; after a token exchange perhaps another kind of token.
    pub access_token: AccessToken,
    /// `refresh_token`.
    pub refresh_token: Option<Secret<String>>,
    /// `issued_token_type`, after a token exchange (RFC 8693 §2.2.1).
    pub issued_token_type: Option<TokenTypeUri>,
}

impl ClientInner {
    /// Asks once for tokens that no session keeps. They are bound to this key; without one, to a new key
    /// where DPoP is required, else to none: they are handed out to be used by hand.
    pub(super) async fn token_set(
        &self,
        request: &TokenRequest,
        key: Option<DpopKey>,
        what: &str,
    ) -> Result<TokenSet, Error> {
        let metadata = self.server.metadata().await?;
        let address = metadata.token_endpoint.as_ref();
        let url = endpoint(&metadata, "token_endpoint", address)?;
        let key = match key {
            None if self.dpop == DpopMode::Required => self.dpop.new_key(&metadata)?,
            other => other,
        };
        let granted = self.server.ask(&url, request, key.as_ref()).await;
        let granted = granted.map_err(|refused| refused.into_error(what))?;
        let token_type = match TokenType::parse(&granted.response.token_type)? {
            TokenType::NotApplicable => TokenType::NotApplicable,
            _ => granted.presented(self.dpop == DpopMode::Required)?,
        };
        let ahead = granted.server_ahead;
        let binding = granted.key.clone().map(|key| Binding { key, ahead });
        let expires_at = granted
            .lifetime()
            .map(|lifetime| granted.received_at + lifetime);
        let response = granted.response;
        let scope = response.scope.unwrap_or_else(|| self.scopes.clone());
        Ok(TokenSet {
            access_token: AccessToken::new(response.access_token, token_type, expires_at, scope)
                .bound_by(binding),
            refresh_token: response.refresh_token,
            issued_token_type: response
                .issued_token_type
                .as_deref()
                .map(TokenTypeUri::parse),
        })
    }
}
