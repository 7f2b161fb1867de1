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
mod accounts;
mod address;
pub mod answers;
mod async_store;
mod authorization_server;
mod authorized_http;
#[cfg(feature = "blocking")]
pub mod blocking;
#[cfg(feature = "clap")]
pub mod clap;
pub mod clean;
mod client;
mod client_auth;
mod client_builder;
mod credentials;
mod dpop;
mod error;
mod file_lock;
mod fingerprint;
mod finish;
pub mod flow;
mod grants;
mod http;
mod network;
mod protected_resource;
mod provider;
mod redirect_path;
mod refresh;
mod registration;
mod renewal;
mod session;
mod sign_in;
mod sign_out;
mod sign_out_page;
mod timer;
mod token_source;
mod tokens;
#[cfg(feature = "tower")]
pub mod tower;
mod ui;
mod userinfo;
mod watcher;

use std::future::Future;
use std::pin::Pin;

pub use account::Account;
pub use authorization_server::PushedRequests;
pub use authorized_http::{
    AuthorizedCall, AuthorizedHttp, AuthorizedRequest, StepUpChallenge, Then,
};
pub use client::Client;
pub use client_auth::{ClientAuthMethod, PrivateKey, PrivateKeyError};
pub use client_builder::ClientBuilder;
pub use credentials::{
    FileStore, Generation, LockAttempt, MemoryStore, RefreshIntent, SessionKey, SessionRecord,
    Store, StoreError, StoreGuard, StoreInfo, StorePlace, TokenStore, UnknownStore, Versioned,
};
pub use dpop::DpopMode;
pub use error::{Error, ErrorKind, SecurityViolation};
pub use finish::finish;
pub use grants::{JwtBearer, ServiceTokens, TokenExchange, TokenSet};
pub use hallpass_protocol::id_token::IdTokenClaims;
pub use hallpass_protocol::metadata::Metadata;
pub use hallpass_protocol::registration::ClientMetadata;
pub use hallpass_protocol::token::TokenTypeUri;
pub use hallpass_protocol::userinfo::UserInfo;
pub use hallpass_protocol::{Clock, OAuthError, Scopes, Secret, Timestamp};
pub use network::{HttpTransport, SystemTransport, TransportError, TransportErrorKind};
pub use protected_resource::ProtectedResource;
pub use provider::{Identity, Provider, ProviderSecret};
pub use registration::RegisteredClient;
pub use session::{Session, SessionStatus};
pub use sign_in::{CallbackHost, CancelSignIn, DeviceAuthorization, SignIn};
pub use sign_out::{SignOutReport, SignOutStep, StepResult};
pub use timer::{Timer, TokioTimer};
pub use token_source::{TokenRequest, TokenSource};
pub use tokens::{AccessToken, IdToken, TokenType};
pub use ui::{
    Browser, BrowserStart, Prompt, SilentUi, SystemBrowser, TerminalStyle, TerminalUi, Ui, UiCaps,
    UiOutcome,
};
pub use watcher::{Exchange, Watcher};

/// The HTTP library whose requests and answers this crate hands around.
pub use reqwest;

/// A boxed future, so that the traits of this crate can be trait objects.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
