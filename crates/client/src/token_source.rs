//! Who has tokens to give, and what may be asked of them.
//!
//! Scopes are those of RFC 6749 §3.3, resources those of RFC 8707 §2.

use std::fmt;
use std::time::Duration;

use hallpass_protocol::Scopes;

use crate::BoxFuture;
use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::session::Session;
use crate::tokens::AccessToken;

/// What a caller needs of a token. The default is whatever the session has.
///
/// ```
/// use std::time::Duration;
/// use hallpass_client::TokenRequest;
///
/// let request = TokenRequest::new()
///     .scopes(["api:read"])
///     .resource("https://api.example.com")
///     .min_validity(Duration::from_secs(120));
/// # drop(request);
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "pass it to `Client::acquire_token_silent` or to a `TokenSource`"]
pub struct TokenRequest {
    scopes: String,
    resource: Option<String>,
    min_validity: Duration,
}

/// Gives out access tokens that are good when they are given, and never prompts.
///
/// [`Session`] and [`Client`] give those of a person, [`crate::ServiceTokens`] those of the program
/// itself. Programs that take tokens from elsewhere implement it.
pub trait TokenSource: Send + Sync + fmt::Debug {
    /// A token as requested, from memory, from the store or from the server. Each step has a deadline.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::LoginRequired`] when a person is needed; the errors of
    /// [`Session::acquire_token`].
    fn token<'a>(&'a self, request: &'a TokenRequest) -> BoxFuture<'a, Result<AccessToken, Error>>;
}

impl TokenRequest {
    /// Asks for nothing special.
    pub fn new() -> Self {
        Self::default()
    }

    /// The token must carry these scopes (RFC 6749 §3.3).
    pub fn scopes<S: AsRef<str>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        for scope in scopes {
            self.scopes.push(' ');
            self.scopes.push_str(scope.as_ref());
        }
        self
    }

    /// The token must be for this API, spelled as [`crate::ClientBuilder::resource`] spells it
    /// (RFC 8707 §2).
    pub fn resource(mut self, resource: impl Into<String>) -> Self {
        self.resource = Some(resource.into());
        self
    }

    /// The token must stay good at least this long, as far as half of its lifetime allows.
    pub fn min_validity(mut self, span: Duration) -> Self {
        self.min_validity = span;
        self
    }

    /// How long the token must stay good.
    pub(crate) fn validity(&self) -> Duration {
        self.min_validity
    }

    /// Fails when the one who would give the token has been granted less.
    pub(crate) fn check(&self, granted: &Scopes, resources: &[String]) -> Result<(), Error> {
        let wanted = Scopes::parse(&self.scopes)
            .map_err(|error| Error::config("the scopes are malformed").caused_by(error))?;
        let missing = wanted.filter(|scope| !granted.contains(scope));
        if !missing.is_empty() {
            let text = format!("the token would lack {missing}");
            return Err(Error::new(ErrorKind::InsufficientScope, text)
                .hint_to(format!("sign in again with the scope {missing}")));
        }
        match &self.resource {
            Some(resource) if !resources.contains(resource) => {
                let shown = crate::clean::text(resource);
                Err(
                    Error::config(format!("the token is not for {shown}")).hint_to(format!(
                        "if it is, name it: `.resource(\"{shown}\")`, and sign in again"
                    )),
                )
            }
            _ => Ok(()),
        }
    }
}

impl Client {
    /// A fresh token of whoever is signed in. It refreshes when it has to and never prompts.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::LoginRequired`] when nobody is signed in; else as [`Session::acquire_token`].
    pub async fn acquire_token_silent(&self, request: &TokenRequest) -> Result<AccessToken, Error> {
        let session = self.session().await?.ok_or_else(|| {
            let host = self.inner.server.host();
            Error::login_required(format!("nobody is signed in to {host}"))
        })?;
        session.acquire_token(request).await
    }
}

impl Session {
    /// A token of this session that fits the request, refreshed when it has to be.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InsufficientScope`] when the sign-in was not granted a scope,
    /// [`ErrorKind::Config`] when it was for other resources; else as [`Session::access_token`].
    pub async fn acquire_token(&self, request: &TokenRequest) -> Result<AccessToken, Error> {
        request.check(self.scope(), self.resources())?;
        self.access_token_for(request.validity()).await
    }
}

impl TokenSource for Session {
    fn token<'a>(&'a self, request: &'a TokenRequest) -> BoxFuture<'a, Result<AccessToken, Error>> {
        Box::pin(self.acquire_token(request))
    }
}

impl TokenSource for Client {
    fn token<'a>(&'a self, request: &'a TokenRequest) -> BoxFuture<'a, Result<AccessToken, Error>> {
        Box::pin(self.acquire_token_silent(request))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_held_against_what_was_granted() {
        let granted = Scopes::parse("openid api:read").unwrap();
        let resources = ["https://api.test".to_owned()];
        let kind = |request: TokenRequest| {
            let done = request.check(&granted, &resources);
            done.err().map(|error| error.kind().clone())
        };
        let new = TokenRequest::new;
        assert_eq!(kind(new()), None);
        assert_eq!(kind(new().scopes(["api:read", "openid"])), None);
        assert_eq!(kind(new().resource("https://api.test")), None);
        assert_eq!(
            kind(new().scopes(["api:read api:write"])),
            Some(ErrorKind::InsufficientScope)
        );
        assert_eq!(
            kind(new().resource("https://api.test.evil")),
            Some(ErrorKind::Config)
        );
        assert_eq!(kind(new().scopes(["a\"b"])), Some(ErrorKind::Config));
    }
}
