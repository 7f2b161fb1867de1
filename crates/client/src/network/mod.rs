//! How the client reaches a server: the connection, whom it trusts, and by which proxy.

mod causes;
mod certificate;
mod no_proxy;
mod proxy;
mod system;
mod transport;
mod trust;
mod untrusted;

pub use system::SystemTransport;
pub use transport::{HttpTransport, TransportError, TransportErrorKind};
