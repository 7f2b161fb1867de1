//! `token`: a signed token that says whatever a test wants, as `issueToken` and `anyToken` of
//! `mock-oauth2-server`.

use std::time::Duration;

use hallpass_issuer::tokens::mint::{AccessTokenContents, Issuer};
use hallpass_protocol::jose::sign_jwt;
use hallpass_protocol::{ClientId, Scopes};
use serde_json::{Map, Value, json};

use super::call::{Answer, Call};
use super::callbacks;
use super::error::ControlError;
use super::fields::{Fields, ISSUER};
use crate::dev_mode;
use crate::error::Fault;
use crate::issuance::random_id;
use crate::state::State;

/// Who asks when the test does not say.
const CLIENT: &str = "default";

/// `POST token`.
pub(super) async fn answer(state: &State, call: &Call) -> Answer {
    let known = [
        ISSUER,
        "subject",
        "clientId",
        "scope",
        "audience",
        "claims",
        "expiry",
        "typeHeader",
    ];
    let mut fields = Fields::of_body(&call.body, &known)?;
    let path = fields.issuer()?;
    let claims = claims(state, call, &path, &mut fields)?;
    let typ = fields.filled("typeHeader")?;
    if let Some(typ) = &typ {
        callbacks::remember_typ(state, typ)?;
    }
    let keys = state.keys.of(&path, &state.store, state.now()).await?;
    let dialect = state.settings.token_rules.dialect;
    let typ = typ.as_deref().unwrap_or(dialect.access_token_typ());
    let key = keys.signer.key();
    let token = sign_jwt(key, typ, &claims).map_err(Fault::from)?;
    Ok(json!({
        "token": token,
        "header": { "kid": key.kid(), "typ": typ, "alg": key.algorithm().as_str() },
        "claims": claims,
    }))
}

/// What an access token of the issuer says, and over it whatever the test says; `null` takes a
/// claim away.
fn claims(
    state: &State,
    call: &Call,
    path: &str,
    fields: &mut Fields,
) -> Result<Map<String, Value>, ControlError> {
    let subject = fields.text("subject")?;
    let client = ClientId::new(
        fields
            .filled("clientId")?
            .unwrap_or_else(|| CLIENT.to_owned()),
    );
    let scope = fields.text("scope")?.unwrap_or_default();
    let scopes: Scopes = Scopes::parse(&scope).map_err(|error| {
        ControlError::value("scope", format!("`{scope}` is no list of scopes: {error}"))
    })?;
    let base = dev_mode::base_url(&state.settings, &call.headers);
    let url = if path.is_empty() {
        base
    } else {
        format!("{base}/{path}")
    };
    let mut rules = state.settings.token_rules;
    rules.access_lifetime = fields
        .span("expiry", None)?
        .unwrap_or(Duration::from_hours(1));
    let issuer = Issuer {
        url: &url,
        path,
        rules,
    };
    let jti = random_id(state);
    let contents = AccessTokenContents {
        // As the mock: a token for nobody in particular is for somebody nobody knows.
        subject: subject.as_deref().unwrap_or(&jti),
        client_id: &client,
        scopes: &scopes,
        audience: fields.texts("audience")?.unwrap_or_default(),
        authorization: None,
        seed: None,
        claims: Map::new(),
        dpop_jkt: None,
        not_after: None,
    };
    let usual = contents.claims(&issuer, jti.clone(), state.now());
    let Value::Object(mut claims) = serde_json::to_value(&usual).map_err(Fault::from)? else {
        return Err(Fault::new("claims are an object").into());
    };
    for (name, value) in fields.object("claims")? {
        if value.is_null() {
            claims.remove(&name);
        } else {
            claims.insert(name, value);
        }
    }
    Ok(claims)
}
