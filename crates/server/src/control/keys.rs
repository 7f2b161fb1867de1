//! `keys:rotate`: a new key signs, and the old ones stay in the JWKS for what they signed.

use http::StatusCode;
use serde_json::{Value, json};

use super::call::{Answer, Call};
use super::error::ControlError;
use super::fields::{Fields, ISSUER};
use crate::keys::IssuerKeys;
use crate::state::State;

/// `POST keys:rotate`.
pub(super) async fn answer(state: &State, call: &Call) -> Answer {
    let issuer = Fields::of_body(&call.body, &[ISSUER])?.issuer()?;
    let rotated = state
        .keys
        .rotate(&issuer, &state.store, state.now())
        .await?;
    let keys = rotated.ok_or_else(|| {
        let message = "the issuer has 20 keys already";
        ControlError::new(StatusCode::CONFLICT, "too_many", message)
            .hint("`POST /_hallpass/reset` leaves only the first")
    })?;
    Ok(show(&issuer, &keys))
}

/// The names of an issuer's keys.
pub(super) fn show(issuer: &str, keys: &IssuerKeys) -> Value {
    let signing = keys.signer.key().kid();
    let kids = keys.public.keys().iter().filter_map(|key| key.kid());
    let retired: Vec<&str> = kids.filter(|kid| *kid != signing).collect();
    json!({ ISSUER: issuer, "kid": signing, "retired": retired })
}
