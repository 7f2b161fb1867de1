//! From one accent color, the colors of buttons and links on the light and on the dark card: the hue
//! stays, and the lightness changes as little as it takes to be read.
//!
//! WCAG 2.2, 1.4.3 (text) and 1.4.11 (edges): <https://www.w3.org/TR/WCAG22/#contrast-minimum>,
//! <https://www.w3.org/TR/WCAG22/#non-text-contrast>

use std::fmt;
use std::str::FromStr;

use super::color::{Color, NoColor};

/// An accent color and what follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accent {
    given: Color,
    light: Palette,
    dark: Palette,
}

/// The colors of one scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Palette {
    /// The ground of the main button.
    pub fill: Color,
    /// The same under the pointer.
    pub pressed: Color,
    /// What stands on either.
    pub label: Color,
    /// The edge of the main button, and a box that is ticked.
    pub edge: Color,
    /// That edge under the pointer.
    pub edge_pressed: Color,
    /// Links, and the ring around what has the focus.
    pub link: Color,
}

/// What the colors stand on. They are those of `style.css`; a test compares.
struct Scheme {
    card: Color,
    /// Everything that a link may stand on.
    grounds: [Color; 5],
}

/// Text, and a picture of text (WCAG 2.2, 1.4.3).
const TEXT: f64 = 4.5;
/// What tells a control from its surroundings (WCAG 2.2, 1.4.11).
const EDGE: f64 = 3.0;
/// So different from the card looks a button that is filled: the other buttons have only an edge.
const FILLED: f64 = 0.2;
/// So much does a button change under the pointer.
const PRESSED: f64 = 1.15;
/// Text on a light accent.
const INK: Color = Color::new(0x0016_191d);

const LIGHT: Scheme = Scheme {
    card: Color::WHITE,
    grounds: [
        Color::WHITE,
        Color::new(0x00f4_f5f7),
        Color::new(0x00f4_f6f9),
        Color::new(0x00ff_f6e5),
        Color::new(0x00fd_f0ef),
    ],
};

const DARK: Scheme = Scheme {
    card: Color::new(0x0016_1a21),
    grounds: [
        Color::new(0x0016_1a21),
        Color::new(0x000d_1015),
        Color::new(0x001e_232c),
        Color::new(0x002a_2114),
        Color::new(0x002d_191a),
    ],
};

impl Accent {
    /// What follows from a color.
    pub fn of(given: Color) -> Self {
        Self {
            given,
            light: LIGHT.palette(given),
            dark: DARK.palette(given),
        }
    }

    /// Those of a button in a mail, which is read on a light or on a dark ground: nobody knows.
    pub fn in_mail(&self) -> Palette {
        let is_seen = |color: Color| {
            let cards = [LIGHT.card, DARK.card].into_iter();
            cards
                .map(|card| card.contrast(color))
                .all(|ratio| ratio >= EDGE)
        };
        Palette {
            edge: nearest(self.light.fill, is_seen),
            ..self.light
        }
    }

    /// As rules of CSS: custom properties for both schemes. There is nothing in it but names of ours
    /// and colors.
    pub fn properties(&self) -> String {
        format!(
            ":root {{{}}}\n@media (prefers-color-scheme: dark) {{ :root {{{}}} }}\n",
            self.light.properties(),
            self.dark.properties()
        )
    }
}

impl Default for Accent {
    /// The accent of the stylesheet.
    fn default() -> Self {
        Self::of(Color::new(0x0024_57d6))
    }
}

impl FromStr for Accent {
    type Err = NoColor;

    fn from_str(text: &str) -> Result<Self, NoColor> {
        text.parse().map(Self::of)
    }
}

impl fmt::Display for Accent {
    /// The color that was given.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.given.fmt(f)
    }
}

impl Palette {
    fn properties(&self) -> String {
        let Self {
            fill,
            pressed,
            label,
            edge,
            edge_pressed,
            link,
        } = self;
        format!(
            " --accent: {fill}; --accent-pressed: {pressed}; --on-accent: {label}; \
             --accent-edge: {edge}; --accent-edge-pressed: {edge_pressed}; --link: {link}; "
        )
    }
}

impl Scheme {
    fn palette(&self, given: Color) -> Palette {
        let accent = if given.is_gray() && !self.is_filled(given) {
            // There is no hue to keep, and a gray button looks switched off: what is black on the light
            // card is white on the dark one.
            given.at(1.0 - given.lightness())
        } else {
            given
        };
        let fill = nearest(accent, |color| {
            self.is_filled(color) && label_on(color).is_some()
        });
        let label = label_on(fill).unwrap_or(INK);
        let pressed = self.pressed(fill, label);
        let edge_of = |fill| nearest(fill, |color| self.card.contrast(color) >= EDGE);
        Palette {
            fill,
            pressed,
            label,
            edge: edge_of(fill),
            edge_pressed: edge_of(pressed),
            link: nearest(accent, |color| {
                self.grounds
                    .iter()
                    .all(|ground| ground.contrast(color) >= TEXT)
            }),
        }
    }

