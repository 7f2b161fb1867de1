//! Tests of `refresh_token.rs`.

use hallpass_protocol::random::SystemRandom;
use hallpass_protocol::{Scopes, UserId};

use super::*;
use crate::authorization::{AuthorizationSeed, Origin};
use crate::user::{SignIn, User};

const START: Timestamp = Timestamp::UNIX_EPOCH;

pub(super) fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

pub(super) fn client() -> ClientId {
    ClientId::new("cli")
}

pub(super) fn lifetimes() -> RefreshLifetimes {
    RefreshLifetimes::default()
}

pub(super) fn begin(rotates: bool) -> (Authorization, RefreshToken) {
    let id = AuthorizationId::generate(START, &SystemRandom);
    let first = RefreshToken::first(id, &SystemRandom);
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
    let authorization = Authorization {
        id,
        issuer: "default".to_owned(),
        client_id: client(),
        seed,
        origin: Origin::Code,
        address: None,
        created_at: START,
        refresh: Some(RefreshFamily::begin(&first, rotates, &lifetimes(), START)),
        revoked: None,
        dpop_jkt: None,
    };
    (authorization, first)
}

/// Without a DPoP key.
fn redeem(
    authorization: &mut Authorization,
    client: &ClientId,
    token: &RefreshToken,
    lifetimes: &RefreshLifetimes,
    now: Timestamp,
) -> Result<Refreshed, Denied> {
    let brought = Brought {
        client,
        token,
        dpop_jkt: None,
        address: None,
    };
    super::redeem(authorization, brought, lifetimes, now)
}

fn family(authorization: &Authorization) -> &RefreshFamily {
    authorization.refresh.as_ref().unwrap()
}

/// A family at generation 5, rotated 10 s and 20 s ago.
fn rotated() -> (Authorization, RefreshToken) {
    let (mut authorization, first) = begin(true);
    let family = authorization.refresh.as_mut().unwrap();
    family.generation = 5;
    family.rotated_at = Some(START + seconds(20));
    family.previously_rotated_at = Some(START + seconds(10));
    (authorization, first)
}

#[test]
fn every_generation_at_every_time() {
    use GrantReason::{Late, Reused};
    use Refreshed::{Ahead, Forgiven, Rotated};
    for (generation, at, answer, then) in [
        (5, 30, Ok(Rotated), 6),
        (5, 1000, Ok(Rotated), 6),
        // S-58: the direct predecessor, within 30 s of its own retirement.
        (4, 20, Ok(Forgiven), 5),
        (4, 50, Ok(Forgiven), 5),
        (4, 51, Err(Reused), 5),
        // S-59: the one before, within 30 s of its own.
        (3, 20, Err(Late), 5),
        (3, 40, Err(Late), 5),
        (3, 41, Err(Reused), 5),
        // S-258: anything older, however lately the family rotated.
        (2, 20, Err(Reused), 5),
        (0, 20, Err(Reused), 5),
        // S-260: ahead of a restored row.
        (6, 30, Ok(Ahead), 7),
        (9, 1000, Ok(Ahead), 10),
    ] {
        let (mut authorization, first) = rotated();
        let before = authorization.clone();
        let now = START + seconds(at);
        let got = redeem(
            &mut authorization,
            &client(),
            &first.at(generation),
            &lifetimes(),
            now,
        );
        let wanted = answer.map_err(|reason| denied(before.id, reason));
        assert_eq!(got, wanted, "{generation} at {at}");
        assert_eq!(
            family(&authorization).generation,
            then,
            "{generation} at {at}"
        );
        if answer.is_err() {
            assert_eq!(authorization, before, "S-257: {generation} at {at}");
        }
    }
}

#[test]
fn s_259_a_94_grace_looks_at_the_network_of_the_rotation() {
    use Refreshed::{Forgiven, ForgivenElsewhere, Rotated};
    let from = |text: &str| (!text.is_empty()).then(|| text.parse().unwrap());
    for (rotation, again, told, ended) in [
        ("192.0.2.1", "192.0.2.1", Ok(Forgiven), Ok(Forgiven)),
        ("2001:db8::1", "2001:db8::2", Ok(Forgiven), Ok(Forgiven)),
        // Nothing can be compared: neither is another network.
        ("192.0.2.1", "2001:db8::1", Ok(Forgiven), Ok(Forgiven)),
        ("", "192.0.2.1", Ok(Forgiven), Ok(Forgiven)),
        ("192.0.2.1", "", Ok(Forgiven), Ok(Forgiven)),
        (
            "192.0.2.1",
            "203.0.113.9",
            Ok(ForgivenElsewhere),
            Err(GrantReason::Elsewhere),
        ),
        (
            "2001:db8::1",
            "2001:db8:0:1::1",
            Ok(ForgivenElsewhere),
            Err(GrantReason::Elsewhere),
        ),
    ] {
        for (grace_elsewhere, wanted) in
            [(GraceElsewhere::Told, told), (GraceElsewhere::Ended, ended)]
        {
            let (mut authorization, first) = begin(true);
            let lifetimes = RefreshLifetimes {
                grace_elsewhere,
                ..lifetimes()
            };
            let mut ask = |at: u64, from| {
                let brought = Brought {
                    client: &client(),
                    token: &first,
                    dpop_jkt: None,
                    address: from,
                };
                super::redeem(&mut authorization, brought, &lifetimes, START + seconds(at))
            };
            assert_eq!(ask(0, from(rotation)), Ok(Rotated));
            let id = first.authorization;
            let wanted = wanted.map_err(|reason| denied(id, reason));
            assert_eq!(ask(10, from(again)), wanted, "{rotation} {again}");
            if let Err(denied) = wanted {
                assert_eq!(denied.revokes, Some((id, RevokeReason::RefreshReused)));
            }
            // After the grace it is reuse from everywhere.
            let reused = Err(denied(id, GrantReason::Reused));
            assert_eq!(ask(31, from(again)), reused);
            assert_eq!(family(&authorization).generation, 1);
        }
    }
}

