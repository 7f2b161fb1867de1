//! Says for people how the flow is chosen: what `--explain` prints.

use std::fmt;

use super::{Decision, Environment, Offers, Rule, Sign, Way, decide, decide_browser, rules};

/// Says how a sign-in goes and why: the flow, then the rules in their order with what each found; the one that
/// decided is marked. A way that somebody `asked` for by name needs no rules.
///
/// ```
/// use hallpass_client::flow::{Environment, Offers, Way, explain};
///
/// let lines = explain(&Environment::detect(), Offers::BOTH, Some(Way::Device));
/// assert_eq!(lines, ["Flow: device code (asked for)"]);
/// ```
pub fn explain(environment: &Environment, offers: Offers, asked: Option<Way>) -> Vec<String> {
    let decision = match asked {
        None => decide(environment, offers),
        Some(Way::Browser) => decide_browser(environment),
        Some(way) => Decision {
            way,
            why: Vec::new(),
            opens: false,
        },
    };
    let why = match (asked, decision.why.is_empty()) {
        (None, true) => "nothing speaks against it".to_owned(),
        (None, false) => names(&decision.why),
        (Some(_), true) => "asked for".to_owned(),
        (Some(_), false) => format!("asked for; {}", names(&decision.why)),
    };
    let mut lines = vec![format!("Flow: {} ({why})", words(decision.way, offers))];
    if asked.is_none() {
        lines.extend(rules(environment).iter().map(|rule| format!("  {rule}")));
    }
    lines
}

fn words(way: Way, offers: Offers) -> &'static str {
    match way {
        Way::Browser => "browser on this machine; after 20 s another way too",
        Way::BrowserElsewhere => "browser, whose address is only shown",
        Way::Remote if offers.device => {
            "remote screen: device code, forwarded port, pasted address"
        }
        Way::Remote => "remote screen: forwarded port, pasted address (no device grant)",
        Way::Device => "device code",
        Way::Paste => "pasted address",
        Way::NotInteractive => "none, nobody is here",
        Way::NotOffered => "none, the server offers none",
    }
}

impl fmt::Display for Rule {
    /// As a line of the table: marked with an arrow if it decides.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.decides { "->" } else { "  " };
        let found = if self.found.is_empty() {
            String::new()
        } else {
            format!(" [{}]", names(&self.found))
        };
        write!(f, "{mark} {}{found}: {}", self.when, self.then)
    }
}

fn names(why: &[Sign]) -> String {
    let names: Vec<_> = why.iter().map(|sign| sign.as_str()).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::Platform;

    #[test]
    fn c_08_the_table_says_which_rule_decided() {
        let surroundings = Environment {
            signs: [Sign::SshConnection, Sign::Display].into(),
            platform: Platform::Unix,
        };
        let offers = Offers {
            browser: true,
            device: false,
        };
        let expected = [
            "Flow: remote screen: forwarded port, pasted address (no device grant) (SSH_CONNECTION)",
            "     nobody is here to answer: exit 4 at once",
            "  -> remote, container or no screen [SSH_CONNECTION]: remote screen",
            "     Windows Subsystem for Linux: browser on Windows",
            "     otherwise [DISPLAY]: browser here",
        ];
        assert_eq!(explain(&surroundings, offers, None), expected);
        for (way, expected) in [
            (Way::Device, "Flow: device code (asked for)"),
            (
                Way::Browser,
                "Flow: browser, whose address is only shown (asked for; SSH_CONNECTION)",
            ),
        ] {
            assert_eq!(explain(&surroundings, offers, Some(way)), [expected]);
        }
    }
}
