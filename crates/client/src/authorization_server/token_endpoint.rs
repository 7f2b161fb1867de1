//! One request to the token endpoint, and what its answer means.
//!
//! RFC 6749 §5: <https://www.rfc-editor.org/rfc/rfc6749#section-5>; rows C-43, C-46, C-47.

use std::time::Duration;

use hallpass_protocol::token::{TokenRequest, TokenResponse};
use hallpass_protocol::{OAuthError, Timestamp};
use serde_json::Value;
use url::Url;

use super::refusal::{members, oauth_error};
use super::server::AuthorizationServer;
use crate::dpop::DpopKey;
use crate::error::{Error, ErrorKind, SecurityViolation};
use crate::http::Reply;
use crate::provider::{Identity, Provider, RequestTo};
use crate::tokens::{TokenType, lifetime};

/// Tokens, and when they came.
pub(crate) struct Granted {
    pub(crate) response: TokenResponse,
    pub(crate) received_at: Timestamp,
    /// How far the server's clock is ahead of ours, in milliseconds.
    pub(crate) server_ahead: i64,
    /// Who signed in, where the answer itself tells (rows Q-26, Q-31).
    pub(crate) identity: Option<Identity>,
    /// The key that the request proved, if it proved one.
    pub(crate) key: Option<DpopKey>,
}

/// Why no tokens came.
pub(crate) enum NotGranted {
    /// The server said no.
    Refused(OAuthError),
    /// The server did not say anything usable: asking again may help.
    Unanswered {
        /// `Retry-After`.
        retry_after: Option<Duration>,
        /// Whether the request may have reached the server.
        cause: Error,
    },
    /// Asking again does not help.
    Failed(Error),
}

impl AuthorizationServer {
    /// Asks for tokens, once; with a key, for tokens that are bound to it.
    pub(crate) async fn ask(
        &self,
        token_endpoint: &Url,
        request: &TokenRequest,
        key: Option<&DpopKey>,
    ) -> Result<Granted, NotGranted> {
        let form = self.adjusted(RequestTo::Token, request.encode());
        let reply = self.post_bound(token_endpoint, form, key).await;
        let reply = reply.map_err(|error| match error.kind() {
            ErrorKind::Unavailable { .. } => NotGranted::Unanswered {
                retry_after: None,
                cause: error,
            },
            _ => NotGranted::Failed(error),
        })?;
        let granted = read(&reply, self.provider.as_ref())?;
        Ok(Granted {
            key: key.cloned(),
            ..granted
        })
    }
}

impl Granted {
    /// The server's time when the answer came.
    pub(crate) fn server_now(&self) -> Timestamp {
        let now = self.received_at.unix_millis();
        Timestamp::from_unix_millis(now.saturating_add(self.server_ahead))
    }

    /// How long the access token lives from then on, as far as anybody said.
    pub(crate) fn lifetime(&self) -> Option<Duration> {
        lifetime(&self.response, self.server_now())
    }

    /// How a session presents the token; it needs one that goes into an `Authorization` header.
    ///
    /// RFC 9449 §5: a client that depends on the protection "MUST discard" a Bearer token that came for
    /// a proof (row C-37).
    pub(crate) fn presented(&self, must_be_bound: bool) -> Result<TokenType, Error> {
        let token_type = TokenType::parse(&self.response.token_type)?;
        match token_type {
            TokenType::Bearer if must_be_bound => Err(Error::security(
                SecurityViolation::TokenType,
                "the server issued a Bearer token although a DPoP token was asked for",
            )
            .hint_to("sign in without DPoP if the server cannot bind tokens to keys")),
            TokenType::Dpop if self.key.is_none() => Err(Error::protocol(
                "the server issued a DPoP token although no key was proved",
            )
            .hint_to("report this to the operator of the server")),
            TokenType::Bearer | TokenType::Dpop => Ok(token_type),
            TokenType::NotApplicable => Err(Error::protocol(
                "the server issued no access token (token_type N_A)",
            )),
        }
    }
}

impl NotGranted {
    /// The error for a caller that does not ask again.
    pub(crate) fn into_error(self, what: &str) -> Error {
        match self {
            Self::Refused(error) => Error::from_oauth(what, &error),
            Self::Unanswered { cause, .. } | Self::Failed(cause) => cause,
        }
    }
}

