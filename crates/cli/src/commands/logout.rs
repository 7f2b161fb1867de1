//! `hallpass logout`: revokes the tokens, then forgets the session, and tells how each step went.
//!
//! RFC 7009 §2: <https://www.rfc-editor.org/rfc/rfc7009#section-2>

use hallpass_client::{SessionKey, SignOutReport, SignOutStep, StepResult, TokenStore as _};
use serde_json::{Value, json};

use crate::args::LogoutArgs;
use crate::commands::Context;
use crate::failure::Failure;
use crate::output::Output;
use crate::profile::Profile;
use crate::runtime;

/// Signs out.
pub(crate) fn run(args: &LogoutArgs, context: &Context) -> Result<(), Failure> {
    let profile = context.profile(&args.profile)?;
    let report = match (profile.is_known(), args.local) {
        (false, _) => nobody(),
        (true, true) => forget(&profile)?,
        (true, false) => {
            let client = profile.client()?.build()?;
            runtime::block_on(async { Ok(client.sign_out().await?) })?
        }
    };
    if context.output.is_json() {
        let steps: Vec<_> = report.steps.iter().map(step_json).collect();
        return Output::answer_json(&json!({
            "schema": "hallpass.logout/1",
            "profile": profile.name,
            "steps": steps,
        }));
    }
    tell(&report, &profile, context);
    Ok(())
}

/// Without the server: what it issued stays good until it expires.
fn forget(profile: &Profile) -> Result<SignOutReport, Failure> {
    let key = SessionKey::new(profile.issuer()?, profile.client_id()?);
    let store = profile.store();
    if store.load(&key)?.is_none() {
        return Ok(nobody());
    }
    store.remove(&key)?;
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

fn step_json(step: &SignOutStep) -> Value {
    let (result, why) = match &step.result {
        StepResult::Ok => ("ok", None),
        StepResult::Skipped(why) => ("skipped", Some(why)),
        StepResult::Failed(why) => ("failed", Some(why)),
    };
    match why {
        None => json!({"what": step.what, "result": result}),
        Some(why) => json!({"what": step.what, "result": result, "why": why}),
    }
}

fn tell(report: &SignOutReport, profile: &Profile, context: &Context) {
    let output = context.output;
    let is_out = report
        .steps
        .iter()
        .any(|step| step.what == DELETE && step.result == StepResult::Ok);
    for step in &report.steps {
        let words = match step.what {
            "revoke_refresh_token" => "refresh token",
            "revoke_access_token" => "access token",
            DELETE => "session",
            other => other,
        };
        match &step.result {
            StepResult::Ok if step.what == DELETE => output.note(&format!("  {words}: deleted")),
            StepResult::Ok => output.note(&format!("  {words}: revoked")),
            StepResult::Skipped(why) => output.note(&format!("  {words}: skipped, {why}")),
            StepResult::Failed(why) => output.warn(&format!("{words}: not revoked, {why}")),
        }
    }
    if is_out {
        output.done(&format!("Signed out (profile \"{}\")", profile.name));
    }
}

const DELETE: &str = "delete_session";
