//! The answer to an authorization request, as it travels to the client's redirect URI.
//!
//! RFC 6749 §4.1.2: <https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2>, RFC 9207 §2.

use hallpass_issuer::grants::authorization_code::ResponseMode;
use hallpass_issuer::redirect_uri::AllowedRedirectUri;
use hallpass_protocol::authorization::AuthorizationResponse;
use http::{HeaderValue, Response, StatusCode, header};

use crate::Body;
use crate::pages::form_post::FormPost;
use crate::pages::html;
use crate::pages::layout::{Layout, Pair};

/// Where and how the answer goes.
#[derive(Clone, Debug)]
pub(crate) struct ReplyAddress {
    pub(crate) redirect_uri: AllowedRedirectUri,
    pub(crate) mode: ResponseMode,
}

impl ReplyAddress {
    /// Sends the answer on its way.
    pub(crate) fn answer(
        &self,
        response: &AuthorizationResponse,
        client_name: &str,
        layout: Layout,
    ) -> Response<Body> {
        let uri = self.redirect_uri.as_str();
        let parameters = response.encode();
        let joined = match self.mode {
            ResponseMode::Query if uri.contains('?') => format!("{uri}&{}", parameters.encode()),
            ResponseMode::Query => format!("{uri}?{}", parameters.encode()),
            ResponseMode::Fragment => format!("{uri}#{}", parameters.encode()),
            ResponseMode::FormPost => {
                let pair = |(name, value): (&str, &str)| Pair {
                    name: name.to_owned(),
                    value: value.to_owned(),
                };
                let page = FormPost {
                    layout: layout.without_switch(),
                    client: client_name.to_owned(),
                    action: uri.to_owned(),
                    fields: parameters.iter().map(pair).collect(),
                };
                return html::html(StatusCode::OK, &page);
            }
        };
        see_other(&joined)
    }
}

/// 303: the browser goes on with GET, whatever it posted (RFC 9700 §4.12).
pub(crate) fn see_other(location: &str) -> Response<Body> {
    let mut response = Response::new(Body::default());
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    *response.status_mut() = match HeaderValue::from_str(location) {
        Ok(value) => {
            response.headers_mut().insert(header::LOCATION, value);
            StatusCode::SEE_OTHER
        }
        Err(_) => StatusCode::BAD_REQUEST,
    };
    response
}
