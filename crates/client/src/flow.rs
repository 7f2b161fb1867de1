//! Chooses how to sign in from what surrounds the program: a pure function and its table.
//!
//! Rules 4 to 7 of the command line's contract; XDEV §6.2.1.5 (row C-08): where a local browser
//! exists, the code flow on loopback comes before the device flow.

use std::collections::BTreeSet;
use std::fmt;
use std::io::IsTerminal as _;

/// Something in the surroundings that matters for the choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sign {
    /// `SSH_CONNECTION` is set.
    SshConnection,
    /// `SSH_TTY` is set.
    SshTty,
    /// `DISPLAY` is set.
    Display,
    /// `WAYLAND_DISPLAY` is set.
    WaylandDisplay,
    /// `BROWSER` is set.
    Browser,
    /// `CI` is set.
    Ci,
    /// `CODESPACES` is set.
    Codespaces,
    /// The program runs in the Windows Subsystem for Linux.
    Wsl,
    /// The program runs in a container.
    Container,
    /// The caller asked for no questions (`--no-input`, or a user interface without a person).
    NoInput,
    /// Standard input is not a terminal.
    StdinNotTerminal,
    /// Standard error is not a terminal.
    StderrNotTerminal,
}

/// The kind of operating system, as far as it matters where screens are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    /// Linux and the BSDs: a screen announces itself by `DISPLAY` or `WAYLAND_DISPLAY`.
    Unix,
    /// macOS and Windows: there is a screen unless somebody came by SSH.
    Desktop,
}

/// What surrounds the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    /// What was found.
    pub signs: BTreeSet<Sign>,
    /// Where the program runs.
    pub platform: Platform,
}

/// Which flows the server offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offers {
    /// It has an authorization endpoint.
    pub browser: bool,
    /// It has a device authorization endpoint.
    pub device: bool,
}

/// How to sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Code flow on loopback, with a browser that is started here.
    Browser,
    /// Code flow on loopback; the address is only shown.
    BrowserElsewhere,
    /// Device flow.
    Device,
    /// A person would be needed and none is there.
    NotInteractive,
    /// The server offers no flow for people.
    NotOffered,
}

/// A choice and its reasons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// How to sign in.
    pub way: Way,
    /// What decided it.
    pub why: Vec<Sign>,
}

/// Chooses how to sign in when the caller has no wish of its own.
pub fn decide(environment: &Environment, offers: Offers) -> Decision {
    // Rule 4: nobody is there to answer.
    let why = environment.found(&[
        Sign::NoInput,
        Sign::Ci,
        Sign::StdinNotTerminal,
        Sign::StderrNotTerminal,
    ]);
    if !why.is_empty() {
        return Decision {
            way: Way::NotInteractive,
            why,
        };
    }
    let (has_screen, why) = environment.screen();
    let way = match (has_screen, offers) {
        (
            _,
            Offers {
                browser: false,
                device: false,
            },
        ) => Way::NotOffered,
        (true, Offers { browser: true, .. }) => Way::Browser,
        (_, Offers { device: true, .. }) => Way::Device,
        (false, Offers { browser: true, .. }) => Way::BrowserElsewhere,
    };
    Decision { way, why }
}

/// Where the caller wants the code flow: only whether a browser can be started here is left open.
pub fn decide_browser(environment: &Environment) -> Decision {
    let (has_screen, why) = environment.screen();
    Decision {
        way: if has_screen {
            Way::Browser
        } else {
            Way::BrowserElsewhere
        },
        why,
    }
}

impl Environment {
    /// Looks around. Beside the look of the terminal, nothing else in this crate reads environment
    /// variables.
    pub fn detect() -> Self {
        let mut signs = BTreeSet::new();
        for sign in [
            Sign::SshConnection,
            Sign::SshTty,
            Sign::Display,
            Sign::WaylandDisplay,
            Sign::Browser,
            Sign::Ci,
            Sign::Codespaces,
        ] {
            if std::env::var_os(sign.as_str()).is_some_and(|value| !value.is_empty()) {
                signs.insert(sign);
            }
        }
        let is_wsl = std::env::var_os("WSL_DISTRO_NAME").is_some()
            || std::fs::read_to_string("/proc/sys/kernel/osrelease")
                .is_ok_and(|release| release.to_lowercase().contains("microsoft"));
        let is_container = ["/.dockerenv", "/run/.containerenv"]
            .iter()
            .any(|marker| std::path::Path::new(marker).exists());
        for (sign, is_there) in [
            (Sign::Wsl, is_wsl),
            (Sign::Container, is_container),
            (Sign::StdinNotTerminal, !std::io::stdin().is_terminal()),
            (Sign::StderrNotTerminal, !std::io::stderr().is_terminal()),
        ] {
            if is_there {
                signs.insert(sign);
            }
        }
        let is_desktop = cfg!(any(target_os = "macos", target_os = "windows"));
        Self {
            signs,
            platform: if is_desktop {
                Platform::Desktop
            } else {
                Platform::Unix
            },
        }
    }

