//! What `setup json` writes for Bazel: the name by which it finds a helper. Bazel's own settings lie in
//! repositories, so a person adds the line.
//!
//! <https://bazel.build/reference/command-line-reference#flag--credential_helper>

use super::own_program;
use super::step::Step;
use crate::commands::Context;
use crate::config::{Helper, HelperPlace};
use crate::credential_helpers;
use crate::failure::Failure;

/// What has to change.
pub(super) fn steps(
    place: &HelperPlace,
    undo: bool,
    context: &Context,
) -> Result<Vec<Step>, Failure> {
    let step = if !undo {
        own_program::link(PROGRAM, context)?
    } else if credential_helpers::places(Helper::Json, context)? == [place.clone()] {
        own_program::unlink(PROGRAM, context)?
    } else {
        None
    };
    Ok(step.into_iter().collect())
}

/// What a person writes.
pub(super) fn line(place: &HelperPlace) -> String {
    let host = place.authority();
    let host = host.split(':').next().unwrap_or_default();
    format!("add to .bazelrc: common --credential_helper={host}={PROGRAM}")
}

const PROGRAM: &str = "bazel-credential-hallpass";
