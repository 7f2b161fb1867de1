//! `hallpass man`: a manual page for each command, from the definition that parses it.

use std::path::Path;

use clap::CommandFactory as _;

use crate::args::Cli;
use crate::failure::Failure;
use crate::output::Output;

/// Writes the pages, and prints where they are.
pub(crate) fn run(folder: &Path) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::other(format!("cannot write man pages to {}", folder.display()))
            .caused_by(&error)
            .hint_to("name a folder which this user may write")
    };
    std::fs::create_dir_all(folder).map_err(failed)?;
    clap_mangen::generate_to(Cli::command(), folder).map_err(failed)?;
    Output::answer(&folder.display().to_string())
}
