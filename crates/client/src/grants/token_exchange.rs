//! Token exchange: a token for somebody else's token.
//!
//! RFC 8693 §2: <https://www.rfc-editor.org/rfc/rfc8693#section-2>

use hallpass_protocol::token::{TokenExchangeRequest, TokenRequest, TokenTypeUri};
use hallpass_protocol::{Scopes, Secret};

use super::token_set::TokenSet;
use crate::client::{Client, scope_parameter};
use crate::dpop::DpopKey;
use crate::error::{Error, SecurityViolation};
use crate::tokens::AccessToken;

/// What to exchange for what. The scopes are only those named here: an exchange narrows.
#[derive(Clone, Debug)]
#[must_use = "pass it to `Client::exchange`"]
pub struct TokenExchange {
    request: TokenExchangeRequest,
    scopes: Scopes,
    key: Option<DpopKey>,
}

impl TokenExchange {
    /// Exchanges this token of this type.
    pub fn new(subject_token: Secret<String>, subject_token_type: TokenTypeUri) -> Self {
        let request = TokenExchangeRequest {
            subject_token,
            subject_token_type,
            actor: None,
            requested_token_type: None,
            audience: Vec::new(),
            resource: Vec::new(),
            scope: None,
        };
        Self {
            request,
            scopes: Scopes::default(),
            key: None,
        }
    }

    /// Exchanges this access token. One that is bound to a key is proved to be ours, and the new token is
    /// bound to the same key (RFC 9449 §5).
    pub fn of(token: &AccessToken) -> Self {
        let subject = Secret::new(token.expose().to_owned());
        let mut exchange = Self::new(subject, TokenTypeUri::AccessToken);
        exchange.key = token.binding().map(|binding| binding.key.clone());
        exchange
    }

    /// Acts on behalf of this party (RFC 8693 §2.1, `actor_token`).
    pub fn actor(mut self, token: Secret<String>, token_type: TokenTypeUri) -> Self {
        self.request.actor = Some((token, token_type));
        self
    }

    /// The logical name of the service that the new token is for; may be called again.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.request.audience.push(audience.into());
        self
    }

    /// The address of the service that the new token is for; may be called again.
    pub fn resource(mut self, resource: impl Into<String>) -> Self {
        self.request.resource.push(resource.into());
        self
    }

    /// Asks for these scopes only.
    pub fn scopes(mut self, scopes: Scopes) -> Self {
        self.scopes = scopes;
        self
    }

    /// Asks for a token of this type. Default: an access token.
    pub fn requested_token_type(mut self, token_type: TokenTypeUri) -> Self {
        self.request.requested_token_type = Some(token_type);
        self
    }
}

impl Client {
    /// Exchanges a token. Nothing is stored.
    ///
    /// ```no_run
    /// # async fn example(client: hallpass_client::Client, session: hallpass_client::Session) -> Result<(), hallpass_client::Error> {
    /// use hallpass_client::TokenExchange;
    ///
    /// let own = session.access_token().await?;
    /// let narrow = TokenExchange::of(&own).audience("https://billing.example.com");
    /// let set = client.exchange(narrow).await?;
    /// println!("{:?}", set.access_token.expires_at());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Security`] when the server issues another type of token than was asked
    /// for, or does not say which (RFC 8693 §2.2.1, row C-28); else as
    /// [`Client::client_credentials`].
    pub async fn exchange(&self, exchange: TokenExchange) -> Result<TokenSet, Error> {
        let TokenExchange {
            mut request,
            scopes,
            key,
        } = exchange;
        request.scope = scope_parameter(&scopes);
        let wanted = request
            .requested_token_type
            .clone()
            .unwrap_or(TokenTypeUri::AccessToken);
        let asked = request.requested_token_type.is_some();
        let request = TokenRequest::TokenExchange(request);
        let set = self
            .inner
            .token_set(&request, key, "the server refused the exchange")
            .await?;
        match &set.issued_token_type {
            // §2.2.1: `issued_token_type` is REQUIRED.
            None => Err(wrong_type(
                "the server does not say which type of token it issued",
            )),
            // A JWT access token may be called either (§3) when nothing was asked for.
            Some(TokenTypeUri::Jwt) if !asked => Ok(set),
            Some(issued) if *issued != wanted => Err(wrong_type(
                "the server issued another type of token than was asked for",
            )),
            Some(_) => Ok(set),
        }
    }
}

fn wrong_type(text: &str) -> Error {
    Error::security(SecurityViolation::TokenType, text).hint_to(
        "name the type with `requested_token_type`, or report this to the operator of the server",
    )
}
