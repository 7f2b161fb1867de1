//! The scopes with a meaning of their own.
//!
//! OIDC Core §5.4: <https://openid.net/specs/openid-connect-core-1_0.html#ScopeClaims>, §11.

/// Asks for a refresh token (OIDC Core §11).
pub const OFFLINE_ACCESS: &str = "offline_access";
/// Asks for an ID token (OIDC Core §3.1.2.1).
pub const OPENID: &str = "openid";
/// The scopes that OIDC Core §5.4 and §11 define: they name no audience.
pub const OIDC_SCOPES: [&str; 6] = [
    OPENID,
    "profile",
    "email",
    "address",
    "phone",
    OFFLINE_ACCESS,
];
