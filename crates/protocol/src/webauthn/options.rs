//! What a page hands to the browser: the options of `navigator.credentials.create()` and `get()`.
//!
//! WebAuthn §5.1.9 and §5.1.10, the JSON forms:
//! <https://www.w3.org/TR/webauthn-3/#sctn-parseCreationOptionsFromJSON>

use std::time::Duration;

use serde_json::{Value, json};

use super::cose_key::CoseAlgorithm;
use crate::jose::base64url;

/// A passkey that a browser may ask for, or must not make again.
#[derive(Clone, Copy, Debug)]
pub struct Descriptor<'a> {
    /// The credential's `id`.
    pub id: &'a [u8],
    /// `transports`: how the browser reached it when it was made.
    pub transports: &'a [String],
}

/// `PublicKeyCredentialCreationOptionsJSON`: make a passkey that signs its person in by itself.
#[derive(Clone, Copy, Debug)]
pub struct CreationOptions<'a> {
    /// `rp.id`, and `rp.name`, which some browsers show.
    pub relying_party: (&'a str, &'a str),
    /// `user.id`: up to 64 bytes that say nothing about the person.
    pub user_handle: &'a [u8],
    /// `user.name` and `user.displayName`, by which the person chooses among their passkeys.
    pub user_names: (&'a str, &'a str),
    /// `challenge`.
    pub challenge: &'a [u8],
    /// `excludeCredentials`: an authenticator that has one of these makes no second.
    pub exclude: &'a [Descriptor<'a>],
    /// `timeout`.
    pub timeout: Duration,
}

/// `PublicKeyCredentialRequestOptionsJSON`: use a passkey.
#[derive(Clone, Copy, Debug)]
pub struct RequestOptions<'a> {
    /// `rpId`.
    pub relying_party: &'a str,
    /// `challenge`.
    pub challenge: &'a [u8],
    /// `allowCredentials`; when there is none the person chooses one, and so says who they are.
    pub allow: &'a [Descriptor<'a>],
    /// `userVerification`.
    pub user_verification: &'static str,
    /// `timeout`.
    pub timeout: Duration,
}

impl CreationOptions<'_> {
    /// The options as JSON.
    pub fn to_json(&self) -> Value {
        let offer = |algorithm: CoseAlgorithm| json!({ "type": "public-key", "alg": algorithm.identifier() });
        let (id, name) = self.relying_party;
        let (user_name, display_name) = self.user_names;
        json!({
            "rp": { "id": id, "name": name },
            "user": {
                "id": base64url::encode(self.user_handle),
                "name": user_name,
                "displayName": display_name,
            },
            "challenge": base64url::encode(self.challenge),
            "pubKeyCredParams": CoseAlgorithm::ALL.map(offer),
            "timeout": milliseconds(self.timeout),
            "excludeCredentials": descriptors(self.exclude),
            "authenticatorSelection": {
                "residentKey": "required",
                "requireResidentKey": true,
                "userVerification": "required",
            },
            "attestation": "none",
        })
    }
}

impl RequestOptions<'_> {
    /// The options as JSON.
    pub fn to_json(&self) -> Value {
        json!({
            "challenge": base64url::encode(self.challenge),
            "timeout": milliseconds(self.timeout),
            "rpId": self.relying_party,
            "allowCredentials": descriptors(self.allow),
            "userVerification": self.user_verification,
        })
    }
}

fn descriptors(known: &[Descriptor<'_>]) -> Vec<Value> {
    let descriptor = |one: &Descriptor<'_>| {
        json!({
            "type": "public-key",
            "id": base64url::encode(one.id),
            "transports": one.transports,
        })
    };
    known.iter().map(descriptor).collect()
}

fn milliseconds(timeout: Duration) -> u64 {
    u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_options_are_what_browsers_parse() {
        let transports = ["internal".to_owned()];
        let known = [Descriptor {
            id: &[1, 2],
            transports: &transports,
        }];
        let creation = CreationOptions {
            relying_party: ("id.example", "Example"),
            user_handle: b"ada",
            user_names: ("ada", "Ada Lovelace"),
            challenge: &[7; 3],
            exclude: &known,
            timeout: Duration::from_mins(5),
        };
        let descriptor = json!({ "type": "public-key", "id": "AQI", "transports": ["internal"] });
        assert_eq!(
            creation.to_json(),
            json!({
                "rp": { "id": "id.example", "name": "Example" },
                "user": { "id": "YWRh", "name": "ada", "displayName": "Ada Lovelace" },
                "challenge": "BwcH",
                "pubKeyCredParams": [
                    { "type": "public-key", "alg": -7 },
                    { "type": "public-key", "alg": -8 },
                    { "type": "public-key", "alg": -257 },
                ],
                "timeout": 300_000,
                "excludeCredentials": [descriptor.clone()],
                "authenticatorSelection": {
                    "residentKey": "required",
                    "requireResidentKey": true,
                    "userVerification": "required",
                },
                "attestation": "none",
            })
        );
        let request = RequestOptions {
            relying_party: "id.example",
            challenge: &[7; 3],
            allow: &known,
            user_verification: "preferred",
            timeout: Duration::from_secs(1),
        };
        assert_eq!(
            request.to_json(),
            json!({
                "challenge": "BwcH",
                "timeout": 1000,
                "rpId": "id.example",
                "allowCredentials": [descriptor],
                "userVerification": "preferred",
            })
        );
    }
}
