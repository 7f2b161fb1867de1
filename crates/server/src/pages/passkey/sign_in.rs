//! Sign in with a passkey and nothing else.

use hallpass_issuer::audit::Event;
use hallpass_issuer::user::SignIn;
use hallpass_protocol::form::Form;

use super::answer::{Answer, use_of};
use super::ask::Ceremony;
use crate::accounts::{KnownBrowser, PasskeySignIn};
use crate::error::Fault;
use crate::error::page::PageError;
use crate::extract::browser::Browser;
use crate::extract::signed_in_user::Person;
use crate::extract::user_agent;
use crate::request::Request;
use crate::state::State;

/// Whether a form says who signs in by a passkey, and not a second step after a password.
pub(crate) fn is_sign_in(form: &Form) -> Result<bool, PageError> {
    let is_second = form.has("pending") || form.has("step");
    Ok(form.one("method")? == Some("passkey") && !is_second)
}

/// What came of the answer of a passkey.
#[derive(Debug)]
pub(crate) enum Judged {
    /// Its person signs in.
    SignedIn(Box<Person>),
    /// The page was too old.
    TooOld,
    /// It signs nobody in here. The log says why, the page does not.
    Refused,
}

/// Finds out who posted the answer of a passkey.
pub(crate) async fn sign_in(
    (state, request, browser): (&State, &Request, &Browser),
    form: &Form,
) -> Result<Judged, PageError> {
    let Some(relying_party) = &state.settings.passkeys else {
        return Ok(Judged::Refused);
    };
    let at = (state, request, browser);
    let (asked, response) = match use_of(at, relying_party, form, (Ceremony::SignIn, None))? {
        Answer::Given(asked, response) => (asked, response),
        Answer::TooOld => return Ok(Judged::TooOld),
        Answer::Nothing => return Ok(Judged::Refused),
    };
    let sign_in = PasskeySignIn {
        asked,
        response,
        address: request.peer,
        browser: user_agent::in_words(request),
    };
    let judged = state.accounts.sign_in_with_passkey(sign_in).await;
    match judged.map_err(Fault::from)? {
        Ok(signed_in) => {
            let (account, used) = (signed_in.account, signed_in.used);
            let entry = request.event(Event::LoginSuccess);
            let entry = entry.by_subject(&account.id);
            state.audit.tell(entry.with("method", "passkey"));
            let name = account.username.folded();
            let known = KnownBrowser::of(state, request);
            Ok(Judged::SignedIn(Box::new(Person {
                user: account.user(),
                sign_in: SignIn {
                    browser: user_agent::in_words(request),
                    ..SignIn::by_passkey(account.security_epoch, &used, request.now)
                },
                known_browser: Some(known.with(state, request, &name)),
            })))
        }
        Err(reason) => {
            let entry = request.event(Event::LoginFailure);
            let entry = entry.with("method", "passkey");
            state.audit.tell(entry.with("why", reason.to_string()));
            Ok(Judged::Refused)
        }
    }
}
