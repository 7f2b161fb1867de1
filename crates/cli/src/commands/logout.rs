//! `hallpass logout`: revokes the tokens, then forgets the session, and tells how each step went.
//!
//! RFC 7009 §2: <https://www.rfc-editor.org/rfc/rfc7009#section-2>

use std::collections::BTreeSet;
use std::sync::Arc;

use hallpass_client::flow::{Environment, Platform};
use hallpass_client::{
    Client, ClientBuilder, SessionKey, SignOutReport, SignOutStep, StepResult, TerminalUi,
    TokenStore, answers, clean,
};
use serde_json::{Value, json};

use super::every_profile::{self, Found};
use crate::args::LogoutArgs;
use crate::commands::Context;
use crate::failure::Failure;
use crate::output::Output;
use crate::profile::Profile;
use crate::runtime;

/// Signs out.
pub(crate) fn run(args: &LogoutArgs, context: &Context) -> Result<(), Failure> {
    if args.all {
        return everybody(args, context);
    }
    let profile = context.profile(&args.profile)?;
    let report = match profile.session_key() {
        None => nobody(),
        Some(key) => sign_out(args, &key, &profile.store()?, || client(&profile, context))?,
    };
    let told = Told {
        profile: profile.name.clone(),
        report,
    };
    if context.output.is_json() {
        return Output::answer_json(&told.to_json());
    }
    told.tell(context);
    if profile.static_token()?.is_some() {
        context.output.warn(crate::static_token::STILL_SET);
    }
    Ok(())
}

/// What became of one session.
struct Told {
    profile: String,
    report: SignOutReport,
}

/// Every session of every profile, and those that belong to none any more.
fn everybody(args: &LogoutArgs, context: &Context) -> Result<(), Failure> {
    let Found { profiles, others } = every_profile::find(context)?;
    let mut done = Vec::new();
    for (name, profile) in profiles {
        let profile = match profile {
            Ok(profile) => profile,
            // One that cannot be read must not keep the others signed in.
            Err(failure) => {
                let reason = format!("{}: {}", clean::text(&name), failure.message());
                context.output.warn(&reason);
                continue;
            }
        };
        let Some(key) = profile.session_key() else {
            continue;
        };
        let store = profile.store()?;
        if store.load(&key).is_ok_and(|found| found.is_none()) {
            continue;
        }
        let report = sign_out(args, &key, &store, || client(&profile, context))?;
        done.push(Told {
            profile: name,
            report,
        });
    }
    for (key, store) in others {
        let client = || {
            let client = Client::builder(&key.issuer, &key.client_id).app_name("hallpass");
            Ok(client.profile(&key.profile).store(Arc::clone(&store)))
        };
        let report = sign_out(args, &key, &store, client)?;
        let profile = format!("{} at {}", key.client_id, key.issuer);
        done.push(Told {
            profile: clean::text(&profile),
            report,
        });
    }
    if context.output.is_json() {
        let profiles: Vec<_> = done.iter().map(Told::to_json).collect();
        return Output::answer_json(&json!({
            "schema": "hallpass.logout-list/1",
            "profiles": profiles,
        }));
    }
    for told in &done {
        told.tell(context);
    }
    if done.is_empty() {
        context.output.note("Nobody was signed in");
    }
    Ok(())
}

/// With the browser of the profile, for `--browser`.
fn client(profile: &Profile, context: &Context) -> Result<ClientBuilder, Failure> {
    let surroundings = if context.environment.is_on("HALLPASS_NO_BROWSER") {
        // As where there is no screen: the address is shown.
        Environment {
            signs: BTreeSet::new(),
            platform: Platform::Unix,
        }
    } else {
        profile.with_its_browser(context.surroundings())
    };
    let client = profile.client()?.environment(surroundings);
    Ok(client.ui(TerminalUi::stderr_in(context.output.style)))
}

fn sign_out(
    args: &LogoutArgs,
    key: &SessionKey,
    store: &Arc<dyn TokenStore>,
    client: impl FnOnce() -> Result<ClientBuilder, Failure>,
) -> Result<SignOutReport, Failure> {
    let mut report = if args.sign_out.local {
        forget(key, store.as_ref())?
    } else {
        let client = client()?.build()?;
        runtime::block_on(async {
            Ok(if args.sign_out.browser {
                client.sign_out_with_browser().await?
            } else {
                client.sign_out().await?
            })
        })?
    };
    if args.everywhere {
        // No specification has a request for it, and no server that we know has one of its own.
        report.steps.push(SignOutStep {
            what: OTHERS,
            result: StepResult::Skipped(format!(
                "{} offers programs no way to end them; its account page may",
                clean::text(&key.issuer)
            )),
        });
    }
    Ok(report)
}

/// Without the server: what it issued stays good until it expires. A session that cannot be opened
/// can be forgotten all the same.
fn forget(key: &SessionKey, store: &dyn TokenStore) -> Result<SignOutReport, Failure> {
    if matches!(store.load(key), Ok(None)) {
        return Ok(nobody());
    }
    store.remove(key)?;
    let skipped = |what| SignOutStep {
        what,
        result: StepResult::Skipped("--local".to_owned()),
    };
    Ok(SignOutReport {
        steps: vec![
            skipped("revoke_refresh_token"),
            skipped("revoke_access_token"),
            SignOutStep {
                what: DELETE,
                result: StepResult::Ok,
            },
        ],
    })
}

fn nobody() -> SignOutReport {
    SignOutReport {
        steps: vec![SignOutStep {
            what: DELETE,
            result: StepResult::Skipped("nobody was signed in".to_owned()),
        }],
    }
}

impl Told {
    fn to_json(&self) -> Value {
        answers::logout(&self.profile, &self.report)
    }

    fn tell(&self, context: &Context) {
        let output = context.output;
        let steps = &self.report.steps;
        let is_done = |step: &SignOutStep| step.what == DELETE && step.result == StepResult::Ok;
        for step in steps {
            let words = match step.what {
                "revoke_refresh_token" => "refresh token",
                "revoke_access_token" => "access token",
                OTHERS => "other sessions",
                BROWSER => "browser",
                DELETE => "session",
                other => other,
            };
            match &step.result {
                StepResult::Ok if step.what == DELETE => {
                    output.note(&format!("  {words}: deleted"));
                }
                StepResult::Ok if step.what == BROWSER => {
                    output.note(&format!("  {words}: sent to the page that signs out"));
                }
                StepResult::Ok => output.note(&format!("  {words}: revoked")),
                StepResult::Skipped(why) => output.note(&format!("  {words}: skipped, {why}")),
                StepResult::Failed(why) if step.what == BROWSER => {
                    output.warn(&format!("{words}: not signed out, {why}"));
                }
                StepResult::Failed(why) => output.warn(&format!("{words}: not revoked, {why}")),
            }
        }
        if steps.iter().any(is_done) {
            output.done(&format!("Signed out (profile \"{}\")", self.profile));
        }
    }
}

const DELETE: &str = "delete_session";
const BROWSER: &str = "end_browser_session";
const OTHERS: &str = "end_other_sessions";
