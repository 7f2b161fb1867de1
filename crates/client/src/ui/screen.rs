//! The lines on a terminal: those that stay, and the one that is replaced in place.

use std::io::Write;

/// Where a [`super::TerminalUi`] writes.
pub(super) struct Screen {
    out: Box<dyn Write + Send>,
    /// The cursor stands behind a line that will be replaced.
    has_live_line: bool,
    /// A person is pasting: the prompt stays below everything.
    is_pasting: bool,
    pub(super) has_said_waiting: bool,
    /// The numbered ways of a remote screen so far; `None` elsewhere.
    pub(super) ways: Option<usize>,
}

impl Screen {
    pub(super) fn new(out: impl Write + Send + 'static) -> Self {
        Self {
            out: Box::new(out),
            has_live_line: false,
            is_pasting: false,
            has_said_waiting: false,
            ways: None,
        }
    }

    /// Writes lines that stay. A terminal that is gone is no reason to fail.
    pub(super) fn lines(&mut self, text: &str) {
        let clear = if std::mem::take(&mut self.has_live_line) {
            CLEAR_LINE
        } else {
            ""
        };
        self.write(&format!("{clear}{text}"));
        if self.is_pasting {
            self.write(PASTE_PROMPT);
        }
    }

    /// Replaces the line that tells what is happening. Who is pasting is not disturbed.
    pub(super) fn live_line(&mut self, text: &str) {
        if !self.is_pasting {
            self.has_live_line = true;
            self.write(&format!("{CLEAR_LINE}{text}"));
        }
    }

    /// Asks for a line.
    pub(super) fn start_pasting(&mut self) {
        self.is_pasting = true;
        self.lines("");
    }

    /// Writes the last lines of a sign-in.
    pub(super) fn end(&mut self, text: &str, live: bool) {
        let was_pasting = std::mem::take(&mut self.is_pasting);
        // A prompt that nobody answered is cleared like the live line, where that can be.
        if was_pasting && live {
            self.has_live_line = true;
        } else if was_pasting {
            self.write("\n");
        }
        self.lines(text);
    }

    /// The terminal has shown a line break that the person typed.
    pub(super) fn was_entered(&mut self) {
        if self.is_pasting {
            self.write(PASTE_PROMPT);
        } else if std::mem::take(&mut self.has_live_line) {
            // The live line stands one row above; a fresh one may stand on this row.
            self.write(&format!("{CLEAR_LINE}\u{1b}[1A{CLEAR_LINE}"));
        }
    }

    fn write(&mut self, text: &str) {
        let written = self
            .out
            .write_all(text.as_bytes())
            .and_then(|()| self.out.flush());
        if let Err(error) = written {
            tracing::debug!(%error, "the terminal cannot be written to");
        }
    }
}

const CLEAR_LINE: &str = "\r\u{1b}[2K";
const PASTE_PROMPT: &str = "> ";
