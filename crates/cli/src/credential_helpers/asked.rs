//! Who asks, for which host, and what they are told when there is no token.

use crate::config::{Helper, HelperPlace};
use crate::failure::Failure;
use crate::profile::Profile;

/// Who asks, and for which host.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    /// By which protocol.
    pub(super) helper: Helper,
    /// The host.
    pub(super) place: &'a HelperPlace,
}

impl<'a> Asked<'a> {
    /// A question of this program about this host.
    pub(super) fn new(helper: Helper, place: &'a HelperPlace) -> Self {
        Self { helper, place }
    }

    /// Why there is no token, in the one line that the other program's user sees.
    pub(super) fn sign_in_required(self, profile: &Profile) -> Failure {
        let (host, command) = (self.place.authority(), profile.login_command());
        Failure::login_required(format!(
            "sign-in required for {host}; run `{command}` (helpers do not open a browser)"
        ))
    }

    /// A token that would be more than a word in the other program's protocol.
    pub(super) fn unfit(self) -> Failure {
        let (helper, host) = (self.helper.as_str(), self.place.authority());
        Failure::other(format!("the token for {host} cannot be told to {helper}"))
            .hint_to("a token is one word of letters, digits and signs; ask who runs the server")
    }

    /// Row C-39: why a bound token is kept back.
    pub(super) fn bound(self, profile: &Profile) -> Failure {
        let (helper, host) = (self.helper.as_str(), self.place.authority());
        let text = format!(
            "the token for {host} is bound to a key of this machine (DPoP), which {helper} cannot use"
        );
        let command = profile.login_command();
        Failure::config(text).hint_to(format!(
            "`{command} --no-dpop --force` brings one that is not bound"
        ))
    }

    /// Why nobody is chosen.
    pub(super) fn served_by(self, names: &[&String]) -> Failure {
        let names: Vec<_> = names.iter().map(|name| name.as_str()).collect();
        let text = format!(
            "several profiles serve {}: {}",
            self.place,
            names.join(", ")
        );
        Failure::config(text)
            .hint_to("say which one: HALLPASS_PROFILE, or --profile in the helper's command")
    }
}
