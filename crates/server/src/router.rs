//! The whole URL map on one screen.
//!
//! In dev mode every path prefix is an issuer: the longest suffix that names an endpoint wins, the
//! rest of the path is the issuer (`docs/adr/0003`). Paths of other servers that hallpass stands in
//! for come first and belong to the root issuer. Production has one issuer and answers under its own
//! names, and under those of other servers that `compat` lists.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use hallpass_issuer::registration::is_own_id;
use hallpass_protocol::{ClientId, prefer};
use hallpass_store::Moment;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};

use crate::Body;
use crate::control;
use crate::dev_mode;
use crate::dpop_nonces::Role;
use crate::endpoints::{
    authorization, debugger, device_authorization, end_session, health, introspection, jwks,
    metadata, pushed_authorization_request, registration, resource_metadata, revocation,
    static_files, token, user_management, userinfo,
};
use crate::error::json::JsonError;
use crate::error::page::PageError;
use crate::extract::dpop_proof;
use crate::languages::PageLanguage;
use crate::pages::{
    account, assets, choose_password, device, device_confirm, home, language_switch, login, recover,
};
use crate::paths::Paths;
use crate::request::{self, BodyError, Request, is_issuer};
use crate::settings::{Compat, Mode, Settings};
use crate::state::State;
use crate::trusted_proxies::{client_address, is_veiled};

/// Everything that can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Endpoint {
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
    ChangePassword,
    Account,
    AccountSessions,
    AccountApps,
    AccountPassword,
    AccountHistory,
    AccountExport,
    AccountDelete,
    Debugger,
    DebuggerCallback,
    AuthKitDevice,
    AuthKitAuthenticate,
    Live,
    Ready,
    Home,
}

