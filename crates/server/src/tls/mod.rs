//! HTTPS: with the certificate of PEM files or a key store, or in dev mode one made at start.
//!
//! RFC 8446: <https://www.rfc-editor.org/rfc/rfc8446>. For users: `docs/dev-mode.md`.

mod der;
mod pkcs12;
mod self_signed;

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::OnceCell;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject as _};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

pub(crate) use pkcs12::{Identity, Passwords, Pkcs12Error, read as read_pkcs12};

use crate::error::Fault;

/// Where the certificate comes from.
#[derive(Clone, Debug)]
pub struct Certificate(pub(crate) Source);

/// See [`Certificate`].
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// `"ssl": {}`: made at start, for `localhost`.
    SelfSigned,
    /// The key store of the settings.
    Given(Identity),
    /// PEM files, which [`read_pem`] has checked.
    Read(Arc<ServerConfig>),
}

impl Certificate {
    /// A certificate that is made at start, for `localhost`.
    pub fn self_signed() -> Self {
        Self(Source::SelfSigned)
    }
}

/// Takes TLS connections. Key and certificate are made at the first one, or by [`Tls::warm_up`]:
/// listening does not wait for them.
#[derive(Clone, Debug)]
pub(crate) struct Tls(Arc<RwLock<Arc<Lazy>>>);

#[derive(Debug)]
struct Lazy {
    certificate: Certificate,
    config: OnceCell<Arc<ServerConfig>>,
}

impl Lazy {
    fn new(certificate: Certificate) -> Arc<Self> {
        let config = OnceCell::new();
        Arc::new(Self {
            certificate,
            config,
        })
    }
}

impl Tls {
    /// Prepares nothing yet.
    pub(crate) fn new(certificate: Certificate) -> Self {
        Self(Arc::new(RwLock::new(Lazy::new(certificate))))
    }

    /// Shows another certificate from the next connection on.
    pub(crate) fn replace(&self, certificate: Certificate) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Lazy::new(certificate);
    }

    /// Makes key and certificate, unless they are there.
    pub(crate) async fn acceptor(&self) -> Result<TlsAcceptor, Fault> {
        let lazy = Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner));
        let make = || async {
            let Certificate(source) = lazy.certificate.clone();
            let made = tokio::task::spawn_blocking(move || configure(source));
            made.await
                .map_err(|_| Fault::new("making a certificate panicked"))?
        };
        let config = lazy.config.get_or_try_init(make).await?;
        Ok(TlsAcceptor::from(Arc::clone(config)))
    }

    /// Makes them in the background.
    pub(crate) fn warm_up(&self) {
        let tls = self.clone();
        tokio::spawn(async move {
            if let Err(fault) = tls.acceptor().await {
                tracing::error!(%fault, "TLS cannot be served");
            }
        });
    }
}

/// Whether the key of a key store is one that TLS can use.
pub(crate) fn check(identity: &Identity) -> Result<(), Fault> {
    configure(Source::Given(identity.clone())).map(drop)
}

/// Reads a certificate chain and its private key, each PEM (RFC 7468); says what is wrong with them.
pub(crate) fn read_pem(cert: &Path, key: &Path) -> Result<Certificate, String> {
    let chain = CertificateDer::pem_file_iter(cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| unreadable(cert, &error))?;
    if chain.is_empty() {
        return Err(format!(
            "names `{}`, which holds no certificate",
            cert.display()
        ));
    }
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| unreadable(key, &error))?;
    let config = serve_with(chain, private).map_err(|fault| {
        let (cert, key) = (cert.display(), key.display());
        format!("names `{cert}` and `{key}`, which do not go together: {fault}")
    })?;
    Ok(Certificate(Source::Read(config)))
}

fn unreadable(file: &Path, error: &pem::Error) -> String {
    let file = file.display();
    match error {
        pem::Error::NoItemsFound => format!("names `{file}`, which holds no private key"),
        // A program that renews it may be halfway.
        pem::Error::MissingSectionEnd { .. } => {
            format!("names `{file}`, which breaks off before its end")
        }
        error => format!("names `{file}`, which cannot be read: {error}"),
    }
}

fn configure(source: Source) -> Result<Arc<ServerConfig>, Fault> {
    let identity = match source {
        Source::Read(config) => return Ok(config),
        Source::Given(identity) => identity,
        Source::SelfSigned => self_signed::make()?,
    };
    let chain = identity.chain.into_iter().map(CertificateDer::from);
    let key = PrivateKeyDer::Pkcs8(identity.key.expose().clone().into());
    serve_with(chain.collect(), key)
}

fn serve_with(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<Arc<ServerConfig>, Fault> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
