//! Whether tokens are bound to a key.

use hallpass_protocol::metadata::Metadata;

use super::key::{ALGORITHM, DpopKey};
use crate::clean;
use crate::error::Error;

/// Whether the tokens of a sign-in are bound to a key of its own (RFC 9449).
///
/// ```
/// use hallpass_client::{Client, DpopMode, MemoryStore};
///
/// // A token that leaks from a log is then of no use.
/// let client = Client::builder("https://login.example.com", "acme-cli").dpop(DpopMode::Required);
/// let client = client.store(MemoryStore::new()).build()?;
/// # drop(client);
/// # Ok::<(), hallpass_client::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DpopMode {
    /// Where the server's metadata lists `ES256` in `dpop_signing_alg_values_supported` (§5.1). A server
    /// that issues a Bearer token all the same is taken at its word, and the person is told.
    #[default]
    Auto,
    /// Always: a server that does not offer it, or issues a Bearer token all the same, is refused.
    Required,
    /// Never. Sessions that are bound already stay so.
    Off,
}

impl DpopMode {
    /// The key of a new sign-in; `None` when its tokens are not bound.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Config`] when it is required and not offered.
    pub(crate) fn new_key(self, metadata: &Metadata) -> Result<Option<DpopKey>, Error> {
        let offered = &metadata.dpop_signing_alg_values_supported;
        let is_offered = offered.iter().any(|name| name == ALGORITHM.as_str());
        match self {
            Self::Off => Ok(None),
            Self::Auto if !is_offered => Ok(None),
            Self::Required if !is_offered => {
                let issuer = clean::text(&metadata.issuer);
                let text = format!("{issuer} does not announce DPoP with {ALGORITHM}");
                Err(Error::config(text).hint_to(format!(
                    "set `dpop = \"auto\"`, or have the server list {ALGORITHM} in dpop_signing_alg_values_supported"
                )))
            }
            Self::Auto | Self::Required => DpopKey::generate().map(Some),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    fn offering(algorithms: &[&str]) -> Metadata {
        Metadata {
            issuer: "https://as.test".to_owned(),
            dpop_signing_alg_values_supported: algorithms
                .iter()
                .map(|it| (*it).to_owned())
                .collect(),
            ..Metadata::default()
        }
    }

    #[test]
    fn c_37_a_key_is_made_where_the_server_takes_its_proofs() {
        let makes = |mode: DpopMode, algorithms: &[&str]| {
            let key = mode.new_key(&offering(algorithms));
            key.map(|key| key.is_some())
                .map_err(|error| error.kind().clone())
        };
        assert_eq!(makes(DpopMode::Auto, &["PS256", "ES256"]), Ok(true));
        assert_eq!(makes(DpopMode::Auto, &["RS256"]), Ok(false));
        assert_eq!(makes(DpopMode::Auto, &[]), Ok(false));
        assert_eq!(makes(DpopMode::Off, &["ES256"]), Ok(false));
        assert_eq!(makes(DpopMode::Required, &["ES256"]), Ok(true));
        assert_eq!(makes(DpopMode::Required, &[]), Err(ErrorKind::Config));
    }
}
