//! What several commands say of a session, to people and to programs.

use hallpass_client::{Session, SessionStatus, Timestamp, answers};
use serde_json::Value;

use crate::moment;
use crate::profile::Profile;

/// Who is signed in, for programs.
pub(super) fn to_json(session: &Session, profile: &Profile, checked: &str) -> Value {
    answers::whoami(session, (&profile.name, &profile.chosen_by), checked)
}

/// That nobody is signed in, for programs.
pub(super) fn nobody_json(profile: &Profile) -> Value {
    let settings = &profile.settings;
    let server = (settings.issuer.as_deref(), settings.client_id.as_deref());
    answers::nobody((&profile.name, &profile.chosen_by), server)
}

/// How long the access token is good, for people.
pub(super) fn token_words(session: &Session, now: Timestamp) -> String {
    match (session.status(), session.access_expires_at()) {
        (SessionStatus::ReauthRequired, _) => "no longer good".to_owned(),
        (_, None) => "good; the server does not say until when".to_owned(),
        (_, Some(at)) if at > now => format!("expires {}", moment::relative(at, now)),
        (_, Some(at)) => format!("expired {}", moment::relative(at, now)),
    }
}
