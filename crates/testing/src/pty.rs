//! The real program in a pseudo-terminal, and a person who reads its screen and presses keys.
//!
//! Waiting is for a text on the screen or for the end of the program, never for a time; the
//! deadline only turns what hangs into a failure that shows the screen.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test harness fails by panicking"
)]

use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pty_process::blocking::{self, Pty};

/// How long a text or an end is waited for: long enough for a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// What Ctrl-C sends.
pub const CTRL_C: &str = "\u{3}";

/// A program at work in a terminal. Dropping it kills the program.
pub struct Terminal {
    child: Child,
    pty: Arc<Pty>,
    screen: Arc<Screen>,
}

/// How a program in a terminal ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code; `None` when a signal killed it.
    pub code: Option<i32>,
    /// What a person sees at the end, see [`rendered`].
    pub text: String,
    /// The bytes that it wrote, with every escape sequence.
    pub raw: String,
}

#[derive(Default)]
struct Screen {
    written: Mutex<Written>,
    changed: Condvar,
}

#[derive(Default)]
struct Written {
    bytes: Vec<u8>,
    is_over: bool,
}

/// The binary that `cargo build -p hallpass` makes, beside the running test.
///
/// # Panics
///
/// When it has not been built.
pub fn hallpass() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own path");
    let found = test
        .ancestors()
        .skip(1)
        .take(2)
        .map(|folder| folder.join(format!("hallpass{}", std::env::consts::EXE_SUFFIX)))
        .find(|path| path.is_file());
    found.unwrap_or_else(|| {
        panic!(
            "no `hallpass` beside {}: run `cargo build -p hallpass` first",
            test.display()
        )
    })
}

impl Terminal {
    /// Starts a program in a new terminal of this size.
    ///
    /// # Panics
    ///
    /// When the system has no terminal to give, or the program cannot be started.
    pub fn start(command: Command, columns: u16, rows: u16) -> Self {
        let (pty, inside) = blocking::open().expect("a pseudo-terminal");
        pty.resize(pty_process::Size::new(rows, columns))
            .expect("a terminal has a size");
        let child = blocking::Command::from(command)
            .spawn(inside)
            .expect("the program starts");
        let (pty, screen) = (Arc::new(pty), Arc::new(Screen::default()));
        let (reader, shown) = (Arc::clone(&pty), Arc::clone(&screen));
        std::thread::spawn(move || read(&reader, &shown));
        Self { child, pty, screen }
    }

    /// The process id of the program.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Presses keys.
    ///
    /// # Panics
    ///
    /// When the terminal is gone.
    pub fn press(&self, keys: &str) {
        let mut keyboard: &Pty = &self.pty;
        keyboard.write_all(keys.as_bytes()).expect("a keyboard");
    }

    /// Makes the window larger or smaller.
    ///
    /// # Panics
    ///
    /// When the terminal is gone.
    pub fn resize(&self, columns: u16, rows: u16) {
        self.pty
            .resize(pty_process::Size::new(rows, columns))
            .expect("a terminal has a size");
    }

    /// What a person sees now.
    pub fn text(&self) -> String {
        rendered(&self.screen.written().raw())
    }

    /// Waits until the screen shows this text, and returns the screen.
    ///
    /// # Panics
    ///
    /// When the program ends, or [`PATIENCE`] does, without it.
    pub fn wait_for(&self, text: &str) -> String {
        self.wait_until(&format!("`{text}`"), |screen| {
            screen.contains(text).then(|| screen.to_owned())
        })
    }

    /// Waits until the screen shows what is looked for, and returns that.
    ///
    /// # Panics
    ///
    /// When the program ends, or [`PATIENCE`] does, without it.
    pub fn wait_until<T>(&self, what: &str, find: impl Fn(&str) -> Option<T>) -> T {
        let mut found = None;
        let mut look = |written: &mut Written| {
            found = find(&rendered(&written.raw()));
            found.is_none() && !written.is_over
        };
        let written = self.screen.written();
        let (written, _) = self
            .screen
            .changed
            .wait_timeout_while(written, PATIENCE, &mut look)
            .unwrap_or_else(PoisonError::into_inner);
        let (raw, is_over) = (written.raw(), written.is_over);
        drop(written);
        found.unwrap_or_else(|| {
            let why = if is_over { "ended" } else { "hangs" };
            panic!("the program {why} without {what}:\n{}", rendered(&raw))
        })
    }

    /// Kills the program as `kill -9` does: it cannot tidy up.
    ///
    /// # Panics
    ///
    /// When it has ended before.
    pub fn kill(&mut self) {
        self.child.kill().expect("the program runs");
    }

