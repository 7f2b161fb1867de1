//! The names of what can happen. Each is written somewhere in the server; none is kept for later.

use std::fmt;

/// How an event is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// What was asked for was done.
    Success,
    /// It was refused, or did not work.
    Failure,
    /// Somebody should look at it: it may be an attack.
    Alert,
}

impl Outcome {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Alert => "alert",
        }
    }
}

macro_rules! events {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $outcome:ident;)*) => {
        /// What happened.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Event {$($(#[$doc])* $variant,)*}

        impl Event {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// As it is written.
            pub fn as_str(self) -> &'static str {
                match self {$(Self::$variant => $name,)*}
            }

            /// How it is to be read.
            pub fn outcome(self) -> Outcome {
                match self {$(Self::$variant => Outcome::$outcome,)*}
            }
        }
    };
}

events! {
    /// Somebody signed in to an account.
    LoginSuccess = "login.success", Success;
    /// A sign-in was refused.
    LoginFailure = "login.failure", Failure;
    /// A sign-in was refused without looking: too many tries before it.
    LoginLocked = "login.locked", Failure;
    /// A browser was signed out.
    Logout = "logout", Success;
    /// A second factor was set up.
    MfaEnrolled = "mfa.enrolled", Success;
    /// A second factor was removed.
    MfaRemoved = "mfa.removed", Success;
    /// A second factor was shown.
    MfaUsed = "mfa.used", Success;
    /// A second factor was refused.
    MfaFailed = "mfa.failed", Failure;
    /// A recovery code took the place of a second factor.
    RecoveryUsed = "recovery.used", Alert;
    /// A password was replaced by its owner.
    PasswordChanged = "password.changed", Success;
    /// A password was set through a link, or by an operator.
    PasswordReset = "password.reset", Success;
    /// A passkey was added.
    PasskeyAdded = "passkey.added", Success;
    /// A passkey was removed.
    PasskeyRemoved = "passkey.removed", Success;
    /// An account was made.
    UserCreated = "user.created", Success;
    /// A person was invited.
    UserInvited = "user.invited", Success;
    /// An account was locked.
    UserLocked = "user.locked", Success;
    /// An account was unlocked.
    UserUnlocked = "user.unlocked", Success;
    /// An account was deleted.
    UserDeleted = "user.deleted", Success;
    /// A person took a copy of all that is kept of them.
    UserExported = "user.exported", Success;
    /// A client got an authorization code.
    AuthorizeGranted = "authorize.granted", Success;
    /// An authorization request was refused.
    AuthorizeDenied = "authorize.denied", Failure;
    /// An authorization code came from another network than its browser.
    AuthorizePhishingSignal = "authorize.phishing_signal", Alert;
    /// A request was pushed from another network than the browser's, and the person was warned.
    AuthorizeOtherNetwork = "authorize.other_network", Alert;
    /// A client sent the challenge of another request again (RFC 9700 §2.1.1).
    PkceChallengeReuse = "pkce.challenge_reuse", Alert;
    /// A person let a client act for them.
    ConsentGranted = "consent.granted", Success;
    /// A person took that back.
    ConsentRevoked = "consent.revoked", Success;
    /// A device asked for codes.
    DeviceStarted = "device.started", Success;
    /// A user code was entered that is known.
    DeviceCodeEntered = "device.code_entered", Success;
    /// A user code was entered that is not.
    DeviceCodeFailed = "device.code_failed", Failure;
    /// A device was approved.
    DeviceApproved = "device.approved", Success;
    /// A device was denied.
    DeviceDenied = "device.denied", Success;
    /// A device fetched its tokens.
    DeviceRedeemed = "device.redeemed", Success;
    /// A client took its device code back.
    DeviceWithdrawn = "device.withdrawn", Success;
    /// A device code was used a second time.
    DeviceReplay = "device.replay", Alert;
    /// A person says that they did not start this.
    DeviceReported = "device.reported", Alert;
    /// A device code is handed around as a phisher would.
    DevicePhishingSignal = "device.phishing_signal", Alert;
    /// A token request was refused, by somebody who is a client or says so.
    TokenRefused = "token.refused", Failure;
    /// A token was exchanged for another one (RFC 8693).
    TokenExchanged = "token.exchanged", Success;
    /// A retired refresh token was answered again: its successor may have been lost.
    RefreshGrace = "refresh.grace", Success;
    /// The same, from another network than the rotation's.
    RefreshGraceElsewhere = "refresh.grace_elsewhere", Alert;
    /// A slow racer came with a token two generations old.
    RefreshLate = "refresh.late", Failure;
    /// A token of the future: the database went back.
    RefreshAhead = "refresh.ahead", Alert;
    /// A refresh token was used again: its family ended.
    RefreshReuse = "refresh.reuse", Alert;
    /// A sign-in was ended.
    SessionRevoked = "session.revoked", Success;
    /// A client registered itself (RFC 7591).
    ClientRegistered = "client.registered", Success;
    /// A client changed its registration (RFC 7592).
    ClientUpdated = "client.updated", Success;
    /// A client removed its registration.
    ClientDeleted = "client.deleted", Success;
    /// A client did not prove who it is.
    ClientAuthFailed = "client.auth_failed", Failure;
    /// A signing key was made.
    KeyCreated = "key.created", Success;
    /// A signing key signs from now on.
    KeyActivated = "key.activated", Success;
    /// A signing key signs no more.
    KeyRetired = "key.retired", Success;
    /// A signing key was removed before its time.
    KeyRevoked = "key.revoked", Alert;
    /// The settings were read again.
    ConfigLoaded = "config.loaded", Success;
    /// A limit against guessing was reached.
    LimitTripped = "limit.tripped", Alert;
    /// The server started.
    SystemStarted = "system.started", Success;
    /// The tables were brought to a newer version.
    SystemMigrated = "system.migrated", Success;
    /// Records are kept again after a time in which they were not.
    SystemRecovered = "system.recovered", Alert;
}

impl Event {
    /// Reads a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|event| event.as_str() == name)
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
