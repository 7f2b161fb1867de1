//! The passkeys of a person: make one, name it, try it, remove it.
//!
//! A passkey that is made is kept at once, under the name of its browser; naming and trying it is the
//! next page, which may be left.

use askama::Template;
use hallpass_issuer::audit::Event;
use hallpass_issuer::factors::passkey::{MOST, OwnPasskey, RelyingParty};
use hallpass_issuer::tokens::one_time::SecretHash;
use hallpass_protocol::form::Form;
use hallpass_protocol::jose::base64url;
use hallpass_protocol::{Secret, Timestamp};
use http::{Response, StatusCode};

use super::gate::{Needs, Visit, enter};
use super::paths::PASSKEYS;
use super::rows::moment;
use crate::Body;
use crate::accounts::{Added, NewPasskey, Removal};
use crate::error::Fault;
use crate::error::page::PageError;
use crate::error::redirect::see_other;
use crate::extract::user_agent;
use crate::languages::{Moment, Words};
use crate::pages::html;
use crate::pages::html::{Forms, Page};
use crate::pages::layout::{FormTarget, Layout};
use crate::pages::passkey::{Answer, Ask, Ceremony, creation, use_of};
use crate::pages::problem::{Problem, Said};
use crate::pages::second_factor::{Codes, RecoveryCodesPage};
use crate::request::Request;
use crate::state::State;

/// The list. Its forms post `action`, which is `create`, `rename` or `remove`, and `id` and `name`.
#[derive(Debug, Clone, Template)]
#[template(path = "account_passkeys.html")]
pub(crate) struct PasskeysPage {
    pub(crate) layout: Layout,
    pub(crate) form: FormTarget,
    pub(crate) account_url: String,
    pub(crate) notice: Option<&'static str>,
    pub(crate) problem: Option<Problem>,
    pub(crate) passkeys: Vec<PasskeyRow>,
    /// Absent when there are as many as can be.
    pub(crate) ask: Option<Ask>,
}

/// A passkey that was just made. It posts `id` and `name`, and `action=name` or what the passkey said.
#[derive(Debug, Clone, Template)]
#[template(path = "account_passkey.html")]
pub(crate) struct PasskeyPage {
    pub(crate) layout: Layout,
    pub(crate) form: FormTarget,
    pub(crate) problem: Option<Problem>,
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) ask: Ask,
}

/// One passkey.
#[derive(Debug, Clone)]
pub(crate) struct PasskeyRow {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) is_synced: bool,
    pub(crate) created: Moment,
    pub(crate) used: Option<Moment>,
}

impl Page for PasskeysPage {
    const FORMS: Forms = Forms::StayHere;

    fn layout(&self) -> &Layout {
        &self.layout
    }
}

impl Page for PasskeyPage {
    const FORMS: Forms = Forms::StayHere;

    fn layout(&self) -> &Layout {
        &self.layout
    }
}

/// A visit to a server that takes passkeys.
#[derive(Clone, Copy)]
struct At<'a> {
    state: &'a State,
    request: &'a Request,
    visit: &'a Visit,
    relying_party: &'a RelyingParty,
}

/// `GET account/security/passkeys`, `POST account/security/passkeys`.
pub(crate) async fn get(state: &State, request: &Request) -> Result<Response<Body>, PageError> {
    let Some(relying_party) = &state.settings.passkeys else {
        return Err(PageError::NotFound);
    };
    let visit = match enter(state, request, (Needs::FreshSignIn, PASSKEYS)).await? {
        Ok(visit) => visit,
        Err(response) => return Ok(response),
    };
    let at = At {
        state,
        request,
        visit: &visit,
        relying_party,
    };
    let Some(form) = &visit.form else {
        return match request.query_form()?.one("new")? {
            Some(id) => at.new_one(&base64url::decode(id).unwrap_or_default()).await,
            None => at.list(Said::Nothing).await,
        };
    };
    let id = base64url::decode(form.one("id")?.unwrap_or_default()).unwrap_or_default();
    match form.one("action")? {
        Some("create") => at.create(form).await,
        Some("name" | "rename") => at.rename(form, id).await,
        Some("remove") => at.remove(id).await,
        // Script posts the form without pressing a button.
        None if form.has("passkey") => at.try_it(form, id).await,
        _ => at.list(Said::Nothing).await,
    }
}

