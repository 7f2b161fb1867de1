//! `hallpass credential docker`: the protocol of `docker-credential-helpers`
//! <https://github.com/docker/docker-credential-helpers#development>.
//!
//! Failures are told on standard output: docker shows that, and knows two of the sentences.

use std::collections::BTreeMap;

use hallpass_client::Secret;
use serde::Deserialize;
use serde_json::json;

use super::asked::Asked;
use super::{input, lookup};
use crate::commands::Context;
use crate::config::{Helper, HelperPlace};
use crate::exit_code;
use crate::failure::Failure;
use crate::output::Output;

/// What `docker login` wants to have kept.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Login {
    #[serde(rename = "ServerURL")]
    server: String,
    secret: String,
}

/// Answers.
pub(crate) fn run(operation: &str, context: &Context) -> Result<(), Failure> {
    let done = match operation {
        "get" => get(context),
        "store" => store(context),
        "erase" => erase(context),
        "list" => list(context),
        "version" => Output::answer(&format!("{NAME} {}", env!("CARGO_PKG_VERSION"))),
        other => {
            let word = hallpass_client::clean::text(other);
            Err(
                Failure::usage(format!("`{word}` is not a word of this protocol"))
                    .hint_to("docker says get, store, erase or list"),
            )
        }
    };
    done.or_else(|failure| {
        if failure.is_told() || failure.exit() == exit_code::USAGE {
            return Err(failure);
        }
        refuse(failure.to_text("hallpass:").trim_end())
    })
}

fn get(context: &Context) -> Result<(), Failure> {
    let Some(server) = server()? else {
        return refuse(NO_SERVER);
    };
    let Some(place) = place(&server) else {
        return refuse(NOT_FOUND);
    };
    let Some(found) = lookup::access_token(Asked::new(Helper::Docker, &place), context)? else {
        return refuse(NOT_FOUND);
    };
    Output::answer_json(&json!({
        "ServerURL": server,
        "Username": USERNAME,
        "Secret": found.token.expose(),
    }))
}

/// `docker login` stores what it was just given by `get`. A password of a person's would be lost here, and
/// docker would call that a success.
fn store(context: &Context) -> Result<(), Failure> {
    let bytes = input::read()?;
    let bytes = bytes.as_ref().map_or(&[][..], |bytes| bytes.expose());
    let Ok(login) = serde_json::from_slice::<Login>(bytes) else {
        return refuse("what is to be stored cannot be read");
    };
    let secret = Secret::new(login.secret);
    let found = match place(&login.server) {
        Some(place) => lookup::access_token(Asked::new(Helper::Docker, &place), context)?,
        None => None,
    };
    if found.is_some_and(|found| found.token.matches(secret.expose())) {
        return Ok(());
    }
    refuse("hallpass keeps no passwords: sign in with `hallpass login`, without `docker login`")
}

fn erase(context: &Context) -> Result<(), Failure> {
    let Some(server) = server()? else {
        return refuse(NO_SERVER);
    };
    match place(&server) {
        Some(place) => lookup::forget(Asked::new(Helper::Docker, &place), None, context),
        None => Ok(()),
    }
}

fn list(context: &Context) -> Result<(), Failure> {
    let places = lookup::places(Helper::Docker, context)?;
    let names = places.iter().map(|place| (place.authority(), USERNAME));
    let names: BTreeMap<String, &str> = names.collect();
    Output::answer_json(&json!(names))
}

/// The registry as docker names it; `None` when it names none.
fn server() -> Result<Option<String>, Failure> {
    let bytes = input::read()?;
    let text = bytes
        .as_ref()
        .and_then(|it| std::str::from_utf8(it.expose()).ok());
    let text = text.map(|text| text.strip_suffix('\n').unwrap_or(text));
    Ok(text.filter(|text| !text.is_empty()).map(str::to_owned))
}

/// A registry, with or without its scheme: docker leaves it out, and means https.
fn place(server: &str) -> Option<HelperPlace> {
    if server.contains("://") {
        return HelperPlace::of_url(server);
    }
    HelperPlace::of_url(&format!("https://{server}"))
}

/// What docker shows, or understands.
fn refuse(text: &str) -> Result<(), Failure> {
    Output::answer(text)?;
    Err(Failure::other(text).told())
}

const NAME: &str = "docker-credential-hallpass";
/// The sentences that docker knows.
const NOT_FOUND: &str = "credentials not found in native keychain";
const NO_SERVER: &str = "no credentials server URL";
/// Registries that take an access token as a password look at this name, or at none.
const USERNAME: &str = "oauth2accesstoken";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c_76_a_registry_is_an_https_host() {
        let of = |text: &str| place(text).map(|place| place.to_string());
        for same in [
            "r.example.com",
            "https://r.example.com/v1/",
            "r.example.com:443/ada/x",
        ] {
            assert_eq!(of(same).as_deref(), Some("https://r.example.com"), "{same}");
        }
        for none in [
            "http://r.example.com",
            "ftp://r.example.com",
            "r.example.com\n",
            "x@r.example.com",
            "",
        ] {
            assert_eq!(of(none), None, "{none:?}");
        }
    }
}
