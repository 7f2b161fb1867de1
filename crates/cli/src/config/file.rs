//! The two files that hold profiles: `config.toml`, which people write and only they, and
//! `profiles.toml`, in which sign-ins and `hallpass profile` are remembered.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::mistake::Mistake;
use super::pattern::{DirPattern, UrlPattern};
use super::settings::{CommandLine, Settings, Wish};
use crate::args::Flow;
use crate::failure::Failure;
use crate::files::{self, Places};

/// What either file says.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ProfileFile {
    /// The format; there is only one so far.
    version: Option<u32>,
    /// The profile of a command that names none.
    pub(crate) default_profile: Option<String>,
    /// What holds for every profile that says nothing else.
    #[serde(skip_serializing)]
    defaults: Defaults,
    /// The profiles by name.
    pub(crate) profile: BTreeMap<String, Settings>,
    /// Which profile is meant where; the first hit wins.
    #[serde(rename = "match", skip_serializing)]
    pub(crate) rules: Vec<MatchRule>,
}

/// What can hold for every profile.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Defaults {
    store: Option<String>,
    min_validity: Option<String>,
    flow: Option<Flow>,
    browser: Option<CommandLine>,
    callback_ports: Option<Vec<u16>>,
    dpop: Option<Wish>,
    par: Option<Wish>,
    helpers_may_prompt: Option<bool>,
    ca_bundle: Option<PathBuf>,
}

/// One `[[match]]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MatchRule {
    /// In this folder.
    pub(crate) dir: Option<DirPattern>,
    /// For this address.
    pub(crate) url: Option<UrlPattern>,
    /// This profile.
    pub(crate) profile: String,
}

impl ProfileFile {
    /// Reads what the person wrote. A slip of the pen is named by its place and stays there.
    pub(crate) fn read_config(path: &Path) -> Result<Self, Failure> {
        let Some(bytes) = files::read(path)? else {
            return Ok(Self::default());
        };
        let Ok(text) = String::from_utf8(bytes) else {
            return Err(damaged(path)?.hint_to("write it again, or go on without it"));
        };
        if text.contains('\0') {
            return Err(damaged(path)?.hint_to("write it again, or go on without it"));
        }
        let mut file =
            Self::parse(&text, path)?.map_err(|error| Mistake::of(&error, &text).in_file(path))?;
        let beside = path.parent().unwrap_or(Path::new("."));
        for settings in file.profile.values_mut() {
            settings.resolve(beside);
        }
        Ok(file)
    }

    /// Reads what the program wrote. A damaged file is moved aside and named.
    pub(crate) fn read_remembered(places: &Places) -> Result<Self, Failure> {
        let path = places.profiles();
        let Some(bytes) = files::read(&path)? else {
            return Ok(Self::default());
        };
        let parsed = match String::from_utf8(bytes) {
            Ok(text) => match Self::parse(&text, &path)? {
                Ok(file) => Some(file),
                Err(error) if Mistake::is_unknown_name(&error) => {
                    return Err(Mistake::of(&error, &text)
                        .in_file(&path)
                        .hint_to("another version of hallpass wrote it: use that one"));
                }
                Err(_) => None,
            },
            Err(_) => None,
        };
        match parsed {
            Some(file) => Ok(file),
            None => {
                Err(damaged(&path)?
                    .hint_to("run `hallpass login` with --issuer and --client-id again"))
            }
        }
    }

    /// Remembers a profile. The first one becomes the default.
    pub(crate) fn remember(
        places: &Places,
        name: &str,
        settings: &Settings,
    ) -> Result<(), Failure> {
        Self::change(places, |file| {
            file.default_profile.get_or_insert_with(|| name.to_owned());
            file.profile.insert(name.to_owned(), settings.clone());
        })
    }

    /// Changes what the program remembers, while nobody else does.
    pub(crate) fn change(places: &Places, change: impl FnOnce(&mut Self)) -> Result<(), Failure> {
        let path = places.profiles();
        let _writing = files::lock(&path)?;
        let before = Self::read_remembered(places)?;
        let mut file = before.clone();
        change(&mut file);
        if file == before {
            return Ok(());
        }
        file.version = Some(VERSION);
        let text = toml::to_string(&file)
            .map_err(|error| Failure::store("cannot write the profile").caused_by(&error))?;
        files::replace(&path, &format!("{HEADER}{text}"))
    }

    /// What holds for every profile that says nothing else.
    pub(crate) fn defaults(&self, path: &Path) -> Settings {
        let defaults = self.defaults.clone();
        let mut settings = Settings {
            store: defaults.store,
            min_validity: defaults.min_validity,
            // What fits the surroundings is what happens anyhow.
            flow: defaults.flow.filter(|flow| *flow != Flow::Auto),
            browser: defaults.browser,
            callback_ports: defaults.callback_ports,
            dpop: defaults.dpop,
            par: defaults.par,
            helpers_may_prompt: defaults.helpers_may_prompt,
            ca_bundle: defaults.ca_bundle,
            ..Settings::default()
        };
        settings.resolve(path.parent().unwrap_or(Path::new(".")));
        settings
    }

    /// Reads a text that came from somewhere else, as `profile import` gets it.
    pub(crate) fn read_foreign(text: &str, path: &Path) -> Result<Self, Failure> {
        Self::parse(text, path)?.map_err(|error| Mistake::of(&error, text).in_file(path))
    }

