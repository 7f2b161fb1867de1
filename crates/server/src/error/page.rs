//! A refusal as people read it: what happened, what to do next, and a reference to quote.

use hallpass_issuer::Refusal;
use hallpass_issuer::grants::device_approval::NotApprovable;
use hallpass_issuer::refusal::PageReason;
use hallpass_protocol::form::FormError;
use hallpass_protocol::random;
use http::{HeaderValue, Response, StatusCode, header};

use super::{Fault, RETRY_AFTER};
use crate::Body;
use crate::pages::error::ErrorPage;
use crate::pages::html;
use crate::pages::moment::Moment;
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

/// Title, cause, next step.
type Words = (StatusCode, &'static str, String, &'static str);

impl PageError {
    /// The page.
    pub(crate) fn into_response(self, state: &State, request: &Request) -> Response<Body> {
        let reference = reference(state);
        let (status, title, cause, next_step) = self.words();
        match &self {
            Self::Fault(fault) => tracing::error!(%fault, reference, "fault"),
            other => tracing::info!(reason = ?other, reference, "page refused"),
        }
        let moment =
            jiff::Timestamp::from_millisecond(state.now().unix_millis()).unwrap_or_default();
        let page = ErrorPage {
            layout: request.layout(),
            title: title.to_owned(),
            cause,
            next_step: next_step.to_owned(),
            command: None,
            details: Vec::new(),
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

    fn words(&self) -> Words {
        let again = "Go back to your terminal and run the command again.";
        match self {
            Self::Request(reason) => refused_request(*reason),
            Self::Form(error) => (
                StatusCode::BAD_REQUEST,
                "This request cannot be read",
                format!("Its parameters are not well formed: {error}."),
                again,
            ),
            Self::Forged => (
                StatusCode::FORBIDDEN,
                "This form was not sent from our page",
                "The page may have been open for long, cookies may be off, or another site sent it. \
                 Nothing was changed."
                    .to_owned(),
                "Open the page again and repeat the last step.",
            ),
            Self::NothingChosen => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "Nothing was left to allow",
                "Every box was empty, so the device was not signed in. Nothing was shared.".to_owned(),
                "Go back and leave at least one box ticked, or choose Deny.",
            ),
            Self::NotApprovable(why) => not_approvable(*why),
            Self::Method => (
                StatusCode::METHOD_NOT_ALLOWED,
                "This address does not take that",
                "The page was called with a method that it does not know.".to_owned(),
                again,
            ),
            Self::NotFound => (
                StatusCode::NOT_FOUND,
                "Nothing lies here",
                "No page or endpoint has this address.".to_owned(),
                "Check the address, or start from the server's first page.",
            ),
            Self::Fault(fault) if fault.passes() => (
                StatusCode::SERVICE_UNAVAILABLE,
                "This server cannot do that just now",
                "Nothing was changed, and nobody was signed out.".to_owned(),
                "Try again in a moment.",
            ),
            Self::Fault(_) => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "Something broke on our side",
                "The server could not finish this step. Its log has the details under the reference below."
                    .to_owned(),
                "Try again in a moment.",
            ),
        }
    }
}

fn not_approvable(why: NotApprovable) -> Words {
    let (cause, next_step) = match why {
        NotApprovable::SecondFactor => (
            "This program's devices need a second factor, and this server offers none yet.",
            "Sign in on the device itself with a browser, or ask your administrator to change \
             `require` for this program.",
        ),
        NotApprovable::OtherNetwork => (
            "The device is in another network than this browser, and this program's devices must be \
             in the same one. If somebody sent you the code, do not use it.",
            "Open this page in a browser that is in the network of the device.",
        ),
        NotApprovable::Off => (
            "This program may not sign in on other devices.",
            "Sign in on the device itself with a browser.",
        ),
    };
    let title = "This device cannot be signed in here";
    (StatusCode::FORBIDDEN, title, cause.to_owned(), next_step)
}

fn refused_request(reason: PageReason) -> Words {
    let (title, cause) = match reason {
        PageReason::NoClient => (
            "The program did not say who it is",
            "`client_id` is missing.",
        ),
        PageReason::UnknownClient => (
            "This program is not registered here",
            "No client of that name is known to this server.",
        ),
        PageReason::NoRedirectUri => (
            "The program did not say where to return to",
            "`redirect_uri` is missing.",
        ),
        PageReason::ForeignRedirectUri => (
            "This return address is not registered",
            "The program asked to be answered at an address that is not registered for it, so nothing \
             was sent there.",
        ),
        PageReason::UnknownResponseMode => (
            "The program asks for an unknown kind of answer",
            "`response_mode` is not supported.",
        ),
        PageReason::Unverified => (
            "This program's request cannot be answered",
            "Its request is wrong or needs a person to sign in first. The program registered itself, \
             and nobody has checked where its return address leads, so nothing was sent there.",
        ),
        PageReason::UnknownRequestUri => (
            "This sign-in was used or is too old",
            "The program prepared a request for it, which was answered already, has expired, or \
             belongs to another program.",
        ),
        PageReason::Malformed => (
            "This request cannot be read",
            "Its parameters are not well formed.",
        ),
    };
    let next_step = "Tell whoever made the program, and give them the reference below.";
    (StatusCode::BAD_REQUEST, title, cause.to_owned(), next_step)
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
