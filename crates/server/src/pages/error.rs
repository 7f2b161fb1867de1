//! Say what went wrong, why, and what to do next.
//!
//! RFC 6749 §4.1.2.1 (never redirect to an unregistered URI): <https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2.1>

use askama::Template;
use hallpass_issuer::grants::device_approval::NotApprovable;
use hallpass_issuer::refusal::PageReason;

use super::html::{Forms, Page};
use super::layout::{Layout, Pair};
use crate::languages::{Filled, Moment, Value, Words};

/// A refusal or a fault, for people.
#[derive(Debug, Clone, Template)]
#[template(path = "error.html")]
pub struct ErrorPage {
    /// The frame.
    pub layout: Layout,
    /// What happened.
    pub why: Why,
    /// A command that helps, ready to copy.
    pub command: Option<String>,
    /// What the developer of the client needs to know, in English; empty hides the block.
    pub details: Vec<Pair>,
    /// Finds the log lines of this request, for example `8F3K-22QX`.
    pub reference: String,
    /// When it happened.
    pub at: Moment,
}

/// Why a person gets no page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The request of a client is refused without sending anything to it.
    Request(PageReason),
    /// The form cannot be read.
    Unreadable,
    /// The form was not posted from our page in this browser.
    Forged,
    /// Every box was empty where a device was allowed.
    NothingChosen,
    /// The client's devices need more than a confirmation.
    NotApprovable(NotApprovable),
    /// The page does not take this method.
    Method,
    /// Nothing lies at this address.
    NotFound,
    /// We cannot do it just now.
    Busy,
    /// We broke.
    Broken,
}

/// What the page says.
struct Texts {
    title: &'static str,
    cause: Filled<'static>,
    next_step: Filled<'static>,
}

impl ErrorPage {
    fn texts(&self) -> Texts {
        let words = self.layout.words;
        let texts = |title, cause, next_step| Texts {
            title,
            cause: Filled::plain(cause),
            next_step: Filled::plain(next_step),
        };
        match self.why {
            Why::Request(reason) => refused_request(words, reason),
            Why::NotApprovable(why) => not_approvable(words, why),
            Why::Unreadable => texts(
                words.unreadable,
                words.unreadable_cause,
                words.next_run_again,
            ),
            Why::Forged => texts(words.forged, words.forged_cause, words.forged_next),
            Why::NothingChosen => texts(
                words.nothing_chosen,
                words.nothing_chosen_cause,
                words.nothing_chosen_next,
            ),
            Why::Method => texts(
                words.bad_method,
                words.bad_method_cause,
                words.next_run_again,
            ),
            Why::NotFound => texts(words.not_found, words.not_found_cause, words.not_found_next),
            Why::Busy => texts(words.busy, words.busy_cause, words.next_try_later),
            Why::Broken => texts(words.broken, words.broken_cause, words.next_try_later),
        }
    }
}

fn not_approvable(words: &Words, why: NotApprovable) -> Texts {
    let (cause, next_step) = match why {
        NotApprovable::SecondFactor => (words.second_factor_cause, words.second_factor_next()),
        NotApprovable::OtherNetwork => (
            words.other_network_cause,
            Filled::plain(words.other_network_next),
        ),
        NotApprovable::Off => (
            words.devices_off_cause,
            Filled::plain(words.devices_off_next),
        ),
    };
    Texts {
        title: words.device_not_here,
        cause: Filled::plain(cause),
        next_step,
    }
}

fn refused_request(words: &Words, reason: PageReason) -> Texts {
    let plain = Filled::plain;
    let (title, cause) = match reason {
        PageReason::NoClient => (words.no_client, words.missing(Value::words("client_id"))),
        PageReason::UnknownClient => (words.unknown_client, plain(words.unknown_client_cause)),
        PageReason::NoRedirectUri => (
            words.no_redirect_uri,
            words.missing(Value::words("redirect_uri")),
        ),
        PageReason::ForeignRedirectUri => (
            words.foreign_redirect_uri,
            plain(words.foreign_redirect_uri_cause),
        ),
        PageReason::UnknownResponseMode => (
            words.unknown_response_mode,
            words.not_supported(Value::words("response_mode")),
        ),
        PageReason::Unverified => (
            words.unverified_request,
            plain(words.unverified_request_cause),
        ),
        PageReason::UnknownRequestUri => (
            words.unknown_request_uri,
            plain(words.unknown_request_uri_cause),
        ),
        PageReason::Malformed => (words.unreadable, plain(words.unreadable_cause)),
    };
    Texts {
        title,
        cause,
        next_step: plain(words.next_tell_maker),
    }
}

impl Page for ErrorPage {
    const FORMS: Forms = Forms::StayHere;

    fn layout(&self) -> &Layout {
        &self.layout
    }
}
