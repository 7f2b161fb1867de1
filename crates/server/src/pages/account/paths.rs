//! Where the pages of security are, below the issuer.

/// What there is, and how to change it.
pub(super) const SECURITY: &str = "account/security";
/// Setting an app up.
pub(super) const TOTP: &str = "account/security/totp";
/// The passkeys.
pub(super) const PASSKEYS: &str = "account/security/passkeys";
