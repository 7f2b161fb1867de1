//! Which function answers an endpoint.

use http::Response;

use super::endpoint::Endpoint;
use crate::Body;
use crate::endpoints::{
    authorization, debugger, device_authorization, end_session, health, introspection, jwks,
    metadata, passkey_origins, pushed_authorization_request, registration, resource_metadata,
    revocation, token, user_management, userinfo,
};
use crate::error::json::JsonError;
use crate::pages::{
    account, choose_password, create_account, device, device_confirm, home, language_switch, login,
    recover, sign_up,
};
use crate::request::Request;
use crate::state::State;

use super::endpoint::Endpoint::{
    Account, AccountApps, AccountDelete, AccountExport, AccountHistory, AccountPasskeys,
    AccountPassword, AccountSecurity, AccountSessions, AccountTotp, AuthKitAuthenticate,
    AuthKitDevice, Authorization, ChangePassword, ChoosePassword, ClientConfiguration,
    CreateAccount, Debugger, DebuggerCallback, Device, DeviceAuthorization, DeviceConfirm,
    EndSession, Home, Introspection, Jwks, Live, Login, Metadata, PasskeyOrigins,
    PushedAuthorizationRequest, Ready, Recover, Registration, ResourceMetadata, Revocation, SignUp,
    Token, Userinfo,
};

/// Answers a request whose body is read.
pub(super) async fn dispatch(
    state: &State,
    request: &Request,
    endpoint: Endpoint,
) -> Response<Body> {
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
        PasskeyOrigins => passkey_origins::get(state, request),
        Live => Ok(health::live()),
        Ready => Ok(health::ready(state).await),
        Authorization | EndSession | Device | DeviceConfirm | Login | Recover | ChoosePassword
        | SignUp | CreateAccount | ChangePassword | Account | AccountSessions | AccountApps
        | AccountPassword | AccountPasskeys | AccountSecurity | AccountTotp | AccountHistory
        | AccountExport | AccountDelete | Debugger | DebuggerCallback | Home => {
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
        SignUp => sign_up::get(state, request).await,
        CreateAccount => create_account::get(state, request).await,
        ChangePassword => Ok(recover::change_password(request)),
        Account => account::overview(state, request).await,
        AccountSessions => account::sessions(state, request).await,
        AccountApps => account::apps(state, request).await,
        AccountPassword => account::password(state, request).await,
        AccountPasskeys => account::passkeys(state, request).await,
        AccountSecurity => account::security(state, request).await,
        AccountTotp => account::totp(state, request).await,
        AccountHistory => account::history(state, request).await,
        AccountExport => account::export(state, request).await,
        AccountDelete => account::delete(state, request).await,
        Debugger => debugger::get(state, request),
        DebuggerCallback => debugger::callback(state, request).await,
        _ => Ok(home::get(state, request)),
    };
    page.unwrap_or_else(|error| error.into_response(state, request))
}
