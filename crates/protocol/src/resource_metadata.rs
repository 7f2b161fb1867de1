//! Protected resource metadata: which authorization server gives tokens for a resource.
//!
//! RFC 9728 §2, §3: <https://www.rfc-editor.org/rfc/rfc9728#section-2>

use serde::{Deserialize, Serialize};

/// The path that stands between a resource's host and its own path (§3).
pub const WELL_KNOWN: &str = ".well-known/oauth-protected-resource";

/// The metadata document.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ResourceMetadata {
    /// `resource`: compared byte for byte with what the client wanted to reach (§3.3).
    pub resource: String,
    /// `authorization_servers`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub authorization_servers: Vec<String>,
    /// `scopes_supported`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scopes_supported: Vec<String>,
    /// `bearer_methods_supported`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bearer_methods_supported: Vec<String>,
    /// `resource_name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_name: Option<String>,
    /// `dpop_signing_alg_values_supported`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dpop_signing_alg_values_supported: Vec<String>,
    /// `dpop_bound_access_tokens_required`.
    pub dpop_bound_access_tokens_required: bool,
}

/// Where the metadata of a resource lies (§3.1); `None` when its identifier is no `http(s)` URL.
pub fn well_known_url(resource: &str) -> Option<String> {
    let (scheme, rest) = resource.split_once("://")?;
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (host, path) = rest.split_at_checked(end)?;
    let path = if path == "/" { "" } else { path };
    matches!(scheme, "https" | "http").then(|| format!("{scheme}://{host}/{WELL_KNOWN}{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_is_inserted_after_the_host() {
        for (resource, url) in [
            (
                "https://resource.example.com",
                "https://resource.example.com/.well-known/oauth-protected-resource",
            ),
            (
                "https://resource.example.com/",
                "https://resource.example.com/.well-known/oauth-protected-resource",
            ),
            (
                "https://resource.example.com/resource1",
                "https://resource.example.com/.well-known/oauth-protected-resource/resource1",
            ),
            (
                "http://localhost:8080/default/userinfo?a=1",
                "http://localhost:8080/.well-known/oauth-protected-resource/default/userinfo?a=1",
            ),
        ] {
            assert_eq!(well_known_url(resource).as_deref(), Some(url));
        }
        assert_eq!(well_known_url("urn:x"), None);
    }
}