use Endpoint::{
    Account, AccountApps, AccountDelete, AccountExport, AccountHistory, AccountPassword,
    AccountSessions, AuthKitAuthenticate, AuthKitDevice, Authorization, ChangePassword,
    ChoosePassword, ClientConfiguration, Debugger, DebuggerCallback, Device, DeviceAuthorization,
    DeviceConfirm, EndSession, Home, Introspection, Jwks, Live, Login, Metadata,
    PushedAuthorizationRequest, Ready, Recover, Registration, ResourceMetadata, Revocation, Token,
    Userinfo,
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
    ("account", Account, Own),
    ("account/sessions", AccountSessions, Own),
    ("account/apps", AccountApps, Own),
    ("account/password", AccountPassword, Own),
    ("account/history", AccountHistory, Own),
    ("account/export", AccountExport, Own),
    ("account/delete", AccountDelete, Own),
    (".well-known/change-password", ChangePassword, Own),
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
struct Map {
    mode: Mode,
    compat: Compat,
}

impl Map {
    fn of(settings: &Settings) -> Self {
        Self {
            mode: settings.mode,
            compat: settings.compat,
        }
    }

    /// Names the endpoint of a path, and its issuer.
    fn resolve(self, path: &str) -> Option<(String, Endpoint)> {
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

impl Endpoint {
    /// Whether it is about people with accounts.
    fn needs_accounts(self) -> bool {
        matches!(self, Recover | ChoosePassword | ChangePassword) || self.is_account()
    }

    /// Whether it is a page of a person's own account.
    fn is_account(self) -> bool {
        matches!(
            self,
            Account
                | AccountSessions
                | AccountApps
                | AccountPassword
                | AccountHistory
                | AccountExport
                | AccountDelete
        )
    }

    /// The methods it takes, as `Allow` names them.
    fn methods(self) -> &'static str {
        match self {
            Metadata | ResourceMetadata | Jwks | Live | Ready | Home | ChangePassword => {
                "GET, HEAD"
            }
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
            | ChoosePassword | Account | AccountPassword | AccountHistory | AccountDelete
            | Debugger | DebuggerCallback => "GET, HEAD, POST",
        }
    }

    /// Its name in the control API, that of its file; `None` where tests have nothing to look for.
    fn name(self) -> Option<&'static str> {
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
            Recover | ChoosePassword | ChangePassword | Account | AccountSessions | AccountApps
            | AccountPassword | AccountHistory | AccountExport | AccountDelete | Debugger
            | DebuggerCallback | Live | Ready | Home => None,
        }
    }

    /// For which role it takes DPoP proofs, if it does.
    fn takes_proofs(self) -> Option<Role> {
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
    fn is_page(self) -> bool {
        matches!(
            self,
            Authorization
                | EndSession
                | Device
                | DeviceConfirm
                | Login
                | Recover
                | ChoosePassword
                | ChangePassword
                | Debugger
                | DebuggerCallback
                | Home
        ) || self.is_account()
    }
}

/// A request of which only the head is read.
fn without_body(
    state: &State,
    parts: http::request::Parts,
    peer: SocketAddr,
    issuer: String,
) -> Request {
    let base = dev_mode::base_url(&state.settings, &parts.headers);
    let issuer_url = if issuer.is_empty() {
        base
    } else {
        format!("{base}/{issuer}")
    };
    let proxies = &state.settings.trusted_proxies;
    Request {
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        method: parts.method,
        body: hyper::body::Bytes::new(),
        peer: client_address(proxies, peer.ip(), &parts.headers),
        is_veiled: is_veiled(proxies, peer.ip(), &parts.headers),
        headers: parts.headers,
        issuer,
        issuer_url,
        paths: Paths::of(state.settings.mode),
        brand: state.brand.clone(),
        now: state.now(),
        came: Moment::present(),
        language: PageLanguage::unknown(state.settings.branding.language),
        held_for: OnceLock::new(),
    }
}

/// Answers one request.
pub(crate) async fn answer<B>(
    state: Arc<State>,
    incoming: http::Request<B>,
    peer: SocketAddr,
) -> Response<Body>
where
    B: hyper::body::Body<Data = hyper::body::Bytes> + Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (parts, body) = incoming.into_parts();
    if let Some(refused) = refuse_stranger(&state, &parts.headers, peer) {
        return refused;
    }
    let path = parts.uri.path();
    if !state.settings.is_production() && control::is_control_path(path) {
        return Box::pin(control::answer(&state, parts, body, peer)).await;
    }
    if let Some(asset) = assets::find(path) {
        return asset.response(path);
    }
    // RFC 9110 §9.3.7: `*` asks about the server as a whole.
    if parts.method == Method::OPTIONS && path == "*" {
        return status(StatusCode::NO_CONTENT);
    }
    let (issuer, endpoint) = Map::of(&state.settings).resolve(path).unzip();
    let mut request = without_body(&state, parts, peer, issuer.unwrap_or_default());
    if let Some(folder) = &state.settings.static_assets
        && request.path.starts_with(static_files::PREFIX)
    {
        let file = Box::pin(static_files::get(folder, &request)).await;
        return file.unwrap_or_else(|error| error.into_response(&state, &request));
    }
    let Some(endpoint) = endpoint else {
        // Programs look for metadata, people for pages (row S-166).
        return if request.path.contains("/.well-known/") {
            JsonError::NotFound.into_response()
        } else {
            PageError::NotFound.into_response(&state, &request)
        };
    };
    let mut response = if request.method == Method::OPTIONS {
        let mut response = status(StatusCode::NO_CONTENT);
        let methods = HeaderValue::from_static(endpoint.methods());
        response.headers_mut().insert(header::ALLOW, methods);
        response
    } else if !endpoint
        .methods()
        .split(", ")
        .any(|known| known == request.method.as_str())
    {
        refuse_method(&state, &request, endpoint)
    } else {
        match request::read_body(body).await {
            Ok(body) => {
                request.body = body;
                // A future is as large as the largest endpoint, and each hand that it goes through
                // copies it: in a box only its address travels.
                let truth = Box::pin(dispatch(&state, &request, endpoint));
                control::observe(&state, &request, endpoint.name(), truth).await
            }
            Err(BodyError::TooLarge) => {
                JsonError::Body(StatusCode::PAYLOAD_TOO_LARGE).into_response()
            }
            Err(BodyError::TooSlow) => JsonError::Body(StatusCode::REQUEST_TIMEOUT).into_response(),
            Err(BodyError::Broken) => JsonError::Body(StatusCode::BAD_REQUEST).into_response(),
        }
    };
    finish(&state, &request, endpoint, &mut response);
    response
}

/// Adds what goes along with every answer of an endpoint: the next nonce, and who may read it.
fn finish(state: &State, request: &Request, endpoint: Endpoint, response: &mut Response<Body>) {
    if let Some(role) = endpoint.takes_proofs() {
        dpop_proof::send_nonce(state, request, role, response);
    }
    if let Some(wait) = request.held_for.get()
        && let Ok(applied) = HeaderValue::try_from(prefer::spell_wait(*wait))
    {
        let headers = response.headers_mut();
        headers.insert(prefer::PREFERENCE_APPLIED, applied);
    }
    // Strict mode knows no origins yet, and answers none (row S-168).
    if !endpoint.is_page() && !state.settings.strict {
        let methods = match endpoint {
            ClientConfiguration => "GET, PUT, DELETE, OPTIONS",
            _ => "POST, GET, OPTIONS",
        };
        allow_origin(&request.headers, response.headers_mut(), methods);
    }
}

