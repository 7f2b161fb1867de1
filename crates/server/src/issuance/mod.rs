//! From a decision to a token response: the authorization is inserted by the grant, the tokens are
//! minted here.

mod beginning;
mod context;
mod tokens;

pub(crate) use beginning::Beginning;
pub(crate) use context::Context;
pub(crate) use tokens::{Grant, NewRefreshToken, Parent, issue, random_id};
