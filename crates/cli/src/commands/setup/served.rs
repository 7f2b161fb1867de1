//! Our own side: the hosts that a profile serves, in what `hallpass login` remembers.

use hallpass_client::clean;

use super::step::{Act, Sign, Step};
use crate::args::ProfileArg;
use crate::commands::Context;
use crate::config::{Helper, HelperPlace, Helpers, ProfileFile, Settings};
use crate::failure::Failure;
use crate::files::Places;
use crate::profile::Profile;

/// The profile that serves a host, or is to.
pub(super) struct Served {
    /// Its name.
    pub(super) profile: String,
    places: Places,
    config: ProfileFile,
    remembered: ProfileFile,
    loaded: Option<Profile>,
}

impl Served {
    /// Finds the profile: what is undone is the one that serves the host.
    pub(super) fn find(
        (helper, place): (Helper, &HelperPlace),
        undo: bool,
        context: &Context,
    ) -> Result<Self, Failure> {
        let places = Places::find(context.global.config.as_deref(), &context.environment)?;
        let config = ProfileFile::read_config(&places.config)?;
        let remembered = ProfileFile::read_remembered(&places)?;
        let profiles = config.profile.iter().chain(&remembered.profile);
        let serves = |(_, settings): &(&String, &Settings)| settings.serves(helper, place);
        let serving: Vec<&String> = profiles.filter(serves).map(|(name, _)| name).collect();
        let flag = context.global.profile_flag.as_ref();
        let (profile, loaded) = if undo {
            let named = flag.or(serving.first().copied()).cloned();
            (named.unwrap_or_default(), None)
        } else {
            let profile = context.profile(&ProfileArg { profile: None })?;
            if let Some(other) = serving.iter().find(|name| ***name != profile.name) {
                return Err(
                    Failure::config(format!("profile `{other}` serves {place} already")).hint_to(
                        format!("take it back first: the same command with --undo -p {other}"),
                    ),
                );
            }
            profile.issuer()?;
            profile.client_id()?;
            if !profile.is_remembered && !profile.is_configured {
                let text = format!("profile `{}` is not kept anywhere", profile.name);
                return Err(Failure::config(text)
                    .hint_to(format!("sign in first: `{}`", profile.login_command())));
            }
            (profile.name.clone(), Some(profile))
        };
        Ok(Self {
            profile,
            places,
            config,
            remembered,
            loaded,
        })
    }

    /// What changes in it.
    pub(super) fn step(
        &self,
        (helper, place): (Helper, &HelperPlace),
        undo: bool,
    ) -> Result<Option<Step>, Failure> {
        let name = &self.profile;
        let own = self.config.profile.get(name);
        let kept = self.remembered.profile.get(name);
        let is_own = own.is_some_and(|own| own.serves(helper, place));
        let is_kept = kept.is_some_and(|kept| kept.serves(helper, place));
        let file = self.places.config.display();
        let line = format!("helpers.{} = \"{place}\"", helper.as_str());
        if undo && is_own {
            return Err(
                Failure::config(format!("{place} is in {file}")).hint_to(format!(
                    "take it out of `helpers` of [profile.{name}] there"
                )),
            );
        }
        // Whoever writes `helpers` into their own file is the only one who is heard about it.
        if !undo && !is_own && own.is_some_and(|own| own.helpers.is_some()) {
            return Err(
                Failure::config(format!("`helpers` of profile `{name}` is in {file}")).hint_to(
                    format!("add \"{place}\" to helpers.{} there", helper.as_str()),
                ),
            );
        }
        if is_own || is_kept != undo {
            return Ok(None);
        }
        let (change_name, change_place) = (name.clone(), place.clone());
        let change = move |file: &mut ProfileFile| {
            if undo {
                remove(file, &change_name, (helper, &change_place));
            } else {
                let settings = file.profile.entry(change_name.clone()).or_default();
                let helpers = settings.helpers.get_or_insert_default();
                helpers
                    .entry(helper)
                    .or_default()
                    .push(change_place.clone());
            }
        };
        let shown = format!(
            "{} [profile.{}]",
            self.places.profiles().display(),
            clean::text(name)
        );
        let act = Act::Remember(self.places.clone(), Box::new(change));
        let sign = if undo { Sign::Goes } else { Sign::Comes };
        Ok(Some(Step::new(shown, act).line(sign, line)))
    }

    /// What stands between the person and the first token.
    pub(super) fn notes(
        &self,
        helper: Helper,
        place: &HelperPlace,
    ) -> Result<Vec<String>, Failure> {
        let mut notes = Vec::new();
        let Some(profile) = &self.loaded else {
            return Ok(notes);
        };
        let command = profile.login_command();
        let session = profile.client_without_secret()?.build()?.find_session()?;
        match session {
            None if !profile.is_program()? => {
                notes.push(format!("nobody is signed in yet: run `{command}`"));
            }
            Some(session) if session.is_bound() && helper != Helper::Kubectl => {
                notes.push(format!(
                    "the tokens are bound to a key of this machine (DPoP), which {} cannot use: run `{command} \
                     --no-dpop --force`",
                    helper.as_str()
                ));
            }
            _ => {}
        }
        if helper == Helper::Json {
            notes.push(super::bazel::line(place));
        }
        Ok(notes)
    }
}

/// Leaves nothing empty behind.
fn remove(file: &mut ProfileFile, name: &str, (helper, place): (Helper, &HelperPlace)) {
    let Some(settings) = file.profile.get_mut(name) else {
        return;
    };
    if let Some(helpers) = &mut settings.helpers {
        if let Some(places) = helpers.get_mut(&helper) {
            places.retain(|own| own != place);
        }
        helpers.retain(|_, places| !places.is_empty());
    }
    if settings.helpers.as_ref().is_some_and(Helpers::is_empty) {
        settings.helpers = None;
    }
    if *settings == Settings::default() {
        file.profile.remove(name);
    }
}
