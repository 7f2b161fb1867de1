//! The client, waited for.

use std::sync::Arc;

use hallpass_protocol::metadata::Metadata;

use super::device_authorization::DeviceAuthorization;
use super::own_runtime::OwnRuntime;
use super::session::Session;
use crate::account::Account;
use crate::client_builder::ClientBuilder;
use crate::error::Error;
use crate::grants::{JwtBearer, TokenExchange, TokenSet};
use crate::sign_in::SignIn;
use crate::sign_out::SignOutReport;
use crate::token_source::TokenRequest;
use crate::tokens::AccessToken;

/// [`crate::Client`] for threads that wait. Made by [`ClientBuilder::build_blocking`]; cloning is cheap,
/// and clones share the runtime.
#[derive(Clone, Debug)]
pub struct Client {
    client: crate::Client,
    runtime: OwnRuntime,
}

impl ClientBuilder {
    /// As [`ClientBuilder::build`], for a program without an asynchronous runtime.
    ///
    /// # Errors
    ///
    /// As [`ClientBuilder::build`], and [`crate::ErrorKind::Config`] when the system gives no runtime what
    /// it needs.
    pub fn build_blocking(self) -> Result<Client, Error> {
        Ok(Client {
            client: self.build()?,
            runtime: OwnRuntime::new()?,
        })
    }
}

impl Client {
    /// Starts describing a client, as [`crate::Client::builder`] does; end with
    /// [`ClientBuilder::build_blocking`].
    pub fn builder(issuer: impl Into<String>, client_id: impl Into<String>) -> ClientBuilder {
        crate::Client::builder(issuer, client_id)
    }

    /// The client that does the work, for what needs no waiting.
    pub fn as_async(&self) -> &crate::Client {
        &self.client
    }

    /// As [`crate::Client::metadata`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn metadata(&self) -> Result<Arc<Metadata>, Error> {
        self.runtime.wait(self.client.metadata())
    }

    /// As [`crate::Client::sign_in`]. [`SignIn::cancelled_by`] ends it from another thread.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn sign_in(&self, how: SignIn) -> Result<Session, Error> {
        let session = self.runtime.wait(self.client.sign_in(how))?;
        Ok(Session::new(session, &self.runtime))
    }

    /// As [`crate::Client::session`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn session(&self) -> Result<Option<Session>, Error> {
        let found = self.runtime.wait(self.client.session())?;
        Ok(found.map(|session| Session::new(session, &self.runtime)))
    }

    /// As [`crate::Client::accounts`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn accounts(&self) -> Result<Vec<Account>, Error> {
        self.runtime.wait(self.client.accounts())
    }

    /// As [`crate::Client::session_of`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn session_of(&self, account: &Account) -> Result<Option<Session>, Error> {
        let found = self.runtime.wait(self.client.session_of(account))?;
        Ok(found.map(|session| Session::new(session, &self.runtime)))
    }

    /// As [`crate::Client::acquire_token_silent`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn acquire_token_silent(&self, request: &TokenRequest) -> Result<AccessToken, Error> {
        self.runtime.wait(self.client.acquire_token_silent(request))
    }

    /// As [`crate::Client::sign_out`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn sign_out(&self) -> Result<SignOutReport, Error> {
        self.runtime.wait(self.client.sign_out())
    }

    /// As [`crate::Client::sign_out_with_browser`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn sign_out_with_browser(&self) -> Result<SignOutReport, Error> {
        self.runtime.wait(self.client.sign_out_with_browser())
    }

    /// As [`crate::Client::start_device_authorization`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn start_device_authorization(&self) -> Result<DeviceAuthorization, Error> {
        let code = self
            .runtime
            .wait(self.client.start_device_authorization())?;
        Ok(DeviceAuthorization::new(code, &self.runtime))
    }

    /// As [`crate::Client::client_credentials`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn client_credentials(&self) -> Result<TokenSet, Error> {
        self.runtime.wait(self.client.client_credentials())
    }

    /// As [`crate::Client::exchange`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn exchange(&self, exchange: TokenExchange) -> Result<TokenSet, Error> {
        self.runtime.wait(self.client.exchange(exchange))
    }

    /// As [`crate::Client::jwt_bearer`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn jwt_bearer(&self, assertion: JwtBearer) -> Result<TokenSet, Error> {
        self.runtime.wait(self.client.jwt_bearer(assertion))
    }
}
