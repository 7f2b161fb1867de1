//! Records with every field filled, so that a forgotten column shows.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use hallpass_issuer::authorization::{Authorization, AuthorizationSeed, Origin, RefreshFamily};
use hallpass_issuer::browser_session::{BrowserSession, BrowserSessionId};
use hallpass_issuer::grants::authorization_code::{AuthorizationCode, CodeState};
use hallpass_issuer::grants::device_code::{DeviceGrant, DeviceGrantState, Requester};
use hallpass_issuer::tokens::one_time::SecretHash;
use hallpass_issuer::tokens::signing_key::{KeyState, SigningKeyRecord};
use hallpass_issuer::user::{SignIn, User};
use hallpass_protocol::jose::Algorithm;
use hallpass_protocol::pkce::CodeVerifier;
use hallpass_protocol::random::SystemRandom;
use hallpass_protocol::{AuthorizationId, ClientId, KeyId, Scopes, Secret, Timestamp, UserId};
use serde_json::json;

pub(crate) const ISSUER: &str = "/acme";

pub(crate) fn now() -> Timestamp {
    Timestamp::from_unix_millis(1_700_000_000_123)
}

pub(crate) fn minutes(count: u64) -> Duration {
    Duration::from_secs(60 * count)
}

pub(crate) fn hash(text: &str) -> SecretHash {
    SecretHash::of(text.as_bytes())
}

pub(crate) fn client() -> ClientId {
    ClientId::new("my-cli")
}

pub(crate) fn id() -> AuthorizationId {
    AuthorizationId::generate(now(), &SystemRandom)
}

pub(crate) fn user() -> User {
    let claims = json!({"email": "zoë@example.com", "groups": ["a", "b"], "n": 1.5});
    User {
        id: UserId::new("zoë"),
        claims: claims.as_object().unwrap().clone(),
    }
}

pub(crate) fn seed() -> AuthorizationSeed {
    AuthorizationSeed {
        user: user(),
        sign_in: SignIn::by_password(7),
        scopes: Scopes::parse("openid api:read").unwrap(),
        resource: vec![
            "https://api.example/".to_owned(),
            "https://b.example/".to_owned(),
        ],
        auth_time: now() - minutes(3),
        nonce: Some("n-0S6_WzA2Mj".to_owned()),
        browser_session: Some(session_id("cookie")),
        browser_address: None,
    }
}

pub(crate) fn code(secret: &str) -> AuthorizationCode {
    AuthorizationCode {
        code_hash: hash(secret),
        issuer: ISSUER.to_owned(),
        client_id: client(),
        redirect_uri: "http://127.0.0.1:49152/callback".to_owned(),
        challenge: Some(CodeVerifier::generate(&SystemRandom).challenge()),
        seed: seed(),
        expires_at: now() + minutes(1),
        state: CodeState::Issued,
        dpop_jkt: Some("thumbprint-1".to_owned()),
    }
}

pub(crate) fn device_grant(secret: &str, user_code: &str) -> DeviceGrant {
    DeviceGrant {
        code_hash: hash(secret),
        user_code_hash: hash(user_code),
        user_code: user_code.to_owned(),
        issuer: ISSUER.to_owned(),
        client_id: client(),
        scopes: Scopes::parse("openid offline_access").unwrap(),
        resource: vec!["https://api.example/".to_owned()],
        requester: Requester {
            other_address: None,
            address: Some(IpAddr::V6(Ipv6Addr::LOCALHOST)),
            user_agent: Some("hallpass/0.1".to_owned()),
            host_label: Some("build-7".to_owned()),
        },
        created_at: now(),
        expires_at: now() + minutes(10),
        interval: Duration::from_secs(5),
        last_poll_at: None,
        state: DeviceGrantState::Pending,
        dpop_jkt: Some("thumbprint-2".to_owned()),
    }
}

pub(crate) fn family() -> RefreshFamily {
    RefreshFamily {
        seed_hash: hash("seed"),
        generation: 7,
        rotates: true,
        rotated_at: Some(now() - minutes(2)),
        previously_rotated_at: Some(now() - minutes(9)),
        rotated_from: Some("192.0.2.7".parse().unwrap()),
        idle_expires_at: now() + minutes(100),
        absolute_expires_at: now() + minutes(1000),
    }
}

pub(crate) fn authorization() -> Authorization {
    Authorization {
        id: id(),
        issuer: ISSUER.to_owned(),
        client_id: client(),
        seed: seed(),
        origin: Origin::Device,
        address: Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7))),
        created_at: now(),
        refresh: Some(family()),
        revoked: None,
        dpop_jkt: Some("thumbprint-3".to_owned()),
    }
}

/// The id of a session that began with this cookie. That of a session of before is the hash itself.
pub(crate) fn session_id(cookie: &str) -> BrowserSessionId {
    BrowserSessionId::from_bytes(*hash(&format!("session of {cookie}")).as_bytes())
}

pub(crate) fn browser_session(cookie: &str) -> BrowserSession {
    BrowserSession {
        id: session_id(cookie),
        token_hash: hash(cookie),
        issuer: ISSUER.to_owned(),
        user: user(),
        sign_in: SignIn::by_password(7),
        auth_time: now(),
        address: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        expires_at: now() + minutes(720),
        ended_at: None,
    }
}

pub(crate) fn signing_key(kid: &str, pkcs8: &[u8]) -> SigningKeyRecord {
    SigningKeyRecord {
        issuer: ISSUER.to_owned(),
        kid: KeyId::new(kid),
        algorithm: Algorithm::Es256,
        pkcs8: Secret::new(pkcs8.to_vec()),
        created_at: now(),
        state: KeyState::Active { until: None },
    }
}
