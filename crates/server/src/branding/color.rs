//! A color of sRGB: how light it is, how well it is read on another, and the same hue lighter or
//! darker.
//!
//! Relative luminance and contrast ratio: <https://www.w3.org/TR/WCAG22/#dfn-relative-luminance>
//! Oklab and `OkLCh`: <https://www.w3.org/TR/css-color-4/#ok-lab>

use std::fmt;
use std::str::FromStr;

/// A color as `#rrggbb` says it. It is spelled like that and in no other way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Color([u8; 3]);

/// The text is not `#rrggbb`, nor `#rgb`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no color")]
pub struct NoColor;

/// Lightness from 0 to 1, and the two axes of the hue: green to red, blue to yellow.
type Oklab = [f64; 3];

impl Color {
    /// White.
    pub const WHITE: Self = Self([255; 3]);

    /// The color `0xrrggbb`.
    pub const fn new(rgb: u32) -> Self {
        let [_, red, green, blue] = rgb.to_be_bytes();
        Self([red, green, blue])
    }

    /// How well one color is read on the other: from 1 (not at all) to 21 (black on white).
    pub fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance() + 0.05, other.luminance() + 0.05);
        one.max(two) / one.min(two)
    }

    /// How different two colors look: 0 for the same one, 1 for black and white.
    pub fn distance(self, other: Self) -> f64 {
        let ([one, a, b], [two, c, d]) = (self.oklab(), other.oklab());
        (one - two).hypot((a - c).hypot(b - d))
    }

    /// How light it looks, from 0 to 1.
    pub fn lightness(self) -> f64 {
        let [lightness, _, _] = self.oklab();
        lightness
    }

    /// Whether it has hardly any hue.
    pub fn is_gray(self) -> bool {
        let [_, a, b] = self.oklab();
        a.hypot(b) < 0.03
    }

    /// The same hue at another lightness, as colorful as the screen can show it there, and no more
    /// than this one is.
    #[must_use]
    pub fn at(self, lightness: f64) -> Self {
        let [_, a, b] = self.oklab();
        let shown = |share: f64| linear([lightness, a * share, b * share]);
        let fits = |rgb: [f64; 3]| {
            rgb.iter()
                .all(|part| (-ROUNDING..1.0 + ROUNDING).contains(part))
        };
        // The largest share of its colorfulness that is a color of sRGB, found by halving.
        let (mut least, mut most) = (0.0, 1.0);
        if fits(shown(most)) {
            least = most;
        }
        while most - least > 1e-4 {
            let middle = f64::midpoint(least, most);
            if fits(shown(middle)) {
                least = middle;
            } else {
                most = middle;
            }
        }
        Self(shown(least).map(encode))
    }

    /// WCAG 2.2: 0 for black, 1 for white.
    fn luminance(self) -> f64 {
        let [red, green, blue] = self.0.map(decode);
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }

    fn oklab(self) -> Oklab {
        let rgb = self.0.map(decode);
        let cones = TO_CONES.map(|row| dot(row, rgb).cbrt());
        TO_LAB.map(|row| dot(row, cones))
    }
}

impl FromStr for Color {
    type Err = NoColor;

    /// `#rrggbb` or `#rgb`, in either case.
    fn from_str(text: &str) -> Result<Self, NoColor> {
        let digits = text.strip_prefix('#').ok_or(NoColor)?;
        // A number may have a sign; a color may not.
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(NoColor);
        }
        let number = u32::from_str_radix(digits, 16).map_err(|_| NoColor)?;
        match digits.len() {
            6 => Ok(Self::new(number)),
            3 => {
                let [_, _, high, low] = number.to_be_bytes();
                Ok(Self([high, low >> 4, low & 0xf].map(|digit| digit * 0x11)))
            }
            _ => Err(NoColor),
        }
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

/// The light of one part, as WCAG and sRGB have it.
fn decode(part: u8) -> f64 {
    let part = f64::from(part) / 255.0;
    if part <= 0.04045 {
        part / 12.92
    } else {
        ((part + 0.055) / 1.055).powf(2.4)
    }
}

fn encode(light: f64) -> u8 {
    let part = if light <= 0.003_130_8 {
        light * 12.92
    } else {
        1.055 * light.powf(1.0 / 2.4) - 0.055
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is rounded, and from 0 to 255"
    )]
    let byte = (part * 255.0).round().clamp(0.0, 255.0) as u8;
    byte
}

/// The light of the three parts; beyond 0 and 1 no screen shows it.
fn linear(lab: Oklab) -> [f64; 3] {
    let cones = FROM_LAB.map(|row| dot(row, lab).powi(3));
    FROM_CONES.map(|row| dot(row, cones))
}

fn dot(row: [f64; 3], column: [f64; 3]) -> f64 {
    row.into_iter().zip(column).map(|(a, b)| a * b).sum()
}

/// Less than a byte can tell.
const ROUNDING: f64 = 1e-5;

