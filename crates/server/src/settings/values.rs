//! The settings as the server uses them: read, checked and complete.
//!
//! For users: `docs/dev-mode.md`.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use hallpass_issuer::authorization::RefreshLifetimes;
use hallpass_issuer::consent_policy::ConsentPolicy;
use hallpass_issuer::factors::acr::Acr;
use hallpass_issuer::factors::passkey::RelyingParty;
use hallpass_issuer::factors::password::Cost;
use hallpass_issuer::factors::required::{FactorPolicy, Factors, RequireMfa};
use hallpass_issuer::grants::authorization_code::NetworkMismatch;
use hallpass_issuer::grants::device_approval::Requirement;
use hallpass_issuer::grants::device_code::DeviceRules;
use hallpass_issuer::pushed_request::PushedRequestRules;
use hallpass_issuer::registration::RegistrationRules;
use hallpass_issuer::tokens::mint::{Dialect, TokenRules};
use hallpass_issuer::user::User;
use hallpass_issuer::{Client, Refusal};
use hallpass_protocol::jose::Algorithm;
use hallpass_protocol::token::GrantType;
use hallpass_protocol::{Secret, Timestamp};

use super::error::SettingsError;
use super::geo::GeoSettings;
use super::mode::{
    AccountRegistration, AuditSettings, AuditSink, Branding, BrowserSessionLifetimes, Compat,
    DatabaseSettings, EmailSettings, EmailTransport, KeyRingSource, LimitSettings, LoginSettings,
    Mode, Network, Resource,
};
use super::token_callback::TokenCallback;
use crate::languages::Language;
use crate::password_blocklist::PasswordBlocklist;
use crate::tls::Certificate;

/// Everything that is configured.
#[derive(Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own in the configuration"
)]
pub struct Settings {
    /// Whom the server is for.
    pub mode: Mode,
    /// Under which other names the endpoints answer.
    pub compat: Compat,
    /// Proxies whose word about the peer before them counts.
    pub trusted_proxies: Vec<Network>,
    /// Where the records are.
    pub database: DatabaseSettings,
    /// Where the keys are that seal them.
    pub key_ring: KeyRingSource,
    /// The services that tokens may be for; dev mode knows none and asks no further.
    pub resources: Vec<Resource>,
    /// What people see of the service.
    pub branding: Branding,
    /// How people sign in.
    pub login: LoginSettings,
    /// The passwords that nobody may choose.
    pub password_blocklist: PasswordBlocklist,
    /// What passkeys know this server as; `None` where it takes none.
    pub passkeys: Option<RelyingParty>,
    /// When people are asked about clients of which nothing else is said; `None` is never (dev mode).
    pub consent: Option<ConsentPolicy>,
    /// What becomes of audit events.
    pub audit: AuditSettings,
    /// How mail leaves.
    pub email: EmailSettings,
    /// How often one may guess.
    pub limits: LimitSettings,
    /// How long a browser stays signed in.
    pub browser_sessions: BrowserSessionLifetimes,
    /// How long authorization codes live.
    pub code_lifetime: Duration,
    /// How long a person may take over a page that decides something, and a browser over a pushed request
    /// that it opened in time.
    pub interaction_lifetime: Duration,
    /// Whether the device flow is offered.
    pub device_flow: bool,
    /// Where to listen: one port, on one or two addresses.
    pub listen: Vec<SocketAddr>,
    /// Where the issuer's URL comes from.
    pub public: PublicUrl,
    /// Whether dev mode serves peers with public addresses too (row S-284).
    pub dev_public: bool,
    /// Who may use the control API; outside dev mode nobody.
    pub control: ControlAccess,
    /// Whether every address of `listen` is a loopback one, so that another `Host` gets 400.
    pub loopback_only: bool,
    /// Whether clients must be configured and unknown keys are errors.
    pub strict: bool,
    /// `SERVER_HOSTNAME` or `--host`: a `Host` that is ours.
    pub hostname: Option<String>,
    /// Whether `authorize` shows the sign-in page.
    pub interactive_login: bool,
    /// Who gets a new refresh token at each refresh.
    pub rotation: Rotation,
    /// A page of the developer's own in place of the sign-in page.
    pub login_page: Option<PathBuf>,
    /// A folder whose files lie under `/static/`.
    pub static_assets: Option<PathBuf>,
    /// The certificate, when the server speaks HTTPS.
    pub tls: Option<Certificate>,
    /// The algorithm of access tokens.
    pub algorithm: Algorithm,
    /// The algorithm of ID tokens; in dev mode that of access tokens, and the same key.
    pub id_token_algorithm: Option<Algorithm>,
    /// The first issuer's key: one private JWK, which has been read once to check it.
    pub initial_keys: Option<String>,
    /// Where the clock stands still.
    pub system_time: Option<Timestamp>,
    /// What tokens say, by issuer and request.
    pub token_callbacks: Vec<TokenCallback>,
    /// The JSON key `redirectUris`: further redirect URIs of unconfigured clients.
    pub free_redirect_uris: Vec<String>,
    /// The configured clients.
    pub clients: Vec<Client>,
    /// How tokens look and how long they live.
    pub token_rules: TokenRules,
    /// Whether clients may register themselves.
    pub registration: RegistrationRules,
    /// How long pushed authorization requests live, and whether every client must push.
    pub pushed_requests: PushedRequestRules,
    /// Whether DPoP proofs must carry a nonce of ours (RFC 9449 §8).
    pub dpop_nonce: bool,
    /// How long refresh tokens live.
    pub refresh: RefreshLifetimes,
    /// How long device codes live.
    pub device: DeviceRules,
    /// How many polls of devices may wait, and how long.
    pub long_polls: LongPolls,
    /// What devices need beside the confirmation, where a client says nothing.
    pub device_requirement: Requirement,
    /// What becomes of a code that went to a program on the person's machine and comes from another
    /// network than the browser.
    pub network_mismatch: NetworkMismatch,
    /// Where addresses are, for people to read; nothing is decided by it.
    pub geo: Option<GeoSettings>,
    /// Who decides device codes when nobody is there to do it.
    pub device_policy: Option<DevicePolicy>,
    /// What to tell the operator at start, one sentence each.
    pub warnings: Vec<String>,
}

