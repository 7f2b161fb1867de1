//! What can go wrong, sorted by what the caller can do about it.
//!
//! The exit codes are those of the command line's contract (`docs/book`, "exit codes"); the OAuth
//! codes are RFC 6749 §5.2 and its extensions.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use hallpass_protocol::id_token::IdTokenError;
use hallpass_protocol::{ErrorCode, OAuthError};

use crate::authorized_http::StepUpChallenge;
use crate::clean;
use crate::credentials::StoreError;

/// Why an operation of this crate failed.
///
/// `Display` is one lower-case sentence without a final period; [`Error::hint`] says what to do
/// next, and [`std::error::Error::source`] leads to the deeper reasons. No secret is ever in it, and
/// text from the server is cleaned of terminal escapes.
///
/// ```
/// use hallpass_client::{Client, ErrorKind};
///
/// let error = Client::builder("http://login.example.com", "acme-cli").build().unwrap_err();
/// assert_eq!(*error.kind(), ErrorKind::Config);
/// assert_eq!(error.exit_code(), 5);
/// assert!(error.hint().is_some_and(|hint| hint.contains("https")));
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: String,
    hint: Option<String>,
    oauth: Option<OAuthError>,
    missing_scope: Option<String>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What the caller can do about an [`Error`].
///
/// ```
/// use hallpass_client::{Error, ErrorKind};
///
/// /// What a job that runs every hour does about it.
/// fn advice(error: &Error) -> &'static str {
///     match error.kind() {
///         ErrorKind::Unavailable { .. } | ErrorKind::TimedOut => "try again in an hour",
///         ErrorKind::LoginRequired | ErrorKind::StepUp(_) => "call a person",
///         _ => "give up",
///     }
/// }
/// # let error = hallpass_client::Client::builder("", "").build().unwrap_err();
/// # assert_eq!(advice(&error), "give up");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Nobody is signed in, or the server wants a new sign-in.
    LoginRequired,
    /// The person, or a policy of the server, declined.
    Denied,
    /// The person gave up.
    Cancelled,
    /// Nobody answered in time.
    TimedOut,
    /// The server or the network is not there; the session is kept, trying again is fine.
    Unavailable {
        /// How long the server asks to wait.
        retry_after: Option<Duration>,
    },
    /// A check that protects the user failed: do not retry, report.
    Security(SecurityViolation),
    /// The configuration, here or at the server, does not allow this.
    Config,
    /// Credentials could not be read or written.
    Store,
    /// The token is good, but lacks a scope: [`Error::missing_scope`].
    InsufficientScope,
    /// An API wants a stronger or fresher sign-in ([`StepUpChallenge::sign_in`]); the session is kept.
    StepUp(StepUpChallenge),
    /// The peer said something that makes no sense.
    Protocol,
}