    fn parse(text: &str, path: &Path) -> Result<Result<Self, toml::de::Error>, Failure> {
        let parsed = toml::from_str::<Self>(text);
        let version = match &parsed {
            Ok(file) => file.version,
            // A newer version has names that this one does not know.
            Err(_) => toml::from_str::<Versioned>(text)
                .ok()
                .and_then(|file| file.version),
        };
        match version {
            Some(version) if version > VERSION => Err(Failure::config(format!(
                "{} was written for a newer version of hallpass (format {version})",
                path.display()
            ))
            .hint_to("upgrade hallpass")),
            _ => Ok(parsed),
        }
    }
}

impl MatchRule {
    /// The rule for people.
    pub(crate) fn describe(&self) -> String {
        let dir = self.dir.as_ref().map(|dir| format!(" dir {dir}"));
        let url = self.url.as_ref().map(|url| format!(" url {url}"));
        format!(
            "match{}{}",
            dir.unwrap_or_default(),
            url.unwrap_or_default()
        )
    }
}

#[derive(Deserialize)]
struct Versioned {
    version: Option<u32>,
}

fn damaged(path: &Path) -> Result<Failure, Failure> {
    let moved = files::move_aside(path)?;
    Ok(Failure::store(format!(
        "{} was damaged and has been moved to {}",
        path.display(),
        moved.display()
    )))
}

/// The format that this program writes.
const VERSION: u32 = 1;
const HEADER: &str = "# Written by `hallpass login` and `hallpass profile`; config.toml is the place for settings of \
                      your own.\n";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::AuthMethod;

    #[test]
    fn the_contract_s_config_is_read() {
        let text = r#"
            version = 1
            default_profile = "work"
            [defaults]
            store = "auto"
            min_validity = "0s"
            flow = "auto"
            [profile.work]
            issuer = "https://login.example.com"
            client_id = "acme-cli"
            scopes = ["openid", "profile", "offline_access", "api:read"]
            resource = ["https://api.example.com"]
            flow = "auto"
            callback_ports = [0]
            callback_path = "/callback"
            dpop = "auto"
            par = "auto"
            pkce = "required"
            browser = "default"
            helpers_may_prompt = false
            ca_bundle = "~/certs/corp.pem"
            [profile.ci]
            issuer = "https://login.example.com"
            client_id = "acme-ci"
            [profile.ci.workload]
            source = "github"
            audience = "https://login.example.com"
            grant = "token-exchange"
            [profile.robot]
            issuer = "https://login.example.com"
            client_id = "robot"
            auth_method = "private_key_jwt"
            private_key = { file = "~/.config/hallpass/robot.pem" }
            [[match]]
            dir = "~/src/acme/**"
            profile = "work"
            [[match]]
            url = "https://*.example.com/**"
            profile = "work"
        "#;
        let file = ProfileFile::read_foreign(text, Path::new("config.toml")).unwrap();
        assert_eq!(file.default_profile.as_deref(), Some("work"));
        let settings = |name: &str| file.profile.get(name).unwrap();
        assert_eq!(settings("work").flow, Some(Flow::Auto));
        assert_eq!(
            settings("robot").auth_method,
            Some(AuthMethod::PrivateKeyJwt)
        );
        assert!(settings("ci").workload.is_some());
        assert_eq!(file.rules.len(), 2);
        assert_eq!(
            file.defaults(Path::new("/x/config.toml")).store.as_deref(),
            Some("auto")
        );
    }

    fn refused(text: &str) -> String {
        let read = ProfileFile::read_foreign(text, Path::new("config.toml"));
        read.unwrap_err().to_text("hallpass:")
    }

    #[test]
    fn an_unknown_key_is_named_with_its_place_and_the_nearest_name() {
        assert_eq!(
            refused("version = 1\n\n[profile.work]\n  isuer = \"x\"\n"),
            "hallpass: config.toml cannot be understood (line 4, column 3): unknown key `isuer`\n  \
             hint: did you mean `issuer`?\n"
        );
        for (text, place, meant) in [
            (
                "default_profle = \"a\"",
                "line 1, column 1",
                "default_profile",
            ),
            ("[defaults]\nstor = \"auto\"", "line 2, column 1", "store"),
            (
                "[[match]]\ndri = \"/a\"\nprofile = \"a\"",
                "line 2, column 1",
                "dir",
            ),
            (
                "[profile.a]\nflow = \"devise\"",
                "line 2, column 8",
                "device",
            ),
            (
                "[profile.a]\nclient_secret = { flie = \"x\" }",
                "line 2",
                "file",
            ),
            (
                "[profile.a.workload]\nsource = \"githb\"",
                "line 2",
                "github",
            ),
            ("[profiles.a]\n", "line 1, column 2", "profile"),
        ] {
            let said = refused(text);
            assert!(said.contains(place), "{text}: {said}");
            assert!(
                said.contains(&format!("did you mean `{meant}`?")),
                "{text}: {said}"
            );
        }
    }

    #[test]
    fn what_is_nowhere_near_a_name_is_only_placed() {
        let said = refused("[profile.a]\ncolour = \"red\"\n");
        assert!(said.contains("unknown key `colour`"), "{said}");
        assert!(said.contains("hint: correct line 2"), "{said}");
    }

    #[test]
    fn a_secret_in_the_file_itself_is_refused_and_not_repeated() {
        let said = refused("[profile.a]\nclient_secret = \"canary\"\n");
        assert!(!said.contains("canary"), "{said}");
        assert!(said.contains("line 2"), "{said}");
    }
}
