//! What `setup git` writes: `credential.https://HOST.helper` of the user's git settings.
//!
//! gitcredentials(7), "CUSTOM HELPERS": an empty value forgets the helpers that hold for every host. They
//! would be told the token after its first use, and keep it.

use super::other_program::OtherProgram;
use super::own_program;
use super::step::{Act, Sign, Step};
use crate::commands::Context;
use crate::config::HelperPlace;
use crate::failure::Failure;

/// What has to change.
pub(super) fn steps(
    place: &HelperPlace,
    undo: bool,
    context: &Context,
) -> Result<Vec<Step>, Failure> {
    let key = format!("credential.{place}.helper");
    let before = values(&key)?;
    let own = format!(
        "!{} credential git",
        quoted(&own_program::path_text(&context.environment)?)
    );
    let others: Vec<&String> = before
        .iter()
        .filter(|it| !it.is_empty() && !is_own(it))
        .collect();
    let wanted = [String::new(), own];
    if undo {
        return Ok(take_back(&key, &before, &others).into_iter().collect());
    }
    if before == wanted {
        return Ok(Vec::new());
    }
    if let Some(other) = others.first() {
        let other = hallpass_client::clean::text(other);
        return Err(
            Failure::config(format!("git asks `{other}` for {place}")).hint_to(format!(
                "`git config --global --unset-all {key}` takes that away, then run this again"
            )),
        );
    }
    let mut commands = Vec::new();
    if !before.is_empty() {
        commands.push(words(&["--unset-all", &key]));
    }
    let adds = wanted.iter().map(|value| words(&["--add", &key, value]));
    commands.extend(adds);
    let mut step = Step::new(PLACE, Act::Run(GIT, commands));
    for value in &before {
        step = step.line(Sign::Goes, format!("{key} = {value}"));
    }
    for value in &wanted {
        step = step.line(Sign::Comes, format!("{key} = {value}"));
    }
    Ok(vec![step])
}

/// Ours goes, and the empty value with it where nobody else wrote anything.
fn take_back(key: &str, before: &[String], others: &[&String]) -> Option<Step> {
    let own: Vec<&String> = before.iter().filter(|it| is_own(it)).collect();
    if own.is_empty() {
        return None;
    }
    let (commands, gone): (Vec<_>, Vec<&String>) = if others.is_empty() {
        (vec![words(&["--unset-all", key])], before.iter().collect())
    } else {
        let each = own.iter();
        let each = each.map(|value| words(&["--fixed-value", "--unset-all", key, value]));
        (each.collect(), own)
    };
    let step = Step::new(PLACE, Act::Run(GIT, commands));
    let gone = gone.into_iter();
    Some(gone.fold(step, |step, value| {
        step.line(Sign::Goes, format!("{key} = {value}"))
    }))
}

/// What stands there, in its order.
fn values(key: &str) -> Result<Vec<String>, Failure> {
    let words = ["config", "--global", "--null", "--get-all", key];
    let output = GIT.output(&words)?;
    // git-config(1): 1 is "the section or key is invalid" and also "not there".
    if output.status.code() == Some(1) && output.stdout.is_empty() {
        return Ok(Vec::new());
    }
    let text = GIT.run(&words)?;
    let values = text.split_terminator('\0').map(str::to_owned);
    Ok(values.collect())
}

fn words(words: &[&str]) -> Vec<String> {
    let words = ["config", "--global"].iter().chain(words);
    words.map(|word| (*word).to_owned()).collect()
}

/// Whether a value starts this program, wherever it lay when it was written.
fn is_own(value: &str) -> bool {
    let is_command = value.starts_with('!') && value.ends_with(" credential git");
    let name = value.rsplit(['/', '\\']).next().unwrap_or_default();
    (is_command && value.contains("hallpass"))
        || matches!(name, "hallpass" | "git-credential-hallpass")
}

/// As the shell that git starts reads it.
fn quoted(path: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@:".contains(c);
    if path.chars().all(is_plain) {
        path.to_owned()
    } else {
        format!("'{}'", path.replace('\\', "/").replace('\'', "'\\''"))
    }
}

const GIT: OtherProgram = OtherProgram("git");
const PLACE: &str = "git config --global";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_word_for_a_shell() {
        assert_eq!(quoted("/usr/bin/hallpass"), "/usr/bin/hallpass");
        assert_eq!(quoted("/a b/hallpass"), "'/a b/hallpass'");
        assert_eq!(quoted("/it's/$x;y"), "'/it'\\''s/$x;y'");
    }

    #[test]
    fn our_values_are_known_wherever_they_point() {
        for own in [
            "!/old/place/hallpass credential git",
            "!'/a b/hallpass' credential git",
            "hallpass",
            "/usr/bin/git-credential-hallpass",
        ] {
            assert!(is_own(own), "{own}");
        }
        for other in [
            "",
            "store",
            "!gh auth git-credential",
            "osxkeychain",
            "!x credential git",
        ] {
            assert!(!is_own(other), "{other}");
        }
    }
}