#[test]
fn s_57_only_reuse_ends_the_authorization() {
    let id = AuthorizationId::generate(START, &SystemRandom);
    let revokes = |reason| denied(id, reason).revokes;
    assert_eq!(
        revokes(GrantReason::Reused),
        Some((id, RevokeReason::RefreshReused))
    );
    for reason in [
        GrantReason::Late,
        GrantReason::Expired,
        GrantReason::OtherClient,
    ] {
        assert_eq!(revokes(reason), None);
    }
}

#[test]
fn s_61_a_family_that_does_not_rotate_keeps_its_token() {
    let (mut authorization, first) = begin(false);
    for at in [1, 100, 10_000] {
        let got = redeem(
            &mut authorization,
            &client(),
            &first,
            &lifetimes(),
            START + seconds(at),
        );
        assert_eq!(got, Ok(Refreshed::Kept));
        assert_eq!(family(&authorization).generation, 0);
    }
}

#[test]
fn s_257_what_is_refused_changes_nothing() {
    type Change = fn(&mut Authorization);
    let unchanged: Change = |_| {};
    let revoked: Change = |authorization| authorization.revoke(RevokeReason::User, START);
    let no_family: Change = |authorization| authorization.refresh = None;
    let in_future: Change = |authorization| {
        authorization.refresh.as_mut().unwrap().rotated_at = Some(START + seconds(7));
    };
    let day = 24 * 3600;
    let stranger = RefreshToken::first(
        AuthorizationId::generate(START, &SystemRandom),
        &SystemRandom,
    );
    for (change, id, token, at, refusal) in [
        (
            revoked,
            client(),
            None,
            1,
            Refusal::InvalidGrant(GrantReason::Revoked),
        ),
        (
            unchanged,
            ClientId::new("other"),
            None,
            1,
            Refusal::InvalidGrant(GrantReason::OtherClient),
        ),
        (
            no_family,
            client(),
            None,
            1,
            Refusal::InvalidGrant(GrantReason::Unknown),
        ),
        (
            unchanged,
            client(),
            Some(stranger),
            1,
            Refusal::InvalidGrant(GrantReason::Unknown),
        ),
        (
            unchanged,
            client(),
            None,
            30 * day,
            Refusal::InvalidGrant(GrantReason::Expired),
        ),
        // S-287: a row from the future means that this clock is wrong.
        (in_future, client(), None, 1, Refusal::Busy(CLOCK_FAULT)),
    ] {
        let (mut authorization, first) = begin(true);
        change(&mut authorization);
        let before = authorization.clone();
        let token = token.unwrap_or(first);
        let got = redeem(
            &mut authorization,
            &id,
            &token,
            &lifetimes(),
            START + seconds(at),
        );
        assert_eq!(got, Err(refusal.into()));
        assert_eq!(authorization, before);
    }
}

#[test]
fn s_64_use_moves_the_idle_end_up_to_the_absolute_one() {
    let day = seconds(24 * 3600);
    let (mut authorization, first) = begin(true);
    let absolute = family(&authorization).absolute_expires_at;
    assert_eq!(absolute, START + 90 * day);
    for n in 1..90 {
        let now = START + n * day;
        redeem(
            &mut authorization,
            &client(),
            &first.at(n - 1),
            &lifetimes(),
            now,
        )
        .unwrap();
        assert_eq!(family(&authorization).absolute_expires_at, absolute);
        assert_eq!(
            family(&authorization).idle_expires_at,
            (now + 30 * day).min(absolute)
        );
    }
    let last = redeem(
        &mut authorization,
        &client(),
        &first.at(89),
        &lifetimes(),
        absolute,
    );
    assert_eq!(last, Err(GrantReason::Expired.into()));
}

/// What may happen next to a family.
#[derive(Clone, Copy, Debug)]
enum Step {
    Refresh { behind: u32 },
    Wait(u64),
}

