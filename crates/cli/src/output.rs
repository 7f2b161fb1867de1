//! Where words go: standard output is the answer and nothing else, standard error is talk.

use std::io::{self, ErrorKind, IsTerminal as _, Write as _};

pub(crate) use hallpass_client::clean::json as printable;
use hallpass_client::{TerminalStyle, clean};
use serde_json::Value;

use crate::args::{Color, Format, GlobalArgs};
use crate::environment::Environment;
use crate::exit_code;
use crate::failure::Failure;

/// Writes answers and talk in the form that was asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    /// Text or JSON.
    pub(crate) format: Format,
    /// How standard error may look.
    pub(crate) style: TerminalStyle,
    /// How standard output may look.
    pub(crate) paint: Paint,
    is_quiet: bool,
}

/// Whether words may be bold or colored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paint(pub(crate) bool);

impl Output {
    /// Looks at the flags, at the variables and at the terminal.
    pub(crate) fn new(global: &GlobalArgs, environment: &Environment) -> Result<Self, Failure> {
        let format = match (
            global.json,
            global.output,
            environment.text("HALLPASS_OUTPUT"),
        ) {
            (true, _, _) | (_, Some(Format::Json), _) | (_, None, Some("json")) => Format::Json,
            (_, Some(Format::Text), _) | (_, None, None | Some("text")) => Format::Text,
            (_, None, Some(other)) => {
                let text = format!("HALLPASS_OUTPUT is `{}`", clean::text(other));
                return Err(Failure::usage(text).hint_to("set it to text or json"));
            }
        };
        let mut style = TerminalStyle::detect();
        let may_paint = style.color || {
            let is_dumb = environment.text("TERM") == Some("dumb");
            environment.text("NO_COLOR").is_none() && !is_dumb
        };
        let mut paint = Paint(io::stdout().is_terminal() && may_paint);
        match global.color {
            Color::Auto => {}
            Color::Always => (style.color, paint) = (true, Paint(true)),
            Color::Never => (style.color, paint) = (false, Paint(false)),
        }
        Ok(Self {
            format,
            style,
            paint,
            is_quiet: global.quiet,
        })
    }

    /// Whether the answer is for a program.
    pub(crate) fn is_json(self) -> bool {
        self.format == Format::Json
    }

    /// Writes the answer, and a line break if it lacks one.
    pub(crate) fn answer(text: &str) -> Result<(), Failure> {
        let end = if text.ends_with('\n') { "" } else { "\n" };
        let mut out = io::stdout().lock();
        let written = out
            .write_all(text.as_bytes())
            .and_then(|()| out.write_all(end.as_bytes()))
            .and_then(|()| out.flush());
        match written {
            // Who reads no further (`| head -1`) has what they wanted.
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                Err(Failure::other("cannot write the answer").caused_by(&error))
            }
            _ => Ok(()),
        }
    }

    /// Writes the answer for a program, on one line.
    pub(crate) fn answer_json(value: &Value) -> Result<(), Failure> {
        Self::answer(&printable(&value.to_string()))
    }

    /// Says what happened; a program that reads JSON is not told.
    pub(crate) fn note(self, text: &str) {
        if !self.is_quiet && !self.is_json() {
            Self::talk(&format!("{text}\n"));
        }
    }

    /// Says that something worked.
    pub(crate) fn done(self, text: &str) {
        let mark = if self.style.unicode { "✔" } else { "ok:" };
        self.note(&format!("{mark} {text}"));
    }

    /// Says that something deserves a look.
    pub(crate) fn warn(self, text: &str) {
        self.note(&format!("! {text}"));
    }

    /// Tells how the command failed.
    pub(crate) fn fail(self, failure: &Failure) {
        if self.is_json() {
            Self::talk(&printable(&format!("{}\n", failure.to_json())));
        } else {
            let name = Paint(self.style.color).bad("hallpass:");
            let start = self.line_start(failure);
            Self::talk(&format!("{start}{}", failure.to_text(&name)));
        }
    }

    /// A terminal shows `^C` where the cursor was: the sentence gets a line of its own.
    fn line_start(self, failure: &Failure) -> &'static str {
        match (failure.exit(), self.style.live, self.style.interactive) {
            (exit_code::INTERRUPTED, true, _) => "\r\u{1b}[2K",
            (exit_code::INTERRUPTED, false, true) => "\n",
            _ => "",
        }
    }

    /// A terminal that is gone is no reason to fail.
    fn talk(text: &str) {
        if let Err(error) = io::stderr().write_all(text.as_bytes()) {
            tracing::debug!(%error, "standard error cannot be written to");
        }
    }
}

impl Paint {
    /// What to do, and headings.
    pub(crate) fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    /// What matters less.
    pub(crate) fn dim(self, text: &str) -> String {
        self.with("2", text)
    }

    /// What went well.
    pub(crate) fn good(self, text: &str) -> String {
        self.with("32", text)
    }

    /// What went wrong.
    pub(crate) fn bad(self, text: &str) -> String {
        self.with("1;31", text)
    }

    fn with(self, code: &str, text: &str) -> String {
        if self.0 {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c_83_json_for_a_terminal_is_the_same_value_without_tricks() {
        let value = Value::from("a\u{202e}b\u{9b}c\u{e0041}d\u{1b}");
        let text = printable(&value.to_string());
        assert!(clean::is_clean(&text), "{text}");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }

    #[test]
    fn without_color_nothing_is_painted() {
        assert_eq!(Paint(false).bad("x"), "x");
        assert_eq!(Paint(true).bold("x"), "\u{1b}[1mx\u{1b}[0m");
    }
}
