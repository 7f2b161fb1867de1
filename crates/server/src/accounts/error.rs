//! Why something about an account was not done.

use hallpass_issuer::factors::password::BadPassword;
use hallpass_store::StoreError;

/// Why something about an account was not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    /// The user name has other characters than it may have.
    #[error("a user name is made of ASCII letters, digits and `. _ - + @`, 128 of them at most")]
    BadUsername,
    /// The address is none that mail could be sent to.
    #[error("`{0}` is no e-mail address")]
    BadEmail(String),
    /// The display name has control characters or is too long.
    #[error("a display name has at most 128 visible characters")]
    BadDisplayName,
    /// The new password may not be one.
    #[error(transparent)]
    BadPassword(#[from] BadPassword),
    /// The name or the proven address belongs to another account.
    #[error("another account has this name or this address")]
    Taken,
    /// There is no account of this name.
    #[error("no account is called `{0}`")]
    Unknown(String),
    /// The account has no address to send to.
    #[error("the account has no e-mail address")]
    NoEmail,
    /// The link was used, is too old, or was never one.
    #[error("the link was used or is too old")]
    DeadLink,
    /// Too many passwords are being hashed; nothing was done.
    #[error("too many people are signing in at this moment")]
    Busy,
    /// The database did not do it.
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for AccountError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict => Self::Taken,
            other => Self::Store(other),
        }
    }
}
