//! Exchanges a token that this server issued for one with another audience.

use hallpass_issuer::audit::Event;
use hallpass_issuer::grants::token_exchange::{self, Subject};
use hallpass_protocol::UserId;
use hallpass_protocol::token::{TokenExchangeRequest, TokenResponse, TokenTypeUri};

use super::bound_token::check_key;
use crate::error::json::JsonError;
use crate::extract::token::{as_access_token, hosted_jwt};
use crate::issuance::{self, Context, Grant, Parent};

pub(crate) async fn redeem(
    at: Context<'_>,
    exchange: &TokenExchangeRequest,
) -> Result<TokenResponse, JsonError> {
    let Context {
        state,
        request,
        client,
        form,
        dpop_jkt,
    } = at;
    token_exchange::check(exchange)?;
    let bad = token_exchange::bad_subject_token;
    let (claims, verified) = hosted_jwt(state, request, exchange.subject_token.expose())
        .await?
        .ok_or_else(bad)?;
    check_key(at, &claims)?;
    let access = as_access_token(&verified);
    let parent = Parent::of(&claims);
    let subject = match (&exchange.subject_token_type, &access) {
        (TokenTypeUri::AccessToken | TokenTypeUri::Jwt, Some(access)) => Subject::from(access),
        // an ID token is no access token, and the other way round.
        (TokenTypeUri::AccessToken, None) | (TokenTypeUri::IdToken, Some(_)) => {
            return Err(bad().into());
        }
        (_, None | Some(_)) => Subject {
            subject: claims.sub.ok_or_else(bad)?,
            scopes: None,
            expires_at: claims.exp.ok_or_else(bad)?,
        },
    };
    let (scopes, audience) = token_exchange::redeem(exchange, &subject)?;
    let grant = Grant {
        client,
        subject: &subject.subject,
        scopes,
        audience,
        refresh_token: None,
        authorization: None,
        parent: Some(parent),
        not_after: Some(subject.expires_at),
        form,
        dpop_jkt,
    };
    let scopes = grant.scopes.to_string();
    let audience = grant.audience.join(" ");
    let mut response = issuance::issue(state, request, grant).await?;
    let event = request.event(Event::TokenExchanged).by_client(client.id());
    let event = event
        .about(&UserId::new(subject.subject))
        .with("scope", scopes)
        .with("audience", audience);
    state.audit.tell(event);
    // RFC 8693 §2.2.1: `issued_token_type` is required.
    let issued = exchange
        .requested_token_type
        .as_ref()
        .unwrap_or(&TokenTypeUri::AccessToken);
    response.issued_token_type = Some(issued.as_str().to_owned());
    Ok(response)
}
