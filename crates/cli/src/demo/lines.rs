//! How the demo's lines look: aligned, within the terminal's width, readable without color.

use hallpass_client::TerminalStyle;
use url::Url;

use crate::output::Paint;

/// Lays out lines.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lines {
    /// Whether words may be colored.
    pub(crate) paint: Paint,
    /// What the terminal can.
    pub(crate) style: TerminalStyle,
}

impl Lines {
    /// A request and the status of its answer.
    pub(crate) fn request(self, method: &str, path: &str, status: u16, note: &str) -> String {
        let status = match status {
            200..400 => self.paint.good(&status.to_string()),
            _ => self.paint.bold(&status.to_string()),
        };
        let width = self.columns().saturating_sub(36).min(WIDEST_PATH);
        let note = match note {
            "" => String::new(),
            note => format!("  {}", self.paint.dim(note)),
        };
        format!("      {method:<4}  {path:<width$}  {status}{note}\n")
    }

    /// The members that matter, as many on a line as fit.
    pub(crate) fn members(
        self,
        label: &str,
        members: &[(String, String)],
        wanted: &[&str],
    ) -> String {
        let indent = if self.columns() < 60 {
            NARROW_INDENT
        } else {
            INDENT
        };
        let room = self.columns().saturating_sub(indent.len() + 6).max(20);
        let mut lines: Vec<String> = Vec::new();
        for name in wanted {
            let Some((_, value)) = members.iter().find(|(known, _)| known == name) else {
                continue;
            };
            let pair = self.cut(&format!("{name}={value}"), room);
            match lines.last_mut() {
                Some(line) if line.chars().count() + pair.chars().count() + 2 <= room => {
                    line.extend(["  ", &pair]);
                }
                _ => lines.push(pair),
            }
        }
        let mut text = String::new();
        for (at, line) in lines.iter().enumerate() {
            let label = self
                .paint
                .dim(&format!("{:<4}", if at == 0 { label } else { "" }));
            text.extend([indent, &label, "  ", line, "\n"]);
        }
        text
    }

    /// What leads from one thing to the next.
    pub(crate) fn arrow(self) -> &'static str {
        if self.style.unicode { "→" } else { "->" }
    }

    /// What stands before something that worked.
    pub(crate) fn mark(self) -> String {
        let mark = if self.style.unicode { "✔" } else { "ok:" };
        self.paint.good(mark)
    }

    fn columns(self) -> usize {
        let size = self.style.size;
        size.map_or(80, |(columns, _)| usize::from(columns))
    }

    fn cut(self, text: &str, room: usize) -> String {
        if text.chars().count() <= room {
            return text.to_owned();
        }
        let dots = if self.style.unicode { "…" } else { "..." };
        let mut short: String = text
            .chars()
            .take(room.saturating_sub(dots.chars().count()))
            .collect();
        short.push_str(dots);
        short
    }
}

/// An address without its query.
pub(crate) fn bare(url: &Url) -> String {
    format!("{}{}", url.origin().ascii_serialization(), url.path())
}

const INDENT: &str = "            ";
const NARROW_INDENT: &str = "      ";
const WIDEST_PATH: usize = 42;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_fit_into_a_narrow_terminal() {
        let style = TerminalStyle {
            size: Some((40, 24)),
            ..TerminalStyle::PLAIN
        };
        let lines = Lines {
            paint: Paint(false),
            style,
        };
        let member = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let members = [
            member("a", "1"),
            member("b", "2"),
            member("long", "0123456789012345678901234567890"),
        ];
        assert_eq!(
            lines.members("got", &members, &["long", "a", "absent", "b"]),
            "      got   long=01234567890123456789...\n            a=1  b=2\n"
        );
    }
}
