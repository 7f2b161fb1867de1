//! Whether the server is alive, and whether it can do its work.

use std::sync::atomic::Ordering;

use http::{HeaderValue, Response, StatusCode, header};

use crate::Body;
use crate::error::RETRY_AFTER;
use crate::extract::token::fresh;
use crate::state::State;

/// `GET /livez`: the process answers. It asks nobody, so that a lost database restarts no server.
pub(crate) fn live() -> Response<Body> {
    plain(StatusCode::OK, "alive and well")
}

/// `GET /readyz`: the database answers too, this node hears of what others revoke, and the server is
/// not about to stop.
pub(crate) async fn ready(state: &State) -> Response<Body> {
    if state.draining.probe(state.now()) {
        return plain(StatusCode::SERVICE_UNAVAILABLE, "stopping");
    }
    if state.lacks_key.load(Ordering::Acquire) {
        let text = "the key ring lacks a key that other nodes use";
        return plain(StatusCode::SERVICE_UNAVAILABLE, text);
    }
    match fresh(state, state.store.check()).await {
        Ok(()) => plain(StatusCode::OK, "alive and well"),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            plain(
                StatusCode::SERVICE_UNAVAILABLE,
                "the database does not answer",
            )
        }
    }
}

fn plain(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER));
    }
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    headers.insert(header::CONTENT_TYPE, plain);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
