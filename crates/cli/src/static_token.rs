//! `HALLPASS_TOKEN`: a token that the environment gives instead of a session.
//!
//! Row C-81: it goes only where `HALLPASS_TOKEN_FOR` says; without that, where the profile's own
//! tokens go.

use hallpass_client::{
    Client, Clock as _, MemoryStore, Scopes, Secret, SessionKey, SessionRecord, TokenStore as _,
    TokenType, clean,
};
use hallpass_protocol::time::SystemClock;

use crate::config::{HelperPlace, Target};
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

impl Profile {
    /// The token that the environment gives instead of a session.
    pub(crate) fn static_token(&self) -> Result<Option<StaticToken>, Failure> {
        StaticToken::find(&self.environment)
    }
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
        let may = if self.places.is_empty() {
            profile.may_send_to(target).is_ok()
        } else {
            self.places.iter().any(|place| target.is_at(place))
        };
        if may {
            return Ok(());
        }
        let origin = clean::text(&target.origin_text());
        Err(Failure::config(format!("{TOKEN} is not for {origin}"))
            .hint_to(format!("if it should be: add {origin} to {TOKEN_FOR}")))
    }

    /// Rows C-76 and C-81: whether a credential helper may give it to a host. Without `HALLPASS_TOKEN_FOR`
    /// that is one which a profile is set up for.
    pub(crate) fn may_help(&self, place: &HelperPlace, is_served: bool) -> bool {
        if self.places.is_empty() {
            return is_served;
        }
        let mut places = self.places.iter();
        places.any(|own| HelperPlace::of_url(own).as_ref() == Some(place))
    }

    /// A client that has this token for a session, for an address that it may go to. It signs nobody in,
    /// keeps nothing, and asks no server for another token.
    pub(crate) fn client(&self, target: &Target, profile: &Profile) -> Result<Client, Failure> {
        let origin = target.origin_text();
        let store = MemoryStore::new();
        // Without a refresh token nothing is ever sent to an issuer: any name will do.
        let key = SessionKey::new(&origin, NAME);
        store.compare_and_swap(&key, None, &self.record(&origin))?;
        let builder = Client::builder(&origin, NAME)
            .app_name(NAME)
            .http(profile.transport()?)
            .store(store)
            .resource(&origin);
        Ok(profile.watched(builder).build()?)
    }

    fn record(&self, origin: &str) -> SessionRecord {
        SessionRecord {
            token_endpoint: origin.to_owned(),
            access_token: Some(self.token.clone()),
            token_type: TokenType::Bearer,
            dpop_key: None,
            refresh_token: None,
            id_token: None,
            claims: None,
            identity: None,
            asked: Scopes::default(),
            resource: vec![origin.to_owned()],
            audience: Vec::new(),
            scope: Scopes::default(),
            expires_at: None,
            lifetime: None,
            server_ahead: 0,
            signed_in_at: SystemClock.now(),
            reauth_required: false,
            intent: None,
            registration: None,
        }
    }

    /// Why a command cannot go on that needs more than a token.
    pub(crate) fn is_no_session(what: &str) -> Failure {
        Failure::config(format!("{what}, and {TOKEN} is only an access token"))
            .hint_to("unset it to use the session")
    }
}

/// The variable.
pub(crate) const TOKEN: &str = "HALLPASS_TOKEN";
/// For who has just changed a session.
pub(crate) const STILL_SET: &str = "HALLPASS_TOKEN is still set, and goes before every session";
const NAME: &str = "hallpass";
const TOKEN_FOR: &str = "HALLPASS_TOKEN_FOR";
