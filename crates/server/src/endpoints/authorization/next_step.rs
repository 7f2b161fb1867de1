//! Who the person is, and what they see next.
//!
//! OIDC Core §3.1.2.1 (`prompt`, `max_age`, `id_token_hint`), §3.1.2.3:
//! <https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest>

use hallpass_issuer::Refusal;
use hallpass_issuer::client::Client;
use hallpass_issuer::factors::required::Demand;
use hallpass_issuer::grants::authorization_code::CheckedRequest;
use hallpass_issuer::network::Confirmed;
use hallpass_issuer::user::{SignIn, User};
use hallpass_protocol::UserId;
use hallpass_protocol::authorization::AuthorizationRequest;
use hallpass_protocol::form::Form;
use hallpass_protocol::id_token::IdTokenClaims;
use http::Response;

use super::answer::{grant, issue, refuse, refuse_unasked, seed};
use super::asked::{Asked, Posted, action, check, check_reply_address, read};
use super::consent::{after_sign_in, allow, asks_consent, consent_page};
use super::elsewhere;
use crate::Body;
use crate::error::Fault;
use crate::error::page::PageError;
use crate::error::redirect::see_other;
use crate::extract::browser::Browser;
use crate::extract::pushed_request;
use crate::extract::signed_in_user::SignedInUser;
use crate::extract::token::id_token_hint;
use crate::issuance;
use crate::page_token;
use crate::pages::interaction::{self, SignedIn};
use crate::pages::login::{self, Purpose};
use crate::pages::second_factor::{self, Progress, StepUp};
use crate::pages::{continue_as, custom_login};
use crate::request::Request;
use crate::state::State;

/// `GET authorize`, `POST authorize`: a request by form post is the same request (row S-54).
pub(crate) async fn get(state: &State, request: &Request) -> Result<Response<Body>, PageError> {
    let (parameters, posted) = read(request)?;
    let parsed = AuthorizationRequest::decode(&parameters)?;
    let resolved = pushed_request::resolve(state, request, parsed).await?;
    request.take_ui_locales(resolved.0.ui_locales.as_deref());
    let asked = check_reply_address(state, request, resolved)?;
    match check(state, &asked) {
        Ok(checked) => decide(state, request, &asked, checked, posted).await,
        Err(refusal) => refuse_unasked(state, request, &asked, refusal).await,
    }
}

async fn decide(
    state: &State,
    request: &Request,
    asked: &Asked,
    checked: CheckedRequest,
    posted: Option<Posted>,
) -> Result<Response<Body>, PageError> {
    let browser = Browser::of(state, request);
    let signed_in = SignedInUser::find(state, request).await?;
    // Nobody else will do than the person of the hint; one that is not ours names nobody.
    let hint = match asked.request.id_token_hint.as_deref() {
        Some(token) => Some(id_token_hint(state, request, token).await?),
        None => None,
    };
    let signed_in = signed_in.filter(|person| {
        let names = |claims: &IdTokenClaims| claims.sub == person.user().id.as_str();
        hint.as_ref()
            .is_none_or(|claims| claims.as_ref().is_some_and(names))
    });
    match (posted, signed_in) {
        (Some(Posted::SignIn(form)), Some(person)) if second_factor::is_answer(&form) => {
            let action = action(state, request, asked, &browser);
            let at = (state, request, &browser);
            second_factor::take_step_up(at, (&person, &form), &action).await
        }
        (Some(Posted::SignIn(form)), _) => {
            browser.check_sign_in(state, request, &form)?;
            let asking = sign_in_asking(state, request, &browser, asked);
            let asking = (asking, &Demand::Acr(checked.acr.clone()));
            match second_factor::advance(state, request, &browser, asking, &form).await? {
                Progress::Page(page) => Ok(page),
                Progress::Unreachable => {
                    let refusal = Refusal::UnmetAuthenticationRequirements;
                    refuse(state, request, asked, refusal).await
                }
                // OIDC Core §3.1.2.1: never a token of another person than the hint's.
                Progress::SignedIn(person)
                    if hint
                        .flatten()
                        .is_some_and(|claims| claims.sub != person.user.id.as_str()) =>
                {
                    refuse(state, request, asked, Refusal::LoginRequired).await
                }
                Progress::SignedIn(person) => {
                    let (person, cookie) = SignedInUser::sign_in(state, request, person).await?;
                    let mut response =
                        after_sign_in(state, request, &browser, (asked, checked), &person).await?;
                    cookie.send(&mut response);
                    Ok(response)
                }
            }
        }
        (Some(Posted::Choice(form)), Some(person)) => {
            let pressed = (&person, &form);
            press(state, request, &browser, (asked, checked), pressed).await
        }
        (Some(Posted::Choice(_)) | None, signed_in) => {
            let next = unasked(state, request, asked, &checked, signed_in.as_ref()).await?;
            go_on(state, request, &browser, (asked, checked), next).await
        }
    }
}

