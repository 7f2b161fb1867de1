//! Tests of `device_code.rs`.

use std::sync::Arc;

use hallpass_protocol::UserId;
use hallpass_protocol::client_auth::ClientCredentials;
use hallpass_protocol::random::SystemRandom;
use serde_json::Map;

use super::*;
use crate::authorization::Origin;
use crate::client::{Client, Occasion};
use crate::grants::device_pace::SLOW_DOWN_STEP;
use crate::refusal::ProofReason;
use crate::tokens::one_time::Kind;
use crate::user::{SignIn, User};

const STEP: Duration = SLOW_DOWN_STEP;

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_unix_seconds(1_000_000) + Duration::from_secs(seconds)
}

fn client(id: &str) -> AuthenticatedClient {
    let client = Arc::new(Client::unconfigured(ClientId::new(id)));
    let named = ClientCredentials::Named(ClientId::new(id));
    let occasion = Occasion {
        audiences: &[],
        now: at(0),
    };
    AuthenticatedClient::authenticate(Some(client), &named, occasion).unwrap()
}

fn id() -> AuthorizationId {
    AuthorizationId::generate(at(0), &SystemRandom)
}

fn seed(name: &str) -> AuthorizationSeed {
    AuthorizationSeed {
        user: User {
            id: UserId::new(name),
            claims: Map::new(),
        },
        sign_in: SignIn::default(),
        scopes: Scopes::default(),
        resource: Vec::new(),
        auth_time: at(0),
        nonce: None,
        browser_session: None,
        browser_address: None,
    }
}

fn approved() -> DeviceGrantState {
    DeviceGrantState::Approved {
        seed: Box::new(seed("ada")),
    }
}

/// A grant of `cli`, asked for at 0, dead at 600.
fn grant(state: DeviceGrantState) -> DeviceGrant {
    let (_, code_hash) = Kind::DeviceCode.generate(&SystemRandom);
    DeviceGrant {
        code_hash,
        user_code_hash: code_hash,
        user_code: "WDJBMJHT".to_owned(),
        issuer: "default".to_owned(),
        client_id: ClientId::new("cli"),
        scopes: Scopes::default(),
        resource: Vec::new(),
        requester: Requester::default(),
        created_at: at(0),
        expires_at: at(600),
        interval: STEP,
        last_poll_at: None,
        state,
        dpop_jkt: None,
    }
}

fn refusal(grant: &mut DeviceGrant, seconds: u64) -> Option<Refusal> {
    grant
        .redeem((&client("cli"), None), id(), at(seconds))
        .err()
        .map(|denied| denied.refusal)
}

fn slow_down(seconds: u64) -> Refusal {
    Refusal::SlowDown {
        interval: Duration::from_secs(seconds),
    }
}

#[test]
fn s_17_s_19_s_20_s_21_every_state_at_every_time() {
    use DeviceGrantState::{Denied, Pending};
    let used = GrantReason::UsedTwice;
    let redeemed = || DeviceGrantState::Redeemed {
        authorization: id(),
    };
    // The last poll was at 100: a poll at 101 is early, one at 104 is not (tolerance 1 s).
    let table = [
        (Pending, 101, Some(slow_down(10))),
        (Pending, 104, Some(Refusal::AuthorizationPending)),
        (Pending, 599, Some(Refusal::AuthorizationPending)),
        (Pending, 600, Some(Refusal::ExpiredToken)),
        (Pending, 90_000, Some(Refusal::ExpiredToken)),
        (approved(), 101, None),
        (approved(), 599, None),
        (approved(), 600, Some(Refusal::ExpiredToken)),
        (Denied, 101, Some(Refusal::AccessDenied)),
        (Denied, 90_000, Some(Refusal::AccessDenied)),
        (redeemed(), 101, Some(Refusal::InvalidGrant(used))),
        (redeemed(), 90_000, Some(Refusal::InvalidGrant(used))),
    ];
    for (state, time, expected) in table {
        let name = format!("{state:?} at {time}");
        let mut grant = DeviceGrant {
            last_poll_at: Some(at(100)),
            ..grant(state)
        };
        assert_eq!(refusal(&mut grant, time), expected, "{name}");
        assert_eq!(
            grant.last_poll_at,
            Some(at(time)),
            "every poll counts: {name}"
        );
    }
}

