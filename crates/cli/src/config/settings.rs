//! One profile: which server, which client, and how.

use std::path::{Path, PathBuf};

use hallpass_client::{ClientBuilder, Provider, Store};
use serde::{Deserialize, Deserializer, Serialize};

use super::helpers::{Helper, HelperPlace, Helpers};
use super::secret_place::{SecretPlace, command_of};
use crate::args::Flow;
use crate::duration;

/// What a file, a flag or a variable says about a profile; nothing of it is needed.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Settings {
    /// The server.
    pub(crate) issuer: Option<String>,
    /// The server, by the name of a provider that is known.
    pub(crate) provider: Option<String>,
    /// The client.
    pub(crate) client_id: Option<String>,
    /// What to ask for.
    pub(crate) scopes: Option<Vec<String>>,
    /// The APIs that the tokens are for, and the only ones that get them.
    pub(crate) resource: Option<Vec<String>>,
    /// The APIs that the tokens are for, by the names that the server has for them.
    pub(crate) audience: Option<Vec<String>>,
    /// How to sign in.
    pub(crate) flow: Option<Flow>,
    /// Where to await the browser.
    pub(crate) callback_ports: Option<Vec<u16>>,
    /// The path of the redirect URI, as registered.
    pub(crate) callback_path: Option<String>,
    /// How the client proves who it is.
    pub(crate) auth_method: Option<AuthMethod>,
    /// Whether the secret ships inside of a program and so is none (RFC 8252 §8.5).
    pub(crate) public_secret: Option<bool>,
    /// Only a person's own word chooses this profile, never a file in a folder (row C-79).
    pub(crate) explicit: Option<bool>,
    /// Where sessions are kept.
    #[serde(deserialize_with = "a_store")]
    pub(crate) store: Option<String>,
    /// How long a token must stay good.
    #[serde(deserialize_with = "a_span")]
    pub(crate) min_validity: Option<String>,
    /// What opens addresses: `default`, or a command with `%u`.
    pub(crate) browser: Option<CommandLine>,
    /// Proof of possession (RFC 9449).
    pub(crate) dpop: Option<Wish>,
    /// Pushed authorization requests (RFC 9126).
    pub(crate) par: Option<Wish>,
    /// RFC 7636; there is no sign-in without it.
    pub(crate) pkce: Option<Pkce>,
    /// Whether credential helpers may open a browser.
    pub(crate) helpers_may_prompt: Option<bool>,
    /// Certificates to trust beside the system's.
    pub(crate) ca_bundle: Option<PathBuf>,
    /// Where the client secret is.
    pub(crate) client_secret: Option<SecretPlace>,
    /// Where the private key is (RFC 7523).
    pub(crate) private_key: Option<SecretPlace>,
    /// The `kid` under which the server has it, where the key itself does not say.
    pub(crate) private_key_id: Option<String>,
    /// Where a machine's own token comes from.
    pub(crate) workload: Option<Workload>,
    /// The hosts that credential helpers give the tokens to (row C-76).
    pub(crate) helpers: Option<Helpers>,
}

/// How a client says who it is (RFC 6749 §2.3, RFC 7523 §2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AuthMethod {
    /// It only names itself.
    None,
    /// With a secret in a header.
    ClientSecretBasic,
    /// With a secret in the body.
    ClientSecretPost,
    /// With a signature.
    PrivateKeyJwt,
}

/// Whether to use what a server may offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Wish {
    /// Where the server offers it.
    Auto,
    /// Or not at all.
    Required,
    /// Never.
    Off,
}

/// There is only one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Pkce {
    /// Always sent.
    Required,
}

/// A machine's own token, as its platform hands it out.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Workload {
    /// Who hands it out.
    source: WorkloadSource,
    /// Whom it is for.
    audience: Option<String>,
    /// How it becomes an access token.
    grant: Option<WorkloadGrant>,
    /// The file of the source `file`.
    file: Option<PathBuf>,
    /// The command of the source `exec`.
    cmd: Option<Vec<String>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum WorkloadSource {
    Github,
    Gitlab,
    Kubernetes,
    Gcp,
    Aws,
    Azure,
    File,
    Exec,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum WorkloadGrant {
    TokenExchange,
    JwtBearer,
    ClientAssertion,
}

/// A command, program first, written as a list or as text without white space in its arguments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct CommandLine(pub(crate) Vec<String>);

/// A setting that is understood, but that this version cannot follow.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Support {
    /// Its name in a file.
    pub(crate) field: &'static str,
    /// Whether these settings ask for it.
    pub(crate) is_asked: fn(&Settings) -> bool,
}

