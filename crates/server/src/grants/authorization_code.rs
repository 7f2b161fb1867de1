//! Redeems an authorization code, in one transaction.

use std::net::IpAddr;

use hallpass_issuer::audit::Event;
use hallpass_issuer::authorization::Origin;
use hallpass_issuer::grants::authorization_code::{AuthorizationCode, NetworkMismatch, Redemption};
use hallpass_issuer::mail::{Due, Kind as MailKind};
use hallpass_issuer::network::Confirmed;
use hallpass_issuer::policy;
use hallpass_issuer::refusal::{Denied, GrantReason, Refusal};
use hallpass_issuer::tokens::one_time::Kind;
use hallpass_protocol::token::TokenResponse;
use hallpass_protocol::{Secret, Timestamp, UserId, random};
use hallpass_store::{
    StoreError, Transaction, authorization_codes, confirmed_networks, email_outbox,
};

use super::outcome::{first_tokens, settle};
use crate::error::json::JsonError;
use crate::issuance::{Beginning, Context};
use crate::phishing_signals::PhishingSignals;

/// What the request brought besides its client.
#[derive(Debug)]
pub(crate) struct Brought {
    pub(crate) code: Secret<String>,
    pub(crate) redirect_uri: Option<String>,
    pub(crate) code_verifier: Option<Secret<String>>,
    pub(crate) resource: Vec<String>,
}

pub(crate) async fn redeem(at: Context<'_>, brought: Brought) -> Result<TokenResponse, JsonError> {
    let Context { state, request, .. } = at;
    let hash = Kind::AuthorizationCode
        .read(brought.code.expose())
        .ok_or(Refusal::InvalidGrant(GrantReason::Unknown))?;
    let beginning = Beginning::new(at);
    let begin = beginning.clone();
    let (issuer, now) = (request.issuer.clone(), request.now);
    let dpop_jkt = at.dpop_jkt.map(str::to_owned);
    let (from, mismatch) = (request.known_address(), state.settings.network_mismatch);
    // Only production knows where to write to.
    let notice_id = state
        .settings
        .is_production()
        .then(|| random::bytes(state.random.as_ref()));
    let decided = state.store.write(move |tx| {
        let Some(mut code) = authorization_codes::find(tx, &issuer, &hash)? else {
            return Ok((Err(GrantReason::Unknown.into()), None));
        };
        let audience = match policy::narrowed_resources(&code.seed.resource, &brought.resource) {
            Ok(audience) => audience,
            Err(refusal) => return Ok((Err(refusal.into()), None)),
        };
        let redemption = Redemption {
            client: begin.client(),
            redirect_uri: brought.redirect_uri.as_deref(),
            code_verifier: brought.code_verifier.as_ref(),
            dpop_jkt: dpop_jkt.as_deref(),
            address: from,
            mismatch,
        };
        let answer = code.redeem(&redemption, begin.id(), now);
        let refused = Refusal::InvalidGrant(GrantReason::OtherNetwork);
        let is_judged = answer
            .as_ref()
            .map_or_else(|denied| denied.refusal == refused, |_| true);
        let is_signal = is_judged
            && !is_confirmed(tx, &code, (from, mismatch), now)?
            && PhishingSignals::note_code(&code, from, mismatch);
        authorization_codes::save(tx, &code)?;
        let settled = settle(tx, &begin, answer, Origin::Code)?;
        let notice = notice_id.filter(|_| is_signal && settled.is_ok());
        if let Some(id) = notice {
            let kind = MailKind::CodeElsewhere(code.seed.user.id.clone());
            email_outbox::insert(tx, &Due::new(id, kind, now))?;
        }
        let signal = is_signal.then_some(code.seed.user.id);
        let settled = settled.map(|authorization| (authorization, audience, notice.is_some()));
        Ok((settled, signal))
    });
    let (decided, signal) = decided.await?;
    tell(at, decided.as_ref().err(), signal).await;
    let (authorization, audience, has_mail) = decided.map_err(|denied| denied.refusal)?;
    if has_mail {
        state.outbox_filled.notify_one();
    }
    first_tokens(at, &beginning, &authorization, audience).await
}

/// Says that a code came from elsewhere, or that it came twice and what that ended.
async fn tell(at: Context<'_>, denied: Option<&Denied>, signal: Option<UserId>) {
    let Context { state, request, .. } = at;
    if let Some(user) = signal {
        let entry = request.event(Event::AuthorizePhishingSignal);
        let entry = entry.by_client(at.client.id()).about(&user);
        let why = "redeemed from another network than the browser's";
        let entry = entry.with("why", why).with("refused", denied.is_some());
        state.audit.keep(entry).await;
    }
    if let Some((ended, _)) = denied.and_then(|denied| denied.revokes) {
        let entry = request.event(Event::SessionRevoked);
        let entry = entry.by_client(at.client.id()).with_sid(ended);
        state.audit.keep(entry.with("why", "code_replayed")).await;
    }
}

/// Whether the person said of these two networks that both are theirs (row S-275).
fn is_confirmed(
    tx: &Transaction<'_>,
    code: &AuthorizationCode,
    (from, mismatch): (Option<IpAddr>, NetworkMismatch),
    now: Timestamp,
) -> Result<bool, StoreError> {
    if mismatch != NetworkMismatch::Told || !code.is_carried_elsewhere(from) {
        return Ok(false);
    }
    let (Some(browser), Some(program)) = (code.seed.browser_address, from) else {
        return Ok(false);
    };
    let pair = Confirmed::new(&code.issuer, &code.seed.user.id, browser, program);
    confirmed_networks::is_confirmed(tx, &pair, now)
}
