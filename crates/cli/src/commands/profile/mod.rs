//! `hallpass profile`: what the profiles say, and changes of what is remembered. `config.toml` is the
//! person's own: nothing here writes it.

mod add;
mod client_file;
mod import;
mod imported;
mod kubeconfig;
mod list;
mod remove;
mod show;
mod trust;

use crate::args::ProfileCommand;
use crate::commands::Context;
use crate::config::{ProfileFile, Settings};
use crate::failure::Failure;
use crate::files::Places;

/// Does one of them.
pub(crate) fn run(command: &ProfileCommand, context: &Context) -> Result<(), Failure> {
    match command {
        ProfileCommand::List => list::run(context),
        ProfileCommand::Show { profile, origin } => show::run(profile, *origin, context),
        ProfileCommand::Add(args) => add::run(args, context),
        ProfileCommand::Remove { name } => remove::run(name, context),
        ProfileCommand::Default { name } => remove::choose_default(name, context),
        ProfileCommand::Import(args) => import::run(args, context),
        ProfileCommand::Trust { folder, undo } => trust::run(folder, *undo, context),
    }
}

/// The person's own file and what is remembered.
struct Files {
    places: Places,
    config: ProfileFile,
    remembered: ProfileFile,
}

impl Files {
    fn read(context: &Context) -> Result<Self, Failure> {
        let places = Places::find(context.global.config.as_deref(), &context.environment)?;
        Ok(Self {
            config: ProfileFile::read_config(&places.config)?,
            remembered: ProfileFile::read_remembered(&places)?,
            places,
        })
    }

    /// Whether a new profile of that name would be heard, and may replace what is there.
    fn may_add(&self, name: &str, is_forced: bool) -> Result<(), Failure> {
        crate::config::judge_name(name)?;
        if self.config.profile.contains_key(name) {
            let file = self.places.config.display();
            return Err(Failure::config(format!("profile `{name}` is in {file}"))
                .hint_to("change it there, or take another name"));
        }
        if self.remembered.profile.contains_key(name) && !is_forced {
            return Err(
                Failure::config(format!("there is a profile `{name}` already"))
                    .hint_to("--force replaces it"),
            );
        }
        Ok(())
    }

    /// Row C-82: what is signed in must not become another server's.
    fn may_replace(&self, context: &Context, name: &str, new: &Settings) -> Result<(), Failure> {
        let Some(old) = self.remembered.profile.get(name) else {
            return Ok(());
        };
        let is_same = old.issuer == new.issuer && old.client_id == new.client_id;
        if is_same || !context.quiet_profile(name)?.has_session()? {
            return Ok(());
        }
        Err(
            Failure::config(format!("somebody is signed in with profile `{name}`"))
                .hint_to(format!("run `hallpass logout {name}` first")),
        )
    }
}
