//! Which server, which client, whose session: a flag goes before a variable, a variable before the
//! profile, the profile before the default.

use std::io::Read as _;
use std::path::Path;

use hallpass_client::{
    Client, ClientAuth, ClientBuilder, FileStore, Secret, SessionKey, TokenStore as _, clean,
};

use crate::args::{GlobalArgs, ServerArgs};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::files::Places;
use crate::profile_file::{AuthMethod, ProfileFile, SecretPlace, Settings};

/// A profile with everything that decided about it.
#[derive(Clone, Debug)]
pub(crate) struct Profile {
    /// Its name.
    pub(crate) name: String,
    /// What chose it, for people.
    pub(crate) chosen_by: &'static str,
    /// What is settled.
    pub(crate) settings: Settings,
    /// Where files are.
    pub(crate) places: Places,
    /// Whether a sign-in was remembered under this name.
    pub(crate) is_remembered: bool,
    is_configured: bool,
    /// Whether somebody named it.
    is_chosen: bool,
    secret: Option<Secret<String>>,
}

impl Profile {
    /// Finds the profile of a command.
    pub(crate) fn load(
        global: &GlobalArgs,
        named: Option<&str>,
        server: &ServerArgs,
        environment: &Environment,
    ) -> Result<Self, Failure> {
        let places = Places::find(global.config.as_deref(), environment)?;
        let config = ProfileFile::read_config(&places.config)?;
        let remembered = ProfileFile::read_remembered(&places)?;
        let (name, chosen_by) = choose(global, named, environment, [&config, &remembered])?;
        let find = |file: &ProfileFile| file.profile.get(&name).cloned().unwrap_or_default();
        let kept = find(&config).or(find(&remembered));
        let variable = |name: &str| environment.text(name).map(str::to_owned);
        let asked = Settings {
            issuer: server
                .issuer
                .clone()
                .or_else(|| variable("HALLPASS_ISSUER")),
            client_id: server
                .client_id
                .clone()
                .or_else(|| variable("HALLPASS_CLIENT_ID")),
            client_secret: server
                .client_secret_file
                .clone()
                .or_else(|| environment.path("HALLPASS_CLIENT_SECRET_FILE"))
                .map(|file| SecretPlace { file }),
            ..Settings::default()
        };
        let settings = if moves(&kept, &asked) {
            may_move(&name, &kept, &asked, &places)?;
            asked
        } else {
            asked.or(kept)
        };
        let secret = read_secret(server, &settings)?;
        let is_remembered = remembered.profile.contains_key(&name);
        let is_chosen = name != DEFAULT_NAME || asked_something(&settings);
        let is_configured = find(&config).issuer.is_some();
        Ok(Self {
            name,
            chosen_by,
            settings,
            places,
            is_remembered,
            is_configured,
            is_chosen,
            secret,
        })
    }

    /// The issuer, or what to do about it.
    pub(crate) fn issuer(&self) -> Result<&str, Failure> {
        self.settings
            .issuer
            .as_deref()
            .ok_or_else(|| self.unknown("issuer"))
    }

    /// The client id, or what to do about it.
    pub(crate) fn client_id(&self) -> Result<&str, Failure> {
        self.settings
            .client_id
            .as_deref()
            .ok_or_else(|| self.unknown("client id"))
    }

    /// Starts a client of this profile, with its store and its secret.
    pub(crate) fn client(&self) -> Result<ClientBuilder, Failure> {
        let builder = Client::builder(self.issuer()?, self.client_id()?)
            .app_name("hallpass")
            .client_auth(self.auth())
            .store(self.store());
        Ok(builder)
    }

    /// Where sessions are kept.
    pub(crate) fn store(&self) -> FileStore {
        FileStore::in_state_dir(&self.places.state)
    }

    /// Whether the program can sign in as itself.
    pub(crate) fn has_secret(&self) -> bool {
        self.secret.is_some()
    }

    /// Remembers the profile after a sign-in, unless the person keeps it in `config.toml`.
    pub(crate) fn remember(&self) -> Result<(), Failure> {
        if self.is_configured {
            return Ok(());
        }
        let mut settings = self.settings.clone();
        if let Some(SecretPlace { file }) = &mut settings.client_secret {
            // The next command may run in another folder.
            *file = std::path::absolute(&*file).unwrap_or_else(|_| file.clone());
        }
        ProfileFile::remember(&self.places, &self.name, &settings)
    }

    /// Whether it says which server and which client.
    pub(crate) fn is_known(&self) -> bool {
        self.settings.issuer.is_some() && self.settings.client_id.is_some()
    }

    /// The command that signs this profile in.
    pub(crate) fn login_command(&self) -> String {
        let mut command = "hallpass login".to_owned();
        if self.name != DEFAULT_NAME {
            command.extend([" ", &self.name]);
        }
        if !self.is_remembered && !self.is_configured {
            let shown =
                |value: &Option<String>, name: &str| clean::text(value.as_deref().unwrap_or(name));
            let issuer = shown(&self.settings.issuer, "URL");
            let client_id = shown(&self.settings.client_id, "ID");
            command.extend([format!(" --issuer {issuer} --client-id {client_id}")]);
        }
        command
    }

