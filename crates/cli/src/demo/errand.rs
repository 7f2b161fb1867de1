//! What a stage asks of a person.

use url::Url;

/// What the person is asked to do.
#[derive(Clone, Debug)]
pub(crate) enum Errand {
    /// Open this address and sign in.
    SignIn(Url),
    /// Enter this code there, sign in and agree.
    EnterCode {
        /// Where.
        at: Url,
        /// The code.
        user_code: String,
    },
}
