//! What is known of each provider. `docs/providers.md` says where from, and what no test could show.

use super::preset::{
    Callback, Endpoints, IdentitySource, Offline, Parameter, PathRule, Preset, ResourceUse,
    SaidIssuer, ScopeRules, SecretUse,
};

/// Every preset; where a name stands twice, the parameter decides.
pub(super) const PRESETS: &[&Preset] = &[
    &GITHUB,
    &GITHUB_ENTERPRISE,
    &GOOGLE,
    &GITLAB,
    &MICROSOFT,
    &OKTA,
    &AUTH0,
    &KEYCLOAK,
    &HYDRA,
    &WORKOS,
    &WORKOS_CONNECT,
    &SLACK,
];

const OPENID: ScopeRules = ScopeRules {
    default: &["openid", "profile", "email", "offline_access"],
    openid: true,
    offline: Offline::Scope,
    parameter: ("scope", " "),
    said_as: &[],
};

/// A provider that follows the specifications; the others say in what they differ.
const STANDARD: Preset = Preset {
    name: "",
    parameter: Parameter::Base(None, PathRule::None),
    issuer: "{base}{path}",
    said_issuer: SaidIssuer::Same,
    discovery: true,
    endpoints: Endpoints::NONE,
    pkce_unannounced: false,
    accepts_iss: false,
    secret: SecretUse::AsConfigured,
    scopes: OPENID,
    resource: ResourceUse::Sent,
    identity: IdentitySource::IdToken,
    tokens_in: None,
    codes: &[],
    callback: None,
    revocation_page: None,
};

/// Rows. It publishes metadata for others than sign-in, without the device endpoint.
const GITHUB: Preset = Preset {
    name: "github",
    parameter: Parameter::None("https://github.com"),
    issuer: "{base}/login/oauth",
    discovery: false,
    endpoints: Endpoints {
        authorization: Some("{base}/login/oauth/authorize"),
        token: Some("{base}/login/oauth/access_token"),
        device: Some("{base}/login/device/code"),
        revocation: None,
    },
    pkce_unannounced: true,
    accepts_iss: true,
    secret: SecretUse::ForCodeFlow,
    scopes: ScopeRules {
        default: &["read:user"],
        openid: false,
        offline: Offline::Dropped,
        ..OPENID
    },
    resource: ResourceUse::Dropped,
    identity: IdentitySource::Get("https://api.github.com/user", "id", &["login"]),
    codes: &[
        ("incorrect_client_credentials", "invalid_client"),
        ("bad_refresh_token", "invalid_grant"),
        ("bad_verification_code", "invalid_grant"),
    ],
    revocation_page: Some("https://github.com/settings/applications"),
    ..STANDARD
};

const GITHUB_ENTERPRISE: Preset = Preset {
    parameter: Parameter::Base(None, PathRule::None),
    identity: IdentitySource::Get("{base}/api/v3/user", "id", &["login"]),
    revocation_page: Some("{base}/settings/applications"),
    ..GITHUB
};

/// Rows.
const GOOGLE: Preset = Preset {
    name: "google",
    parameter: Parameter::None("https://accounts.google.com"),
    said_issuer: SaidIssuer::Alias("accounts.google.com"),
    endpoints: Endpoints {
        device: Some("https://oauth2.googleapis.com/device/code"),
        ..Endpoints::NONE
    },
    pkce_unannounced: true,
    accepts_iss: true,
    secret: SecretUse::Public,
    scopes: ScopeRules {
        offline: Offline::Parameters(&[("access_type", "offline"), ("prompt", "consent")]),
        said_as: &[
            ("https://www.googleapis.com/auth/userinfo.email", "email"),
            (
                "https://www.googleapis.com/auth/userinfo.profile",
                "profile",
            ),
        ],
        ..OPENID
    },
    resource: ResourceUse::Dropped,
    ..STANDARD
};

/// Row Q-29. The registered scopes decide about refresh tokens.
const GITLAB: Preset = Preset {
    name: "gitlab",
    parameter: Parameter::Base(Some("https://gitlab.com"), PathRule::Exact),
    endpoints: Endpoints {
        device: Some("{base}{path}/oauth/authorize_device"),
        ..Endpoints::NONE
    },
    scopes: ScopeRules {
        default: &["openid", "profile", "email"],
        offline: Offline::Dropped,
        ..OPENID
    },
    resource: ResourceUse::Dropped,
    ..STANDARD
};