    /// Whether a button in this color stands out from the card. On a dark one it is lighter: what is
    /// darker looks like a hole.
    fn is_filled(&self, color: Color) -> bool {
        let own = self.card.lightness();
        let is_on_top = own > 0.5 || color.lightness() > own;
        is_on_top && color.distance(self.card) >= FILLED
    }

    /// Darker, unless then the label is not read, it does not stand out, or there is no darker.
    fn pressed(&self, fill: Color, label: Color) -> Color {
        let own = fill.lightness();
        let ways = [-0.01, 0.01].into_iter();
        let steps = ways.flat_map(|way| (6..=30).map(move |step| own + way * f64::from(step)));
        steps
            .filter(|lightness| (0.0..=1.0).contains(lightness))
            .map(|lightness| fill.at(lightness))
            .filter(|color| color.contrast(fill) >= PRESSED && label.contrast(*color) >= TEXT)
            .find(|color| self.is_filled(*color))
            .unwrap_or(fill)
    }
}

/// The color itself if it will do, else the same hue with the lightness nearest to its own that does.
fn nearest(color: Color, will_do: impl Fn(Color) -> bool) -> Color {
    if will_do(color) {
        return color;
    }
    let own = color.lightness();
    let steps = (1..=1000).map(|step| f64::from(step) / 1000.0);
    let both = steps.flat_map(|step| [own - step, own + step]);
    both.filter(|lightness| (0.0..=1.0).contains(lightness))
        .map(|lightness| color.at(lightness))
        .find(|color| will_do(*color))
        .unwrap_or(color)
}

