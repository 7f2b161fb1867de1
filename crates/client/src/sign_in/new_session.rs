//! What a flow brought becomes a session: checked, saved and told, once for all flows.

use hallpass_protocol::id_token::{IdTokenClaims, VerifiedIdToken};
use hallpass_protocol::metadata::Metadata;

use crate::account::Account;
use crate::authorization_server::{Asked, Granted};
use crate::clean;
use crate::client::ClientInner;
use crate::credentials::{SessionKey, SessionRecord};
use crate::dpop::DpopMode;
use crate::error::{Error, SecurityViolation};
use crate::provider::Identity;
use crate::tokens::TokenType;
use crate::ui::Prompt;

/// What a flow brought, with the ID token already checked.
pub(super) struct SignedIn {
    granted: Granted,
    claims: Option<IdTokenClaims>,
    identity: Option<Identity>,
}

impl SignedIn {
    /// Checks the ID token against what the flow asked.
    pub(super) async fn check(
        client: &ClientInner,
        metadata: &Metadata,
        granted: Granted,
        asked: Asked<'_>,
    ) -> Result<Self, Error> {
        let verified = client
            .server
            .verify_id_token(metadata, &granted, asked)
            .await?;
        let claims = verified.map(VerifiedIdToken::into_claims);
        let identity = match &claims {
            None => client.server.identify(&granted).await?,
            Some(claims) => {
                let about = (claims, &client.scopes);
                client.server.name(metadata, &granted, about).await
            }
        };
        Ok(Self {
            granted,
            claims,
            identity,
        })
    }

    /// Whose session would be replaced by somebody else's: the name there and the name here (row C-69).
    pub(super) async fn replaces(
        &self,
        client: &ClientInner,
    ) -> Result<Option<(String, String)>, Error> {
        let key = client.default_key();
        let found = match client.store.load(&key).await {
            // A damaged one was moved aside by the first look, and belongs to nobody.
            Err(_) => client.store.load(&key).await?,
            Ok(found) => found,
        };
        let Some(stored) = found else {
            return Ok(None);
        };
        let old = &stored.value;
        let was = Account::new(&key, old.claims.as_ref(), old.identity.as_ref());
        let is = Account::new(&key, self.claims.as_ref(), self.identity.as_ref());
        let is_other = was.subject.is_some() && is.subject.is_some() && was.subject != is.subject;
        let name = |account: Account| account.name.unwrap_or_default();
        Ok(is_other.then(|| (name(was), name(is))))
    }

    /// Takes back what nobody will use.
    pub(super) async fn discard(self, client: &ClientInner) {
        let response = self.granted.response;
        client
            .take_back(response.refresh_token, response.access_token)
            .await;
    }
}

/// The error for a sign-in of somebody else.
pub(super) fn other_account((was, is): &(String, String)) -> Error {
    let (was, is) = (clean::text(was), clean::text(is));
    let text = format!("{is} signed in, but the session here belongs to {was}; nothing was stored");
    Error::security(SecurityViolation::Account, text).hint_to(format!(
        "sign in as {was}, sign {was} out first, or allow the switch"
    ))
}

/// Saves what a flow brought and what was asked of it, then tells the person.
pub(super) async fn keep(
    client: &ClientInner,
    metadata: &Metadata,
    signed_in: SignedIn,
    audiences: &[String],
) -> Result<(SessionKey, SessionRecord), Error> {
    if let Err(error) = signed_in
        .granted
        .presented(client.dpop == DpopMode::Required)
    {
        signed_in.discard(client).await;
        return Err(error);
    }
    let mut record = record(client, metadata, signed_in)?;
    record.audience = audiences.to_vec();
    let key = client.default_key();
    if let Err(error) = client.store.put(&key, record.clone()).await {
        if let Some(access_token) = record.access_token {
            client.take_back(record.refresh_token, access_token).await;
        }
        return Err(error);
    }
    if record.dpop_key.is_some() && record.token_type == TokenType::Bearer {
        let text = "the server did not bind the tokens to this machine's key".to_owned();
        client.show(Prompt::Notice { text }).await?;
    }
    let missing = client.scopes.filter(|scope| !record.scope.contains(scope));
    // Row C-48; `offline_access` has its own sentence, in `Done`.
    let missing = missing.filter(|scope| scope != "offline_access");
    if !missing.is_empty() {
        let text = format!("the server did not grant: {missing}");
        client.show(Prompt::Notice { text }).await?;
    }
    let account = Account::new(&key, record.claims.as_ref(), record.identity.as_ref());
    let prompt = Prompt::Done {
        who: account.name,
        subject: account.subject.as_deref().map(clean::text),
        refreshes: record.refresh_token.is_some(),
        expires_in: record.lifetime,
    };
    client.show(prompt).await?;
    Ok((key, record))
}

fn record(
    client: &ClientInner,
    metadata: &Metadata,
    signed_in: SignedIn,
) -> Result<SessionRecord, Error> {
    let SignedIn {
        granted,
        claims,
        identity,
    } = signed_in;
    let token_type = granted.presented(client.dpop == DpopMode::Required)?;
    let dpop_key = granted.key.as_ref().map(|key| key.stored().clone());
    let (lifetime, server_now) = (granted.lifetime(), granted.server_now());
    let response = granted.response;
    let scope = response.scope.unwrap_or_else(|| client.scopes.clone());
    // OIDC Core §3.1.3.3: an OpenID sign-in brings an ID token.
    if claims.is_none() && client.scopes.contains("openid") && scope.contains("openid") {
        return Err(
            Error::protocol("the server sent no ID token although `openid` was granted").hint_to(
                "the server must support OpenID Connect, or leave `openid` out of the scopes",
            ),
        );
    }
    Ok(SessionRecord {
        token_endpoint: metadata.token_endpoint.clone().unwrap_or_default(),
        access_token: Some(response.access_token),
        token_type,
        dpop_key,
        refresh_token: response.refresh_token,
        id_token: response.id_token,
        claims,
        identity,
        asked: client.scopes.clone(),
        resource: client.resources.clone(),
        audience: Vec::new(),
        scope,
        expires_at: lifetime.map(|lifetime| server_now + lifetime),
        lifetime,
        server_ahead: granted.server_ahead,
        signed_in_at: granted.received_at,
        reauth_required: false,
        intent: None,
        registration: None,
    })
}
