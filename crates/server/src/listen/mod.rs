//! The listening sockets: binds them, serves HTTP/1.1 and h2c on them, and drains them.
//!
//! RFC 9112: <https://www.rfc-editor.org/rfc/rfc9112>, RFC 9113: <https://www.rfc-editor.org/rfc/rfc9113>

mod accept;
mod bind;
mod connection;
mod start_error;

pub(crate) use bind::bind;
pub(crate) use connection::HangUp;
pub use start_error::StartError;

#[cfg(test)]
mod tests;
