//! Signing in with a person: by a browser here, by a code that is entered anywhere, or by an address that
//! is pasted; whatever comes first.

mod authorization_code;
mod callback;
mod device_authorization;
mod device_code;
mod loopback;
mod loopback_page;
mod new_session;
mod options;
mod plan;
mod port_holder;
mod race;
mod run;
mod waiting_note;

pub use device_authorization::DeviceAuthorization;
pub(crate) use device_code::Withdrawals;
pub use options::{CallbackHost, CancelSignIn, SignIn};