const STEPS: [Step; 6] = [
    Step::Refresh { behind: 0 },
    Step::Refresh { behind: 1 },
    Step::Refresh { behind: 2 },
    Step::Wait(10),
    Step::Wait(25),
    Step::Wait(31),
];

/// A family, and beside it what an onlooker knows of its past.
#[derive(Clone)]
struct World {
    authorization: Authorization,
    now: Timestamp,
    /// When each generation was retired.
    retired: Vec<Timestamp>,
    history: Vec<Step>,
}

impl World {
    fn take(&mut self, step: Step, first: &RefreshToken) {
        self.history.push(step);
        match step {
            Step::Wait(span) => self.now = self.now + seconds(span),
            Step::Refresh { behind } => {
                let newest = family(&self.authorization).generation;
                if let Some(generation) = newest.checked_sub(behind) {
                    self.refresh(generation, first);
                }
            }
        }
    }

    fn refresh(&mut self, generation: u32, first: &RefreshToken) {
        let before = self.authorization.clone();
        let was_live = before.is_live();
        let token = first.at(generation);
        let got = redeem(
            &mut self.authorization,
            &client(),
            &token,
            &lifetimes(),
            self.now,
        );
        let history = &self.history;
        match self
            .retired
            .get(generation as usize)
            .map(|at| self.now.since(*at))
        {
            _ if !was_live => assert_eq!(got, Err(GrantReason::Revoked.into()), "{history:?}"),
            None => {
                assert_eq!(
                    got,
                    Ok(Refreshed::Rotated),
                    "an honest client is refused: {history:?}"
                );
                self.retired.push(self.now);
            }
            Some(age) if age > lifetimes().grace => {
                let revokes = got.as_ref().err().and_then(|denied| denied.revokes);
                assert_eq!(
                    revokes,
                    Some((before.id, RevokeReason::RefreshReused)),
                    "{history:?}"
                );
            }
            Some(_) => {
                let punished = got.as_ref().is_err_and(|denied| denied.revokes.is_some());
                assert!(!punished, "a slow racer is punished: {history:?}");
                let behind = family(&before).generation - generation;
                assert_eq!(got == Ok(Refreshed::Forgiven), behind == 1, "{history:?}");
            }
        }
        if let Err(denied) = got {
            assert_eq!(self.authorization, before, "{history:?}");
            if let Some((_, reason)) = denied.revokes {
                self.authorization.revoke(reason, self.now);
            }
        }
    }

    /// What holds after every step.
    fn check(&self, first: &RefreshToken) {
        let newest = family(&self.authorization).generation;
        let valid = (0..=newest).filter(|generation| {
            let token = first.at(*generation);
            let answer = redeem(
                &mut self.authorization.clone(),
                &client(),
                &token,
                &lifetimes(),
                self.now,
            );
            answer == Ok(Refreshed::Rotated)
        });
        assert_eq!(
            valid.count(),
            usize::from(self.authorization.is_live()),
            "{:?}",
            self.history
        );
        let absolute = family(&self.authorization).absolute_expires_at;
        assert_eq!(absolute, START + lifetimes().absolute, "{:?}", self.history);
    }
}

#[test]
fn s_57_s_58_s_59_s_258_every_course_of_six_steps() {
    let (authorization, first) = begin(true);
    let start = World {
        authorization,
        now: START,
        retired: Vec::new(),
        history: Vec::new(),
    };
    let mut worlds = vec![start];
    let mut seen = 0;
    while let Some(world) = worlds.pop() {
        for step in STEPS {
            let mut next = world.clone();
            next.take(step, &first);
            next.check(&first);
            seen += 1;
            if next.history.len() < 6 {
                worlds.push(next);
            }
        }
    }
    assert_eq!(seen, 6 + 36 + 216 + 1_296 + 7_776 + 46_656);
}

#[test]
fn s_61_s_106_s_257_a_54_a_bound_family_needs_its_key() {
    let (mut authorization, token) = begin(false);
    authorization.dpop_jkt = Some("own".to_owned());
    let untouched = authorization.clone();
    let mut show = |dpop_jkt| {
        let brought = Brought {
            client: &client(),
            token: &token,
            dpop_jkt,
            address: None,
        };
        let answer = super::redeem(&mut authorization, brought, &lifetimes(), START);
        (
            answer.map_err(|denied| denied.refusal),
            authorization.clone(),
        )
    };
    let absent = Refusal::InvalidDpopProof(crate::refusal::ProofReason::Absent);
    assert_eq!(show(None), (Err(absent), untouched.clone()));
    let other = Refusal::InvalidGrant(GrantReason::OtherKey);
    assert_eq!(show(Some("thief")), (Err(other), untouched));
    assert_eq!(show(Some("own")).0, Ok(Refreshed::Kept));
    assert_eq!(show(Some("own")).0, Ok(Refreshed::Kept));
}
