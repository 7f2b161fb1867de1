//! Chooses how to sign in from what surrounds the program: a pure function and its table.
//!
//! XDEV §6.2.1.5 (row C-08): where a local browser exists, the code flow on loopback comes before the
//! device flow. What `BROWSER` means here is `docs/adr/0008-browser-names-a-screen.md`.

#[path = "flow_explained.rs"]
mod explained;

use std::collections::BTreeSet;
use std::fmt;
use std::io::IsTerminal as _;

use hallpass_protocol::metadata::Metadata;

pub use explained::explain;

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
    /// No `DISPLAY`, `WAYLAND_DISPLAY` or `BROWSER`; found by [`rules`], never by looking.
    NoScreen,
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

impl Offers {
    /// Everything; for a choice before the server was asked.
    pub const BOTH: Self = Self {
        browser: true,
        device: true,
    };

    /// What the metadata lists. Some list an endpoint and not the grant (row Q-36): the endpoint is
    /// what counts.
    pub fn of(metadata: &Metadata) -> Self {
        Self {
            browser: metadata.authorization_endpoint.is_some(),
            device: metadata.device_authorization_endpoint.is_some(),
        }
    }
}

/// How to sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Code flow on loopback, with a browser that is started here.
    Browser,
    /// Code flow on loopback; the address is only shown.
    BrowserElsewhere,
    /// A remote screen: device code, loopback with a forwarded port, and the pasted address, at once.
    Remote,
    /// Device flow alone.
    Device,
    /// Code flow; the person pastes the address of the page that fails to load.
    Paste,
    /// A person would be needed and none is there.
    NotInteractive,
    /// The server offers no flow for people.
    NotOffered,
}

impl Way {
    /// The name in machine-readable output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Browser | Self::BrowserElsewhere => "browser",
            Self::Remote => "remote",
            Self::Device => "device",
            Self::Paste => "paste",
            Self::NotInteractive | Self::NotOffered => "none",
        }
    }
}

/// A choice and its reasons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// How to sign in.
    pub way: Way,
    /// What decided it.
    pub why: Vec<Sign>,
    /// Whether a browser is started here.
    pub opens: bool,
}

/// One rule of the choice, and what it found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// What it looks for.
    pub when: &'static str,
    /// What it then does.
    pub then: &'static str,
    /// What it found.
    pub found: Vec<Sign>,
    /// Whether it is the rule that decided.
    pub decides: bool,
}

/// Chooses how to sign in when the caller has no wish of its own.
///
/// ```
/// use hallpass_client::flow::{Environment, Offers, Platform, Sign, Way, decide};
///
/// let far = Environment { signs: [Sign::SshConnection].into(), platform: Platform::Unix };
/// let decision = decide(&far, Offers::BOTH);
/// assert_eq!(decision.way, Way::Remote);
/// assert_eq!(decision.why, [Sign::SshConnection]);
/// ```
pub fn decide(environment: &Environment, offers: Offers) -> Decision {
    let rules = rules(environment);
    let which = rules.iter().position(|rule| rule.decides);
    let why = rules
        .into_iter()
        .find(|rule| rule.decides)
        .map(|rule| rule.found)
        .unwrap_or_default();
    let has_browser = environment.signs.contains(&Sign::Browser);
    let none = |way| Decision {
        way,
        why: why.clone(),
        opens: false,
    };
    let is_remote = match which {
        Some(NOBODY) => return none(Way::NotInteractive),
        Some(REMOTE) => true,
        _ => false,
    };
    match (is_remote, offers) {
        (
            _,
            Offers {
                browser: false,
                device: false,
            },
        ) => none(Way::NotOffered),
        (
            _,
            Offers {
                browser: false,
                device: true,
            },
        ) => none(Way::Device),
        (true, _) => Decision {
            way: Way::Remote,
            why,
            opens: has_browser,
        },
        (false, _) => Decision {
            way: Way::Browser,
            why,
            opens: true,
        },
    }
}

