//! The steps of the two flows, and which exchange belongs to which.

use std::collections::BTreeMap;

use hallpass_client::Exchange;

/// A step of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// RFC 8414, OIDC Discovery.
    Discover,
    /// RFC 8628 §3.1.
    AskForCode,
    /// RFC 9126 §2.1, RFC 6749 §4.1.1 with RFC 7636.
    PushRequest,
    /// RFC 9126 §4.
    OpenBrowser,
    /// RFC 8628 §3.3.
    EnterCode,
    /// RFC 6749 §4.1.1, the person's part.
    SignIn,
    /// RFC 8628 §3.4.
    Poll,
    /// RFC 6749 §4.1.3.
    Redeem,
    /// OIDC Core §3.1.3.7.
    CheckIdToken,
    /// OIDC Core §5.3.
    AskAboutUser,
    /// Anything else.
    Other,
}

impl Step {
    /// Finds the step by what the metadata says about the address.
    pub(crate) fn of(exchange: &Exchange, endpoints: &BTreeMap<String, String>) -> Self {
        let is = |name: &str| endpoints.get(name) == Some(&exchange.url);
        let is_device = exchange
            .sent
            .iter()
            .any(|(name, value)| name == "grant_type" && value.ends_with(":device_code"));
        if exchange.url.contains("/.well-known/") {
            Self::Discover
        } else if is("device_authorization_endpoint") {
            Self::AskForCode
        } else if is("pushed_authorization_request_endpoint") {
            Self::PushRequest
        } else if is("token_endpoint") && is_device {
            Self::Poll
        } else if is("token_endpoint") {
            Self::Redeem
        } else if is("jwks_uri") {
            Self::CheckIdToken
        } else if is("userinfo_endpoint") {
            Self::AskAboutUser
        } else {
            Self::Other
        }
    }

    /// What it is for, in one line.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Discover => "The program asks the server where everything is",
            Self::AskForCode => "The program asks for a code",
            Self::PushRequest => "The program gives its request to the server itself",
            Self::OpenBrowser => "The program listens on loopback and opens a browser",
            Self::EnterCode => "The person enters the code, signs in and agrees",
            Self::SignIn => "The person signs in and agrees",
            Self::Poll => "The program asks until the person is done",
            Self::Redeem => "The program trades the code for tokens",
            Self::CheckIdToken => "The program fetches the keys and checks the ID token",
            Self::AskAboutUser => "The program asks who signed in",
            Self::Other => "The program asks the server",
        }
    }

    /// The members of the request that matter.
    pub(crate) fn sent(self) -> &'static [&'static str] {
        match self {
            Self::AskForCode => &["client_id", "scope"],
            Self::OpenBrowser => &["client_id", "request_uri"],
            Self::PushRequest => &[
                "client_id",
                "redirect_uri",
                "code_challenge",
                "code_challenge_method",
                "state",
                "nonce",
            ],
            Self::Poll => &["device_code"],
            Self::Redeem => &["grant_type", "code", "code_verifier"],
            Self::Discover
            | Self::EnterCode
            | Self::SignIn
            | Self::CheckIdToken
            | Self::AskAboutUser
            | Self::Other => &[],
        }
    }

    /// The members of the answer that matter.
    pub(crate) fn received(self) -> &'static [&'static str] {
        match self {
            Self::Discover => &[
                "authorization_endpoint",
                "device_authorization_endpoint",
                "token_endpoint",
            ],
            Self::PushRequest => &["request_uri", "expires_in"],
            Self::AskForCode => &[
                "user_code",
                "verification_uri",
                "device_code",
                "expires_in",
                "interval",
            ],
            Self::Poll | Self::Redeem => &[
                "error",
                "access_token",
                "id_token",
                "refresh_token",
                "expires_in",
                "scope",
            ],
            Self::CheckIdToken => &["keys"],
            Self::AskAboutUser => &["sub", "name", "preferred_username", "email", "iss"],
            Self::OpenBrowser | Self::EnterCode | Self::SignIn | Self::Other => &["error"],
        }
    }
}