const TO_CONES: [[f64; 3]; 3] = [
    [0.412_221_470_8, 0.536_332_536_3, 0.051_445_992_9],
    [0.211_903_498_2, 0.680_699_545_1, 0.107_396_956_6],
    [0.088_302_461_9, 0.281_718_837_6, 0.629_978_700_5],
];
const TO_LAB: [[f64; 3]; 3] = [
    [0.210_454_255_3, 0.793_617_785_0, -0.004_072_046_8],
    [1.977_998_495_1, -2.428_592_205_0, 0.450_593_709_9],
    [0.025_904_037_1, 0.782_771_766_2, -0.808_675_766_0],
];
const FROM_LAB: [[f64; 3]; 3] = [
    [1.0, 0.396_337_777_4, 0.215_803_757_3],
    [1.0, -0.105_561_345_8, -0.063_854_172_8],
    [1.0, -0.089_484_177_5, -1.291_485_548_0],
];
const FROM_CONES: [[f64; 3]; 3] = [
    [4.076_741_662_1, -3.307_711_591_3, 0.230_969_929_2],
    [-1.268_438_004_6, 2.609_757_401_1, -0.341_319_396_5],
    [-0.004_196_086_3, -0.703_418_614_7, 1.707_614_701_0],
];

#[cfg(test)]
mod tests {
    use super::*;

    fn color(text: &str) -> Color {
        text.parse().unwrap()
    }

    #[test]
    fn only_a_hash_and_hex_digits_are_a_color() {
        for (text, spelled) in [
            ("#2457d6", "#2457d6"),
            ("#FFE100", "#ffe100"),
            ("#fe1", "#ffee11"),
            ("#000", "#000000"),
        ] {
            assert_eq!(color(text).to_string(), spelled);
        }
        for text in [
            "",
            "#",
            "2457d6",
            "#2457d",
            "#2457d60",
            "#2457d6ff",
            "#12",
            "#1234",
            "#+12345",
            "#-12",
            "#ggg",
            "# 12345",
            " #2457d6",
            "#2457d6 ",
            "#2457d6;",
            "#2457d6\n",
            "red",
            "red;}body{display:none",
            "rgb(1,2,3)",
            "#\u{661}\u{662}\u{663}",
            "url(//evil.example)",
            "</style><script>",
        ] {
            assert_eq!(text.parse::<Color>(), Err(NoColor), "{text}");
        }
    }

    #[test]
    fn contrast_is_that_of_wcag() {
        // Pairs whose ratio is widely published.
        for (one, two, ratio) in [
            ("#000000", "#ffffff", 21.0),
            ("#ffffff", "#ffffff", 1.0),
            ("#767676", "#ffffff", 4.54),
            ("#0000ff", "#ffffff", 8.59),
            ("#ff0000", "#ffffff", 4.0),
            ("#ffff00", "#ffffff", 1.07),
        ] {
            let found = color(one).contrast(color(two));
            assert!((found - ratio).abs() < 0.01, "{one} on {two}: {found}");
            let turned = color(two).contrast(color(one));
            assert!((found - turned).abs() < f64::EPSILON);
        }
    }

    #[test]
    fn oklab_is_that_of_css() {
        // CSS Color 4 gives these for the primaries of sRGB.
        for (text, lab) in [
            ("#ff0000", [0.628, 0.225, 0.126]),
            ("#00ff00", [0.866, -0.234, 0.179]),
            ("#0000ff", [0.452, -0.032, -0.312]),
            ("#ffffff", [1.0, 0.0, 0.0]),
            ("#000000", [0.0, 0.0, 0.0]),
        ] {
            let found = color(text).oklab();
            for (found, wanted) in found.into_iter().zip(lab) {
                assert!((found - wanted).abs() < 0.001, "{text}: {found} {wanted}");
            }
        }
    }

    #[test]
    fn at_its_own_lightness_a_color_is_itself_and_at_the_ends_there_is_none() {
        for step in 0..4096_u32 {
            let spread =
                (step >> 8) * 0x11_0000 + ((step >> 4) & 0xf) * 0x1100 + (step & 0xf) * 0x11;
            let color = Color::new(spread);
            let same = color.at(color.lightness());
            assert!(color.distance(same) < 0.005, "{color} {same}");
            assert_eq!(color.at(0.0), Color::new(0));
            assert_eq!(color.at(1.0), Color::WHITE);
        }
    }

    #[test]
    fn the_hue_stays_at_every_lightness() {
        for text in ["#ffe100", "#2457d6", "#d62424", "#24d65b", "#8a2be2"] {
            let color = color(text);
            let hue = |color: Color| {
                let [_, a, b] = color.oklab();
                b.atan2(a)
            };
            for percent in 25..95 {
                let other = color.at(f64::from(percent) / 100.0);
                let turned = (hue(color) - hue(other)).abs();
                let turned = turned.min(std::f64::consts::TAU - turned);
                // Bytes are coarse where there is little color left.
                assert!(turned < 0.12, "{text} and {other}: {turned}");
            }
        }
    }
}
