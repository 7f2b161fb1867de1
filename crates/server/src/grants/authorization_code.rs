//! Redeems an authorization code, in one transaction.

use hallpass_issuer::authorization::Origin;
use hallpass_issuer::grants::authorization_code::Redemption;
use hallpass_issuer::policy;
use hallpass_issuer::refusal::{GrantReason, Refusal};
use hallpass_issuer::tokens::one_time::Kind;
use hallpass_protocol::Secret;
use hallpass_protocol::token::TokenResponse;
use hallpass_store::authorization_codes;

use super::{Context, first_tokens, settle};
use crate::error::json::JsonError;
use crate::issuance::Beginning;
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
    let decided = state.store.write(move |tx| {
        let Some(mut code) = authorization_codes::find(tx, &issuer, &hash)? else {
            return Ok(Err(GrantReason::Unknown.into()));
        };
        let audience = match policy::narrowed_resources(&code.seed.resource, &brought.resource) {
            Ok(audience) => audience,
            Err(refusal) => return Ok(Err(refusal.into())),
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
        if answer
            .as_ref()
            .map_or_else(|denied| denied.refusal == refused, |_| true)
        {
            PhishingSignals::note_code(&code, from, mismatch);
        }
        authorization_codes::save(tx, &code)?;
        let settled = settle(tx, &begin, answer, Origin::Code)?;
        Ok(settled.map(|authorization| (authorization, audience)))
    });
    let (authorization, audience) = decided.await?.map_err(|denied| denied.refusal)?;
    first_tokens(at, &beginning, &authorization, audience).await
}
