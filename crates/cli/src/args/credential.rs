//! The command lines of `credential`, which other programs write, and of `setup`, which tells them to.

use clap::{Args, Subcommand, ValueEnum};

/// `hallpass credential`.
#[derive(Debug, Subcommand)]
pub(crate) enum CredentialCommand {
    /// Answer git (gitcredentials(7))
    Git(OperationArg),
    /// Answer kubectl and other programs with client-go
    Kubectl {
        /// Which token the cluster wants
        #[arg(long, value_name = "TYPE", default_value = "id")]
        token_type: ClusterToken,
    },
    /// Answer docker
    Docker(OperationArg),
    /// Answer Bazel, and whoever speaks its protocol
    #[command(alias = "bazel")]
    Json(OperationArg),
}

/// What the other program wants.
#[derive(Debug, Args)]
pub(crate) struct OperationArg {
    /// The word of the protocol, such as `get`
    #[arg(value_name = "OPERATION")]
    pub(crate) operation: String,
}

/// Which token a cluster wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ClusterToken {
    /// Who the user is, as clusters with OpenID Connect want it
    Id,
    /// What the user may do
    Access,
}

/// `hallpass setup`.
#[derive(Debug, Subcommand)]
pub(crate) enum SetupCommand {
    /// Let git use the tokens of a profile for one host
    Git {
        /// The host, with its port where that is not 443
        #[arg(value_name = "HOST")]
        host: String,
        #[command(flatten)]
        mode: SetupMode,
    },
    /// Let kubectl use the tokens of a profile in one context
    Kubectl {
        /// The context, as `kubectl config get-contexts` names it
        #[arg(value_name = "CONTEXT")]
        context: String,
        /// Which token the cluster wants
        #[arg(long, value_name = "TYPE", default_value = "id")]
        token_type: ClusterToken,
        #[command(flatten)]
        mode: SetupMode,
    },
    /// Let docker use the tokens of a profile for one registry
    Docker {
        /// The registry, with its port where that is not 443
        #[arg(value_name = "REGISTRY")]
        registry: String,
        #[command(flatten)]
        mode: SetupMode,
    },
    /// Let Bazel use the tokens of a profile for one host
    #[command(alias = "bazel")]
    Json {
        /// The host, with its port where that is not 443
        #[arg(value_name = "HOST")]
        host: String,
        #[command(flatten)]
        mode: SetupMode,
    },
}

/// What becomes of the other program's settings.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct SetupMode {
    /// Take back what `setup` wrote
    #[arg(long)]
    pub(crate) undo: bool,
    /// Print what would be written, and write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

impl ClusterToken {
    /// Its name on the command line.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Access => "access",
        }
    }
}
