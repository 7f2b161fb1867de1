//! Every page by itself, without a server: what it says, and what it never says.
//!
//! Conformance rows S-12 to S-14 and S-51, as far as a page alone can show them.

#![allow(clippy::unwrap_used, reason = "tests")]

mod devices;
mod every_page;
mod factors;
mod headers;
mod hostile;
mod other_pages;
mod signing_in;
