//! Which profile a command is about: a flag goes before a variable, a variable before the file of the
//! folder, that before `[[match]]`, and that before the default.

use std::path::Path;

use hallpass_client::clean;

use super::directory_file::DirectoryFile;
use super::file::{MatchRule, ProfileFile};
use super::pattern::Target;
use crate::failure::Failure;

/// What a command asks.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Question<'a> {
    /// The profile that the command line names.
    pub(crate) named: Option<&'a str>,
    /// The one that `HALLPASS_PROFILE` names.
    pub(crate) variable: Option<&'a str>,
    /// The address that the token is for.
    pub(crate) target: Option<&'a Target>,
}

/// The profile, and what chose it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chosen {
    /// Its name.
    pub(crate) name: String,
    /// What chose it, for people.
    pub(crate) by: String,
}

/// Chooses. What a folder's file wants and may not have is told in a line.
pub(crate) fn choose(
    question: Question<'_>,
    folder: Option<&DirectoryFile>,
    (config, remembered): (&ProfileFile, &ProfileFile),
    notes: &mut Vec<String>,
) -> Result<Chosen, Failure> {
    let chosen = |name: &str, by: &str| Chosen {
        name: name.to_owned(),
        by: by.to_owned(),
    };
    let files = [config, remembered];
    let found = None
        .or_else(|| question.named.map(|name| chosen(name, "command line")))
        .or_else(|| {
            question
                .variable
                .map(|name| chosen(name, "HALLPASS_PROFILE"))
        })
        .or_else(|| by_folder(folder?, files, notes))
        .or_else(|| by_rule(&config.rules, question.target))
        .or_else(|| by_resource(question.target?, files))
        .or_else(|| {
            config
                .default_profile
                .as_deref()
                .map(|name| chosen(name, "config.toml"))
        })
        .or_else(|| {
            let name = remembered.default_profile.as_deref();
            name.map(|name| chosen(name, "first sign-in"))
        })
        .unwrap_or_else(|| chosen(DEFAULT_NAME, "default"));
    judge_name(&found.name)?;
    Ok(found)
}

/// A name is also a word on command lines and a key in files.
pub(crate) fn judge_name(name: &str) -> Result<(), Failure> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(is_name) {
        let text = format!("`{}` is no name for a profile", clean::text(name));
        return Err(Failure::usage(text).hint_to("use letters, digits, `-`, `_` and `.`"));
    }
    Ok(())
}

/// Row C-79: only a profile that is there, and that lets itself be chosen.
fn by_folder(
    folder: &DirectoryFile,
    files: [&ProfileFile; 2],
    notes: &mut Vec<String>,
) -> Option<Chosen> {
    let name = folder.content.profile.as_deref()?;
    let settings: Vec<_> = files
        .iter()
        .filter_map(|file| file.profile.get(name))
        .collect();
    let is_explicit = settings
        .iter()
        .any(|settings| settings.explicit == Some(true));
    let brings_its_own = folder.is_trusted && folder.content.issuer.is_some();
    let shown = clean::text(name);
    let reason = if judge_name(name).is_err() {
        format!("`{shown}` is no name for a profile")
    } else if is_explicit {
        format!("profile `{shown}` is chosen by hand only")
    } else if settings.is_empty() && !brings_its_own {
        format!("there is no profile `{shown}`")
    } else {
        return Some(Chosen {
            name: name.to_owned(),
            by: format!("directory file {}", folder.shown()),
        });
    };
    notes.push(format!("ignored {}: {reason}", folder.shown()));
    None
}

fn by_rule(rules: &[MatchRule], target: Option<&Target>) -> Option<Chosen> {
    if rules.is_empty() {
        return None;
    }
    let folder = std::env::current_dir().ok();
    let is_here = |rule: &&MatchRule| applies(rule, folder.as_deref(), target);
    rules.iter().find(is_here).map(|rule| Chosen {
        name: rule.profile.clone(),
        by: rule.describe(),
    })
}

/// Both conditions of a rule that has both; a rule without any chooses nothing.
fn applies(rule: &MatchRule, folder: Option<&Path>, target: Option<&Target>) -> bool {
    let is_folder =
        |wanted| folder.is_some_and(|folder| super::DirPattern::matches(wanted, folder));
    let is_target =
        |wanted| target.is_some_and(|target| super::UrlPattern::matches(wanted, target));
    match (&rule.dir, &rule.url) {
        (None, None) => false,
        (dir, url) => dir.as_ref().is_none_or(is_folder) && url.as_ref().is_none_or(is_target),
    }
}

/// The only profile whose tokens are for that place.
fn by_resource(target: &Target, files: [&ProfileFile; 2]) -> Option<Chosen> {
    let profiles = files.iter().flat_map(|file| &file.profile);
    let mut names: Vec<&String> = profiles
        .filter(|(_, settings)| settings.explicit != Some(true))
        .filter(|(_, settings)| {
            settings
                .resource
                .iter()
                .flatten()
                .any(|it| target.is_at(it))
        })
        .map(|(name, _)| name)
        .collect();
    names.sort();
    names.dedup();
    match names.as_slice() {
        [only] => Some(Chosen {
            name: (*only).clone(),
            by: format!("resource {}", target.origin_text()),
        }),
        _ => None,
    }
}

/// The place of a profile's session: one account each. The profile of who names none has the place
/// that a client without profiles has.
pub(crate) fn slot(name: &str) -> &str {
    if name == DEFAULT_NAME { "" } else { name }
}

/// The profile of who names none.
pub(crate) const DEFAULT_NAME: &str = "default";
const LONGEST_NAME: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = r#"
        default_profile = "home"
        [profile.home]
        [profile.work]
        resource = ["https://api.work.test/v1"]
        [profile.prod]
        explicit = true
        resource = ["https://prod.test"]
        [[match]]
        url = "https://*.match.test/**"
        profile = "work"
    "#;

    fn chosen(question: Question<'_>) -> (String, String) {
        let config = ProfileFile::read_foreign(CONFIG, Path::new("c")).unwrap();
        let files = (&config, &ProfileFile::default());
        let chosen = choose(question, None, files, &mut Vec::new()).unwrap();
        (chosen.name, chosen.by)
    }

    fn for_url(url: &str) -> String {
        let target = Target::parse(url).unwrap();
        let question = Question {
            target: Some(&target),
            ..Question::default()
        };
        chosen(question).0
    }

    #[test]
    fn an_address_chooses_by_rule_then_by_resource() {
        assert_eq!(for_url("https://a.match.test/x"), "work");
        assert_eq!(for_url("https://api.work.test/other"), "work");
        assert_eq!(for_url("https://elsewhere.test/"), "home");
        assert_eq!(for_url("https://prod.test/"), "home");
    }

    #[test]
    fn who_names_a_profile_is_heard_first() {
        let named = Question {
            named: Some("a"),
            variable: Some("b"),
            target: None,
        };
        assert_eq!(chosen(named), ("a".to_owned(), "command line".to_owned()));
        let variable = Question {
            named: None,
            ..named
        };
        assert_eq!(chosen(variable).1, "HALLPASS_PROFILE");
        assert_eq!(chosen(Question::default()).1, "config.toml");
    }

    #[test]
    fn a_name_is_one_word() {
        for bad in ["", "a b", "../x", "a/b", "é", &"x".repeat(65)] {
            assert_eq!(judge_name(bad).unwrap_err().exit(), 2, "{bad}");
        }
    }
}
