//! The table of the choice (row C-08).

use super::Platform::{Desktop, Unix};
use super::Sign::*;
use super::*;

const BOTH: Offers = Offers::BOTH;
const CODE_ONLY: Offers = Offers {
    browser: true,
    device: false,
};
const DEVICE_ONLY: Offers = Offers {
    browser: false,
    device: true,
};
const NEITHER: Offers = Offers {
    browser: false,
    device: false,
};

fn surroundings(platform: Platform, signs: &[Sign]) -> Environment {
    Environment {
        signs: signs.iter().copied().collect(),
        platform,
    }
}

/// Surroundings, what the server offers; the way, what decided, whether a browser is started.
type Row = (
    Platform,
    &'static [Sign],
    Offers,
    Way,
    &'static [Sign],
    bool,
);

const TABLE: &[Row] = &[
    // Nobody is here: before everything else.
    (Desktop, &[Ci], BOTH, Way::NotInteractive, &[Ci], false),
    (
        Desktop,
        &[NoInput],
        BOTH,
        Way::NotInteractive,
        &[NoInput],
        false,
    ),
    (
        Unix,
        &[Display, StdinNotTerminal],
        BOTH,
        Way::NotInteractive,
        &[StdinNotTerminal],
        false,
    ),
    (
        Unix,
        &[Display, StderrNotTerminal],
        BOTH,
        Way::NotInteractive,
        &[StderrNotTerminal],
        false,
    ),
    (
        Unix,
        &[SshTty, Ci],
        NEITHER,
        Way::NotInteractive,
        &[Ci],
        false,
    ),
    // A remote screen.
    (
        Unix,
        &[Display, SshConnection],
        BOTH,
        Way::Remote,
        &[SshConnection],
        false,
    ),
    (Unix, &[SshTty], CODE_ONLY, Way::Remote, &[SshTty], false),
    (Unix, &[SshTty], DEVICE_ONLY, Way::Device, &[SshTty], false),
    (
        Desktop,
        &[SshConnection],
        BOTH,
        Way::Remote,
        &[SshConnection],
        false,
    ),
    (
        Unix,
        &[Wsl, SshConnection],
        BOTH,
        Way::Remote,
        &[SshConnection],
        false,
    ),
    (
        Unix,
        &[Display, Container],
        BOTH,
        Way::Remote,
        &[Container],
        false,
    ),
    (
        Unix,
        &[Display, Codespaces],
        BOTH,
        Way::Remote,
        &[Codespaces],
        false,
    ),
    // A container on Windows has the kernel of WSL, and is a container all the same.
    (
        Unix,
        &[Wsl, Container],
        BOTH,
        Way::Remote,
        &[Container],
        false,
    ),
    (Unix, &[], BOTH, Way::Remote, &[NoScreen], false),
    (Unix, &[], CODE_ONLY, Way::Remote, &[NoScreen], false),
    (Unix, &[], DEVICE_ONLY, Way::Device, &[NoScreen], false),
    // BROWSER reaches out of a container; over SSH it is started beside the remote screen.
    (
        Unix,
        &[Container, Browser],
        BOTH,
        Way::Browser,
        &[Browser],
        true,
    ),
    (
        Unix,
        &[Codespaces, Container, Browser],
        BOTH,
        Way::Browser,
        &[Browser],
        true,
    ),
    (
        Unix,
        &[SshConnection, Browser],
        BOTH,
        Way::Remote,
        &[SshConnection],
        true,
    ),
    // WSL, before the rule on DISPLAY.
    (Unix, &[Wsl], BOTH, Way::Browser, &[Wsl], true),
    (Unix, &[Wsl, Display], CODE_ONLY, Way::Browser, &[Wsl], true),
    (Unix, &[Wsl], DEVICE_ONLY, Way::Device, &[Wsl], false),
    // Otherwise.
    (Unix, &[Display], BOTH, Way::Browser, &[Display], true),
    (
        Unix,
        &[WaylandDisplay],
        BOTH,
        Way::Browser,
        &[WaylandDisplay],
        true,
    ),
    (Unix, &[Browser], BOTH, Way::Browser, &[Browser], true),
    (Unix, &[Display], CODE_ONLY, Way::Browser, &[Display], true),
    (
        Unix,
        &[Display],
        DEVICE_ONLY,
        Way::Device,
        &[Display],
        false,
    ),
    (
        Unix,
        &[Display],
        NEITHER,
        Way::NotOffered,
        &[Display],
        false,
    ),
    (Desktop, &[], BOTH, Way::Browser, &[], true),
    (Desktop, &[], NEITHER, Way::NotOffered, &[], false),
];

#[test]
fn c_08_the_table_of_the_contract() {
    for (platform, signs, offers, way, why, opens) in TABLE {
        let decision = decide(&surroundings(*platform, signs), *offers);
        let expected = Decision {
            way: *way,
            why: why.to_vec(),
            opens: *opens,
        };
        assert_eq!(decision, expected, "{platform:?} {signs:?} {offers:?}");
    }
}

#[test]
fn exactly_one_rule_decides_and_it_is_the_first_that_found_something() {
    for (platform, signs, ..) in TABLE {
        let rules = rules(&surroundings(*platform, signs));
        let deciding: Vec<_> = rules.iter().filter(|rule| rule.decides).collect();
        assert_eq!(deciding.len(), 1, "{signs:?}");
        let first = rules.iter().find(|rule| !rule.found.is_empty());
        assert!(first.is_none_or(|first| first.decides), "{signs:?}");
    }
}

#[test]
fn who_asks_for_the_browser_gets_it_where_one_can_be_started() {
    for (signs, way) in [
        (&[Display][..], Way::Browser),
        (&[Display, StdinNotTerminal], Way::Browser),
        (&[SshConnection], Way::BrowserElsewhere),
        (&[SshConnection, Browser], Way::Browser),
        (&[Container], Way::BrowserElsewhere),
        (&[Container, Browser], Way::Browser),
        (&[], Way::BrowserElsewhere),
    ] {
        assert_eq!(
            decide_browser(&surroundings(Unix, signs)).way,
            way,
            "{signs:?}"
        );
    }
}

#[test]
fn an_attended_program_is_interactive() {
    let signs = [Ci, NoInput, StdinNotTerminal, StderrNotTerminal, SshTty];
    let attended = surroundings(Unix, &signs).attended();
    assert_eq!(decide(&attended, BOTH).way, Way::Remote);
}
