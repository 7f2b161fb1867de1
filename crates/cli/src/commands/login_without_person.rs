//! `hallpass login` where no person has a part in it: a token of the environment, or the program's own
//! credentials.

use hallpass_client::answers::EventLines;
use hallpass_client::clean;
use hallpass_client::flow::Offers;
use serde_json::json;

use super::login_explained::explain;
use super::login_wish::Wish;
use super::{token, whoami};
use crate::args::LoginArgs;
use crate::commands::Context;
use crate::failure::Failure;
use crate::output::Output;
use crate::profile::Profile;
use crate::static_token::{self, StaticToken};

/// A token of the environment goes before every session: there is nothing to sign in for.
pub(super) fn as_given(
    given: &StaticToken,
    (args, profile, wish, context): (&LoginArgs, &Profile, Wish, &Context),
) -> Result<(), Failure> {
    let output = context.output;
    if args.sign_in.explain {
        explain(Offers::BOTH, wish, context);
    }
    if args.sign_in.events {
        flow_of_nobody("none", &[static_token::TOKEN])?.end(None);
        return Ok(());
    }
    if output.is_json() {
        return whoami::tell_given(given, profile, context);
    }
    output.done("HALLPASS_TOKEN is used instead of a session: nobody has to sign in");
    output.note("  unset it to sign in, or add --force to do so all the same");
    Ok(())
}

/// The first event of a sign-in that no person has a part in.
fn flow_of_nobody(flow: &str, why: &[&str]) -> Result<EventLines, Failure> {
    let events = EventLines::stdout();
    let written = events.write(&json!({"event": "flow", "flow": flow, "why": why}));
    let unwritten = "the events could not be written";
    written.map_err(|error| Failure::other(unwritten).caused_by(&error))?;
    Ok(events)
}

/// Signs in as the program itself: fetches a token, to see that it can (RFC 6749 §4.4).
pub(super) async fn as_program(
    args: &LoginArgs,
    profile: &Profile,
    wish: Wish,
    context: &Context,
) -> Result<(), Failure> {
    if !profile.has_secret() {
        return Err(Failure::config("client credentials need a client secret")
            .hint_to("--client-secret-file FILE, or --client-secret-stdin"));
    }
    if args.sign_in.explain {
        explain(Offers::BOTH, wish, context);
    }
    let why = if wish.is_chosen {
        wish.without.why()
    } else {
        Vec::new()
    };
    let events = args.sign_in.events;
    let events = events.then(|| flow_of_nobody("client-credentials", &why));
    let events = events.transpose()?;
    let set = token::as_program(profile).await?;
    profile.remember()?;
    if let Some(events) = events {
        events.end(None);
        return Ok(());
    }
    if context.output.is_json() {
        let answer = token::to_json(&set.access_token, profile, true);
        return Output::answer_json(&answer);
    }
    context.output.done(&format!(
        "The client {} can fetch tokens (profile \"{}\")",
        clean::text(profile.client_id()?),
        profile.name
    ));
    Ok(())
}