/// Polls that wait for a decision because their client asked for it (RFC 7240 §4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LongPolls {
    /// How long at most; zero holds nobody.
    pub longest: Duration,
    /// So many at once on this node.
    pub most: usize,
    /// Where few wait, how soon a decision of another node is seen whose news was lost.
    pub look_again: Duration,
}

impl Default for LongPolls {
    fn default() -> Self {
        Self {
            longest: Duration::from_secs(25),
            most: 10_000,
            look_again: Duration::from_secs(1),
        }
    }
}

/// Who gets a new refresh token at each refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// Clients without a secret (row S-56).
    Public,
    /// Every client: `"rotateRefreshToken": true`.
    All,
    /// Nobody: `"rotateRefreshToken": false`.
    Never,
}

/// Where the issuer's URL comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublicUrl {
    /// The `Host` of each request (dev mode).
    FromHost,
    /// Always this: scheme, host and port, perhaps a path; no slash at its end.
    Fixed(String),
}

/// Who may use the control API (`docs/control-api.md`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlAccess {
    /// Nobody: it is not there.
    Off,
    /// Programs on this machine.
    Loopback,
    /// `--dev-control-public`: whomever dev mode serves.
    Public,
}

/// The JSON key `devicePolicy`: device codes are decided without a person.
#[derive(Clone, Debug, PartialEq)]
pub struct DevicePolicy {
    /// So many polls are answered as if nobody had decided yet.
    pub after_polls: u32,
    /// Who approves; `None` denies.
    pub approved_by: Option<User>,
}

impl Settings {
    /// Whether people with accounts use it.
    pub fn is_production(&self) -> bool {
        self.mode == Mode::Production
    }

    /// Whether browsers reach it by HTTPS, so that its cookies never travel otherwise.
    pub fn is_https(&self) -> bool {
        matches!(&self.public, PublicUrl::Fixed(url) if url.starts_with("https://"))
    }

    /// Whether a grant type can be used at all. Production exchanges no tokens and takes no
    /// assertions as long as no rule can say whose.
    pub fn offers(&self, grant: GrantType) -> bool {
        match grant {
            GrantType::DeviceCode => self.device_flow,
            GrantType::TokenExchange | GrantType::JwtBearer => !self.is_production(),
            GrantType::AuthorizationCode
            | GrantType::RefreshToken
            | GrantType::ClientCredentials => true,
        }
    }

