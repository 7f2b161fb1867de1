//! A signed-in account, waited for.

use std::time::Duration;

use hallpass_protocol::Scopes;
use hallpass_protocol::id_token::IdTokenClaims;
use hallpass_protocol::userinfo::UserInfo;

use super::http::AuthorizedHttp;
use super::own_runtime::OwnRuntime;
use crate::account::Account;
use crate::error::Error;
use crate::sign_out::SignOutReport;
use crate::token_source::TokenRequest;
use crate::tokens::AccessToken;

/// [`crate::Session`] for threads that wait. Clones may be used on several threads at once.
#[derive(Clone, Debug)]
pub struct Session {
    session: crate::Session,
    runtime: OwnRuntime,
}

impl Session {
    pub(super) fn new(session: crate::Session, runtime: &OwnRuntime) -> Self {
        let runtime = runtime.clone();
        Self { session, runtime }
    }

    /// The session that does the work, for what needs no waiting: its status, when it was signed in, and
    /// more.
    pub fn as_async(&self) -> &crate::Session {
        &self.session
    }

    /// As [`crate::Session::account`].
    pub fn account(&self) -> &Account {
        self.session.account()
    }

    /// As [`crate::Session::claims`].
    pub fn claims(&self) -> Option<&IdTokenClaims> {
        self.session.claims()
    }

    /// As [`crate::Session::scope`].
    pub fn scope(&self) -> &Scopes {
        self.session.scope()
    }

    /// As [`crate::Session::http`].
    pub fn http(&self) -> AuthorizedHttp {
        AuthorizedHttp::new(self.session.http(), &self.runtime)
    }

    /// As [`crate::Session::access_token`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn access_token(&self) -> Result<AccessToken, Error> {
        self.runtime.wait(self.session.access_token())
    }

    /// As [`crate::Session::access_token_for`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn access_token_for(&self, min_validity: Duration) -> Result<AccessToken, Error> {
        self.runtime
            .wait(self.session.access_token_for(min_validity))
    }

    /// As [`crate::Session::acquire_token`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn acquire_token(&self, request: &TokenRequest) -> Result<AccessToken, Error> {
        self.runtime.wait(self.session.acquire_token(request))
    }

    /// As [`crate::Session::refresh`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn refresh(&self) -> Result<AccessToken, Error> {
        self.runtime.wait(self.session.refresh())
    }

    /// As [`crate::Session::user_info`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn user_info(&self) -> Result<UserInfo, Error> {
        self.runtime.wait(self.session.user_info())
    }

    /// As [`crate::Session::reloaded`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn reloaded(&self) -> Result<Option<Self>, Error> {
        let found = self.runtime.wait(self.session.reloaded())?;
        Ok(found.map(|session| Self::new(session, &self.runtime)))
    }

    /// As [`crate::Session::sign_out`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn sign_out(self) -> Result<SignOutReport, Error> {
        self.runtime.wait(self.session.sign_out())
    }
}
