//! The clients under test, over plain HTTP on loopback.

use oauth2::basic::BasicClient;
use oauth2::{
    AuthUrl, ClientId, ClientSecret, DeviceAuthorizationUrl, EndpointSet, HttpRequest,
    HttpResponse, IntrospectionUrl, RedirectUrl, RevocationUrl, TokenUrl,
};
use openidconnect::core::{
    CoreAuthDisplay, CoreClaimName, CoreClaimType, CoreClient, CoreClientAuthMethod, CoreGrantType,
    CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm,
    CoreResponseMode, CoreResponseType, CoreSubjectIdentifierType,
};
use openidconnect::{AdditionalProviderMetadata, EndpointMaybeSet, IssuerUrl, ProviderMetadata};
use serde::{Deserialize, Serialize};
use ureq::Agent;

use crate::{REDIRECT_URI, Server};

/// Endpoints that the crate leaves to its users.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Endpoints {
    device_authorization_endpoint: DeviceAuthorizationUrl,
    introspection_endpoint: IntrospectionUrl,
    revocation_endpoint: RevocationUrl,
}

impl AdditionalProviderMetadata for Endpoints {}

/// The server's metadata (OIDC Discovery §3, RFC 8414 §2, RFC 8628 §4).
pub type Metadata = ProviderMetadata<
    Endpoints,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

/// A client of `openidconnect` that knows every endpoint.
pub type OidcClient = CoreClient<
    EndpointSet,
    EndpointSet,
    EndpointSet,
    EndpointSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// A client of `oauth2` that knows every endpoint.
pub type OAuthClient = BasicClient<EndpointSet, EndpointSet, EndpointSet, EndpointSet, EndpointSet>;

/// Follows nothing, as the crates' documentation demands of an HTTP client.
pub fn agent() -> Agent {
    Agent::config_builder()
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .proxy(None)
        .timeout_global(Some(std::time::Duration::from_secs(10)))
        .build()
        .into()
}

/// One request, as the crates ask for it.
pub fn http(request: HttpRequest) -> Result<HttpResponse, ureq::Error> {
    let answer = if request.body().is_empty() {
        agent().run(request.map(|_| ()))
    } else {
        agent().run(request)
    };
    let (head, mut body) = answer?.into_parts();
    Ok(HttpResponse::from_parts(head, body.read_to_vec()?))
}

/// Reads the server's metadata.
pub fn discover(server: &Server) -> Metadata {
    let issuer = IssuerUrl::new(server.issuer.clone()).expect("an issuer");
    Metadata::discover(&issuer, &http).expect("the metadata is good")
}

/// A client made of the server's metadata.
pub fn oidc_client(server: &Server, id: &str, secret: Option<&str>) -> OidcClient {
    let metadata = discover(server);
    let endpoints = metadata.additional_metadata().clone();
    let secret = secret.map(|secret| ClientSecret::new(secret.to_owned()));
    CoreClient::from_provider_metadata(metadata, ClientId::new(id.to_owned()), secret)
        .set_device_authorization_url(endpoints.device_authorization_endpoint)
        .set_introspection_url(endpoints.introspection_endpoint)
        .set_revocation_url(endpoints.revocation_endpoint)
        .set_redirect_uri(RedirectUrl::new(REDIRECT_URI.to_owned()).expect("a URL"))
}

/// A client that was told every address by hand.
pub fn oauth2_client(server: &Server, id: &str, secret: Option<&str>) -> OAuthClient {
    let at = |path: &str| format!("{}/{path}", server.issuer);
    let client = BasicClient::new(ClientId::new(id.to_owned()))
        .set_auth_uri(AuthUrl::new(at("authorize")).expect("a URL"))
        .set_device_authorization_url(
            DeviceAuthorizationUrl::new(at("device/authorize")).expect("a URL"),
        )
        .set_introspection_url(IntrospectionUrl::new(at("introspect")).expect("a URL"))
        .set_revocation_url(RevocationUrl::new(at("revoke")).expect("a URL"))
        .set_token_uri(TokenUrl::new(at("token")).expect("a URL"))
        .set_redirect_uri(RedirectUrl::new(REDIRECT_URI.to_owned()).expect("a URL"));
    match secret {
        Some(secret) => client.set_client_secret(ClientSecret::new(secret.to_owned())),
        None => client,
    }
}
