//! What the server does by itself.

pub(crate) mod beat;
pub(crate) mod device_news;
mod due_mail;
mod newcomers;
pub(crate) mod outbox;
pub(crate) mod purge;
pub(crate) mod rotate_keys;
