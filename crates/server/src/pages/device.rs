//! Enter the user code that a terminal shows.
//!
//! RFC 8628 §3.3 (user interaction): <https://www.rfc-editor.org/rfc/rfc8628#section-3.3>
//! RFC 8628 §5.1 (guessing codes): <https://www.rfc-editor.org/rfc/rfc8628#section-5.1>

use std::time::Duration;

use askama::Template;
use hallpass_issuer::audit::{self, Event};
use hallpass_issuer::grants::device_code::DeviceGrant;
use hallpass_issuer::limits::Limit;
use hallpass_protocol::form;
use hallpass_protocol::user_code::UserCode;
use hallpass_store::device_grants;
use http::{HeaderValue, Method, Response, StatusCode, header};

use super::html;
use super::html::{Forms, Page};
use super::layout::{FormTarget, Layout};
use super::problem::{Problem, minutes};
use crate::Body;
use crate::error::Fault;
use crate::error::page::PageError;
use crate::error::redirect::see_other;
use crate::extract::browser::Browser;
use crate::extract::signed_in_user::SignedInUser;
use crate::limiter::network_of;
use crate::page_token::{DeviceInteraction, Purpose};
use crate::request::Request;
use crate::state::State;

/// The page at the verification URI.
#[derive(Debug, Clone, Template)]
#[template(path = "device.html")]
pub struct Device {
    /// The frame.
    pub layout: Layout,
    /// What the person can do now.
    pub step: Step,
}

/// How far the page lets a person go.
#[derive(Debug, Clone)]
pub enum Step {
    /// Ask for the code.
    Entry(Entry),
    /// Too many wrong codes from here: answer 429 with `Retry-After`.
    Locked {
        /// How long until the next try is allowed.
        wait: Duration,
    },
    /// Too many wrong codes from everywhere: only people who signed in may try.
    SignInFirst {
        /// The login page, which comes back here.
        sign_in_url: String,
    },
}

/// The form. It posts `user_code`.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Where the code goes.
    pub form: FormTarget,
    /// Shown in the field, never submitted by itself (RFC 8628 §3.3.1); empty if none came.
    pub user_code: String,
    /// Shown below the field.
    pub error: Option<Problem>,
}

fn wait_for_new_code(layout: &Layout, wait: &Duration) -> String {
    layout.words.wait_for_new_code(minutes(*wait)).to_string()
}

impl Page for Device {
    const FORMS: Forms = Forms::StayHere;

    fn layout(&self) -> &Layout {
        &self.layout
    }
}

/// Everybody who might be guessing: the browser, the account, the address.
struct Guessers {
    browser: String,
    account: Option<String>,
    address: String,
    issuer: String,
}

impl Guessers {
    fn of(request: &Request, browser: &Browser, person: Option<&SignedInUser>) -> Self {
        let account =
            person.map(|person| format!("account|{}|{}", request.issuer, person.user().id));
        Self {
            browser: browser.guesser(),
            account,
            address: format!("address|{}", network_of(request.peer)),
            issuer: format!("issuer|{}", request.issuer),
        }
    }

    /// How long nothing is looked at for one of them.
    async fn locked_for(
        &self,
        state: &State,
        request: &Request,
    ) -> Result<Option<Duration>, Fault> {
        let account = self.account.as_deref();
        let guessers: Vec<&str> = [Some(&*self.browser), account, Some(&*self.address)]
            .into_iter()
            .flatten()
            .collect();
        Ok(state
            .limiter
            .locked_at_any_node(&state.store, &guessers, request.now)
            .await?)
    }

    /// Whether so many codes of everybody were wrong that only people who signed in may try.
    async fn is_issuer_locked(&self, state: &State, request: &Request) -> Result<bool, Fault> {
        let guessers = [&*self.issuer];
        let locked = state
            .limiter
            .locked_at_any_node(&state.store, &guessers, request.now);
        Ok(locked.await?.is_some())
    }

    async fn count(&self, state: &State, request: &Request) -> Result<(), Fault> {
        let limits = &state.settings.limits;
        let account = self.account.as_deref();
        let guessers: Vec<(&str, Limit)> = [
            (&*self.browser, limits.user_code_per_session),
            (&*self.address, limits.user_code_per_ip),
            (&*self.issuer, limits.user_code_global_fail),
        ]
        .into_iter()
        .chain(account.map(|account| (account, limits.user_code_per_account)))
        .collect();
        let is_locked = |guesser: &str| state.limiter.locked_for(guesser, request.now).is_some();
        let before = guessers.iter().map(|(guesser, _)| is_locked(guesser));
        let before: Vec<bool> = before.collect();
        state
            .limiter
            .add_for_all_nodes(&state.store, &guessers, request.now)
            .await?;
        let names = [
            "user_code_per_session",
            "user_code_per_ip",
            "user_code_global_fail",
            "user_code_per_account",
        ];
        for (((guesser, _), was_locked), name) in guessers.iter().zip(before).zip(names) {
            if !was_locked && is_locked(guesser) {
                let entry = request.event(Event::LimitTripped);
                state.audit.keep(entry.with("limit", name)).await;
            }
        }
        Ok(())
    }
}

