//! A device code, waited for (RFC 8628).

use std::time::Duration;

use url::Url;

use super::own_runtime::OwnRuntime;
use super::session::Session;
use crate::error::Error;

/// [`crate::DeviceAuthorization`] for threads that wait.
#[derive(Debug)]
#[must_use = "the code is good for nothing until `wait` is called"]
pub struct DeviceAuthorization {
    code: crate::DeviceAuthorization,
    runtime: OwnRuntime,
}

impl DeviceAuthorization {
    pub(super) fn new(code: crate::DeviceAuthorization, runtime: &OwnRuntime) -> Self {
        let runtime = runtime.clone();
        Self { code, runtime }
    }

    /// As [`crate::DeviceAuthorization::user_code`].
    pub fn user_code(&self) -> &str {
        self.code.user_code()
    }

    /// As [`crate::DeviceAuthorization::verification_uri`].
    pub fn verification_uri(&self) -> &Url {
        self.code.verification_uri()
    }

    /// As [`crate::DeviceAuthorization::verification_uri_complete`].
    pub fn verification_uri_complete(&self) -> Option<&Url> {
        self.code.verification_uri_complete()
    }

    /// As [`crate::DeviceAuthorization::expires_in`].
    pub fn expires_in(&self) -> Duration {
        self.code.expires_in()
    }

    /// As [`crate::DeviceAuthorization::wait`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn wait(self) -> Result<Session, Error> {
        let Self { code, runtime } = self;
        let session = runtime.wait(code.wait())?;
        Ok(Session::new(session, &runtime))
    }
}
