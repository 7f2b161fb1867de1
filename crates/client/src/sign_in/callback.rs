//! Judges what arrives at the loopback listener: a pure function.
//!
//! RFC 6749 §4.1.2 and §10.12 (`state`), RFC 9207 §2.4 (`iss`), RFC 8252 §8.10; rows C-14, C-15, C-18,
//! C-30 to C-32.

use hallpass_protocol::authorization::AuthorizationResponse;
use hallpass_protocol::form::Form;
use hallpass_protocol::{OAuthError, Secret};
use hyper::{Request, header};

use crate::clean;
use crate::error::{Error, SecurityViolation};
use crate::redirect_path;

/// The authorization request whose answer is awaited.
#[derive(Debug)]
pub(crate) struct Attempt {
    /// Host and port of the redirect URI, as a browser names them in `Host`.
    pub(crate) authority: String,
    /// The path of the redirect URI.
    pub(crate) path: String,
    /// `state`.
    pub(crate) state: Secret<String>,
    /// The issuer that was asked.
    pub(crate) issuer: String,
    /// Whether its metadata announces `iss` (RFC 9207 §3).
    pub(crate) announces_iss: bool,
    /// Whether it may send `iss` without announcing it.
    pub(crate) accepts_iss: bool,
}

/// A request that reached the listener.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival<'a> {
    pub(crate) method: &'a str,
    pub(crate) host: Option<&'a str>,
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
}

impl<'a> Arrival<'a> {
    /// What a request says.
    pub(crate) fn of<B>(request: &'a Request<B>) -> Self {
        let host = request.headers().get(header::HOST);
        Self {
            method: request.method().as_str(),
            host: host.and_then(|host| host.to_str().ok()),
            path: request.uri().path(),
            query: request.uri().query().unwrap_or_default(),
        }
    }
}

/// What it is.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// Nothing of ours: 404, and waiting goes on.
    NotFound,
    /// It came to our address with a `state` that is not ours: 400, and waiting goes on.
    Foreign,
    /// It is ours and must not be used: the sign-in is over.
    Refused(Error),
    /// It is the answer: a code, or the server's refusal.
    Answer(Result<Secret<String>, OAuthError>),
}

/// Judges a request.
pub(crate) fn judge(arrival: Arrival<'_>, attempt: &Attempt) -> Verdict {
    // Against rebinding (row A-29): a page of another name reaches the port, but not this `Host`.
    let is_to_us = arrival.method == "GET" && arrival.host == Some(attempt.authority.as_str());
    let is_ours = is_to_us && arrival.path == attempt.path;
    let is_mixed_up = is_to_us && redirect_path::tells_issuers_apart(arrival.path, &attempt.path);
    if !is_ours && !is_mixed_up {
        return Verdict::NotFound;
    }
    let not_ours = || {
        if is_ours {
            Verdict::Foreign
        } else {
            Verdict::NotFound
        }
    };
    let Ok(form) = Form::parse(arrival.query) else {
        return not_ours();
    };
    // First the state: who does not know it cannot end the sign-in with a bad answer.
    if !form.all("state").any(|state| attempt.state.matches(state)) {
        return not_ours();
    }
    if is_mixed_up {
        return Verdict::Refused(mixed_up(attempt));
    }
    let response = match AuthorizationResponse::decode(&form) {
        Ok(response) => response,
        Err(error) => {
            let text = "the server's answer contradicts itself; nothing was sent";
            let violation = SecurityViolation::AuthorizationResponse;
            return Verdict::Refused(Error::security(violation, text).caused_by(error));
        }
    };
    match check_issuer(response.iss.as_deref(), attempt) {
        Ok(()) => Verdict::Answer(response.result),
        Err(error) => Verdict::Refused(error),
    }
}

fn check_issuer(iss: Option<&str>, attempt: &Attempt) -> Result<(), Error> {
    let text = match iss {
        // RFC 9207 §2.4: "compare the values using simple string comparison".
        Some(iss) if iss != attempt.issuer => format!(
            "callback came from {}, expected {}. Nothing was sent",
            clean::text(iss),
            attempt.issuer
        ),
        // §2.4: "MUST reject authorization responses without the iss parameter" when it is announced.
        None if attempt.announces_iss => {
            format!(
                "the answer does not name {} as its issuer; nothing was sent",
                attempt.issuer
            )
        }
        // §2.4: "SHOULD discard authorization responses with the iss parameter" when it is not.
        Some(_) if !attempt.announces_iss && !attempt.accepts_iss => format!(
            "the answer names its issuer although {} does not announce that; nothing was sent",
            attempt.issuer
        ),
        Some(_) | None => return Ok(()),
    };
    Err(of_another_issuer(text))
}

/// Row C-34, RFC 8252 §8.10: an answer must reach the redirect URI of its own request. This one knows our
/// `state` and came to the address of another issuer.
fn mixed_up(attempt: &Attempt) -> Error {
    of_another_issuer(format!(
        "the answer came to the address of another server than {}; nothing was sent",
        attempt.issuer
    ))
}

