//! A helper that signs somebody in: only where the profile allows it, and somebody is there.

use hallpass_client::flow::{self, Offers, Sign, Way};

use super::asked::Asked;
use crate::commands::{Context, login};
use crate::failure::Failure;
use crate::profile::Profile;

/// Signs in, or says which command does.
pub(super) fn run(asked: Asked<'_>, profile: &Profile, context: &Context) -> Result<(), Failure> {
    if profile.settings.helpers_may_prompt != Some(true) || !is_somebody_there(context) {
        return Err(asked.sign_in_required(profile));
    }
    login::for_helper(profile, context)
}

/// The other program's words come by standard input; whoever sees standard error can sign in.
fn is_somebody_there(context: &Context) -> bool {
    let mut surroundings = context.surroundings();
    surroundings.signs.remove(&Sign::StdinNotTerminal);
    flow::decide(&surroundings, Offers::BOTH).way != Way::NotInteractive
}
