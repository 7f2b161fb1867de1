//! `hallpass setup`: tells another program to ask for the tokens of a profile, for one host. What is
//! written is shown before with `--dry-run`, and `--undo` takes it back; what somebody else wrote stays.

mod bazel;
mod docker;
mod git;
mod kubectl;
mod other_program;
mod own_program;
mod served;
mod step;

use serde_json::json;

use crate::args::{SetupCommand, SetupMode};
use crate::commands::Context;
use crate::config::{Helper, HelperPlace};
use crate::failure::Failure;
use crate::output::Output;
use served::Served;
use step::Step;

/// What is to be written, and about what.
struct Plan {
    helper: Helper,
    place: HelperPlace,
    profile: String,
    steps: Vec<Step>,
    /// What the person should know beside.
    notes: Vec<String>,
}

/// Sets one of them up.
pub(crate) fn run(command: &SetupCommand, context: &Context) -> Result<(), Failure> {
    let (plan, mode) = match command {
        SetupCommand::Git { host, mode } => {
            let place = place(host)?;
            let theirs = |undo| git::steps(&place, undo, context);
            (plan(Helper::Git, &place, *mode, context, theirs)?, mode)
        }
        SetupCommand::Docker { registry, mode } => {
            let place = place(registry)?;
            let theirs = |undo| docker::steps(&place, undo, context);
            (plan(Helper::Docker, &place, *mode, context, theirs)?, mode)
        }
        SetupCommand::Kubectl {
            context: name,
            token_type,
            mode,
        } => {
            let cluster = kubectl::Cluster::find(name)?;
            let place = cluster.place()?;
            let theirs = |undo| cluster.steps(*token_type, undo, context);
            (plan(Helper::Kubectl, &place, *mode, context, theirs)?, mode)
        }
        SetupCommand::Json { host, mode } => {
            let place = place(host)?;
            let theirs = |undo| bazel::steps(&place, undo, context);
            (plan(Helper::Json, &place, *mode, context, theirs)?, mode)
        }
    };
    if !mode.dry_run {
        for step in &plan.steps {
            step.run()?;
        }
    }
    tell(&plan, *mode, context)
}

/// The host that a person names.
fn place(text: &str) -> Result<HelperPlace, Failure> {
    HelperPlace::of_person(text).ok_or_else(|| {
        let shown = hallpass_client::clean::text(text);
        Failure::usage(format!("`{shown}` is no https host"))
            .hint_to("name it as git.example.com or git.example.com:8443")
    })
}

/// The other program is told last and untold first: it never asks for a host that no profile serves.
fn plan(
    helper: Helper,
    place: &HelperPlace,
    mode: SetupMode,
    context: &Context,
    theirs: impl FnOnce(bool) -> Result<Vec<Step>, Failure>,
) -> Result<Plan, Failure> {
    let served = Served::find((helper, place), mode.undo, context)?;
    let mut steps = theirs(mode.undo)?;
    let ours = served.step((helper, place), mode.undo)?;
    if mode.undo {
        steps.extend(ours);
    } else {
        steps.splice(0..0, ours);
    }
    Ok(Plan {
        helper,
        place: place.clone(),
        notes: if mode.undo {
            Vec::new()
        } else {
            served.notes(helper, place)?
        },
        profile: served.profile,
        steps,
    })
}

fn tell(plan: &Plan, mode: SetupMode, context: &Context) -> Result<(), Failure> {
    let (helper, place, profile) = (plan.helper.as_str(), &plan.place, &plan.profile);
    let output = context.output;
    if output.is_json() {
        let steps: Vec<_> = plan.steps.iter().map(Step::to_json).collect();
        return Output::answer_json(&json!({
            "schema": "hallpass.setup/1",
            "helper": helper,
            "host": place.to_string(),
            "profile": profile,
            "undo": mode.undo,
            "dry_run": mode.dry_run,
            "steps": steps,
            "notes": plan.notes,
        }));
    }
    let text: String = plan.steps.iter().map(Step::to_text).collect();
    if mode.dry_run {
        let nothing = "nothing to write\n";
        Output::answer(if text.is_empty() { nothing } else { &text })?;
    } else {
        text.lines().for_each(|line| output.note(line));
        output.done(&match (mode.undo, plan.steps.is_empty()) {
            (false, false) => format!("{helper} asks hallpass for {place} (profile \"{profile}\")"),
            (false, true) => {
                format!("{helper} asks hallpass for {place} already (profile \"{profile}\")")
            }
            (true, false) => format!("{helper} asks hallpass no more for {place}"),
            (true, true) => format!("{helper} does not ask hallpass for {place}"),
        });
    }
    for note in &plan.notes {
        output.warn(note);
    }
    Ok(())
}
