//! The whole URL map on one screen.
//!
//! In dev mode every path prefix is an issuer: the longest suffix that names an endpoint wins, the
//! rest of the path is the issuer (`docs/adr/0003`). Paths of other servers that hallpass stands in
//! for come first and belong to the root issuer. Production has one issuer and answers under its own
//! names, and under those of other servers that `compat` lists.

use hallpass_issuer::registration::is_own_id;
use hallpass_protocol::ClientId;

use super::endpoint::Endpoint;
use crate::request::is_issuer;
use crate::settings::{Compat, Mode, Settings};

use super::endpoint::Endpoint::{
    Account, AccountApps, AccountDelete, AccountExport, AccountHistory, AccountPasskeys,
    AccountPassword, AccountSecurity, AccountSessions, AccountTotp, AuthKitAuthenticate,
    AuthKitDevice, Authorization, ChangePassword, ChoosePassword, ClientConfiguration,
    CreateAccount, Debugger, DebuggerCallback, Device, DeviceAuthorization, DeviceConfirm,
    EndSession, Home, Introspection, Jwks, Live, Login, Metadata, PasskeyOrigins,
    PushedAuthorizationRequest, Ready, Recover, Registration, ResourceMetadata, Revocation, SignUp,
    Token, Userinfo,
};

/// Whose name of an endpoint a path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Name {
    Own,
    Mock,
    Hydra,
    WorkOs,
}

use Name::{Hydra, Mock, Own, WorkOs};

/// Whole paths, all of the root issuer.
const EXACT: &[(&str, Endpoint, Name)] = &[
    ("", Home, Own),
    ("livez", Live, Own),
    ("readyz", Ready, Own),
    ("isalive", Live, Mock),
    ("health/alive", Live, Hydra),
    ("health/ready", Ready, Hydra),
    ("login/recover", Recover, Own),
    ("login/password", ChoosePassword, Own),
    ("login/sign-up", SignUp, Own),
    ("login/create-account", CreateAccount, Own),
    ("account", Account, Own),
    ("account/sessions", AccountSessions, Own),
    ("account/apps", AccountApps, Own),
    ("account/password", AccountPassword, Own),
    ("account/security", AccountSecurity, Own),
    ("account/security/totp", AccountTotp, Own),
    ("account/security/passkeys", AccountPasskeys, Own),
    ("account/history", AccountHistory, Own),
    ("account/export", AccountExport, Own),
    ("account/delete", AccountDelete, Own),
    (".well-known/change-password", ChangePassword, Own),
    (".well-known/webauthn", PasskeyOrigins, Own),
    (".well-known/jwks.json", Jwks, Own),
    ("oauth2/authorize", Authorization, Own),
    ("oauth2/auth", Authorization, Hydra),
    ("oauth2/token", Token, Own),
    ("oauth2/device_authorization", DeviceAuthorization, Own),
    ("oauth2/device/auth", DeviceAuthorization, Hydra),
    ("oauth2/device", DeviceAuthorization, Hydra),
    ("oauth2/device/verify", Device, Hydra),
    ("oauth2/par", PushedAuthorizationRequest, Own),
    ("oauth2/register", Registration, Own),
    ("oauth2/userinfo", Userinfo, Own),
    ("userinfo", Userinfo, Hydra),
    ("oauth2/introspect", Introspection, Own),
    ("admin/oauth2/introspect", Introspection, Hydra),
    ("oauth2/revoke", Revocation, Own),
    ("oauth2/logout", EndSession, Own),
    ("oauth2/sessions/logout", EndSession, Hydra),
    ("user_management/authorize/device", AuthKitDevice, WorkOs),
    ("user_management/authenticate", AuthKitAuthenticate, WorkOs),
];

/// The ends of paths, longest first; what stands before is the issuer.
const SUFFIXES: &[(&str, Endpoint, Name)] = &[
    (".well-known/oauth-authorization-server", Metadata, Own),
    (".well-known/openid-configuration", Metadata, Own),
    ("debugger/callback", DebuggerCallback, Mock),
    ("device/authorize", DeviceAuthorization, Mock),
    ("device/confirm", DeviceConfirm, Own),
    ("endsession", EndSession, Mock),
    ("introspect", Introspection, Mock),
    ("authorize", Authorization, Mock),
    ("debugger", Debugger, Mock),
    ("register", Registration, Mock),
    ("userinfo", Userinfo, Mock),
    ("device", Device, Own),
    ("revoke", Revocation, Mock),
    ("login", Login, Own),
    ("token", Token, Mock),
    ("jwks", Jwks, Mock),
    ("par", PushedAuthorizationRequest, Mock),
];

