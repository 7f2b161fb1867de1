//! What the control API sees of a request to an endpoint: it writes it down, and lets it go wrong
//! where a test asked for that.

use http::Response;

use crate::Body;
use crate::request::Request;
use crate::settings::ControlAccess;
use crate::state::State;

/// Answers a request to a named endpoint; `truth` is the answer unless a fault comes before it.
pub(crate) async fn observe(
    state: &State,
    request: &Request,
    endpoint: Option<&'static str>,
    truth: impl Future<Output = Response<Body>>,
) -> Response<Body> {
    let Some(endpoint) = endpoint.filter(|_| state.settings.control != ControlAccess::Off) else {
        return truth.await;
    };
    let id = state.control.requests.record(request, endpoint);
    let response = match state.control.faults.next(endpoint, request) {
        None => truth.await,
        Some(step) => step.play(truth).await,
    };
    state.control.requests.answered(id, &response);
    response
}
