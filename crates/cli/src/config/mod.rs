//! What people settle in files, and what a flag or a variable says against it.

mod choice;
mod directory_file;
mod file;
mod helpers;
mod layers;
mod mistake;
mod pattern;
mod private_file;
mod secret_place;
mod settings;

pub(crate) use choice::{Chosen, DEFAULT_NAME, Question, choose, judge_name, slot};
pub(crate) use directory_file::{DirectoryFile, Trust};
pub(crate) use file::ProfileFile;
pub(crate) use helpers::{Helper, HelperPlace, Helpers};
pub(crate) use layers::{Layers, Origin, members};
pub(crate) use mistake::nearest;
pub(crate) use pattern::{DirPattern, Target, UrlPattern};
pub(crate) use secret_place::{SecretPlace, checked as checked_secret, command_of};
pub(crate) use settings::{AuthMethod, SUPPORT, Settings, Wish};
