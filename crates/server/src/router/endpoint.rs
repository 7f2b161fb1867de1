//! What can be asked for: which methods it takes, whether people or programs ask, and what goes along with its answer.

use http::Method;

use crate::dpop_nonces::Role;

/// Everything that can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    Metadata,
    ResourceMetadata,
    Registration,
    ClientConfiguration,
    Jwks,
    Authorization,
    Token,
    DeviceAuthorization,
    PushedAuthorizationRequest,
    Userinfo,
    Introspection,
    Revocation,
    EndSession,
    Device,
    DeviceConfirm,
    Login,
    Recover,
    ChoosePassword,
    SignUp,
    CreateAccount,
    ChangePassword,
    Account,
    AccountSessions,
    AccountApps,
    AccountPassword,
    AccountPasskeys,
    AccountSecurity,
    AccountTotp,
    AccountHistory,
    AccountExport,
    AccountDelete,
    PasskeyOrigins,
    Debugger,
    DebuggerCallback,
    AuthKitDevice,
    AuthKitAuthenticate,
    Live,
    Ready,
    Home,
}

use Endpoint::{
    Account, AccountApps, AccountDelete, AccountExport, AccountHistory, AccountPasskeys,
    AccountPassword, AccountSecurity, AccountSessions, AccountTotp, AuthKitAuthenticate,
    AuthKitDevice, Authorization, ChangePassword, ChoosePassword, ClientConfiguration,
    CreateAccount, Debugger, DebuggerCallback, Device, DeviceAuthorization, DeviceConfirm,
    EndSession, Home, Introspection, Jwks, Live, Login, Metadata, PasskeyOrigins,
    PushedAuthorizationRequest, Ready, Recover, Registration, ResourceMetadata, Revocation, SignUp,
    Token, Userinfo,
};

impl Endpoint {
    /// Whether it is about people with accounts.
    pub(super) fn needs_accounts(self) -> bool {
        matches!(
            self,
            Recover | ChoosePassword | SignUp | CreateAccount | ChangePassword | PasskeyOrigins
        ) || self.is_account()
    }

    /// Whether it is a page of a person's own account.
    pub(super) fn is_account(self) -> bool {
        matches!(
            self,
            Account
                | AccountSessions
                | AccountApps
                | AccountPassword
                | AccountPasskeys
                | AccountSecurity
                | AccountTotp
                | AccountHistory
                | AccountExport
                | AccountDelete
        )
    }

    /// Whether pages of registered origins may ask for it in production (row S-168): what a program
    /// in a browser needs, and nothing that a person looks at.
    pub(super) fn is_for_scripts(self) -> bool {
        matches!(
            self,
            Metadata | ResourceMetadata | Jwks | Token | Userinfo | Revocation
        )
    }

    /// The methods it takes, as `Allow` names them.
    pub(super) fn methods(self) -> &'static str {
        match self {
            Metadata | ResourceMetadata | Jwks | Live | Ready | Home | ChangePassword
            | PasskeyOrigins => "GET, HEAD",
            Token
            | DeviceAuthorization
            | PushedAuthorizationRequest
            | Introspection
            | Revocation
            | AuthKitDevice
            | Registration
            | AccountSessions
            | AccountApps
            | AccountExport
            | AuthKitAuthenticate => "POST",
            ClientConfiguration => "GET, HEAD, PUT, DELETE",
            Authorization | Userinfo | EndSession | Device | DeviceConfirm | Login | Recover
            | ChoosePassword | SignUp | CreateAccount | Account | AccountPassword
            | AccountPasskeys | AccountSecurity | AccountTotp | AccountHistory | AccountDelete
            | Debugger | DebuggerCallback => "GET, HEAD, POST",
        }
    }

    /// Whether it takes a method.
    pub(super) fn takes(self, method: &Method) -> bool {
        let mut known = self.methods().split(", ");
        known.any(|known| known == method.as_str())
    }

    /// Its name in the control API, that of its file; `None` where tests have nothing to look for.
    pub(super) fn name(self) -> Option<&'static str> {
        match self {
            Metadata | ResourceMetadata => Some("metadata"),
            Jwks => Some("jwks"),
            Authorization => Some("authorization"),
            Token | AuthKitAuthenticate => Some("token"),
            DeviceAuthorization | AuthKitDevice => Some("device_authorization"),
            PushedAuthorizationRequest => Some("pushed_authorization_request"),
            Registration | ClientConfiguration => Some("registration"),
            Userinfo => Some("userinfo"),
            Introspection => Some("introspection"),
            Revocation => Some("revocation"),
            EndSession => Some("end_session"),
            Device => Some("device"),
            DeviceConfirm => Some("device_confirm"),
            Login => Some("login"),
            Recover | ChoosePassword | SignUp | CreateAccount | ChangePassword | Account
            | AccountSessions | AccountApps | AccountPassword | AccountPasskeys
            | AccountSecurity | AccountTotp | PasskeyOrigins | AccountHistory | AccountExport
            | AccountDelete | Debugger | DebuggerCallback | Live | Ready | Home => None,
        }
    }

    /// For which role it takes DPoP proofs, if it does.
    pub(super) fn takes_proofs(self) -> Option<Role> {
        match self {
            Token
            | AuthKitAuthenticate
            | DeviceAuthorization
            | AuthKitDevice
            | PushedAuthorizationRequest => Some(Role::AuthorizationServer),
            Userinfo => Some(Role::Resource),
            _ => None,
        }
    }

    /// Whether people see it: then it never answers CORS (row S-50), and its errors are pages.
    pub(super) fn is_page(self) -> bool {
        matches!(
            self,
            Authorization
                | EndSession
                | Device
                | DeviceConfirm
                | Login
                | Recover
                | ChoosePassword
                | SignUp
                | CreateAccount
                | ChangePassword
                | Debugger
                | DebuggerCallback
                | Home
        ) || self.is_account()
    }
}
