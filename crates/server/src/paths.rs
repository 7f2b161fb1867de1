//! Where the endpoints lie below an issuer: each endpoint has one canonical path, which metadata
//! names. All further names are aliases (`router`).
//!
//! For users: `docs/server.md`.

use crate::settings::Mode;

/// The canonical paths, without a slash before them.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Paths {
    pub(crate) authorization: &'static str,
    pub(crate) token: &'static str,
    pub(crate) device_authorization: &'static str,
    pub(crate) pushed_authorization_request: &'static str,
    pub(crate) registration: &'static str,
    pub(crate) userinfo: &'static str,
    pub(crate) jwks: &'static str,
    pub(crate) introspection: &'static str,
    pub(crate) revocation: &'static str,
    pub(crate) end_session: &'static str,
}

impl Paths {
    /// Those of a mode.
    pub(crate) fn of(mode: Mode) -> &'static Self {
        match mode {
            Mode::Dev => &MOCK,
            Mode::Production => &OWN,
        }
    }
}

/// Those of `mock-oauth2-server`, which dev mode stands in for.
static MOCK: Paths = Paths {
    authorization: "authorize",
    token: "token",
    device_authorization: "device/authorize",
    pushed_authorization_request: "par",
    registration: "register",
    userinfo: "userinfo",
    jwks: "jwks",
    introspection: "introspect",
    revocation: "revoke",
    end_session: "endsession",
};

/// Our own.
static OWN: Paths = Paths {
    authorization: "oauth2/authorize",
    token: "oauth2/token",
    device_authorization: "oauth2/device_authorization",
    pushed_authorization_request: "oauth2/par",
    registration: "oauth2/register",
    userinfo: "oauth2/userinfo",
    jwks: ".well-known/jwks.json",
    introspection: "oauth2/introspect",
    revocation: "oauth2/revoke",
    end_session: "oauth2/logout",
};
