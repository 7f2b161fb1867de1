//! `hallpass completions`: a script that completes commands, flags and their values.

use clap::CommandFactory as _;
use clap_complete::generate;

use crate::args::{Cli, Shell};
use crate::failure::Failure;
use crate::output::Output;

/// Prints the script.
pub(crate) fn run(shell: Shell) -> Result<(), Failure> {
    let mut command = Cli::command();
    let mut script = Vec::new();
    let shell = match shell {
        Shell::Bash => clap_complete::Shell::Bash,
        Shell::Zsh => clap_complete::Shell::Zsh,
        Shell::Fish => clap_complete::Shell::Fish,
        Shell::Pwsh => clap_complete::Shell::PowerShell,
    };
    generate(shell, &mut command, "hallpass", &mut script);
    Output::answer(&String::from_utf8_lossy(&script))
}
