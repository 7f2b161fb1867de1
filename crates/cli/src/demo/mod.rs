//! The demo's parts: a stage that tells what happens, and a person who can be played.

mod cookies;
mod errand;
mod html_form;
mod lines;
mod person;
mod stage;
mod step;

pub(crate) use errand::Errand;
pub(crate) use person::Person;
pub(crate) use stage::{PlayedBrowser, Seat, Stage};
