//! A client that registers itself, and what it keeps of that.

mod kept;
mod native;
mod registered_client;
mod request;

pub use registered_client::RegisteredClient;
