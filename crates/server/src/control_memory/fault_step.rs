//! How one request goes wrong.

use std::time::Duration;

use http::{HeaderMap, Response, StatusCode};
use hyper::body::Bytes;
use serde_json::Value;

use crate::Body;
use crate::listen::HangUp;

/// What happens to one request.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) delay: Duration,
    pub(crate) then: Then,
    /// How the test wrote it.
    pub(crate) shown: Value,
}

/// How it ends.
#[derive(Clone, Debug)]
pub(crate) enum Then {
    /// The server answers as always.
    Pass,
    /// This is the answer, and nothing else happens.
    Answer(Box<Canned>),
    /// The connection closes, and nothing else happens.
    Close,
    /// The server does what was asked, and the connection closes before the answer.
    LoseAnswer,
}

/// An answer that a test wrote.
#[derive(Clone, Debug)]
pub(crate) struct Canned {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Step {
    /// Lets it happen to a request whose true answer would be `truth`.
    pub(crate) async fn play(self, truth: impl Future<Output = Response<Body>>) -> Response<Body> {
        if !self.delay.is_zero() {
            tokio::time::sleep(self.delay).await;
        }
        match self.then {
            Then::Pass => truth.await,
            Then::Close => hang_up(),
            Then::LoseAnswer => {
                drop(truth.await);
                hang_up()
            }
            Then::Answer(canned) => {
                let mut response = Response::new(Body::from(canned.body));
                *response.status_mut() = canned.status;
                *response.headers_mut() = canned.headers;
                response
            }
        }
    }
}

fn hang_up() -> Response<Body> {
    let mut response = Response::default();
    response.extensions_mut().insert(HangUp);
    response
}
