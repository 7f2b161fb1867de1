//! How a terminal may be written to.

use std::io::{self, IsTerminal as _};

use url::Url;

/// How a [`crate::TerminalUi`] may write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each says one thing about the terminal"
)]
pub struct TerminalStyle {
    /// A person sees it and can answer.
    pub interactive: bool,
    /// Lines can be replaced and addresses linked: a terminal, and not `TERM=dumb`.
    pub live: bool,
    /// Bold is fine: live, and no `NO_COLOR`.
    pub color: bool,
    /// The locale is UTF-8.
    pub unicode: bool,
    /// Columns and rows, where they are known.
    pub size: Option<(u16, u16)>,
    /// QR codes are wanted where they fit.
    pub qr: bool,
}

impl TerminalStyle {
    /// Looks at standard error and at `TERM`, `NO_COLOR` and the locale.
    pub fn detect() -> Self {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let is_terminal = io::stderr().is_terminal();
        let live = is_terminal && set("TERM").is_none_or(|term| term != "dumb");
        let locale = set("LC_ALL")
            .or_else(|| set("LC_CTYPE"))
            .or_else(|| set("LANG"));
        let locale = locale.map(|name| name.to_string_lossy().to_lowercase());
        let is_utf8 = |name: String| name.contains("utf-8") || name.contains("utf8");
        let size = terminal_size::terminal_size_of(io::stderr());
        Self {
            interactive: is_terminal && io::stdin().is_terminal(),
            live,
            color: live && set("NO_COLOR").is_none(),
            unicode: cfg!(windows) || cfg!(target_os = "macos") || locale.is_some_and(is_utf8),
            size: size.map(|(columns, rows)| (columns.0, rows.0)),
            qr: true,
        }
    }

    /// The style for a pipe or a log.
    pub const PLAIN: Self = Self {
        interactive: false,
        live: false,
        color: false,
        unicode: false,
        size: None,
        qr: false,
    };

    pub(super) fn bold(self, text: &str) -> String {
        if self.color {
            format!("\u{1b}[1m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    pub(super) fn link(self, url: &Url) -> String {
        if self.live {
            format!("\u{1b}]8;;{url}\u{1b}\\{url}\u{1b}]8;;\u{1b}\\")
        } else {
            url.to_string()
        }
    }

    pub(super) fn pick(self, unicode: &'static str, ascii: &'static str) -> &'static str {
        if self.unicode { unicode } else { ascii }
    }

    /// How wide a line may be.
    pub(super) fn width(self) -> usize {
        self.size.map_or(USUAL_WIDTH, |(columns, _)| {
            usize::from(columns).max(NARROWEST)
        })
    }
}

const USUAL_WIDTH: usize = 80;
/// Narrower than this nothing reads well anyway.
const NARROWEST: usize = 20;