/// Dev mode serves whoever is near, under a name that is its own (rows S-284, A-92).
fn refuse_stranger(state: &State, headers: &HeaderMap, peer: SocketAddr) -> Option<Response<Body>> {
    let forwarded = dev_mode::forwarded_text(headers);
    let refused = |code: StatusCode, why: String| {
        let mut response = Response::new(Body::from(why));
        *response.status_mut() = code;
        let plain = HeaderValue::from_static("text/plain; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, plain);
        response
    };
    if state.settings.is_production() {
        // The issuer never comes from the request (row S-170), so a foreign name does no harm, and
        // a probe may call a node by its address. A malformed one is still no request.
        let host = headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok());
        let is_good = host.is_some_and(|host| dev_mode::Authority::parse(host).is_some());
        return (!is_good).then(|| refused(StatusCode::BAD_REQUEST, NO_HOST.to_owned()));
    }
    if let Err(error) = dev_mode::check_peer(
        &state.settings,
        peer.ip().to_canonical(),
        forwarded.as_deref(),
    ) {
        return Some(refused(StatusCode::FORBIDDEN, error.to_string()));
    }
    let host = headers
        .get(header::HOST)
        .and_then(|value| value.to_str().ok());
    let error = dev_mode::check_host(&state.settings, host).err()?;
    Some(refused(StatusCode::BAD_REQUEST, error.to_string()))
}

/// RFC 9112 §3.2: without exactly one good `Host` a request gets 400.
const NO_HOST: &str = "the request does not have exactly one good Host header";

fn refuse_method(state: &State, request: &Request, endpoint: Endpoint) -> Response<Body> {
    if !endpoint.is_page() {
        return JsonError::Method(endpoint.methods()).into_response();
    }
    let mut response = PageError::Method.into_response(state, request);
    response
        .headers_mut()
        .insert(header::ALLOW, HeaderValue::from_static(endpoint.methods()));
    response
}

async fn dispatch(state: &State, request: &Request, endpoint: Endpoint) -> Response<Body> {
    let for_program = match endpoint {
        Metadata => metadata::get(state, request),
        ResourceMetadata => resource_metadata::get(request),
        Registration => Box::pin(registration::post(state, request)).await,
        ClientConfiguration => Box::pin(registration::configure(state, request)).await,
        Jwks => jwks::get(state, request).await,
        Token => token::post(state, request).await,
        DeviceAuthorization => device_authorization::post(state, request).await,
        PushedAuthorizationRequest => pushed_authorization_request::post(state, request).await,
        Userinfo => userinfo::get(state, request).await,
        Introspection => introspection::post(state, request).await,
        Revocation => revocation::post(state, request).await,
        AuthKitDevice => Box::pin(user_management::authorize_device(state, request)).await,
        AuthKitAuthenticate => Box::pin(user_management::authenticate(state, request)).await,
        Live => Ok(health::live()),
        Ready => Ok(health::ready(state).await),
        Authorization | EndSession | Device | DeviceConfirm | Login | Recover | ChoosePassword
        | ChangePassword | Account | AccountSessions | AccountApps | AccountPassword
        | AccountHistory | AccountExport | AccountDelete | Debugger | DebuggerCallback | Home => {
            return Box::pin(for_person(state, request, endpoint)).await;
        }
    };
    for_program.unwrap_or_else(JsonError::into_response)
}

async fn for_person(state: &State, request: &Request, endpoint: Endpoint) -> Response<Body> {
    if let Some(language) = language_switch::chosen(request) {
        // Some forms of `/account` lead to addresses that show nothing by themselves.
        let is_page = endpoint.methods().starts_with("GET");
        let switched = language_switch::answer(state, request, (language, is_page)).await;
        return switched.unwrap_or_else(|error| error.into_response(state, request));
    }
    let page = match endpoint {
        Authorization => authorization::get(state, request).await,
        EndSession => end_session::get(state, request).await,
        Device => device::get(state, request).await,
        DeviceConfirm => device_confirm::get(state, request).await,
        Login => login::get(state, request).await,
        Recover => recover::get(state, request).await,
        ChoosePassword => choose_password::get(state, request).await,
        ChangePassword => Ok(recover::change_password(request)),
        Account => account::overview(state, request).await,
        AccountSessions => account::sessions(state, request).await,
        AccountApps => account::apps(state, request).await,
        AccountPassword => account::password(state, request).await,
        AccountHistory => account::history(state, request).await,
        AccountExport => account::export(state, request).await,
        AccountDelete => account::delete(state, request).await,
        Debugger => debugger::get(state, request),
        DebuggerCallback => debugger::callback(state, request).await,
        _ => Ok(home::get(state, request)),
    };
    page.unwrap_or_else(|error| error.into_response(state, request))
}

fn status(code: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::default());
    *response.status_mut() = code;
    response
}

/// Dev mode answers every origin (`docs/dev-mode.md`).
fn allow_origin(asked: &HeaderMap, headers: &mut HeaderMap, methods: &'static str) {
    let Some(origin) = asked.get(header::ORIGIN) else {
        return;
    };
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
        HeaderValue::from_static("true"),
    );
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static(methods),
    );
    let exposed = HeaderValue::from_static("WWW-Authenticate, DPoP-Nonce");
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    if let Some(wanted) = asked.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn the_future_of_a_request_is_small_enough_to_be_passed_on() {
        fn size<A, B, C, F>(_: fn(A, B, C) -> F) -> usize {
            size_of::<F>()
        }
        // Each layer around it copies it once or twice.
        let bytes = size(answer::<Body>);
        assert!(bytes <= 2048, "{bytes}");
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