/// A button of the "Continue as" or the consent page.
async fn press(
    state: &State,
    request: &Request,
    browser: &Browser,
    (asked, checked): (&Asked, CheckedRequest),
    (person, form): (&SignedInUser, &Form),
) -> Result<Response<Body>, PageError> {
    browser.check_csrf_of(state, request, (form, person))?;
    match form.one("action")? {
        // The button is no way around `prompt=login`, `max_age` and consent.
        Some("continue") => match unasked(state, request, asked, &checked, Some(person)).await? {
            Next::Continue(_) | Next::Grant(_) => {
                grant(state, request, asked, checked, person).await
            }
            next @ (Next::Consent(_) | Next::Warn(..) | Next::StepUp(_)) => {
                go_on(state, request, browser, (asked, checked), next).await
            }
            _ => go_on(state, request, browser, (asked, checked), Next::SignIn).await,
        },
        Some("allow") => {
            let place = (page_token::Purpose::Consent, browser, form);
            let shown = (&asked.request, person);
            let signed_in = interaction::check(state, request, place, shown)?.signed_in();
            // Nor is it one around the warning, where the browser has moved since.
            if let Some(pair) = elsewhere::find(state, request, asked, &person.user().id).await? {
                let about = (person, signed_in, &pair);
                return Ok(elsewhere::page(state, request, browser, asked, about));
            }
            // The button is no way around `prompt=login` and `max_age` either.
            if signed_in == SignedIn::Before {
                let next = unasked(state, request, asked, &checked, Some(person)).await?;
                if !matches!(next, Next::Consent(_) | Next::Continue(_) | Next::Grant(_)) {
                    return go_on(state, request, browser, (asked, checked), next).await;
                }
            }
            let decided = (person, signed_in, form);
            allow(state, request, browser, (asked, checked), decided).await
        }
        Some("confirm") => {
            match elsewhere::confirm(state, request, browser, asked, (person, form)).await? {
                Err(page) => Ok(page),
                Ok(SignedIn::JustNow) => {
                    after_sign_in(state, request, browser, (asked, checked), person).await
                }
                Ok(SignedIn::Before) => {
                    let next = unasked(state, request, asked, &checked, Some(person)).await?;
                    go_on(state, request, browser, (asked, checked), next).await
                }
            }
        }
        Some("deny") => refuse(state, request, asked, Refusal::AccessDenied).await,
        _ => go_on(state, request, browser, (asked, checked), Next::SignIn).await,
    }
}

/// Does what follows when nobody pressed a button yet.
async fn go_on(
    state: &State,
    request: &Request,
    browser: &Browser,
    (asked, checked): (&Asked, CheckedRequest),
    next: Next<'_>,
) -> Result<Response<Body>, PageError> {
    match next {
        Next::SignIn => first_sign_in_page(state, request, browser, asked).await,
        Next::Refuse(refusal) => refuse_unasked(state, request, asked, refusal).await,
        Next::Silent(user) => {
            let seed = seed(
                &checked,
                (user, SignIn::default()),
                (request.now, None),
                asked,
            );
            issue(state, request, asked, checked, seed.into()).await
        }
        Next::StepUp(person) => {
            let action = action(state, request, asked, browser);
            let demand = Demand::Acr(checked.acr.clone());
            let at = (state, request, browser);
            match second_factor::ask_to_step_up(at, (person, &demand), &action).await? {
                StepUp::Page(page) => Ok(page),
                // What is enough was never asked to step up.
                StepUp::Enough | StepUp::SignIn | StepUp::Unreachable => {
                    let refusal = Refusal::UnmetAuthenticationRequirements;
                    refuse_unasked(state, request, asked, refusal).await
                }
            }
        }
        Next::Warn(person, pair) => {
            let about = (person, SignedIn::Before, &pair);
            Ok(elsewhere::page(state, request, browser, asked, about))
        }
        Next::Consent(person) => {
            let person = (person, SignedIn::Before);
            Ok(consent_page(
                state,
                request,
                browser,
                (asked, &checked),
                (person, None),
            ))
        }
        Next::Continue(person) => {
            let action = action(state, request, asked, browser);
            let target = continue_as::Target { browser, action };
            let who = (person, &checked.scopes);
            let client = (asked.client.as_ref(), asked.reply.redirect_uri.as_str());
            Ok(continue_as::page(state, request, target, client, who))
        }
        Next::Grant(person) => grant(state, request, asked, checked, person).await,
    }
}

