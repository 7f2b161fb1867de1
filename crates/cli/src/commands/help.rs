//! `hallpass help`: a command's help, or a topic's.

use clap::CommandFactory as _;
use serde_json::json;

use crate::args::Cli;
use crate::commands::Context;
use crate::exit_code;
use crate::failure::Failure;
use crate::output::Output;

/// Prints the help.
pub(crate) fn run(topic: &[String], context: &Context) -> Result<(), Failure> {
    if let [only] = topic
        && only == "exit-codes"
    {
        return exit_codes(context);
    }
    let mut command = Cli::command();
    command.build();
    let mut found = &mut command;
    for word in topic {
        found = found.find_subcommand_mut(word).ok_or_else(|| {
            let word = hallpass_client::clean::text(word);
            Failure::usage(format!("there is no help about `{word}`"))
                .hint_to("see `hallpass --help`, or `hallpass help exit-codes`")
        })?;
    }
    let help = found.render_long_help();
    if context.output.paint.0 {
        Output::answer(&help.ansi().to_string())
    } else {
        Output::answer(&help.to_string())
    }
}

fn exit_codes(context: &Context) -> Result<(), Failure> {
    if context.output.is_json() {
        let rows: Vec<_> = exit_code::TABLE
            .iter()
            .map(|row| json!({"code": row.code, "meaning": row.meaning, "retry": row.retry}))
            .collect();
        let answer = json!({"schema": "hallpass.exit-codes/1", "codes": rows});
        return Output::answer_json(&answer);
    }
    let mut text = String::new();
    for row in &exit_code::TABLE {
        let retry = match row.retry {
            "" => String::new(),
            retry => format!(" (try again {retry})"),
        };
        text.extend([format!("{:>15}  {}{retry}\n", row.code, row.meaning)]);
    }
    Output::answer(&text)
}
