//! One file for each reader of a refusal: a program, a redirect, a person.

use hallpass_store::StoreError;

pub(crate) mod challenge;
pub(crate) mod json;
mod json_response;
pub(crate) mod page;
pub(crate) mod redirect;

/// We broke: the peer gets a reference, the log the details.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub(crate) struct Fault {
    what: String,
    passes: bool,
}

impl Fault {
    pub(crate) fn new(what: &str) -> Self {
        Self {
            what: what.to_owned(),
            passes: false,
        }
    }

    /// A lack that passes by itself.
    pub(crate) fn passing(what: &str) -> Self {
        Self {
            what: what.to_owned(),
            passes: true,
        }
    }

    /// Whether it passes by itself, as the loss of the database does: 503, come back later. What was
    /// asked is then neither granted nor refused.
    pub(crate) fn passes(&self) -> bool {
        self.passes
    }
}

/// After so many seconds it is worth a try again.
pub(crate) const RETRY_AFTER: u64 = 2;

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self {
            what: error.to_string(),
            passes: matches!(error, StoreError::Unavailable(_)),
        }
    }
}

macro_rules! fault_from {
    ($($error:ty),*) => {
        $(impl From<$error> for Fault {
            fn from(error: $error) -> Self {
                Self::new(&error.to_string())
            }
        })*
    };
}

fault_from!(
    hallpass_protocol::jose::KeyError,
    hallpass_protocol::jose::SignError,
    serde_json::Error,
    rcgen::Error,
    tokio_rustls::rustls::Error
);
