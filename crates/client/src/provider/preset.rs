//! The form of what is known of a provider before anybody asks it.
//!
//! A preset is data: addresses and deviations. What a deviation means stands in `profile.rs`, once for
//! all providers.

/// One provider. Addresses hold `{base}`, `{path}` and `{tenant}`.
#[derive(Debug)]
pub(crate) struct Preset {
    /// As people type it.
    pub(crate) name: &'static str,
    /// What may stand behind the colon.
    pub(crate) parameter: Parameter,
    pub(crate) issuer: &'static str,
    /// What the metadata and the ID tokens may say instead of the issuer.
    pub(crate) said_issuer: SaidIssuer,
    /// Whether the provider publishes metadata that can be used (RFC 8414, OIDC Discovery).
    pub(crate) discovery: bool,
    /// What is used where the metadata says nothing.
    pub(crate) endpoints: Endpoints,
    /// PKCE with S256 works although no metadata says so (row C-17).
    pub(crate) pkce_unannounced: bool,
    /// `iss` may come although no metadata announces it; it must then be the issuer (RFC 9207 §2.4).
    pub(crate) accepts_iss: bool,
    pub(crate) secret: SecretUse,
    pub(crate) scopes: ScopeRules,
    pub(crate) resource: ResourceUse,
    pub(crate) identity: IdentitySource,
    /// The member of a token answer that holds the user's tokens (row Q-31).
    pub(crate) tokens_in: Option<&'static str>,
    /// Codes of its own, and the codes of the specifications that mean the same.
    pub(crate) codes: &'static [(&'static str, &'static str)],
    pub(crate) callback: Option<Callback>,
    /// Where a person takes tokens back, for providers without RFC 7009.
    pub(crate) revocation_page: Option<&'static str>,
}

/// What may stand behind the colon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parameter {
    /// Nothing; the address is this one.
    None(&'static str),
    /// A host, or an https address, and what its path means.
    Base(Option<&'static str>, PathRule),
    /// A tenant at this address.
    Tenant(&'static str, &'static str),
}

/// What the path of a parameter means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PathRule {
    /// There is none.
    None,
    /// It is the issuer's, as it was typed.
    Exact,
    /// The name of an authorization server: none is `default`, `org` is the organisation's own.
    OktaServer,
    /// The last segment is a realm.
    Realm,
}

/// What metadata and ID tokens may name as the issuer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SaidIssuer {
    /// Nothing but the issuer.
    Same,
    /// ID tokens also this (row Q-09).
    Alias(&'static str),
    /// The address with the tenant's id in the place of `{tenant}`; metadata for all tenants has
    /// `{tenantid}` there (row Q-14).
    OfTenant(&'static str),
}

/// Addresses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Endpoints {
    pub(crate) authorization: Option<&'static str>,
    pub(crate) token: Option<&'static str>,
    pub(crate) device: Option<&'static str>,
    pub(crate) revocation: Option<&'static str>,
}

impl Endpoints {
    pub(crate) const NONE: Self = Self {
        authorization: None,
        token: None,
        device: None,
        revocation: None,
    };
}

/// What a client's secret is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SecretUse {
    /// A client may have one, in the way that it says.
    AsConfigured,
    /// A client has none.
    None,
    /// Every request needs it, and it is no secret: it ships inside of the program (rows ).
    Public,
    /// Only the code flow needs it (row Q-04).
    ForCodeFlow,
}

/// How scopes are asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ScopeRules {
    /// Asked for when the program asks for none.
    pub(crate) default: &'static [&'static str],
    /// Whether `openid`, `profile` and `email` mean something here.
    pub(crate) openid: bool,
    /// What `offline_access` becomes.
    pub(crate) offline: Offline,
    /// The parameter of the authorization request, and what stands between two scopes.
    pub(crate) parameter: (&'static str, &'static str),
    /// Scopes that come back under another name: what is said, and what was asked for.
    pub(crate) said_as: &'static [(&'static str, &'static str)],
}

/// How a session that lasts is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Offline {
    /// By the scope `offline_access` (OIDC Core §11).
    Scope,
    /// Not at all: the provider or the client's registration decides.
    Dropped,
    /// By parameters of the authorization request (row Q-09).
    Parameters(&'static [(&'static str, &'static str)]),
}

/// What becomes of `resource` (RFC 8707 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ResourceUse {
    /// It is sent.
    Sent,
    /// It has this name at the authorization and the device authorization endpoint, and where a program
    /// signs in as itself (row Q-19).
    As(&'static str),
    /// The provider does not know it or refuses it.
    Dropped,
}

/// Where it stands who signed in.
#[derive(Clone, Copy, Debug)]
pub(crate) enum IdentitySource {
    /// In the ID token.
    IdToken,
    /// At an address that takes the access token: the address, the subject, names.
    Get(&'static str, &'static str, &'static [&'static str]),
    /// In a member of the token answer: the member, the subject, names.
    Member(&'static str, &'static str, &'static [&'static str]),
}

impl IdentitySource {
    /// The members that hold the subject and the names.
    pub(super) fn members(&self) -> Option<(&'static str, &'static [&'static str])> {
        match *self {
            Self::IdToken => None,
            Self::Get(_, subject, names) | Self::Member(_, subject, names) => {
                Some((subject, names))
            }
        }
    }
}

/// The redirect URI of a client that says nothing else.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Callback {
    /// Whether `localhost` is registered and not a literal (row Q-15).
    pub(crate) is_localhost: bool,
    /// Empty is a redirect URI that ends with the port.
    pub(crate) path: &'static str,
}
