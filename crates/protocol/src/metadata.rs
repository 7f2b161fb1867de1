//! Authorization server metadata: what an issuer says of itself.
//!
//! RFC 8414 §2: <https://www.rfc-editor.org/rfc/rfc8414#section-2>, OIDC Discovery §3,
//! RFC 8628 §4, RFC 9207 §3.

use serde::{Deserialize, Serialize};

/// The metadata document; one struct for both well-known paths.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the document's members are what they are"
)]
pub struct Metadata {
    /// `issuer`: compared byte for byte (RFC 8414 §3.3).
    pub issuer: String,
    /// `authorization_endpoint`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization_endpoint: Option<String>,
    /// `token_endpoint`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_endpoint: Option<String>,
    /// `device_authorization_endpoint`, RFC 8628 §4.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_authorization_endpoint: Option<String>,
    /// `pushed_authorization_request_endpoint`, RFC 9126 §5.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pushed_authorization_request_endpoint: Option<String>,
    /// `registration_endpoint`, RFC 7591 §3.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registration_endpoint: Option<String>,
    /// `userinfo_endpoint`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub userinfo_endpoint: Option<String>,
    /// `jwks_uri`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// `introspection_endpoint`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub introspection_endpoint: Option<String>,
    /// `revocation_endpoint`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revocation_endpoint: Option<String>,
    /// `end_session_endpoint`, OIDC RP-Initiated Logout §2.1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_session_endpoint: Option<String>,
    /// `scopes_supported`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scopes_supported: Vec<String>,
    /// `response_types_supported`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub response_types_supported: Vec<String>,
    /// `response_modes_supported`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub response_modes_supported: Vec<String>,
    /// `grant_types_supported`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub grant_types_supported: Vec<String>,
    /// `subject_types_supported`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub subject_types_supported: Vec<String>,
    /// `id_token_signing_alg_values_supported`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub id_token_signing_alg_values_supported: Vec<String>,
    /// `token_endpoint_auth_methods_supported`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub token_endpoint_auth_methods_supported: Vec<String>,
    /// `token_endpoint_auth_signing_alg_values_supported`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub token_endpoint_auth_signing_alg_values_supported: Vec<String>,
    /// `introspection_endpoint_auth_methods_supported`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub introspection_endpoint_auth_methods_supported: Vec<String>,
    /// `introspection_endpoint_auth_signing_alg_values_supported`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub introspection_endpoint_auth_signing_alg_values_supported: Vec<String>,
    /// `revocation_endpoint_auth_methods_supported`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub revocation_endpoint_auth_methods_supported: Vec<String>,
    /// `revocation_endpoint_auth_signing_alg_values_supported`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub revocation_endpoint_auth_signing_alg_values_supported: Vec<String>,
    /// `claims_supported`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub claims_supported: Vec<String>,
    /// `acr_values_supported`, OIDC Discovery §3, RFC 9470 §7.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub acr_values_supported: Vec<String>,
    /// `code_challenge_methods_supported`, RFC 7636.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub code_challenge_methods_supported: Vec<String>,
    /// `dpop_signing_alg_values_supported`, RFC 9449 §5.1.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dpop_signing_alg_values_supported: Vec<String>,
    /// `prompt_values_supported`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub prompt_values_supported: Vec<String>,
    /// `ui_locales_supported`: the languages of the pages, RFC 8414 §2.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ui_locales_supported: Vec<String>,
    /// `authorization_response_iss_parameter_supported`, RFC 9207 §3.
    pub authorization_response_iss_parameter_supported: bool,
    /// `require_pushed_authorization_requests`, RFC 9126 §5.
    pub require_pushed_authorization_requests: bool,
    /// `client_id_metadata_document_supported`: a client may name itself by the address of a document
    /// (draft-ietf-oauth-client-id-metadata-document §5).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub client_id_metadata_document_supported: bool,
    /// `claims_parameter_supported`, OIDC Discovery §3.
    pub claims_parameter_supported: bool,
    /// `request_parameter_supported`, OIDC Discovery §3.
    pub request_parameter_supported: bool,
    /// `request_uri_parameter_supported`, OIDC Discovery §3: true when it is absent.
    #[serde(default = "yes")]
    pub request_uri_parameter_supported: bool,
}

fn yes() -> bool {
    true
}

impl Metadata {
    /// Whether a grant is offered. A document without the member offers the code grant
    /// (RFC 8414 §2).
    pub fn offers(&self, grant: crate::token::GrantType) -> bool {
        if self.grant_types_supported.is_empty() {
            return grant == crate::token::GrantType::AuthorizationCode;
        }
        self.grant_types_supported
            .iter()
            .any(|known| known == grant.as_str())
    }
}

/// Where the documents of an issuer lie, in the order in which a client asks for them.
///
/// OIDC appends its suffix to the issuer (Discovery §4), RFC 8414 §3.1 puts its own between host
/// and path; servers of the field also append the second one.
pub fn well_known_urls(issuer: &str) -> Vec<String> {
    let trimmed = issuer.trim_end_matches('/');
    let mut urls = vec![format!("{trimmed}/.well-known/openid-configuration")];
    if let Ok(parsed) = url::Url::parse(issuer) {
        let origin = parsed.origin().ascii_serialization();
        let path = parsed.path().trim_end_matches('/');
        urls.push(format!(
            "{origin}/.well-known/oauth-authorization-server{path}"
        ));
        if !path.is_empty() {
            urls.push(format!("{trimmed}/.well-known/oauth-authorization-server"));
        }
    }
    urls
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::GrantType;

    #[test]
    fn c_55_a_path_issuer_is_appended_for_oidc_and_inserted_for_oauth() {
        assert_eq!(
            well_known_urls("https://h/t1"),
            [
                "https://h/t1/.well-known/openid-configuration",
                "https://h/.well-known/oauth-authorization-server/t1",
                "https://h/t1/.well-known/oauth-authorization-server",
            ]
        );
        assert_eq!(well_known_urls("https://h/").len(), 2);
    }

    #[test]
    fn empty_lists_are_left_out() {
        let text = serde_json::to_string(&Metadata::default()).unwrap();
        assert!(!text.contains("[]"), "{text}");
    }

    #[test]
    fn a_document_without_grants_offers_the_code_grant() {
        let silent = Metadata::default();
        assert!(silent.offers(GrantType::AuthorizationCode));
        assert!(!silent.offers(GrantType::DeviceCode));
    }
}