    /// The same surroundings with one more sign.
    #[must_use]
    pub fn with(mut self, sign: Sign) -> Self {
        self.signs.insert(sign);
        self
    }

    fn found(&self, wanted: &[Sign]) -> Vec<Sign> {
        wanted
            .iter()
            .copied()
            .filter(|sign| self.signs.contains(sign))
            .collect()
    }

    /// Whether a browser that is started here is seen by the person, and why not or why after all.
    fn screen(&self) -> (bool, Vec<Sign>) {
        // Rule 6 stands before the rule on `DISPLAY`: Windows shows the browser.
        let remote = self.found(&[Sign::SshConnection, Sign::SshTty, Sign::Codespaces]);
        if !remote.is_empty() {
            return (false, remote);
        }
        if self.signs.contains(&Sign::Wsl) {
            return (true, vec![Sign::Wsl]);
        }
        let container = self.found(&[Sign::Container]);
        if !container.is_empty() {
            return (false, container);
        }
        match self.platform {
            Platform::Desktop => (true, Vec::new()),
            Platform::Unix => {
                let screens = self.found(&[Sign::Display, Sign::WaylandDisplay, Sign::Browser]);
                (!screens.is_empty(), screens)
            }
        }
    }
}

impl Sign {
    /// The name of the variable, or of the thing that was seen.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SshConnection => "SSH_CONNECTION",
            Self::SshTty => "SSH_TTY",
            Self::Display => "DISPLAY",
            Self::WaylandDisplay => "WAYLAND_DISPLAY",
            Self::Browser => "BROWSER",
            Self::Ci => "CI",
            Self::Codespaces => "CODESPACES",
            Self::Wsl => "WSL",
            Self::Container => "container",
            Self::NoInput => "no input",
            Self::StdinNotTerminal => "stdin is not a terminal",
            Self::StderrNotTerminal => "stderr is not a terminal",
        }
    }
}

impl fmt::Display for Sign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: Offers = Offers {
        browser: true,
        device: true,
    };
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

    fn way(platform: Platform, signs: &[Sign], offers: Offers) -> Way {
        decide(
            &Environment {
                signs: signs.iter().copied().collect(),
                platform,
            },
            offers,
        )
        .way
    }

    #[test]
    fn c_08_the_table_of_the_contract() {
        use Platform::{Desktop, Unix};
        use Sign::*;
        let table: &[(Platform, &[Sign], Offers, Way)] = &[
            (Unix, &[Display], BOTH, Way::Browser),
            (Unix, &[WaylandDisplay], BOTH, Way::Browser),
            (Unix, &[Browser], BOTH, Way::Browser),
            (Unix, &[], BOTH, Way::Device),
            (Unix, &[], CODE_ONLY, Way::BrowserElsewhere),
            (Unix, &[Display], DEVICE_ONLY, Way::Device),
            (Unix, &[Display], NEITHER, Way::NotOffered),
            (Unix, &[Display, SshConnection], BOTH, Way::Device),
            (Unix, &[SshTty], CODE_ONLY, Way::BrowserElsewhere),
            (Unix, &[Display, Container], BOTH, Way::Device),
            (Unix, &[Display, Codespaces], BOTH, Way::Device),
            (Unix, &[Wsl], BOTH, Way::Browser),
            (Unix, &[Wsl, SshConnection], BOTH, Way::Device),
            (Desktop, &[], BOTH, Way::Browser),
            (Desktop, &[SshConnection], BOTH, Way::Device),
            (Desktop, &[Ci], BOTH, Way::NotInteractive),
            (Desktop, &[NoInput], BOTH, Way::NotInteractive),
            (
                Unix,
                &[Display, StdinNotTerminal],
                BOTH,
                Way::NotInteractive,
            ),
            (
                Unix,
                &[Display, StderrNotTerminal],
                BOTH,
                Way::NotInteractive,
            ),
        ];
        for (platform, signs, offers, expected) in table {
            assert_eq!(
                way(*platform, signs, *offers),
                *expected,
                "{platform:?} {signs:?} {offers:?}"
            );
        }
    }

    #[test]
    fn a_choice_names_what_decided_it() {
        let environment = Environment {
            signs: [Sign::SshConnection, Sign::Display].into_iter().collect(),
            platform: Platform::Unix,
        };
        assert_eq!(decide(&environment, BOTH).why, [Sign::SshConnection]);
        assert_eq!(decide_browser(&environment).way, Way::BrowserElsewhere);
    }
}
