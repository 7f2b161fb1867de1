//! `hallpass credential`: other programs ask, each in its own protocol.

use crate::args::CredentialCommand;
use crate::commands::Context;
use crate::credential_helpers as helpers;
use crate::failure::Failure;

/// Answers one of them.
pub(crate) fn run(command: &CredentialCommand, context: &Context) -> Result<(), Failure> {
    match command {
        CredentialCommand::Git(asked) => helpers::git(&asked.operation, context),
        CredentialCommand::Kubectl { token_type } => helpers::kubectl(*token_type, context),
        CredentialCommand::Docker(asked) => helpers::docker(&asked.operation, context),
        CredentialCommand::Json(asked) => helpers::json(&asked.operation, context),
    }
}