impl At<'_> {
    /// What challenges of this page are bound to.
    fn session(self) -> SecretHash {
        self.visit.person.session_hash()
    }

    async fn passkeys(self) -> Result<Vec<OwnPasskey>, PageError> {
        let user = &self.visit.person.user().id;
        let found = self.state.accounts.passkeys(user).await;
        Ok(found.map_err(Fault::from)?)
    }

    async fn list(self, said: Said) -> Result<Response<Body>, PageError> {
        let (request, known) = (self.request, self.passkeys().await?);
        let query = request.query_form()?;
        let layout = request.layout();
        let notice = query.one("done")?;
        let user = self.visit.person.user();
        let names = (user.shown_name(), user.shown_name());
        let ask = (known.len() < MOST).then(|| {
            Ask::to_create(
                (self.state, request, &self.visit.browser),
                self.relying_party,
                (self.session(), names),
                (user.id.as_str().as_bytes(), &known),
            )
            .after(said)
        });
        let problem = said.problem();
        let page = PasskeysPage {
            notice: notice.and_then(|done| words_for(layout.words, done)),
            layout,
            form: self.visit.target(self.state, request, PASSKEYS),
            account_url: request.path_of("account"),
            problem,
            passkeys: known.iter().map(|own| row(own, request.now)).collect(),
            ask,
        };
        Ok(self.answer(&page, problem))
    }

    async fn create(self, form: &Form) -> Result<Response<Body>, PageError> {
        let (state, request) = (self.state, self.request);
        let at = (state, request, &self.visit.browser);
        let session = Some(self.session());
        let (asked, response) = match creation(at, self.relying_party, form, session)? {
            Answer::Given(asked, response) => (asked, response),
            Answer::TooOld => return self.list(Said::TooOld).await,
            Answer::Nothing => return self.list(Said::Problem(Problem::PasskeyNotMade)).await,
        };
        let name = user_agent::in_words(request).unwrap_or_default();
        let new = NewPasskey {
            asked,
            response,
            name: name.clone(),
        };
        let user = &self.visit.person.user().id;
        let by = self.visit.setting_up(state, request);
        let added = state.accounts.add_passkey(by, new).await;
        match added.map_err(Fault::from)? {
            Added::Kept { passkey, codes } => {
                let entry = request.event(Event::PasskeyAdded).by_subject(user);
                state.audit.keep(entry).await;
                state.outbox_filled.notify_one();
                // From now on this session has proved it, as it has an app that was set up.
                let proved = self.visit.person.proof().clone();
                let proved = proved.with_new_passkey(&passkey, request.now);
                let (person, cookie) = self.visit.person.step_up(state, request, proved).await?;
                let visit = self.visit.with(person);
                let at = At {
                    visit: &visit,
                    ..self
                };
                let id = &passkey.credential_id;
                let mut response = if codes.is_empty() {
                    at.one(id, name, Said::Nothing).await?
                } else {
                    at.codes(id, &codes)
                };
                cookie.send(&mut response);
                Ok(response)
            }
            Added::Refused(reason) => {
                tracing::warn!(%user, address = %request.peer, %reason, "passkey.refused");
                self.list(Said::Problem(Problem::PasskeyNotMade)).await
            }
            Added::TooMany => self.list(Said::Problem(Problem::TooManyPasskeys)).await,
            Added::Gone => Ok(super::gate::done(request, "gone")),
        }
    }

    /// What comes with the first factor, before the page of the passkey.
    fn codes(self, id: &[u8], codes: &[Secret<String>]) -> Response<Body> {
        let passkeys = self.request.path_of(PASSKEYS);
        let next = Codes::Back {
            url: format!("{passkeys}?new={}", base64url::encode(id)),
        };
        let user = self.visit.person.user().shown_name();
        RecoveryCodesPage::answer((self.request, &self.visit.browser), (user, codes), next)
    }

    /// The page of a passkey that was made just now, under the name that it has.
    async fn new_one(self, id: &[u8]) -> Result<Response<Body>, PageError> {
        let mut known = self.passkeys().await?;
        known.retain(|own| own.passkey.credential_id == id);
        match known.pop() {
            Some(own) => self.one(id, own.name, Said::Nothing).await,
            None => Ok(self.done("gone")),
        }
    }

    /// The page of one passkey, to be named and tried.
    async fn one(self, id: &[u8], name: String, said: Said) -> Result<Response<Body>, PageError> {
        let mut known = self.passkeys().await?;
        known.retain(|own| own.passkey.credential_id == id);
        if known.is_empty() {
            return Ok(self.done("gone"));
        }
        let problem = said.problem();
        let page = PasskeyPage {
            layout: self.request.layout().without_switch(),
            form: self.visit.target(self.state, self.request, PASSKEYS),
            problem,
            id: base64url::encode(id),
            name,
            ask: Ask::to_use(
                (self.state, self.request, &self.visit.browser),
                self.relying_party,
                (Ceremony::Try, Some(self.session())),
                &known,
            )
            .after(said),
        };
        Ok(self.answer(&page, problem))
    }

    async fn try_it(self, form: &Form, id: Vec<u8>) -> Result<Response<Body>, PageError> {
        let (state, request) = (self.state, self.request);
        let name = form.one("name")?.unwrap_or_default();
        let user = &self.visit.person.user().id;
        let renamed = state.accounts.rename_passkey(user, id.clone(), name).await;
        renamed.map_err(Fault::from)?;
        let at = (state, request, &self.visit.browser);
        let of = (Ceremony::Try, Some(self.session()));
        let refused = |reason: &dyn std::fmt::Display| {
            tracing::warn!(%user, address = %request.peer, %reason, "passkey.refused");
        };
        match use_of(at, self.relying_party, form, of)? {
            Answer::Given(asked, response) if response.credential_id == id => {
                let own = self.visit.own();
                let tried = state.accounts.try_passkey(own, asked, response).await;
                match tried.map_err(Fault::from)? {
                    Ok(_) => return Ok(self.done("works")),
                    Err(reason) => refused(&reason),
                }
            }
            Answer::Given(..) => refused(&"another passkey than the new one"),
            Answer::TooOld => return self.one(&id, name.to_owned(), Said::TooOld).await,
            Answer::Nothing => {}
        }
        let said = Said::Problem(Problem::PasskeyNotAccepted);
        self.one(&id, name.to_owned(), said).await
    }

    async fn rename(self, form: &Form, id: Vec<u8>) -> Result<Response<Body>, PageError> {
        let name = form.one("name")?.unwrap_or_default();
        let user = &self.visit.person.user().id;
        let renamed = self.state.accounts.rename_passkey(user, id, name).await;
        let is_theirs = renamed.map_err(Fault::from)?;
        Ok(self.done(if is_theirs { "renamed" } else { "gone" }))
    }

    async fn remove(self, id: Vec<u8>) -> Result<Response<Body>, PageError> {
        let (state, request) = (self.state, self.request);
        let by = self.visit.setting_up(state, request);
        let policy = state.settings.factor_policy();
        let removed = state.accounts.remove_passkey(by, id, policy).await;
        match removed.map_err(Fault::from)? {
            Removal::Done => {
                let entry = request.event(Event::PasskeyRemoved);
                let entry = entry.by_subject(&self.visit.person.user().id);
                state.audit.keep(entry).await;
                state.outbox_filled.notify_one();
                Ok(self.done("removed"))
            }
            Removal::Gone => Ok(self.done("gone")),
            Removal::LastFactor => self.list(Said::Problem(Problem::LastFactor)).await,
        }
    }

    fn done(self, word: &str) -> Response<Body> {
        see_other(&format!("{}?done={word}", self.request.path_of(PASSKEYS)))
    }

    fn answer<P: Page>(self, page: &P, problem: Option<Problem>) -> Response<Body> {
        let status = match problem {
            Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
            None => StatusCode::OK,
        };
        let mut response = html::html(status, page);
        self.visit.browser.remember(&mut response);
        response
    }
}

fn row(own: &OwnPasskey, now: Timestamp) -> PasskeyRow {
    PasskeyRow {
        id: base64url::encode(&own.passkey.credential_id),
        name: own.name.clone(),
        is_synced: own.passkey.backup_eligible,
        created: moment(own.created_at, now),
        used: own.last_used_at.map(|at| moment(at, now)),
    }
}

fn words_for(words: &'static Words, done: &str) -> Option<&'static str> {
    Some(match done {
        "works" => words.done_passkey_works,
        "renamed" => words.done_renamed,
        "removed" => words.done_passkey_removed,
        "gone" => words.done_gone,
        _ => return None,
    })
}
