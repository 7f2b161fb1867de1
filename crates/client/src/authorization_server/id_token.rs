//! The check of an ID token that the server sent.
//!
//! OIDC Core §3.1.3.7: <https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation>

use std::time::Duration;

use hallpass_protocol::Secret;
use hallpass_protocol::id_token::{self, Expect, IdTokenError, IdTokenPolicy, VerifiedIdToken};
use hallpass_protocol::jose::Unverified;
use hallpass_protocol::jose::jwt::TimeError;
use hallpass_protocol::metadata::Metadata;
use serde_json::{Map, Value};

use super::issuer_keys::algorithms;
use super::server::AuthorizationServer;
use super::token_endpoint::Granted;
use crate::error::{Error, SecurityViolation};
use crate::provider::Identity;

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
        let issuer = self.id_token_issuer(metadata, token.expose());
        let algorithms = algorithms(metadata);
        let acr: Vec<&str> = asked.acr.iter().map(String::as_str).collect();
        // The server's own clock judges its tokens; ours may be wrong (row Q-40).
        let now = granted.server_now();
        let policy = IdTokenPolicy {
            algorithms: &algorithms,
            max_age: asked.max_age,
            acr: &acr,
            access_token: Some(granted.response.access_token.expose()),
            ..IdTokenPolicy::new(&issuer, self.client_id.as_str(), asked.nonce, now)
        };
        let check = |keys: &_| id_token::verify(token.expose(), keys, &policy);
        let checked = self.keys.check(&self.http, metadata, check).await?;
        let verified = checked.map_err(|error| match &error {
            IdTokenError::Time(TimeError::IssuedInFuture) => in_the_future(token, granted, error),
            _ => refused(&error),
        })?;
        if let Some(provider) = &self.provider
            && !provider.lets_in(verified.claims())
        {
            let violation = SecurityViolation::IdToken(IdTokenError::Issuer);
            return Err(Error::security(
                violation,
                "the account is of a tenant that is not let in",
            )
            .hint_to("nothing was stored; sign in with an account of the right tenant"));
        }
        Ok(Some(verified))
    }

    /// The issuer that the ID token must name: ours, or the provider's own spelling of it.
    fn id_token_issuer(&self, metadata: &Metadata, token: &str) -> String {
        let Some(provider) = &self.provider else {
            return self.issuer.clone();
        };
        // Not verified yet: a token that cannot be read fails at the check itself.
        let claims = Unverified::parse(token).and_then(|token| token.peek());
        provider.id_token_issuer(&metadata.issuer, &claims.unwrap_or_default())
    }

    /// Who signed in, where the server has no ID tokens but another way to tell (row Q-06).
    pub(crate) async fn identify(&self, granted: &Granted) -> Result<Option<Identity>, Error> {
        let Some(provider) = self
            .provider
            .as_ref()
            .filter(|known| known.tells_identity())
        else {
            return Ok(None);
        };
        let identity = match provider.identity_url() {
            None => granted.identity.clone(),
            Some(url) => {
                let token = granted.response.access_token.expose();
                let header = Secret::new(format!("Bearer {token}"));
                let reply = self.http.get_with_token(&url, &header).await?;
                if reply.status >= 500 || reply.status == 429 {
                    let text = format!(
                        "the server does not tell who signed in ({})",
                        reply.describe()
                    );
                    return Err(Error::unavailable(text, reply.retry_after));
                }
                let members = serde_json::from_slice::<Map<String, Value>>(reply.body.expose());
                let members = members.ok().filter(|_| reply.is_success());
                members.and_then(|members| provider.read_identity(&members))
            }
        };
        // Without it nobody could tell that another account signed in (row C-69).
        identity.map(Some).ok_or_else(|| {
            Error::protocol("the server does not tell who signed in")
                .hint_to("nothing was stored; the token may lack the scope to read the user")
        })
    }
}

/// An ID token that is issued later than now: one of the clocks is wrong, and `Date` tells which (row
///
fn in_the_future(token: &Secret<String>, granted: &Granted, error: IdTokenError) -> Error {
    let claims = Unverified::parse(token.expose());
    let claims = claims.and_then(|token| token.peek::<Map<String, Value>>());
    let issued = claims.ok().and_then(|claims| claims.get("iat")?.as_i64());
    let ahead = issued.map(|issued| issued - granted.received_at.unix_seconds());
    let (Some(ahead), slow) = (ahead, granted.server_ahead / 1000) else {
        return refused(&error);
    };
    let clock = match slow {
        0 => String::new(),
        1.. => format!("; this machine's clock is {slow} s slow (server Date header)"),
        _ => format!(
            "; this machine's clock is {} s fast (server Date header)",
            -slow
        ),
    };
    let text = format!("ID token is {ahead} s in the future{clock}");
    Error::security(SecurityViolation::IdToken(error), text)
        .hint_to("sync the clock; if it is right, the server's is not")
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
