//! `login.registration = "open"`: people make accounts themselves. The whole way, and what strangers try
//! with it: rows S-12, S-15, S-49, S-51 and S-52 among them.

mod enumeration;
mod forms;
mod links;
mod mails;
mod registration_off;
mod steps;
mod whole_way;

pub(crate) use steps::{PASSWORD, ask, link_in, mails_that_came, take_link};
