//! The tokens of a grant, and the response that carries them.

use std::sync::Arc;
use std::time::Duration;

use hallpass_issuer::AuthenticatedClient;
use hallpass_issuer::authorization::{Authorization, Origin};
use hallpass_issuer::oidc_scopes;
use hallpass_issuer::tokens::mint::{self, AccessTokenContents, Dialect};
use hallpass_issuer::tokens::refresh_token::RefreshToken;
use hallpass_protocol::access_token::AccessTokenClaims;
use hallpass_protocol::form::Form;
use hallpass_protocol::jose::jwt::RegisteredClaims;
use hallpass_protocol::jose::sign_jwt;
use hallpass_protocol::token::TokenResponse;
use hallpass_protocol::{AuthorizationId, ClientId, Scopes, Secret, Timestamp, hex, random};
use serde_json::{Map, Value};

use crate::dev_mode::{self, unsigned_refresh_token};
use crate::error::Fault;
use crate::extract::token::authorization_of;
use crate::keys::IssuerKeys;
use crate::request::Request;
use crate::state::State;

/// What a token response is made of.
#[derive(Debug)]
pub(crate) struct Grant<'a> {
    pub(crate) client: &'a AuthenticatedClient,
    pub(crate) subject: &'a str,
    pub(crate) scopes: Scopes,
    pub(crate) audience: Vec<String>,
    pub(crate) authorization: Option<&'a Authorization>,
    /// The token that this one is made of.
    pub(crate) parent: Option<Parent>,
    pub(crate) refresh_token: Option<NewRefreshToken>,
    pub(crate) not_after: Option<Timestamp>,
    /// The form of the token request: dev mode maps claims by it.
    pub(crate) form: &'a Form,
    /// The DPoP key that the access token is bound to.
    pub(crate) dpop_jkt: Option<&'a str>,
}

/// A token that another one is made of.
#[derive(Clone, Debug)]
pub(crate) struct Parent {
    /// What it hangs from: the new token dies with it (row S-47).
    authorization: Option<AuthorizationId>,
    /// What it says of the person, which the new one repeats in dev mode.
    claims: Map<String, Value>,
}

/// A refresh token to hand out.
#[derive(Clone, Debug)]
pub(crate) struct NewRefreshToken {
    /// The token.
    pub(crate) token: RefreshToken,
    /// The nonce of the authorization request: dev mode puts it beside the token.
    pub(crate) nonce: Option<String>,
}

/// The claims that belong to a token and not to the person it speaks of.
const NOT_CARRIED: [&str; 14] = [
    "act",
    "at_hash",
    "auth_time",
    "azp",
    "c_hash",
    "client_id",
    "cnf",
    "may_act",
    "nonce",
    "s_hash",
    "scope",
    "sid",
    "tid",
    "token_type",
];

impl Parent {
    /// Takes from a token's claims what goes on.
    pub(crate) fn of(claims: &RegisteredClaims) -> Self {
        let carried = claims
            .extra
            .iter()
            .filter(|(name, _)| !NOT_CARRIED.contains(&name.as_str()));
        Self {
            authorization: authorization_of(claims),
            claims: carried
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
        }
    }
}

/// Mints the tokens of a grant.
pub(crate) async fn issue(
    state: &State,
    request: &Request,
    grant: Grant<'_>,
) -> Result<TokenResponse, Fault> {
    let keys = state
        .keys
        .of(&request.issuer, &state.store, request.now)
        .await?;
    let mut issuer = request.issuer(&state.settings);
    let client_id = grant.client.id();
    // What a test has just asked for wins over the configuration.
    let mapped = state.control.callbacks.next(&request.issuer).or_else(|| {
        dev_mode::mapping_for(
            &state.settings.token_callbacks,
            &request.issuer,
            grant.form,
            client_id.as_str(),
            Some(grant.subject),
        )
    });
    let expiry = dev_mode::expiry_for(&state.settings.token_callbacks, &request.issuer);
    let expiry = mapped.as_ref().map(|mapped| mapped.lifetime).or(expiry);
    if let Some(lifetime) = expiry {
        issuer.rules.access_lifetime = lifetime;
        issuer.rules.id_lifetime = lifetime;
    }
    issuer.rules.access_lifetime = at_most(&grant, issuer.rules.access_lifetime);
    let parent = grant.parent;
    let contents = AccessTokenContents {
        subject: grant.subject,
        client_id,
        scopes: &grant.scopes,
        audience: audience(state, grant.audience, grant.form)?,
        authorization: grant
            .authorization
            .map(|authorization| authorization.id)
            .or(parent.as_ref().and_then(|parent| parent.authorization)),
        seed: grant.authorization.map(|authorization| &authorization.seed),
        claims: Map::new(),
        not_after: grant.not_after,
        dpop_jkt: grant.dpop_jkt,
    };
    let jti = random_id(state);
    let mut claims = contents.claims(&issuer, jti, request.now);
    if state.settings.token_rules.dialect == Dialect::Mock {
        for (name, value) in parent.iter().flat_map(|parent| &parent.claims) {
            dev_mode::overwrite(&mut claims, name, value);
        }
    }
    if let Some(mapped) = &mapped {
        mapped.apply(&mut claims);
    }
    let typ = mapped.as_ref().and_then(|mapped| mapped.typ.as_deref());
    let access_token = sign_access_token((state, request), &keys, &claims, typ)?;
    let id_token = match grant.authorization {
        Some(authorization) if grant.scopes.contains(oidc_scopes::OPENID) => {
            let hangs_from = (authorization.id, &authorization.seed);
            let beside = (&access_token, &keys.signer);
            let mut id_claims =
                mint::id_token_claims(&issuer, client_id, hangs_from, beside, request.now);
            if let Some(mapped) = &mapped {
                mapped.apply_to_id_token(&mut id_claims, &claims);
            }
            Some(keys.signer.sign_id_token(&id_claims)?)
        }
        Some(_) | None => None,
    };
    let spell = |new: &NewRefreshToken| spell(state, request, client_id, new);
    Ok(TokenResponse {
        access_token,
        token_type: claims.token_type().to_owned(),
        expires_in: Some(expires_in(&claims)),
        refresh_token: grant.refresh_token.as_ref().map(spell),
        scope: Some(grant.scopes),
        id_token,
        issued_token_type: None,
    })
}

