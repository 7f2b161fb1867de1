use std::time::Duration;

use hallpass_protocol::ClientId;
use hallpass_protocol::client_auth::ClientAuthMethod;

use super::*;
use crate::client::{ClientKind, Credential};

fn scopes(text: &str) -> Scopes {
    Scopes::parse(text).unwrap()
}

fn now() -> Timestamp {
    Timestamp::from_unix_seconds(1_000_000)
}

fn day() -> Duration {
    Duration::from_hours(24)
}

fn consent(resource: &str, granted: &str) -> Consent {
    Consent {
        issuer: String::new(),
        user: UserId::new("ada"),
        client_id: ClientId::new("web"),
        resource: resource.to_owned(),
        scopes: scopes(granted),
        granted_at: now() - day(),
        expires_at: now() + day(),
    }
}

fn web() -> Client {
    Client {
        kind: ClientKind::Confidential(Credential::Secret {
            method: ClientAuthMethod::ClientSecretBasic,
            hashes: Vec::new(),
        }),
        ..Client::unconfigured(ClientId::new("web"))
    }
}

fn asks(policy: ConsentPolicy, wanted: &str, resources: &[&str], remembered: &[Consent]) -> bool {
    let resources: Vec<String> = resources.iter().map(|text| (*text).to_owned()).collect();
    let asked = Asked {
        scopes: &scopes(wanted),
        resources: &resources,
        prompt: false,
    };
    is_asked(Some(policy), asked, remembered, now())
}

#[test]
fn s_230_what_was_agreed_is_not_asked_again_and_new_scopes_are() {
    let remembered = [consent("", "openid a")];
    let asks = |wanted| asks(ConsentPolicy::Remember, wanted, &[], &remembered);
    assert!(!asks("openid a"));
    assert!(!asks("a"));
    assert!(asks("openid a b"));
    assert!(is_asked(
        Some(ConsentPolicy::Remember),
        Asked {
            scopes: &scopes("openid"),
            resources: &[],
            prompt: true
        },
        &remembered,
        now()
    ));
}

#[test]
fn every_resource_needs_its_own_decision() {
    let remembered = [consent("https://a", "x"), consent("", "x")];
    let asks = |resources: &[&str]| asks(ConsentPolicy::Remember, "x", resources, &remembered);
    assert!(!asks(&[]));
    assert!(!asks(&["https://a", "https://a"]));
    assert!(asks(&["https://b"]));
    assert!(asks(&["https://a", "https://b"]));
}

#[test]
fn a_decision_is_forgotten_when_its_time_is_over() {
    let ended = Consent {
        expires_at: now(),
        ..consent("", "a")
    };
    assert!(asks(ConsentPolicy::Remember, "a", &[], &[ended]));
}

#[test]
fn the_policy_of_a_client_holds_and_strangers_are_always_asked_about() {
    let everything = [consent("", "a")];
    assert!(asks(ConsentPolicy::Always, "a", &[], &everything));
    assert!(!asks(ConsentPolicy::Trusted, "a", &[], &[]));
    let remember = Some(ConsentPolicy::Remember);
    let trusted = Client {
        consent: Some(ConsentPolicy::Trusted),
        ..web()
    };
    let stranger = Client {
        registered_itself: true,
        ..trusted.clone()
    };
    assert_eq!(policy_of(&web(), remember), remember);
    assert_eq!(policy_of(&trusted, remember), Some(ConsentPolicy::Trusted));
    assert_eq!(policy_of(&stranger, remember), Some(ConsentPolicy::Always));
    assert_eq!(policy_of(&web(), None), None);
    assert_eq!(policy_of(&trusted, None), Some(ConsentPolicy::Trusted));
}

#[test]
fn s_238_a_web_client_has_offline_access_by_consent_trust_or_registration() {
    let wanted = scopes("openid offline_access");
    let keeps = |client: &Client, policy, prompt| {
        let asked = Asked {
            scopes: &wanted,
            resources: &[],
            prompt,
        };
        effective_scopes(client, policy, asked) == wanted
    };
    let remember = Some(ConsentPolicy::Remember);
    assert!(!keeps(&web(), remember, false));
    assert!(!keeps(&web(), Some(ConsentPolicy::Always), false));
    assert!(keeps(&web(), remember, true));
    assert!(keeps(&web(), Some(ConsentPolicy::Trusted), false));
    let by_registration = Client {
        refresh_without_offline_access: true,
        ..web()
    };
    assert!(keeps(&by_registration, remember, false));
    let cli = Client {
        kind: ClientKind::Public,
        ..web()
    };
    assert!(keeps(&cli, remember, false));
}

#[test]
fn s_26_what_is_left_ticked_is_granted_and_never_more() {
    let asked = scopes("openid a b offline_access");
    let all = ["openid", "a", "b", "offline_access"];
    assert_eq!(chosen(&asked, all), Ok(asked.clone()));
    assert_eq!(chosen(&asked, ["b"]), Ok(scopes("openid b")));
    assert_eq!(chosen(&asked, []), Ok(scopes("openid")));
    assert_eq!(chosen(&asked, ["admin"]), Err(BadChoice::NotAsked));
    assert_eq!(chosen(&asked, ["a", "a b"]), Err(BadChoice::NotAsked));
    let without = scopes("a offline_access");
    assert_eq!(chosen(&without, []), Err(BadChoice::Nothing));
    assert_eq!(
        chosen(&without, ["offline_access"]),
        Err(BadChoice::Nothing)
    );
    assert_eq!(chosen(&Scopes::default(), []), Ok(Scopes::default()));
}

#[test]
fn a_newer_decision_replaces_the_earlier_one_about_the_same_scopes() {
    let earlier = consent("", "a b c");
    let new = Consent {
        granted_at: now(),
        ..consent("", "b")
    };
    let after = new.clone().after(Some(&earlier), &scopes("a b"));
    assert_eq!(after.scopes, scopes("c b"));
    assert_eq!(after.granted_at, now());
    let over = Consent {
        expires_at: now(),
        ..earlier
    };
    assert_eq!(new.clone().after(Some(&over), &scopes("a b")), new);
    assert_eq!(new.clone().after(None, &scopes("a b")), new);
}
