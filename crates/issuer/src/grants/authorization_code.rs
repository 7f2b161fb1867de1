//! The authorization code grant: what an authorization request must be, and what a code is worth.
//!
//! RFC 6749 §4.1: <https://www.rfc-editor.org/rfc/rfc6749#section-4.1>, RFC 7636, RFC 9700 §2.1.

use std::time::Duration;

use hallpass_protocol::authorization::AuthorizationRequest;
use hallpass_protocol::pkce::{self, CodeChallenge, CodeVerifier};
use hallpass_protocol::token::GrantType;
use hallpass_protocol::{AuthorizationId, ClientId, Scopes, Secret, Timestamp};

use crate::authorization::{AuthorizationSeed, RevokeReason};
use crate::client::{AuthenticatedClient, Client, ClientKind};
use crate::policy;
use crate::redirect_uri::AllowedRedirectUri;
use crate::refusal::{AuthorizationRefusal, Denied, GrantReason, PageReason, Refusal};
use crate::tokens::one_time::SecretHash;

/// How long a code lives (row S-45).
pub const LIFETIME: Duration = Duration::from_mins(1);
/// How long a used code is remembered, so that a replay is recognised.
pub const REMEMBERED: Duration = Duration::from_hours(24);
/// A longer `state` is not carried around (row S-53).
const LONGEST_STATE: usize = 2048;

/// One authorization code in flight, with all that it is bound to (row S-46).
#[derive(Clone, Debug, PartialEq)]
pub struct AuthorizationCode {
    /// The hash of the code.
    pub code_hash: SecretHash,
    /// The issuer it belongs to (its path).
    pub issuer: String,
    /// The client it was issued to.
    pub client_id: ClientId,
    /// The redirect URI it went to, with its port.
    pub redirect_uri: String,
    /// The challenge that its redemption must meet.
    pub challenge: Option<CodeChallenge>,
    /// What the person granted.
    pub seed: AuthorizationSeed,
    /// When it dies.
    pub expires_at: Timestamp,
    /// Where it stands.
    pub state: CodeState,
}

/// Where a code stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeState {
    /// Not used.
    Issued,
    /// Exchanged for tokens.
    Redeemed {
        /// The authorization they hang from.
        authorization: AuthorizationId,
    },
    /// Spoilt by a failed attempt (row S-33).
    Burnt,
}

/// How the answer travels to the client (OAuth 2.0 Multiple Response Types §2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseMode {
    /// In the query of a redirect.
    Query,
    /// In the fragment of a redirect.
    Fragment,
    /// In the body of a form that the browser posts.
    FormPost,
}

/// An authorization request that passed every check which needs no person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedRequest {
    /// Where the answer goes.
    pub redirect_uri: AllowedRedirectUri,
    /// How it gets there.
    pub response_mode: ResponseMode,
    /// What is asked for.
    pub scopes: Scopes,
    /// The resources that are asked for.
    pub resource: Vec<String>,
    /// The challenge.
    pub challenge: Option<CodeChallenge>,
    /// The oldest sign-in that will do (OIDC Core §3.1.2.1).
    pub max_age: Option<Duration>,
}

/// Checks where an answer may go: before that, nothing is sent anywhere (RFC 6749 §4.1.2.1).
pub fn check_reply_address(
    request: &AuthorizationRequest,
    client: Option<&Client>,
) -> Result<(AllowedRedirectUri, ResponseMode), AuthorizationRefusal> {
    let page = |text: &'static str, reason| {
        Err(AuthorizationRefusal::Page(
            Refusal::invalid_request(text),
            reason,
        ))
    };
    if request.client_id.is_none() {
        return page("`client_id` is missing", PageReason::NoClient);
    }
    let Some(client) = client else {
        return page("the client is not known here", PageReason::UnknownClient);
    };
    let Some(redirect_uri) = request.redirect_uri.as_deref() else {
        return page("`redirect_uri` is missing", PageReason::NoRedirectUri);
    };
    let Some(redirect_uri) = AllowedRedirectUri::check(client, redirect_uri) else {
        return page(
            "`redirect_uri` is not registered for this client",
            PageReason::ForeignRedirectUri,
        );
    };
    if request
        .state
        .as_ref()
        .is_some_and(|state| state.len() > LONGEST_STATE)
    {
        return page("`state` is longer than 2048 bytes", PageReason::Malformed);
    }
    let response_mode = match request.response_mode.as_deref() {
        None | Some("query") => ResponseMode::Query,
        Some("fragment") => ResponseMode::Fragment,
        Some("form_post") => ResponseMode::FormPost,
        Some(_) => {
            return page(
                "`response_mode` is not supported",
                PageReason::UnknownResponseMode,
            );
        }
    };
    Ok((redirect_uri, response_mode))
}