#[test]
fn s_18_slow_down_adds_five_and_never_passes_sixty() {
    let mut grant = grant(DeviceGrantState::Pending);
    let pending = Some(Refusal::AuthorizationPending);
    assert_eq!(refusal(&mut grant, 0), pending);
    assert_eq!(refusal(&mut grant, 1), Some(slow_down(10)));
    assert_eq!(refusal(&mut grant, 7), Some(slow_down(15)));
    assert_eq!(refusal(&mut grant, 22), pending);
    for n in 0..20 {
        let interval = (20 + 5 * n).min(60);
        assert_eq!(refusal(&mut grant, 22), Some(slow_down(interval)));
    }
    assert_eq!(refusal(&mut grant, 22 + 59), pending);
}

#[test]
fn s_18_a_client_that_doubles_its_wait_gets_out() {
    let mut grant = grant(DeviceGrantState::Pending);
    let (mut time, mut wait) = (0, 1);
    while refusal(&mut grant, time) != Some(Refusal::AuthorizationPending) || time == 0 {
        time += wait;
        wait *= 2;
        assert!(time < 120, "still told to slow down");
    }
}

#[test]
fn s_22_s_23_the_second_redemption_revokes_what_the_first_gave() {
    let mut grant = grant(approved());
    let first = id();
    assert_eq!(
        grant.redeem((&client("cli"), None), first, at(10)),
        Ok(seed("ada"))
    );
    let denied = grant
        .redeem((&client("cli"), None), id(), at(10))
        .unwrap_err();
    assert_eq!(
        denied.refusal,
        Refusal::InvalidGrant(GrantReason::UsedTwice)
    );
    assert_eq!(denied.revokes, Some((first, RevokeReason::CodeReplayed)));
}

#[test]
fn s_24_a_10_another_client_learns_and_changes_nothing() {
    let redeemed = DeviceGrantState::Redeemed {
        authorization: id(),
    };
    for state in [
        DeviceGrantState::Pending,
        approved(),
        DeviceGrantState::Denied,
        redeemed,
    ] {
        let before = grant(state);
        let mut after = before.clone();
        for time in [1, 700] {
            let denied = after
                .redeem((&client("thief"), None), id(), at(time))
                .unwrap_err();
            assert_eq!(denied, GrantReason::OtherClient.into());
        }
        assert_eq!(after, before);
    }
}

#[test]
fn s_16_s_21_only_a_live_undecided_grant_is_decided() {
    use DeviceGrantState::{Denied, Pending};
    let redeemed = DeviceGrantState::Redeemed {
        authorization: id(),
    };
    let table = [
        (Pending, 599, true),
        (Pending, 600, false),
        (approved(), 1, false),
        (Denied, 1, false),
        (redeemed, 1, false),
    ];
    for (state, time, decides) in table {
        let mut decided = grant(state.clone());
        assert_eq!(
            decided.approve(seed("eve"), at(time)).is_ok(),
            decides,
            "{state:?} at {time}"
        );
        let expected = DeviceGrantState::Approved {
            seed: Box::new(seed("eve")),
        };
        assert_eq!(
            decided.state,
            if decides { expected } else { state.clone() }
        );
        let mut decided = grant(state.clone());
        assert_eq!(
            decided.deny(at(time)).is_ok(),
            decides,
            "{state:?} at {time}"
        );
        assert_eq!(decided.state, if decides { Denied } else { state });
    }
}

#[test]
fn s_273_a_withdrawn_code_is_denied_and_a_redeemed_one_stays() {
    use DeviceGrantState::{Denied, Pending};
    let redeemed = DeviceGrantState::Redeemed {
        authorization: id(),
    };
    let table = [
        (Pending, 1, Denied),
        (Pending, 600, Pending),
        (approved(), 1, Denied),
        (Denied, 1, Denied),
        (redeemed.clone(), 1, redeemed),
    ];
    for (state, time, expected) in table {
        let mut grant = grant(state);
        grant.withdraw(at(time));
        assert_eq!(grant.state, expected);
    }
}

#[test]
fn s_11_s_272_a_13_a_crowd_gets_longer_codes_and_a_full_table_none() {
    let busy = Err(Refusal::Busy(Duration::from_secs(30)));
    let table = [
        (0, 0, Ok(Length::Eight)),
        (999, 999, Ok(Length::Eight)),
        (1_000, 1_000, Ok(Length::Ten)),
        (0, 99_999, Ok(Length::Eight)),
        (99_999, 99_999, Ok(Length::Ten)),
        (0, 100_000, busy.clone()),
        (1_000, 100_000, busy),
    ];
    for (live, rows, expected) in table {
        assert_eq!(
            DeviceRules::default().code_length(live, rows),
            expected,
            "{live} live, {rows} rows"
        );
    }
}

