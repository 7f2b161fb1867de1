//! What every command is given.

use hallpass_client::{Client, Session, flow};

use crate::args::{GlobalArgs, ProfileArg, ServerArgs};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::output::Output;
use crate::profile::Profile;

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
        Profile::load(&self.global, named, server, &self.environment)
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
        session.ok_or_else(|| {
            Failure::login_required(format!(
                "nobody is signed in with profile `{}`",
                profile.name
            ))
            .sign_in_with(&profile.login_command())
        })
    }
}