/// Checks the rest of the request; what is wrong here goes back to the client.
pub fn check(
    request: &AuthorizationRequest,
    client: &Client,
    reply: (AllowedRedirectUri, ResponseMode),
) -> Result<CheckedRequest, Refusal> {
    if request.request.is_some() {
        return Err(Refusal::RequestNotSupported);
    }
    if request.request_uri.is_some() {
        return Err(Refusal::RequestUriNotSupported);
    }
    match request.response_type.as_deref() {
        Some("code") => {}
        Some(_) => return Err(Refusal::UnsupportedResponseType),
        None => return Err(Refusal::invalid_request("`response_type` is missing")),
    }
    if !client.grants.contains(&GrantType::AuthorizationCode) {
        return Err(Refusal::UnauthorizedClient);
    }
    let challenge = check_challenge(request, client)?;
    // OIDC Core §3.1.2.1: `none` stands alone.
    if request.prompts("none") && request.prompt.as_deref() != Some("none") {
        return Err(Refusal::invalid_request("`prompt=none` cannot be combined"));
    }
    let max_age = match request.max_age.as_deref().map(str::parse) {
        None => None,
        Some(Ok(seconds)) => Some(Duration::from_secs(seconds)),
        Some(Err(_)) => {
            return Err(Refusal::invalid_request(
                "`max_age` is not a number of seconds",
            ));
        }
    };
    Ok(CheckedRequest {
        redirect_uri: reply.0,
        response_mode: reply.1,
        scopes: policy::granted_scopes(client, request.scope.as_deref(), policy::Flow::Any)?,
        resource: policy::check_resources(&request.resource)?,
        challenge,
        max_age,
    })
}

/// RFC 7636 §4.4.1 and RFC 9700 §2.1.1: S256 or nothing, and nothing only for a confidential
/// client that is registered so.
fn check_challenge(
    request: &AuthorizationRequest,
    client: &Client,
) -> Result<Option<CodeChallenge>, Refusal> {
    let invalid = |text: &'static str| Err(Refusal::invalid_request(text));
    match (
        request.code_challenge.as_deref(),
        request.code_challenge_method.as_deref(),
    ) {
        (None, None) if client.require_pkce || client.kind == ClientKind::Public => {
            invalid("PKCE is required: send `code_challenge` with `code_challenge_method=S256`")
        }
        (None, None) => Ok(None),
        (None, Some(_)) => invalid("`code_challenge_method` without `code_challenge`"),
        // RFC 7636 §4.3: an absent method means `plain`.
        (Some(text), Some(pkce::METHOD)) => match CodeChallenge::parse(text) {
            Ok(challenge) => Ok(Some(challenge)),
            Err(error) => Err(Refusal::invalid_request(error.to_string())),
        },
        (Some(_), _) => invalid("only `code_challenge_method=S256` is supported"),
    }
}

/// What a client brings to redeem a code.
#[derive(Debug)]
pub struct Redemption<'a> {
    /// The client, as it proved itself.
    pub client: &'a AuthenticatedClient,
    /// `redirect_uri`.
    pub redirect_uri: Option<&'a str>,
    /// `code_verifier`.
    pub code_verifier: Option<&'a Secret<String>>,
}

