//! A sign-in between its password and its second factor, as the page carries it: nobody is signed in
//! yet, and no record but that of the try says anything of it.

use std::time::Duration;

use hallpass_issuer::factors::totp::TotpSeed;
use hallpass_issuer::user::SignIn;
use hallpass_protocol::form::Form;
use hallpass_protocol::{Timestamp, UserId, hex};
use serde::{Deserialize, Serialize};

use crate::accounts::Own;
use crate::error::page::PageError;
use crate::extract::browser::Browser;
use crate::page_token::Purpose;
use crate::request::Request;
use crate::state::State;

/// So long the second step may take.
const PATIENCE: Duration = Duration::from_mins(10);

/// The payload of the field `pending`. It holds in one browser, for one try: once that is finished, it
/// is worth nothing.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Pending {
    user: String,
    /// What was proved so far.
    pub(super) sign_in: SignIn,
    /// What was typed as the user name.
    pub(super) name: String,
    /// What pages call the person.
    pub(super) shown_name: String,
    /// The record of the try.
    pub(super) event: [u8; 16],
    pub(super) stage: Stage,
    expires_at: Timestamp,
}

/// How far it is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Stage {
    /// A second factor is to be shown.
    Prove,
    /// One is to be set up: an app, where there is a seed for it, or a passkey.
    Enrol(Option<Seed>),
    /// It is set up; its recovery codes are to be saved.
    Enrolled,
}

/// A seed that only the page and the app know so far.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Seed(SeedText);

/// Its text never reaches a log.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
struct SeedText(String);

impl std::fmt::Debug for SeedText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

impl Seed {
    pub(super) fn of(seed: &TotpSeed) -> Self {
        Self(SeedText(hex::encode(seed.as_bytes())))
    }

    pub(super) fn read(&self) -> Option<TotpSeed> {
        hex::decode(&self.0.0).map(TotpSeed::from_bytes)
    }
}

impl Pending {
    /// After a right password.
    pub(super) fn new(
        (user, sign_in): (&UserId, SignIn),
        (name, shown_name): (&str, &str),
        (event, stage): ([u8; 16], Stage),
        now: Timestamp,
    ) -> Self {
        Self {
            user: user.as_str().to_owned(),
            sign_in,
            name: name.to_owned(),
            shown_name: shown_name.to_owned(),
            event,
            stage,
            expires_at: now + PATIENCE,
        }
    }

    /// The one that a form of this browser carries, unless it took too long.
    pub(super) fn read(
        (state, request, browser): (&State, &Request, &Browser),
        form: &Form,
    ) -> Result<Option<Self>, PageError> {
        let token = form.one("pending")?.unwrap_or_default();
        let tokens = &state.page_tokens;
        let found: Option<Self> =
            tokens.open(Purpose::SecondFactor, browser.binding(request), token);
        Ok(found.filter(|pending| request.now < pending.expires_at))
    }

    /// The field.
    pub(super) fn seal(&self, (state, request, browser): (&State, &Request, &Browser)) -> String {
        let binding = browser.binding(request);
        state.page_tokens.seal(Purpose::SecondFactor, binding, self)
    }

    /// What the app is given that is to be set up.
    pub(super) fn seed(&self) -> Option<TotpSeed> {
        match &self.stage {
            Stage::Enrol(seed) => seed.as_ref()?.read(),
            Stage::Prove | Stage::Enrolled => None,
        }
    }

    /// Whose sign-in it is.
    pub(super) fn own(&self) -> Own {
        Own {
            user: UserId::new(&self.user),
            sign_in: self.sign_in.clone(),
        }
    }
}
