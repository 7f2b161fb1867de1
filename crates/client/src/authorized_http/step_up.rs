//! An API that wants a stronger or a fresher sign-in.
//!
//! RFC 9470 §3: <https://www.rfc-editor.org/rfc/rfc9470#section-3>; row C-60.

use std::time::Duration;

use super::challenge::Challenge;
use crate::clean;
use crate::error::{Error, ErrorKind};
use crate::sign_in::SignIn;

/// What an API demands of the sign-in that a token comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StepUpChallenge {
    /// `acr_values`: the authentication contexts that are accepted, best first.
    pub acr_values: Vec<String>,
    /// `max_age`: how long ago the person may have signed in, at most.
    pub max_age: Option<Duration>,
}

impl StepUpChallenge {
    /// The sign-in that answers it (RFC 9470 §4). The session that is there stays until then.
    pub fn sign_in(&self) -> SignIn {
        let how = self.acr_values.iter().fold(SignIn::auto(), SignIn::acr);
        match self.max_age {
            Some(age) => how.max_age(age),
            None => how,
        }
    }

    pub(super) fn read(challenge: &Challenge) -> Self {
        let acr_values = challenge.parameter("acr_values").unwrap_or_default();
        let acr_values = acr_values.split_ascii_whitespace().map(clean::text);
        let max_age = challenge.parameter("max_age");
        Self {
            acr_values: acr_values.collect(),
            max_age: max_age
                .and_then(|seconds| seconds.parse().ok())
                .map(Duration::from_secs),
        }
    }

    pub(super) fn into_error(self, host: &str) -> Error {
        let mut wishes = Vec::new();
        if !self.acr_values.is_empty() {
            wishes.push(format!("acr {}", self.acr_values.join(" or ")));
        }
        if let Some(age) = self.max_age {
            wishes.push(format!("not older than {} s", age.as_secs()));
        }
        let text = if wishes.is_empty() {
            format!("{host} wants a stronger sign-in")
        } else {
            format!("{host} wants a stronger sign-in: {}", wishes.join(", "))
        };
        Error::new(ErrorKind::StepUp(self), text).hint_to("sign in again as it asks")
    }
}
