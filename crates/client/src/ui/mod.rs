//! What a person sees: prompts, the terminal, the browser.

mod browser;
mod keyboard;
mod launchers;
mod prompt;
#[cfg(feature = "qr")]
mod qr_code;
mod screen;
mod terminal;
mod terminal_style;
mod time_of_day;
mod wrapped;

pub use browser::{Browser, SystemBrowser};
pub(crate) use prompt::TICK;
pub use prompt::{BrowserStart, Prompt, SilentUi, Ui, UiCaps, UiOutcome};
pub use terminal::TerminalUi;
pub use terminal_style::TerminalStyle;
