//! Where a secret is: a file, a variable or a command; never the secret itself.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use hallpass_client::{PrivateKey, Secret, clean};
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::private_file::require_private;
use crate::environment::Environment;
use crate::failure::Failure;

/// One of three places.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SecretPlace {
    /// A file that holds it.
    File(PathBuf),
    /// The variable that holds it.
    Env(String),
    /// A command that prints it, program first; no shell sees it (row C-80).
    Cmd(Vec<String>),
}

impl SecretPlace {
    /// Reads the secret: one line.
    pub(crate) fn read(
        &self,
        what: &str,
        environment: &Environment,
    ) -> Result<Secret<String>, Failure> {
        let text = self.text(what, environment, Readers::Any)?;
        checked(what, &self.to_string(), &text)
    }

    /// Reads a private key: all lines, and a file only when nobody else can read it.
    pub(crate) fn read_key(&self, environment: &Environment) -> Result<PrivateKey, Failure> {
        let what = "private key";
        let text = self.text(what, environment, Readers::Owner)?;
        PrivateKey::parse(text.expose()).map_err(|error| {
            Failure::config(format!("{self} holds no {what} that can be used"))
                .caused_by(&error)
                .hint_to(error.hint())
        })
    }

    fn text(
        &self,
        what: &str,
        environment: &Environment,
        readers: Readers,
    ) -> Result<Secret<String>, Failure> {
        match self {
            Self::File(file) => read_file(what, file, readers),
            Self::Env(name) => environment
                .text(name)
                .map(|text| Secret::new(text.to_owned()))
                .ok_or_else(|| {
                    let name = clean::text(name);
                    Failure::config(format!("the variable {name} holds no {what}"))
                        .hint_to(format!("set {name}"))
                }),
            Self::Cmd(command) => run(what, command),
        }
    }

    /// The same place, whatever folder the next command runs in.
    pub(crate) fn absolute(self) -> Self {
        match self {
            Self::File(file) => Self::File(std::path::absolute(&file).unwrap_or(file)),
            other @ (Self::Env(_) | Self::Cmd(_)) => other,
        }
    }
}

/// A secret that stands where its place belongs is refused without being repeated: errors of serde
/// quote what they found.
impl<'de> Deserialize<'de> for SecretPlace {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "snake_case")]
        enum Place {
            File(PathBuf),
            Env(String),
            Cmd(Vec<String>),
        }

        struct PlaceVisitor;

        impl<'de> Visitor<'de> for PlaceVisitor {
            type Value = SecretPlace;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(PLACES)
            }

            fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<SecretPlace, E> {
                Err(E::custom(format!(
                    "the secret itself does not belong here, but {PLACES}"
                )))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<SecretPlace, A::Error> {
                let place = Place::deserialize(MapAccessDeserializer::new(map))?;
                Ok(match place {
                    Place::File(file) => SecretPlace::File(file),
                    Place::Env(name) => SecretPlace::Env(name),
                    Place::Cmd(command) => SecretPlace::Cmd(command),
                })
            }
        }

        from.deserialize_any(PlaceVisitor)
    }
}

const PLACES: &str =
    "its place: { file = \"…\" }, { env = \"NAME\" } or { cmd = [\"program\", \"argument\"] }";

/// The secret on one line, without the line's end.
pub(crate) fn checked(
    what: &str,
    place: &str,
    text: &Secret<String>,
) -> Result<Secret<String>, Failure> {
    let secret = Secret::from(text.expose().trim_end_matches(['\r', '\n']));
    if secret.expose().is_empty() || !clean::is_clean(secret.expose()) {
        return Err(Failure::config(format!("{place} holds no {what}"))
            .hint_to("put the secret there, on one line"));
    }
    Ok(secret)
}

impl std::fmt::Display for SecretPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(file) => write!(f, "{}", file.display()),
            Self::Env(name) => write!(f, "the variable {}", clean::text(name)),
            // The arguments may say more than a message should.
            Self::Cmd(command) => {
                let program = command.first().map_or("", String::as_str);
                write!(f, "the command `{}`", clean::text(program))
            }
        }
    }
}

