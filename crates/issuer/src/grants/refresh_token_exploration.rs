//! Every history of a refresh family, as far as a small world goes: processes that race, answers
//! that are lost, a second node whose clock is ahead, a thief, a restored backup.
//!
//! docs/refresh-families.md tells the same in words.

use super::world::{GRACE, Presented, State, World, explore};
use super::*;

/// Two programs of ours, two nodes.
const OURS: World = World {
    processes: 2,
    has_lock: true,
    has_losses: true,
    has_crashes: true,
    is_taken_over: true,
    skew: 5,
    has_thief: false,
    elsewhere: GraceElsewhere::Told,
    has_restore: false,
    until: 90,
};

/// Three programs that know nothing of each other and send a token once.
const RACERS: World = World {
    processes: 3,
    has_lock: false,
    has_losses: false,
    has_crashes: false,
    until: 75,
    ..OURS
};

/// One program and somebody who has its token.
const ROBBED: World = World {
    processes: 1,
    has_losses: false,
    has_crashes: false,
    skew: 0,
    has_thief: true,
    until: 75,
    ..OURS
};

fn assert_never(world: World, is_wrong: impl Fn(&State, Option<&Presented>) -> bool) {
    match explore(world, is_wrong) {
        Ok(states) => assert!(states > 1000, "the world has only {states} states"),
        Err(path) => panic!("{}", told(&path)),
    }
}

fn told(path: &[State]) -> String {
    let lines: Vec<_> = path.iter().map(|state| format!("{state:?}")).collect();
    lines.join("\n")
}

fn is_signed_out(state: &State, _: Option<&Presented>) -> bool {
    state.is_signed_out || state.row.is_revoked
}

/// The first history in which an honest client is signed out: what the rules cannot forgive.
fn how_it_ends(world: World) -> Vec<State> {
    explore(world, is_signed_out).expect_err("nobody is signed out")
}

#[test]
fn s_58_no_honest_client_is_signed_out() {
    assert_never(OURS, is_signed_out);
}

#[test]
fn s_58_programs_that_race_without_a_lock_are_not_signed_out() {
    assert_never(RACERS, is_signed_out);
}

#[test]
fn s_260_a_96_a_restored_backup_signs_nobody_out() {
    let world = World {
        has_restore: true,
        has_crashes: false,
        until: 70,
        ..OURS
    };
    assert_never(world, is_signed_out);
}

#[test]
fn s_258_a_thief_outside_the_grace_always_ends_the_family() {
    assert_never(ROBBED, |_, presented| {
        presented.is_some_and(|presented| {
            presented.late_by.is_some_and(|late| late > GRACE) && !presented.row.is_revoked
        })
    });
}

#[test]
fn one_leaf_is_live_and_every_answer_names_it() {
    assert_never(ROBBED, |_, presented| {
        presented.is_some_and(|presented| match presented.answer {
            Ok(Refreshed::Rotated | Refreshed::Forgiven | Refreshed::ForgivenElsewhere) => {
                presented.row.generation != presented.generation + 1
            }
            Ok(Refreshed::Kept | Refreshed::Ahead) => true,
            Err(_) => false,
        })
    });
}

#[test]
fn s_259_a_94_what_is_forgiven_to_another_network_is_told() {
    assert_never(ROBBED, |_, presented| {
        presented.is_some_and(|presented| match presented.answer {
            Ok(Refreshed::Forgiven) => presented.is_elsewhere,
            Ok(Refreshed::ForgivenElsewhere) => !presented.is_elsewhere,
            _ => false,
        })
    });
}

#[test]
fn s_259_a_94_the_policy_revoke_forgives_nothing_to_another_network() {
    let world = World {
        elsewhere: GraceElsewhere::Ended,
        ..ROBBED
    };
    assert_never(world, |_, presented| {
        presented.is_some_and(|presented| {
            let is_retired = presented.late_by.is_some();
            presented.is_elsewhere && is_retired && presented.answer.is_ok()
        })
    });
    // And nobody is signed out by it who is alone.
    let elsewhere = GraceElsewhere::Ended;
    assert_never(World { elsewhere, ..OURS }, is_signed_out);
}

/// Grace forgives a thief too who is as quick as a lost answer.
#[test]
fn within_the_grace_a_thief_shares_the_family() {
    let shared = explore(ROBBED, |state, presented| {
        let is_answered = presented.is_some_and(|presented| {
            presented.late_by.is_some() && presented.answer == Ok(Refreshed::ForgivenElsewhere)
        });
        is_answered && state.stolen.contains(&state.row.generation)
    });
    assert!(shared.is_err(), "the thief is always found");
}

#[test]
fn an_answer_that_nobody_asks_for_again_in_time_is_not_forgiven() {
    let end = how_it_ends(World {
        is_taken_over: false,
        skew: 0,
        ..OURS
    });
    let last = end.last().unwrap();
    let (_, retired_at) = last.retired.last().unwrap();
    assert!(last.now - retired_at > GRACE, "{}", told(&end));
}

#[test]
fn programs_that_replay_without_a_lock_can_end_the_family() {
    let has_lock = false;
    how_it_ends(World { has_lock, ..OURS });
}
