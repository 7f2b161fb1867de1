//! What a page hands to the browser and gets back: CSRF tokens and interactions, under a MAC.
//!
//! Each is bound to its purpose, the issuer and the browser, so that none passes for another and
//! none works elsewhere (RFC 9700 §4.16, rows S-15 and S-266).

use std::net::IpAddr;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass_issuer::browser_session::BrowserSessionId;
use hallpass_issuer::tokens::one_time::SecretHash;
use hallpass_protocol::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::key_ring::PurposeKeys;

/// Makes and checks page tokens.
#[derive(Debug)]
pub(crate) struct PageTokens(PurposeKeys);

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A form may be posted.
    Csrf,
    /// A device confirmation in progress.
    Device,
    /// A run of dev mode's debugger.
    Debugger,
    /// A pushed authorization request that this browser opened.
    PushedRequest,
    /// The names under which a browser signed in before.
    KnownBrowser,
    /// A request that a person is asked to allow.
    Consent,
    /// A request that came from another network than the browser's.
    OtherNetwork,
    /// The challenge that a passkey answers.
    Passkey,
    /// A sign-in that waits for a second factor.
    SecondFactor,
    /// An authenticator app that is being set up.
    Enrolment,
    /// Where a person goes on who made an account in the middle of a sign-in.
    Detour,
}

/// A request that a person is asked about, between the page and their answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RequestInteraction {
    /// The hash of every parameter of the request.
    pub(crate) request: SecretHash,
    /// Who is asked: their browser session.
    pub(crate) session: BrowserSessionId,
    /// Whether they signed in for this request.
    pub(crate) just_signed_in: bool,
    /// The networks of browser and program, where the page is about them.
    pub(crate) networks: Option<(IpAddr, IpAddr)>,
    /// When the page is too old.
    pub(crate) expires_at: Timestamp,
}

/// A device confirmation between two pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DeviceInteraction {
    /// The device grant that the person is looking at.
    pub(crate) grant: SecretHash,
    /// Whether the code came with the link instead of by hand.
    pub(crate) prefilled: bool,
    /// When the page is too old.
    pub(crate) expires_at: Timestamp,
}

/// Where a token holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Binding<'a> {
    /// The issuer's path.
    pub(crate) issuer: &'a str,
    /// The value of the browser's binding cookie.
    pub(crate) browser: &'a str,
}

impl PageTokens {
    pub(crate) fn new(keys: PurposeKeys) -> Self {
        Self(keys)
    }

    /// Makes a token around a payload.
    pub(crate) fn seal<T: Serialize>(
        &self,
        purpose: Purpose,
        at: Binding<'_>,
        payload: &T,
    ) -> String {
        let body = URL_SAFE_NO_PAD.encode(serde_json::to_vec(payload).unwrap_or_default());
        let sign = |key| hmac::sign(key, &message(purpose, at, &body));
        let tag = self.0.all().next().map(sign);
        let tag = tag.map_or_else(String::new, |tag| URL_SAFE_NO_PAD.encode(tag));
        format!("{body}.{tag}")
    }

    /// Reads a token; `None` when it was not made for this purpose, issuer and browser.
    pub(crate) fn open<T: DeserializeOwned>(
        &self,
        purpose: Purpose,
        at: Binding<'_>,
        token: &str,
    ) -> Option<T> {
        let (body, tag) = token.split_once('.')?;
        let tag = URL_SAFE_NO_PAD.decode(tag).ok()?;
        let message = message(purpose, at, body);
        let is_genuine = |key| hmac::verify(key, &message, &tag).is_ok();
        if !self.0.all().any(is_genuine) {
            return None;
        }
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(body).ok()?).ok()
    }
}

fn message(purpose: Purpose, at: Binding<'_>, body: &str) -> Vec<u8> {
    let label = match purpose {
        Purpose::Csrf => "csrf/1",
        Purpose::Device => "device/1",
        Purpose::Debugger => "debugger/1",
        Purpose::PushedRequest => "pushed-request/1",
        Purpose::KnownBrowser => "known-browser/1",
        Purpose::Consent => "consent/1",
        Purpose::Passkey => "passkey/1",
        Purpose::SecondFactor => "second-factor/1",
        Purpose::Enrolment => "enrolment/1",
        Purpose::Detour => "detour/1",
        Purpose::OtherNetwork => "other-network/1",
    };
    let mut message = Vec::new();
    for field in [label, at.issuer, at.browser, body] {
        message.extend_from_slice(&(field.len() as u64).to_be_bytes());
        message.extend_from_slice(field.as_bytes());
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s_15_s_266_a_100_a_token_holds_for_one_purpose_issuer_and_browser() {
        let tokens = PageTokens::new(PurposeKeys::one([1; 32]));
        let here = Binding {
            issuer: "default",
            browser: "b1",
        };
        let token = tokens.seal(Purpose::Csrf, here, &7_u8);
        assert_eq!(tokens.open::<u8>(Purpose::Csrf, here, &token), Some(7));
        assert_eq!(tokens.open::<u8>(Purpose::Device, here, &token), None);
        assert_eq!(
            tokens.open::<u8>(
                Purpose::Csrf,
                Binding {
                    issuer: "x",
                    ..here
                },
                &token
            ),
            None
        );
        assert_eq!(
            tokens.open::<u8>(
                Purpose::Csrf,
                Binding {
                    browser: "b2",
                    ..here
                },
                &token
            ),
            None
        );
        assert_eq!(
            tokens.open::<u8>(Purpose::Csrf, here, &format!("{token}A")),
            None
        );
        assert_eq!(tokens.open::<u8>(Purpose::Csrf, here, ""), None);
    }
}
