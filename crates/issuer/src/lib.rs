//! What an authorization server decides: grants, policy and the contents of tokens.
//!
//! Pure: every function takes the state, the request, the time and the randomness it needs, and
//! returns a decision. Loading and saving happen around it, in `hallpass-server` and
//! `hallpass-store`.
#![warn(clippy::wildcard_enum_match_arm)]

pub mod account;
pub mod account_link;
pub mod audit;
pub mod authorization;
pub mod bound_key;
pub mod browser_session;
pub mod claims;
pub mod client;
pub mod consent;
pub mod consent_policy;
pub mod factors;
pub mod grants;
pub mod limits;
pub mod lockout;
pub mod mail;
pub mod network;
pub mod oidc_scopes;
pub mod policy;
pub mod pushed_request;
pub mod redirect_uri;
pub mod refusal;
pub mod registration;
pub mod sign_in_event;
pub mod sign_up;
pub mod tokens;
pub mod user;

pub use authorization::{Authorization, RefreshFamily};
pub use client::{AuthenticatedClient, Client};
pub use refusal::{Denied, Refusal};
