//! `hallpass credential json`: the credential helpers of Bazel
//! <https://github.com/EngFlow/credential-helper-spec/blob/main/spec.md>.

use hallpass_client::Secret;
use serde::Deserialize;
use serde_json::json;

use super::asked::Asked;
use super::{input, lookup};
use crate::commands::Context;
use crate::config::{Helper, HelperPlace};
use crate::failure::Failure;
use crate::moment;
use crate::output::Output;

/// What is asked; other members are for later versions.
#[derive(Deserialize)]
struct Question {
    uri: String,
}

/// Answers; for an address that is not ours, without headers.
pub(crate) fn run(operation: &str, context: &Context) -> Result<(), Failure> {
    if operation != "get" {
        let word = hallpass_client::clean::text(operation);
        return Err(
            Failure::usage(format!("`{word}` is not a word of this protocol"))
                .hint_to("the other program says `get`"),
        );
    }
    let bytes = input::read()?;
    let bytes = bytes.as_ref().map_or(&[][..], |bytes| bytes.expose());
    let Ok(question) = serde_json::from_slice::<Question>(bytes) else {
        return Err(Failure::usage("standard input holds no question")
            .hint_to("write {\"uri\": \"https://…\"}"));
    };
    let found = match HelperPlace::of_url(&question.uri) {
        Some(place) => lookup::access_token(Asked::new(Helper::Json, &place), context)?,
        None => None,
    };
    let Some(found) = found else {
        return Output::answer("{\"headers\":{}}");
    };
    let header = Secret::new(format!("Bearer {}", found.token.expose()));
    let mut answer = json!({"headers": {"Authorization": [header.expose()]}});
    if let (Some(members), Some(at)) = (answer.as_object_mut(), found.expires_at) {
        members.insert("expires".to_owned(), json!(moment::rfc3339(at)));
    }
    Output::answer_json(&answer)
}
