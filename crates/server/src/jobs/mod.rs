//! What the server does by itself.

pub(crate) mod purge;
