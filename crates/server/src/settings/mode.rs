//! What production has and dev mode has not: whom to trust, where records live, how it looks.
//!
//! For users: `docs/server.md`.

use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

pub use hallpass_issuer::browser_session::Lifetimes as BrowserSessionLifetimes;
use hallpass_issuer::factors::password::Cost;
use hallpass_issuer::factors::required::RequireMfa;
use hallpass_issuer::limits::{self, Limit};
use hallpass_protocol::Secret;

use crate::branding::{Accent, Logo};
use crate::languages::Language;

/// Whom the server is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// One developer and their tests: any username signs in, any path is an issuer.
    Dev,
    /// People who have accounts: one issuer, configured clients.
    Production,
}

/// Under which names of other servers the endpoints answer too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a word of the key `compat`"
)]
pub struct Compat {
    /// `mock-oauth2-server`: `/{issuer}/token`, …
    pub mock: bool,
    /// Ory Hydra: `/oauth2/auth`, …
    pub hydra: bool,
    /// `WorkOS`: `/user_management/…`
    pub workos: bool,
    /// Google: `verification_url` beside `verification_uri` (RFC 8628 §3.2 spells the latter).
    pub google: bool,
}

impl Compat {
    /// Every name, as in dev mode.
    pub const ALL: Self = Self {
        mock: true,
        hydra: true,
        workos: true,
        google: false,
    };
}

/// `[database]`.
#[derive(Clone, Debug, PartialEq)]
pub struct DatabaseSettings {
    /// `sqlite:///path` or `postgres://user@host/name`; it may hold a password.
    pub url: Secret<String>,
    /// So many connections to PostgreSQL.
    pub max_connections: Option<u32>,
}

impl DatabaseSettings {
    /// Whether it is PostgreSQL, where other nodes may write too.
    pub(crate) fn is_server(&self) -> bool {
        self.url.expose().starts_with("postgres")
    }

    /// The URL with the number of connections.
    pub(crate) fn address(&self) -> Secret<String> {
        let url = self.url.expose();
        match self.max_connections {
            Some(count) if self.is_server() => {
                let joint = if url.contains('?') { '&' } else { '?' };
                Secret::new(format!("{url}{joint}connections={count}"))
            }
            Some(_) | None => self.url.clone(),
        }
    }
}

/// `[audit]`: what becomes of audit events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditSettings {
    /// Where they go; nowhere but to the log, if this is empty (dev mode).
    pub sinks: Vec<AuditSink>,
    /// How long the database keeps them.
    pub retention: Duration,
}

impl Default for AuditSettings {
    /// Nothing is kept.
    fn default() -> Self {
        Self {
            sinks: Vec::new(),
            retention: Duration::from_hours(400 * 24),
        }
    }
}

/// A place that audit events go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditSink {
    /// The database, where they can be searched and verified.
    Database,
    /// Standard output, as lines of JSON.
    Stdout,
    /// A file, as lines of JSON.
    File(PathBuf),
}

/// Where the key ring comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum KeyRingSource {
    /// Drawn at start and gone with the process (dev mode).
    Fresh,
    /// A file that only its owner reads.
    File(PathBuf),
    /// `HALLPASS__SECRETS__KEYRING`, or the systemd credential `keyring`: the text itself.
    Text {
        /// What messages call it.
        name: String,
        /// The text.
        text: Secret<String>,
    },
}

/// A set of addresses with a common beginning, such as `10.0.0.0/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// Whether an address lies in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        fn head(bits: u128, width: u8, prefix: u8) -> Option<u128> {
            bits.checked_shr(u32::from(width - prefix))
        }
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                head(network.to_bits().into(), 32, self.prefix)
                    == head(address.to_bits().into(), 32, self.prefix)
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                head(network.to_bits(), 128, self.prefix)
                    == head(address.to_bits(), 128, self.prefix)
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

impl FromStr for Network {
    type Err = ();

    /// `10.0.0.0/8`, `fd00::/8`, or one address.
    fn from_str(text: &str) -> Result<Self, ()> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| ())?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => width,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().map_err(|_| ())?
            }
            Some(_) => return Err(()),
        };
        (prefix <= width)
            .then_some(Self { address, prefix })
            .ok_or(())
    }
}

impl std::fmt::Display for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// A service with its scopes: `[[resource]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// Its URI, as requests name it (RFC 8707 §2).
    pub id: String,
    /// Its scopes, each with words that finish "It will be able to …".
    pub scopes: Vec<(String, String)>,
}

/// `[branding]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Branding {
    /// What people know the service by.
    pub name: String,
    /// Where they find help.
    pub support: Option<String>,
    /// The language for people who ask for none of ours, and of mails to people of whom none is known.
    pub language: Language,
    /// The color of buttons and links, where it is not the stylesheet's.
    pub accent: Option<Accent>,
    /// The picture in place of our mark.
    pub logo: Option<Logo>,
}

