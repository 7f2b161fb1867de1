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

mod authorization_code;
mod authorized_http;
mod browser;
mod callback;
pub mod clean;
mod client;
mod client_credentials;
mod credentials;
mod device_code;
mod discovery;
mod error;
mod fingerprint;
pub mod flow;
mod http;
mod issuer_keys;
mod jwt_bearer;
mod loopback;
mod loopback_page;
mod refresh;
mod session;
mod sign_in;
mod sign_out;
mod store_calls;
mod terminal;
mod terminal_qr;
mod timer;
mod token_endpoint;
mod token_exchange;
mod tokens;
mod ui;
mod userinfo;
mod watcher;

use std::future::Future;
use std::pin::Pin;

pub use authorized_http::{AuthorizedHttp, AuthorizedRequest};
pub use browser::{Browser, SystemBrowser};
pub use client::{Client, ClientBuilder};
pub use credentials::{
    FileStore, Generation, LockAttempt, MemoryStore, SessionKey, SessionRecord, StoreError,
    StoreGuard, StoreInfo, TokenStore, Versioned,
};
pub use error::{Error, ErrorKind, SecurityViolation};
pub use hallpass_protocol::id_token::IdTokenClaims;
pub use hallpass_protocol::metadata::Metadata;
pub use hallpass_protocol::token::TokenTypeUri;
pub use hallpass_protocol::userinfo::UserInfo;
pub use hallpass_protocol::{Clock, OAuthError, Scopes, Secret, Timestamp};
pub use http::ClientAuth;
pub use jwt_bearer::JwtBearer;
pub use session::{Account, Session, SessionStatus};
pub use sign_in::SignIn;
pub use sign_out::{SignOutReport, SignOutStep, StepResult};
pub use terminal::{TerminalStyle, TerminalUi};
pub use timer::{Timer, TokioTimer};
pub use token_exchange::TokenExchange;
pub use tokens::{AccessToken, IdToken, TokenSet, TokenType};
pub use ui::{BrowserStart, Prompt, SilentUi, Ui, UiCaps, UiOutcome};
pub use watcher::{Exchange, Watcher};

/// A boxed future, so that the traits of this crate can be trait objects.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
