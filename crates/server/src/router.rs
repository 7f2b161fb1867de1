//! The whole URL map on one screen.
//!
//! In dev mode every path prefix is an issuer: the longest suffix that names an endpoint wins, the
//! rest of the path is the issuer (`docs/adr/0003`). Paths of other servers that hallpass stands in
//! for come first and belong to the root issuer.

use std::sync::Arc;

use hallpass_issuer::registration::is_own_id;
use hallpass_protocol::ClientId;
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
use crate::pages::{assets, device, device_confirm, home, login};
use crate::request::{self, BodyError, Request, is_issuer};
use crate::state::State;

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
    Debugger,
    DebuggerCallback,
    AuthKitDevice,
    AuthKitAuthenticate,
    Health,
    Home,
}

use Endpoint::{
    AuthKitAuthenticate, AuthKitDevice, Authorization, ClientConfiguration, Debugger,
    DebuggerCallback, Device, DeviceAuthorization, DeviceConfirm, EndSession, Health, Home,
    Introspection, Jwks, Login, Metadata, PushedAuthorizationRequest, Registration,
    ResourceMetadata, Revocation, Token, Userinfo,
};

/// Whole paths, all of the root issuer: our production names, Hydra's, `AuthKit`'s.
const EXACT: &[(&str, Endpoint)] = &[
    ("", Home),
    ("isalive", Health),
    ("health/alive", Health),
    ("health/ready", Health),
    ("livez", Health),
    ("readyz", Health),
    (".well-known/jwks.json", Jwks),
    ("oauth2/authorize", Authorization),
    ("oauth2/auth", Authorization),
    ("oauth2/token", Token),
    ("oauth2/device_authorization", DeviceAuthorization),
    ("oauth2/device/auth", DeviceAuthorization),
    ("oauth2/device", DeviceAuthorization),
    ("oauth2/device/verify", Device),
    ("oauth2/par", PushedAuthorizationRequest),
    ("oauth2/register", Registration),
    ("oauth2/userinfo", Userinfo),
    ("oauth2/introspect", Introspection),
    ("admin/oauth2/introspect", Introspection),
    ("oauth2/revoke", Revocation),
    ("oauth2/logout", EndSession),
    ("oauth2/sessions/logout", EndSession),
    ("user_management/authorize/device", AuthKitDevice),
    ("user_management/authenticate", AuthKitAuthenticate),
];

/// The ends of paths, longest first; what stands before is the issuer.
const SUFFIXES: &[(&str, Endpoint)] = &[
    (".well-known/oauth-authorization-server", Metadata),
    (".well-known/openid-configuration", Metadata),
    ("debugger/callback", DebuggerCallback),
    ("device/authorize", DeviceAuthorization),
    ("device/confirm", DeviceConfirm),
    ("endsession", EndSession),
    ("introspect", Introspection),
    ("authorize", Authorization),
    ("debugger", Debugger),
    ("register", Registration),
    ("userinfo", Userinfo),
    ("device", Device),
    ("revoke", Revocation),
    ("login", Login),
    ("token", Token),
    ("jwks", Jwks),
    ("par", PushedAuthorizationRequest),
];

/// RFC 9728 §3.1 puts its suffix before the resource's path; the one resource is userinfo.
const RESOURCE: &str = ".well-known/oauth-protected-resource/";

/// RFC 8414 §3.1 puts its suffix before the issuer's path.
const INSERTED: &str = ".well-known/oauth-authorization-server/";

/// Names the endpoint of a path, and its issuer.
fn resolve(path: &str) -> Option<(String, Endpoint)> {
    let path = path.strip_prefix('/')?;
    if let Some((_, endpoint)) = EXACT.iter().find(|(known, _)| *known == path) {
        return Some((String::new(), *endpoint));
    }
    if let Some(issuer) = path.strip_prefix(INSERTED) {
        return is_issuer(issuer).then(|| (issuer.to_owned(), Metadata));
    }
    if let Some(resource) = path.strip_prefix(RESOURCE) {
        return match resolve(&format!("/{resource}"))? {
            (issuer, Userinfo) => Some((issuer, ResourceMetadata)),
            _ => None,
        };
    }
    if let Some(issuer) = configured_client(path) {
        return Some((issuer.to_owned(), ClientConfiguration));
    }
    SUFFIXES.iter().find_map(|(suffix, endpoint)| {
        let issuer = path.strip_suffix(suffix)?;
        let issuer = if issuer.is_empty() {
            ""
        } else {
            issuer.strip_suffix('/')?
        };
        is_issuer(issuer).then(|| (issuer.to_owned(), *endpoint))
    })
}

