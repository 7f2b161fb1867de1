//! Other programs ask for tokens in their own protocols, one file each. What they are given is the same:
//! a token of the one profile that was set up for exactly that host.

mod asked;
mod called_as;
mod docker;
mod git;
mod git_message;
mod input;
mod json;
mod kubectl;
mod lookup;
mod sign_in;

pub(crate) use called_as::called_as;

pub(crate) use docker::run as docker;
pub(crate) use git::run as git;
pub(crate) use json::run as json;
pub(crate) use kubectl::run as kubectl;
pub(crate) use lookup::places;
