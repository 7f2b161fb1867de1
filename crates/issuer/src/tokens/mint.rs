//! What access tokens and ID tokens say, and their signature.
//!
//! RFC 9068 §2.2: <https://www.rfc-editor.org/rfc/rfc9068#section-2.2>, OIDC Core §2 and §3.1.3.6.

use std::sync::Arc;
use std::time::Duration;

use hallpass_protocol::access_token::{AccessTokenClaims, Confirmation};
use hallpass_protocol::id_token::{self, IdTokenClaims};
use hallpass_protocol::jose::jwt::Audience;
use hallpass_protocol::jose::{EncodedHeader, SignError, SigningKey, sign_with};
use hallpass_protocol::{AuthorizationId, ClientId, Scopes, Secret, Timestamp};
use serde_json::{Map, Value};

use crate::authorization::AuthorizationSeed;
use crate::oidc_scopes::OIDC_SCOPES;

/// `nbf` lies so far back, for verifiers whose clock is slow.
const BACKDATED: Duration = Duration::from_secs(5);

/// How an issuer's tokens look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenRules {
    /// The dialect of the access tokens.
    pub dialect: Dialect,
    /// How long access tokens live.
    pub access_lifetime: Duration,
    /// How long ID tokens live.
    pub id_lifetime: Duration,
}

/// How access tokens speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// RFC 9068: `typ: at+jwt`.
    Rfc9068,
    /// As `mock-oauth2-server` writes them: `typ: JWT`, `tid`, `azp`, the nonce in both tokens.
    Mock,
}

impl Dialect {
    /// The `typ` header of access tokens.
    pub fn access_token_typ(self) -> &'static str {
        match self {
            Self::Rfc9068 => "at+jwt",
            Self::Mock => "JWT",
        }
    }
}

/// The issuer of a token.
#[derive(Clone, Copy, Debug)]
pub struct Issuer<'a> {
    /// Its identifier, a URL.
    pub url: &'a str,
    /// Its path, the mock's issuer id.
    pub path: &'a str,
    /// How its tokens look.
    pub rules: TokenRules,
}

/// The signing keys of both kinds of token with their encoded headers, so that a hot path does not
/// build them again.
#[derive(Debug)]
pub struct Signer {
    key: Arc<SigningKey>,
    id_key: Arc<SigningKey>,
    access: EncodedHeader,
    id: EncodedHeader,
}

impl Signer {
    /// Prepares the keys of an issuer: that of access tokens and that of ID tokens, which may be one.
    pub fn new(
        key: Arc<SigningKey>,
        id_key: Arc<SigningKey>,
        dialect: Dialect,
    ) -> Result<Self, SignError> {
        let access = EncodedHeader::new(&key, dialect.access_token_typ())?;
        let id = EncodedHeader::new(&id_key, "JWT")?;
        Ok(Self {
            key,
            id_key,
            access,
            id,
        })
    }

    /// The key of access tokens.
    pub fn key(&self) -> &SigningKey {
        &self.key
    }

    /// The key of ID tokens.
    pub fn id_key(&self) -> &SigningKey {
        &self.id_key
    }

    /// Signs an access token.
    pub fn sign_access_token(
        &self,
        claims: &AccessTokenClaims,
    ) -> Result<Secret<String>, SignError> {
        sign_with(&self.access, &self.key, &serde_json::to_vec(claims)?).map(Secret::new)
    }

    /// Signs an ID token.
    pub fn sign_id_token(&self, claims: &IdTokenClaims) -> Result<Secret<String>, SignError> {
        sign_with(&self.id, &self.id_key, &serde_json::to_vec(claims)?).map(Secret::new)
    }
}

/// For whom and for what an access token is.
#[derive(Clone, Debug)]
pub struct AccessTokenContents<'a> {
    /// `sub`.
    pub subject: &'a str,
    /// `client_id`.
    pub client_id: &'a ClientId,
    /// `scope`.
    pub scopes: &'a Scopes,
    /// Who is meant to take it: resources, or what the request named.
    pub audience: Vec<String>,
    /// What it hangs from.
    pub authorization: Option<AuthorizationId>,
    /// What the person granted, when the token comes from them without a detour.
    pub seed: Option<&'a AuthorizationSeed>,
    /// Further claims.
    pub claims: Map<String, Value>,
    /// The token ends no later than this.
    pub not_after: Option<Timestamp>,
    /// The DPoP key that it is bound to (RFC 9449 §6.1).
    pub dpop_jkt: Option<&'a str>,
}

