//! A browser that signed in to an account before has a budget of its own, so that strangers who
//! guess passwords cannot lock the account's owner out.

use hallpass_issuer::tokens::one_time::SecretHash;
use hallpass_protocol::{hex, random};
use serde::{Deserialize, Serialize};

use crate::extract::cookie::{CookieName, set_cookie};
use crate::page_token::{Binding, Purpose};
use crate::request::Request;
use crate::state::State;

/// So many accounts of one browser are remembered.
const MOST_ACCOUNTS: usize = 5;
/// Seconds that the cookie stays.
const A_YEAR: u32 = 365 * 24 * 3600;

/// What the cookie says, under a MAC. Names are hashed: a cookie is read by whoever has the machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KnownBrowser {
    id: String,
    names: Vec<SecretHash>,
}

impl KnownBrowser {
    /// The browser of a request, as far as it is known.
    pub(crate) fn of(state: &State, request: &Request) -> Self {
        let cookie = request.cookie(CookieName::KnownBrowser.of(&request.issuer_url));
        let known = cookie.and_then(|token| {
            let tokens = &state.page_tokens;
            tokens.open(Purpose::KnownBrowser, binding(request), token)
        });
        known.unwrap_or_default()
    }

    /// Names this browser to the counters, if it signed in under this name before.
    pub(crate) fn guesser(&self, name: &str) -> Option<String> {
        let is_known = self.names.contains(&SecretHash::of(name.as_bytes()));
        is_known.then(|| format!("login|browser|{}|{name}", self.id))
    }

    /// The cookie that says that this browser signed in under a name, too.
    pub(crate) fn with(mut self, state: &State, request: &Request, name: &str) -> String {
        if self.id.is_empty() {
            let drawn: [u8; 16] = random::bytes(state.random.as_ref());
            self.id = hex::encode(&drawn);
        }
        let name = SecretHash::of(name.as_bytes());
        self.names.retain(|known| *known != name);
        self.names.insert(0, name);
        self.names.truncate(MOST_ACCOUNTS);
        let tokens = &state.page_tokens;
        let value = tokens.seal(Purpose::KnownBrowser, binding(request), &self);
        set_cookie(
            CookieName::KnownBrowser,
            &request.issuer_url,
            &value,
            Some(A_YEAR),
        )
    }
}

fn binding(request: &Request) -> Binding<'_> {
    Binding {
        issuer: &request.issuer,
        browser: "",
    }
}
