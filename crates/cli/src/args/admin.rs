//! `hallpass admin`: what an operator does to a server's records, on the command line.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use hallpass_server::languages::Language;

/// `hallpass admin`.
#[derive(Debug, Args)]
pub(crate) struct AdminArgs {
    /// The database, in place of the settings' own
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) database: Option<String>,
    /// Work on the database itself; nothing else is offered yet
    #[arg(long, global = true)]
    pub(crate) offline: bool,
    /// What to do
    #[command(subcommand)]
    pub(crate) command: AdminCommand,
}

/// What to do to the records.
#[derive(Debug, Subcommand)]
pub(crate) enum AdminCommand {
    /// Signing keys, and the key ring that seals the database
    Keys {
        /// What to do
        #[command(subcommand)]
        command: KeysCommand,
    },
    /// People with accounts
    User {
        /// What to do
        #[command(subcommand)]
        command: UserCommand,
    },
    /// What happened: records that nobody changes unnoticed
    Audit {
        /// What to do
        #[command(subcommand)]
        command: AuditCommand,
    },
    /// The tables of the database
    Migrate {
        /// What to do
        #[command(subcommand)]
        command: MigrateCommand,
    },
    /// Copy a SQLite database into a new file, also while a server uses it
    Backup {
        /// The new file
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Put a copy in the place of the SQLite database
    Restore(RestoreArgs),
    /// The settings of the server
    Config {
        /// What to do
        #[command(subcommand)]
        command: ServerConfigCommand,
    },
}

/// `hallpass admin keys`.
#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// List the signing keys
    List,
    /// Make a successor for each signing key; it takes over a day later
    Rotate {
        /// Let the successors sign as soon as every node publishes them
        #[arg(long)]
        now: bool,
        /// Also remove this key, without waiting for the nodes: what it signed is refused
        #[arg(long, value_name = "KID", requires = "now")]
        revoke: Option<String>,
    },
    /// Remove a signing key: what it signed is refused
    Revoke {
        /// The key
        #[arg(value_name = "KID")]
        kid: String,
    },
    /// Seal the database with the first key of the ring
    Reencrypt,
    /// Make a key ring in a new file
    NewRing {
        /// The new file
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Begin with the keys of this ring; the new key comes first
        #[arg(long, value_name = "FILE")]
        from: Option<PathBuf>,
    },
}

/// `hallpass admin user`.
#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Make an account and mail its person a link to choose a password
    Invite {
        /// Who
        #[command(flatten)]
        user: NewUserArgs,
        /// Print the link instead of sending it
        #[arg(long)]
        print_link: bool,
    },
    /// Make an account
    Create(CreateUserArgs),
    /// List the accounts
    List,
    /// Let nobody sign in to an account, and sign its person out everywhere
    Lock {
        /// The user name
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Open a locked account again; what the lock ended stays so
    Unlock {
        /// The user name
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Sign a person out of everything
    SignOut {
        /// The user name
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Show an account, and which second factors it has
    Show {
        /// The user name
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Remove every second factor of a person who lost them, and sign them out everywhere
    ResetMfa {
        /// The user name
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Set a password, read from standard input, and sign the person out everywhere
    SetPassword {
        /// The user name
        #[arg(value_name = "NAME")]
        name: String,
    },
}

/// A new account.
#[derive(Debug, Args)]
pub(crate) struct NewUserArgs {
    /// The user name: ASCII letters, digits and `. _ - + @`
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Where mail goes
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) email: Option<String>,
    /// What others read
    #[arg(long, value_name = "TEXT")]
    pub(crate) display_name: Option<String>,
    /// What the person may administer
    #[arg(long, value_name = "ROLE", default_value = "user")]
    pub(crate) role: RoleWord,
    /// The language of their mails, until they choose one themselves
    #[arg(long, value_name = "TAG", value_parser = Language::ALL.map(Language::tag))]
    pub(crate) locale: Option<String>,
}

/// `hallpass admin user create`.
#[derive(Debug, Args)]
pub(crate) struct CreateUserArgs {
    #[command(flatten)]
    pub(crate) user: NewUserArgs,
    /// Read its password from standard input; without one nobody signs in until a link is used
    #[arg(long)]
    pub(crate) password_stdin: bool,
}

/// What a person may administer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RoleWord {
    /// Their own account
    User,
    /// Everything
    Admin,
    /// Nothing, but they may read the records
    Auditor,
}

/// `hallpass admin audit`.
#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Print the newest records, the last one last
    Tail {
        /// So many
        #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
        count: u32,
    },
    /// Print the records that have all that is named, the newest first
    Search(AuditSearchArgs),
    /// Check that no record was changed, added or removed
    Verify {
        /// Ends of the chains as they were noted before: what `anchor` printed, or the file of a sink
        #[arg(long = "anchor", value_name = "FILE")]
        anchors: Vec<PathBuf>,
    },
    /// Print the signed ends of the chains, to be kept where nobody who may change the database may write
    Anchor,
}

/// `hallpass admin audit search`.
#[derive(Debug, Args)]
pub(crate) struct AuditSearchArgs {
    /// The name of an event, or the part before its dot
    #[arg(long, value_name = "NAME")]
    pub(crate) event: Option<String>,
    /// The user name of a person, or their id
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Option<String>,
    /// A client
    #[arg(long, value_name = "ID")]
    pub(crate) client: Option<String>,
    /// A sign-in
    #[arg(long, value_name = "SID")]
    pub(crate) sid: Option<String>,
    /// The reference that a page showed
    #[arg(long = "ref", value_name = "REF")]
    pub(crate) reference: Option<String>,
    /// Not older than this: `24h`, or `2026-11-21T08:00:00Z`
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// Older than this
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
    /// So many at most
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) limit: u32,
}

/// `hallpass admin migrate`.
#[derive(Clone, Copy, Debug, Subcommand)]
pub(crate) enum MigrateCommand {
    /// Say what `up` would do
    Plan,
    /// Bring the tables to this version
    Up,
    /// Say how far the tables are
    Status,
}

/// `hallpass admin restore`.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("sessions").required(true).args(["end_sessions", "keep_sessions"])))]
pub(crate) struct RestoreArgs {
    /// The copy
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Everybody signs in again: the copy has forgotten who was signed out since
    #[arg(long)]
    pub(crate) end_sessions: bool,
    /// Keep every sign-in of the copy, also those that were ended since
    #[arg(long)]
    pub(crate) keep_sessions: bool,
    /// End again what this audit file says has ended: of a sink, or of `admin audit search -o json`
    #[arg(long, value_name = "FILE", conflicts_with = "end_sessions")]
    pub(crate) replay_audit: Option<PathBuf>,
}

/// `hallpass admin config`.
#[derive(Clone, Copy, Debug, Subcommand)]
pub(crate) enum ServerConfigCommand {
    /// Read the settings as the server would, and say what is wrong
    Check,
    /// Print the JSON Schema of `server.toml`, for editors
    Schema,
    /// Print the settings, secrets masked
    Show {
        /// With every default
        #[arg(long, required = true)]
        effective: bool,
    },
}