    /// Waits until the program ends.
    ///
    /// # Panics
    ///
    /// When it does not within [`PATIENCE`].
    pub fn end(mut self) -> Ended {
        let written = self.screen.written();
        let (written, _) = self
            .screen
            .changed
            .wait_timeout_while(written, PATIENCE, |written| !written.is_over)
            .unwrap_or_else(PoisonError::into_inner);
        let (raw, is_over) = (written.raw(), written.is_over);
        drop(written);
        let text = rendered(&raw);
        assert!(is_over, "the program does not end:\n{text}");
        let status = self.child.wait().expect("the program was started");
        Ended {
            code: status.code(),
            text,
            raw,
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl std::fmt::Debug for Terminal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Terminal")
            .field("pid", &self.pid())
            .finish_non_exhaustive()
    }
}

impl Screen {
    fn written(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Written {
    fn raw(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

/// Reads until the last process that has the terminal closes it (Linux then says `EIO`).
fn read(mut pty: &Pty, screen: &Screen) {
    let mut chunk = [0; 4096];
    loop {
        let read = pty.read(&mut chunk).unwrap_or_default();
        let mut written = screen.written();
        written
            .bytes
            .extend_from_slice(chunk.get(..read).unwrap_or_default());
        written.is_over = read == 0;
        drop(written);
        screen.changed.notify_all();
        if read == 0 {
            return;
        }
    }
}

/// What a person sees of a program's output: lines that were cleared or written over are gone, links
/// and colors are only their text. Knows the sequences that `hallpass` writes.
pub fn rendered(raw: &str) -> String {
    let mut lines = vec![Vec::new()];
    let (mut row, mut column) = (0, 0);
    let mut rest = raw.chars();
    while let Some(c) = rest.next() {
        let Some(line) = lines.get_mut(row) else {
            break;
        };
        match c {
            '\u{1b}' => match skip_sequence(&mut rest) {
                Some(Sequence::Clear) => line.clear(),
                Some(Sequence::Up) => row = row.saturating_sub(1),
                None => {}
            },
            '\r' => column = 0,
            '\n' => {
                row += 1;
                if row == lines.len() {
                    lines.push(Vec::new());
                }
                column = 0;
            }
            c => {
                line.resize(line.len().max(column), ' ');
                if let Some(cell) = line.get_mut(column) {
                    *cell = c;
                } else {
                    line.push(c);
                }
                column += 1;
            }
        }
    }
    let lines: Vec<String> = lines
        .into_iter()
        .map(|line| line.into_iter().collect())
        .collect();
    lines.join("\n")
}

/// A sequence that changes more than color.
enum Sequence {
    /// `CSI 2 K`: the whole line is gone.
    Clear,
    /// `CSI 1 A`: one line up.
    Up,
}

/// Skips what follows an escape character.
fn skip_sequence(rest: &mut std::str::Chars<'_>) -> Option<Sequence> {
    match rest.next() {
        // A control sequence ends with a letter.
        Some('[') => {
            let mut sequence = String::new();
            for c in rest.by_ref() {
                sequence.push(c);
                if matches!(c, '@'..='~') {
                    break;
                }
            }
            match sequence.as_str() {
                "2K" => Some(Sequence::Clear),
                "1A" => Some(Sequence::Up),
                _ => None,
            }
        }
        // An operating system command, such as a link, ends with BEL or ESC \.
        Some(']') => {
            while let Some(c) = rest.next() {
                if c == '\u{7}' || (c == '\u{1b}' && rest.next() == Some('\\')) {
                    break;
                }
            }
            None
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cleared_line_is_gone_and_a_link_is_its_text() {
        let raw = "\u{1b}[1mopen\u{1b}[0m \u{1b}]8;;http://a\u{1b}\\http://a\u{1b}]8;;\u{1b}\\\r\n\
            \r\u{1b}[2Kwaiting 2\r\u{1b}[2Kwaiting 1\r\u{1b}[2Kdone\r\n";
        assert_eq!(rendered(raw), "open http://a\ndone\n");
    }

    #[test]
    fn one_line_up_and_that_line_is_cleared() {
        assert_eq!(
            rendered("a\r\nwaiting\r\n\r\u{1b}[2K\u{1b}[1A\r\u{1b}[2Kb"),
            "a\nb\n"
        );
    }

    #[test]
    fn what_is_written_over_stays_where_it_is_not_covered() {
        assert_eq!(rendered("abcdef\rxy"), "xycdef");
    }

    #[test]
    fn a_program_reads_keys_and_says_how_it_ended() {
        let mut shell = Command::new("sh");
        shell.args([
            "-c",
            "stty size; read line; stty size; echo got $line; exit 7",
        ]);
        let terminal = Terminal::start(shell, 80, 24);
        terminal.wait_for("24 80");
        terminal.resize(40, 10);
        terminal.press("hello\n");
        let ended = terminal.end();
        assert!(ended.text.contains("10 40"), "{}", ended.text);
        assert!(ended.text.contains("got hello"), "{}", ended.text);
        assert_eq!(ended.code, Some(7));
    }
}