/// Rows.
const MICROSOFT: Preset = Preset {
    name: "microsoft",
    parameter: Parameter::Tenant("https://login.microsoftonline.com", "common"),
    issuer: "{base}/{tenant}/v2.0",
    said_issuer: SaidIssuer::OfTenant("{base}/{tenant}/v2.0"),
    endpoints: Endpoints {
        device: Some("{base}/{tenant}/oauth2/v2.0/devicecode"),
        ..Endpoints::NONE
    },
    pkce_unannounced: true,
    resource: ResourceUse::Dropped,
    callback: Some(Callback {
        is_localhost: true,
        path: "",
    }),
    revocation_page: Some("https://myapps.microsoft.com"),
    ..STANDARD
};

/// Rows.
const OKTA: Preset = Preset {
    name: "okta",
    parameter: Parameter::Base(None, PathRule::OktaServer),
    ..STANDARD
};

/// Rows. The issuer ends with a slash.
const AUTH0: Preset = Preset {
    name: "auth0",
    issuer: "{base}/",
    endpoints: Endpoints {
        device: Some("{base}/oauth/device/code"),
        ..Endpoints::NONE
    },
    resource: ResourceUse::As("audience"),
    ..STANDARD
};

/// Rows.
const KEYCLOAK: Preset = Preset {
    name: "keycloak",
    parameter: Parameter::Base(None, PathRule::Realm),
    ..STANDARD
};

/// Rows.
const HYDRA: Preset = Preset {
    name: "hydra",
    parameter: Parameter::Base(None, PathRule::Exact),
    ..STANDARD
};

/// Rows: the device flow of `AuthKit`, which is not quite OAuth.
const WORKOS: Preset = Preset {
    name: "workos",
    parameter: Parameter::None("https://api.workos.com"),
    issuer: "{base}/user_management",
    discovery: false,
    endpoints: Endpoints {
        token: Some("{base}/user_management/authenticate"),
        device: Some("{base}/user_management/authorize/device"),
        ..Endpoints::NONE
    },
    secret: SecretUse::None,
    scopes: ScopeRules {
        default: &[],
        openid: false,
        offline: Offline::Dropped,
        ..OPENID
    },
    resource: ResourceUse::Dropped,
    identity: IdentitySource::Member("user", "id", &["email"]),
    ..STANDARD
};

/// Row Q-28.
const WORKOS_CONNECT: Preset = Preset {
    name: "workos",
    endpoints: Endpoints {
        device: Some("{base}/oauth2/device_authorization"),
        ..Endpoints::NONE
    },
    ..STANDARD
};

/// Rows. Only tokens of users: loopback redirects cannot have a bot's.
const SLACK: Preset = Preset {
    name: "slack",
    parameter: Parameter::None("https://slack.com"),
    discovery: false,
    endpoints: Endpoints {
        authorization: Some("{base}/oauth/v2/authorize"),
        token: Some("{base}/api/oauth.v2.access"),
        ..Endpoints::NONE
    },
    pkce_unannounced: true,
    scopes: ScopeRules {
        default: &["users:read"],
        openid: false,
        offline: Offline::Dropped,
        parameter: ("user_scope", ","),
        ..OPENID
    },
    resource: ResourceUse::Dropped,
    identity: IdentitySource::Member("authed_user", "id", &[]),
    tokens_in: Some("authed_user"),
    codes: &[
        ("invalid_code", "invalid_grant"),
        ("code_already_used", "invalid_grant"),
        ("invalid_refresh_token", "invalid_grant"),
        ("token_expired", "invalid_grant"),
        ("token_revoked", "invalid_grant"),
        ("invalid_client_id", "invalid_client"),
        ("bad_client_secret", "invalid_client"),
        ("invalid_scope", "invalid_scope"),
    ],
    callback: Some(Callback {
        is_localhost: true,
        path: "/callback",
    }),
    revocation_page: Some("https://slack.com/apps/manage"),
    ..STANDARD
};
