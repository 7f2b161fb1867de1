//! One file for each reader of a refusal: a program, a redirect, a person.

pub(crate) mod challenge;
pub(crate) mod json;
pub(crate) mod page;
pub(crate) mod redirect;

/// We broke: the peer gets a reference, the log the details.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Fault(String);

impl Fault {
    pub(crate) fn new(what: &str) -> Self {
        Self(what.to_owned())
    }
}

macro_rules! fault_from {
    ($($error:ty),*) => {
        $(impl From<$error> for Fault {
            fn from(error: $error) -> Self {
                Self(error.to_string())
            }
        })*
    };
}

fault_from!(
    hallpass_store::StoreError,
    hallpass_protocol::jose::KeyError,
    hallpass_protocol::jose::SignError,
    serde_json::Error,
    rcgen::Error,
    tokio_rustls::rustls::Error
);
