//! The same client for programs without an asynchronous runtime.
//!
//! Every call waits on the thread that makes it. Each client has a small runtime of its own, which starts no
//! thread of its own for the network and ends with the client; there is nothing global.
//!
//! ```no_run
//! use hallpass_client::{Client, SignIn};
//!
//! fn main() -> Result<(), hallpass_client::Error> {
//!     let client = Client::builder("https://login.example.com", "acme-cli")
//!         .app_name("acme").scopes(["openid", "offline_access", "api:read"])
//!         .resource("https://api.example.com").build_blocking()?;
//!     let session = client.sign_in(SignIn::auto())?;
//!     println!("{}", session.http().get("https://api.example.com/me").send()?.text()?);
//!     Ok(())
//! }
//! ```
//!
//! Inside of an asynchronous runtime each call fails with [`crate::ErrorKind::Config`]: waiting there would
//! keep a thread from everybody else's work. Such programs use [`crate::Client`].

mod client;
mod device_authorization;
mod http;
mod own_runtime;
mod session;

pub use client::Client;
pub use device_authorization::DeviceAuthorization;
pub use http::{AuthorizedHttp, AuthorizedRequest, Response};
pub use session::Session;
