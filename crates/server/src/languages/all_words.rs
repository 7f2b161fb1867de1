//! The words of every language.

use super::english::ENGLISH;
use super::french::FRENCH;
use super::german::GERMAN;
use super::language::Language;
use super::spanish::SPANISH;
use super::words::Words;

impl Language {
    /// What is said in it.
    pub const fn words(self) -> &'static Words {
        match self {
            Self::English => &ENGLISH,
            Self::German => &GERMAN,
            Self::French => &FRENCH,
            Self::Spanish => &SPANISH,
        }
    }
}
