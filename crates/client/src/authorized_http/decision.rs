//! What the answer of an API means for a request that carried a token. No network, no time.
//!
//! RFC 6750 §3.1: <https://www.rfc-editor.org/rfc/rfc6750#section-3.1>, RFC 9449 §7.1 and §9, RFC 9470 §3;
//! rows C-36, C-51, C-60.

use super::challenge::{Challenge, Challenges};
use super::step_up::StepUpChallenge;
use crate::clean;
use crate::error::{Error, ErrorKind};

/// What was tried already for one request.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Attempts {
    has_refreshed: bool,
    /// With the token that is used now.
    has_asked_nonce: bool,
}

/// An answer, as far as it matters here.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answered<'a> {
    pub(super) status: u16,
    /// Who answered, for sentences.
    pub(super) host: &'a str,
    pub(super) challenges: &'a Challenges,
    /// Whether it brought a `DPoP-Nonce`.
    pub(super) brings_nonce: bool,
    /// Whether the token is bound to a key.
    pub(super) is_bound: bool,
}

/// What to do next.
#[derive(Debug)]
pub(super) enum Next {
    /// The answer is the caller's.
    HandOn,
    /// The same again, with the nonce that came.
    WithNonce,
    /// The same again, with another token.
    Refresh,
    /// Nothing of this can be repeated.
    Fail(Error),
}

impl Attempts {
    /// Decides, and counts what is tried: one nonce for each token, one other token for each request.
    pub(super) fn next(&mut self, answer: Answered<'_>) -> Next {
        if !matches!(answer.status, 401 | 403) {
            return Next::HandOn;
        }
        let with_error = |name| answer.challenges.with_error(name);
        if let Some(challenge) = with_error("insufficient_user_authentication") {
            return Next::Fail(StepUpChallenge::read(challenge).into_error(answer.host));
        }
        if let Some(challenge) = with_error("insufficient_scope") {
            return Next::Fail(insufficient_scope(challenge, answer.host));
        }
        if answer.status == 403 {
            return Next::HandOn;
        }
        if answer.is_bound && with_error("use_dpop_nonce").is_some() {
            if self.has_asked_nonce || !answer.brings_nonce {
                return Next::Fail(nonce_again(answer.host));
            }
            self.has_asked_nonce = true;
            return Next::WithNonce;
        }
        if self.has_refreshed {
            return Next::HandOn;
        }
        *self = Self {
            has_refreshed: true,
            has_asked_nonce: false,
        };
        Next::Refresh
    }
}

/// RFC 6750 §3.1: `insufficient_scope` may name what is missing.
fn insufficient_scope(challenge: &Challenge, host: &str) -> Error {
    let kind = ErrorKind::InsufficientScope;
    match challenge.parameter("scope").map(clean::text) {
        Some(scope) => Error::new(kind, format!("token lacks scope {scope} (asked by {host})"))
            .hint_to(format!("sign in again with the scope {scope}"))
            .lacking(scope),
        None => Error::new(kind, format!("token lacks a scope for {host}")).hint_to(
            "ask the API's documentation which scope this needs, and sign in again with it",
        ),
    }
}

fn nonce_again(host: &str) -> Error {
    Error::protocol(format!("{host} refuses every DPoP proof for its nonce"))
        .hint_to("report this to the operator of the API")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use reqwest::header::{HeaderMap, HeaderValue, WWW_AUTHENTICATE};

    use super::*;

    fn next(attempts: &mut Attempts, status: u16, challenge: &str, brings_nonce: bool) -> Next {
        let mut headers = HeaderMap::new();
        headers.append(WWW_AUTHENTICATE, HeaderValue::from_str(challenge).unwrap());
        attempts.next(Answered {
            status,
            host: "api.test",
            challenges: &Challenges::of(&headers),
            brings_nonce,
            is_bound: true,
        })
    }

    const NONCE: &str = r#"DPoP error="use_dpop_nonce", algs="ES256""#;

    #[test]
    fn c_36_one_nonce_for_each_token_and_no_loop() {
        let mut tried = Attempts::default();
        assert!(matches!(
            next(&mut tried, 401, NONCE, true),
            Next::WithNonce
        ));
        assert!(matches!(next(&mut tried, 401, NONCE, true), Next::Fail(_)));
        let mut tried = Attempts::default();
        assert!(matches!(next(&mut tried, 401, NONCE, false), Next::Fail(_)));
        let mut tried = Attempts::default();
        let refused = r#"DPoP error="invalid_token""#;
        assert!(matches!(
            next(&mut tried, 401, NONCE, true),
            Next::WithNonce
        ));
        assert!(matches!(
            next(&mut tried, 401, refused, true),
            Next::Refresh
        ));
        assert!(matches!(
            next(&mut tried, 401, NONCE, true),
            Next::WithNonce
        ));
        assert!(matches!(next(&mut tried, 401, refused, true), Next::HandOn));
    }

    #[test]
    fn c_36_a_bearer_token_has_no_use_for_a_nonce() {
        let challenges = Challenges::default();
        let answer = Answered {
            status: 401,
            host: "api.test",
            challenges: &challenges,
            brings_nonce: true,
            is_bound: false,
        };
        assert!(matches!(Attempts::default().next(answer), Next::Refresh));
    }

    #[test]
    fn c_60_a_step_up_challenge_is_no_reason_to_refresh() {
        let challenge =
            r#"Bearer error="insufficient_user_authentication", acr_values="phr mfa", max_age="5""#;
        let Next::Fail(error) = next(&mut Attempts::default(), 401, challenge, false) else {
            panic!("no failure")
        };
        let ErrorKind::StepUp(wanted) = error.kind() else {
            panic!("{error:?}")
        };
        assert_eq!(wanted.acr_values, ["phr", "mfa"]);
        assert_eq!(wanted.max_age, Some(Duration::from_secs(5)));
        assert_eq!(error.exit_code(), 4);
    }

    #[test]
    fn c_51_insufficient_scope_is_named_and_cleaned() {
        let challenge = r#"Bearer error="insufficient_scope", scope="api:write""#;
        let Next::Fail(error) = next(&mut Attempts::default(), 403, challenge, false) else {
            panic!("no failure")
        };
        assert_eq!(
            error.to_string(),
            "token lacks scope api:write (asked by api.test)"
        );
        assert_eq!(error.missing_scope(), Some("api:write"));
        let plain = next(&mut Attempts::default(), 403, "Bearer", false);
        assert!(matches!(plain, Next::HandOn));
        let fine = next(&mut Attempts::default(), 200, challenge, false);
        assert!(matches!(fine, Next::HandOn));
    }
}
