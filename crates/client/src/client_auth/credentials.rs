//! What one request carries to prove whose it is: decided here, without sending anything.
//!
//! RFC 6749 §2.3.1, RFC 7521 §4.2: <https://www.rfc-editor.org/rfc/rfc7521#section-4.2>,
//! RFC 7523 §3, OIDC Core §9; rows C-57, C-82.

use hallpass_protocol::client_auth::{self as wire, encode_basic};
use hallpass_protocol::form::Form;
use hallpass_protocol::metadata::Metadata;
use hallpass_protocol::random::SystemRandom;
use hallpass_protocol::{ClientId, Secret, Timestamp, client_assertion};

use super::method::ClientAuthMethod;
use super::private_key::PrivateKey;
use crate::clean;
use crate::error::Error;

/// The client, and what must be known of the server to prove it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Proof<'a> {
    pub(crate) client_id: &'a ClientId,
    pub(crate) method: &'a ClientAuthMethod,
    /// Whom an assertion is for: only there it is good (row C-57).
    pub(crate) issuer: &'a str,
    /// What the server says it takes; `None` when the method does not depend on it.
    pub(crate) metadata: Option<&'a Metadata>,
    /// The server's time, as far as it is known.
    pub(crate) now: Timestamp,
}

impl Proof<'_> {
    /// Adds it to a form, and returns what belongs into the `Authorization` header. Each call makes
    /// another assertion: no two requests carry the same (row C-57).
    pub(crate) fn attach(self, form: &mut Form) -> Result<Option<Secret<String>>, Error> {
        let (secret, in_header) = match self.method {
            ClientAuthMethod::None => {
                self.name_client(form);
                return Ok(None);
            }
            ClientAuthMethod::PrivateKeyJwt(key) => {
                let assertion = self.assertion(key)?;
                self.name_client(form);
                form.push("client_assertion_type", client_assertion::TYPE);
                form.push("client_assertion", assertion.expose());
                return Ok(None);
            }
            ClientAuthMethod::SecretBasic(secret) => (secret, true),
            ClientAuthMethod::SecretPost(secret) => (secret, false),
            ClientAuthMethod::Secret(secret) => (secret, self.takes_basic()),
        };
        if in_header {
            return Ok(Some(encode_basic(self.client_id, secret)));
        }
        self.name_client(form);
        form.push("client_secret", secret.expose());
        Ok(None)
    }

    fn name_client(&self, form: &mut Form) {
        if !form.has("client_id") {
            form.push("client_id", self.client_id.as_str());
        }
    }

    /// RFC 8414 §2: "If omitted, the default is `client_secret_basic`". It comes first where both are
    /// listed (RFC 6749 §2.3.1: the body is "NOT RECOMMENDED").
    fn takes_basic(&self) -> bool {
        let takes = |method: wire::ClientAuthMethod| {
            let known = self.methods();
            known.iter().any(|name| name == method.as_str())
        };
        takes(wire::ClientAuthMethod::ClientSecretBasic)
            || !takes(wire::ClientAuthMethod::ClientSecretPost)
    }

    fn methods(&self) -> &[String] {
        self.metadata.map_or(&[], |metadata| {
            &metadata.token_endpoint_auth_methods_supported
        })
    }

    fn assertion(&self, key: &PrivateKey) -> Result<Secret<String>, Error> {
        let issuer = || clean::text(self.issuer);
        let name = wire::ClientAuthMethod::PrivateKeyJwt.as_str();
        let methods = self.methods();
        if !methods.is_empty() && !methods.iter().any(|method| method == name) {
            return Err(Error::config(format!("{} takes no {name}", issuer())).hint_to(
                "authenticate with the client's secret, or have the server list private_key_jwt",
            ));
        }
        let supported = self.metadata.map_or(&[][..], |metadata| {
            &metadata.token_endpoint_auth_signing_alg_values_supported
        });
        let key = key.for_algorithms(supported).ok_or_else(|| {
            Error::config(format!(
                "{} takes no signature by {}",
                issuer(),
                key.algorithms()
            ))
            .hint_to(format!(
                "register a key for one of: {}",
                clean::text(&supported.join(", "))
            ))
        })?;
        client_assertion::assert(key, self.client_id, self.issuer, self.now, &SystemRandom)
            .map_err(|error| Error::config("the private key cannot sign").caused_by(error))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use hallpass_protocol::jose::JwkSet;
    use serde_json::Value;

    use super::*;

    const EC: &str = include_str!("../../../protocol/tests/vectors/private_keys/ec_pkcs8.pem");
    const RSA: &str = include_str!("../../../protocol/tests/vectors/private_keys/rsa_pkcs8.pem");
    const ISSUER: &str = "https://as.test/t";

    fn now() -> Timestamp {
        Timestamp::from_unix_seconds(1000)
    }

    fn attach(
        method: &ClientAuthMethod,
        metadata: Option<&Metadata>,
    ) -> Result<(Form, Option<String>), Error> {
        let client_id = ClientId::new("robot");
        let mut form = Form::default();
        form.push("grant_type", "client_credentials");
        let proof = Proof {
            client_id: &client_id,
            method,
            issuer: ISSUER,
            metadata,
            now: now(),
        };
        let header = proof.attach(&mut form)?;
        Ok((form, header.map(|header| header.expose().clone())))
    }

    fn part(assertion: &str, at: usize) -> Value {
        let text = assertion.split('.').nth(at).unwrap();
        let bytes = hallpass_protocol::jose::base64url::decode(text).unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    fn methods(names: &[&str]) -> Metadata {
        Metadata {
            token_endpoint_auth_methods_supported: names
                .iter()
                .map(|name| (*name).to_owned())
                .collect(),
            ..Metadata::default()
        }
    }

    #[test]
    fn a_secret_goes_where_the_metadata_says() {
        let secret = ClientAuthMethod::Secret(Secret::from("s3cret"));
        for (listed, in_header) in [
            (vec![], true),
            (vec!["client_secret_basic", "client_secret_post"], true),
            (vec!["client_secret_post", "client_secret_basic"], true),
            (vec!["none", "client_secret_post"], false),
            (vec!["none"], true),
        ] {
            let (form, header) = attach(&secret, Some(&methods(&listed))).unwrap();
            assert_eq!(header.is_some(), in_header, "{listed:?}");
            assert_eq!(form.has("client_secret"), !in_header, "{listed:?}");
        }
    }

    #[test]
    fn a_method_that_was_named_is_used_whatever_the_metadata_lists() {
        let only_post = methods(&["client_secret_post"]);
        let basic = ClientAuthMethod::SecretBasic(Secret::from("s"));
        assert!(attach(&basic, Some(&only_post)).unwrap().1.is_some());
        let (form, header) = attach(&ClientAuthMethod::None, None).unwrap();
        assert_eq!(form.one("client_id"), Ok(Some("robot")));
        assert_eq!(header, None);
    }

    #[test]
    fn c_57_an_assertion_is_for_the_issuer_a_minute_long_and_never_the_same() {
        let key = PrivateKey::parse(EC).unwrap();
        let jwks = key.public_jwks().to_string();
        let jwks = JwkSet::from_json(&jwks).unwrap();
        let method = ClientAuthMethod::from(key);
        let mut ids = BTreeSet::new();
        for _ in 0..20 {
            let (form, header) = attach(&method, None).unwrap();
            assert_eq!(header, None);
            assert_eq!(form.one("client_id"), Ok(Some("robot")));
            assert_eq!(
                form.one("client_assertion_type"),
                Ok(Some(
                    "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
                ))
            );
            assert!(!form.has("client_secret"));
            let assertion = form.one("client_assertion").unwrap().unwrap();
            let client_id = ClientId::new("robot");
            let policy = client_assertion::AssertionPolicy {
                client_id: &client_id,
                audiences: &[ISSUER],
                now: now(),
            };
            let checked = client_assertion::check(assertion, &jwks, &policy).unwrap();
            let claims = part(assertion, 1);
            assert_eq!(
                (&claims["iat"], &claims["exp"]),
                (&1000.into(), &1060.into())
            );
            assert!(ids.insert(checked.jti));
        }
    }

    #[test]
    fn c_57_the_audience_is_one_string_and_the_key_is_named() {
        let key = PrivateKey::parse(EC).unwrap().with_key_id("k-1").unwrap();
        let (form, _) = attach(&key.into(), None).unwrap();
        let assertion = form.one("client_assertion").unwrap().unwrap();
        assert_eq!(part(assertion, 0)["kid"], "k-1");
        let claims = part(assertion, 1);
        assert_eq!(claims["aud"], ISSUER);
        assert_eq!(
            (&claims["iss"], &claims["sub"]),
            (&"robot".into(), &"robot".into())
        );
    }

    #[test]
    fn an_rsa_key_signs_as_the_metadata_says() {
        let key = ClientAuthMethod::from(PrivateKey::parse(RSA).unwrap());
        assert!(key.asks_metadata());
        for (listed, used) in [("PS256", "PS256"), ("RS256", "RS256")] {
            let mut metadata = methods(&["private_key_jwt"]);
            metadata.token_endpoint_auth_signing_alg_values_supported = vec![listed.to_owned()];
            let (form, _) = attach(&key, Some(&metadata)).unwrap();
            let assertion = form.one("client_assertion").unwrap().unwrap();
            assert_eq!(part(assertion, 0)["alg"], used);
        }
    }

    #[test]
    fn a_server_that_takes_no_such_key_is_not_sent_one() {
        let key = ClientAuthMethod::from(PrivateKey::parse(EC).unwrap());
        let error = attach(&key, Some(&methods(&["client_secret_basic"]))).unwrap_err();
        assert_eq!(
            error.to_string(),
            "https://as.test/t takes no private_key_jwt"
        );
        let mut metadata = methods(&["private_key_jwt"]);
        metadata.token_endpoint_auth_signing_alg_values_supported = vec!["PS256".to_owned()];
        let error = attach(&key, Some(&metadata)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "https://as.test/t takes no signature by ES256"
        );
    }
}