#[test]
fn s_276_a_label_cannot_pose_as_ours() {
    let table = [
        ("Verified by IT\u{202e}\n", Some("Verified by IT")),
        ("build-7.example_org", Some("build-7.example_org")),
        ("<b>\"x\"</b>", Some("bxb")),
        ("\u{1b}]8;;http://x\u{7}", Some("8httpx")),
        ("  \u{202e}\u{200b} ", None),
        ("", None),
    ];
    for (said, kept) in table {
        assert_eq!(clean_label(said).as_deref(), kept, "{said:?}");
    }
    assert_eq!(
        clean_label(&"x".repeat(500)).map(|kept| kept.len()),
        Some(40)
    );
}

#[test]
fn s_257_a_code_that_a_key_asked_for_needs_the_key_and_another_changes_nothing() {
    let bound = |state| DeviceGrant {
        dpop_jkt: Some("own".to_owned()),
        ..grant(state)
    };
    for state in [
        DeviceGrantState::Pending,
        DeviceGrantState::Approved {
            seed: Box::new(seed("ada")),
        },
    ] {
        for (shown, refusal) in [
            (None, Refusal::InvalidDpopProof(ProofReason::Absent)),
            (Some("other"), Refusal::InvalidGrant(GrantReason::OtherKey)),
        ] {
            let before = bound(state.clone());
            let mut after = before.clone();
            let denied = after.redeem((&client("cli"), shown), id(), at(1));
            assert_eq!(denied.unwrap_err().refusal, refusal);
            assert_eq!(after, before);
        }
    }
    let mut approved = bound(DeviceGrantState::Approved {
        seed: Box::new(seed("ada")),
    });
    let answer = approved.redeem((&client("cli"), Some("own")), id(), at(1));
    assert_eq!(answer, Ok(seed("ada")));
}

/// The authorization that a grant of `cli` was redeemed for at 0.
fn redeemed(grant: &DeviceGrant) -> Authorization {
    Authorization {
        id: grant.authorization().unwrap(),
        issuer: grant.issuer.clone(),
        client_id: grant.client_id.clone(),
        seed: seed("ada"),
        origin: Origin::Device,
        address: None,
        created_at: at(0),
        refresh: None,
        revoked: None,
        dpop_jkt: grant.dpop_jkt.clone(),
    }
}

#[test]
fn s_22_s_23_only_the_owner_of_the_key_is_answered_again_and_only_for_ten_seconds() {
    let authorization = id();
    let bound = DeviceGrant {
        dpop_jkt: Some("own".to_owned()),
        ..grant(DeviceGrantState::Redeemed { authorization })
    };
    let unbound = DeviceGrant {
        dpop_jkt: None,
        ..bound.clone()
    };
    let found = redeemed(&bound);
    let answers = |grant: &DeviceGrant, name: &str, jkt, found: &Authorization, now| {
        grant.answers_again((&client(name), jkt), found, now)
    };
    for (jkt, seconds, wanted) in [
        (Some("own"), 0, true),
        (Some("own"), 9, true),
        (Some("own"), 10, false),
        (Some("own"), 3_600, false),
        (Some("other"), 0, false),
        (None, 0, false),
    ] {
        let answer = answers(&bound, "cli", jkt, &found, at(seconds));
        assert_eq!(answer, wanted, "{jkt:?} after {seconds} s");
        // A proof makes no bound code of an unbound one.
        assert!(!answers(&unbound, "cli", jkt, &found, at(seconds)));
    }
    assert!(!answers(&bound, "thief", Some("own"), &found, at(0)));
    let mut revoked = found.clone();
    revoked.revoke(RevokeReason::User, at(1));
    assert!(!answers(&bound, "cli", Some("own"), &revoked, at(2)));
    let mut another = found.clone();
    another.id = id();
    assert!(!answers(&bound, "cli", Some("own"), &another, at(0)));
    // Born in what this node takes for the future, beyond what two clocks may differ.
    let mut ahead = found;
    ahead.created_at = at(0) + CLOCK_FAULT + Duration::from_millis(1);
    assert!(!answers(&bound, "cli", Some("own"), &ahead, at(0)));
}

#[test]
fn s_22_what_nobody_redeemed_is_not_answered_again() {
    let found = redeemed(&grant(DeviceGrantState::Redeemed {
        authorization: id(),
    }));
    for state in [
        DeviceGrantState::Pending,
        approved(),
        DeviceGrantState::Denied,
    ] {
        let bound = DeviceGrant {
            dpop_jkt: Some("own".to_owned()),
            ..grant(state)
        };
        assert!(!bound.answers_again((&client("cli"), Some("own")), &found, at(0)));
    }
}
