//! What the pages share: the frame around every card, and the parts that several cards show.
//!
//! Language of the page: <https://www.w3.org/TR/WCAG22/#language-of-page>

use std::fmt;
use std::sync::Arc;

use super::assets;
use super::look::Look;
use crate::languages::{Language, Words};

/// The frame of every page; one per issuer, cloned into each page.
#[derive(Debug, Clone)]
pub struct Layout {
    /// How people know this server, for example `localhost:8080/default`.
    pub issuer_name: String,
    /// Warns on every page that anyone can sign in as anyone.
    pub dev_banner: bool,
    /// What the page says, in one language.
    pub words: &'static Words,
    /// Whether people can choose another language: not where asking for the page again would lose
    /// what it says.
    pub has_switch: bool,
    /// The stylesheet and the mark.
    pub look: Arc<Look>,
}

impl Layout {
    /// The same without the choice of a language.
    pub(crate) fn without_switch(self) -> Self {
        Self {
            has_switch: false,
            ..self
        }
    }

    /// The language of the page, for `<html lang>`.
    pub(crate) fn lang(&self) -> &'static str {
        self.words.language.tag()
    }

    /// Every language, and whether it is the page's.
    pub(crate) fn languages(&self) -> impl Iterator<Item = (Language, bool)> {
        let own = self.words.language;
        Language::ALL
            .into_iter()
            .map(move |known| (known, known == own))
    }

    /// Path of the one stylesheet.
    pub fn stylesheet(&self) -> &str {
        &self.look.stylesheet().path
    }

    /// Path of the mark, which is the favicon too.
    pub fn mark(&self) -> &str {
        &self.look.mark().path
    }

    /// The mark's media type.
    pub(crate) fn mark_type(&self) -> &'static str {
        self.look.mark().content_type
    }

    /// Whether the mark is the operator's logo.
    pub(crate) fn has_logo(&self) -> bool {
        self.look.has_logo()
    }

    /// Path of the script that presses the button of the `form_post` page.
    pub fn form_post_script(&self) -> &'static str {
        &assets::FORM_POST_SCRIPT.path
    }

    /// Path of the script that hands challenges to passkeys.
    pub fn passkey_script(&self) -> &'static str {
        &assets::PASSKEY_SCRIPT.path
    }
}

/// Where a form goes, and what proves that this browser was given it.
#[derive(Clone)]
pub struct FormTarget {
    /// URL of the POST.
    pub action: String,
    /// Goes back as the field `csrf`.
    pub csrf: String,
    /// Goes back as the field `interaction`: the request that this form decides.
    pub interaction: Option<String>,
}

impl fmt::Debug for FormTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FormTarget")
            .field("action", &self.action)
            .finish_non_exhaustive()
    }
}

/// A client as people are shown it.
#[derive(Debug, Clone)]
pub struct Client {
    /// Its display name.
    pub name: String,
    /// Who stands behind it.
    pub publisher: Publisher,
}

/// Who publishes a client, and whether the operator vouches for that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Publisher {
    /// The operator registered the client under this host.
    Verified(String),
    /// Nobody checked; the host, if any, is the client's own claim.
    Unverified(Option<String>),
}

/// A name and its value, as a row of a list or as a hidden field.
#[derive(Debug, Clone)]
pub struct Pair {
    /// The left side.
    pub name: String,
    /// The right side.
    pub value: String,
}

/// A way to another page.
#[derive(Debug, Clone)]
pub struct Link {
    /// What people call it.
    pub name: String,
    /// Where it leads.
    pub url: String,
}

/// Picks the letter that stands for a person in the round badge beside the name.
pub fn initial(name: &str) -> String {
    name.chars()
        .find(|c| c.is_alphanumeric())
        .map_or_else(|| "?".to_owned(), |c| c.to_uppercase().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_initial_is_the_first_letter_or_a_question_mark() {
        assert_eq!(initial("ada"), "A");
        assert_eq!(initial("@éva"), "É");
        assert_eq!(initial("  "), "?");
    }

    #[test]
    fn debug_output_hides_the_csrf_token() {
        let form = FormTarget {
            action: "/login".into(),
            csrf: "secret-token".into(),
            interaction: Some("secret-id".into()),
        };
        assert!(!format!("{form:?}").contains("secret"));
    }
}
