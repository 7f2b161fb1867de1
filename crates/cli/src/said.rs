//! What everybody says about a profile, and whether they may.

use std::path::{Path, PathBuf};

use hallpass_client::{Provider, SessionKey, Store, StorePlace, clean};

use crate::args::{Flow, GlobalArgs, Ports, ServerArgs};
use crate::config::{
    AuthMethod, DirectoryFile, Layers, Origin, ProfileFile, SecretPlace, Settings, command_of, slot,
};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::files::Places;

/// Everybody who has a say.
pub(crate) struct Said<'a> {
    /// The flags of every command.
    pub(crate) global: &'a GlobalArgs,
    /// The flags about a server.
    pub(crate) server: &'a ServerArgs,
    /// The variables.
    pub(crate) environment: &'a Environment,
    /// Where the files are.
    pub(crate) places: &'a Places,
    /// The person's own file, and what was remembered.
    pub(crate) files: (&'a ProfileFile, &'a ProfileFile),
    /// The file of the folder.
    pub(crate) folder: Option<&'a DirectoryFile>,
}

impl Said<'_> {
    /// Everything, the first word first.
    pub(crate) fn layers(&self, name: &str, notes: &mut Vec<String>) -> Result<Layers, Failure> {
        let (config, remembered) = self.files;
        let of = |file: &ProfileFile| {
            let said = file.profile.get(name).cloned().unwrap_or_default();
            said.with_issuer_of_provider()
        };
        let (own, left) = (of(config), of(remembered));
        let kept = own.clone().or(left.clone());
        let (folder_server, folder_scopes) = self.folder(name, &kept, notes)?;
        let kept = kept.or(folder_server.clone());

        let mut layers = Layers::default();
        self.flags(&mut layers)?;
        self.variables(&mut layers)?;
        let asked = layers.merged();
        if moves(&kept, &asked) {
            self.may_move(name, &kept, &asked)?;
        } else {
            if let Some(folder) = self.folder {
                layers.push_passing(Origin::Directory(folder.path.clone()), folder_scopes);
                layers.push(Origin::Directory(folder.path.clone()), folder_server);
            }
            layers.push(Origin::Config(self.places.config.clone()), own);
            layers.push(Origin::Remembered(self.places.profiles()), left);
        }
        let defaults = config.defaults(&self.places.config);
        layers.push_passing(Origin::Defaults(self.places.config.clone()), defaults);
        Ok(layers)
    }

    fn flags(&self, layers: &mut Layers) -> Result<(), Failure> {
        let server = self.server;
        let mut say = |name, settings| layers.push(Origin::Flag(name), settings);
        let empty = Settings::default;
        say(
            "--issuer",
            Settings {
                issuer: server.issuer.clone(),
                ..empty()
            },
        );
        if let Some(provider) = &server.provider {
            let known = Provider::parse(provider)?;
            say(
                "--provider",
                Settings {
                    issuer: Some(known.issuer()),
                    provider: Some(provider.clone()),
                    ..empty()
                },
            );
        }
        say(
            "--client-id",
            Settings {
                client_id: server.client_id.clone(),
                ..empty()
            },
        );
        self.credential_flags(layers)?;
        let mut say = |name, settings| layers.push(Origin::Flag(name), settings);
        if let Some(store) = &self.global.store {
            Store::parse(store)
                .map_err(|error| Failure::usage(error.to_string()).hint_to(error.hint()))?;
            say(
                "--store",
                Settings {
                    store: Some(store.clone()),
                    ..empty()
                },
            );
        }
        let ca_bundle = self.global.ca_bundle.as_deref().map(absolute);
        say(
            "--ca-bundle",
            Settings {
                ca_bundle,
                ..empty()
            },
        );
        Ok(())
    }

    /// How the client proves who it is.
    fn credential_flags(&self, layers: &mut Layers) -> Result<(), Failure> {
        let server = self.server;
        let mut say = |name, settings| layers.push(Origin::Flag(name), settings);
        let empty = Settings::default;
        let secret = |place| Settings {
            client_secret: place,
            ..empty()
        };
        let file = server.client_secret_file.clone().map(SecretPlace::File);
        say("--client-secret-file", secret(file));
        let variable = server.client_secret_env.clone().map(SecretPlace::Env);
        say("--client-secret-env", secret(variable));
        if let Some(text) = &server.client_secret_cmd {
            let command = command_of(text).map_err(|reason| {
                Failure::usage("--client-secret-cmd is not understood").hint_to(reason)
            })?;
            say(
                "--client-secret-cmd",
                secret(Some(SecretPlace::Cmd(command))),
            );
        }
        let file = server.private_key_file.clone().map(SecretPlace::File);
        say(
            "--private-key-file",
            Settings {
                private_key: file,
                ..empty()
            },
        );
        say(
            "--private-key-id",
            Settings {
                private_key_id: server.private_key_id.clone(),
                ..empty()
            },
        );
        say(
            "--auth-method",
            Settings {
                auth_method: auth_method(server)?,
                ..empty()
            },
        );
        Ok(())
    }

    fn variables(&self, layers: &mut Layers) -> Result<(), Failure> {
        let empty = Settings::default;
        let text = |name: &str| self.environment.text(name).map(str::to_owned);
        let file = |name: &str| self.environment.path(name).map(SecretPlace::File);
        let mut say = |name, settings| layers.push(Origin::Variable(name), settings);
        say(
            "HALLPASS_ISSUER",
            Settings {
                issuer: text("HALLPASS_ISSUER"),
                ..empty()
            },
        );
        say(
            "HALLPASS_CLIENT_ID",
            Settings {
                client_id: text("HALLPASS_CLIENT_ID"),
                ..empty()
            },
        );
        let client_secret = file("HALLPASS_CLIENT_SECRET_FILE");
        say(
            "HALLPASS_CLIENT_SECRET_FILE",
            Settings {
                client_secret,
                ..empty()
            },
        );
        let private_key = file("HALLPASS_PRIVATE_KEY_FILE");
        say(
            "HALLPASS_PRIVATE_KEY_FILE",
            Settings {
                private_key,
                ..empty()
            },
        );
        let mut say = |name, settings| layers.push_passing(Origin::Variable(name), settings);
        if let Some(store) = text("HALLPASS_STORE") {
            Store::parse_variable(&store)
                .map_err(|error| Failure::config(error.to_string()).hint_to(error.hint()))?;
            say(
                "HALLPASS_STORE",
                Settings {
                    store: Some(store),
                    ..empty()
                },
            );
        }
        let ca_bundle = self.environment.path("HALLPASS_CA_BUNDLE");
        say(
            "HALLPASS_CA_BUNDLE",
            Settings {
                ca_bundle,
                ..empty()
            },
        );
        if let Some(text) = text("HALLPASS_FLOW") {
            let flow = Some(flow_of(&text)?);
            say("HALLPASS_FLOW", Settings { flow, ..empty() });
        }
        if let Some(text) = text("HALLPASS_CALLBACK_PORT") {
            let Ports(ports) = text.parse().map_err(|reason: String| {
                Failure::usage("HALLPASS_CALLBACK_PORT is not understood").hint_to(reason)
            })?;
            let callback_ports = Some(ports);
            say(
                "HALLPASS_CALLBACK_PORT",
                Settings {
                    callback_ports,
                    ..empty()
                },
            );
        }
        Ok(())
    }

    /// What the folder's file adds: a server that lasts, scopes for here.
    fn folder(
        &self,
        name: &str,
        kept: &Settings,
        notes: &mut Vec<String>,
    ) -> Result<(Settings, Settings), Failure> {
        let Some(folder) = self.folder else {
            return Ok(<(Settings, Settings)>::default());
        };
        let mut server = folder.settings(name, kept, &DEFAULT_SCOPES, notes);
        let scopes = Settings {
            scopes: server.scopes.take(),
            ..Settings::default()
        };
        let is_other = |own: &Option<String>, said: &Option<String>| said.is_some() && own != said;
        // Rows C-79 and C-82: its server is for a profile that has none and keeps no secret.
        let is_taken = (kept.issuer.is_some() && is_other(&kept.issuer, &server.issuer))
            || (kept.client_id.is_some() && is_other(&kept.client_id, &server.client_id))
            || (kept.issuer.is_none() && server.issuer.is_some() && kept.has_credential());
        if is_taken {
            let text = format!(
                "{} names another server for profile `{name}`",
                folder.shown()
            );
            return Err(Failure::config(text).hint_to("give it the name of a profile of its own"));
        }
        Ok((server, scopes))
    }

    /// Row C-82: a profile's session and secret go only to the issuer that it is pinned to; one that
    /// has neither may start anew somewhere else.
    fn may_move(&self, name: &str, kept: &Settings, asked: &Settings) -> Result<(), Failure> {
        let issuer = kept.issuer.as_deref().unwrap_or_default();
        let client_id = kept.client_id.as_deref().unwrap_or_default();
        let key = SessionKey::new(issuer, client_id).in_profile(slot(name));
        let store = asked
            .store
            .as_deref()
            .or(kept.store.as_deref())
            .unwrap_or("auto");
        let place = StorePlace::in_state_dir("hallpass", &self.places.state)
            .passphrase_file(self.environment.path("HALLPASS_PASSPHRASE_FILE"));
        let has_session = || match Store::parse(store) {
            Ok(store) => Ok(store.open(&place).load(&key)?.is_some()),
            Err(error) => Err(Failure::config(error.to_string()).hint_to(error.hint())),
        };
        if !kept.has_credential() && !has_session()? {
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
}

/// Whether the caller names another issuer than the profile's.
fn moves(kept: &Settings, asked: &Settings) -> bool {
    matches!((&kept.issuer, &asked.issuer), (Some(kept), Some(asked)) if kept != asked)
}

/// The next command may run in another folder.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

fn flow_of(text: &str) -> Result<Flow, Failure> {
    <Flow as clap::ValueEnum>::from_str(text, false).map_err(|_| {
        let names: Vec<_> = <Flow as clap::ValueEnum>::value_variants()
            .iter()
            .filter_map(|flow| {
                Some(
                    clap::ValueEnum::to_possible_value(flow)?
                        .get_name()
                        .to_owned(),
                )
            })
            .collect();
        Failure::usage(format!("HALLPASS_FLOW is `{}`", clean::text(text)))
            .hint_to(format!("set it to one of {}", names.join(", ")))
    })
}

/// The flag's own words are those of the files.
pub(crate) fn auth_method(server: &ServerArgs) -> Result<Option<AuthMethod>, Failure> {
    let named = server.auth_method.as_deref();
    let read = named.map(|name| serde_json::from_value(name.into()));
    read.transpose()
        .map_err(|error| Failure::usage("--auth-method is not understood").caused_by(&error))
}

/// Who signs in, their name, and a session that lasts.
pub(crate) const DEFAULT_SCOPES: [&str; 3] = ["openid", "profile", "offline_access"];