    fn auth(&self) -> ClientAuth {
        match (&self.secret, self.settings.auth_method) {
            (None, _) | (_, Some(AuthMethod::None)) => ClientAuth::None,
            (Some(secret), Some(AuthMethod::ClientSecretPost)) => {
                ClientAuth::SecretPost(secret.clone())
            }
            (Some(secret), Some(AuthMethod::ClientSecretBasic) | None) => {
                ClientAuth::SecretBasic(secret.clone())
            }
        }
    }

    fn unknown(&self, what: &str) -> Failure {
        let text = format!("the {what} of profile `{}` is not known", self.name);
        let failure = if self.is_chosen {
            Failure::config(text)
        } else {
            Failure::login_required("nobody is signed in yet")
        };
        failure.hint_to(format!("run `{}`", self.login_command()))
    }
}

fn choose(
    global: &GlobalArgs,
    named: Option<&str>,
    environment: &Environment,
    files: [&ProfileFile; 2],
) -> Result<(String, &'static str), Failure> {
    let [config, remembered] = files;
    let (name, chosen_by) = match (named, global.profile_flag.as_deref()) {
        (Some(named), Some(flag)) if named != flag => {
            return Err(Failure::usage("two profiles are named").hint_to("name one"));
        }
        (Some(name), _) | (None, Some(name)) => (name, "command line"),
        (None, None) => [
            (environment.text("HALLPASS_PROFILE"), "HALLPASS_PROFILE"),
            (config.default_profile.as_deref(), "config.toml"),
            (remembered.default_profile.as_deref(), "first sign-in"),
        ]
        .into_iter()
        .find_map(|(name, by)| Some((name?, by)))
        .unwrap_or((DEFAULT_NAME, "default")),
    };
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(is_name) {
        let text = format!("`{}` is no name for a profile", clean::text(name));
        return Err(Failure::usage(text).hint_to("use letters, digits, `-`, `_` and `.`"));
    }
    Ok((name.to_owned(), chosen_by))
}

/// Whether the caller names another issuer than the profile's.
fn moves(kept: &Settings, asked: &Settings) -> bool {
    matches!((&kept.issuer, &asked.issuer), (Some(kept), Some(asked)) if kept != asked)
}

/// A profile's session and secret go only to the issuer that it is pinned to; one that has neither
/// may start anew somewhere else.
fn may_move(name: &str, kept: &Settings, asked: &Settings, places: &Places) -> Result<(), Failure> {
    let issuer = kept.issuer.as_deref().unwrap_or_default();
    let client_id = kept.client_id.as_deref().unwrap_or_default();
    let key = SessionKey::new(issuer, client_id);
    let has_session = FileStore::in_state_dir(&places.state).load(&key)?.is_some();
    if !has_session && kept.client_secret.is_none() {
        return Ok(());
    }
    let other = asked.issuer.as_deref().unwrap_or_default();
    Err(Failure::config(format!(
        "profile `{name}` belongs to {}, not to {}",
        clean::text(issuer),
        clean::text(other)
    ))
    .hint_to("take another profile: `hallpass login NAME --issuer URL --client-id ID`"))
}

/// Whether anything is known about the profile.
fn asked_something(settings: &Settings) -> bool {
    *settings != Settings::default()
}

fn read_secret(
    server: &ServerArgs,
    settings: &Settings,
) -> Result<Option<Secret<String>>, Failure> {
    let (text, place) = if server.client_secret_stdin {
        let mut text = String::new();
        std::io::stdin()
            .take(LONGEST_SECRET)
            .read_to_string(&mut text)
            .map_err(|error| {
                Failure::config("cannot read the client secret from standard input")
                    .caused_by(&error)
            })?;
        (text, "standard input".to_owned())
    } else {
        let Some(SecretPlace { file }) = &settings.client_secret else {
            return Ok(None);
        };
        (read_secret_file(file)?, file.display().to_string())
    };
    let secret = Secret::new(text.trim_end_matches(['\r', '\n']).to_owned());
    if secret.expose().is_empty() || !clean::is_clean(secret.expose()) {
        return Err(Failure::config(format!("{place} holds no client secret"))
            .hint_to("put the secret there, on one line"));
    }
    Ok(Some(secret))
}

fn read_secret_file(file: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(file).map_err(|error| {
        Failure::config(format!(
            "cannot read the client secret from {}",
            file.display()
        ))
        .caused_by(&error)
        .hint_to("name a file which this user may read")
    })
}

/// The profile of who names none.
const DEFAULT_NAME: &str = "default";
const LONGEST_NAME: usize = 64;
const LONGEST_SECRET: u64 = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(issuer: &str) -> Settings {
        Settings {
            issuer: Some(issuer.to_owned()),
            ..Settings::default()
        }
    }

    #[test]
    fn a_profile_with_a_secret_stays_with_its_issuer() {
        let folder = tempfile::tempdir().unwrap();
        let places = Places {
            config: folder.path().join("config.toml"),
            state: folder.path().to_owned(),
        };
        let (mut kept, asked) = (settings("https://a.test"), settings("https://b.test"));
        assert!(moves(&kept, &asked) && !moves(&kept, &kept.clone()));
        assert!(may_move("work", &kept, &asked, &places).is_ok());
        kept.client_secret = Some(SecretPlace {
            file: "secret".into(),
        });
        let refused = may_move("work", &kept, &asked, &places).unwrap_err();
        assert_eq!(refused.exit(), 5);
    }
}