/// What is not there yet. To ignore it would be to promise what is not kept.
pub(crate) const SUPPORT: &[Support] = &[Support {
    field: "workload",
    is_asked: |settings| settings.workload.is_some(),
}];

impl Settings {
    /// A provider that is known by name has an issuer that nobody needs to write down.
    pub(crate) fn with_issuer_of_provider(mut self) -> Self {
        if let (None, Some(name)) = (&self.issuer, &self.provider) {
            self.issuer = Provider::parse(name).ok().map(|known| known.issuer());
        }
        self
    }

    /// These settings where they say something, else the others.
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            provider: self.provider.or(other.provider),
            issuer: self.issuer.or(other.issuer),
            client_id: self.client_id.or(other.client_id),
            scopes: self.scopes.or(other.scopes),
            resource: self.resource.or(other.resource),
            audience: self.audience.or(other.audience),
            flow: self.flow.or(other.flow),
            callback_ports: self.callback_ports.or(other.callback_ports),
            callback_path: self.callback_path.or(other.callback_path),
            auth_method: self.auth_method.or(other.auth_method),
            public_secret: self.public_secret.or(other.public_secret),
            explicit: self.explicit.or(other.explicit),
            store: self.store.or(other.store),
            min_validity: self.min_validity.or(other.min_validity),
            browser: self.browser.or(other.browser),
            dpop: self.dpop.or(other.dpop),
            par: self.par.or(other.par),
            pkce: self.pkce.or(other.pkce),
            helpers_may_prompt: self.helpers_may_prompt.or(other.helpers_may_prompt),
            ca_bundle: self.ca_bundle.or(other.ca_bundle),
            client_secret: self.client_secret.or(other.client_secret),
            private_key: self.private_key.or(other.private_key),
            private_key_id: self.private_key_id.or(other.private_key_id),
            workload: self.workload.or(other.workload),
            helpers: self.helpers.or(other.helpers),
        }
    }

    /// The client with the APIs that its tokens are for.
    pub(crate) fn targets(&self, client: ClientBuilder) -> ClientBuilder {
        let resources = self.resource.iter().flatten();
        let audiences = self.audience.iter().flatten();
        let client = resources.fold(client, ClientBuilder::resource);
        audiences.fold(client, ClientBuilder::audience)
    }

    /// Whether it holds what must not meet another server: a secret, a key, a machine's token.
    pub(crate) fn has_credential(&self) -> bool {
        self.client_secret.is_some() || self.private_key.is_some() || self.workload.is_some()
    }

    /// Row C-76: whether a credential helper may give the tokens to this host.
    pub(crate) fn serves(&self, helper: Helper, place: &HelperPlace) -> bool {
        let helpers = self.helpers.iter();
        let places = helpers.filter_map(|helpers| helpers.get(&helper));
        places.flatten().any(|own| own == place)
    }

    /// Whether these settings make somebody's program run.
    pub(crate) fn runs_commands(&self) -> bool {
        let is_command = |place: &Option<SecretPlace>| matches!(place, Some(SecretPlace::Cmd(_)));
        let workload = self.workload.as_ref();
        is_command(&self.client_secret)
            || is_command(&self.private_key)
            || self.browser.as_ref().is_some_and(|it| !it.is_default())
            || self
                .store
                .as_ref()
                .is_some_and(|it| it.starts_with("exec:"))
            || workload.is_some_and(|it| it.cmd.is_some())
    }

    /// Makes the paths of a file mean the same in every folder: `~` is the home, and what is
    /// relative lies beside the file.
    pub(crate) fn resolve(&mut self, beside: &Path) {
        let workload = self.workload.as_mut().and_then(|it| it.file.as_mut());
        let places = [self.client_secret.as_mut(), self.private_key.as_mut()];
        let secrets = places
            .into_iter()
            .flatten()
            .filter_map(|place| match place {
                SecretPlace::File(file) => Some(file),
                SecretPlace::Env(_) | SecretPlace::Cmd(_) => None,
            });
        for path in secrets.chain(self.ca_bundle.as_mut()).chain(workload) {
            *path = beside.join(expand_home(path));
        }
    }
}

