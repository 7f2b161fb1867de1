//! Which server, which client, whose session: what the files, the variables and the flags together say.

use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;

use hallpass_client::{
    Client, ClientBuilder, DpopMode, Provider, PushedRequests, Secret, SessionKey, Store,
    StorePlace, SystemTransport, TokenStore, clean, flow,
};
use serde_json::Value;

use crate::args::{Flow, GlobalArgs, ServerArgs};
use crate::command_browser::CommandBrowser;
use crate::config::{
    self, Chosen, DirectoryFile, Layers, Origin, ProfileFile, Question, SUPPORT, SecretPlace,
    Settings, Target, Wish,
};
use crate::duration;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::files::Places;
use crate::said;
use crate::trace_file::TraceFile;

#[path = "profile_auth.rs"]
mod auth;

/// A profile with everything that decided about it.
#[derive(Clone, Debug)]
pub(crate) struct Profile {
    /// Its name.
    pub(crate) name: String,
    /// What chose it, for people.
    pub(crate) chosen_by: String,
    /// What is settled.
    pub(crate) settings: Settings,
    /// Who said it.
    pub(crate) layers: Layers,
    /// Where files are.
    pub(crate) places: Places,
    /// Whether a sign-in was remembered under this name.
    pub(crate) is_remembered: bool,
    /// What a person should hear about it, a line each.
    pub(crate) notes: Vec<String>,
    /// Whether the person's own file has it.
    pub(crate) is_configured: bool,
    /// Whether somebody named it.
    is_chosen: bool,
    /// The name that was probably meant.
    nearest: Option<String>,
    files: Arc<(ProfileFile, ProfileFile)>,
    pub(crate) environment: Environment,
    /// From standard input, which is read once.
    given_secret: Option<Secret<String>>,
    /// As the command line names it; it may hold a password.
    proxy: Option<Secret<String>>,
    trace: Option<TraceFile>,
}

/// What a command says about the profile it wants.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'a> {
    /// The profile that the command names.
    pub(crate) named: Option<&'a str>,
    /// The server that it names.
    pub(crate) server: &'a ServerArgs,
    /// The address that the token is for.
    pub(crate) target: Option<&'a Target>,
    /// Whether the file of the folder has a say.
    pub(crate) folder: Folder,
}

/// Whether `.hallpass.toml` has a say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Folder {
    /// As far as row C-79 lets it.
    Heard,
    /// It is not even read.
    Ignored,
}

impl Profile {
    /// Finds the profile of a command.
    pub(crate) fn load(
        global: &GlobalArgs,
        wanted: Wanted<'_>,
        environment: &Environment,
    ) -> Result<Self, Failure> {
        let places = Places::find(global.config.as_deref(), environment)?;
        let config = ProfileFile::read_config(&places.config)?;
        let remembered = ProfileFile::read_remembered(&places)?;
        let mut notes = Vec::new();
        let folder = match wanted.folder {
            Folder::Heard => DirectoryFile::find(&places, &mut notes),
            Folder::Ignored => None,
        };
        let question = Question {
            named: named(global, wanted.named)?,
            variable: environment.text("HALLPASS_PROFILE"),
            target: wanted.target,
        };
        let chosen = config::choose(
            question,
            folder.as_ref(),
            (&config, &remembered),
            &mut notes,
        )?;
        let said = said::Said {
            global,
            server: wanted.server,
            environment,
            places: &places,
            files: (&config, &remembered),
            folder: folder.as_ref(),
        };
        let layers = said.layers(&chosen.name, &mut notes)?;
        let settings = layers.merged();
        let given_secret = read_stdin(wanted.server)?;
        let trace = global.trace.as_deref().map(TraceFile::create).transpose()?;
        let Chosen { name, by } = chosen;
        let names = config.profile.keys().chain(remembered.profile.keys());
        let mut profile = Self {
            chosen_by: by,
            is_chosen: name != config::DEFAULT_NAME || settings != Settings::default(),
            is_configured: config
                .profile
                .get(&name)
                .is_some_and(|own| own.issuer.is_some()),
            is_remembered: remembered.profile.contains_key(&name),
            nearest: config::nearest(&name, names.map(String::as_str)).map(str::to_owned),
            files: Arc::new((config, remembered)),
            name,
            settings,
            layers,
            places,
            notes,
            environment: environment.clone(),
            given_secret,
            proxy: global.proxy.clone().map(Secret::new),
            trace,
        };
        profile.recall_registration();
        Ok(profile)
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
        Ok(self.client_without_secret()?.client_auth(self.auth()?))
    }