/// RFC 9728 §3.1 puts its suffix before the resource's path; the one resource is userinfo.
const RESOURCE: &str = ".well-known/oauth-protected-resource/";

/// RFC 8414 §3.1 puts its suffix before the issuer's path.
const INSERTED: &str = ".well-known/oauth-authorization-server/";

/// Which paths a server answers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Map {
    mode: Mode,
    compat: Compat,
}

impl Map {
    pub(super) fn of(settings: &Settings) -> Self {
        Self {
            mode: settings.mode,
            compat: settings.compat,
        }
    }

    /// Names the endpoint of a path, and its issuer.
    pub(super) fn resolve(self, path: &str) -> Option<(String, Endpoint)> {
        let (issuer, endpoint) = self.look_up(path)?;
        match self.mode {
            // Nobody has a password there.
            Mode::Dev if endpoint.needs_accounts() => None,
            Mode::Dev => Some((issuer, endpoint)),
            // One issuer, by whatever name it is called; and nobody's debugger.
            Mode::Production if matches!(endpoint, Debugger | DebuggerCallback) => None,
            Mode::Production => Some((String::new(), endpoint)),
        }
    }

    fn look_up(self, path: &str) -> Option<(String, Endpoint)> {
        let path = path.strip_prefix('/')?;
        let exact = EXACT.iter().find(|(known, ..)| *known == path);
        if let Some((_, endpoint, name)) = exact
            && self.answers_to(*name)
        {
            return Some((String::new(), *endpoint));
        }
        if let Some(issuer) = path.strip_prefix(INSERTED) {
            return self
                .may_be_issuer(issuer, Own)
                .then(|| (issuer.to_owned(), Metadata));
        }
        if let Some(resource) = path.strip_prefix(RESOURCE) {
            return match self.look_up(&format!("/{resource}"))? {
                (issuer, Userinfo) => Some((issuer, ResourceMetadata)),
                _ => None,
            };
        }
        if let Some((issuer, name)) = configured_client(path) {
            let is_known = self.answers_to(name) && self.may_be_issuer(issuer, name);
            return is_known.then(|| (issuer.to_owned(), ClientConfiguration));
        }
        SUFFIXES.iter().find_map(|(suffix, endpoint, name)| {
            let issuer = path.strip_suffix(suffix)?;
            let issuer = if issuer.is_empty() {
                ""
            } else {
                issuer.strip_suffix('/')?
            };
            let is_known = self.answers_to(*name) && self.may_be_issuer(issuer, *name);
            is_known.then(|| (issuer.to_owned(), *endpoint))
        })
    }

    fn answers_to(self, name: Name) -> bool {
        match name {
            Own => true,
            Mock => self.compat.mock,
            Hydra => self.compat.hydra,
            WorkOs => self.compat.workos,
        }
    }

    /// Whether this may stand before the end of a path: an issuer of dev mode, or a name that the
    /// mock's clients use for the one issuer.
    fn may_be_issuer(self, issuer: &str, name: Name) -> bool {
        let is_plain = issuer.is_empty() && name == Own;
        is_plain || self.compat.mock && is_issuer(issuer)
    }
}

