//! A request that was pushed from another network than the browser's, and goes back to the person's
//! own machine: its code may be meant for somebody else.
//!
//! Row S-275; RFC 9126, RFC 8252 §8.6: <https://www.rfc-editor.org/rfc/rfc8252#section-8.6>

use hallpass_issuer::audit::Event;
use hallpass_issuer::grants::authorization_code::NetworkMismatch;
use hallpass_issuer::network::{self, Comparison, Confirmed};
use hallpass_protocol::UserId;
use hallpass_protocol::form::Form;
use hallpass_store::confirmed_networks;
use http::Response;

use super::asked::{Asked, action};
use crate::Body;
use crate::error::Fault;
use crate::error::page::PageError;
use crate::extract::browser::Browser;
use crate::extract::signed_in_user::SignedInUser;
use crate::page_token::Purpose;
use crate::pages::continue_as::Target;
use crate::pages::interaction::{self, SignedIn};
use crate::pages::other_network::{self, Asking};
use crate::request::Request;
use crate::state::State;

/// The two networks of a sign-in that this person did not confirm, if there are two.
pub(super) async fn find(
    state: &State,
    request: &Request,
    asked: &Asked,
    user: &UserId,
) -> Result<Option<Confirmed>, Fault> {
    let mismatch = state.settings.network_mismatch;
    if mismatch == NetworkMismatch::Ignored || !asked.reply.redirect_uri.is_loopback() {
        return Ok(None);
    }
    let pushed_from = asked.pushed.as_ref().and_then(|pushed| pushed.from);
    let (Some(program), Some(browser)) = (pushed_from, request.known_address()) else {
        return Ok(None);
    };
    if network::compare([program], Some(browser)) != Comparison::Different {
        return Ok(None);
    }
    let pair = Confirmed::new(&request.issuer, user, browser, program);
    if mismatch == NetworkMismatch::Refused {
        return Ok(Some(pair));
    }
    let (wanted, now) = (pair.clone(), request.now);
    let known = state
        .store
        .read(move |tx| confirmed_networks::is_confirmed(tx, &wanted, now));
    Ok((!known.await?).then_some(pair))
}

/// The page that warns.
pub(super) fn page(
    state: &State,
    request: &Request,
    browser: &Browser,
    asked: &Asked,
    (person, signed_in, pair): (&SignedInUser, SignedIn, &Confirmed),
) -> Response<Body> {
    let entry = request.event(Event::AuthorizeOtherNetwork);
    let entry = entry.about(&person.user().id).with_client(&asked.client.id);
    state.audit.tell(entry.with("confirmed", false));
    let about = (person, signed_in, pair, false);
    show(state, request, browser, asked, about)
}

fn show(
    state: &State,
    request: &Request,
    browser: &Browser,
    asked: &Asked,
    (person, signed_in, pair, is_unticked): (&SignedInUser, SignedIn, &Confirmed, bool),
) -> Response<Body> {
    let action = action(state, request, asked, browser);
    let asking = Asking {
        client: asked.client.as_ref(),
        request: &asked.request,
        person: (person, signed_in),
        networks: (pair.browser, pair.program),
        may_go_on: state.settings.network_mismatch == NetworkMismatch::Told,
        is_unticked,
    };
    other_network::page(state, request, Target { browser, action }, asking)
}

/// The button of that page: the pair of networks is remembered, or the page comes again. When the
/// person signed in, for what follows.
pub(super) async fn confirm(
    state: &State,
    request: &Request,
    browser: &Browser,
    asked: &Asked,
    (person, form): (&SignedInUser, &Form),
) -> Result<Result<SignedIn, Response<Body>>, PageError> {
    let place = (Purpose::OtherNetwork, browser, form);
    let shown = (&asked.request, person);
    let shown = interaction::check(state, request, place, shown)?;
    let signed_in = shown.signed_in();
    let user = &person.user().id;
    // Nothing to confirm any more: the browser moved, or another window confirmed it.
    let Some(pair) = find(state, request, asked, user).await? else {
        return Ok(Ok(signed_in));
    };
    let may_go_on = state.settings.network_mismatch == NetworkMismatch::Told;
    let is_ticked = form.one("confirm")? == Some("on");
    // What was confirmed is what the page said: a pushed request from elsewhere may look the same.
    let is_that = shown.networks == Some((pair.browser, pair.program));
    if !may_go_on || !is_ticked || !is_that {
        let about = (person, signed_in, &pair, may_go_on && !is_ticked);
        let page = show(state, request, browser, asked, about);
        return Ok(Err(page));
    }
    let entry = request.event(Event::AuthorizeOtherNetwork);
    let entry = entry.by_subject(user).with_client(&asked.client.id);
    state.audit.tell(entry.with("confirmed", true));
    let until = Confirmed::until(request.now);
    let kept = state
        .store
        .write(move |tx| confirmed_networks::save(tx, &pair, until));
    kept.await?;
    Ok(Ok(signed_in))
}
