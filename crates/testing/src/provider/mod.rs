//! Doubles of well-known providers of sign-in: each answers as its documents say, status codes and odd
//! members included, on http at a free port of this machine.
//!
//! The rows that they show are those of `docs/providers.md`. A double is made from documents and from
//! what other clients met; nobody compared it with the real provider.
#![expect(
    clippy::indexing_slicing,
    reason = "members are added to JSON objects that stand a few lines above"
)]

mod auth0;
mod github;
mod gitlab;
mod google;
mod hydra;
mod keycloak;
mod microsoft;
mod okta;
mod pages;
mod server;
mod signer;
mod slack;
mod workos;

pub use auth0::Auth0;
pub use github::GitHub;
pub use gitlab::GitLab;
pub use google::Google;
pub use hydra::Hydra;
pub use keycloak::Keycloak;
pub use microsoft::Microsoft;
pub use okta::Okta;
pub use pages::{CodePage, DevicePage, Turn};
pub use server::{Double, Provider, Request, Response};
pub use slack::Slack;
pub use workos::{WorkOs, WorkOsConnect};
