//! The small world that `refresh_token_exploration.rs` walks through, breadth first and each state
//! once. What is asked is [`super::redeem`] itself; the world around it knows only who sent which
//! generation when.

use std::collections::{HashMap, VecDeque};
use std::net::Ipv4Addr;

use super::tests::{begin, client, lifetimes, seconds};
use super::*;

/// Seconds. Time moves in these steps.
const STEP: u64 = 5;
pub(super) const GRACE: u64 = 30;
/// How long an access token lasts in this world.
const LIFETIME: u64 = 60;
/// A request that is not answered by then is given up by its client.
const DEADLINE: u64 = 10;
/// The last replay starts within this time of the first request (row C-23)...
const LAST_START: u64 = 20;
/// ...and all are over by then.
const ALL_OVER: u64 = 25;
const MOST_TRIES: u8 = 4;
/// The thief stops here: it could rotate for ever without time passing.
const LAST_GENERATION: u32 = 4;

/// What the world may do beside the ordinary.
#[derive(Clone, Copy)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a thing that happens or does not"
)]
pub(super) struct World {
    /// Programs that share the session.
    pub(super) processes: usize,
    /// One at a time refreshes, as ours do under their lock; else all that find the token expired.
    pub(super) has_lock: bool,
    /// Requests and answers are lost, and replayed. Of those to one refresh, one arrives.
    pub(super) has_losses: bool,
    /// A program may die while its request is under way.
    pub(super) has_crashes: bool,
    /// Another one finds what the dead one noted, in time, and goes on.
    pub(super) is_taken_over: bool,
    /// How far the second node's clock is ahead.
    pub(super) skew: u64,
    /// Somebody copies a token, once, and uses what it has whenever it likes, from elsewhere.
    pub(super) has_thief: bool,
    /// What is forgiven to another network.
    pub(super) elsewhere: GraceElsewhere,
    /// The database is backed up once and restored once.
    pub(super) has_restore: bool,
    /// When the world ends.
    pub(super) until: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct State {
    pub(super) now: u64,
    pub(super) row: Row,
    pub(super) backup: Option<Row>,
    pub(super) is_restored: bool,
    /// The generation in the session that the processes share, and until when its access token lasts.
    pub(super) stored: u32,
    pub(super) fresh_until: u64,
    pub(super) processes: Vec<Option<Attempt>>,
    /// What a process that died had under way.
    pub(super) intent: Option<Attempt>,
    /// The generations that the thief holds.
    pub(super) stolen: Vec<u32>,
    /// When each generation was retired. Nobody in the world reads this; the invariants do.
    pub(super) retired: Vec<(u32, u64)>,
    /// An honest program was told to sign in again.
    pub(super) is_signed_out: bool,
}

/// What the database knows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Row {
    pub(super) generation: u32,
    pub(super) rotated_at: Option<u64>,
    pub(super) previously_rotated_at: Option<u64>,
    pub(super) rotated_from: Option<IpAddr>,
    pub(super) is_revoked: bool,
}

/// Where the honest programs are.
const HOME: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
/// Where the thief is.
const ELSEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 9));

/// A refresh that a process waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Attempt {
    token: u32,
    since: u64,
    tries: u8,
    sent_at: u64,
    flight: Flight,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Flight {
    ToServer,
    ToClient(u32),
    Lost,
}

/// One exchange with the server: what was presented, and what came of it.
pub(super) struct Presented {
    pub(super) generation: u32,
    /// True time since that generation was retired; `None` while it never was.
    pub(super) late_by: Option<u64>,
    /// Whether the last rotation was answered to another network.
    pub(super) is_elsewhere: bool,
    pub(super) answer: Result<Refreshed, Denied>,
    pub(super) row: Row,
}

impl State {
    fn start(world: World) -> Self {
        Self {
            now: 0,
            row: Row {
                generation: 0,
                rotated_at: None,
                previously_rotated_at: None,
                rotated_from: None,
                is_revoked: false,
            },
            backup: None,
            is_restored: false,
            stored: 0,
            fresh_until: 0,
            processes: vec![None; world.processes],
            intent: None,
            stolen: Vec::new(),
            retired: Vec::new(),
            is_signed_out: false,
        }
    }