impl CommandLine {
    /// Whether it is no command but the word `default`.
    pub(crate) fn is_default(&self) -> bool {
        matches!(self.0.as_slice(), [only] if only == "default")
    }
}

/// `~` and `~/x` are the home of this user and below.
pub(crate) fn expand_home(path: &Path) -> PathBuf {
    match (path.strip_prefix("~"), etcetera::home_dir()) {
        (Ok(below), Ok(home)) => home.join(below),
        _ => path.to_owned(),
    }
}

impl<'de> Deserialize<'de> for CommandLine {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Text(String),
            List(Vec<String>),
        }
        let list = match Form::deserialize(from)? {
            Form::Text(text) => command_of(&text).map_err(serde::de::Error::custom)?,
            Form::List(list) => list,
        };
        if list.first().is_none_or(String::is_empty) {
            return Err(serde::de::Error::custom("it names no program"));
        }
        Ok(Self(list))
    }
}

fn a_store<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let text = Option::<String>::deserialize(from)?;
    if let Some(text) = &text {
        Store::parse(text)
            .map_err(|error| serde::de::Error::custom(format!("{error}: {}", error.hint())))?;
    }
    Ok(text)
}

fn a_span<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let text = Option::<String>::deserialize(from)?;
    if let Some(text) = &text {
        duration::parse(text).map_err(serde::de::Error::custom)?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every field, so that a field which `or` forgets is noticed.
    const FULL: &str = r#"
        issuer = "https://a.test"
        provider = "google"
        client_id = "a"
        scopes = ["openid"]
        resource = ["https://api.test"]
        audience = ["urn:api"]
        flow = "device"
        callback_ports = [0]
        callback_path = "/callback"
        auth_method = "private_key_jwt"
        public_secret = true
        explicit = true
        store = "exec:op x"
        min_validity = "5m"
        browser = "firefox %u"
        dpop = "required"
        par = "off"
        pkce = "required"
        helpers_may_prompt = false
        ca_bundle = "~/ca.pem"
        client_secret = { cmd = ["op", "read", "x"] }
        private_key = { file = "key.pem" }
        private_key_id = "robot-1"
        [workload]
        source = "exec"
        audience = "https://a.test"
        grant = "jwt-bearer"
        file = "token"
        cmd = ["x"]
        [helpers]
        git = ["https://git.test"]
    "#;

    #[test]
    fn the_first_settings_win_member_by_member() {
        let full: Settings = toml::from_str(FULL).unwrap();
        assert_eq!(Settings::default().or(full.clone()), full);
        let other = Settings {
            issuer: Some("https://b.test".to_owned()),
            ..Settings::default()
        };
        assert_eq!(full.clone().or(other.clone()), full);
        let merged = other.or(full);
        assert_eq!(merged.issuer.as_deref(), Some("https://b.test"));
        assert_eq!(merged.client_id.as_deref(), Some("a"));
    }

    #[test]
    fn what_is_written_reads_back() {
        let full: Settings = toml::from_str(FULL).unwrap();
        let members = serde_json::to_value(&full).unwrap();
        let unset = members
            .as_object()
            .unwrap()
            .iter()
            .find(|(_, value)| value.is_null());
        assert_eq!(unset, None, "the test's text lacks a field");
        for settings in [full, Settings::default()] {
            let text = toml::to_string(&settings).unwrap();
            assert_eq!(
                toml::from_str::<Settings>(&text).unwrap(),
                settings,
                "{text}"
            );
        }
    }

    #[test]
    fn paths_of_a_file_lie_beside_it_or_in_the_home() {
        let mut settings: Settings = toml::from_str(FULL).unwrap();
        settings.resolve(Path::new("/etc/hallpass"));
        let key = SecretPlace::File("/etc/hallpass/key.pem".into());
        assert_eq!(settings.private_key, Some(key));
        let home = etcetera::home_dir().unwrap();
        assert_eq!(settings.ca_bundle, Some(home.join("ca.pem")));
    }

    #[test]
    fn a_store_or_a_span_that_is_none_is_refused_where_it_stands() {
        for bad in [
            "store = \"cloud\"",
            "min_validity = \"soon\"",
            "browser = \"a 'b'\"",
        ] {
            assert!(toml::from_str::<Settings>(bad).is_err(), "{bad}");
        }
    }
}
