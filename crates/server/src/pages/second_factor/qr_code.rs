//! A QR code as a path of an SVG: no picture is loaded, and no script draws it.
//!
//! ISO/IEC 18004: four light modules around the code.

use std::fmt::Write as _;

use fast_qr::{ECL, QRBuilder};

/// Light modules on each side.
const QUIET: usize = 4;

/// A QR code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct QrCode {
    /// How many modules wide and high it is, with the light ones around it.
    pub(crate) side: usize,
    /// The dark ones: the attribute `d` of a path.
    pub(crate) path: String,
}

impl QrCode {
    /// Draws a text; `None` when it is too long.
    pub(crate) fn of(text: &str) -> Option<Self> {
        let code = QRBuilder::new(text).ecl(ECL::M).build().ok()?;
        let modules = code.data.get(..code.size * code.size)?;
        let mut path = String::new();
        for (y, row) in modules.chunks(code.size).enumerate() {
            let mut x = QUIET;
            for run in row.chunk_by(|one, next| one.value() == next.value()) {
                if run.first().is_some_and(|module| module.value()) {
                    let (y, width) = (y + QUIET, run.len());
                    // Writing to a string cannot fail.
                    let _ = write!(path, "M{x} {y}h{width}v1h-{width}z");
                }
                x += run.len();
            }
        }
        Some(Self {
            side: code.size + 2 * QUIET,
            path,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_corners_are_where_readers_look_for_them() {
        let code =
            QrCode::of("otpauth://totp/a:b?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ").unwrap();
        let far = code.side - QUIET - 7;
        for corner in [
            "M4 4h7v1h-7z".to_owned(),
            format!("M{far} 4h7v1h-7z"),
            format!("M4 {far}h7v1h-7z"),
        ] {
            assert!(code.path.contains(&corner), "{corner}");
        }
        assert!(!code.path.contains(&format!("M{far} {far}h7v1h-7z")));
        assert!(!code.path.contains("M0 ") && !code.path.contains("M3 "));
        assert_eq!(QrCode::of(&"x".repeat(5000)), None);
    }
}
