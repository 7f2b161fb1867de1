//! The client's side of polling: when to ask, and what an answer means.
//!
//! RFC 8628 §3.5: <https://www.rfc-editor.org/rfc/rfc8628#section-3.5>. Pure: time goes in as the
//! span since the device code arrived, by a clock that does not jump.

use std::time::Duration;

use crate::error::{ErrorCode, OAuthError};

/// RFC 8628 §3.2: "If no value is provided, clients MUST use 5 as the default."
pub const DEFAULT_INTERVAL: Duration = Duration::from_secs(5);
/// RFC 8628 §3.5: "the interval MUST be increased by 5 seconds for this and all subsequent requests".
pub const SLOW_DOWN_STEP: Duration = Duration::from_secs(5);
/// The longest back-off while the server does not answer (row C-04).
pub const LONGEST_BACK_OFF: Duration = Duration::from_mins(1);

/// What one request to the token endpoint brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PollOutcome {
    /// The server answered with an OAuth error.
    Refused(OAuthError),
    /// No usable answer: timeout, connection error, 5xx, 429, or no JSON. `retry_after` as the
    /// server named it.
    Unanswered {
        /// `Retry-After`.
        retry_after: Option<Duration>,
    },
}

/// Why polling ended without tokens.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PollEnd {
    /// The person, or a policy, refused.
    #[error("the request was declined in the browser")]
    Denied,
    /// The code's lifetime is over.
    #[error("the code expired before anybody confirmed it")]
    Expired,
    /// The server does not know the code, or it was used.
    #[error("the server does not know the code any more")]
    UnknownCode,
    /// Every other error ends polling (RFC 8628 §3.5, row C-03).
    #[error("{0}")]
    Refused(OAuthError),
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Wait this long, then ask again.
    Wait(Duration),
    /// Stop.
    End(PollEnd),
}

/// Interval bookkeeping of one device code.
#[derive(Clone, Debug)]
pub struct DevicePoll {
    interval: Duration,
    back_off: Option<Duration>,
    lifetime: Duration,
    last_poll_made: bool,
    answers_again: bool,
}

impl DevicePoll {
    /// Starts with what the device authorization response said.
    pub fn new(interval: Option<u64>, expires_in: u64) -> Self {
        // An interval of 0 would be a busy loop; a lower bound of one second hurts nobody.
        let interval = interval.map_or(DEFAULT_INTERVAL, |secs| {
            Duration::from_secs(secs.clamp(1, 600))
        });
        Self {
            interval,
            back_off: None,
            lifetime: Duration::from_secs(expires_in),
            last_poll_made: false,
            answers_again: false,
        }
    }

    /// For a code that is bound to a key: after a first silence it waits no longer than the interval.
    /// The lost answer may have been the tokens, and a server may give them to the same key once
    /// more for a few seconds only.
    #[must_use]
    pub fn of_bound_code(self) -> Self {
        Self {
            answers_again: true,
            ..self
        }
    }

    /// The wait before the first poll: nobody can have confirmed yet.
    pub fn first_wait(&self) -> Duration {
        self.interval.min(self.lifetime)
    }

    /// The interval now in force.
    pub fn interval(&self) -> Duration {
        self.interval
    }

    /// Decides what follows an outcome. `elapsed` is the time since the device code arrived,
    /// measured at the end of the answer.
    pub fn next(&mut self, outcome: &PollOutcome, elapsed: Duration) -> Step {
        let wait = match outcome {
            PollOutcome::Refused(error) => match Self::meaning(&error.error) {
                Meaning::Pending => {
                    self.back_off = None;
                    self.interval
                }
                Meaning::SlowDown => {
                    self.back_off = None;
                    let named = Duration::from_secs(error.interval.unwrap_or(0).min(600));
                    self.interval = (self.interval + SLOW_DOWN_STEP).max(named);
                    self.interval
                }
                Meaning::Final(end) => return Step::End(end),
                Meaning::Unknown => return Step::End(PollEnd::Refused(error.clone())),
            },
            // RFC 8628 §3.5: on a connection timeout, "exponential backoff" is recommended.
            PollOutcome::Unanswered { retry_after } => {
                let doubled = match self.back_off {
                    None if self.answers_again => self.interval,
                    last => last.unwrap_or(self.interval) * 2,
                };
                let back_off = doubled.min(LONGEST_BACK_OFF).max(self.interval);
                self.back_off = Some(back_off);
                retry_after.unwrap_or(back_off).max(self.interval)
            }
        };
        let left = self.lifetime.saturating_sub(elapsed);
        if left > Duration::ZERO {
            // The last poll falls on the end of the lifetime, never after a longer sleep.
            return Step::Wait(wait.min(left.max(Duration::from_secs(1))));
        }
        // Row C-05: after a laptop's sleep the code may have been confirmed meanwhile: ask once more.
        if self.last_poll_made {
            return Step::End(PollEnd::Expired);
        }
        self.last_poll_made = true;
        Step::Wait(Duration::ZERO)
    }

