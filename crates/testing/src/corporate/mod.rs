//! The network of a company: an authority of its own, a proxy that everything goes through, and one
//! that opens what it is sent.

mod authority;
mod https_front;
mod one_exchange;
mod proxy;

pub use authority::{Authority, Identity};
pub use https_front::HttpsFront;
pub use proxy::{CorporateProxy, Tunnel};
