//! An authority that only this test knows, and the certificates it gives.
#![expect(clippy::expect_used, reason = "a test harness fails by panicking")]

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};

/// Signs certificates.
#[derive(Clone)]
pub struct Authority {
    issuer: Arc<CertifiedIssuer<'static, KeyPair>>,
    /// Between the certificate of a server and the root, which is not presented.
    chain: Vec<CertificateDer<'static>>,
}

/// What a server shows, and proves to own.
#[derive(Clone, Debug)]
pub struct Identity(pub(super) Arc<ServerConfig>);

impl Authority {
    /// A root with this common name.
    ///
    /// # Panics
    ///
    /// When no key can be made.
    pub fn named(name: &str) -> Self {
        let key = KeyPair::generate().expect("a key");
        let issuer = CertifiedIssuer::self_signed(parameters_of_authority(name), key);
        Self {
            issuer: Arc::new(issuer.expect("a root signs itself")),
            chain: Vec::new(),
        }
    }

    /// An authority below this one; servers present its certificate with their own.
    ///
    /// # Panics
    ///
    /// When no key can be made.
    #[must_use]
    pub fn below(&self, name: &str) -> Self {
        let key = KeyPair::generate().expect("a key");
        let issuer = CertifiedIssuer::signed_by(parameters_of_authority(name), key, &self.issuer);
        let issuer = issuer.expect("an authority signs another");
        let mut chain = vec![issuer.as_ref().der().clone()];
        chain.extend(self.chain.iter().cloned());
        Self {
            issuer: Arc::new(issuer),
            chain,
        }
    }

    /// Its certificate in PEM, for whoever trusts it.
    pub fn pem(&self) -> String {
        pem("CERTIFICATE", self.issuer.as_ref().der())
    }

    /// What a server of these names reads from its files, each PEM: its certificate with those between
    /// it and the root, and its private key.
    ///
    /// # Panics
    ///
    /// When no key can be made.
    pub fn pem_files(&self, names: &[&str]) -> [String; 2] {
        let (chain, key) = self.sign(&parameters(names));
        let chain = chain.iter().map(|der| pem("CERTIFICATE", der));
        [chain.collect(), pem("PRIVATE KEY", key.secret_pkcs8_der())]
    }

    /// An identity for servers of these names, good for a year of the calendar around now.
    pub fn identity(&self, names: &[&str]) -> Identity {
        self.signed(&parameters(names))
    }

    /// One whose time is over.
    pub fn expired(&self, names: &[&str]) -> Identity {
        let mut parameters = parameters(names);
        parameters.not_before = rcgen::date_time_ymd(2020, 1, 1);
        parameters.not_after = rcgen::date_time_ymd(2021, 3, 4);
        self.signed(&parameters)
    }

    /// One whose time has not come.
    pub fn not_yet_valid(&self, names: &[&str]) -> Identity {
        let mut parameters = parameters(names);
        parameters.not_before = rcgen::date_time_ymd(2097, 5, 6);
        parameters.not_after = rcgen::date_time_ymd(2098, 1, 1);
        self.signed(&parameters)
    }

    fn sign(
        &self,
        parameters: &CertificateParams,
    ) -> (Vec<CertificateDer<'static>>, PrivatePkcs8KeyDer<'static>) {
        let key = KeyPair::generate().expect("a key");
        let certificate = parameters.signed_by(&key, &self.issuer);
        let mut chain = vec![certificate.expect("an authority signs").der().clone()];
        chain.extend(self.chain.iter().cloned());
        (chain, PrivatePkcs8KeyDer::from(key.serialize_der()))
    }

    fn signed(&self, parameters: &CertificateParams) -> Identity {
        let (chain, key) = self.sign(parameters);
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("TLS has versions")
            .with_no_client_auth()
            .with_single_cert(chain, key.into());
        Identity(Arc::new(config.expect("the key fits the certificate")))
    }
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    let encoded = STANDARD.encode(der);
    let lines: Vec<_> = encoded.as_bytes().chunks(64).collect();
    let lines = lines.join(&b'\n');
    let body = String::from_utf8_lossy(&lines);
    format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
}

fn parameters(names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    CertificateParams::new(names).expect("names of servers")
}

fn parameters_of_authority(name: &str) -> CertificateParams {
    let mut parameters = CertificateParams::default();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, name);
    parameters
}
