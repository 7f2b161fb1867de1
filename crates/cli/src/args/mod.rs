//! The command line: every command and flag, described once.

mod admin;
mod command_line;
mod credential;
mod profile;
mod serve;
mod server;
mod sign_in;
mod tokens;

pub(crate) use hallpass_client::clap::Ports;

pub(crate) use admin::{
    AdminArgs, AdminCommand, AuditCommand, AuditSearchArgs, KeysCommand, MigrateCommand,
    NewUserArgs, RestoreArgs, RoleWord, ServerConfigCommand, UserCommand,
};
pub(crate) use command_line::{Cli, Color, Command, Format, GlobalArgs, Shell};
pub(crate) use credential::{ClusterToken, CredentialCommand, SetupCommand, SetupMode};
pub(crate) use profile::{DoctorArgs, ProfileAddArgs, ProfileCommand, ProfileImportArgs};
pub(crate) use serve::{DemoArgs, ServeArgs};
pub(crate) use server::{ProfileArg, ServerArgs};
pub(crate) use sign_in::{Flow, LoginArgs, LogoutArgs};
pub(crate) use tokens::{
    ExchangeArgs, JwtCommand, RequestArgs, TokenArgs, TokenChoice, WhoamiArgs,
};
