//! `hallpass login --explain`: which rule chose the flow.

use hallpass_client::Metadata;
use hallpass_client::flow::{self, Decision, Environment, Offers, Rule, Way};

use super::login::{Wish, names};
use crate::args::Flow;
use crate::commands::Context;

/// Says it before the sign-in begins.
pub(super) fn explain(metadata: &Metadata, wish: Wish, context: &Context) {
    let surroundings = wish.surroundings(context);
    let offers = Offers::of(metadata);
    for line in lines(&surroundings, offers, wish.flow) {
        context.output.note(&line);
    }
}

/// The flow, then the rules in their order; the one that decided is marked.
fn lines(surroundings: &Environment, offers: Offers, flow: Flow) -> Vec<String> {
    let asked_for = |way| Decision {
        way,
        why: Vec::new(),
        opens: false,
    };
    let decision = match flow {
        Flow::Auto | Flow::ClientCredentials => flow::decide(surroundings, offers),
        Flow::Browser => flow::decide_browser(surroundings),
        Flow::Device => asked_for(Way::Device),
        Flow::Paste => asked_for(Way::Paste),
    };
    let way = match decision.way {
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
    };
    let why = match (flow, decision.why.is_empty()) {
        (Flow::Auto, true) => "nothing speaks against it".to_owned(),
        (Flow::Auto, false) => names(&decision.why),
        (_, true) => "asked for".to_owned(),
        (_, false) => format!("asked for; {}", names(&decision.why)),
    };
    let mut lines = vec![format!("Flow: {way} ({why})")];
    if flow == Flow::Auto {
        lines.extend(flow::rules(surroundings).iter().map(rule));
    }
    lines
}

fn rule(rule: &Rule) -> String {
    let mark = if rule.decides { "->" } else { "  " };
    let found = if rule.found.is_empty() {
        String::new()
    } else {
        format!(" [{}]", names(&rule.found))
    };
    format!("  {mark} {}{found}: {}", rule.when, rule.then)
}

#[cfg(test)]
mod tests {
    use hallpass_client::flow::{Platform, Sign};

    use super::*;

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
        assert_eq!(lines(&surroundings, offers, Flow::Auto), expected);
        assert_eq!(
            lines(&surroundings, offers, Flow::Device),
            ["Flow: device code (asked for)"]
        );
    }
}