    /// The same for who only looks at what is kept: a secret may come from a command that takes its
    /// time.
    pub(crate) fn client_without_secret(&self) -> Result<ClientBuilder, Failure> {
        let (issuer, client_id) = (self.issuer()?, self.client_id()?);
        if let Some(missing) = SUPPORT.iter().find(|it| (it.is_asked)(&self.settings)) {
            let text = format!(
                "profile `{}` needs `{}`, which this version does not have yet",
                self.name, missing.field
            );
            return Err(Failure::config(text).hint_to("leave it out, or use another profile"));
        }
        let mut builder = self
            .start(issuer, client_id)?
            .app_name("hallpass")
            .profile(config::slot(&self.name))
            .http(self.transport()?)
            .store(self.store()?);
        builder = self.watched(builder);
        if let Some(par) = self.settings.par {
            builder = builder.pushed_requests(match par {
                Wish::Auto => PushedRequests::Auto,
                Wish::Required => PushedRequests::Required,
                Wish::Off => PushedRequests::Off,
            });
        }
        if let Some(dpop) = self.settings.dpop {
            builder = builder.dpop(match dpop {
                Wish::Auto => DpopMode::Auto,
                Wish::Required => DpopMode::Required,
                Wish::Off => DpopMode::Off,
            });
        }
        match &self.settings.browser {
            Some(command) if !command.is_default() => {
                Ok(builder.browser(CommandBrowser::new(command.0.clone())))
            }
            _ => Ok(builder),
        }
    }

    /// By the provider's name, as long as nobody after it named another issuer.
    fn start(&self, issuer: &str, client_id: &str) -> Result<ClientBuilder, Failure> {
        let known = self.settings.provider.as_deref().map(Provider::parse);
        Ok(match known.transpose()? {
            Some(provider) if provider.issuer() == issuer => {
                Client::for_provider(provider, client_id)
            }
            _ => Client::builder(issuer, client_id),
        })
    }

    /// The surroundings of a sign-in: who names a browser has a screen for it.
    pub(crate) fn with_its_browser(&self, surroundings: flow::Environment) -> flow::Environment {
        match &self.settings.browser {
            Some(command) if !command.is_default() => surroundings.with(flow::Sign::Browser),
            _ => surroundings,
        }
    }

    /// How servers are reached: with whose certificates, and through which proxy.
    pub(crate) fn transport(&self) -> Result<SystemTransport, Failure> {
        let mut transport = SystemTransport::new();
        if let Some(file) = &self.settings.ca_bundle {
            transport = transport.ca_bundle(file);
        }
        match &self.proxy {
            Some(proxy) => Ok(transport.proxy(proxy.expose())?),
            None => Ok(transport),
        }
    }

    /// With who writes down what is exchanged (`--trace`).
    pub(crate) fn watched(&self, builder: ClientBuilder) -> ClientBuilder {
        match &self.trace {
            Some(trace) => builder.watcher(trace.clone()),
            None => builder,
        }
    }

    /// Where sessions are kept.
    pub(crate) fn store(&self) -> Result<Arc<dyn TokenStore>, Failure> {
        let text = self.settings.store.as_deref().unwrap_or("auto");
        // Row C-80: whoever sets variables must not make programs run.
        let is_variable = matches!(self.layers.origin_of("store"), Some(Origin::Variable(_)));
        let read = if is_variable {
            Store::parse_variable
        } else {
            Store::parse
        };
        let store =
            read(text).map_err(|error| Failure::config(error.to_string()).hint_to(error.hint()))?;
        let passphrase = self.environment.path("HALLPASS_PASSPHRASE_FILE");
        let place = StorePlace::in_state_dir("hallpass", &self.places.state);
        Ok(store.open(&place.passphrase_file(passphrase)))
    }

    /// Which session is this profile's, if it says which server and client.
    pub(crate) fn session_key(&self) -> Option<SessionKey> {
        let (issuer, client_id) = (&self.settings.issuer, &self.settings.client_id);
        let key = SessionKey::new(issuer.as_ref()?, client_id.as_ref()?);
        Some(key.in_profile(config::slot(&self.name)))
    }

    /// Whether somebody's session is kept.
    pub(crate) fn has_session(&self) -> Result<bool, Failure> {
        match self.session_key() {
            Some(key) => Ok(self.store()?.load(&key)?.is_some()),
            None => Ok(false),
        }
    }

    /// Whether the program can sign in as itself, by a secret or by a key.
    pub(crate) fn has_secret(&self) -> bool {
        let settings = &self.settings;
        let has_one = settings.client_secret.is_some() || settings.private_key.is_some();
        self.given_secret.is_some() || has_one
    }

