//! Breaks sentences at the width of the terminal. Addresses, codes and commands are never broken.

/// A sentence on lines of at most `width` columns; the first begins with `first`, the others with as many
/// blanks. Each line ends with a line break.
pub(super) fn wrapped(first: &str, sentence: &str, width: usize) -> String {
    let blanks = " ".repeat(first.chars().count());
    let mut lines = String::new();
    let mut line = first.to_owned();
    let mut is_empty = true;
    for word in sentence.split(' ') {
        let grown = line.chars().count() + word.chars().count() + usize::from(!is_empty);
        if !is_empty && grown > width {
            lines.extend([&line, "\n"]);
            line.clone_from(&blanks);
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line.push_str(word);
        is_empty = false;
    }
    lines.extend([&line, "\n"]);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_fit_and_a_long_word_stays_whole() {
        let text = wrapped("  1  ", "Open this and enter", 14);
        assert_eq!(text, "  1  Open this\n     and enter\n");
        assert_eq!(
            wrapped("", "https://as.test/x y", 4),
            "https://as.test/x\ny\n"
        );
        assert_eq!(wrapped("", "", 4), "\n");
    }
}
