//! The flags of the commands that run a server.

use clap::Args;

/// `hallpass serve`.
#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of its own on the command line"
)]
pub(crate) struct ServeArgs {
    /// The mode for development and tests: any name signs in, nothing is kept
    #[arg(long)]
    pub(crate) dev: bool,
    /// The address to listen on (default: loopback only)
    #[arg(long, value_name = "HOST", requires = "dev")]
    pub(crate) host: Option<String>,
    /// The port to listen on; 0 takes any free one (default: 8080)
    #[arg(long, value_name = "PORT", requires = "dev")]
    pub(crate) port: Option<u16>,
    /// Clients must be configured, unknown keys are errors
    #[arg(long, requires = "dev")]
    pub(crate) strict: bool,
    /// Also serve public addresses in dev mode
    #[arg(long, requires = "dev")]
    pub(crate) dev_public: bool,
    /// Let other machines use the control API of dev mode too
    #[arg(long, requires = "dev")]
    pub(crate) dev_control_public: bool,
    /// The address by which clients know the server
    #[arg(long, value_name = "URL", requires = "dev")]
    pub(crate) issuer_url: Option<String>,
    /// The database, in place of the settings' own; dev mode keeps everything in memory and refuses it
    #[arg(long, value_name = "URL")]
    pub(crate) database: Option<String>,
}

/// `hallpass demo`.
#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of its own on the command line"
)]
pub(crate) struct DemoArgs {
    /// Only the flow for a machine with a browser
    #[arg(long, conflicts_with_all = ["device", "all"])]
    pub(crate) browser: bool,
    /// Only the flow for a machine without a browser
    #[arg(long, conflicts_with = "all")]
    pub(crate) device: bool,
    /// Both flows (default)
    #[arg(long)]
    pub(crate) all: bool,
    /// Let the demo play the person too
    #[arg(short, long)]
    pub(crate) yes: bool,
}
