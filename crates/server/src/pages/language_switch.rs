//! The choice of a language at the foot of every page, kept in a cookie.
//!
//! The form has no action: it posts to the address of the page, so that no page has to write its own
//! address down, and the answer leads back there.

use hallpass_protocol::form::Form;
use http::{Method, Response};

use crate::Body;
use crate::error::Fault;
use crate::error::page::PageError;
use crate::error::redirect::see_other;
use crate::extract::cookie::{CookieName, add_cookie, set_cookie};
use crate::extract::signed_in_user::SignedInUser;
use crate::languages::Language;
use crate::request::Request;
use crate::state::State;

/// The parameter of OIDC Core §3.1.2.1.
const UI_LOCALES: &str = "ui_locales";
/// A year, in seconds.
const REMEMBERED: u32 = 365 * 24 * 3600;

/// The language that was chosen, when this request is nothing but that choice. A page of another site
/// chooses none.
pub(crate) fn chosen(request: &Request) -> Option<Language> {
    if request.method != Method::POST || request.header("sec-fetch-site") == Some("cross-site") {
        return None;
    }
    let form = request.form().ok()?;
    let tag = form.one("language").ok().flatten()?;
    (form.iter().count() == 1).then(|| Language::of_tag(tag))?
}

/// Keeps the choice and shows the page again; where its address shows none, the account. Of whoever
/// is signed in to an account the choice is noted there too: their mails come in it.
pub(crate) async fn answer(
    state: &State,
    request: &Request,
    (language, is_page): (Language, bool),
) -> Result<Response<Body>, PageError> {
    let tag = language.tag();
    if state.settings.is_production()
        && let Some(person) = SignedInUser::find(state, request).await?
    {
        let noted = state.accounts.note_locale(&person.user().id, tag);
        noted.await.map_err(Fault::from)?;
    }
    let mut response = if is_page {
        let query = request.query_form().unwrap_or_default();
        let query = without_other_choice(&query, tag).encode();
        let mark = if query.is_empty() { "" } else { "?" };
        see_other(&format!("{}{mark}{query}", request.path))
    } else {
        see_other(&request.path_of("account"))
    };
    let cookie = set_cookie(
        CookieName::Language,
        &request.issuer_url,
        tag,
        Some(REMEMBERED),
    );
    add_cookie(&mut response, &cookie);
    Ok(response)
}

/// What the client wished for must not undo what the person chose on its page; that of a pushed
/// request is not in the query, so it needs something to stand before it.
fn without_other_choice(query: &Form, tag: &str) -> Form {
    let is_pushed = query.has("request_uri");
    let others = query.iter().filter(|(name, _)| *name != UI_LOCALES);
    let mut query: Form = others.collect();
    if is_pushed {
        query.push(UI_LOCALES, tag);
    }
    query
}
