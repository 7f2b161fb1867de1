//! What the overview lists: programs, browsers, apps, tries to sign in.

use hallpass_issuer::authorization::{Authorization, Origin};
use hallpass_issuer::browser_session::BrowserSession;
use hallpass_issuer::consent::Consent;
use hallpass_issuer::sign_in_event::{Outcome, SignInEvent};
use hallpass_protocol::{ClientId, Timestamp};

use super::address::{from_address, from_network};
use crate::accounts::browser_id;
use crate::extract::signed_in_user::SignedInUser;
use crate::languages::{Filled, Moment, Value, Words};
use crate::pages::scope_line::{self, ScopeLine};
use crate::state::State;

/// A program or device that is signed in.
#[derive(Debug, Clone)]
pub(crate) struct ProgramRow {
    /// Goes back as `sid`.
    pub(crate) sid: String,
    /// What the person calls it, if they do.
    pub(crate) label: Option<String>,
    /// What the client is called.
    pub(crate) client: String,
    /// How it was signed in, and where.
    pub(crate) facts: Vec<Filled<'static>>,
    /// When it was signed in.
    pub(crate) created: Moment,
    /// When it last got a token.
    pub(crate) used: Moment,
    /// Whether its refresh tokens are bound to its key.
    pub(crate) is_bound: bool,
}

impl ProgramRow {
    /// What it is called in the list.
    pub(crate) fn name(&self) -> &str {
        self.label.as_deref().unwrap_or(&self.client)
    }
}

/// A signed-in browser.
#[derive(Debug, Clone)]
pub(crate) struct BrowserRow {
    /// Goes back as `sid`.
    pub(crate) sid: String,
    /// What it says it is.
    pub(crate) name: String,
    /// Its network.
    pub(crate) place: Option<Filled<'static>>,
    /// When the person signed in.
    pub(crate) created: Moment,
    /// When it was last used, to half an hour.
    pub(crate) used: Moment,
    /// Whether it is the one that shows the page.
    pub(crate) is_this: bool,
}

/// An app that is not asked about again.
#[derive(Debug, Clone)]
pub(crate) struct AppRow {
    /// Goes back as `client`.
    pub(crate) client_id: String,
    /// What it is called.
    pub(crate) client: String,
    /// What it may do.
    pub(crate) scopes: Vec<ScopeLine>,
    /// When it was allowed.
    pub(crate) granted: Moment,
}

/// A try to sign in.
#[derive(Debug, Clone)]
pub(crate) struct EventRow {
    /// Whether it did.
    pub(crate) signed_in: bool,
    /// Whether the password was right and the second factor never came.
    pub(crate) is_unfinished: bool,
    /// Where it came from.
    pub(crate) from: Filled<'static>,
    /// What the browser said it is.
    pub(crate) browser: Option<String>,
    /// When.
    pub(crate) at: Moment,
}

impl AppRow {
    /// What it may do, as a list.
    pub(crate) fn scopes(&self, words: &Words) -> Value<'static> {
        let scopes = self.scopes.iter();
        words.list(scopes.map(|line| line.value(words)).collect())
    }
}

pub(super) fn program(
    state: &State,
    (words, now): (&Words, Timestamp),
    (found, label): (Authorization, Option<String>),
) -> ProgramRow {
    let mut facts = vec![Filled::plain(match found.origin {
        Origin::Code => words.through_a_browser,
        Origin::Device => words.with_a_code,
        Origin::Exchange => words.with_another_token,
    })];
    let place = |from| from_network(state, words, from);
    facts.extend(found.address.map(place));
    if found.origin == Origin::Device
        && let Some(browser) = &found.seed.sign_in.browser
    {
        facts.push(words.allowed_in(words.program(browser)));
    }
    ProgramRow {
        sid: found.id.to_string(),
        label,
        client: client_name(state, &found.client_id),
        facts,
        created: moment(found.created_at, now),
        used: moment(found.last_used_at(state.settings.refresh.idle), now),
        is_bound: found.dpop_jkt.is_some(),
    }
}

pub(super) fn browser(
    state: &State,
    (words, now): (&Words, Timestamp),
    (found, person): (&BrowserSession, &SignedInUser),
) -> BrowserRow {
    let used = found.expires_at - state.settings.browser_sessions.idle;
    BrowserRow {
        sid: format!("b-{}", browser_id(&found.id)),
        name: found.sign_in.browser.as_deref().map_or_else(
            || words.a_browser.to_owned(),
            |browser| words.program(browser),
        ),
        place: found.address.map(|from| from_network(state, words, from)),
        created: moment(found.auth_time, now),
        used: moment(used.max(found.auth_time), now),
        is_this: found.id == person.session(),
    }
}

/// One row for each client, whatever the number of its resources; they come sorted.
pub(super) fn apps(state: &State, now: Timestamp, consents: &[Consent]) -> Vec<AppRow> {
    let resources = &state.settings.resources;
    let of_one_client = consents.chunk_by(|one, next| one.client_id == next.client_id);
    let row = |all: &[Consent]| {
        let first = all.first()?;
        let mut scopes: Vec<ScopeLine> = Vec::new();
        for line in all
            .iter()
            .flat_map(|consent| scope_line::lines(&consent.scopes, resources))
        {
            if !scopes.contains(&line) {
                scopes.push(line);
            }
        }
        let granted = all.iter().map(|consent| consent.granted_at).max();
        Some(AppRow {
            client_id: first.client_id.as_str().to_owned(),
            client: client_name(state, &first.client_id),
            scopes,
            granted: moment(granted.unwrap_or(first.granted_at), now),
        })
    };
    of_one_client.filter_map(row).collect()
}

pub(super) fn event(
    state: &State,
    (words, now): (&Words, Timestamp),
    event: &SignInEvent,
) -> EventRow {
    EventRow {
        signed_in: event.outcome == Outcome::SignedIn,
        is_unfinished: event.outcome == Outcome::Unfinished,
        from: from_address(state, words, event.address),
        browser: event.browser.clone(),
        at: moment(event.at, now),
    }
}

fn client_name(state: &State, id: &ClientId) -> String {
    let client = state.clients.find(id);
    client.map_or_else(|| id.as_str().to_owned(), |client| client.name.clone())
}

pub(super) fn moment(at: Timestamp, now: Timestamp) -> Moment {
    let read =
        |time: Timestamp| jiff::Timestamp::from_millisecond(time.unix_millis()).unwrap_or_default();
    Moment {
        at: read(at),
        now: read(now),
    }
}
