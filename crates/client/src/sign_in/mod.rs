//! Signing in with a person: by a browser here, by a code that is entered anywhere, or by an address that
//! is pasted; whatever comes first.

mod authorization_code;
mod callback;
mod device_authorization;
mod device_code;
mod loopback;
mod loopback_page;
mod loopback_server;
mod new_session;
mod options;
mod plan;
mod port_holder;
mod race;
mod run;
mod waiting_note;

pub(crate) use authorization_code::open_browser;
pub(crate) use callback::Arrival;
pub use device_authorization::DeviceAuthorization;
pub(crate) use device_code::Withdrawals;
pub(crate) use loopback::Loopback;
pub(crate) use loopback_page::Page;
pub(crate) use loopback_server::{Answers, End, page};
pub use options::{CallbackHost, CancelSignIn, SignIn};