    /// Presents a generation to a node whose clock is `skew` ahead.
    fn present(
        &mut self,
        generation: u32,
        (from, skew): (IpAddr, u64),
        rules: &Rules,
    ) -> Presented {
        let is_elsewhere = self.row.rotated_from.is_some_and(|last| last != from);
        let retired = self.retired.iter().find(|(of, _)| *of == generation);
        let late_by = retired.map(|(_, at)| self.now - at);
        let before = self.row.generation;
        let answer = rules.redeem(&mut self.row, generation, (from, self.now + skew));
        if self.row.generation != before {
            self.retired.push((self.row.generation - 1, self.now));
        }
        Presented {
            generation,
            late_by,
            is_elsewhere,
            answer,
            row: self.row.clone(),
        }
    }
}

/// The rules under test, with one authorization to try them on.
struct Rules {
    authorization: Authorization,
    token: RefreshToken,
    lifetimes: RefreshLifetimes,
}

impl Rules {
    fn new(world: World) -> Self {
        let (authorization, token) = begin(true);
        Self {
            authorization,
            token,
            lifetimes: RefreshLifetimes {
                grace_elsewhere: world.elsewhere,
                ..lifetimes()
            },
        }
    }

    fn redeem(
        &self,
        row: &mut Row,
        generation: u32,
        (from, now): (IpAddr, u64),
    ) -> Result<Refreshed, Denied> {
        let at = |time: u64| Timestamp::UNIX_EPOCH + seconds(time);
        let mut authorization = self.authorization.clone();
        if row.is_revoked {
            authorization.revoke(RevokeReason::RefreshReused, at(0));
        }
        if let Some(family) = authorization.refresh.as_mut() {
            family.generation = row.generation;
            family.rotated_at = row.rotated_at.map(at);
            family.previously_rotated_at = row.previously_rotated_at.map(at);
            family.rotated_from = row.rotated_from;
        }
        let token = RefreshToken {
            generation,
            ..self.token.clone()
        };
        let brought = Brought {
            client: &client(),
            token: &token,
            dpop_jkt: None,
            address: Some(from),
        };
        let answer = redeem(&mut authorization, brought, &self.lifetimes, at(now));
        if let Err(denied) = &answer {
            row.is_revoked |= denied.revokes.is_some();
        }
        if let Some(family) = &authorization.refresh
            && family.generation != row.generation
        {
            row.generation = family.generation;
            row.previously_rotated_at = row.rotated_at.replace(now);
            row.rotated_from = family.rotated_from;
        }
        answer
    }
}

/// Every next state, with what was presented to the server on the way, if anything was.
fn successors(state: &State, world: World, rules: &Rules) -> Vec<(State, Option<Presented>)> {
    let mut next = Vec::new();
    next.extend(ticked(state, world).map(|then| (then, None)));
    for index in 0..state.processes.len() {
        step_process(state, index, world, rules, &mut next);
    }
    if world.has_thief {
        step_thief(state, rules, &mut next);
    }
    if world.has_restore {
        let mut then = state.clone();
        if state.backup.is_none() {
            then.backup = Some(state.row.clone());
            next.push((then, None));
        } else if let Some(backup) = state.backup.clone().filter(|_| !state.is_restored) {
            then.is_restored = true;
            // What was retired since, the database forgot.
            then.retired.retain(|(of, _)| *of < backup.generation);
            then.row = backup;
            next.push((then, None));
        }
    }
    next
}

/// Time passes; what was not delivered by its deadline never will be. `None` where a client would
/// lose its last answer.
fn ticked(state: &State, world: World) -> Option<State> {
    let mut then = state.clone();
    then.now += STEP;
    for attempt in then.processes.iter_mut().flatten() {
        if then.now > (attempt.sent_at + DEADLINE).min(attempt.since + ALL_OVER) {
            attempt.flight = Flight::Lost;
        }
        if attempt.flight == Flight::Lost && !(world.has_losses && attempt.may_try_again(then.now))
        {
            return None;
        }
    }
    let is_abandoned = |intent: &Attempt| then.now > intent.since + LAST_START;
    if world.is_taken_over && then.intent.as_ref().is_some_and(is_abandoned) {
        return None;
    }
    (then.now <= world.until).then_some(then)
}

impl Attempt {
    fn first(token: u32, now: u64) -> Self {
        Self {
            token,
            since: now,
            tries: 1,
            sent_at: now,
            flight: Flight::ToServer,
        }
    }

    fn may_try_again(&self, now: u64) -> bool {
        self.tries < MOST_TRIES && now - self.since <= LAST_START
    }

