//! Which certificates are trusted: the system's, and those that the user names.
//!
//! RFC 6749 §1.6, RFC 9325; row C-44: there is no way to skip the check, only to add an authority.

use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error as TlsError, OtherError, SignatureScheme};
use rustls_platform_verifier::Verifier;

use super::transport::{TransportError, TransportErrorKind};
use super::untrusted::Untrusted;

/// Longer files of certificates are no such files.
const LONGEST_BUNDLE: u64 = 16 * 1024 * 1024;

/// The settings of TLS, with these certificates trusted beside the system's.
pub(super) fn tls_settings(ca_bundle: Option<&Path>) -> Result<ClientConfig, TransportError> {
    let mut extra = match ca_bundle {
        Some(file) => read_bundle(file)?,
        None => Vec::new(),
    };
    extra.extend(of_the_environment()?);
    let provider = CryptoProvider::get_default().cloned();
    let provider =
        provider.unwrap_or_else(|| Arc::new(rustls::crypto::aws_lc_rs::default_provider()));
    let verifier = Verifier::new_with_extra_roots(extra, Arc::clone(&provider))
        .map_err(|error| unusable("no certificate of an authority is there").caused_by(error))?;
    let mut settings = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable("TLS cannot start").caused_by(error))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Explaining(verifier)))
        .with_no_client_auth();
    settings.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(settings)
}

/// Reads the certificates of a PEM file, whatever else stands in it.
fn read_bundle(file: &Path) -> Result<Vec<CertificateDer<'static>>, TransportError> {
    let shown = file.display();
    let hint = "name a file of certificates in PEM format";
    let length = std::fs::metadata(file).map(|data| data.len());
    if length.is_ok_and(|length| length > LONGEST_BUNDLE) {
        return Err(unusable(format!("{shown} is too long for certificates")).hint_to(hint));
    }
    let pem = std::fs::read(file).map_err(|error| {
        let text = format!("cannot read the certificates of {shown}: {}", error.kind());
        unusable(text).hint_to(hint).caused_by(error)
    })?;
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match read {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(unusable(format!("{shown} holds no certificate")).hint_to(hint)),
        Err(error) => {
            let text = format!("the certificates of {shown} are malformed");
            Err(unusable(text).hint_to(hint).caused_by(error))
        }
    }
}

/// Linux and BSD: the verifier itself reads `SSL_CERT_FILE` and `SSL_CERT_DIR`, in place of the system's
/// certificates, as OpenSSL does.
#[cfg(not(any(target_vendor = "apple", windows)))]
#[expect(clippy::unnecessary_wraps, reason = "the other systems can fail")]
fn of_the_environment() -> Result<Vec<CertificateDer<'static>>, TransportError> {
    Ok(Vec::new())
}

/// macOS and Windows judge by their own stores; what the variables name is added.
#[cfg(any(target_vendor = "apple", windows))]
fn of_the_environment() -> Result<Vec<CertificateDer<'static>>, TransportError> {
    let mut found = Vec::new();
    if let Some(file) = std::env::var_os("SSL_CERT_FILE").filter(|value| !value.is_empty()) {
        found.extend(read_bundle(Path::new(&file))?);
    }
    let folder = std::env::var_os("SSL_CERT_DIR").filter(|value| !value.is_empty());
    for folder in folder.iter().flat_map(std::env::split_paths) {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        // A folder of certificates also holds other things.
        found.extend(
            entries
                .filter_map(|entry| read_bundle(&entry.path()).ok())
                .flatten(),
        );
    }
    Ok(found)
}

fn unusable(reason: impl Into<String>) -> TransportError {
    TransportError::new(TransportErrorKind::Settings, reason)
}

/// The system's verifier, whose refusals say what was presented.
#[derive(Debug)]
struct Explaining(Verifier);

impl ServerCertVerifier for Explaining {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        let judged =
            self.0
                .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        judged.map_err(|error| {
            match Untrusted::new(&error, server_name, (end_entity, intermediates)) {
                Some(untrusted) => TlsError::Other(OtherError(Arc::new(untrusted))),
                None => error,
            }
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        self.0.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        self.0.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}