impl AuthorizationCode {
    /// Exchanges the code, once. A failed attempt spoils it; a replay by whoever could have
    /// redeemed it ends what it gave.
    ///
    /// RFC 6749 §4.1.3 and §4.1.2: <https://www.rfc-editor.org/rfc/rfc6749#section-4.1.3>
    pub fn redeem(
        &mut self,
        brought: &Redemption<'_>,
        authorization: AuthorizationId,
        now: Timestamp,
    ) -> Result<AuthorizationSeed, Denied> {
        match (self.state, self.check(brought)) {
            (CodeState::Burnt, _) => Err(GrantReason::Burnt.into()),
            // Row S-48: a stranger's replay of a redeemed code changes nothing.
            (CodeState::Redeemed { .. }, Err(_)) => Err(GrantReason::UsedTwice.into()),
            (CodeState::Redeemed { authorization }, Ok(())) => Err(Denied {
                refusal: Refusal::InvalidGrant(GrantReason::UsedTwice),
                revokes: Some((authorization, RevokeReason::CodeReplayed)),
            }),
            (CodeState::Issued, _) if now >= self.expires_at => Err(GrantReason::Expired.into()),
            (CodeState::Issued, Err(reason)) => {
                self.state = CodeState::Burnt;
                Err(reason.into())
            }
            (CodeState::Issued, Ok(())) => {
                self.state = CodeState::Redeemed { authorization };
                Ok(self.seed.clone())
            }
        }
    }

