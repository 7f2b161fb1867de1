//! What the tests of this folder share: a server, a person with a browser, and clients of the crates
//! `oauth2` and `openidconnect`.

mod client;
mod person;
mod server;

pub use client::{Metadata, OidcClient, agent, discover, http, oauth2_client, oidc_client};
pub use person::{Page, Person, parameters};
pub use server::{CONFIG, SECRET, Server};

/// Where the clients' listener would be; the person's browser never opens it.
pub const REDIRECT_URI: &str = "http://127.0.0.1:8085/callback";
