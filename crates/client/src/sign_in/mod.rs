//! Signing in with a person: by a browser here, or by a code that is entered anywhere.

mod authorization_code;
mod callback;
mod device_code;
mod loopback;
mod loopback_page;
mod new_session;
mod options;
mod run;

pub use options::SignIn;
