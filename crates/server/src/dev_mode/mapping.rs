//! Which token callback speaks for a token request, and what it says.
//!
//! Contract: "Mapping rules" of `docs/dev-mode.md`.

use std::time::Duration;

use hallpass_protocol::access_token::AccessTokenClaims;
use hallpass_protocol::form::Form;
use hallpass_protocol::id_token::IdTokenClaims;
use hallpass_protocol::jose::jwt::Audience;
use serde_json::{Map, Value};

use super::template;
use crate::settings::TokenCallback;

/// What a mapping puts into the tokens of one request.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Mapped {
    /// The claims, `sub` and `aud` among them; without `aud` the audience is empty.
    pub(crate) claims: Map<String, Value>,
    /// `typ` of the tokens, where it is configured.
    pub(crate) typ: Option<String>,
    /// How long they live.
    pub(crate) lifetime: Duration,
    /// Whether the token's own audience and the mock's `tid` and `azp` stay.
    pub(crate) adds: bool,
}

impl Mapped {
    /// Writes the configured claims over the token's own. Unless it only adds, `sub` and `aud` come
    /// from them alone, and the mock's own `tid` and `azp` are left out.
    pub(crate) fn apply(&self, claims: &mut AccessTokenClaims) {
        if !self.adds {
            claims.aud = Audience::default();
            claims.extra.remove("tid");
            claims.extra.remove("azp");
        }
        for (name, value) in &self.claims {
            overwrite(claims, name, value);
        }
    }

    /// The ID token says the same of the person as the access token beside it; its audience stays
    /// the client.
    pub(crate) fn apply_to_id_token(&self, claims: &mut IdTokenClaims, access: &AccessTokenClaims) {
        if !self.adds {
            claims.extra.remove("tid");
            claims.azp = None;
        }
        let further = self
            .claims
            .iter()
            .filter(|(name, _)| !matches!(name.as_str(), "sub" | "aud"));
        claims
            .extra
            .extend(further.map(|(name, value)| (name.clone(), value.clone())));
        claims.sub.clone_from(&access.sub);
        claims.acr.clone_from(&access.acr);
        claims.amr.clone_from(&access.amr);
    }
}

/// Writes one claim; a value that an access token cannot carry there (`"exp": "soon"`) is left out.
pub(crate) fn overwrite(claims: &mut AccessTokenClaims, name: &str, value: &Value) {
    let Ok(Value::Object(mut members)) = serde_json::to_value(&*claims) else {
        return;
    };
    members.insert(name.to_owned(), value.clone());
    match serde_json::from_value(Value::Object(members)) {
        Ok(changed) => *claims = changed,
        Err(error) => tracing::warn!(claim = name, %error, "a configured claim was left out"),
    }
}

/// Finds the first callback of the issuer and its first mapping that matches.
///
/// A form parameter wins over the client id (which may have come by Basic) and the subject (the
/// name typed at sign-in or in the password grant).
pub(crate) fn mapping_for(
    callbacks: &[TokenCallback],
    issuer: &str,
    form: &Form,
    client_id: &str,
    subject: Option<&str>,
) -> Option<Mapped> {
    let callback = callback_for(callbacks, issuer)?;
    let mapping = callback.mappings.iter().find(|mapping| {
        let name = mapping.request_param.as_str();
        let known = match name {
            "client_id" => Some(client_id),
            "subject" => subject,
            _ => None,
        };
        let mut sent = form.all(name).peekable();
        if sent.peek().is_some() {
            sent.any(|value| mapping.accepts(value))
        } else {
            known.is_some_and(|value| mapping.accepts(value))
        }
    })?;
    let find = |name: &str| match name {
        "client_id" | "clientId" => Some(client_id),
        _ => form
            .all(name)
            .next()
            .or(subject.filter(|_| name == "subject")),
    };
    Some(Mapped {
        claims: template::fill_all(&mapping.claims, &find),
        typ: mapping.typ.clone(),
        lifetime: callback.token_expiry,
        adds: false,
    })
}