    fn again(&self, now: u64) -> Self {
        Self {
            tries: self.tries + 1,
            sent_at: now,
            flight: Flight::ToServer,
            ..self.clone()
        }
    }

    fn flying(&self, flight: Flight) -> Self {
        Self {
            flight,
            ..self.clone()
        }
    }
}

fn step_process(
    state: &State,
    index: usize,
    world: World,
    rules: &Rules,
    next: &mut Vec<(State, Option<Presented>)>,
) {
    let with = |attempt: Option<Attempt>| {
        let mut then = state.clone();
        then.processes[index] = attempt;
        then
    };
    let Some(attempt) = &state.processes[index] else {
        let is_free = !world.has_lock || state.processes.iter().all(Option::is_none);
        if is_free && state.now >= state.fresh_until && !state.is_signed_out {
            let mut first = Attempt::first(state.stored, state.now);
            if let Some(intent) = &state.intent
                && state.now <= intent.since + LAST_START
            {
                first.since = intent.since;
            }
            let mut then = with(Some(first));
            then.intent = None;
            next.push((then, None));
        }
        return;
    };
    match attempt.flight {
        Flight::ToServer => {
            for skew in [0, world.skew] {
                let mut then = state.clone();
                let presented = then.present(attempt.token, (HOME, skew), rules);
                then.processes[index] = match &presented.answer {
                    Ok(_) => Some(attempt.flying(Flight::ToClient(presented.row.generation))),
                    Err(denied) => refused(&mut then, attempt, denied),
                };
                next.push((then, Some(presented)));
            }
        }
        Flight::ToClient(generation) => {
            let mut then = with(None);
            then.stored = then.stored.max(generation);
            then.fresh_until = state.now + LIFETIME;
            next.push((then, None));
        }
        Flight::Lost => next.push((with(Some(attempt.again(state.now))), None)),
    }
    if world.has_losses && attempt.flight != Flight::Lost && attempt.may_try_again(state.now) {
        next.push((with(Some(attempt.flying(Flight::Lost))), None));
    }
    let is_in_time = state.now <= attempt.since + LAST_START;
    if world.has_crashes && (is_in_time || !world.is_taken_over) {
        let mut then = with(None);
        then.intent = Some(attempt.flying(Flight::Lost));
        next.push((then, None));
    }
}

/// What a client does with a refusal (row C-23): 503 is no answer; a token that somebody replaced
/// meanwhile is not missed; else the person has to sign in again.
fn refused(then: &mut State, attempt: &Attempt, denied: &Denied) -> Option<Attempt> {
    if matches!(denied.refusal, Refusal::Busy(_)) {
        return Some(attempt.flying(Flight::Lost));
    }
    then.is_signed_out |= then.stored == attempt.token;
    None
}

fn step_thief(state: &State, rules: &Rules, next: &mut Vec<(State, Option<Presented>)>) {
    if state.stolen.is_empty() {
        let mut then = state.clone();
        then.stolen.push(state.stored);
        next.push((then, None));
    }
    for &generation in &state.stolen {
        if state.row.is_revoked || state.row.generation == LAST_GENERATION {
            break;
        }
        let mut then = state.clone();
        let presented = then.present(generation, (ELSEWHERE, 0), rules);
        if presented.answer.is_ok() && !then.stolen.contains(&presented.row.generation) {
            then.stolen.push(presented.row.generation);
        }
        next.push((then, Some(presented)));
    }
}

/// Walks through the whole world. `is_wrong` sees every state and every exchange that led to one; the
/// first state that is wrong comes back with the states before it.
pub(super) fn explore(
    world: World,
    is_wrong: impl Fn(&State, Option<&Presented>) -> bool,
) -> Result<usize, Vec<State>> {
    let rules = Rules::new(world);
    let start = State::start(world);
    let mut came_from: HashMap<State, Option<State>> = HashMap::from([(start.clone(), None)]);
    let mut open = VecDeque::from([start]);
    while let Some(state) = open.pop_front() {
        for (then, presented) in successors(&state, world, &rules) {
            let wrong = is_wrong(&then, presented.as_ref());
            if came_from.contains_key(&then) && !wrong {
                continue;
            }
            if wrong {
                let mut path = vec![then, state.clone()];
                while let Some(Some(before)) = came_from.get(&path[path.len() - 1]) {
                    path.push(before.clone());
                }
                path.reverse();
                return Err(path);
            }
            came_from.insert(then.clone(), Some(state.clone()));
            open.push_back(then);
        }
    }
    Ok(came_from.len())
}
