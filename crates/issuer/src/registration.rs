//! Clients that register themselves: what they may say, and what becomes of it.
//!
//! RFC 7591 §2, §5: <https://www.rfc-editor.org/rfc/rfc7591#section-5>, RFC 9700 §2.6.

use hallpass_protocol::client_auth::ClientAuthMethod;
use hallpass_protocol::jose::{Algorithm, JwkSet, JwkSetRules, Unverified};
use hallpass_protocol::registration::ClientMetadata;
use hallpass_protocol::token::GrantType;
use hallpass_protocol::{ClientId, Scopes, Timestamp};
use url::{Host, Url};

use crate::client::{AllowedScopes, Client, ClientKind, Credential};
use crate::grants::device_code::clean_label;
use crate::redirect_uri::{check_registrable, is_loopback};
use crate::refusal::Refusal;
use crate::tokens::one_time::{Kind, SecretHash};

/// So many clients may register; beyond it 503.
pub const MOST_CLIENTS: u64 = 10_000;

/// Who may register, and how such clients are treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegistrationRules {
    /// Whether anybody may register.
    pub is_open: bool,
    /// Whether confidential clients that registered themselves must use PKCE.
    pub require_pkce: bool,
}

/// A client that registered itself, as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct RegisteredClient {
    /// `client_id`; the server chose it.
    pub id: ClientId,
    /// The issuer that it registered at (its path).
    pub issuer: String,
    /// What is in force of what it said.
    pub metadata: ClientMetadata,
    /// The hash of its secret.
    pub secret: Option<SecretHash>,
    /// The hash of the token that manages it (RFC 7592).
    pub registration: SecretHash,
    /// When it registered.
    pub created_at: Timestamp,
}

/// Whether an id is of the form that this server gives to clients that register themselves.
pub fn is_own_id(id: &ClientId) -> bool {
    Kind::RegisteredClient.read(id.as_str()).is_some()
}

/// The method by which checked metadata authenticates.
pub fn auth_method(metadata: &ClientMetadata) -> ClientAuthMethod {
    match metadata.token_endpoint_auth_method.as_deref() {
        Some("none") => ClientAuthMethod::None,
        Some("client_secret_post") => ClientAuthMethod::ClientSecretPost,
        Some("private_key_jwt") => ClientAuthMethod::PrivateKeyJwt,
        Some(_) | None => ClientAuthMethod::ClientSecretBasic,
    }
}

impl RegisteredClient {
    /// The client as every other.
    pub fn client(&self, rules: RegistrationRules) -> Client {
        let metadata = &self.metadata;
        let method = auth_method(metadata);
        let kind = match method {
            ClientAuthMethod::None => ClientKind::Public,
            ClientAuthMethod::PrivateKeyJwt => {
                ClientKind::Confidential(Credential::Keys(keys(metadata).unwrap_or_default()))
            }
            ClientAuthMethod::ClientSecretBasic | ClientAuthMethod::ClientSecretPost => {
                let hashes = self.secret.into_iter().collect();
                ClientKind::Confidential(Credential::Secret { method, hashes })
            }
        };
        let scopes = metadata.scope.as_deref().map(Scopes::parse);
        Client {
            name: metadata
                .client_name
                .clone()
                .unwrap_or_else(|| self.id.to_string()),
            kind,
            grants: grants(metadata).unwrap_or_default(),
            redirect_uris: metadata.redirect_uris.clone(),
            post_logout_redirect_uris: metadata.post_logout_redirect_uris.clone(),
            scopes: match scopes {
                Some(Ok(scopes)) => AllowedScopes::Only(scopes),
                Some(Err(_)) | None => AllowedScopes::Any,
            },
            require_pkce: method == ClientAuthMethod::None || rules.require_pkce,
            introspects: false,
            requires_dpop: metadata.dpop_bound_access_tokens == Some(true),
            requires_pushed_requests: metadata.require_pushed_authorization_requests == Some(true),
            registered_itself: true,
            ..Client::unconfigured(self.id.clone())
        }
    }
}

