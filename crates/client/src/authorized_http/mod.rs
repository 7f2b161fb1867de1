//! Requests with the session's token attached, to the named origins only.
//!
//! RFC 6750 §2.1 and §3: <https://www.rfc-editor.org/rfc/rfc6750#section-3>, RFC 9449 §7, RFC 9470;
//! rows C-36, C-50, C-51, C-60, C-75. What an answer means is decided in `decision`, without any
//! network; `call` carries one request through it, whatever library sends it.

mod call;
mod challenge;
mod decision;
mod request;
mod step_up;

pub use call::{AuthorizedCall, Then};
pub(crate) use challenge::Challenges;
pub use request::{AuthorizedHttp, AuthorizedRequest};
pub use step_up::StepUpChallenge;