/// Which check failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecurityViolation {
    /// Several callbacks came with a `state` that is not ours (RFC 6749 §10.12).
    State,
    /// `iss` of the authorization response is missing, unexpected or another's (RFC 9207 §2.4).
    Issuer,
    /// The authorization response contradicts itself (row C-18).
    AuthorizationResponse,
    /// The ID token failed a check (OIDC Core §3.1.3.7).
    IdToken(IdTokenError),
    /// Somebody else signed in than the stored session belongs to (row C-69).
    Account,
    /// The `UserInfo` answer is about somebody else (OIDC Core §5.3.2).
    Subject,
    /// The server redirected a request that carries secrets.
    Redirect,
    /// The server's certificate is not trusted.
    Certificate,
    /// An API's metadata is about something else than was asked (RFC 9728 §3.3).
    Resource,
    /// Another type of token came than was asked for (RFC 8693 §2.2.1).
    TokenType,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let message = message.into();
        Self(Box::new(Inner {
            kind,
            message,
            hint: None,
            oauth: None,
            missing_scope: None,
            source: None,
        }))
    }

    pub(crate) fn config(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Config, message)
    }

    pub(crate) fn protocol(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Protocol, message)
    }

    pub(crate) fn security(violation: SecurityViolation, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Security(violation), message)
    }

    pub(crate) fn login_required(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::LoginRequired, message).hint_to("sign in again")
    }

    pub(crate) fn unavailable(message: impl Into<String>, retry_after: Option<Duration>) -> Self {
        Self::new(ErrorKind::Unavailable { retry_after }, message)
            .hint_to("try again later; a session that exists is kept")
    }

    /// The error for an OAuth refusal that no caller knows better.
    pub(crate) fn from_oauth(what: &str, error: &OAuthError) -> Self {
        let error = cleaned(error);
        let kind = match &error.error {
            ErrorCode::AccessDenied => ErrorKind::Denied,
            ErrorCode::InvalidGrant
            | ErrorCode::LoginRequired
            | ErrorCode::ConsentRequired
            | ErrorCode::InteractionRequired => ErrorKind::LoginRequired,
            ErrorCode::ServerError | ErrorCode::TemporarilyUnavailable => {
                ErrorKind::Unavailable { retry_after: None }
            }
            ErrorCode::InsufficientScope => ErrorKind::InsufficientScope,
            ErrorCode::InvalidClient
            | ErrorCode::UnauthorizedClient
            | ErrorCode::UnsupportedGrantType
            | ErrorCode::UnsupportedResponseType
            | ErrorCode::InvalidScope
            | ErrorCode::InvalidTarget => ErrorKind::Config,
            _ => ErrorKind::Protocol,
        };
        let hint = match &error.error {
            ErrorCode::InvalidClient => Some("check the client id, and its secret or key"),
            ErrorCode::UnauthorizedClient | ErrorCode::UnsupportedGrantType => {
                Some("allow this grant for the client at the server, or sign in another way")
            }
            ErrorCode::InvalidScope => Some("ask for scopes that the server offers to this client"),
            ErrorCode::InvalidTarget => Some("ask for a resource that the server knows"),
            ErrorCode::InvalidGrant | ErrorCode::LoginRequired => Some("sign in again"),
            ErrorCode::ServerError | ErrorCode::TemporarilyUnavailable => Some("try again later"),
            ErrorCode::InvalidDpopProof => Some(
                "compare this machine's clock with the server's; a token that is bound to a key also needs that key",
            ),
            ErrorCode::UseDpopNonce => Some("this server wants DPoP: sign in with it"),
            _ => None,
        };
        let mut built = Self::new(kind, format!("{what}: {error}"));
        built.0.hint = hint.map(str::to_owned);
        built.0.oauth = Some(error);
        built
    }

    #[must_use]
    pub(crate) fn hint_to(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    #[must_use]
    pub(crate) fn lacking(mut self, scope: String) -> Self {
        self.0.missing_scope = Some(scope);
        self
    }

    #[must_use]
    pub(crate) fn because_of(mut self, oauth: &OAuthError) -> Self {
        self.0.oauth = Some(cleaned(oauth));
        self
    }

    #[must_use]
    pub(crate) fn caused_by(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Says more in the same sentence.
    #[must_use]
    pub(crate) fn adding(mut self, more: &str) -> Self {
        self.0.message.push_str(more);
        self
    }

    /// What the caller can do about it.
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// The next step for the person, in the imperative.
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// What the server said, cleaned of terminal escapes.
    pub fn oauth(&self) -> Option<&OAuthError> {
        self.0.oauth.as_ref()
    }

    /// The scope that an API said is missing, cleaned of terminal escapes (RFC 6750 §3).
    pub fn missing_scope(&self) -> Option<&str> {
        self.0.missing_scope.as_deref()
    }

    /// The exit code that a command line should end with.
    pub fn exit_code(&self) -> u8 {
        self.0.kind.exit_code()
    }
}

impl ErrorKind {
    /// The name in machine-readable output, such as `login_required`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::LoginRequired => "login_required",
            Self::Denied => "denied",
            Self::Cancelled => "cancelled",
            Self::TimedOut => "timed_out",
            Self::Unavailable { .. } => "unavailable",
            Self::Security(_) => "security",
            Self::Config => "config",
            Self::Store => "store",
            Self::InsufficientScope => "insufficient_scope",
            Self::StepUp(_) => "step_up_required",
            Self::Protocol => "protocol",
        }
    }

    /// The exit code that a command line should end with.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Protocol => 1,
            Self::Denied | Self::Cancelled => 3,
            Self::LoginRequired | Self::StepUp(_) => 4,
            Self::Config => 5,
            Self::TimedOut => 6,
            Self::Unavailable { .. } => 7,
            Self::Security(_) => 8,
            Self::Store => 9,
            Self::InsufficientScope => 10,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    /// `fn main() -> Result<(), Error>` prints this, so it reads like the message.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.0.message, self.0.kind.as_str())?;
        let mut cause = self.source();
        while let Some(error) = cause {
            write!(f, "\n  cause: {error}")?;
            cause = error.source();
        }
        match &self.0.hint {
            Some(hint) => write!(f, "\n  hint: {hint}"),
            None => Ok(()),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        let hint = error.hint();
        let built = Self::new(ErrorKind::Store, error.to_string()).caused_by_inner(error);
        match hint {
            Some(hint) => built.hint_to(hint),
            None => built,
        }
    }
}

impl Error {
    /// Keeps only what stands below the store's own sentence, which is the message already.
    fn caused_by_inner(self, error: StoreError) -> Self {
        match error.into_source() {
            Some(source) => self.caused_by(source),
            None => self,
        }
    }
}

fn cleaned(error: &OAuthError) -> OAuthError {
    let code = clean::text(error.error.as_str());
    OAuthError {
        error: ErrorCode::parse(&code),
        description: error.description.as_deref().map(clean::text),
        uri: error.uri.as_deref().map(clean::text),
        interval: error.interval,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_those_of_the_contract() {
        for (kind, code) in [
            (ErrorKind::Protocol, 1),
            (ErrorKind::Denied, 3),
            (ErrorKind::Cancelled, 3),
            (ErrorKind::LoginRequired, 4),
            (ErrorKind::Config, 5),
            (ErrorKind::TimedOut, 6),
            (ErrorKind::Unavailable { retry_after: None }, 7),
            (ErrorKind::Security(SecurityViolation::State), 8),
            (ErrorKind::Store, 9),
            (ErrorKind::InsufficientScope, 10),
            (ErrorKind::StepUp(StepUpChallenge::default()), 4),
        ] {
            assert_eq!(Error::new(kind.clone(), "x").exit_code(), code, "{kind:?}");
        }
    }

    #[test]
    fn c_83_what_the_server_says_is_cleaned_in_an_error() {
        let said = OAuthError {
            error: ErrorCode::parse("bad\u{1b}[2Jcode"),
            description: Some("a\u{1b}]8;;http://evil\u{7}b\u{202e}c".to_owned()),
            uri: None,
            interval: None,
        };
        let error = Error::from_oauth("the token request was refused", &said);
        for text in [
            error.to_string(),
            format!("{error:?}"),
            format!("{:?}", error.oauth()),
        ] {
            assert!(!text.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{text:?}");
        }
    }
}
