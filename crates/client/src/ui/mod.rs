//! What a person sees: prompts, the terminal, the browser.

mod browser;
mod prompt;
mod qr_code;
mod terminal;

pub use browser::{Browser, SystemBrowser};
pub(crate) use prompt::TICK;
pub use prompt::{BrowserStart, Prompt, SilentUi, Ui, UiCaps, UiOutcome};
pub use terminal::{TerminalStyle, TerminalUi};
