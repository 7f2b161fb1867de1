//! What an operator's own look is made of: an accent color and a logo.
//!
//! For operators: "Branding" in `docs/server.md`.

mod accent;
mod color;
mod logo;

pub use accent::{Accent, Palette};
pub use color::{Color, NoColor};
pub use logo::{Kind, Logo, LogoError};