    /// Whether tokens are the program's own: so it is said, or there is a secret, no word about a
    /// flow, and nobody signed in.
    pub(crate) fn is_program(&self) -> Result<bool, Failure> {
        let of_user = |scope: &String| matches!(scope.as_str(), "openid" | "offline_access");
        Ok(match self.settings.flow {
            Some(flow) => flow == Flow::ClientCredentials,
            None => {
                self.has_secret()
                    && !self.settings.scopes.iter().flatten().any(of_user)
                    && !self.has_session()?
            }
        })
    }

    /// Row C-75: whether a token of this profile may go to an address.
    pub(crate) fn may_send_to(&self, target: &Target) -> Result<(), Failure> {
        let resources = self.settings.resource.iter().flatten();
        let rules = self
            .files
            .0
            .rules
            .iter()
            .filter(|rule| rule.profile == self.name);
        if resources.clone().any(|resource| target.is_at(resource))
            || rules
                .filter_map(|rule| rule.url.as_ref())
                .any(|url| url.matches(target))
        {
            return Ok(());
        }
        let origin = target.origin_text();
        let text = format!("the tokens of profile `{}` are not for {origin}", self.name);
        let line = if resources.count() == 0 {
            format!("add `resource = [\"{origin}\"]` to [profile.{}]", self.name)
        } else {
            format!("add \"{origin}\" to `resource` of [profile.{}]", self.name)
        };
        let file = self.places.config.display();
        Err(Failure::config(text).hint_to(format!("if they should be: {line} in {file}")))
    }

    /// Remembers the profile after a sign-in, unless the person keeps it in `config.toml`.
    pub(crate) fn remember(&self) -> Result<(), Failure> {
        if self.is_configured {
            return Ok(());
        }
        let mut settings = self.lasting();
        // The next command may run in another folder.
        settings.client_secret = settings.client_secret.map(SecretPlace::absolute);
        settings.private_key = settings.private_key.map(SecretPlace::absolute);
        ProfileFile::remember(&self.places, &self.name, &settings)
    }

    /// The settings without what holds for this shell or folder only.
    fn lasting(&self) -> Settings {
        let merged = config::members(&self.layers.merged());
        let kept = config::members(&self.layers.kept());
        let mut lasting = config::members(&self.settings);
        lasting.retain(|name, value| merged.get(name) != Some(value));
        lasting.append(
            &mut kept
                .into_iter()
                .filter(|(name, _)| !lasting.contains_key(name))
                .collect(),
        );
        serde_json::from_value(Value::Object(lasting)).unwrap_or_else(|_| self.settings.clone())
    }

    /// How long a token must stay good.
    pub(crate) fn min_validity(&self) -> Duration {
        let kept = self.settings.min_validity.as_deref();
        kept.and_then(|text| duration::parse(text).ok())
            .unwrap_or_default()
    }

    /// Whether it says which server and which client.
    pub(crate) fn is_known(&self) -> bool {
        self.settings.issuer.is_some() && self.settings.client_id.is_some()
    }

    /// The command that signs this profile in.
    pub(crate) fn login_command(&self) -> String {
        let mut command = "hallpass login".to_owned();
        if self.name != config::DEFAULT_NAME {
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

    fn unknown(&self, what: &str) -> Failure {
        let text = format!("the {what} of profile `{}` is not known", self.name);
        let failure = if self.is_chosen {
            Failure::config(text)
        } else {
            Failure::login_required("nobody is signed in yet")
        };
        match &self.nearest {
            Some(nearest) if *nearest != self.name => {
                failure.hint_to(format!("did you mean profile `{nearest}`?"))
            }
            _ => failure.hint_to(format!("run `{}`", self.login_command())),
        }
    }
}

fn named<'a>(global: &'a GlobalArgs, named: Option<&'a str>) -> Result<Option<&'a str>, Failure> {
    match (named, global.profile_flag.as_deref()) {
        (Some(named), Some(flag)) if named != flag => {
            Err(Failure::usage("two profiles are named").hint_to("name one"))
        }
        (named, flag) => Ok(named.or(flag)),
    }
}

fn read_stdin(server: &ServerArgs) -> Result<Option<Secret<String>>, Failure> {
    if !server.client_secret_stdin {
        return Ok(None);
    }
    let what = "client secret";
    let mut text = String::new();
    std::io::stdin()
        .take(LONGEST_SECRET)
        .read_to_string(&mut text)
        .map_err(|error| {
            Failure::config("cannot read the client secret from standard input").caused_by(&error)
        })?;
    config::checked_secret(what, "standard input", &Secret::new(text)).map(Some)
}

const LONGEST_SECRET: u64 = 64 * 1024;
