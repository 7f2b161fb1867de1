//! Why a server's certificate is not trusted, in words that say what to do about it.
//!
//! RFC 9325 §3, RFC 9110 §4.3.4; row C-44.

use std::error::Error as StdError;
use std::fmt;

use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, Error as TlsError, OtherError};

use super::causes::causes;
use super::certificate::Presented;
use super::transport::{TransportError, TransportErrorKind};
use crate::clean;

/// A certificate that was presented and refused. It travels inside of the TLS library's error.
#[derive(Clone, Debug)]
pub(super) struct Untrusted {
    host: String,
    reason: Reason,
}

#[derive(Clone, Debug)]
enum Reason {
    /// The chain ends at an issuer that nobody here knows.
    UnknownIssuer(String),
    Expired(String),
    NotYetValid(String),
    OtherName(Vec<String>),
    Other(String),
}

impl Untrusted {
    /// Reads the refusal of the verifier, beside what the server presented.
    pub(super) fn new(
        error: &TlsError,
        host: &ServerName<'_>,
        (leaf, others): (&CertificateDer<'_>, &[CertificateDer<'_>]),
    ) -> Option<Self> {
        let TlsError::InvalidCertificate(error) = error else {
            return None;
        };
        let presented = Presented::new(leaf, others);
        let reason = match error {
            CertificateError::UnknownIssuer => Reason::UnknownIssuer(presented.issuer()),
            CertificateError::Expired => Reason::Expired(String::new()),
            CertificateError::ExpiredContext { not_after, .. } => Reason::Expired(day(*not_after)),
            CertificateError::NotValidYet => Reason::NotYetValid(String::new()),
            CertificateError::NotValidYetContext { not_before, .. } => {
                Reason::NotYetValid(day(*not_before))
            }
            CertificateError::NotValidForName => Reason::OtherName(Vec::new()),
            CertificateError::NotValidForNameContext { presented, .. } => {
                Reason::OtherName(presented.clone())
            }
            // What a CA that is no CA, or a broken signature, leads to.
            _ if presented.is_self_signed() => Reason::UnknownIssuer(presented.issuer()),
            other => Reason::Other(clean::text(&other.to_string())),
        };
        let host = clean::text(&host.to_str());
        Some(Self { host, reason })
    }

    /// Looks for the refusal in an error of the HTTP library.
    pub(super) fn find(error: &reqwest::Error) -> Option<&Self> {
        causes(error).find_map(|cause| match cause.downcast_ref()? {
            TlsError::Other(OtherError(found)) => found.downcast_ref(),
            _ => None,
        })
    }

    pub(super) fn into_error(self) -> TransportError {
        let hint = match &self.reason {
            Reason::UnknownIssuer(_) => {
                "SSL_CERT_FILE=FILE, ca_bundle in the profile, or install it in the system store"
            }
            Reason::Expired(_) => {
                "the server's operator must renew it; check this machine's clock too"
            }
            Reason::NotYetValid(_) => "check this machine's clock",
            Reason::OtherName(_) => "check the address; something else may answer under this name",
            Reason::Other(_) => "report this to the server's operator",
        };
        TransportError::new(TransportErrorKind::Certificate, self.to_string()).hint_to(hint)
    }
}

impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reason {
            Reason::UnknownIssuer(issuer) => {
                write!(f, "certificate issued by \"{issuer}\" is not trusted")
            }
            Reason::Expired(day) if day.is_empty() => f.write_str("its certificate expired"),
            Reason::Expired(day) => write!(f, "its certificate expired on {day}"),
            Reason::NotYetValid(day) if day.is_empty() => {
                f.write_str("its certificate is not valid yet")
            }
            Reason::NotYetValid(day) => write!(f, "its certificate is valid only from {day}"),
            Reason::OtherName(names) => {
                let of = listed(names);
                write!(f, "its certificate is for {of}, not for {}", self.host)
            }
            Reason::Other(reason) => write!(f, "its certificate cannot be used ({reason})"),
        }
    }
}

impl StdError for Untrusted {}

/// At most three names, as the TLS library writes them: `DnsName("a.test")`.
fn listed(names: &[String]) -> String {
    const MOST: usize = 3;
    let plain = |name: &String| {
        let inner = name.split_once('(').map_or(name.as_str(), |(_, rest)| rest);
        clean::text(inner.trim_matches(['(', ')', '"']))
    };
    let mut shown: Vec<String> = names.iter().take(MOST).map(plain).collect();
    match names.len() {
        0 => return "another name".to_owned(),
        more if more > MOST => shown.push("others".to_owned()),
        _ => {}
    }
    shown.join(", ")
}

/// The date of a moment, as in `2026-11-21`.
fn day(at: UnixTime) -> String {
    let seconds = i64::try_from(at.as_secs()).unwrap_or(i64::MAX);
    let at = jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::MAX);
    at.strftime("%Y-%m-%d").to_string()
}
