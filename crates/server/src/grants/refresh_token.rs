//! Answers a refresh: the token is checked before the database is asked, then one transaction.

use hallpass_issuer::audit::Event;
use hallpass_issuer::authorization::Authorization;
use hallpass_issuer::grants::refresh_token::{self, Brought, Refreshed};
use hallpass_issuer::policy;
use hallpass_issuer::refusal::{Denied, GrantReason, Refusal};
use hallpass_issuer::tokens::refresh_token::RefreshToken;
use hallpass_protocol::token::TokenResponse;
use hallpass_protocol::{Scopes, Secret};
use hallpass_store::authorizations;

use super::outcome::revoke_denied;
use crate::dev_mode::unsigned_refresh_token;
use crate::error::json::JsonError;
use crate::issuance::{self, Context, Grant, NewRefreshToken};

pub(crate) async fn redeem(
    at: Context<'_>,
    text: &Secret<String>,
    scope: Option<String>,
    resource: Vec<String>,
) -> Result<TokenResponse, JsonError> {
    let Context {
        state,
        request,
        client,
        form,
        dpop_jkt,
    } = at;
    let bare = unsigned_refresh_token::unwrap(text);
    let token = state
        .refresh_keys
        .read(bare.expose(), &request.issuer, client.id())
        .ok_or(Refusal::InvalidGrant(GrantReason::Unknown))?;
    let (client_id, presented) = (client.id().clone(), token.clone());
    let shown_jkt = dpop_jkt.map(str::to_owned);
    let (lifetimes, now, from) = (state.settings.refresh, request.now, request.known_address());
    // Most requests ask for all they may have, with the token that is valid.
    let asks_for_all = scope.is_none() && resource.is_empty();
    let decided = state.store.write(move |tx| {
        let brought = Brought {
            client: &client_id,
            token: &presented,
            dpop_jkt: shown_jkt.as_deref(),
            address: from,
        };
        if asks_for_all && let Some(found) = authorizations::rotate(tx, brought, &lifetimes, now)? {
            let (scopes, audience) = (found.seed.scopes.clone(), found.seed.resource.clone());
            return Ok(Ok((found, scopes, audience, Refreshed::Rotated)));
        }
        let Some(mut found) = authorizations::find(tx, presented.authorization)? else {
            return Ok(Err(GrantReason::Unknown.into()));
        };
        // What the request asks too much of is refused before anything moves (row S-257).
        let narrowed =
            policy::narrowed_scopes(&found.seed.scopes, scope.as_deref()).and_then(|scopes| {
                Ok((
                    scopes,
                    policy::narrowed_resources(&found.seed.resource, &resource)?,
                ))
            });
        let (scopes, audience) = match narrowed {
            Ok(narrowed) => narrowed,
            Err(refusal) => return Ok(Err(refusal.into())),
        };
        match refresh_token::redeem(&mut found, brought, &lifetimes, now) {
            Ok(answer) => {
                authorizations::save(tx, &found)?;
                Ok(Ok((found, scopes, audience, answer)))
            }
            Err(denied) => revoke_denied(tx, denied, now),
        }
    });
    let decided = decided.await?;
    tell(at, &token, &decided).await;
    let (mut authorization, scopes, audience, answer) = decided.map_err(|denied| denied.refusal)?;
    tracing::debug!(authorization = %authorization.id, ?answer, "refreshed");
    // OIDC Core §12.2: no nonce in the ID token of a refresh.
    let nonce = authorization.seed.nonce.take();
    let generation = authorization
        .refresh
        .as_ref()
        .map(|family| family.generation);
    let grant = Grant {
        client,
        subject: authorization.seed.user.id.as_str(),
        scopes,
        audience,
        refresh_token: generation.map(|generation| NewRefreshToken {
            token: token.at(generation),
            nonce,
        }),
        authorization: Some(&authorization),
        parent: None,
        not_after: None,
        form,
        dpop_jkt,
    };
    Ok(issuance::issue(state, request, grant).await?)
}

/// Rows S-59, S-258 and S-259: what a retired token still got, or would have got, and from where.
async fn tell(
    at: Context<'_>,
    token: &RefreshToken,
    decided: &Result<(Authorization, Scopes, Vec<String>, Refreshed), Denied>,
) {
    let refusal = decided.as_ref().err().map(|denied| &denied.refusal);
    let event = match (decided, refusal) {
        (Ok((.., Refreshed::Forgiven)), _) => Event::RefreshGrace,
        (Ok((.., Refreshed::ForgivenElsewhere)), _)
        | (_, Some(Refusal::InvalidGrant(GrantReason::Elsewhere))) => Event::RefreshGraceElsewhere,
        (Ok((.., Refreshed::Ahead)), _) => Event::RefreshAhead,
        (_, Some(Refusal::InvalidGrant(GrantReason::Late))) => Event::RefreshLate,
        (_, Some(Refusal::InvalidGrant(GrantReason::Reused))) => Event::RefreshReuse,
        _ => return,
    };
    let entry = at.request.event(event).by_client(at.client.id());
    let entry = entry
        .with_sid(token.authorization)
        .with("generation", token.generation);
    let entry = match decided {
        Ok((authorization, ..)) => entry.about(&authorization.seed.user.id),
        Err(denied) => entry.with("family_ended", denied.revokes.is_some()),
    };
    at.state.audit.keep(entry).await;
}
