//! A slip of the pen in a settings file, as its author wants to hear of it: where, what, and what was
//! probably meant.

use std::path::Path;

use hallpass_client::clean;

use crate::failure::Failure;

/// What is wrong, for people, and what to do about it.
pub(crate) struct Mistake {
    /// 1 is the first.
    line: usize,
    /// 1 is the first.
    column: usize,
    what: String,
    meant: Option<String>,
}

impl Mistake {
    /// Finds the place of an error in the text, and the name that was probably meant.
    pub(crate) fn of(error: &toml::de::Error, text: &str) -> Self {
        let before = error.span().and_then(|span| text.get(..span.start));
        let before = before.unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before
            .rsplit('\n')
            .next()
            .map_or(0, |it| it.chars().count())
            + 1;
        let message = clean::text(error.message());
        let (what, meant) = match unknown(&message) {
            None => (message, None),
            Some((what, word, known)) => {
                let meant = nearest(word, known.iter().copied()).map(str::to_owned);
                (format!("{what} `{word}`"), meant)
            }
        };
        Self {
            line,
            column,
            what,
            meant,
        }
    }

    /// The failure that names the file.
    pub(crate) fn in_file(&self, path: &Path) -> Failure {
        let Self { line, column, .. } = self;
        let text = format!(
            "{} cannot be understood (line {line}, column {column}): {}",
            path.display(),
            self.what
        );
        Failure::config(text).hint_to(match &self.meant {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("correct line {line}"),
        })
    }

    /// The same in half a sentence.
    pub(crate) fn in_short(&self) -> String {
        format!("line {}, column {}: {}", self.line, self.column, self.what)
    }

    /// Whether it is a name that another version of this program may know.
    pub(crate) fn is_unknown_name(error: &toml::de::Error) -> bool {
        unknown(error.message()).is_some()
    }
}

/// serde's words for a name that is not one of those it knows: what it is, the name, the names.
fn unknown(message: &str) -> Option<(&'static str, &str, Vec<&str>)> {
    let (what, rest) = [
        ("unknown field `", "unknown key"),
        ("unknown variant `", "unknown value"),
    ]
    .into_iter()
    .find_map(|(start, what)| Some((what, message.strip_prefix(start)?)))?;
    let (word, rest) = rest.split_once('`')?;
    let known = rest.split('`').skip(1).step_by(2).collect();
    Some((what, word, known))
}

/// The known name that differs by the fewest letters, if it is few.
pub(crate) fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let most = (word.chars().count() / 3).clamp(1, 3);
    known
        .map(|name| (distance(word, name), name))
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// How many letters must be added, removed, replaced or swapped with their neighbour.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut above: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    let mut last = None;
    for (i, x) in a.chars().enumerate() {
        let mut next = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let at = |row: &[usize], j: usize| row.get(j).copied().unwrap_or(usize::MAX / 2);
            let mut best = (at(&row, j) + usize::from(x != *y))
                .min(at(&row, j + 1) + 1)
                .min(at(&next, j) + 1);
            let is_swap = last == Some(*y) && j > 0 && b.get(j - 1) == Some(&x);
            if is_swap {
                best = best.min(at(&above, j - 1) + 1);
            }
            next.push(best);
        }
        above = std::mem::replace(&mut row, next);
        last = Some(x);
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_that_differ_are_counted() {
        for (a, b, count) in [
            ("issuer", "issuer", 0),
            ("isuer", "issuer", 1),
            ("iseur", "issuer", 2),
            ("isseur", "issuer", 1),
            ("", "abc", 3),
            ("scope", "scopes", 1),
        ] {
            assert_eq!(distance(a, b), count, "{a} {b}");
            assert_eq!(distance(b, a), count, "{b} {a}");
        }
    }

    #[test]
    fn only_a_name_that_is_near_is_meant() {
        let known = || ["issuer", "client_id", "scopes"].into_iter();
        assert_eq!(nearest("isuer", known()), Some("issuer"));
        assert_eq!(nearest("clientid", known()), Some("client_id"));
        assert_eq!(nearest("color", known()), None);
    }
}