/// The issuer of `register/{id}`, the address of a client that registered itself (RFC 7592 §2).
fn configured_client(path: &str) -> Option<(&str, Name)> {
    let (rest, id) = path.rsplit_once('/')?;
    let found = match rest {
        "oauth2/register" => ("", Own),
        "register" => ("", Mock),
        _ => (rest.strip_suffix("/register")?, Mock),
    };
    is_own_id(&ClientId::new(id)).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control;
    use crate::paths::Paths;

    fn named(path: &str) -> Option<(String, Endpoint)> {
        let (mode, compat) = (Mode::Dev, Compat::ALL);
        Map { mode, compat }.resolve(path)
    }

    fn in_production(compat: Compat, path: &str) -> Option<Endpoint> {
        let mode = Mode::Production;
        let (issuer, endpoint) = Map { mode, compat }.resolve(path)?;
        assert_eq!(issuer, "", "{path}");
        Some(endpoint)
    }

    #[test]
    fn production_answers_its_own_names_and_those_that_compat_lists() {
        let none = Compat::default();
        for (path, endpoint) in [
            ("/oauth2/token", Token),
            ("/.well-known/openid-configuration", Metadata),
            ("/.well-known/jwks.json", Jwks),
            ("/device", Device),
            ("/login", Login),
            (
                "/.well-known/oauth-protected-resource/oauth2/userinfo",
                ResourceMetadata,
            ),
        ] {
            assert_eq!(in_production(none, path), Some(endpoint), "{path}");
        }
        let mock = Compat { mock: true, ..none };
        let hydra = Compat {
            hydra: true,
            ..none
        };
        let workos = Compat {
            workos: true,
            ..none
        };
        for (path, compat, endpoint) in [
            ("/default/token", mock, Token),
            ("/token", mock, Token),
            ("/default/.well-known/openid-configuration", mock, Metadata),
            ("/default/device/authorize", mock, DeviceAuthorization),
            ("/isalive", mock, Live),
            ("/oauth2/auth", hydra, Authorization),
            ("/oauth2/device/auth", hydra, DeviceAuthorization),
            ("/userinfo", hydra, Userinfo),
            ("/health/ready", hydra, Ready),
            ("/user_management/authenticate", workos, AuthKitAuthenticate),
        ] {
            assert_eq!(in_production(none, path), None, "{path}");
            assert_eq!(in_production(compat, path), Some(endpoint), "{path}");
        }
        let all = Compat::ALL;
        for path in [
            "/default/debugger",
            "/debugger",
            "/debugger/callback",
            "/_hallpass/state",
        ] {
            assert_eq!(in_production(all, path), None, "{path}");
        }
    }

    #[test]
    fn every_canonical_path_is_its_endpoint() {
        for mode in [Mode::Dev, Mode::Production] {
            let compat = if mode == Mode::Dev {
                Compat::ALL
            } else {
                Compat::default()
            };
            let paths = Paths::of(mode);
            for (path, endpoint) in [
                (paths.authorization, Authorization),
                (paths.token, Token),
                (paths.device_authorization, DeviceAuthorization),
                (
                    paths.pushed_authorization_request,
                    PushedAuthorizationRequest,
                ),
                (paths.registration, Registration),
                (paths.userinfo, Userinfo),
                (paths.jwks, Jwks),
                (paths.introspection, Introspection),
                (paths.revocation, Revocation),
                (paths.end_session, EndSession),
            ] {
                let found = Map { mode, compat }.resolve(&format!("/{path}"));
                assert_eq!(found, Some((String::new(), endpoint)), "{path}");
            }
        }
    }

    #[test]
    fn every_prefix_is_an_issuer_and_the_longest_suffix_wins() {
        let at = |issuer: &str, endpoint| Some((issuer.to_owned(), endpoint));
        assert_eq!(
            named("/default/device/authorize"),
            at("default", DeviceAuthorization)
        );
        assert_eq!(named("/default/authorize"), at("default", Authorization));
        assert_eq!(named("/a/b/token"), at("a/b", Token));
        assert_eq!(named("/token"), at("", Token));
        assert_eq!(named("/device"), at("", Device));
        assert_eq!(named("/oauth2/device/auth"), at("", DeviceAuthorization));
        assert_eq!(
            named("/.well-known/oauth-authorization-server/a/b"),
            at("a/b", Metadata)
        );
        assert_eq!(
            named("/a/.well-known/oauth-authorization-server"),
            at("a", Metadata)
        );
        assert_eq!(
            named("/a/.well-known/openid-configuration"),
            at("a", Metadata)
        );
    }

    #[test]
    fn every_endpoint_is_known_to_the_control_api() {
        let endpoints = EXACT
            .iter()
            .chain(SUFFIXES)
            .map(|(_, endpoint, _)| *endpoint);
        for name in endpoints.filter_map(Endpoint::name) {
            assert!(control::is_endpoint(name), "{name}");
        }
    }

    #[test]
    fn what_is_no_issuer_is_not_found() {
        for path in [
            "/a//token",
            "/a/../token",
            "/%2e/token",
            "/atoken",
            "/x",
            "/a b/token",
        ] {
            assert_eq!(named(path), None, "{path}");
        }
    }
}
