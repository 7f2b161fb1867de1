//! `device/{user_code}`: a person's decision about a device code, without the pages.

use hallpass_issuer::grants::device_code::{DeviceGrant, DeviceGrantState};
use hallpass_issuer::user::User;
use hallpass_protocol::user_code::UserCode;
use hallpass_protocol::{Timestamp, UserId};
use hallpass_store::device_grants;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::call::{Answer, Call};
use super::error::ControlError;
use super::fields::{Fields, ISSUER};
use super::time;
use crate::dev_mode;
use crate::settings::nearest_name;
use crate::state::State;

#[derive(Clone, Debug)]
enum Action {
    Approve(User),
    Deny,
    Expire,
}

/// `GET device/{user_code}`, `POST device/{user_code}`.
pub(super) async fn answer(state: &State, call: &Call) -> Answer {
    let (issuer, action) = if call.method == Method::POST {
        let known = [ISSUER, "action", "username", "claims"];
        let mut fields = Fields::of_body(&call.body, &known)?;
        (fields.some_issuer()?, Some(read_action(&mut fields)?))
    } else {
        let mut fields = Fields::of_query(&call.query, &[ISSUER])?;
        (fields.some_issuer()?, None)
    };
    let unknown = || {
        let message = format!("no device has the code `{}`", call.rest);
        ControlError::new(StatusCode::NOT_FOUND, "unknown_user_code", message)
            .hint("`/_hallpass/state` lists the codes that wait")
    };
    let code = UserCode::from_input(&call.rest).ok_or_else(unknown)?;
    let (hashes, now) = (state.user_code_keys.hashes(&code), state.now());
    let found = state.store.write(move |tx| {
        let mut grants = Vec::new();
        for hash in &hashes {
            grants.extend(device_grants::list_by_user_code(tx, hash)?);
        }
        grants.retain(|grant| issuer.as_ref().is_none_or(|issuer| grant.issuer == *issuer));
        let (Some(mut grant), true) = (grants.pop(), grants.is_empty()) else {
            return Ok(Found::None);
        };
        let Some(action) = &action else {
            return Ok(Found::One(Box::new(grant)));
        };
        let decided = match action {
            Action::Approve(user) => dev_mode::approve_as(&mut grant, user.clone(), now),
            Action::Deny => grant.deny(now),
            Action::Expire => grant.expire(now),
        };
        if decided.is_err() {
            return Ok(Found::Over(status(&grant, now)));
        }
        device_grants::save(tx, &grant)?;
        device_grants::save_expiry(tx, &grant)?;
        Ok(Found::One(Box::new(grant)))
    });
    match found.await? {
        Found::One(grant) => {
            state.held_polls.wake(&grant.code_hash);
            Ok(show(&grant, now))
        }
        Found::None => Err(unknown()),
        Found::Over(status) => {
            let message = format!("the code is {status} already");
            Err(ControlError::new(
                StatusCode::CONFLICT,
                "already_decided",
                message,
            ))
        }
    }
}

enum Found {
    One(Box<DeviceGrant>),
    None,
    Over(&'static str),
}

fn read_action(fields: &mut Fields) -> Result<Action, ControlError> {
    let actions = ["approve", "deny", "expire"];
    let action = fields.text("action")?.ok_or_else(|| {
        let message = "what is to happen: `approve`, `deny` or `expire`";
        ControlError::missing("action", message)
    })?;
    let username = fields.filled("username")?;
    let claims = fields.object("claims")?;
    let needless = (username.is_some(), !claims.is_empty());
    match (action.as_str(), username) {
        ("approve", Some(name)) => Ok(Action::Approve(User {
            id: UserId::new(name),
            claims,
        })),
        ("approve", None) => Err(ControlError::missing("username", "who approves?")),
        ("deny" | "expire", _) if needless.0 => {
            Err(ControlError::value("username", "only `approve` has a user"))
        }
        ("deny" | "expire", _) if needless.1 => {
            Err(ControlError::value("claims", "only `approve` has claims"))
        }
        ("deny", _) => Ok(Action::Deny),
        ("expire", _) => Ok(Action::Expire),
        (other, _) => {
            let hint = nearest_name(actions.into_iter(), other).map_or_else(
                || format!("actions are `{}`", actions.join("`, `")),
                |name| format!("did you mean `{name}`?"),
            );
            Err(ControlError::value("action", format!("`{other}` is no action")).hint(hint))
        }
    }
}

/// A device code as tests see it.
pub(super) fn show(grant: &DeviceGrant, now: Timestamp) -> Value {
    let user = match &grant.state {
        DeviceGrantState::Approved { seed } => Some(seed.user.id.as_str()),
        _ => None,
    };
    json!({
        "user_code": grant.shown_user_code(),
        ISSUER: grant.issuer,
        "client_id": grant.client_id.as_str(),
        "scope": grant.scopes.to_string(),
        "status": status(grant, now),
        "username": user,
        "expires_at": time::write(grant.expires_at),
        "interval": grant.interval.as_secs(),
    })
}

fn status(grant: &DeviceGrant, now: Timestamp) -> &'static str {
    match grant.state {
        DeviceGrantState::Pending | DeviceGrantState::Approved { .. }
            if now >= grant.expires_at =>
        {
            "expired"
        }
        DeviceGrantState::Pending => "pending",
        DeviceGrantState::Approved { .. } => "approved",
        DeviceGrantState::Denied => "denied",
        DeviceGrantState::Redeemed { .. } => "redeemed",
    }
}