/// `[login]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoginSettings {
    /// Whether people may sign in with a password.
    pub password: bool,
    /// Whether codes of an authenticator app are taken as a second factor.
    pub totp: bool,
    /// Of whom a second factor is required.
    pub require_mfa: RequireMfa,
    /// Who may make an account.
    pub registration: AccountRegistration,
    /// How much work a guess at a password is; older hashes are made anew at the next sign-in.
    pub argon2: Cost,
}

/// Who may make an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccountRegistration {
    /// Nobody: accounts are made on the command line, with a password, and no link sets a first one.
    Off,
    /// Whoever was invited.
    Invite,
    /// Everybody who reads the mail to their address.
    Open,
}

/// `[email]`.
#[derive(Clone, Debug)]
pub struct EmailSettings {
    /// How mail leaves.
    pub transport: EmailTransport,
    /// The sender: `Sign-in <id@example.com>`.
    pub from: String,
}

/// How mail leaves.
#[derive(Clone, Debug)]
pub enum EmailTransport {
    /// It is written to the log: for trials.
    Log,
    /// To a program that takes mails as `sendmail` does.
    Sendmail {
        /// Its path.
        command: PathBuf,
    },
    /// To a mail server.
    Smtp {
        /// Its name.
        host: String,
        /// Its port.
        port: u16,
        /// How the connection is protected.
        security: SmtpSecurity,
        /// User and password, where it asks for them.
        credentials: Option<(String, Secret<String>)>,
    },
}

/// How the connection to a mail server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SmtpSecurity {
    /// Not at all: a server on this machine or in this network.
    None,
    /// RFC 3207: in the clear at first, then TLS or nothing.
    Starttls,
    /// RFC 8314: TLS from the first byte.
    Tls,
}

/// `[limits]`: how often one may guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitSettings {
    /// Wrong passwords of one account.
    pub login_per_account: Limit,
    /// Wrong passwords from one address.
    pub login_per_ip: Limit,
    /// Wrong user codes in one browser.
    pub user_code_per_session: Limit,
    /// Wrong user codes of one account.
    pub user_code_per_account: Limit,
    /// Wrong user codes from one address.
    pub user_code_per_ip: Limit,
    /// Wrong user codes altogether.
    pub user_code_global_fail: Limit,
    /// Wrong client secrets of one client from one address.
    pub client_secret_fail: Limit,
    /// Device codes that one address asks for.
    pub device_start_per_ip: Limit,
    /// Device codes of one client that one address asks for.
    pub device_start_per_client: Limit,
}

impl LimitSettings {
    /// Dev mode's: guesses count as in production, starts do not.
    pub(super) fn of_dev_mode() -> Self {
        Self {
            device_start_per_ip: limits::UNLIMITED,
            device_start_per_client: limits::UNLIMITED,
            ..Self::default()
        }
    }
}

impl Default for LimitSettings {
    fn default() -> Self {
        Self {
            login_per_account: limits::LOGIN_PER_ACCOUNT,
            login_per_ip: limits::LOGIN_PER_ADDRESS,
            user_code_per_session: limits::USER_CODE_PER_BROWSER,
            user_code_per_account: limits::USER_CODE_PER_ACCOUNT,
            user_code_per_ip: limits::USER_CODE_PER_ADDRESS,
            user_code_global_fail: limits::USER_CODE_PER_ISSUER,
            client_secret_fail: limits::CLIENT_SECRET,
            device_start_per_ip: limits::DEVICE_START_PER_ADDRESS,
            device_start_per_client: limits::DEVICE_START_PER_CLIENT,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_holds_its_addresses() {
        for (network, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.1"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
            ("0.0.0.0/0", "203.0.113.9", "::1"),
            ("fd00::/8", "fdff::1", "fe00::1"),
            ("2001:db8::/32", "2001:db8:1::", "2001:db9::"),
            ("::/0", "2001:db8::1", "10.0.0.1"),
        ] {
            let network: Network = network.parse().unwrap();
            assert!(network.contains(inside.parse().unwrap()), "{network}");
            assert!(!network.contains(outside.parse().unwrap()), "{network}");
        }
        let mapped: Network = "10.0.0.0/8".parse().unwrap();
        assert!(mapped.contains("::ffff:10.1.2.3".parse().unwrap()));
        for bad in [
            "",
            "10.0.0.0/33",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "::/129",
            "localhost",
            "10.0.0/8",
        ] {
            assert!(bad.parse::<Network>().is_err(), "{bad}");
        }
    }
}