/// The issuer of `register/{id}`, the address of a client that registered itself (RFC 7592 §2).
fn configured_client(path: &str) -> Option<&str> {
    let (rest, id) = path.rsplit_once('/')?;
    let issuer = match rest {
        "register" | "oauth2/register" => "",
        _ => rest.strip_suffix("/register")?,
    };
    (is_own_id(&ClientId::new(id)) && is_issuer(issuer)).then_some(issuer)
}

impl Endpoint {
    /// The methods it takes, as `Allow` names them.
    fn methods(self) -> &'static str {
        match self {
            Metadata | ResourceMetadata | Jwks | Health | Home => "GET, HEAD",
            Token
            | DeviceAuthorization
            | PushedAuthorizationRequest
            | Introspection
            | Revocation
            | AuthKitDevice
            | Registration
            | AuthKitAuthenticate => "POST",
            ClientConfiguration => "GET, HEAD, PUT, DELETE",
            Authorization | Userinfo | EndSession | Device | DeviceConfirm | Login | Debugger
            | DebuggerCallback => "GET, HEAD, POST",
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
            Debugger | DebuggerCallback | Health | Home => None,
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
                | Debugger
                | DebuggerCallback
                | Home
        )
    }
}

/// Answers one request.
pub(crate) async fn answer<B>(
    state: Arc<State>,
    incoming: http::Request<B>,
    peer: std::net::SocketAddr,
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
    if control::is_control_path(path) {
        return Box::pin(control::answer(&state, parts, body, peer)).await;
    }
    if let Some(asset) = assets::find(path) {
        return asset.response(path);
    }
    // RFC 9110 §9.3.7: `*` asks about the server as a whole.
    if parts.method == Method::OPTIONS && path == "*" {
        return status(StatusCode::NO_CONTENT);
    }
    let (issuer, endpoint) = match resolve(path) {
        Some((issuer, endpoint)) => (issuer, Some(endpoint)),
        None => (String::new(), None),
    };
    let base = dev_mode::base_url(&state.settings, &parts.headers);
    let issuer_url = if issuer.is_empty() {
        base
    } else {
        format!("{base}/{issuer}")
    };
    let mut request = Request {
        path: path.to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        method: parts.method,
        headers: parts.headers,
        body: hyper::body::Bytes::new(),
        peer: peer.ip().to_canonical(),
        issuer,
        issuer_url,
        now: state.now(),
    };
    if let Some(folder) = &state.settings.static_assets
        && request.path.starts_with(static_files::PREFIX)
    {
        let file = Box::pin(static_files::get(folder, &request)).await;
        return file.unwrap_or_else(|error| error.into_response(&state, &request));
    }
    let Some(endpoint) = endpoint else {
        // Programs look for metadata, people for pages (row S-166).
        return if path.contains("/.well-known/") {
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
fn refuse_stranger(
    state: &State,
    headers: &HeaderMap,
    peer: std::net::SocketAddr,
) -> Option<Response<Body>> {
    let forwarded = dev_mode::forwarded_text(headers);
    let refused = |code: StatusCode, why: String| {
        let mut response = Response::new(Body::from(why));
        *response.status_mut() = code;
        let plain = HeaderValue::from_static("text/plain; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, plain);
        response
    };
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
        Health => Ok(health::get()),
        Authorization | EndSession | Device | DeviceConfirm | Login | Debugger
        | DebuggerCallback | Home => {
            return Box::pin(for_person(state, request, endpoint)).await;
        }
    };
    for_program.unwrap_or_else(JsonError::into_response)
}

async fn for_person(state: &State, request: &Request, endpoint: Endpoint) -> Response<Body> {
    let page = match endpoint {
        Authorization => authorization::get(state, request).await,
        EndSession => end_session::get(state, request).await,
        Device => device::get(state, request).await,
        DeviceConfirm => device_confirm::get(state, request).await,
        Login => login::get(state, request).await,
        Debugger => debugger::get(state, request),
        DebuggerCallback => debugger::callback(state, request).await,
        _ => Ok(home::get(request)),
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
        resolve(path)
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
        let endpoints = EXACT.iter().chain(SUFFIXES).map(|(_, endpoint)| *endpoint);
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
