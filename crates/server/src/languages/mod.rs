//! The languages of pages and mails: which there are, who chooses one, and what is said in each.
//!
//! What machines read stays English: OAuth errors, the log, the admin API. For operators:
//! `docs/server.md`. To say something new, name it in `words.rs`; the compiler then asks for it in
//! every language.

mod all_words;
mod english;
mod french;
mod german;
mod language;
mod moment;
mod negotiation;
mod pattern;
mod spanish;
mod times;
mod words;

#[cfg(test)]
mod tests;

pub use language::Language;
pub use moment::Moment;
pub(crate) use negotiation::{PageLanguage, Wishes, of_tags};
pub(crate) use pattern::{Filled, Value};
pub use words::Words;
