//! Which profile a command is about, and which server.

use std::path::PathBuf;

use clap::Args;

/// Whose session.
#[derive(Debug, Default, Args)]
pub(crate) struct ProfileArg {
    /// The profile (default: the first one that signed in)
    #[arg(value_name = "PROFILE")]
    pub(crate) profile: Option<String>,
}

/// Which server, as which client.
#[derive(Debug, Default, Args)]
pub(crate) struct ServerArgs {
    /// The server, exactly as it names itself
    #[arg(long, value_name = "URL")]
    pub(crate) issuer: Option<String>,
    /// A provider that is known by name instead of its issuer, such as `github` or `okta:HOST`
    #[arg(long, value_name = "NAME", conflicts_with = "issuer")]
    pub(crate) provider: Option<String>,
    /// The client id that the server knows
    #[arg(long, value_name = "ID")]
    pub(crate) client_id: Option<String>,
    /// Read the client secret from this file
    #[arg(long, value_name = "FILE", conflicts_with = "client_secret_stdin")]
    pub(crate) client_secret_file: Option<PathBuf>,
    /// Read the client secret from standard input
    #[arg(long)]
    pub(crate) client_secret_stdin: bool,
    /// Read the client secret from this variable
    #[arg(long, value_name = "NAME", conflicts_with_all = ["client_secret_file", "client_secret_stdin"])]
    pub(crate) client_secret_env: Option<String>,
    /// Read the client secret from what this command prints; no shell sees it
    #[arg(long, value_name = "COMMAND",
          conflicts_with_all = ["client_secret_file", "client_secret_stdin", "client_secret_env"])]
    pub(crate) client_secret_cmd: Option<String>,
    /// Prove who the client is with the private key in this file, PEM or JWK (RFC 7523)
    #[arg(long, value_name = "FILE",
          conflicts_with_all = ["client_secret_file", "client_secret_stdin", "client_secret_env", "client_secret_cmd"])]
    pub(crate) private_key_file: Option<PathBuf>,
    /// The id (`kid`) under which the server has that key
    #[arg(long, value_name = "KID")]
    pub(crate) private_key_id: Option<String>,
    /// How the client proves who it is (default: as the server says)
    #[arg(long, value_name = "METHOD",
          value_parser = ["none", "client_secret_basic", "client_secret_post", "private_key_jwt"])]
    pub(crate) auth_method: Option<String>,
}
