//! Both metadata documents: one struct, two names.
//!
//! RFC 8414 §3: <https://www.rfc-editor.org/rfc/rfc8414#section-3>, OIDC Discovery §4.

use hallpass_issuer::oidc_scopes::OIDC_SCOPES;
use hallpass_protocol::client_assertion;
use hallpass_protocol::dpop;
use hallpass_protocol::jose::Algorithm;
use hallpass_protocol::metadata::Metadata;
use hallpass_protocol::token::GrantType;
use http::Response;

use crate::Body;
use crate::error::json::JsonError;
use crate::languages::Language;
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
    let (paths, settings) = (request.paths, &state.settings);
    let scopes = OIDC_SCOPES
        .iter()
        .copied()
        .chain(settings.scopes_of_resources());
    let mut modes = vec!["query", "form_post"];
    // OAuth 2.0 Multiple Response Types §5 warns of codes in fragments; the mock offers them.
    if !settings.is_production() {
        modes.insert(1, "fragment");
    }
    Metadata {
        issuer: request.issuer_url.clone(),
        authorization_endpoint: url(paths.authorization),
        token_endpoint: url(paths.token),
        device_authorization_endpoint: url(paths.device_authorization)
            .filter(|_| settings.device_flow),
        pushed_authorization_request_endpoint: url(paths.pushed_authorization_request),
        registration_endpoint: url(paths.registration).filter(|_| settings.registration.is_open),
        userinfo_endpoint: url(paths.userinfo),
        jwks_uri: url(paths.jwks),
        introspection_endpoint: url(paths.introspection),
        revocation_endpoint: url(paths.revocation),
        end_session_endpoint: url(paths.end_session),
        scopes_supported: list(&scopes.collect::<Vec<_>>()),
        response_types_supported: list(&["code"]),
        response_modes_supported: list(&modes),
        grant_types_supported: GrantType::ALL
            .into_iter()
            .filter(|grant| settings.offers(*grant))
            .map(|grant| grant.as_str().to_owned())
            .collect(),
        subject_types_supported: list(&["public"]),
        id_token_signing_alg_values_supported: list(&[state.keys.id_token_algorithm().as_str()]),
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
        claims_supported: claims(settings.is_production()),
        acr_values_supported: settings
            .reachable_acrs()
            .into_iter()
            .map(|acr| acr.as_str().to_owned())
            .collect(),
        code_challenge_methods_supported: list(&["S256"]),
        dpop_signing_alg_values_supported: names(&dpop::DEFAULT_ALGORITHMS),
        prompt_values_supported: list(&["none", "login", "consent", "select_account"]),
        ui_locales_supported: list(&Language::ALL.map(Language::tag)),
        authorization_response_iss_parameter_supported: true,
        require_pushed_authorization_requests: settings.pushed_requests.required,
        client_id_metadata_document_supported: false,
        claims_parameter_supported: false,
        request_parameter_supported: false,
        request_uri_parameter_supported: false,
    }
}

/// What ID tokens say; nobody proves anything in dev mode, so there is no `amr` (row S-224).
fn claims(is_production: bool) -> Vec<String> {
    let always = [
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
        "acr",
    ];
    let names = always.into_iter().chain(is_production.then_some("amr"));
    names.map(str::to_owned).collect()
}

fn names(algorithms: &[Algorithm]) -> Vec<String> {
    algorithms
        .iter()
        .map(|algorithm| algorithm.as_str().to_owned())
        .collect()
}
