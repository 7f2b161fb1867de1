//! The authorization endpoint: checks the request, finds out who the person is, and answers the
//! client.
//!
//! RFC 6749 §4.1.1: <https://www.rfc-editor.org/rfc/rfc6749#section-4.1.1>, OIDC Core §3.1.2,
//! RFC 9126 §4, RFC 9207, RFC 9700 §2.1.

mod answer;
mod asked;
mod consent;
mod elsewhere;
mod next_step;

pub(crate) use next_step::get;
