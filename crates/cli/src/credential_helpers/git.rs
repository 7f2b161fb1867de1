//! `hallpass credential git`: gitcredentials(7) <https://git-scm.com/docs/gitcredentials#_custom_helpers>.
//!
//! Rows C-76 and A-111. For a host that is not ours nothing is said, and git asks the next one.

use super::asked::Asked;
use super::git_message::Question;
use super::{git_message, input, lookup};
use crate::commands::Context;
use crate::config::Helper;
use crate::exit_code;
use crate::failure::Failure;
use crate::output::Output;

/// Answers.
pub(crate) fn run(operation: &str, context: &Context) -> Result<(), Failure> {
    // Read in any case: git writes it.
    let Some(bytes) = input::read()? else {
        return Ok(());
    };
    let Some(question) = Question::parse(bytes.expose()) else {
        return Ok(());
    };
    let Some(place) = question.place() else {
        return Ok(());
    };
    let asked = Asked::new(Helper::Git, &place);
    match operation {
        "get" => get(&question, asked, context),
        "erase" => lookup::forget(asked, question.refused(), context),
        // `store`: the session is stored already. Others: "silently ignore the request".
        _ => Ok(()),
    }
}

fn get(question: &Question, asked: Asked<'_>, context: &Context) -> Result<(), Failure> {
    let found = match lookup::access_token(asked, context) {
        Ok(found) => found,
        Err(failure) => {
            if failure.exit() == exit_code::LOGIN_REQUIRED {
                // Nobody has a password for this host: git is not to ask for one.
                Output::answer("quit=1")?;
            }
            return Err(failure);
        }
    };
    let Some(found) = found else {
        return Ok(());
    };
    match git_message::answer(question.form(), &found.token, found.expires_at) {
        Some(answer) => Output::answer(answer.expose()),
        None => Err(asked.unfit()),
    }
}