/// Checks what a client says of itself, and completes it to what is in force.
pub fn check(asked: ClientMetadata) -> Result<ClientMetadata, Refusal> {
    check_software_statement(&asked)?;
    check_urls(&asked)?;
    let method = check_method(&asked)?;
    let grants = grants(&asked)?;
    check_responses(&asked, &grants)?;
    if method == ClientAuthMethod::None && grants.contains(&GrantType::ClientCredentials) {
        return bad("a client without authentication cannot use `client_credentials`");
    }
    let application_type = check_redirect_uris(&asked, &grants)?;
    if asked
        .subject_type
        .as_deref()
        .is_some_and(|kind| kind != "public")
    {
        return bad("`subject_type` can only be `public`");
    }
    if let Some(scope) = &asked.scope {
        Scopes::parse(scope).map_err(|_| metadata("`scope` is malformed"))?;
    }
    let has_code = grants.contains(&GrantType::AuthorizationCode);
    Ok(ClientMetadata {
        token_endpoint_auth_method: Some(method.as_str().to_owned()),
        grant_types: Some(
            grants
                .iter()
                .map(|grant| grant.as_str().to_owned())
                .collect(),
        ),
        response_types: Some(if has_code {
            vec!["code".to_owned()]
        } else {
            Vec::new()
        }),
        application_type: Some(application_type.to_owned()),
        // Row S-276: a name that cannot pose as ours.
        client_name: asked.client_name.as_deref().and_then(clean_label),
        // Nothing here uses these yet, and what is not in force is not confirmed.
        backchannel_logout_uri: None,
        request_uris: Vec::new(),
        ..asked
    })
}

fn metadata(text: &'static str) -> Refusal {
    Refusal::InvalidClientMetadata(text.into())
}

fn bad<T>(text: &'static str) -> Result<T, Refusal> {
    Err(metadata(text))
}

/// RFC 7591 §3.2.2: nobody's statements are trusted here yet.
fn check_software_statement(asked: &ClientMetadata) -> Result<(), Refusal> {
    match asked.software_statement.as_deref().map(Unverified::parse) {
        None => Ok(()),
        Some(Ok(_)) => Err(Refusal::UnapprovedSoftwareStatement),
        Some(Err(_)) => Err(Refusal::InvalidSoftwareStatement),
    }
}

/// Rows S-177, A-70, A-71. Nothing is fetched here, and still nothing is kept that points inwards:
/// whoever reads the registration later may fetch it.
fn check_urls(asked: &ClientMetadata) -> Result<(), Refusal> {
    let shown = [&asked.client_uri, &asked.tos_uri, &asked.policy_uri];
    for text in shown.into_iter().flatten() {
        let is_web = |url: Url| matches!(url.scheme(), "https" | "http");
        if !Url::parse(text).is_ok_and(is_web) {
            return bad("`client_uri`, `tos_uri` and `policy_uri` are web addresses");
        }
    }
    let fetched = [
        &asked.logo_uri,
        &asked.jwks_uri,
        &asked.sector_identifier_uri,
        &asked.backchannel_logout_uri,
    ];
    let mut fetched = fetched.into_iter().flatten().chain(&asked.request_uris);
    if !fetched.all(|text| is_public_https(text)) {
        return bad("URLs of a client are https, with a public host name");
    }
    if asked.jwks_uri.is_some() {
        return bad("`jwks_uri` is not fetched here: send the keys as `jwks`");
    }
    if asked.sector_identifier_uri.is_some() {
        return bad("`sector_identifier_uri` is for pairwise subjects, which are not offered");
    }
    Ok(())
}

/// Whether a URL is https at a name that can be public: no address literal, nothing local.
fn is_public_https(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else {
        return false;
    };
    let Some(Host::Domain(name)) = url.host() else {
        return false;
    };
    let name = name.trim_end_matches('.');
    let is_local = ["localhost", "local", "internal", "home.arpa"]
        .iter()
        .any(|local| name == *local || name.ends_with(&format!(".{local}")));
    url.scheme() == "https" && name.contains('.') && !is_local
}