impl AccessTokenContents<'_> {
    /// The claims of the token; `jti` is drawn by the caller.
    pub fn claims(self, issuer: &Issuer<'_>, jti: String, now: Timestamp) -> AccessTokenClaims {
        let mut extra = self.claims;
        let seed = self.seed;
        if issuer.rules.dialect == Dialect::Mock {
            // RFC 9068 §6: elsewhere an API is told no more of a person than it asked for.
            if let Some(seed) = seed {
                extra.extend(seed.user.claims.clone());
            }
            extra
                .entry("tid")
                .or_insert_with(|| Value::from(issuer.path));
            if seed.is_some() {
                extra
                    .entry("azp")
                    .or_insert_with(|| Value::from(self.client_id.as_str()));
            }
            if let Some(nonce) = seed.and_then(|seed| seed.nonce.as_ref()) {
                extra.insert("nonce".to_owned(), Value::from(nonce.as_str()));
            }
        }
        let exp = now + issuer.rules.access_lifetime;
        AccessTokenClaims {
            iss: issuer.url.to_owned(),
            sub: self.subject.to_owned(),
            aud: default_audience(self.audience, self.scopes, issuer)
                .into_iter()
                .collect(),
            exp: self.not_after.map_or(exp, |end| end.min(exp)),
            iat: now,
            nbf: Some(match issuer.rules.dialect {
                Dialect::Rfc9068 => now - BACKDATED,
                Dialect::Mock => now,
            }),
            jti,
            client_id: self.client_id.to_string(),
            scope: self.scopes.clone(),
            sid: self.authorization.map(|id| id.to_string()),
            auth_time: seed.map(|seed| seed.auth_time),
            acr: seed.and_then(|seed| acr(issuer, seed)),
            amr: seed.map(|seed| amr(issuer, seed)).unwrap_or_default(),
            cnf: self.dpop_jkt.map(|jkt| Confirmation {
                jkt: Some(jkt.to_owned()),
                other: Map::new(),
            }),
            extra,
        }
    }
}

/// The audience of a token that names no resource: the mock takes it from the scopes.
fn default_audience(named: Vec<String>, scopes: &Scopes, issuer: &Issuer<'_>) -> Vec<String> {
    if !named.is_empty() {
        return named;
    }
    let from_scopes: Vec<String> = scopes
        .iter()
        .filter(|scope| !OIDC_SCOPES.contains(scope))
        .map(str::to_owned)
        .collect();
    match issuer.rules.dialect {
        Dialect::Rfc9068 => vec![issuer.url.to_owned()],
        Dialect::Mock if from_scopes.is_empty() => vec!["default".to_owned()],
        Dialect::Mock => from_scopes,
    }
}

/// How strong the sign-in was: in dev mode as strong as whoever signed in says.
fn acr(issuer: &Issuer<'_>, seed: &AuthorizationSeed) -> Option<String> {
    match issuer.rules.dialect {
        Dialect::Rfc9068 => seed.sign_in.acr().map(|acr| acr.as_str().to_owned()),
        Dialect::Mock => {
            let typed = seed.user.claims.get("acr").and_then(Value::as_str);
            Some(typed.unwrap_or("dev").to_owned())
        }
    }
}

/// How the person signed in, as [`acr`].
fn amr(issuer: &Issuer<'_>, seed: &AuthorizationSeed) -> Vec<String> {
    if issuer.rules.dialect == Dialect::Rfc9068 {
        return seed.sign_in.amr().into_iter().map(str::to_owned).collect();
    }
    let typed = seed.user.claims.get("amr").and_then(Value::as_array);
    typed
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

/// The claims of the ID token that comes with an access token.
pub fn id_token_claims(
    issuer: &Issuer<'_>,
    client_id: &ClientId,
    (authorization, seed): (AuthorizationId, &AuthorizationSeed),
    (access_token, signer): (&Secret<String>, &Signer),
    now: Timestamp,
) -> IdTokenClaims {
    let mut extra = Map::new();
    if issuer.rules.dialect == Dialect::Mock {
        // OIDC Core §5.4: elsewhere what scopes ask for comes from userinfo.
        extra.clone_from(&seed.user.claims);
        extra
            .entry("tid")
            .or_insert_with(|| Value::from(issuer.path));
    }
    IdTokenClaims {
        iss: issuer.url.to_owned(),
        sub: seed.user.id.to_string(),
        aud: Audience::one(client_id.as_str()),
        exp: now + issuer.rules.id_lifetime,
        iat: now,
        auth_time: Some(seed.auth_time),
        nonce: seed.nonce.clone(),
        acr: acr(issuer, seed),
        amr: amr(issuer, seed),
        azp: Some(client_id.to_string()),
        at_hash: Some(id_token::at_hash(
            signer.id_key().algorithm(),
            access_token.expose(),
        )),
        sid: Some(authorization.to_string()),
        extra,
    }
}
