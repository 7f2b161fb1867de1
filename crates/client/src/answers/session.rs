//! Who is signed in, with which token, and what became of it.

use hallpass_protocol::Timestamp;
use serde_json::{Value, json};

use super::rfc3339;
use crate::credentials::TokenStore;
use crate::session::{Session, SessionStatus};
use crate::sign_out::{SignOutReport, SignOutStep, StepResult};
use crate::tokens::AccessToken;

/// `hallpass.whoami/1`: who is signed in. `chosen_by` says who named the profile, `checked` what the answer
/// rests on (`offline`, `refresh`, `userinfo`, `sign_in`).
pub fn whoami(session: &Session, (profile, chosen_by): (&str, &str), checked: &str) -> Value {
    let account = session.account();
    let claims = session.claims();
    let store = session.client.store().describe();
    let scopes: Vec<_> = session.scope().iter().collect();
    let amr = claims
        .map(|claims| &claims.amr)
        .filter(|amr| !amr.is_empty());
    let auth_time = claims.and_then(|claims| claims.auth_time);
    json!({
        "schema": "hallpass.whoami/1",
        "signed_in": session.status() != SessionStatus::ReauthRequired,
        "state": state(session.status()),
        "profile": profile,
        "chosen_by": chosen_by,
        "subject": account.subject,
        "username": account.name,
        "issuer": account.issuer,
        "client_id": account.client_id,
        "session_id": claims.and_then(|claims| claims.sid.as_deref()),
        "auth_time": auth_time.and_then(rfc3339),
        "signed_in_at": rfc3339(session.signed_in_at()),
        "acr": claims.and_then(|claims| claims.acr.as_deref()),
        "amr": amr,
        "scopes": scopes,
        "token_type": session.token_type().as_str(),
        "dpop_jkt": session.dpop_jkt().ok().flatten(),
        "access_expires_at": session.access_expires_at().and_then(rfc3339),
        "refresh_expires_at": null,
        "store": {"kind": store.kind, "place": store.place, "key": store.key},
        "checked": checked,
    })
}

/// `hallpass.whoami/1` when nobody is signed in.
pub fn nobody(
    (profile, chosen_by): (&str, &str),
    (issuer, client_id): (Option<&str>, Option<&str>),
) -> Value {
    json!({
        "schema": "hallpass.whoami/1",
        "signed_in": false,
        "state": "none",
        "profile": profile,
        "chosen_by": chosen_by,
        "issuer": issuer,
        "client_id": client_id,
        "subject": null,
        "checked": "offline",
    })
}

/// `hallpass.token/1`: a token of a session, the secret itself among it.
pub fn token(
    token: &AccessToken,
    session: &Session,
    profile: &str,
    (is_refreshed, now): (bool, Timestamp),
) -> Value {
    let account = session.account();
    let expires_at = token.expires_at();
    let left = |at: Timestamp| at.unix_seconds().saturating_sub(now.unix_seconds());
    json!({
        "schema": "hallpass.token/1",
        "profile": profile,
        "token_type": token.token_type().as_str(),
        "access_token": token.expose(),
        "expires_at": expires_at.and_then(rfc3339),
        "expires_in": expires_at.map(left),
        "scope": token.scope().to_string(),
        "resource": session.resources(),
        "issuer": account.issuer,
        "client_id": account.client_id,
        "subject": account.subject,
        "dpop_jkt": token.dpop_jkt().ok().flatten(),
        "refreshed": is_refreshed,
    })
}

/// `hallpass.logout/1`: what signing out did, step by step.
pub fn logout(profile: &str, report: &SignOutReport) -> Value {
    let steps: Vec<_> = report.steps.iter().map(step).collect();
    json!({"schema": "hallpass.logout/1", "profile": profile, "steps": steps})
}

fn step(step: &SignOutStep) -> Value {
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

fn state(status: SessionStatus) -> &'static str {
    match status {
        SessionStatus::Valid => "valid",
        SessionStatus::Refreshable => "refreshable",
        SessionStatus::ReauthRequired => "reauth_required",
    }
}