/// How long the access token of a grant lives: that of a device maybe shorter than another (row S-29).
fn at_most(grant: &Grant<'_>, lifetime: Duration) -> Duration {
    let is_device = |found: &Authorization| found.origin == Origin::Device;
    if grant.authorization.is_some_and(is_device) {
        grant.client.client().device.access_lifetime(lifetime)
    } else {
        lifetime
    }
}

/// Signs an access token, and remembers that this node did. One whose `typ` a test chose may be none
/// that this server reads.
fn sign_access_token(
    (state, request): (&State, &Request),
    keys: &Arc<IssuerKeys>,
    claims: &AccessTokenClaims,
    typ: Option<&str>,
) -> Result<Secret<String>, Fault> {
    if let Some(typ) = typ {
        let token = sign_jwt(keys.signer.key(), typ, claims)?;
        return Ok(Secret::new(token));
    }
    let token = keys.signer.sign_access_token(claims)?;
    // What it hangs from was read after the request had come.
    state
        .verified_tokens
        .learn(keys, token.expose(), request.came);
    Ok(token)
}

/// The lifetime as the token says it: in whole seconds, of which the clock's own fraction takes
/// none away.
fn expires_in(claims: &AccessTokenClaims) -> u64 {
    let seconds = claims.exp.unix_seconds() - claims.iat.unix_seconds();
    u64::try_from(seconds).unwrap_or_default()
}

/// A refresh token as it is sent: in dev mode beside the nonce, when there was one.
fn spell(
    state: &State,
    request: &Request,
    client_id: &ClientId,
    new: &NewRefreshToken,
) -> Secret<String> {
    let token = state
        .refresh_keys
        .spell(&new.token, &request.issuer, client_id);
    match &new.nonce {
        Some(nonce) if !state.settings.strict => unsigned_refresh_token::wrap(&token, nonce),
        Some(_) | None => token,
    }
}

/// The audience that a grant names; without one dev mode takes the scopes of the token request that
/// OpenID Connect does not define, as the mock does, and not those that were granted before.
fn audience(state: &State, named: Vec<String>, form: &Form) -> Result<Vec<String>, Fault> {
    if !named.is_empty() || state.settings.token_rules.dialect != Dialect::Mock {
        return Ok(named);
    }
    let asked = form
        .one("scope")
        .map_err(|error| Fault::new(&error.to_string()))?;
    let scopes = asked.unwrap_or_default().split(' ');
    let targets: Vec<_> = scopes
        .filter(|scope| !scope.is_empty() && !oidc_scopes::OIDC_SCOPES.contains(scope))
        .map(str::to_owned)
        .collect();
    Ok(if targets.is_empty() {
        vec!["default".to_owned()]
    } else {
        targets
    })
}

/// 128 random bits as a UUID, the form that the mock's users know.
pub(crate) fn random_id(state: &State) -> String {
    let mut bytes: [u8; 16] = random::bytes(state.random.as_ref());
    let [_, _, _, _, _, _, version, _, variant, ..] = &mut bytes;
    *version = (*version & 0x0f) | 0x40;
    *variant = (*variant & 0x3f) | 0x80;
    let digits = hex::encode(&bytes);
    let part = |range: std::ops::Range<usize>| digits.get(range).unwrap_or_default();
    [
        part(0..8),
        part(8..12),
        part(12..16),
        part(16..20),
        part(20..32),
    ]
    .join("-")
}