/// White or nearly black, whichever is read.
fn label_on(fill: Color) -> Option<Color> {
    [Color::WHITE, INK]
        .into_iter()
        .find(|label| label.contrast(fill) >= TEXT)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const STYLESHEET: &str = include_str!("../../assets/style.css");

    /// The colors that the stylesheet gives to names: those of the light and of the dark scheme.
    fn stylesheet() -> [BTreeMap<&'static str, Color>; 2] {
        let blocks = STYLESHEET.split(":root {").skip(1).take(2);
        let colors = |block: &'static str| {
            let lines = block.split('}').next().unwrap().split(';');
            let pairs = lines.filter_map(|line| line.trim().strip_prefix("--")?.split_once(": "));
            pairs
                .filter_map(|(name, value)| Some((name, value.parse().ok()?)))
                .collect()
        };
        let found: Vec<BTreeMap<_, _>> = blocks.map(colors).collect();
        found.try_into().unwrap()
    }

    fn of(text: &str) -> Accent {
        text.parse().unwrap()
    }

    #[test]
    fn the_schemes_are_those_of_the_stylesheet() {
        for (scheme, colors) in [LIGHT, DARK].iter().zip(stylesheet()) {
            let grounds = ["card", "ground", "inset", "care-ground", "stop-ground"];
            assert_eq!(scheme.card, colors["card"]);
            assert_eq!(scheme.grounds, grounds.map(|name| colors[name]));
            // Every ground is there: a new one would have to be thought of here, too.
            let known = colors.keys().filter(|name| name.ends_with("ground"));
            assert_eq!(known.count(), 3);
        }
        let [light, dark] = stylesheet();
        assert_eq!(INK, light["text"]);
        let usual = Accent::default().light;
        assert_eq!(usual.fill, light["accent"]);
        assert_eq!(usual.label, light["on-accent"]);
        assert_eq!(usual.edge, light["accent-edge"]);
        assert_eq!(usual.link, light["link"]);
        // The dark colors were chosen by hand; they keep the same rules.
        assert_holds(&DARK, &palette(&dark), "the stylesheet's own");
        assert_holds(&LIGHT, &palette(&light), "the stylesheet's own");
    }

    fn palette(colors: &BTreeMap<&'static str, Color>) -> Palette {
        Palette {
            fill: colors["accent"],
            pressed: colors["accent-pressed"],
            label: colors["on-accent"],
            edge: colors["accent-edge"],
            edge_pressed: colors["accent-edge-pressed"],
            link: colors["link"],
        }
    }

    /// What WCAG asks for, and what makes a button one.
    fn assert_holds(scheme: &Scheme, palette: &Palette, of: &str) {
        let at_least = |ratio: f64, one: Color, two: Color, what: &str| {
            let found = one.contrast(two);
            assert!(found >= ratio, "{of}: {what}: {found:.2} in {palette:?}");
        };
        at_least(TEXT, palette.label, palette.fill, "label on the button");
        at_least(TEXT, palette.label, palette.pressed, "label when pressed");
        at_least(EDGE, palette.edge, scheme.card, "edge on the card");
        at_least(EDGE, palette.edge_pressed, scheme.card, "edge when pressed");
        for ground in scheme.grounds {
            at_least(TEXT, palette.link, ground, "link on a ground");
        }
        let seen = palette.fill.distance(scheme.card);
        assert!(seen >= 0.2, "{of}: not filled: {seen:.3}");
        let is_hole = scheme.card == DARK.card && palette.fill.contrast(Color::new(0)) < 1.3;
        assert!(!is_hole, "{of}: {palette:?}");
        let (fill, pressed) = (palette.fill, palette.pressed);
        at_least(1.15, pressed, fill, "what the pointer changes");
    }

    /// Hues all around, from black to white and from gray to as colorful as it gets.
    fn grid() -> impl Iterator<Item = Color> {
        let bytes = || (0..=8_u32).map(|step| (step * 0x20).min(0xff));
        let all = bytes().flat_map(move |red| {
            bytes().flat_map(move |green| bytes().map(move |blue| red << 16 | green << 8 | blue))
        });
        let grays = (0..=0xff_u32).step_by(5).map(|gray| gray * 0x0001_0101);
        let named = [0x00ff_e100, 0x0010_1010, 0x0001_0101, 0x00fe_fefe];
        all.chain(grays).chain(named).map(Color::new)
    }

    #[test]
    fn s_51_every_accent_is_read_in_both_schemes() {
        let [light, dark] = stylesheet();
        let mut count = 0;
        for color in grid() {
            let accent = Accent::of(color);
            assert_holds(&LIGHT, &accent.light, &format!("{color}, light"));
            assert_holds(&DARK, &accent.dark, &format!("{color}, dark"));
            let mail = accent.in_mail();
            assert!(mail.label.contrast(mail.fill) >= 4.5, "{color}");
            for card in [light["card"], dark["card"]] {
                assert!(mail.edge.contrast(card) >= 3.0, "{color}: {mail:?}");
            }
            // The same against what the stylesheet says, name by name.
            for (palette, colors) in [(accent.light, &light), (accent.dark, &dark)] {
                for ground in ["card", "ground", "inset", "care-ground", "stop-ground"] {
                    assert!(
                        palette.link.contrast(colors[ground]) >= 4.5,
                        "{color} {ground}"
                    );
                }
                assert!(palette.edge.contrast(colors["card"]) >= 3.0, "{color}");
                assert!(palette.label.contrast(palette.fill) >= 4.5, "{color}");
            }
            count += 1;
        }
        assert!(count > 780, "{count}");
    }

    #[test]
    fn a_color_that_is_read_stays_as_it_is() {
        for (text, label) in [
            ("#2457d6", Color::WHITE),
            ("#b3261e", Color::WHITE),
            ("#101010", Color::WHITE),
            ("#ffe100", INK),
            ("#f5871f", INK),
        ] {
            let light = of(text).light;
            assert_eq!(light.fill.to_string(), text);
            assert_eq!(light.label, label, "{text}");
        }
        // Yellow is no edge on white, and a link in it is not read.
        let yellow = of("#ffe100");
        assert_ne!(yellow.light.edge, yellow.light.fill);
        assert_ne!(yellow.light.link, yellow.light.fill);
        // On the dark card it is both.
        assert_eq!(yellow.dark.edge.to_string(), "#ffe100");
        assert_eq!(yellow.dark.link.to_string(), "#ffe100");
    }

    #[test]
    fn a_gray_that_is_lost_on_a_card_becomes_its_opposite_there() {
        let (ink, paper) = (of("#000000"), of("#ffffff"));
        assert_eq!((ink.light.fill, ink.light.label), (ink.given, Color::WHITE));
        assert_eq!((ink.dark.fill, ink.dark.label), (Color::WHITE, INK));
        assert_eq!((paper.dark.fill, paper.dark.label), (paper.given, INK));
        assert_eq!(
            (paper.light.fill, paper.light.label),
            (ink.given, Color::WHITE)
        );
        // What has a hue keeps it.
        let navy = of("#0b1f4d").dark;
        assert!(
            !navy.fill.is_gray() && navy.fill.lightness() < 0.5,
            "{navy:?}"
        );
    }

    #[test]
    fn no_nearer_lightness_would_do() {
        for text in [
            "#ffe100", "#ffd1dc", "#0b1f4d", "#808080", "#00c2ff", "#7a3cff",
        ] {
            let (given, accent) = (of(text).given, of(text));
            for (scheme, palette) in [(LIGHT, accent.light), (DARK, accent.dark)] {
                let own = given.lightness();
                let moved = (palette.link.lightness() - own).abs();
                let reads = |color: Color| scheme.grounds.iter().all(|g| g.contrast(color) >= TEXT);
                for step in 1..1000 {
                    let step = f64::from(step) / 1000.0;
                    if step + 0.004 >= moved {
                        break;
                    }
                    for nearer in [own - step, own + step] {
                        let inside = (0.0..=1.0).contains(&nearer);
                        assert!(!inside || !reads(given.at(nearer)), "{text} at {nearer}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_rules_of_css_hold_names_and_colors_and_nothing_else() {
        for color in grid().step_by(13) {
            let css = Accent::of(color).properties();
            let plain = |c: char| c.is_ascii_alphanumeric() || " \n#-:;{}()@".contains(c);
            assert!(css.chars().all(plain), "{css}");
            assert_eq!(css.matches('{').count(), 3);
            assert_eq!(css.matches('}').count(), 3);
            assert_eq!(css.matches('#').count(), 12);
        }
    }
}
