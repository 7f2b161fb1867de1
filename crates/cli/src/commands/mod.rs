//! One command, one file.

pub(crate) mod completions;
pub(crate) mod demo;
pub(crate) mod exchange;
pub(crate) mod help;
pub(crate) mod jwt;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod serve;
mod stdin;
pub(crate) mod token;
pub(crate) mod userinfo;
pub(crate) mod whoami;

mod context;

pub(crate) use context::Context;
