//! Token exchange: one token for another, with less power and another audience.
//!
//! RFC 8693 §2: <https://www.rfc-editor.org/rfc/rfc8693#section-2>. So far impersonation alone, as
//! dev mode allows it; delegation comes with the rules of production.

use hallpass_protocol::access_token::AccessTokenClaims;
use hallpass_protocol::token::{TokenExchangeRequest, TokenTypeUri};
use hallpass_protocol::{Scopes, Timestamp};

use crate::refusal::Refusal;
use crate::{oidc_scopes, policy};

/// What a subject token that verified says, whatever its kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Subject {
    /// `sub`.
    pub subject: String,
    /// `scope`; `None` for a token that carries none (an ID token).
    pub scopes: Option<Scopes>,
    /// When it ends: the issued token ends no later (row S-76).
    pub expires_at: Timestamp,
}

impl From<&AccessTokenClaims> for Subject {
    fn from(claims: &AccessTokenClaims) -> Self {
        Self {
            subject: claims.sub.clone(),
            scopes: Some(claims.scope.clone()),
            expires_at: claims.exp,
        }
    }
}

/// Refuses what nothing here can verify or issue, before the token is looked at.
pub fn check(request: &TokenExchangeRequest) -> Result<(), Refusal> {
    match request.subject_token_type {
        TokenTypeUri::AccessToken | TokenTypeUri::IdToken | TokenTypeUri::Jwt => {}
        TokenTypeUri::RefreshToken | TokenTypeUri::Other(_) => {
            return Err(Refusal::invalid_request(
                "this `subject_token_type` is not accepted",
            ));
        }
    }
    if request.actor.is_some() {
        return Err(Refusal::invalid_request(
            "`actor_token` is not accepted: delegation is not configured",
        ));
    }
    match request.requested_token_type {
        None | Some(TokenTypeUri::AccessToken | TokenTypeUri::Jwt) => {}
        Some(TokenTypeUri::IdToken | TokenTypeUri::RefreshToken | TokenTypeUri::Other(_)) => {
            return Err(Refusal::invalid_request(
                "only an access token can be requested",
            ));
        }
    }
    Ok(())
}

/// The refusal of a subject token that does not verify (RFC 8693 §2.2.2: `invalid_request`).
pub fn bad_subject_token() -> Refusal {
    Refusal::invalid_request("the subject token is not valid here")
}

/// The scopes and audience of the issued token.
///
/// In dev mode the scopes of the target may be new (`service-b:read`), since nobody configured
/// which ones it has; they are never more than what was asked.
pub fn redeem(
    request: &TokenExchangeRequest,
    subject: &Subject,
) -> Result<(Scopes, Vec<String>), Refusal> {
    let scopes = match request.scope.as_deref() {
        Some(text) => Scopes::parse(text).map_err(|_| Refusal::InvalidScope)?,
        None => subject.scopes.clone().unwrap_or_default(),
    };
    let mut audience = request.audience.clone();
    audience.extend(policy::check_resources(&request.resource)?);
    // An exchanged token speaks for nobody who could come back.
    Ok((
        scopes.filter(|scope| scope != oidc_scopes::OFFLINE_ACCESS),
        audience,
    ))
}
