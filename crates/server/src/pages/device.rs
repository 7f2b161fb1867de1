//! Enter the user code that a terminal shows.
//!
//! RFC 8628 §3.3 (user interaction): <https://www.rfc-editor.org/rfc/rfc8628#section-3.3>
//! RFC 8628 §5.1 (guessing codes): <https://www.rfc-editor.org/rfc/rfc8628#section-5.1>

use askama::Template;

use super::html::{Forms, Page};
use super::layout::{FormTarget, Layout};

/// The page at the verification URI.
#[derive(Debug, Clone, Template)]
#[template(path = "device.html")]
pub struct Device {
    /// The frame.
    pub layout: Layout,
    /// What the person can do now.
    pub step: Step,
}

/// How far the page lets a person go.
#[derive(Debug, Clone)]
pub enum Step {
    /// Ask for the code.
    Entry(Entry),
    /// Too many wrong codes from here: answer 429 with `Retry-After`.
    Locked {
        /// When the next try is allowed.
        retry_after_minutes: u32,
    },
    /// Too many wrong codes from everywhere: only people who signed in may try.
    SignInFirst {
        /// The login page, which comes back here.
        sign_in_url: String,
    },
}

/// The form. It posts `user_code`.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Where the code goes.
    pub form: FormTarget,
    /// Shown in the field, never submitted by itself (RFC 8628 §3.3.1); empty if none came.
    pub user_code: String,
    /// Shown below the field; [`CODE_NOT_VALID`] unless the field was empty.
    pub error: Option<String>,
}

/// The one message for codes that are wrong, expired or used.
///
/// A guesser must not learn which of these it is.
pub const CODE_NOT_VALID: &str =
    "That code isn't valid any more. Run the command again for a new one.";

impl Page for Device {
    const FORMS: Forms = Forms::StayHere;
}
