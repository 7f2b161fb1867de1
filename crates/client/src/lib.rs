//! Signs a program in with OAuth 2 and OpenID Connect, and keeps its tokens fresh.
//!
//! ```no_run
//! use hallpass_client::{Client, SignIn};
//!
//! #[tokio::main]
//! async fn main() -> Result<(), hallpass_client::Error> {
//!     let client = Client::builder("https://login.example.com", "acme-cli") // issuer, client_id
//!         .app_name("acme").scopes(["openid", "offline_access", "api:read"])
//!         .resource("https://api.example.com").build()?;                    // the only origin that gets the token
//!     let session = client.sign_in(SignIn::auto()).await?;                  // silent if possible, else a browser or a code
//!     let http = session.http();                                            // adds the token, refreshes, retries a 401 once
//!     println!("{}", http.get("https://api.example.com/me").send().await?.text().await?);
//!     Ok(())
//! }
//! ```
//!
//! What it does, by file: [`Client`] finds the server (RFC 8414), signs in with the code flow on
//! loopback (RFC 8252, RFC 7636) or the device flow (RFC 8628), checks the ID token (OIDC Core
//! §3.1.3.7) and keeps the session in a [`TokenStore`]; a [`Session`] hands out tokens that are
//! always fresh, and attaches them to requests.
//!
//! Every call has a deadline, no secret is ever printed, and no check can be left out.

mod account;
mod address;
mod async_store;
mod authorization_server;
mod authorized_http;
pub mod clean;
mod client;
mod client_builder;
mod credentials;
mod error;
mod fingerprint;
pub mod flow;
mod grants;
mod http;
mod provider;
mod refresh;
mod renewal;
mod session;
mod sign_in;
mod sign_out;
mod timer;
mod tokens;
mod ui;
mod userinfo;
mod watcher;

use std::future::Future;
use std::pin::Pin;

pub use account::Account;
pub use authorized_http::{AuthorizedHttp, AuthorizedRequest};
pub use client::Client;
pub use client_builder::ClientBuilder;
pub use credentials::{
    FileStore, Generation, LockAttempt, MemoryStore, RefreshIntent, SessionKey, SessionRecord,
    Store, StoreError, StoreGuard, StoreInfo, StorePlace, TokenStore, UnknownStore, Versioned,
};
pub use error::{Error, ErrorKind, SecurityViolation};
pub use grants::{JwtBearer, TokenExchange, TokenSet};
pub use hallpass_protocol::id_token::IdTokenClaims;
pub use hallpass_protocol::metadata::Metadata;
pub use hallpass_protocol::token::TokenTypeUri;
pub use hallpass_protocol::userinfo::UserInfo;
pub use hallpass_protocol::{Clock, OAuthError, Scopes, Secret, Timestamp};
pub use http::ClientAuth;
pub use provider::{Identity, Provider, ProviderSecret};
pub use session::{Session, SessionStatus};
pub use sign_in::{CallbackHost, CancelSignIn, SignIn};
pub use sign_out::{SignOutReport, SignOutStep, StepResult};
pub use timer::{Timer, TokioTimer};
pub use tokens::{AccessToken, IdToken, TokenType};
pub use ui::{
    Browser, BrowserStart, Prompt, SilentUi, SystemBrowser, TerminalStyle, TerminalUi, Ui, UiCaps,
    UiOutcome,
};
pub use watcher::{Exchange, Watcher};

/// A boxed future, so that the traits of this crate can be trait objects.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
