//! Where a PostgreSQL server is, and how to know that it is the right one.
//!
//! <https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS>

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::error::StoreError;

/// An address that was understood.
#[derive(Clone)]
pub(crate) struct PostgresUrl {
    pub(crate) config: Config,
    pub(crate) tls: MakeRustlsConnect,
    /// So many connections, and jobs at once.
    pub(crate) connections: usize,
}

impl PostgresUrl {
    /// Whether an address is one of PostgreSQL.
    pub(crate) fn is_one(url: &str) -> bool {
        url.starts_with("postgres://") || url.starts_with("postgresql://")
    }

    /// Reads an address: what libpq knows, and `connections`. A server on the network must show a
    /// certificate, unless the address says `sslmode=disable`; that certificate is always checked,
    /// against `sslrootcert` or the system's trust store.
    pub(crate) fn parse(url: &str) -> Result<Self, StoreError> {
        let (place, query) = url.split_once('?').unwrap_or((url, ""));
        let (mut theirs, mut root, mut connections) = (Vec::new(), None, CONNECTIONS);
        let mut names_mode = false;
        for parameter in query.split('&').filter(|part| !part.is_empty()) {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            match name {
                "connections" => {
                    connections = value
                        .parse()
                        .ok()
                        .filter(|count| (1..=MOST_CONNECTIONS).contains(count))
                        .ok_or_else(|| bad("`connections` is a number from 1 to 100"))?;
                }
                "sslrootcert" => root = Some(value),
                "sslmode" => {
                    names_mode = true;
                    theirs.push(match value {
                        // They differ in what is checked, and here everything is.
                        "require" | "verify-ca" | "verify-full" => "sslmode=require",
                        "prefer" => "sslmode=prefer",
                        "disable" => "sslmode=disable",
                        _ => return Err(bad("`sslmode` is verify-full, prefer or disable")),
                    });
                }
                _ => theirs.push(parameter),
            }
        }
        let mut config: Config = format!("{place}?{}", theirs.join("&"))
            .parse()
            .map_err(|_| bad("the PostgreSQL address is not understood"))?;
        if config.get_hosts().is_empty() {
            return Err(bad("the PostgreSQL address names no host"));
        }
        if !names_mode {
            config.ssl_mode(mode_for(&config));
        }
        if config.get_application_name().is_none() {
            config.application_name("hallpass");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        config
            .keepalives_idle(KEEPALIVE)
            .tcp_user_timeout(TCP_USER_TIMEOUT);
        Ok(Self {
            config,
            tls: MakeRustlsConnect::new(tls(root)?),
            connections,
        })
    }
}

/// Nobody stands between us and this machine; anywhere else a stranger could.
fn mode_for(config: &Config) -> SslMode {
    let is_local = |host: &Host| match host {
        Host::Tcp(name) => ["localhost", "127.0.0.1", "::1"].contains(&name.as_str()),
        #[cfg(unix)]
        Host::Unix(_) => true,
    };
    if config.get_hosts().iter().all(is_local) {
        SslMode::Prefer
    } else {
        SslMode::Require
    }
}

fn tls(root: Option<&str>) -> Result<ClientConfig, StoreError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let failed = |error: rustls::Error| bad(&error.to_string());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(failed)?;
    let builder = match root {
        Some(path) => builder.with_root_certificates(roots(path)?),
        None => builder.with_platform_verifier().map_err(failed)?,
    };
    Ok(builder.with_no_client_auth())
}

fn roots(path: &str) -> Result<RootCertStore, StoreError> {
    let unreadable = || bad(&format!("`{path}` holds no certificate that can be read"));
    let pem = fs::read(path).map_err(|_| unreadable())?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|_| unreadable())?;
        roots.add(certificate).map_err(|_| unreadable())?;
    }
    if roots.is_empty() {
        return Err(unreadable());
    }
    Ok(roots)
}

fn bad(text: &str) -> StoreError {
    StoreError::Unavailable(text.to_owned())
}

/// More than a few connections a core do not write faster.
const CONNECTIONS: usize = 8;
const MOST_CONNECTIONS: usize = 100;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// A silent connection is asked this often whether it is still one.
const KEEPALIVE: Duration = Duration::from_secs(30);
/// Bytes that nobody confirms for so long have nowhere to go.
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(10);