/// What happens when nobody pressed a button yet.
enum Next<'a> {
    SignIn,
    Refuse(Refusal),
    /// Dev mode without a sign-in page: somebody new signs in each time (`docs/dev-mode.md`).
    Silent(User),
    /// A second factor first (RFC 9470 §5).
    StepUp(&'a SignedInUser),
    Warn(&'a SignedInUser, Confirmed),
    Consent(&'a SignedInUser),
    Continue(&'a SignedInUser),
    Grant(&'a SignedInUser),
}

async fn unasked<'a>(
    state: &State,
    request: &Request,
    asked: &Asked,
    checked: &CheckedRequest,
    signed_in: Option<&'a SignedInUser>,
) -> Result<Next<'a>, Fault> {
    let prompts = |word| asked.request.prompts(word);
    let fresh = signed_in.filter(|person| !person.is_older_than(checked.max_age, request));
    if !state.settings.interactive_login
        && !["login", "consent", "select_account"]
            .into_iter()
            .any(prompts)
    {
        let id = UserId::new(issuance::random_id(state));
        return Ok(Next::Silent(User {
            id,
            claims: serde_json::Map::new(),
        }));
    }
    let asks_consent = match fresh {
        Some(person) => asks_consent(state, request, asked, checked, person).await?,
        None => false,
    };
    let elsewhere = match fresh {
        Some(person) => elsewhere::find(state, request, asked, &person.user().id).await?,
        None => None,
    };
    // Rows S-288, S-179: a loopback client never gets a code without a click, nor does one that
    // registered itself.
    let needs_click = asked.client.registered_itself
        || asked.client.is_public() && asked.reply.redirect_uri.is_loopback();
    // Dev mode has no factors: what was asked for there is what is said.
    let is_too_weak = |person: &SignedInUser| {
        state.settings.is_production() && !checked.acr.accepts(person.proof().reached())
    };
    if prompts("none") {
        return Ok(match fresh {
            Some(person) if is_too_weak(person) => Next::Refuse(Refusal::InteractionRequired),
            None => Next::Refuse(Refusal::LoginRequired),
            Some(_) if asks_consent => Next::Refuse(Refusal::ConsentRequired),
            Some(_) if needs_click || elsewhere.is_some() => {
                Next::Refuse(Refusal::InteractionRequired)
            }
            Some(person) => Next::Grant(person),
        });
    }
    Ok(match (fresh, elsewhere) {
        (Some(_), _) if prompts("login") => Next::SignIn,
        (Some(person), _) if is_too_weak(person) => Next::StepUp(person),
        (Some(person), Some(pair)) => Next::Warn(person, pair),
        (Some(person), None) if asks_consent => Next::Consent(person),
        (Some(person), None) if needs_click || prompts("consent") || prompts("select_account") => {
            Next::Continue(person)
        }
        (Some(person), None) => Next::Grant(person),
        (None, _) => Next::SignIn,
    })
}

/// The sign-in page before anything was typed: the developer's own, if there is one.
async fn first_sign_in_page(
    state: &State,
    request: &Request,
    browser: &Browser,
    asked: &Asked,
) -> Result<Response<Body>, PageError> {
    let Some(path) = &state.settings.login_page else {
        let nothing_sent = login::Mistakes::default();
        return Ok(sign_in_page(state, request, browser, asked, &nothing_sent));
    };
    // That page posts to its own URL, so the request has to stand there.
    if !request.query_form()?.has("client_id") {
        return Ok(see_other(&action(state, request, asked, browser)));
    }
    Ok(custom_login::page(path).await?)
}

fn sign_in_page(
    state: &State,
    request: &Request,
    browser: &Browser,
    asked: &Asked,
    mistakes: &login::Mistakes,
) -> Response<Body> {
    let asking = sign_in_asking(state, request, browser, asked);
    login::page(state, request, browser, asking, mistakes)
}

fn sign_in_asking<'a>(
    state: &State,
    request: &Request,
    browser: &Browser,
    asked: &'a Asked,
) -> login::Asking<'a> {
    login::Asking {
        purpose: Purpose::Continue(shown_name(request, &asked.client)),
        action: action(state, request, asked, browser),
        hint: asked.request.login_hint.as_deref(),
        parameters: asked.request.encode(),
    }
}

/// Row S-179: what a client calls itself is marked as its own word.
fn shown_name(request: &Request, client: &Client) -> String {
    if client.registered_itself {
        let words = request.language().words();
        words.registered_itself(&client.name).to_string()
    } else {
        client.name.clone()
    }
}