fn of_another_issuer(text: String) -> Error {
    Error::security(SecurityViolation::Issuer, text)
        .hint_to("close that page; if it happens again, report it to the operator of the server")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(announces_iss: bool) -> Attempt {
        Attempt {
            authority: "127.0.0.1:8400".to_owned(),
            path: "/callback".to_owned(),
            state: Secret::from("good"),
            issuer: "https://as.test/t".to_owned(),
            announces_iss,
            accepts_iss: false,
        }
    }

    fn judged(query: &str, announces_iss: bool) -> &'static str {
        let host = Some("127.0.0.1:8400");
        let arrival = Arrival {
            method: "GET",
            host,
            path: "/callback",
            query,
        };
        match judge(arrival, &attempt(announces_iss)) {
            Verdict::NotFound => "not found",
            Verdict::Foreign => "foreign",
            Verdict::Refused(error) => match error.kind() {
                crate::ErrorKind::Security(SecurityViolation::Issuer) => "issuer",
                _ => "refused",
            },
            Verdict::Answer(Ok(_)) => "code",
            Verdict::Answer(Err(_)) => "error",
        }
    }

    #[test]
    fn c_14_and_a_29_only_get_on_the_exact_path_and_host_is_read() {
        let attempt = attempt(false);
        let query = "code=c&state=good";
        for (method, host, path) in [
            ("HEAD", Some("127.0.0.1:8400"), "/callback"),
            ("POST", Some("127.0.0.1:8400"), "/callback"),
            ("GET", Some("127.0.0.1:8400"), "/favicon.ico"),
            ("GET", Some("127.0.0.1:8400"), "/callback/"),
            ("GET", Some("127.0.0.1:8400"), "//callback"),
            ("GET", Some("127.0.0.1:8401"), "/callback"),
            ("GET", Some("127.0.0.1"), "/callback"),
            ("GET", Some("localhost:8400"), "/callback"),
            ("GET", Some("evil.test:8400"), "/callback"),
            ("GET", None, "/callback"),
        ] {
            let verdict = judge(
                Arrival {
                    method,
                    host,
                    path,
                    query,
                },
                &attempt,
            );
            assert!(
                matches!(verdict, Verdict::NotFound),
                "{method} {host:?} {path}"
            );
        }
    }

    #[test]
    fn c_15_and_a_28_a_wrong_state_is_foreign() {
        for query in [
            "code=c&state=bad",
            "code=c",
            "error=x&state=",
            "state=Good&code=c",
            "%ff",
            "",
        ] {
            assert_eq!(judged(query, false), "foreign", "{query}");
        }
        assert_eq!(judged("code=c&state=good", false), "code");
        assert_eq!(judged("error=access_denied&state=good", false), "error");
    }

    #[test]
    fn c_18_doubled_and_contradicting_parameters_are_refused() {
        for query in [
            "code=a&code=b&state=good",
            "code=a&error=b&state=good",
            "state=good",
            "code=a&state=good&state=bad",
            "code=a&state=good&iss=https://as.test/t&iss=https://as.test/t",
        ] {
            assert_eq!(judged(query, false), "refused", "{query}");
        }
    }

    #[test]
    fn c_30_the_issuer_is_compared_as_a_plain_string() {
        assert_eq!(
            judged("code=c&state=good&iss=https%3A%2F%2Fas.test%2Ft", true),
            "code"
        );
        for iss in [
            "https://evil",
            "https://as.test/t/",
            "https://AS.test/t",
            "https://as.test",
        ] {
            assert_eq!(
                judged(&format!("code=c&state=good&iss={iss}"), true),
                "issuer",
                "{iss}"
            );
        }
    }

    #[test]
    fn c_31_an_announced_issuer_may_not_be_missing_not_even_beside_an_error() {
        assert_eq!(judged("code=c&state=good", true), "issuer");
        assert_eq!(judged("error=access_denied&state=good", true), "issuer");
    }

    #[test]
    fn c_34_an_answer_at_the_address_of_another_issuer_is_refused_and_ends_the_sign_in() {
        let own = redirect_path::of_issuer("https://as.test/t");
        let other = redirect_path::of_issuer("https://evil.test");
        let judged = |at: &str, path: &str, query: &str| {
            let attempt = Attempt {
                path: at.to_owned(),
                ..attempt(false)
            };
            let arrival = Arrival {
                method: "GET",
                host: Some("127.0.0.1:8400"),
                path,
                query,
            };
            match judge(arrival, &attempt) {
                Verdict::NotFound => "not found",
                Verdict::Foreign => "foreign",
                Verdict::Refused(error) => {
                    assert!(error.to_string().contains("https://as.test/t"), "{error}");
                    "refused"
                }
                Verdict::Answer(_) => "answer",
            }
        };
        let good = "code=c&state=good";
        for (at, path, query, verdict) in [
            (own.as_str(), own.as_str(), good, "answer"),
            (&own, &other, good, "refused"),
            (&own, "/callback", good, "refused"),
            ("/callback", &other, good, "refused"),
            (&own, &other, "error=access_denied&state=good", "refused"),
            // Who does not know the state ends nothing.
            (&own, &other, "code=c&state=bad", "not found"),
            (&own, &other, "%ff", "not found"),
            (&own, "/callback", "", "not found"),
            (&own, "/favicon.ico", "", "not found"),
            (&own, &format!("{own}/"), "", "not found"),
            (&own, &own.to_uppercase(), "state=", "not found"),
        ] {
            assert_eq!(judged(at, path, query), verdict, "{at} {path} {query}");
        }
    }

    #[test]
    fn c_32_an_issuer_that_is_not_announced_is_refused() {
        assert_eq!(
            judged("code=c&state=good&iss=https://as.test/t", false),
            "issuer"
        );
    }
}