/// Where the caller wants the code flow: only whether a browser can be started here is left open.
pub fn decide_browser(environment: &Environment) -> Decision {
    let attended = environment.clone().attended();
    let opens = decide(&attended, Offers::BOTH).opens;
    let rule = rules(&attended).into_iter().find(|rule| rule.decides);
    Decision {
        way: if opens {
            Way::Browser
        } else {
            Way::BrowserElsewhere
        },
        why: rule.map(|rule| rule.found).unwrap_or_default(),
        opens,
    }
}

/// The rules in their order, with what each found; the first one that holds decides.
///
/// ```
/// use hallpass_client::flow::{Environment, rules};
///
/// for rule in rules(&Environment::detect()) {
///     println!("{} {}: {}", if rule.decides { "->" } else { "  " }, rule.when, rule.then);
/// }
/// ```
pub fn rules(environment: &Environment) -> Vec<Rule> {
    let found = |wanted: &[Sign]| environment.found(wanted);
    let has = |sign| environment.signs.contains(&sign);
    let ssh = found(&[Sign::SshConnection, Sign::SshTty]);
    let boxed = found(&[Sign::Codespaces, Sign::Container]);
    let screens = found(&[Sign::Display, Sign::WaylandDisplay, Sign::Browser]);
    let (is_wsl, has_browser) = (has(Sign::Wsl), has(Sign::Browser));
    // Somebody who put `BROWSER` into a container did so to have browsers opened elsewhere.
    let browser_reaches_out = !boxed.is_empty() && has_browser;
    let is_bare = environment.platform == Platform::Unix && screens.is_empty() && !is_wsl;
    let far = match (ssh.is_empty(), boxed.is_empty() || has_browser) {
        (false, _) => ssh.clone(),
        (true, false) => boxed.clone(),
        (true, true) if is_bare => vec![Sign::NoScreen],
        (true, true) => Vec::new(),
    };
    let nobody = found(&[
        Sign::NoInput,
        Sign::Ci,
        Sign::StdinNotTerminal,
        Sign::StderrNotTerminal,
    ]);
    let wsl = if is_wsl { vec![Sign::Wsl] } else { Vec::new() };
    let here = if browser_reaches_out {
        vec![Sign::Browser]
    } else {
        screens
    };
    let holds = [!nobody.is_empty(), !far.is_empty(), is_wsl, true];
    let first = holds.iter().position(|holds| *holds);
    [
        ("nobody is here to answer", "exit 4 at once", nobody),
        ("remote, container or no screen", "remote screen", far),
        ("Windows Subsystem for Linux", "browser on Windows", wsl),
        ("otherwise", "browser here", here),
    ]
    .into_iter()
    .enumerate()
    .map(|(at, (when, then, found))| Rule {
        when,
        then,
        found,
        decides: Some(at) == first,
    })
    .collect()
}

/// The places of the rules that [`decide`] tells apart.
const NOBODY: usize = 0;
const REMOTE: usize = 1;

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
        let is_container = is_container();
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

    /// The same surroundings with somebody who reads and answers: nothing of the rule on that is left.
    #[must_use]
    pub fn attended(mut self) -> Self {
        let nobody = [
            Sign::NoInput,
            Sign::Ci,
            Sign::StdinNotTerminal,
            Sign::StderrNotTerminal,
        ];
        self.signs.retain(|sign| !nobody.contains(sign));
        self
    }

    fn found(&self, wanted: &[Sign]) -> Vec<Sign> {
        wanted
            .iter()
            .copied()
            .filter(|sign| self.signs.contains(sign))
            .collect()
    }
}

/// Docker and Podman leave a file; others, and dev containers, a variable. Flatpak is no container: its
/// programs open browsers through the desktop.
fn is_container() -> bool {
    let marked = ["/.dockerenv", "/run/.containerenv"]
        .iter()
        .any(|marker| std::path::Path::new(marker).exists());
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let named =
        std::env::var_os("container").is_some_and(|kind| !kind.is_empty() && kind != "flatpak");
    marked || named || is_set("REMOTE_CONTAINERS") || is_set("KUBERNETES_SERVICE_HOST")
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
            Self::NoScreen => "no DISPLAY",
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
#[path = "flow_tests.rs"]
mod tests;
