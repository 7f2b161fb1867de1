//! What our one protected resource, userinfo, says of itself.
//!
//! RFC 9728 §3: <https://www.rfc-editor.org/rfc/rfc9728#section-3>

use hallpass_issuer::oidc_scopes::OPENID;
use hallpass_protocol::dpop;
use hallpass_protocol::resource_metadata::{ResourceMetadata, WELL_KNOWN, well_known_url};
use http::Response;

use crate::Body;
use crate::error::Fault;
use crate::error::json::JsonError;
use crate::public_json::PublicJson;
use crate::request::Request;

/// `GET .well-known/oauth-protected-resource/{issuer}/userinfo`, also for the other name of the root
/// issuer's userinfo.
pub(crate) fn get(request: &Request) -> Result<Response<Body>, JsonError> {
    let metadata = ResourceMetadata {
        // §3.3: the document is of the very resource from whose URL its own was made.
        resource: request.url().replacen(&format!("/{WELL_KNOWN}"), "", 1),
        authorization_servers: vec![request.issuer_url.clone()],
        scopes_supported: vec![OPENID.to_owned()],
        bearer_methods_supported: vec!["header".to_owned(), "body".to_owned()],
        resource_name: Some("userinfo".to_owned()),
        dpop_signing_alg_values_supported: dpop::DEFAULT_ALGORITHMS
            .map(|algorithm| algorithm.as_str().to_owned())
            .to_vec(),
        dpop_bound_access_tokens_required: false,
    };
    let body = serde_json::to_vec(&metadata).map_err(Fault::from)?;
    Ok(PublicJson::new(body.into())?.response(&request.headers))
}

/// Where the document of the resource lies that was asked for.
pub(crate) fn url(request: &Request) -> Option<String> {
    well_known_url(&request.url())
}