/// `GET device`, `POST device`. A code in the link is shown, never submitted (RFC 8628 §3.3.1).
pub(crate) async fn get(state: &State, request: &Request) -> Result<Response<Body>, PageError> {
    let browser = Browser::of(state, request);
    let person = SignedInUser::find(state, request).await?;
    let guessers = Guessers::of(request, &browser, person.as_ref());
    if let Some(wait) = guessers.locked_for(state, request).await? {
        return Ok(locked(request, wait));
    }
    // Row S-11: when everybody guesses, only people who signed in may try.
    if person.is_none() && guessers.is_issuer_locked(state, request).await? {
        let step = Step::SignInFirst {
            sign_in_url: request.path_of("login"),
        };
        return Ok(html::html(
            StatusCode::OK,
            &Device {
                layout: request.layout(),
                step,
            },
        ));
    }
    let linked = linked_code(state, request)?;
    if request.method != Method::POST {
        let shown = linked.map_or_else(String::new, |code| code.to_string());
        return Ok(entry(state, request, &browser, (shown, None)));
    }
    let form = request.form()?;
    browser.check_csrf(state, request, &form)?;
    let typed = form.one("user_code")?.unwrap_or_default();
    if typed.trim().is_empty() {
        return Ok(entry(
            state,
            request,
            &browser,
            (String::new(), Some(Problem::CodeMissing)),
        ));
    }
    let by = |entry: audit::Entry| match &person {
        Some(person) => entry.by_subject(&person.user().id),
        None => entry,
    };
    let Some(grant) = find_undecided(state, request, typed).await? else {
        state.audit.tell(by(request.event(Event::DeviceCodeFailed)));
        guessers.count(state, request).await?;
        return Ok(not_valid(state, request, &browser));
    };
    let entry = by(request.event(Event::DeviceCodeEntered));
    state.audit.tell(entry.with_client(&grant.client_id));
    let interaction = DeviceInteraction {
        grant: grant.code_hash,
        prefilled: linked.is_some_and(|code| code.letters() == grant.user_code),
        expires_at: request.now + state.settings.interaction_lifetime,
    };
    let sealed = state
        .page_tokens
        .seal(Purpose::Device, browser.binding(request), &interaction);
    let next = request.path_of("device/confirm");
    let mut response = see_other(&format!("{next}?interaction={}", form::encode(&sealed)));
    browser.remember(&mut response);
    Ok(response)
}

/// The code of the link that led here, where links may bring one.
fn linked_code(state: &State, request: &Request) -> Result<Option<UserCode>, PageError> {
    let query = request.query_form()?;
    let linked = query.one("user_code")?;
    let linked = linked.filter(|_| state.settings.device.prefill);
    Ok(linked.and_then(UserCode::from_input))
}

async fn find_undecided(
    state: &State,
    request: &Request,
    typed: &str,
) -> Result<Option<DeviceGrant>, Fault> {
    // People paste whole addresses too.
    let typed = typed
        .rsplit_once("user_code=")
        .map_or(typed, |(_, code)| code);
    let Some(code) = UserCode::from_input(typed) else {
        return Ok(None);
    };
    let (issuer, hashes, now) = (
        request.issuer.clone(),
        state.user_code_keys.hashes(&code),
        request.now,
    );
    let found = state.store.read(move |tx| {
        for hash in &hashes {
            if let Some(grant) = device_grants::find_by_user_code(tx, &issuer, hash)? {
                return Ok(Some(grant));
            }
        }
        Ok(None)
    });
    let found = found.await?;
    Ok(found.filter(|grant| grant.is_undecided(now)))
}

/// The one page for codes that are wrong, expired, used or decided (row S-12).
pub(crate) fn not_valid(state: &State, request: &Request, browser: &Browser) -> Response<Body> {
    entry(
        state,
        request,
        browser,
        (String::new(), Some(Problem::CodeNotValid)),
    )
}

fn entry(
    state: &State,
    request: &Request,
    browser: &Browser,
    (user_code, error): (String, Option<Problem>),
) -> Response<Body> {
    let status = if error.is_some() {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    // The code of the link stays in the address, so that the next page knows where it came from.
    let linked = if user_code.is_empty() {
        String::new()
    } else {
        format!("?user_code={user_code}")
    };
    let form = FormTarget {
        action: format!("{}{linked}", request.path_of("device")),
        csrf: browser.csrf(state, request),
        interaction: None,
    };
    let step = Step::Entry(Entry {
        form,
        user_code,
        error,
    });
    let mut response = html::html(
        status,
        &Device {
            layout: request.layout(),
            step,
        },
    );
    browser.remember(&mut response);
    response
}

fn locked(request: &Request, wait: Duration) -> Response<Body> {
    let step = Step::Locked { wait };
    let page = Device {
        layout: request.layout(),
        step,
    };
    let mut response = html::html(StatusCode::TOO_MANY_REQUESTS, &page);
    let seconds = HeaderValue::from(wait.as_secs().max(1));
    response.headers_mut().insert(header::RETRY_AFTER, seconds);
    response
}
