//! Both metadata documents: one struct, two names.
//!
//! RFC 8414 §3: <https://www.rfc-editor.org/rfc/rfc8414#section-3>, OIDC Discovery §4.

use hallpass_issuer::policy::OIDC_SCOPES;
use hallpass_protocol::client_assertion;
use hallpass_protocol::dpop;
use hallpass_protocol::jose::Algorithm;
use hallpass_protocol::metadata::Metadata;
use hallpass_protocol::token::GrantType;
use http::Response;

use crate::Body;
use crate::error::json::JsonError;
use crate::public_json::PublicJson;
use crate::request::Request;
use crate::state::State;

/// `GET .well-known/openid-configuration`, `GET .well-known/oauth-authorization-server`.
pub(crate) fn get(state: &State, request: &Request) -> Result<Response<Body>, JsonError> {
    let known = &state.metadata_documents;
    let document = known.of(&request.issuer_url, || {
        PublicJson::new(serde_json::to_vec(&document(state, request))?.into())
    })?;
    Ok(document.response(&request.headers))
}

fn document(state: &State, request: &Request) -> Metadata {
    let url = |path: &str| Some(request.url_of(path));
    let list = |items: &[&str]| {
        items
            .iter()
            .map(|item| (*item).to_owned())
            .collect::<Vec<_>>()
    };
    let methods = list(&[
        "none",
        "client_secret_basic",
        "client_secret_post",
        "private_key_jwt",
    ]);
    let assertion_algorithms = names(&client_assertion::ALGORITHMS);
    Metadata {
        issuer: request.issuer_url.clone(),
        authorization_endpoint: url("authorize"),
        token_endpoint: url("token"),
        device_authorization_endpoint: url("device/authorize"),
        pushed_authorization_request_endpoint: url("par"),
        registration_endpoint: url("register").filter(|_| state.settings.registration.is_open),
        userinfo_endpoint: url("userinfo"),
        jwks_uri: url("jwks"),
        introspection_endpoint: url("introspect"),
        revocation_endpoint: url("revoke"),
        end_session_endpoint: url("endsession"),
        scopes_supported: list(&OIDC_SCOPES),
        response_types_supported: list(&["code"]),
        response_modes_supported: list(&["query", "fragment", "form_post"]),
        grant_types_supported: GrantType::ALL
            .map(|grant| grant.as_str().to_owned())
            .to_vec(),
        subject_types_supported: list(&["public"]),
        id_token_signing_alg_values_supported: list(&[state.keys.algorithm().as_str()]),
        introspection_endpoint_auth_methods_supported: list(&[
            "client_secret_basic",
            "client_secret_post",
            "private_key_jwt",
        ]),
        introspection_endpoint_auth_signing_alg_values_supported: assertion_algorithms.clone(),
        revocation_endpoint_auth_methods_supported: methods.clone(),
        revocation_endpoint_auth_signing_alg_values_supported: assertion_algorithms.clone(),
        token_endpoint_auth_methods_supported: methods,
        token_endpoint_auth_signing_alg_values_supported: assertion_algorithms,
        claims_supported: list(&[
            "sub",
            "iss",
            "aud",
            "exp",
            "iat",
            "auth_time",
            "nonce",
            "at_hash",
            "azp",
            "sid",
        ]),
        code_challenge_methods_supported: list(&["S256"]),
        dpop_signing_alg_values_supported: names(&dpop::DEFAULT_ALGORITHMS),
        prompt_values_supported: list(&["none", "login", "consent", "select_account"]),
        authorization_response_iss_parameter_supported: true,
        require_pushed_authorization_requests: state.settings.pushed_requests.required,
        client_id_metadata_document_supported: false,
        claims_parameter_supported: false,
        request_parameter_supported: false,
        request_uri_parameter_supported: false,
    }
}

fn names(algorithms: &[Algorithm]) -> Vec<String> {
    algorithms
        .iter()
        .map(|algorithm| algorithm.as_str().to_owned())
        .collect()
}