    fn check(&self, brought: &Redemption<'_>) -> Result<(), GrantReason> {
        if self.client_id != *brought.client.id() {
            return Err(GrantReason::OtherClient);
        }
        // RFC 6749 §4.1.3: identical to the one of the authorization request, port and all.
        if brought.redirect_uri != Some(self.redirect_uri.as_str()) {
            return Err(GrantReason::OtherRedirectUri);
        }
        match (&self.challenge, brought.code_verifier) {
            (Some(challenge), Some(verifier)) => match CodeVerifier::parse(verifier.expose()) {
                Ok(verifier) if challenge.is_met_by(&verifier) => Ok(()),
                Ok(_) | Err(_) => Err(GrantReason::WrongVerifier),
            },
            (Some(_), None) => Err(GrantReason::WrongVerifier),
            // RFC 9700 §4.8.2: a verifier without a challenge is a downgrade.
            (None, Some(_)) => Err(GrantReason::UnexpectedVerifier),
            (None, None) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use hallpass_protocol::UserId;
    use hallpass_protocol::client_auth::ClientCredentials;
    use hallpass_protocol::random::SystemRandom;

    use super::*;
    use crate::user::User;

    const START: Timestamp = Timestamp::UNIX_EPOCH;
    const URI: &str = "http://127.0.0.1:8085/callback";
    // RFC 7636 appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn id() -> AuthorizationId {
        AuthorizationId::generate(START, &SystemRandom)
    }

    fn authenticated(name: &str) -> AuthenticatedClient {
        let client = Arc::new(Client::unconfigured(ClientId::new(name)));
        AuthenticatedClient::authenticate(
            Some(client),
            &ClientCredentials::Named(ClientId::new(name)),
        )
        .unwrap()
    }

    fn code(challenge: Option<&str>, state: CodeState) -> AuthorizationCode {
        let user = User {
            id: UserId::new("ada"),
            claims: serde_json::Map::new(),
        };
        let seed = AuthorizationSeed {
            user,
            scopes: Scopes::default(),
            resource: Vec::new(),
            auth_time: START,
            nonce: None,
            browser_session: None,
        };
        AuthorizationCode {
            code_hash: SecretHash::of(b"code"),
            issuer: "default".to_owned(),
            client_id: ClientId::new("cli"),
            redirect_uri: URI.to_owned(),
            challenge: challenge.map(|text| CodeChallenge::parse(text).unwrap()),
            seed,
            expires_at: START + LIFETIME,
            state,
        }
    }

    /// Redeems after so many seconds: the refusal if any, what is revoked, and the state after it.
    fn redeem(
        mut code: AuthorizationCode,
        (client, uri, verifier): (&str, Option<&str>, Option<&str>),
        (authorization, after): (AuthorizationId, u64),
    ) -> (
        Option<Refusal>,
        Option<(AuthorizationId, RevokeReason)>,
        CodeState,
    ) {
        let client = authenticated(client);
        let code_verifier = verifier.map(Secret::from);
        let brought = Redemption {
            client: &client,
            redirect_uri: uri,
            code_verifier: code_verifier.as_ref(),
        };
        let denied = code
            .redeem(&brought, authorization, START + Duration::from_secs(after))
            .err();
        let revokes = denied.as_ref().and_then(|denied| denied.revokes);
        (denied.map(|denied| denied.refusal), revokes, code.state)
    }

    const RIGHT: (&str, Option<&str>, Option<&str>) = ("cli", Some(URI), Some(VERIFIER));

    #[test]
    fn every_state_and_every_time() {
        use CodeState::{Burnt, Issued};
        use GrantReason::{Burnt as WasBurnt, Expired, UsedTwice, WrongVerifier};
        let (old, new) = (id(), id());
        let redeemed = |authorization| CodeState::Redeemed { authorization };
        let (wrong, stranger) = (
            ("cli", Some(URI), None),
            ("other", Some(URI), Some(VERIFIER)),
        );
        let replayed = Some((old, RevokeReason::CodeReplayed));
        for (state, brought, after, reason, revokes, then) in [
            (Issued, RIGHT, 0, None, None, redeemed(new)),
            (Issued, RIGHT, 59, None, None, redeemed(new)),
            (Issued, RIGHT, 60, Some(Expired), None, Issued),
            (Issued, wrong, 0, Some(WrongVerifier), None, Burnt),
            (Issued, wrong, 60, Some(Expired), None, Issued),
            (Burnt, RIGHT, 0, Some(WasBurnt), None, Burnt),
            (Burnt, wrong, 60, Some(WasBurnt), None, Burnt),
        ] {
            let got = redeem(code(Some(CHALLENGE), state), brought, (new, after));
            let wanted = (reason.map(Refusal::InvalidGrant), revokes, then);
            assert_eq!(got, wanted, "{state:?} {brought:?} after {after}");
        }
        // S-47: whoever could have redeemed it ends what it gave; S-48: a stranger ends nothing.
        for (brought, after, revokes) in [
            (RIGHT, 0, replayed),
            (RIGHT, 3600, replayed),
            (wrong, 0, None),
            (stranger, 0, None),
        ] {
            let got = redeem(code(Some(CHALLENGE), redeemed(old)), brought, (new, after));
            let wanted = (
                Some(Refusal::InvalidGrant(UsedTwice)),
                revokes,
                redeemed(old),
            );
            assert_eq!(got, wanted, "{brought:?} after {after}");
        }
    }

    #[test]
    fn s_33_s_34_s_44_s_46_what_a_redemption_must_bring() {
        use GrantReason::{OtherClient, OtherRedirectUri, UnexpectedVerifier, WrongVerifier};
        let long = "a".repeat(129);
        for (challenge, brought, reason) in [
            (
                Some(CHALLENGE),
                ("other", Some(URI), Some(VERIFIER)),
                OtherClient,
            ),
            (
                Some(CHALLENGE),
                ("cli", None, Some(VERIFIER)),
                OtherRedirectUri,
            ),
            (
                Some(CHALLENGE),
                (
                    "cli",
                    Some("http://127.0.0.1:8086/callback"),
                    Some(VERIFIER),
                ),
                OtherRedirectUri,
            ),
            (Some(CHALLENGE), ("cli", Some(URI), None), WrongVerifier),
            (
                Some(CHALLENGE),
                ("cli", Some(URI), Some(CHALLENGE)),
                WrongVerifier,
            ),
            (
                Some(CHALLENGE),
                ("cli", Some(URI), Some("short")),
                WrongVerifier,
            ),
            (
                Some(CHALLENGE),
                ("cli", Some(URI), Some(&long)),
                WrongVerifier,
            ),
            (None, ("cli", Some(URI), Some(VERIFIER)), UnexpectedVerifier),
        ] {
            let got = redeem(code(challenge, CodeState::Issued), brought, (id(), 0));
            assert_eq!(
                got,
                (Some(Refusal::InvalidGrant(reason)), None, CodeState::Burnt),
                "{brought:?}"
            );
        }
        let plain = redeem(
            code(None, CodeState::Issued),
            ("cli", Some(URI), None),
            (id(), 0),
        );
        assert_eq!(plain.0, None);
    }

    fn request(changes: &[(&str, &str)]) -> AuthorizationRequest {
        let usual = [
            ("client_id", "cli"),
            ("redirect_uri", URI),
            ("response_type", "code"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        let kept = usual
            .iter()
            .filter(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
        let form = kept
            .chain(changes)
            .filter(|(_, value)| !value.is_empty())
            .copied()
            .collect();
        AuthorizationRequest::decode(&form).unwrap()
    }

    #[test]
    fn s_42_s_43_s_53_s_233_what_is_told_to_the_person_alone() {
        let client = Client::unconfigured(ClientId::new("cli"));
        let long = "s".repeat(LONGEST_STATE + 1);
        for (change, known, reason) in [
            (("client_id", ""), Some(&client), PageReason::NoClient),
            (("state", "st"), None, PageReason::UnknownClient),
            (
                ("redirect_uri", ""),
                Some(&client),
                PageReason::NoRedirectUri,
            ),
            (
                ("redirect_uri", "https://evil.test"),
                Some(&client),
                PageReason::ForeignRedirectUri,
            ),
            (
                ("response_mode", "jwt"),
                Some(&client),
                PageReason::UnknownResponseMode,
            ),
            (("state", &long), Some(&client), PageReason::Malformed),
        ] {
            let got = check_reply_address(&request(&[change]), known);
            let page = matches!(got, Err(AuthorizationRefusal::Page(_, found)) if found == reason);
            assert!(page, "{change:?}: {got:?}");
        }
        assert!(
            check_reply_address(
                &request(&[("state", &"s".repeat(LONGEST_STATE))]),
                Some(&client)
            )
            .is_ok()
        );
    }

    #[test]
    fn s_30_s_31_s_32_s_55_s_227_what_is_told_to_the_client() {
        use hallpass_protocol::ErrorCode::{
            InvalidRequest, InvalidScope, InvalidTarget, RequestNotSupported,
            RequestUriNotSupported, UnauthorizedClient, UnsupportedResponseType,
        };
        let free = Client::unconfigured(ClientId::new("cli"));
        let public = Client {
            kind: ClientKind::Public,
            redirect_uris: vec![URI.to_owned()],
            ..free.clone()
        };
        let no_code = Client {
            grants: vec![GrantType::DeviceCode],
            ..free.clone()
        };
        let without = [("code_challenge", ""), ("code_challenge_method", "")];
        for (client, changes, error) in [
            (&free, &[][..], None),
            (&free, &without[..], None),
            (&public, &[], None),
            (&public, &without, Some(InvalidRequest)),
            (&free, &without[..1], Some(InvalidRequest)),
            (&free, &without[1..], Some(InvalidRequest)),
            (
                &free,
                &[("code_challenge_method", "plain")],
                Some(InvalidRequest),
            ),
            (&free, &[("code_challenge", "short")], Some(InvalidRequest)),
            (
                &free,
                &[("response_type", "token")],
                Some(UnsupportedResponseType),
            ),
            (&free, &[("response_type", "")], Some(InvalidRequest)),
            (&no_code, &[], Some(UnauthorizedClient)),
            (&free, &[("prompt", "none login")], Some(InvalidRequest)),
            (&free, &[("prompt", "none")], None),
            (&free, &[("max_age", "1.5")], Some(InvalidRequest)),
            (&free, &[("scope", "a\"b")], Some(InvalidScope)),
            (&free, &[("resource", "/a")], Some(InvalidTarget)),
            (&free, &[("request", "x")], Some(RequestNotSupported)),
            (
                &free,
                &[("request_uri", "https://a")],
                Some(RequestUriNotSupported),
            ),
        ] {
            let request = request(changes);
            let reply = check_reply_address(&request, Some(client)).unwrap();
            let got = check(&request, client, reply)
                .err()
                .map(|refusal| refusal.code());
            assert_eq!(got, error, "{changes:?}");
        }
    }
}
