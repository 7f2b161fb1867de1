//! The metadata documents that were asked for: each is written and tagged once, since nothing but
//! the settings and the issuer's URL is in it.

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::error::Fault;
use crate::public_json::PublicJson;

/// About so much memory. In dev mode everybody names issuers, by path and by `Host`; the least used
/// documents are forgotten first.
const MOST_BYTES: u64 = 1024 * 1024;
/// The usual document with its URL, for the size of the table.
const USUAL_BYTES: u64 = 4096;
/// What an entry takes besides.
const OVERHEAD: usize = 256;

/// The documents, by the URL of their issuer.
#[derive(Debug)]
pub(crate) struct MetadataDocuments(Cache<String, PublicJson, ByLength>);

#[derive(Clone, Debug)]
struct ByLength;

impl Weighter<String, PublicJson> for ByLength {
    fn weight(&self, issuer_url: &String, document: &PublicJson) -> u64 {
        let bytes = OVERHEAD + issuer_url.len() + document.len();
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }
}

impl Default for MetadataDocuments {
    fn default() -> Self {
        let usual = usize::try_from(MOST_BYTES / USUAL_BYTES).unwrap_or(1);
        Self(Cache::with_weighter(usual, MOST_BYTES, ByLength))
    }
}

impl MetadataDocuments {
    /// The document of an issuer; `write` makes one that is not known.
    pub(crate) fn of(
        &self,
        issuer_url: &str,
        write: impl FnOnce() -> Result<PublicJson, Fault>,
    ) -> Result<PublicJson, Fault> {
        self.0.get_or_insert_with(issuer_url, write)
    }
}

#[cfg(test)]
mod tests {
    use hyper::body::Bytes;

    use super::*;

    fn document(length: usize) -> Result<PublicJson, Fault> {
        PublicJson::new(Bytes::from(vec![b' '; length]))
    }

    fn unread() -> Result<PublicJson, Fault> {
        Err(Fault::new("written twice"))
    }

    #[test]
    fn a_document_is_written_once_for_each_issuer_and_not_kept_when_it_fails() {
        let documents = MetadataDocuments::default();
        assert!(documents.of("http://a", unread).is_err());
        assert_eq!(documents.of("http://a", || document(1)).unwrap().len(), 1);
        assert_eq!(documents.of("http://a", unread).unwrap().len(), 1);
        assert_eq!(documents.of("http://b", || document(2)).unwrap().len(), 2);
    }

    #[test]
    fn s_140_the_memory_is_bounded_however_long_names_are() {
        let documents = MetadataDocuments::default();
        for number in 0..500 {
            let url = format!("http://{number:016000}");
            documents.of(&url, || document(200_000)).unwrap();
            let url = format!("http://{number}");
            documents.of(&url, || document(3_000)).unwrap();
        }
        assert!(
            documents.0.weight() <= MOST_BYTES,
            "{}",
            documents.0.weight()
        );
    }
}
