//! One change of a file or of another program's settings: shown, and made.

use std::fs;
use std::path::PathBuf;

use hallpass_client::clean;
use serde_json::{Value, json};

use super::other_program::OtherProgram;
use crate::config::ProfileFile;
use crate::failure::Failure;
use crate::files::{self, Places};

/// One change.
pub(super) struct Step {
    /// What changes: a file, or whose settings.
    place: String,
    /// The lines that come, and those that go.
    lines: Vec<(Sign, String)>,
    act: Act,
}

/// Whether a line comes or goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    Comes,
    Goes,
}

/// How the change is made.
pub(super) enum Act {
    /// The other program changes its own settings.
    Run(OtherProgram, Vec<Vec<String>>),
    /// A file gets this content.
    Write(PathBuf, String),
    /// A name for this program.
    Link { name: PathBuf, to: PathBuf },
    /// The name goes.
    Unlink(PathBuf),
    /// What `hallpass login` remembers.
    Remember(Places, Box<dyn Fn(&mut ProfileFile)>),
}

impl Step {
    /// A change of this place.
    pub(super) fn new(place: impl Into<String>, act: Act) -> Self {
        Self {
            place: place.into(),
            lines: Vec::new(),
            act,
        }
    }

    /// With a line that comes or goes.
    #[must_use]
    pub(super) fn line(mut self, sign: Sign, text: impl Into<String>) -> Self {
        self.lines.push((sign, text.into()));
        self
    }

    /// Makes the change.
    pub(super) fn run(&self) -> Result<(), Failure> {
        match &self.act {
            Act::Run(program, commands) => commands.iter().try_for_each(|words| {
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                program.run(&words).map(drop)
            }),
            Act::Write(path, text) => write(path, text),
            Act::Link { name, to } => link(name, to),
            Act::Unlink(path) => fs::remove_file(path).map_err(|error| {
                Failure::store(format!("cannot remove {}", path.display())).caused_by(&error)
            }),
            Act::Remember(places, change) => ProfileFile::change(places, change),
        }
    }

    /// For people: the place, and below it what comes and goes.
    pub(super) fn to_text(&self) -> String {
        let mut text = format!("{}\n", clean::text(&self.place));
        for (sign, line) in &self.lines {
            let sign = if *sign == Sign::Comes { '+' } else { '-' };
            text.extend([format!("  {sign} {}\n", clean::text(line))]);
        }
        text
    }

    /// For programs.
    pub(super) fn to_json(&self) -> Value {
        let of = |wanted: Sign| -> Vec<&String> {
            let lines = self.lines.iter().filter(|(sign, _)| *sign == wanted);
            lines.map(|(_, line)| line).collect()
        };
        json!({"place": self.place, "adds": of(Sign::Comes), "removes": of(Sign::Goes)})
    }
}

/// Keeps who may read the file, and the file itself where the name is a link to it.
fn write(path: &PathBuf, text: &str) -> Result<(), Failure> {
    let real = fs::canonicalize(path).unwrap_or_else(|_| path.clone());
    let before = fs::metadata(&real).ok().map(|found| found.permissions());
    let folder = real.parent().unwrap_or(&real);
    fs::create_dir_all(folder).map_err(|error| {
        Failure::store(format!("cannot make the folder {}", folder.display())).caused_by(&error)
    })?;
    files::replace(&real, text)?;
    let Some(before) = before else {
        return Ok(());
    };
    fs::set_permissions(&real, before).map_err(|error| {
        Failure::store(format!(
            "cannot restore the permissions of {}",
            real.display()
        ))
        .caused_by(&error)
    })
}

fn link(name: &PathBuf, to: &PathBuf) -> Result<(), Failure> {
    #[cfg(unix)]
    let made = std::os::unix::fs::symlink(to, name);
    // Links need a right of their own there; a second name of the file does not.
    #[cfg(not(unix))]
    let made = fs::hard_link(to, name);
    made.map_err(|error| {
        Failure::store(format!("cannot make {}", name.display()))
            .caused_by(&error)
            .hint_to("check the folder's permissions")
    })
}