    /// Of whom a second factor is required, and which ones are taken.
    pub fn factor_policy(&self) -> FactorPolicy {
        FactorPolicy {
            require_mfa: self.login.require_mfa,
            offered: Factors {
                totp: self.is_production() && self.login.totp,
                passkey: self.passkeys.is_some(),
            },
        }
    }

    /// The strengths that a sign-in can have here, the weakest first. Dev mode proves nothing.
    pub fn reachable_acrs(&self) -> Vec<Acr> {
        let offered = self.factor_policy().offered;
        let is_reachable = |acr: &Acr| match acr {
            Acr::Password => self.login.password,
            Acr::SecondFactor => offered.has_any(),
            Acr::PhishingResistant => offered.passkey,
        };
        let all = Acr::ALL.into_iter();
        all.filter(|acr| self.is_production() && is_reachable(acr))
            .collect()
    }

    /// What a client's devices need beside the confirmation.
    pub(crate) fn device_requirement_of(&self, client: &Client) -> Requirement {
        client.device.requirement.unwrap_or(self.device_requirement)
    }

    /// Where a link to an account leads: by the settings alone, never by what a request says of us.
    ///
    /// `token` is what the link proves itself with.
    pub fn account_link_url(&self, token: &Secret<String>) -> Option<Secret<String>> {
        let PublicUrl::Fixed(base) = &self.public else {
            return None;
        };
        let token = token.expose();
        Some(Secret::new(format!("{base}/login/password?link={token}")))
    }

    /// Where a link leads with which a person makes an account: by the settings alone, as above.
    pub(crate) fn sign_up_url(&self, token: &Secret<String>) -> Option<Secret<String>> {
        let PublicUrl::Fixed(base) = &self.public else {
            return None;
        };
        let token = token.expose();
        Some(Secret::new(format!(
            "{base}/login/create-account?link={token}"
        )))
    }

    /// Where people sign in: by the settings alone, as above.
    pub(crate) fn login_url(&self) -> Option<String> {
        match &self.public {
            PublicUrl::Fixed(base) => Some(format!("{base}/login")),
            PublicUrl::FromHost => None,
        }
    }

    /// Whether anybody may make an account.
    pub(crate) fn is_open_to_newcomers(&self) -> bool {
        self.is_production() && self.login.registration == AccountRegistration::Open
    }

    /// Where people see what is signed in: by the settings alone, as above.
    pub(crate) fn account_url(&self) -> Option<String> {
        match &self.public {
            PublicUrl::Fixed(base) => Some(format!("{base}/account")),
            PublicUrl::FromHost => None,
        }
    }

    /// These settings as a server takes them that runs with others: what cannot change while it runs
    /// stays as it is there. The keys of the file that wait for a restart.
    pub(crate) fn beside(self, running: &Self) -> (Self, Vec<&'static str>) {
        let changed = [
            ("public_url", self.public != running.public),
            ("listen", self.listen != running.listen),
            ("database", self.database != running.database),
            ("secrets", self.key_ring != running.key_ring),
            ("tls.mode", self.tls.is_some() != running.tls.is_some()),
            ("audit.sink", self.audit.sinks != running.audit.sinks),
            ("login.argon2", self.login.argon2 != running.login.argon2),
        ];
        let changed = changed.into_iter().filter(|(_, is_changed)| *is_changed);
        let waiting = changed.map(|(key, _)| key).collect();
        let settings = Self {
            mode: running.mode,
            public: running.public.clone(),
            listen: running.listen.clone(),
            loopback_only: running.loopback_only,
            database: running.database.clone(),
            key_ring: running.key_ring.clone(),
            audit: AuditSettings {
                sinks: running.audit.sinks.clone(),
                ..self.audit
            },
            algorithm: running.algorithm,
            id_token_algorithm: running.id_token_algorithm,
            login: LoginSettings {
                argon2: running.login.argon2,
                ..self.login
            },
            ..self
        };
        (settings, waiting)
    }

    /// Reads what only a running server needs, so that whoever checks the settings knows that it would
    /// start with them.
    pub fn check_files(&self) -> Result<(), SettingsError> {
        let geo = self.geo.as_ref().map(GeoSettings::open);
        geo.transpose().map(drop)
    }

