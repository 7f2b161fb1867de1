//! Draws a QR code with half blocks: two modules above each other in one character.
//!
//! ISO/IEC 18004 wants a quiet zone of four modules; half of it is enough for every reader that was
//! tried, and fits a terminal of 80 by 24.

use fast_qr::{ECL, QRBuilder};

const QUIET: usize = 2;

/// A drawn code.
#[derive(Debug)]
pub(crate) struct Drawn {
    pub(crate) text: String,
    pub(crate) columns: usize,
    pub(crate) rows: usize,
}

/// Draws a text. `color` fixes light on dark; else the terminal is taken to be dark.
pub(crate) fn draw(text: &str, color: bool) -> Option<Drawn> {
    let code = QRBuilder::new(text).ecl(ECL::L).build().ok()?;
    let side = code.size + 2 * QUIET;
    let is_dark = |row: usize, column: usize| {
        let inside = |at: usize| at.checked_sub(QUIET).filter(|at| *at < code.size);
        match (inside(row), inside(column)) {
            (Some(row), Some(column)) => code
                .data
                .get(row * code.size + column)
                .is_some_and(|m| m.value()),
            _ => false,
        }
    };
    let (start, end) = if color {
        ("\u{1b}[97;40m", "\u{1b}[0m")
    } else {
        ("", "")
    };
    let mut drawn = String::new();
    for row in (0..side).step_by(2) {
        drawn.push_str(start);
        for column in 0..side {
            // Below the last row there is nothing, which is dark on a dark terminal.
            let below_is_dark = row + 1 >= side || is_dark(row + 1, column);
            drawn.push(match (is_dark(row, column), below_is_dark) {
                (false, false) => '█',
                (false, true) => '▀',
                (true, false) => '▄',
                (true, true) => ' ',
            });
        }
        drawn.push_str(end);
        drawn.push('\n');
    }
    Some(Drawn {
        text: drawn,
        columns: side,
        rows: side.div_ceil(2),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_square_and_has_a_quiet_zone() {
        let drawn = draw("https://as.test/device?user_code=WDJB-MJHT", false).unwrap();
        let lines: Vec<&str> = drawn.text.lines().collect();
        assert_eq!(lines.len(), drawn.rows);
        assert!(
            lines
                .iter()
                .all(|line| line.chars().count() == drawn.columns)
        );
        assert!(lines[0].chars().all(|c| c == '█'));
        assert!(
            lines
                .iter()
                .all(|line| line.starts_with("██") && line.ends_with("██")
                    || line.chars().all(|c| c == '▀'))
        );
        assert!(drawn.columns <= 40, "{}", drawn.columns);
    }
}