/// How long the tokens of an issuer live that has a callback, whether or not a mapping matches.
pub(crate) fn expiry_for(callbacks: &[TokenCallback], issuer: &str) -> Option<Duration> {
    callback_for(callbacks, issuer).map(|callback| callback.token_expiry)
}

fn callback_for<'a>(callbacks: &'a [TokenCallback], issuer: &str) -> Option<&'a TokenCallback> {
    callbacks
        .iter()
        .find(|callback| callback.issuer_id == issuer)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::settings::RequestMapping;

    fn callback(issuer: &str, expiry: u64, mappings: &[(&str, &str, Value)]) -> TokenCallback {
        let mapping = |(param, wanted, claims): &(&str, &str, Value)| {
            RequestMapping::new(*param, wanted, None, claims.as_object().unwrap().clone())
        };
        TokenCallback {
            issuer_id: issuer.to_owned(),
            token_expiry: Duration::from_secs(expiry),
            mappings: mappings.iter().map(mapping).collect(),
        }
    }

    fn claims(callbacks: &[TokenCallback], form: &str, subject: Option<&str>) -> Option<Value> {
        let form = Form::parse(form).unwrap();
        let mapped = mapping_for(callbacks, "one", &form, "cli", subject)?;
        Some(Value::Object(mapped.claims))
    }

    #[test]
    fn the_first_callback_of_the_issuer_and_its_first_match_decide() {
        let callbacks = [
            callback("two", 1, &[("scope", "*", json!({"sub": "two"}))]),
            callback(
                "one",
                120,
                &[
                    ("scope", "a", json!({"sub": "a"})),
                    ("scope", "a|b", json!({"sub": "ab"})),
                    ("code", "*", json!({"sub": "any code"})),
                ],
            ),
            callback("one", 7, &[("scope", "c", json!({"sub": "never"}))]),
        ];
        assert_eq!(
            claims(&callbacks, "scope=a", None),
            Some(json!({"sub": "a"}))
        );
        assert_eq!(
            claims(&callbacks, "scope=b&code=x", None),
            Some(json!({"sub": "ab"}))
        );
        assert_eq!(
            claims(&callbacks, "scope=c&code=x", None),
            Some(json!({"sub": "any code"}))
        );
        assert_eq!(claims(&callbacks, "scope=c", None), None);
    }

    #[test]
    fn a_form_parameter_wins_then_the_client_then_the_subject() {
        let by_client = [callback(
            "one",
            1,
            &[("client_id", "cli", json!({"sub": "x"}))],
        )];
        assert!(claims(&by_client, "", None).is_some());
        assert!(claims(&by_client, "client_id=other", None).is_none());
        let by_subject = [callback(
            "one",
            1,
            &[("subject", "ada", json!({"sub": "x"}))],
        )];
        assert!(claims(&by_subject, "", Some("ada")).is_some());
        assert!(claims(&by_subject, "subject=bob", Some("ada")).is_none());
        assert!(claims(&by_subject, "", None).is_none());
    }

    #[test]
    fn templates_prefer_the_client_then_the_form_then_the_subject() {
        let all = json!({
            "c": "${client_id} ${clientId}", "s": "${subject}", "p": ["${p}"], "m": {"u": "${nobody}"}
        });
        let callbacks = [callback("one", 1, &[("grant_type", "*", all)])];
        assert_eq!(
            claims(&callbacks, "grant_type=x&p=1&clientId=evil", Some("ada")),
            Some(json!({"c": "cli cli", "s": "ada", "p": ["1"], "m": {"u": "${nobody}"}}))
        );
        assert_eq!(
            claims(&callbacks, "grant_type=x&subject=bob", None),
            Some(json!({"c": "cli cli", "s": "bob", "p": ["${p}"], "m": {"u": "${nobody}"}}))
        );
    }
}
