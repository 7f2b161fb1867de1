//! Every step of a key's life, and what holds at each moment of a year.

use super::*;

const HOUR: Duration = Duration::from_hours(1);

fn schedule() -> KeySchedule {
    KeySchedule::for_tokens(HOUR)
}

fn at(hours: u32) -> Timestamp {
    Timestamp::from_unix_seconds(1_790_000_000) + hours * HOUR
}

fn key(kid: &str, state: KeyState) -> KeyFacts {
    KeyFacts {
        kid: KeyId::new(kid),
        algorithm: Algorithm::Es256,
        state,
        created_at: at(0),
    }
}

fn active(kid: &str, until: u32) -> KeyFacts {
    key(
        kid,
        KeyState::Active {
            until: Some(at(until)),
        },
    )
}

fn next(kid: &str, from: u32) -> KeyFacts {
    key(
        kid,
        KeyState::Next {
            signs_from: at(from),
        },
    )
}

fn retiring(kid: &str, until: u32) -> KeyFacts {
    key(
        kid,
        KeyState::Retiring {
            until: Some(at(until)),
        },
    )
}

/// Does the steps to the keys, as the store would.
fn apply(keys: &mut Vec<KeyFacts>, steps: &[Step], name: &mut u32) {
    for step in steps {
        match step {
            Step::Create(state) => {
                *name += 1;
                keys.push(key(&format!("k{name}"), *state));
            }
            Step::Change(kid, state) => {
                let found = keys.iter_mut().find(|key| key.kid == *kid).unwrap();
                found.state = *state;
            }
            Step::Delete(kid) => keys.retain(|key| key.kid != *kid),
        }
    }
}

#[test]
fn each_moment_has_its_step() {
    let (day, month) = (24, 30 * 24);
    let change = |kid: &str, state| Step::Change(KeyId::new(kid), state);
    let now = at(0);
    let active_now = schedule().active(now);
    let retiring_now = schedule().retiring(now);
    for (keys, expected) in [
        (vec![], vec![Step::Create(active_now)]),
        (vec![active("a", month)], vec![]),
        (vec![active("a", day + 1)], vec![]),
        (
            vec![active("a", day)],
            vec![Step::Create(schedule().next(now))],
        ),
        (vec![active("a", 9), next("b", 1)], vec![]),
        (
            vec![active("a", 9), next("b", 0)],
            vec![change("a", retiring_now), change("b", active_now)],
        ),
        (vec![next("b", 20)], vec![change("b", active_now)]),
        (vec![active("a", month), retiring("z", 1)], vec![]),
        (
            vec![active("a", month), retiring("z", 0)],
            vec![Step::Delete(KeyId::new("z"))],
        ),
        // Dev mode's keys stay as they are.
        (
            vec![
                key("a", KeyState::Active { until: None }),
                key("z", KeyState::Retiring { until: None }),
            ],
            vec![],
        ),
    ] {
        assert_eq!(steps(&keys, &schedule(), now), expected, "{keys:?}");
    }
}

#[test]
fn s_123_for_a_year_a_key_is_published_a_day_before_and_longer_than_its_tokens_after() {
    let (mut keys, mut name) = (Vec::new(), 0);
    let mut published_since = std::collections::BTreeMap::new();
    let mut signed_last = std::collections::BTreeMap::new();
    for hour in 0..365 * 24 {
        let now = at(hour);
        let todo = steps(&keys, &schedule(), now);
        apply(&mut keys, &todo, &mut name);
        assert_eq!(
            steps(&keys, &schedule(), now),
            [],
            "hour {hour}: steps lead nowhere"
        );
        for key in &keys {
            published_since.entry(key.kid.clone()).or_insert(hour);
        }
        let (signing, _) = super::active(&keys).unwrap();
        signed_last.insert(signing.kid.clone(), hour);
        if hour > 0 && published_since[&signing.kid] > 0 {
            assert!(hour - published_since[&signing.kid] >= 24, "hour {hour}");
        }
        for (kid, last) in &signed_last {
            let is_published = keys.iter().any(|key| key.kid == *kid);
            assert!(
                is_published || hour - last > 24,
                "hour {hour}: {kid} went too early"
            );
        }
        assert!(keys.len() <= 3, "hour {hour}: {keys:?}");
    }
    assert_eq!(name, 13);
}

#[test]
fn rotation_by_hand_is_slow_or_at_once() {
    let now = at(0);
    let rotate = |keys: &[KeyFacts], urgency| {
        let (mut keys, mut name) = (keys.to_vec(), 0);
        let todo = rotation(&keys, urgency, &schedule(), now);
        apply(&mut keys, &todo, &mut name);
        keys
    };
    let slow = rotate(&[active("a", 700)], Urgency::Scheduled);
    assert_eq!(slow, [active("a", 700), next("k1", 24)]);
    assert_eq!(rotate(&slow, Urgency::Scheduled), slow);
    let fast = rotate(&[active("a", 700)], Urgency::Now);
    assert_eq!(fast, [retiring("a", 25), active("k1", 30 * 24)]);
    let faster = rotate(&slow, Urgency::Now);
    assert_eq!(faster, [retiring("a", 25), active("k1", 30 * 24)]);
    assert_eq!(rotate(&[], Urgency::Now), [active("k1", 30 * 24)]);
    // The successor of a key that was rotated early starts on its own day.
    let (mut keys, mut name) = (slow, 1);
    let todo = steps(&keys, &schedule(), at(24));
    apply(&mut keys, &todo, &mut name);
    assert_eq!(super::active(&keys).unwrap().0.kid, KeyId::new("k1"));
}
