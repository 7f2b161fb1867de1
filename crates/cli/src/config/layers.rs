//! Who said what about a profile: flag before variable before folder before profile before default.

use std::fmt;
use std::path::PathBuf;

use hallpass_client::clean;
use serde_json::{Map, Value};

use super::settings::Settings;

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A flag of this command.
    Flag(&'static str),
    /// A variable.
    Variable(&'static str),
    /// The file of a folder.
    Directory(PathBuf),
    /// The person's own file.
    Config(PathBuf),
    /// What a sign-in or `hallpass profile` left.
    Remembered(PathBuf),
    /// `[defaults]` of the person's own file.
    Defaults(PathBuf),
    /// The program itself.
    BuiltIn,
}

/// What one of them says.
#[derive(Clone, Debug)]
pub(crate) struct Layer {
    /// Who.
    pub(crate) origin: Origin,
    /// What.
    pub(crate) settings: Settings,
    /// Whether a sign-in remembers it; what holds for one shell or folder only is not.
    pub(crate) is_kept: bool,
}

/// Everything that is said, the first word counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layers(Vec<Layer>);

impl Layers {
    /// Adds what counts after everything that is there.
    pub(crate) fn push(&mut self, origin: Origin, settings: Settings) {
        self.add(origin, settings, true);
    }

    /// The same for what is not remembered.
    pub(crate) fn push_passing(&mut self, origin: Origin, settings: Settings) {
        self.add(origin, settings, false);
    }

    fn add(&mut self, origin: Origin, settings: Settings, is_kept: bool) {
        if settings != Settings::default() {
            self.0.push(Layer {
                origin,
                settings,
                is_kept,
            });
        }
    }

    /// What counts.
    pub(crate) fn merged(&self) -> Settings {
        Self::fold(self.0.iter())
    }

    /// What a sign-in remembers.
    pub(crate) fn kept(&self) -> Settings {
        Self::fold(self.0.iter().filter(|layer| layer.is_kept))
    }

    fn fold<'a>(layers: impl Iterator<Item = &'a Layer>) -> Settings {
        layers.fold(Settings::default(), |above, layer| {
            above.or(layer.settings.clone())
        })
    }

    /// Each value that counts, by its name in the files, and who said it.
    pub(crate) fn origins(&self) -> Vec<(String, Value, &Origin)> {
        let mut said: Vec<(String, Value, &Origin)> = Vec::new();
        for layer in &self.0 {
            for (name, value) in members(&layer.settings) {
                if !said.iter().any(|(known, _, _)| *known == name) {
                    said.push((name, value, &layer.origin));
                }
            }
        }
        said
    }

    /// Who said one of them.
    pub(crate) fn origin_of(&self, name: &str) -> Option<&Origin> {
        self.0
            .iter()
            .find(|layer| members(&layer.settings).contains_key(name))
            .map(|layer| &layer.origin)
    }
}

/// What settings say, by name.
pub(crate) fn members(settings: &Settings) -> Map<String, Value> {
    let value = serde_json::to_value(settings).unwrap_or_default();
    let Value::Object(members) = value else {
        return Map::new();
    };
    members
        .into_iter()
        .filter(|(_, value)| !value.is_null())
        .collect()
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |path: &PathBuf| clean::text(&path.display().to_string());
        match self {
            Self::Flag(name) => write!(f, "command line ({name})"),
            Self::Variable(name) => write!(f, "environment ({name})"),
            Self::Directory(path) | Self::Config(path) | Self::Remembered(path) => {
                f.write_str(&shown(path))
            }
            Self::Defaults(path) => write!(f, "{} [defaults]", shown(path)),
            Self::BuiltIn => f.write_str("built in"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issuer(text: &str) -> Settings {
        Settings {
            issuer: Some(text.to_owned()),
            ..Settings::default()
        }
    }

    #[test]
    fn the_first_word_counts_and_is_known_by_who_said_it() {
        let mut layers = Layers::default();
        layers.push_passing(Origin::Variable("X"), issuer("a"));
        layers.push(
            Origin::Config("c".into()),
            Settings {
                client_id: Some("id".to_owned()),
                ..issuer("b")
            },
        );
        assert_eq!(layers.merged().issuer.as_deref(), Some("a"));
        assert_eq!(layers.kept().issuer.as_deref(), Some("b"));
        assert_eq!(layers.origin_of("issuer"), Some(&Origin::Variable("X")));
        assert_eq!(
            layers.origin_of("client_id"),
            Some(&Origin::Config("c".into()))
        );
        assert_eq!(layers.origin_of("scopes"), None);
        assert_eq!(layers.origins().len(), 2);
    }
}
