//! Tests of `authorization_code.rs`.

use std::sync::Arc;

use hallpass_protocol::UserId;
use hallpass_protocol::client_auth::ClientCredentials;
use hallpass_protocol::random::SystemRandom;

use super::*;
use crate::client::Occasion;
use crate::user::{SignIn, User};

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
    let named = ClientCredentials::Named(ClientId::new(name));
    let occasion = Occasion {
        audiences: &[],
        now: START,
    };
    AuthenticatedClient::authenticate(Some(client), &named, occasion).unwrap()
}

fn code(challenge: Option<&str>, state: CodeState) -> AuthorizationCode {
    let user = User {
        id: UserId::new("ada"),
        claims: serde_json::Map::new(),
    };
    let seed = AuthorizationSeed {
        user,
        sign_in: SignIn::default(),
        scopes: Scopes::default(),
        resource: Vec::new(),
        auth_time: START,
        nonce: None,
        browser_session: None,
        browser_address: None,
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
        dpop_jkt: None,
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
        dpop_jkt: None,
        address: None,
        mismatch: NetworkMismatch::default(),
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
        InvalidRequest, InvalidScope, InvalidTarget, RequestNotSupported, RequestUriNotSupported,
        UnauthorizedClient, UnsupportedResponseType,
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

#[test]
fn s_46_s_108_a_bound_code_needs_its_key() {
    let client = authenticated("cli");
    let verifier = Secret::from(VERIFIER);
    let show = |code: &mut AuthorizationCode, dpop_jkt| {
        let brought = Redemption {
            client: &client,
            redirect_uri: Some(URI),
            code_verifier: Some(&verifier),
            dpop_jkt,
            address: None,
            mismatch: NetworkMismatch::default(),
        };
        let answer = code.redeem(&brought, id(), START);
        answer.map(|_| ()).map_err(|denied| denied.refusal)
    };
    let bound = || AuthorizationCode {
        dpop_jkt: Some("own".to_owned()),
        ..code(Some(CHALLENGE), CodeState::Issued)
    };
    // Without a proof the code stays; with another key it is burnt.
    let mut forgotten = bound();
    let absent = Refusal::InvalidDpopProof(ProofReason::Absent);
    assert_eq!(show(&mut forgotten, None), Err(absent));
    assert_eq!(show(&mut forgotten, Some("own")), Ok(()));
    let mut stolen = bound();
    let other = Refusal::InvalidGrant(GrantReason::OtherKey);
    assert_eq!(show(&mut stolen, Some("thief")), Err(other));
    assert_eq!(stolen.state, CodeState::Burnt);
    // A key that nobody asked for is fine.
    assert_eq!(
        show(&mut code(Some(CHALLENGE), CodeState::Issued), Some("any")),
        Ok(())
    );
}

#[test]
fn s_275_a_102_a_code_comes_from_the_network_of_its_browser() {
    use NetworkMismatch::{Ignored, Refused, Told};

    let client = authenticated("cli");
    let verifier = Secret::from(VERIFIER);
    let here = Some("192.0.2.1");
    let (elsewhere, other_family) = (Some("203.0.113.9"), Some("2001:db8::1"));
    let web = "https://app.test/cb";
    for (uri, browser, from, mismatch, is_carried, is_spoilt) in [
        (URI, here, here, Refused, false, false),
        (URI, here, elsewhere, Refused, true, true),
        (URI, here, elsewhere, Told, true, false),
        (URI, here, elsewhere, Ignored, true, false),
        // Nothing can be said.
        (URI, here, other_family, Refused, false, false),
        (URI, here, None, Refused, false, false),
        (URI, None, elsewhere, Refused, false, false),
        // A web application redeems where it runs.
        (web, here, elsewhere, Refused, false, false),
        ("http://[::1]:9/cb", here, elsewhere, Refused, true, true),
    ] {
        let address = |text: Option<&str>| text.map(|text| text.parse().unwrap());
        let mut code = code(Some(CHALLENGE), CodeState::Issued);
        code.redirect_uri = uri.to_owned();
        code.seed.browser_address = address(browser);
        let brought = Redemption {
            client: &client,
            redirect_uri: Some(uri),
            code_verifier: Some(&verifier),
            dpop_jkt: None,
            address: address(from),
            mismatch,
        };
        let case = format!("{uri} {browser:?} {from:?} {mismatch:?}");
        assert_eq!(
            code.is_carried_elsewhere(address(from)),
            is_carried,
            "{case}"
        );
        let answer = code.redeem(&brought, id(), START);
        assert_eq!(answer.is_err(), is_spoilt, "{case}");
        assert_eq!(code.state == CodeState::Burnt, is_spoilt, "{case}");
        // Whoever replays it from elsewhere still ends what it gave.
        if let Err(replayed) = code.redeem(&brought, id(), START) {
            assert_eq!(replayed.revokes.is_some(), !is_spoilt, "{case}");
        }
    }
}
