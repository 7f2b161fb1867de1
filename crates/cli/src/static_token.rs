//! `HALLPASS_TOKEN`: a token that the environment gives instead of a session.
//!
//! Row C-81: it goes only where `HALLPASS_TOKEN_FOR` says; without that, where the profile's own
//! tokens go.

use hallpass_client::{Secret, clean};

use crate::config::Target;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::profile::Profile;

/// The token, and where it may go.
#[derive(Clone, Debug)]
pub(crate) struct StaticToken {
    /// The token itself.
    pub(crate) token: Secret<String>,
    /// The addresses of `HALLPASS_TOKEN_FOR`.
    pub(crate) places: Vec<String>,
}

impl StaticToken {
    /// Reads the variables.
    pub(crate) fn find(environment: &Environment) -> Result<Option<Self>, Failure> {
        let Some(text) = environment.text(TOKEN) else {
            return Ok(None);
        };
        let text = text.trim();
        // It becomes part of a header (RFC 6750 §2.1).
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Failure::config(format!("{TOKEN} holds no token"))
                .hint_to("set it to the token alone, or unset it"));
        }
        let places = environment.text(TOKEN_FOR).unwrap_or_default();
        let places = places.split([',', ' ']).filter(|place| !place.is_empty());
        let places: Vec<_> = places.map(str::to_owned).collect();
        for place in &places {
            Target::parse(place).map_err(|failure| failure.within(TOKEN_FOR))?;
        }
        tracing::info!("{TOKEN} is set: it is used instead of a session");
        Ok(Some(Self {
            token: Secret::from(text),
            places,
        }))
    }

    /// Whether it may go to an address.
    pub(crate) fn may_go_to(&self, target: &Target, profile: &Profile) -> Result<(), Failure> {
        if self.places.is_empty() {
            return profile.may_send_to(target);
        }
        if self.places.iter().any(|place| target.is_at(place)) {
            return Ok(());
        }
        let origin = clean::text(&target.origin_text());
        Err(Failure::config(format!("{TOKEN} is not for {origin}"))
            .hint_to(format!("if it should be: add {origin} to {TOKEN_FOR}")))
    }
}

const TOKEN: &str = "HALLPASS_TOKEN";
const TOKEN_FOR: &str = "HALLPASS_TOKEN_FOR";
