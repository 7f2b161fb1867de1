//! The check of an ID token that the server sent.
//!
//! OIDC Core §3.1.3.7: <https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation>

use std::time::Duration;

use hallpass_protocol::id_token::{self, Expect, IdTokenError, IdTokenPolicy, VerifiedIdToken};
use hallpass_protocol::metadata::Metadata;

use super::issuer_keys::algorithms;
use super::server::AuthorizationServer;
use super::token_endpoint::Granted;
use crate::error::{Error, SecurityViolation};

/// What the request that brought the ID token asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) nonce: Expect<'a>,
    pub(crate) acr: &'a [String],
    pub(crate) max_age: Option<Duration>,
}

impl AuthorizationServer {
    /// Fetches the keys if there are none yet.
    pub(crate) async fn prepare_keys(&self) -> Result<(), Error> {
        let metadata = self.metadata().await?;
        self.keys.prepare(&self.http, &metadata).await
    }

    /// Checks the ID token that came with an answer; `None` when none came.
    pub(crate) async fn verify_id_token(
        &self,
        metadata: &Metadata,
        granted: &Granted,
        asked: Asked<'_>,
    ) -> Result<Option<VerifiedIdToken>, Error> {
        let Some(token) = &granted.response.id_token else {
            return Ok(None);
        };
        let algorithms = algorithms(metadata);
        let acr: Vec<&str> = asked.acr.iter().map(String::as_str).collect();
        // The server's own clock judges its tokens; ours may be wrong (row Q-40).
        let now = granted.server_now();
        let policy = IdTokenPolicy {
            algorithms: &algorithms,
            max_age: asked.max_age,
            acr: &acr,
            access_token: Some(granted.response.access_token.expose()),
            ..IdTokenPolicy::new(&self.issuer, self.client_id.as_str(), asked.nonce, now)
        };
        let check = |keys: &_| id_token::verify(token.expose(), keys, &policy);
        let checked = self.keys.check(&self.http, metadata, check).await?;
        checked.map(Some).map_err(|error| refused(&error))
    }
}

/// The error for an ID token that failed a check.
pub(crate) fn refused(error: &IdTokenError) -> Error {
    let built = Error::security(SecurityViolation::IdToken(error.clone()), error.to_string());
    match error {
        IdTokenError::Time(_) | IdTokenError::AuthTimeInFuture => built.hint_to(
            "nothing was stored; synchronise the clocks of this machine and of the server",
        ),
        _ => built.hint_to("nothing was stored; report this to the operator of the server"),
    }
}
