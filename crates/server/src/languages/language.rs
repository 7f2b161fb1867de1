//! A language of the pages.
//!
//! Tags, RFC 5646 §2.1: <https://www.rfc-editor.org/rfc/rfc5646#section-2.1>

/// A language that pages and mails are written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Deutsch.
    German,
    /// Français.
    French,
    /// Español.
    Spanish,
}

impl Language {
    /// All of them, in the order in which people are offered them.
    pub const ALL: [Self; 4] = [Self::English, Self::German, Self::French, Self::Spanish];

    /// Its tag, for `<html lang>`, `Content-Language` and `ui_locales_supported`.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
            Self::French => "fr",
            Self::Spanish => "es",
        }
    }

    /// What it calls itself.
    pub const fn own_name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::German => "Deutsch",
            Self::French => "Français",
            Self::Spanish => "Español",
        }
    }

    /// The language of exactly this tag.
    pub fn of_tag(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.tag() == tag)
    }

    /// The language that somebody who asks for `range` can read: `de` for `de-CH` (RFC 4647 §3.4).
    pub fn for_range(range: &str) -> Option<Self> {
        let primary = range.split(['-', '_']).next().unwrap_or_default();
        let is_it = |known: &Self| known.tag().eq_ignore_ascii_case(primary);
        Self::ALL.into_iter().find(is_it)
    }

    /// Whether a number of things takes the singular (Unicode CLDR, cardinal plurals; whole numbers
    /// below a million have no other form in these languages).
    pub(super) const fn is_singular(self, number: u64) -> bool {
        match self {
            Self::French => number < 2,
            Self::English | Self::German | Self::Spanish => number == 1,
        }
    }
}
