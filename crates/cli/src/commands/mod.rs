//! One command, one file.

pub(crate) mod admin;
pub(crate) mod completions;
pub(crate) mod credential;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod exchange;
pub(crate) mod help;
pub(crate) mod jwt;
pub(crate) mod login;
mod login_explained;
mod login_registration;
mod login_wish;
mod login_without_person;
pub(crate) mod logout;
pub(crate) mod man;
pub(crate) mod profile;
mod protected_resource;
pub(crate) mod request;
pub(crate) mod serve;
mod session_words;
pub(crate) mod setup;
mod stdin;
pub(crate) mod token;
mod token_form;
pub(crate) mod userinfo;
pub(crate) mod whoami;

mod context;
mod every_profile;

pub(crate) use context::Context;
