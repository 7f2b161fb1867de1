//! Which ways a sign-in uses, and when each is shown: a pure function and its table.
//!
//! Row C-70: the paste line comes only when the person asks for it, or when there is no device code to
//! use instead; pasting addresses is a gesture that attackers ask for.

use std::time::Duration;

use super::options::{SignIn, Wish};
use crate::flow::{Decision, Offers, Way};

/// When something is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    AtOnce,
    /// After [`QUIET`] without an answer.
    AfterQuiet,
    /// When the person presses Enter.
    OnEnter,
    Never,
}

/// The ways of one sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// The code flow, awaited on loopback.
    pub(super) listens: bool,
    /// A browser is started for it.
    pub(super) opens: bool,
    pub(super) device: When,
    pub(super) paste: When,
}

/// After this long without a callback the screen grows another way.
pub(super) const QUIET: Duration = Duration::from_secs(20);
/// How long a browser is awaited unless the caller says otherwise (row C-13).
pub(super) const BROWSER_LIMIT: Duration = Duration::from_mins(5);

/// Decides. `reads` is whether a person can enter a line.
pub(super) fn plan(decision: &Decision, offers: Offers, how: &SignIn, reads: bool) -> Plan {
    let device_grant = how.wish == Wish::Auto && offers.device;
    let opens = decision.opens && how.open_browser;
    let code = |device, paste| Plan {
        listens: true,
        opens,
        device,
        paste: if reads { paste } else { When::Never },
    };
    match decision.way {
        Way::Device => Plan {
            listens: false,
            opens: false,
            device: When::AtOnce,
            paste: When::Never,
        },
        // Row C-20: who asked for no browser gets the address, and can paste the answer.
        Way::Browser | Way::BrowserElsewhere if !how.open_browser => {
            let device = if device_grant {
                When::AfterQuiet
            } else {
                When::Never
            };
            code(device, When::AtOnce)
        }
        Way::Remote if device_grant => code(When::AtOnce, When::OnEnter),
        Way::Browser if device_grant => code(When::AfterQuiet, When::OnEnter),
        // Asked for by name: no other way grows by itself.
        Way::Browser if how.wish == Wish::Browser && offers.device => {
            code(When::Never, When::OnEnter)
        }
        Way::Browser => code(When::Never, When::AfterQuiet),
        Way::BrowserElsewhere if offers.device => code(When::Never, When::OnEnter),
        Way::Remote | Way::BrowserElsewhere | Way::Paste => code(When::Never, When::AtOnce),
        Way::NotInteractive | Way::NotOffered => Plan {
            listens: false,
            opens: false,
            device: When::Never,
            paste: When::Never,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::When::{AfterQuiet, AtOnce, Never, OnEnter};
    use super::*;

    #[test]
    fn c_70_the_paste_line_comes_on_enter_or_where_there_is_no_device_grant() {
        let (auto, browser, paste) = (SignIn::auto(), SignIn::browser(), SignIn::paste());
        let bare = SignIn::auto().no_browser();
        let table = [
            (Way::Remote, &auto, true, (true, AtOnce, OnEnter)),
            (Way::Remote, &auto, false, (true, Never, AtOnce)),
            (Way::Remote, &bare, true, (true, AtOnce, OnEnter)),
            (Way::Browser, &auto, true, (true, AfterQuiet, OnEnter)),
            (Way::Browser, &auto, false, (true, Never, AfterQuiet)),
            (Way::Browser, &browser, true, (true, Never, OnEnter)),
            (Way::Browser, &browser, false, (true, Never, AfterQuiet)),
            (Way::Browser, &bare, true, (true, AfterQuiet, AtOnce)),
            (Way::Browser, &bare, false, (true, Never, AtOnce)),
            (
                Way::BrowserElsewhere,
                &browser,
                true,
                (true, Never, OnEnter),
            ),
            (
                Way::BrowserElsewhere,
                &browser,
                false,
                (true, Never, AtOnce),
            ),
            (Way::Paste, &paste, true, (true, Never, AtOnce)),
            (Way::Device, &auto, true, (false, AtOnce, Never)),
        ];
        for (way, how, device, (listens, at, paste)) in table {
            let decision = Decision {
                way,
                why: Vec::new(),
                opens: way == Way::Browser,
            };
            let offers = Offers {
                browser: true,
                device,
            };
            let made = plan(&decision, offers, how, true);
            assert_eq!(
                (made.listens, made.device, made.paste),
                (listens, at, paste),
                "{way:?} {device}"
            );
            assert_eq!(made.opens, way == Way::Browser && how.open_browser);
            assert_eq!(plan(&decision, offers, how, false).paste, Never, "{way:?}");
        }
    }
}