fn read(reply: &Reply, provider: Option<&Provider>) -> Result<Granted, NotGranted> {
    let mut members = members(reply);
    let identity = match (provider, &mut members) {
        (Some(provider), Some(members)) => provider.read_answer(members),
        _ => None,
    };
    let has = |name: &str| {
        let member = members.as_ref().and_then(|members| members.get(name));
        member.is_some_and(|member| !member.is_null())
    };
    // 5xx and 429 say nothing about the grant, unless an OAuth error explains them (row Q-20).
    let is_busy = reply.status >= 500 || (reply.status == 429 && !has("error"));
    // Row Q-02: an error comes first, whatever stands beside it.
    if !is_busy && has("access_token") && !has("error") && reply.is_success() {
        let body = Value::Object(members.unwrap_or_default()).to_string();
        let response = TokenResponse::from_json(body.as_bytes()).map_err(|error| {
            let text = "the token answer is malformed".to_owned();
            NotGranted::Failed(Error::protocol(text).caused_by(error))
        })?;
        let (received_at, server_ahead) = (reply.received_at, reply.server_ahead);
        return Ok(Granted {
            response,
            received_at,
            server_ahead,
            identity,
            key: None,
        });
    }
    // Row C-46: an error is one at any status, also at 200.
    if let Some(error) = members.filter(|_| !is_busy).and_then(oauth_error) {
        return Err(NotGranted::Refused(error));
    }
    let text = format!(
        "the token endpoint gave no OAuth answer ({})",
        reply.describe()
    );
    let cause = Error::unavailable(text, reply.retry_after);
    Err(NotGranted::Unanswered {
        retry_after: reply.retry_after,
        cause,
    })
}

#[cfg(test)]
mod tests {
    use hallpass_protocol::{ErrorCode, Secret};

    use super::*;
    use crate::authorized_http::Challenges;

    fn reply(status: u16, content_type: &str, body: &str) -> Reply {
        Reply {
            status,
            content_type: content_type.to_owned(),
            retry_after: None,
            server_ahead: 0,
            received_at: Timestamp::UNIX_EPOCH,
            dpop_nonce: None,
            challenges: Challenges::default(),
            body: Secret::new(body.as_bytes().to_vec()),
        }
    }

    fn refused(status: u16, content_type: &str, body: &str) -> Option<ErrorCode> {
        match read(&reply(status, content_type, body), None) {
            Err(NotGranted::Refused(error)) => Some(error.error),
            _ => None,
        }
    }

    #[test]
    fn c_46_an_error_counts_at_any_status() {
        for status in [200, 400, 401, 403, 428, 429] {
            let json = r#"{"error":"slow_down","error_codes":[1],"interval":"10"}"#;
            assert_eq!(
                refused(status, "application/json", json),
                Some(ErrorCode::SlowDown)
            );
            let form = "error=slow_down&error_description=x";
            let found = refused(status, "application/x-www-form-urlencoded", form);
            assert_eq!(found, Some(ErrorCode::SlowDown));
        }
    }

    #[test]
    fn c_47_a_form_encoded_answer_is_read() {
        let form = reply(
            200,
            "application/x-www-form-urlencoded; charset=utf-8",
            "access_token=x&scope=repo%2Cgist&token_type=bearer",
        );
        let Ok(granted) = read(&form, None) else {
            panic!("not granted")
        };
        assert_eq!(granted.response.scope.unwrap().to_string(), "repo gist");
    }

    #[test]
    fn q_39_html_5xx_and_empty_bodies_are_no_answer() {
        for (status, kind, body) in [
            (200, "text/html", "<html>access_token=x</html>"),
            (200, "", ""),
            (502, "application/json", r#"{"access_token":"x"}"#),
            (503, "application/json", r#"{"error":"invalid_grant"}"#),
            (429, "text/plain", "later"),
            (404, "text/html", "not here"),
        ] {
            let read = read(&reply(status, kind, body), None);
            assert!(
                matches!(read, Err(NotGranted::Unanswered { .. })),
                "{status} {body}"
            );
        }
    }
}
