//! A refusal as people read it: what happened, what to do next, and a reference to quote.

use hallpass_issuer::Refusal;
use hallpass_issuer::audit::Event;
use hallpass_issuer::grants::device_approval::NotApprovable;
use hallpass_issuer::refusal::PageReason;
use hallpass_protocol::form::FormError;
use hallpass_protocol::random;
use http::{HeaderValue, Response, StatusCode, header};

use super::{Fault, RETRY_AFTER};
use crate::Body;
use crate::languages::Moment;
use crate::pages::error::{ErrorPage, Why};
use crate::pages::html;
use crate::pages::layout::Pair;
use crate::request::Request;
use crate::state::State;

/// Why a person gets no page.
#[derive(Debug)]
pub(crate) enum PageError {
    /// The request of a client is refused without sending anything to it.
    Request(PageReason),
    /// The form cannot be read.
    Form(FormError),
    /// The form was not posted from our page in this browser (row S-15).
    Forged,
    /// The client's devices need more than a confirmation.
    NotApprovable(NotApprovable),
    /// Every box was empty where a device was allowed.
    NothingChosen,
    /// The page does not take this method.
    Method,
    /// Nothing lies at this address.
    NotFound,
    /// We broke.
    Fault(Fault),
}

impl From<Fault> for PageError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<hallpass_store::StoreError> for PageError {
    fn from(error: hallpass_store::StoreError) -> Self {
        Self::Fault(error.into())
    }
}

impl From<FormError> for PageError {
    fn from(error: FormError) -> Self {
        Self::Form(error)
    }
}

impl From<Refusal> for PageError {
    fn from(refusal: Refusal) -> Self {
        tracing::info!(?refusal, "page refused");
        Self::Request(PageReason::Malformed)
    }
}

impl PageError {
    /// The page.
    pub(crate) fn into_response(self, state: &State, request: &Request) -> Response<Body> {
        let reference = reference(state);
        let (status, why) = self.status_and_why();
        match &self {
            Self::Fault(fault) => tracing::error!(%fault, reference, "fault"),
            other => tracing::debug!(reason = ?other, reference, "page refused"),
        }
        if let Self::Request(_) | Self::Forged | Self::NotApprovable(_) = &self {
            let entry = request.event(Event::AuthorizeDenied);
            let entry = entry
                .with_reference(&reference)
                .with("path", request.path.as_str());
            state.audit.tell(entry.with("why", format!("{self:?}")));
        }
        let moment =
            jiff::Timestamp::from_millisecond(state.now().unix_millis()).unwrap_or_default();
        let layout = request.layout();
        let page = ErrorPage {
            layout: match why {
                // There is no page that could be shown in another language.
                Why::Method | Why::NotFound => layout.without_switch(),
                _ => layout,
            },
            why,
            command: None,
            details: self.details(),
            reference,
            at: Moment {
                at: moment,
                now: moment,
            },
        };
        let mut response = html::html(status, &page);
        if status == StatusCode::SERVICE_UNAVAILABLE {
            let seconds = HeaderValue::from(RETRY_AFTER);
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        response
    }

    fn status_and_why(&self) -> (StatusCode, Why) {
        match self {
            Self::Request(reason) => (StatusCode::BAD_REQUEST, Why::Request(*reason)),
            Self::Form(_) => (StatusCode::BAD_REQUEST, Why::Unreadable),
            Self::Forged => (StatusCode::FORBIDDEN, Why::Forged),
            Self::NothingChosen => (StatusCode::UNPROCESSABLE_ENTITY, Why::NothingChosen),
            Self::NotApprovable(why) => (StatusCode::FORBIDDEN, Why::NotApprovable(*why)),
            Self::Method => (StatusCode::METHOD_NOT_ALLOWED, Why::Method),
            Self::NotFound => (StatusCode::NOT_FOUND, Why::NotFound),
            Self::Fault(fault) if fault.passes() => (StatusCode::SERVICE_UNAVAILABLE, Why::Busy),
            Self::Fault(_) => (StatusCode::INTERNAL_SERVER_ERROR, Why::Broken),
        }
    }

    /// What the developer of the client needs to know.
    fn details(&self) -> Vec<Pair> {
        let Self::Form(error) = self else {
            return Vec::new();
        };
        vec![Pair {
            name: "error".to_owned(),
            value: error.to_string(),
        }]
    }
}

/// A reference to quote: random, so that it leads nowhere by itself.
fn reference(state: &State) -> String {
    const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let drawn: [u8; 8] = random::bytes(state.random.as_ref());
    let letter = |byte: &u8| {
        LETTERS
            .get(usize::from(byte % 32))
            .copied()
            .map_or('0', char::from)
    };
    let letters: String = drawn.iter().map(letter).collect();
    let (first, second) = letters.split_at(4);
    format!("{first}-{second}")
}
