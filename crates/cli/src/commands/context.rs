//! What every command is given.

use hallpass_client::{Client, Session, flow};

use crate::args::{GlobalArgs, ProfileArg, ServerArgs};
use crate::config::Target;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::output::Output;
use crate::profile::{Folder, Profile, Wanted};

/// The surroundings of a command.
pub(crate) struct Context {
    /// The variables.
    pub(crate) environment: Environment,
    /// Where words go.
    pub(crate) output: Output,
    /// The flags of every command.
    pub(crate) global: GlobalArgs,
}

impl Context {
    /// The profile of a command that names at most a profile.
    pub(crate) fn profile(&self, arg: &ProfileArg) -> Result<Profile, Failure> {
        self.profile_at(arg, &ServerArgs::default())
    }

    /// The profile of a command that may name a server too.
    pub(crate) fn profile_at(
        &self,
        arg: &ProfileArg,
        server: &ServerArgs,
    ) -> Result<Profile, Failure> {
        let named = arg.profile.as_deref();
        self.load(Wanted {
            named,
            server,
            target: None,
            folder: Folder::Heard,
        })
    }

    /// The profile for the tokens of an address.
    pub(crate) fn profile_for(
        &self,
        arg: &ProfileArg,
        target: Option<&Target>,
    ) -> Result<Profile, Failure> {
        let (named, server) = (arg.profile.as_deref(), &ServerArgs::default());
        self.load(Wanted {
            named,
            server,
            target,
            folder: Folder::Heard,
        })
    }

    /// One of several profiles: what a folder's file says about it is told elsewhere.
    pub(crate) fn quiet_profile(&self, name: &str) -> Result<Profile, Failure> {
        let (named, server) = (Some(name), &ServerArgs::default());
        Profile::load(
            &self.global,
            Wanted {
                named,
                server,
                target: None,
                folder: Folder::Heard,
            },
            &self.environment,
        )
    }

    /// The profile that serves a host. The program that asks runs in other people's repositories: their
    /// `.hallpass.toml` is not read.
    pub(crate) fn profile_of_helper(&self, name: &str) -> Result<Profile, Failure> {
        let (named, server) = (Some(name), &ServerArgs::default());
        let wanted = Wanted {
            named,
            server,
            target: None,
            folder: Folder::Ignored,
        };
        Profile::load(&self.global, wanted, &self.environment)
    }

    fn load(&self, wanted: Wanted<'_>) -> Result<Profile, Failure> {
        let profile = Profile::load(&self.global, wanted, &self.environment)?;
        for note in &profile.notes {
            self.output.warn(note);
        }
        Ok(profile)
    }

    /// What matters for the choice of the flow.
    pub(crate) fn surroundings(&self) -> flow::Environment {
        let surroundings = flow::Environment::detect();
        if self.global.no_input || self.environment.is_on("HALLPASS_NO_INPUT") {
            surroundings.with(flow::Sign::NoInput)
        } else {
            surroundings
        }
    }

    /// The session of a profile, which must be there.
    pub(crate) async fn session(client: &Client, profile: &Profile) -> Result<Session, Failure> {
        let session = client.session().await?;
        session.ok_or_else(|| Self::nobody(profile))
    }

    /// Why a command that needs a session cannot go on.
    pub(crate) fn nobody(profile: &Profile) -> Failure {
        Failure::login_required(format!(
            "nobody is signed in with profile `{}`",
            profile.name
        ))
        .sign_in_with(&profile.login_command())
    }
}