    /// The scopes of the configured resources.
    pub fn scopes_of_resources(&self) -> impl Iterator<Item = &str> {
        let resources = self.resources.iter();
        resources.flat_map(|resource| resource.scopes.iter().map(|(scope, _)| scope.as_str()))
    }

    /// Refuses tokens for services that production does not know (RFC 8707 §2, `invalid_target`).
    pub(crate) fn check_resources<'a>(
        &self,
        named: impl IntoIterator<Item = &'a String>,
    ) -> Result<(), Refusal> {
        let is_known = |id: &String| self.resources.iter().any(|resource| resource.id == *id);
        if !self.is_production() || named.into_iter().all(is_known) {
            Ok(())
        } else {
            Err(Refusal::InvalidTarget)
        }
    }

    /// The settings of a test: any free port of the loopback addresses, ES256, nothing configured.
    pub fn for_tests() -> Self {
        Self {
            algorithm: Algorithm::Es256,
            audit: AuditSettings {
                sinks: vec![AuditSink::Database],
                ..AuditSettings::default()
            },
            ..Self::defaults(0)
        }
    }

    /// Dev mode with nothing configured.
    pub(super) fn defaults(port: u16) -> Self {
        let lifetime = Duration::from_hours(1);
        Self {
            mode: Mode::Dev,
            compat: Compat::ALL,
            trusted_proxies: Vec::new(),
            database: DatabaseSettings {
                url: Secret::new("sqlite::memory:".to_owned()),
                max_connections: None,
            },
            key_ring: KeyRingSource::Fresh,
            resources: Vec::new(),
            branding: Branding {
                name: "hallpass".to_owned(),
                support: None,
                language: Language::English,
                accent: None,
                logo: None,
            },
            password_blocklist: PasswordBlocklist::default(),
            passkeys: None,
            login: LoginSettings {
                password: true,
                totp: true,
                require_mfa: RequireMfa::Off,
                registration: AccountRegistration::Off,
                argon2: Cost::default(),
            },
            consent: None,
            audit: AuditSettings::default(),
            email: EmailSettings {
                transport: EmailTransport::Log,
                from: String::new(),
            },
            limits: LimitSettings::of_dev_mode(),
            device_requirement: Requirement::Confirm,
            network_mismatch: NetworkMismatch::default(),
            geo: None,
            browser_sessions: BrowserSessionLifetimes {
                idle: hallpass_issuer::browser_session::IDLE,
                absolute: Duration::from_hours(30 * 24),
            },
            interaction_lifetime: Duration::from_mins(30),
            code_lifetime: hallpass_issuer::grants::authorization_code::LIFETIME,
            device_flow: true,
            listen: loopback(port),
            public: PublicUrl::FromHost,
            dev_public: false,
            control: ControlAccess::Loopback,
            loopback_only: true,
            strict: false,
            hostname: None,
            interactive_login: true,
            rotation: Rotation::Public,
            login_page: None,
            static_assets: None,
            tls: None,
            algorithm: Algorithm::Rs256,
            id_token_algorithm: None,
            initial_keys: None,
            system_time: None,
            token_callbacks: Vec::new(),
            free_redirect_uris: Vec::new(),
            clients: Vec::new(),
            token_rules: TokenRules {
                dialect: Dialect::Mock,
                access_lifetime: lifetime,
                id_lifetime: lifetime,
            },
            registration: RegistrationRules {
                is_open: true,
                require_pkce: true,
            },
            pushed_requests: PushedRequestRules::default(),
            dpop_nonce: false,
            refresh: RefreshLifetimes::default(),
            device: DeviceRules::default(),
            long_polls: LongPolls::default(),
            device_policy: None,
            warnings: Vec::new(),
        }
    }
}

impl std::fmt::Debug for Settings {
    /// Leaves out the private key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings")
            .field("listen", &self.listen)
            .field("public", &self.public)
            .field("algorithm", &self.algorithm)
            .field("clients", &self.clients)
            .finish_non_exhaustive()
    }
}

/// Both loopback addresses: browsers try either for `localhost`.
pub(super) fn loopback(port: u16) -> Vec<SocketAddr> {
    vec![
        (Ipv4Addr::LOCALHOST, port).into(),
        (Ipv6Addr::LOCALHOST, port).into(),
    ]
}