/// Splits a command at white space; a JSON list keeps white space inside of an argument. Nothing is
/// quoted, expanded or given to a shell, so whoever writes for a shell is refused.
pub(crate) fn command_of(text: &str) -> Result<Vec<String>, String> {
    let list: Vec<String> = if text.trim_start().starts_with('[') {
        serde_json::from_str(text).map_err(|error| error.to_string())?
    } else {
        let is_shell = |c: char| matches!(c, '"' | '\'' | '`' | '$') || (c == '\\' && cfg!(unix));
        if text.contains(is_shell) {
            return Err("no shell reads it: write a list, [\"program\", \"argument\"]".to_owned());
        }
        text.split_whitespace().map(str::to_owned).collect()
    };
    let has_program = list.first().is_some_and(|program| !program.is_empty());
    if !has_program || list.iter().any(|word| word.contains('\0')) {
        return Err("it names no program".to_owned());
    }
    Ok(list)
}

/// Who may be able to read a file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Readers {
    Any,
    Owner,
}

fn read_file(what: &str, path: &Path, readers: Readers) -> Result<Secret<String>, Failure> {
    let failed = |error: std::io::Error| {
        Failure::config(format!("cannot read the {what} from {}", path.display()))
            .caused_by(&error)
            .hint_to("name a file which this user may read")
    };
    let file = std::fs::File::open(path).map_err(failed)?;
    if readers == Readers::Owner {
        require_private(what, path, &file)?;
    }
    let mut text = String::new();
    file.take(LONGEST)
        .read_to_string(&mut text)
        .map_err(failed)?;
    Ok(Secret::new(text))
}

fn run(what: &str, command: &[String]) -> Result<Secret<String>, Failure> {
    let [program, arguments @ ..] = command else {
        return Err(Failure::config(format!(
            "the command for the {what} is empty"
        )));
    };
    let shown = clean::text(program);
    let failed = |error: &std::io::Error| {
        Failure::config(format!("cannot run `{shown}` for the {what}"))
            .caused_by(error)
            .hint_to("name a program that prints it")
    };
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| failed(&error))?;
    if !output.status.success() {
        let text = format!("`{shown}` gave no {what} ({})", output.status);
        return Err(Failure::config(text).hint_to("what it printed above says why"));
    }
    String::from_utf8(output.stdout)
        .map(Secret::new)
        .map_err(|_| Failure::config(format!("`{shown}` printed no text as the {what}")))
}

const LONGEST: u64 = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c_80_a_command_is_split_at_white_space_and_shell_text_is_refused() {
        let words = |text: &str| command_of(text).unwrap();
        assert_eq!(words("op read  a/b"), ["op", "read", "a/b"]);
        assert_eq!(words("op ;touch x|y"), ["op", ";touch", "x|y"]);
        assert_eq!(words(r#"["op", "a b", "$c"]"#), ["op", "a b", "$c"]);
        for bad in [
            "",
            " ",
            "[]",
            "[1]",
            "op 'a b'",
            "op $HOME",
            "op `id`",
            "[\"a\\u0000\"]",
        ] {
            assert!(command_of(bad).is_err(), "{bad}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn c_49_a_secret_is_read_from_a_command_and_never_shown() {
        let environment = Environment::default();
        let place = SecretPlace::Cmd(vec!["echo".to_owned(), "canary; exit 1".to_owned()]);
        let secret = place.read("client secret", &environment).unwrap();
        assert_eq!(secret.expose(), "canary; exit 1");
        assert!(!place.to_string().contains("canary"));
        for failing in ["false", "/nonexistent/program", "true"] {
            let place = SecretPlace::Cmd(vec![failing.to_owned()]);
            let refused = place.read("client secret", &environment).unwrap_err();
            assert_eq!(refused.exit(), 5, "{failing}");
        }
    }
}