    /// What a code means, whatever the status was; providers have names of their own.
    fn meaning(code: &ErrorCode) -> Meaning {
        match code.as_str() {
            "authorization_pending" => Meaning::Pending,
            "slow_down" => Meaning::SlowDown,
            "access_denied" | "authorization_declined" => Meaning::Final(PollEnd::Denied),
            "expired_token" | "token_expired" | "code_expired" => Meaning::Final(PollEnd::Expired),
            "invalid_grant" | "bad_verification_code" | "incorrect_device_code" => {
                Meaning::Final(PollEnd::UnknownCode)
            }
            _ => Meaning::Unknown,
        }
    }
}

enum Meaning {
    Pending,
    SlowDown,
    Final(PollEnd),
    Unknown,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: &str, interval: Option<u64>) -> PollOutcome {
        let mut error = OAuthError::new(ErrorCode::parse(code), "x");
        error.interval = interval;
        PollOutcome::Refused(error)
    }

    fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn c_01_a_missing_interval_is_five_seconds() {
        let mut poll = DevicePoll::new(None, 600);
        assert_eq!(poll.first_wait(), secs(5));
        assert_eq!(
            poll.next(&refused("authorization_pending", None), secs(5)),
            Step::Wait(secs(5))
        );
        assert_eq!(DevicePoll::new(Some(0), 600).first_wait(), secs(1));
    }

    #[test]
    fn c_02_slow_down_adds_five_for_this_and_all_later_polls() {
        let mut poll = DevicePoll::new(Some(5), 600);
        assert_eq!(
            poll.next(&refused("slow_down", None), secs(5)),
            Step::Wait(secs(10))
        );
        assert_eq!(
            poll.next(&refused("authorization_pending", None), secs(15)),
            Step::Wait(secs(10))
        );
        assert_eq!(
            poll.next(&refused("slow_down", Some(30)), secs(25)),
            Step::Wait(secs(30))
        );
        assert_eq!(
            poll.next(&refused("slow_down", Some(5)), secs(55)),
            Step::Wait(secs(35))
        );
    }

    #[test]
    fn c_03_every_other_error_ends_polling() {
        for (code, end) in [
            ("access_denied", PollEnd::Denied),
            ("authorization_declined", PollEnd::Denied),
            ("expired_token", PollEnd::Expired),
            ("invalid_grant", PollEnd::UnknownCode),
            ("incorrect_device_code", PollEnd::UnknownCode),
        ] {
            let mut poll = DevicePoll::new(Some(5), 600);
            assert_eq!(
                poll.next(&refused(code, None), secs(5)),
                Step::End(end),
                "{code}"
            );
        }
        for code in ["invalid_client", "unauthorized_client", "whatever"] {
            let mut poll = DevicePoll::new(Some(5), 600);
            let step = poll.next(&refused(code, None), secs(5));
            assert!(matches!(step, Step::End(PollEnd::Refused(_))), "{code}");
        }
    }

    #[test]
    fn c_04_silence_doubles_the_wait_up_to_a_minute_and_an_answer_resets_it() {
        let mut poll = DevicePoll::new(Some(5), 6000);
        let silence = PollOutcome::Unanswered { retry_after: None };
        let waits: Vec<_> = (1..=5).map(|n| poll.next(&silence, secs(n))).collect();
        assert_eq!(waits, [10, 20, 40, 60, 60].map(|n| Step::Wait(secs(n))));
        assert_eq!(
            poll.next(&refused("authorization_pending", None), secs(9)),
            Step::Wait(secs(5))
        );
        let later = PollOutcome::Unanswered {
            retry_after: Some(secs(90)),
        };
        assert_eq!(poll.next(&later, secs(9)), Step::Wait(secs(90)));
    }

    #[test]
    fn c_04_a_bound_code_is_asked_for_again_in_time_and_then_more_slowly() {
        let mut poll = DevicePoll::new(Some(5), 6000).of_bound_code();
        let silence = PollOutcome::Unanswered { retry_after: None };
        let waits: Vec<_> = (1..=3).map(|n| poll.next(&silence, secs(n))).collect();
        assert_eq!(waits, [5, 10, 20].map(|n| Step::Wait(secs(n))));
        let busy = PollOutcome::Unanswered {
            retry_after: Some(secs(30)),
        };
        assert_eq!(poll.next(&busy, secs(9)), Step::Wait(secs(30)));
    }

    #[test]
    fn c_05_one_last_poll_after_the_end_then_expired() {
        let mut poll = DevicePoll::new(Some(5), 600);
        let pending = refused("authorization_pending", None);
        assert_eq!(poll.next(&pending, secs(598)), Step::Wait(secs(2)));
        assert_eq!(poll.next(&pending, secs(4000)), Step::Wait(Duration::ZERO));
        assert_eq!(poll.next(&pending, secs(4001)), Step::End(PollEnd::Expired));
    }
}
