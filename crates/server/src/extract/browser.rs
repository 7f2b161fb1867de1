//! The browser: a cookie that binds forms to it, and the check that a form came from our page.

use hallpass_protocol::form::Form;
use hallpass_protocol::{hex, random};
use http::Response;
use serde::de::DeserializeOwned;

use super::cookie::{CookieName, add_cookie, set_cookie};
use super::signed_in_user::SignedInUser;
use crate::Body;
use crate::error::page::PageError;
use crate::page_token::{Binding, Purpose};
use crate::request::Request;
use crate::state::State;

/// The cookie of dev mode.
const DEV_COOKIE: &str = "hallpass_browser";

/// A browser, known by a random value that means nothing else.
#[derive(Clone, Debug)]
pub(crate) struct Browser {
    value: String,
    /// For a browser that has none yet.
    cookie: Option<String>,
}

impl Browser {
    /// The browser of a request; a new one gets its cookie with the answer.
    pub(crate) fn of(state: &State, request: &Request) -> Self {
        let well_formed =
            |value: &&str| value.len() == 32 && value.bytes().all(|b| b.is_ascii_hexdigit());
        let is_production = state.settings.is_production();
        let name = if is_production {
            CookieName::Browser.of(&request.issuer_url)
        } else {
            DEV_COOKIE
        };
        if let Some(value) = request.cookie(name).filter(well_formed) {
            return Self {
                value: value.to_owned(),
                cookie: None,
            };
        }
        let drawn: [u8; 16] = random::bytes(state.random.as_ref());
        let value = hex::encode(&drawn);
        let cookie = if is_production {
            set_cookie(CookieName::Browser, &request.issuer_url, &value, None)
        } else {
            format!("{DEV_COOKIE}={value}; Path=/; HttpOnly; SameSite=Lax")
        };
        Self {
            value,
            cookie: Some(cookie),
        }
    }

    /// Where its page tokens hold.
    pub(crate) fn binding<'a>(&'a self, request: &'a Request) -> Binding<'a> {
        Binding {
            issuer: &request.issuer,
            browser: &self.value,
        }
    }

    /// The token for a form.
    pub(crate) fn csrf(&self, state: &State, request: &Request) -> String {
        state
            .page_tokens
            .seal(Purpose::Csrf, self.binding(request), &())
    }

    /// The token for a form in which a person decides: it ends with their cookie (row S-15), so
    /// nobody decides what was shown to somebody else, or before a sign-in.
    pub(crate) fn csrf_of(
        &self,
        state: &State,
        request: &Request,
        person: &SignedInUser,
    ) -> String {
        state
            .page_tokens
            .seal(Purpose::Csrf, self.binding(request), &person.cookie_hash())
    }

    /// Refuses a form that our page in this browser did not post (row S-15).
    pub(crate) fn check_csrf(
        &self,
        state: &State,
        request: &Request,
        form: &Form,
    ) -> Result<(), PageError> {
        self.check_token(state, request, form, &())
    }

    /// Refuses a form of [`Self::csrf_of`] that was not shown to this person in this session.
    pub(crate) fn check_csrf_of(
        &self,
        state: &State,
        request: &Request,
        (form, person): (&Form, &SignedInUser),
    ) -> Result<(), PageError> {
        self.check_token(state, request, form, &person.cookie_hash())
    }

    fn check_token<T: DeserializeOwned + PartialEq>(
        &self,
        state: &State,
        request: &Request,
        form: &Form,
        expected: &T,
    ) -> Result<(), PageError> {
        let token = form.one("csrf")?.unwrap_or_default();
        let sealed: Option<T> = state
            .page_tokens
            .open(Purpose::Csrf, self.binding(request), token);
        let genuine = sealed.as_ref() == Some(expected);
        if genuine && request.header("sec-fetch-site") != Some("cross-site") {
            Ok(())
        } else {
            Err(PageError::Forged)
        }
    }

    /// As [`Self::check_csrf`], but a form without a token passes in two cases: a program that is no
    /// browser sent it, or a page of this server while the developer has a sign-in page of their own,
    /// which knows no tokens (`docs/dev-mode.md`).
    pub(crate) fn check_sign_in(
        &self,
        state: &State,
        request: &Request,
        form: &Form,
    ) -> Result<(), PageError> {
        let may_lack_token = !state.settings.is_production()
            && (state.settings.login_page.is_some() || !request.is_from_browser());
        if !form.has("csrf") && may_lack_token && !request.is_cross_site() {
            return Ok(());
        }
        self.check_csrf(state, request, form)
    }

    /// Names the guesser that this browser is.
    pub(crate) fn guesser(&self) -> String {
        format!("browser|{}", self.value)
    }

    /// Gives a new browser its cookie.
    pub(crate) fn remember(&self, response: &mut Response<Body>) {
        if let Some(cookie) = &self.cookie {
            add_cookie(response, cookie);
        }
    }
}
