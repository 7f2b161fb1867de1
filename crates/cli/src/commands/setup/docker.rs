//! What `setup docker` writes: `credHelpers` of docker's `config.json`, and the name by which docker finds
//! a helper.
//!
//! <https://docs.docker.com/reference/cli/docker/login/#credential-helpers>

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::own_program;
use super::step::{Act, Sign, Step};
use crate::commands::Context;
use crate::config::HelperPlace;
use crate::failure::Failure;
use crate::files;

/// What has to change.
pub(super) fn steps(
    place: &HelperPlace,
    undo: bool,
    context: &Context,
) -> Result<Vec<Step>, Failure> {
    let path = config_path(context)?;
    let mut config = read(&path)?;
    let registry = place.authority();
    let line = format!("credHelpers[\"{registry}\"] = \"{SUFFIX}\"");
    let before = config
        .get(HELPERS)
        .and_then(|helpers| helpers.get(&registry));
    let mut steps = Vec::new();
    let is_ours = before.is_some_and(|before| before == SUFFIX);
    if undo {
        if is_ours {
            forget(&mut config, &registry);
            let act = Act::Write(path.clone(), written(&config)?);
            steps.push(Step::new(path.display().to_string(), act).line(Sign::Goes, line));
            if !names_us(&config) {
                steps.extend(own_program::unlink(PROGRAM, context)?);
            }
        }
        return Ok(steps);
    }
    if let Some(other) = before.filter(|_| !is_ours) {
        let other = hallpass_client::clean::json(&other.to_string());
        return Err(
            Failure::config(format!("docker asks {other} for {registry}")).hint_to(format!(
                "take \"{registry}\" out of `{HELPERS}` of {}",
                path.display()
            )),
        );
    }
    steps.extend(own_program::link(PROGRAM, context)?);
    if !is_ours {
        let helpers = config.entry(HELPERS).or_insert_with(|| Map::new().into());
        let helpers = helpers
            .as_object_mut()
            .ok_or_else(|| not_understood(&path))?;
        helpers.insert(registry, SUFFIX.into());
        let act = Act::Write(path.clone(), written(&config)?);
        steps.push(Step::new(path.display().to_string(), act).line(Sign::Comes, line));
    }
    Ok(steps)
}

/// Leaves no empty list behind.
fn forget(config: &mut Map<String, Value>, registry: &str) {
    let Some(Value::Object(helpers)) = config.get_mut(HELPERS) else {
        return;
    };
    helpers.remove(registry);
    if helpers.is_empty() {
        config.remove(HELPERS);
    }
}

/// Whether docker still has a use for the name.
fn names_us(config: &Map<String, Value>) -> bool {
    let helpers = config.get(HELPERS).and_then(Value::as_object);
    let is_us = |value: &Value| value == SUFFIX;
    helpers.is_some_and(|helpers| helpers.values().any(is_us))
        || config.get("credsStore").is_some_and(is_us)
}

fn config_path(context: &Context) -> Result<PathBuf, Failure> {
    let folder = match context.environment.path("DOCKER_CONFIG") {
        Some(folder) => folder,
        None => etcetera::home_dir()
            .map_err(|_| {
                Failure::store("the home folder of this user is unknown").hint_to("set HOME")
            })?
            .join(".docker"),
    };
    Ok(folder.join("config.json"))
}

fn read(path: &Path) -> Result<Map<String, Value>, Failure> {
    let Some(bytes) = files::read(path)? else {
        return Ok(Map::new());
    };
    if bytes.trim_ascii().is_empty() {
        return Ok(Map::new());
    }
    serde_json::from_slice(&bytes).map_err(|error| not_understood(path).caused_by(&error))
}

/// As docker writes it: with tabs.
fn written(config: &Map<String, Value>) -> Result<String, Failure> {
    use serde::Serialize as _;

    let mut bytes = Vec::new();
    let form = serde_json::ser::PrettyFormatter::with_indent(b"\t");
    let mut writer = serde_json::Serializer::with_formatter(&mut bytes, form);
    let failed = |error: &dyn std::error::Error| {
        Failure::store("docker's settings cannot be written").caused_by(error)
    };
    config
        .serialize(&mut writer)
        .map_err(|error| failed(&error))?;
    let text = String::from_utf8(bytes).map_err(|error| failed(&error))?;
    Ok(format!("{text}\n"))
}

fn not_understood(path: &Path) -> Failure {
    Failure::config(format!("{} is not understood", path.display()))
        .hint_to("correct it: docker does not read it either")
}

const HELPERS: &str = "credHelpers";
/// docker puts `docker-credential-` before it.
const SUFFIX: &str = "hallpass";
const PROGRAM: &str = "docker-credential-hallpass";