fn check_method(asked: &ClientMetadata) -> Result<ClientAuthMethod, Refusal> {
    let known = [
        "none",
        "client_secret_basic",
        "client_secret_post",
        "private_key_jwt",
    ];
    let name = asked.token_endpoint_auth_method.as_deref();
    if name.is_some_and(|name| !known.contains(&name)) {
        return bad("`token_endpoint_auth_method` is not supported");
    }
    let method = auth_method(asked);
    if asked.jwks.is_some() || method == ClientAuthMethod::PrivateKeyJwt {
        keys(asked)?;
    }
    Ok(method)
}

/// The keys of `jwks`, with the algorithm of RSA keys that do not say theirs.
fn keys(asked: &ClientMetadata) -> Result<JwkSet, Refusal> {
    let rsa = match asked.token_endpoint_auth_signing_alg.as_deref() {
        Some("PS256") => Algorithm::Ps256,
        Some(_) | None => Algorithm::Rs256,
    };
    let Some(set) = &asked.jwks else {
        return bad("`private_key_jwt` needs the client's public keys as `jwks`");
    };
    let rules = JwkSetRules::REGISTERED.with_rsa_algorithm(rsa);
    let keys = JwkSet::from_value(set, rules)
        .map_err(|why| Refusal::InvalidClientMetadata(format!("`jwks`: {why}").into()))?;
    if keys.keys().is_empty() {
        return bad("`jwks` holds no key for signatures");
    }
    Ok(keys)
}

/// RFC 7591 §2: `authorization_code` when none is named.
fn grants(asked: &ClientMetadata) -> Result<Vec<GrantType>, Refusal> {
    let Some(names) = &asked.grant_types else {
        return Ok(vec![GrantType::AuthorizationCode]);
    };
    let find = |name: &String| {
        GrantType::ALL
            .into_iter()
            .find(|grant| grant.as_str() == name)
            .ok_or_else(|| metadata("a grant of `grant_types` is not supported"))
    };
    names.iter().map(find).collect()
}

/// RFC 7591 §2.1: `code` goes with `authorization_code`, and is the only response type.
fn check_responses(asked: &ClientMetadata, grants: &[GrantType]) -> Result<(), Refusal> {
    let Some(types) = &asked.response_types else {
        return Ok(());
    };
    if types.iter().any(|kind| kind != "code") {
        return bad("only the response type `code` is supported");
    }
    if types.is_empty() == grants.contains(&GrantType::AuthorizationCode) {
        return bad("`response_types` and `grant_types` do not fit each other");
    }
    Ok(())
}

/// Row S-174: where answers may go depends on what kind of program asks. The kind, named or guessed.
fn check_redirect_uris(
    asked: &ClientMetadata,
    grants: &[GrantType],
) -> Result<&'static str, Refusal> {
    let bad_uri = |why: &'static str| Err(Refusal::InvalidRedirectUri(why.into()));
    if grants.contains(&GrantType::AuthorizationCode) && asked.redirect_uris.is_empty() {
        return bad_uri("the authorization code grant needs `redirect_uris`");
    }
    let both = asked
        .redirect_uris
        .iter()
        .chain(&asked.post_logout_redirect_uris);
    for uri in both.clone() {
        if let Err(why) = check_registrable(uri) {
            return bad_uri(why);
        }
        if Url::parse(uri).is_ok_and(|url| !url.username().is_empty() || url.password().is_some()) {
            return bad_uri("a redirect URI names no user");
        }
    }
    let is_web = |uri: &String| uri.starts_with("https:") && !names_this_machine(uri);
    match asked.application_type.as_deref() {
        Some("web") if !both.clone().all(is_web) => {
            bad_uri("a redirect URI of a web application is https and not on this machine")
        }
        Some("web") => Ok("web"),
        Some("native") => Ok("native"),
        Some(_) => bad("`application_type` is `native` or `web`"),
        None if both.clone().all(is_web) => Ok("web"),
        None => Ok("native"),
    }
}

fn names_this_machine(uri: &str) -> bool {
    let is_local = |url: Url| match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    is_loopback(uri) || Url::parse(uri).is_ok_and(is_local)
}

#[cfg(test)]
#[path = "registration_tests.rs"]
mod tests;
