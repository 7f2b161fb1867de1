//! `hallpass login --explain`: which rule chose the flow.
//!
//! The first three rules ask whether a person is needed at all; the library has the others
//! ([`hallpass_client::flow`]).

use hallpass_client::flow::{self, Environment, Offers, Rule};

use super::login_wish::{Wish, WithoutPerson};
use crate::args::Flow;
use crate::commands::Context;
use crate::static_token;

/// Says how the sign-in goes, and why, before it begins.
pub(super) fn explain(offers: Offers, wish: Wish, context: &Context) {
    for line in lines(&wish.surroundings(context), offers, wish) {
        context.output.note(&line);
    }
}

/// The flow, then the rules in their order; the one that decided is marked.
fn lines(surroundings: &Environment, offers: Offers, wish: Wish) -> Vec<String> {
    let without = wish.without;
    let flow = match (wish.flow, wish.is_chosen) {
        _ if without.has_token => format!("Flow: none ({} is set)", static_token::TOKEN),
        (Flow::ClientCredentials, true) => {
            format!("Flow: client credentials ({})", without.why().join(", "))
        }
        (Flow::ClientCredentials, false) => {
            return vec!["Flow: client credentials (asked for)".to_owned()];
        }
        _ => {
            let mut lines = flow::explain(surroundings, offers, wish.way());
            if lines.len() > 1 {
                lines.splice(1..1, earlier(without));
            }
            return lines;
        }
    };
    let later = flow::rules(surroundings).into_iter().map(|rule| {
        let rule = Rule {
            decides: false,
            ..rule
        };
        format!("  {rule}")
    });
    let mut lines = vec![flow];
    lines.extend(earlier(without));
    lines.extend(later);
    lines
}

/// The rules that need no person.
fn earlier(without: WithoutPerson) -> [String; 3] {
    let token = without.has_token.then_some(static_token::TOKEN);
    let credential: Vec<_> = without.why().into_iter().chain(without.person).collect();
    // Of a person's sign-in it tells nothing that the program has no credential.
    let credential = if without.credential.is_some() {
        credential
    } else {
        Vec::new()
    };
    let is_program = !without.has_token && without.is_program();
    [
        row(
            "a token is given",
            token.as_slice(),
            "no sign-in, it is used",
            token.is_some(),
        ),
        row(
            "this machine has an identity of its own",
            &[],
            "workload (not in this version)",
            false,
        ),
        row(
            "the program has credentials, and no person is meant",
            &credential,
            "client credentials",
            is_program,
        ),
    ]
}

fn row(when: &str, found: &[&str], then: &str, decides: bool) -> String {
    let mark = if decides { "->" } else { "  " };
    let found = match found {
        [] => String::new(),
        found => format!(" [{}]", found.join(", ")),
    };
    format!("  {mark} {when}{found}: {then}")
}

#[cfg(test)]
mod tests {
    use hallpass_client::flow::{Platform, Sign};

    use super::*;

    const SECRET: WithoutPerson = WithoutPerson {
        has_token: false,
        credential: Some("client secret"),
        person: None,
    };

    /// The words of the line that is marked, and all lines.
    fn decided(flow: Flow, is_chosen: bool, without: WithoutPerson) -> (String, Vec<String>) {
        let surroundings = Environment {
            signs: [Sign::SshConnection].into(),
            platform: Platform::Unix,
        };
        let wish = Wish {
            flow,
            is_explicit: false,
            is_chosen,
            without,
        };
        let lines = lines(&surroundings, Offers::BOTH, wish);
        let marked: Vec<_> = lines
            .iter()
            .filter_map(|it| it.strip_prefix("  -> "))
            .collect();
        assert!(marked.len() <= 1, "{lines:#?}");
        let marked = marked.first().map(|line| (*line).to_owned());
        (marked.unwrap_or_default(), lines)
    }

    #[test]
    fn the_first_rule_that_holds_decides_and_every_rule_is_shown() {
        let nothing = WithoutPerson::default();
        let token = WithoutPerson {
            has_token: true,
            ..SECRET
        };
        let of_person = WithoutPerson {
            person: Some("a sign-in is remembered"),
            ..SECRET
        };
        for (flow, without, first, marked) in [
            (
                Flow::Auto,
                token,
                "Flow: none (HALLPASS_TOKEN is set)",
                "a token is given [HALLPASS_TOKEN]: no sign-in, it is used",
            ),
            (
                Flow::ClientCredentials,
                SECRET,
                "Flow: client credentials (client secret)",
                "the program has credentials, and no person is meant [client secret]: client credentials",
            ),
            (
                Flow::Auto,
                of_person,
                "Flow: remote screen: device code, forwarded port, pasted address (SSH_CONNECTION)",
                "remote, container or no screen [SSH_CONNECTION]: remote screen",
            ),
            (
                Flow::Auto,
                nothing,
                "Flow: remote screen: device code, forwarded port, pasted address (SSH_CONNECTION)",
                "remote, container or no screen [SSH_CONNECTION]: remote screen",
            ),
        ] {
            let (found, lines) = decided(flow, true, without);
            assert_eq!((lines[0].as_str(), found.as_str()), (first, marked));
            assert_eq!(lines.len(), 8, "{lines:#?}");
        }
        let (_, lines) = decided(Flow::Auto, true, of_person);
        assert_eq!(
            lines[1..4],
            [
                "     a token is given: no sign-in, it is used",
                "     this machine has an identity of its own: workload (not in this version)",
                "     the program has credentials, and no person is meant [client secret, a sign-in is remembered]: client credentials",
            ]
        );
    }

    #[test]
    fn what_was_asked_for_by_name_needs_no_rules() {
        for (flow, expected) in [
            (
                Flow::ClientCredentials,
                "Flow: client credentials (asked for)",
            ),
            (Flow::Device, "Flow: device code (asked for)"),
        ] {
            let (_, lines) = decided(flow, false, SECRET);
            assert_eq!(lines, [expected]);
        }
    }
}
