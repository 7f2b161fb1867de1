//! What clients were told, beside what the database says: nothing that was answered is lost, and
//! nothing is done twice.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use tokio::sync::watch;

use crate::production::Row;

/// All that was asked and answered in one story.
pub(crate) struct History {
    sessions: Mutex<BTreeMap<String, Session>>,
    /// So many changes were answered.
    answered: watch::Sender<u64>,
    tally: Mutex<Tally>,
}

/// What is known of a sign-in.
#[derive(Clone, Copy, Debug, Default)]
struct Session {
    /// Steps of its family that somebody asked for, and those that were answered.
    steps_asked: u32,
    steps_answered: u32,
    revocation: Revocation,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Revocation {
    #[default]
    Unasked,
    Asked,
    Answered,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) seed: u64,
    pub(crate) stops: u64,
    pub(crate) sign_ins: u64,
    /// An answer with a code or its tokens was lost: the program starts over.
    pub(crate) sign_ins_lost: u64,
    pub(crate) decisions: u64,
    pub(crate) refreshes: u64,
    pub(crate) revocations: u64,
    /// Requests that were asked again, as their answer was lost.
    pub(crate) lost_answers: u64,
    /// Answers 503.
    pub(crate) refused_for_now: u64,
}

/// What was known at a moment; see [`History::compare`].
pub(crate) struct Known(BTreeMap<String, Session>);

impl History {
    pub(crate) fn new() -> Self {
        Self {
            sessions: Mutex::default(),
            answered: watch::Sender::new(0),
            tally: Mutex::default(),
        }
    }

    pub(crate) fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap()
    }

    /// Waits until so many more changes are answered.
    pub(crate) async fn until_answered(&self, more: u64) {
        let mut answered = self.answered.subscribe();
        let wanted = *answered.borrow() + more;
        answered.wait_for(|count| *count >= wanted).await.unwrap();
    }

    /// Notes an answered change of another kind.
    pub(crate) fn note_answer(&self) {
        self.answered.send_modify(|count| *count += 1);
    }

    /// Notes a sign-in whose tokens arrived.
    pub(crate) fn begin(&self, sid: &str) {
        let before = self.sessions().insert(sid.to_owned(), Session::default());
        assert!(before.is_none(), "{sid} was given out twice");
        self.tally().sign_ins += 1;
        self.note_answer();
    }

    /// Notes that a step of a family is asked for.
    pub(crate) fn ask_step(&self, sid: &str) {
        self.change(sid, |session| session.steps_asked += 1);
    }

    /// Notes that the step was answered.
    pub(crate) fn answer_step(&self, sid: &str) {
        self.change(sid, |session| session.steps_answered += 1);
        self.tally().refreshes += 1;
        self.note_answer();
    }

    /// Notes that somebody asks to end a sign-in.
    pub(crate) fn ask_revocation(&self, sid: &str) {
        self.change(sid, |session| session.revocation = Revocation::Asked);
    }

    /// Notes that it was ended.
    pub(crate) fn answer_revocation(&self, sid: &str) {
        self.change(sid, |session| session.revocation = Revocation::Answered);
        self.tally().revocations += 1;
        self.note_answer();
    }

    /// What is known now. Whoever compares it with rows takes it before them.
    pub(crate) fn known(&self) -> Known {
        Known(self.sessions().clone())
    }

    /// Insists that rows, read after `before` was taken, hold all that was answered then, and
    /// nothing that nobody has asked for by now.
    pub(crate) fn compare(&self, before: &Known, rows: &BTreeMap<String, Row>) {
        let now = self.known();
        for (sid, then) in &before.0 {
            let row = rows.get(sid).unwrap_or_else(|| panic!("{sid} is lost"));
            let now = now.0[sid];
            let steps = then.steps_answered..=now.steps_asked;
            assert!(
                steps.contains(&row.generation),
                "{sid} is at {}, not in {steps:?}",
                row.generation
            );
            match (then.revocation, now.revocation) {
                (Revocation::Answered, _) => assert!(row.is_revoked, "{sid} lives again"),
                (_, Revocation::Unasked) => assert!(!row.is_revoked, "{sid} was ended by nobody"),
                _ => {}
            }
        }
    }

    /// Insists on the same where nothing is on its way: every family stands exactly where its
    /// client was told, and nobody is signed in whom nobody heard of.
    pub(crate) fn compare_at_rest(&self, rows: &BTreeMap<String, Row>) {
        let known = self.known();
        self.compare(&known, rows);
        for (sid, session) in &known.0 {
            assert_eq!(session.steps_asked, session.steps_answered, "{sid}");
        }
        let is_live = |(sid, row): &(&String, &Row)| !row.is_revoked && !known.0.contains_key(*sid);
        let unknown: Vec<_> = rows.iter().filter(is_live).collect();
        assert!(unknown.is_empty(), "nobody has these: {unknown:?}");
    }

    fn change(&self, sid: &str, change: impl FnOnce(&mut Session)) {
        change(self.sessions().get_mut(sid).expect("a sign-in"));
    }

    fn sessions(&self) -> MutexGuard<'_, BTreeMap<String, Session>> {
        self.sessions.lock().unwrap()
    }
}

/// What a history that notices nothing would be worth.
mod notices {
    use super::*;

    fn rows(generation: u32, is_revoked: bool) -> BTreeMap<String, Row> {
        let row = Row {
            generation,
            is_revoked,
        };
        BTreeMap::from([("a".to_owned(), row)])
    }

    /// One sign-in with two steps.
    fn history() -> History {
        let history = History::new();
        history.begin("a");
        for _ in 0..2 {
            history.ask_step("a");
            history.answer_step("a");
        }
        history
    }

    fn compare(history: &History, rows: &BTreeMap<String, Row>) {
        history.compare(&history.known(), rows);
    }

    #[test]
    fn nothing_where_all_is_well() {
        let history = history();
        history.compare_at_rest(&rows(2, false));
        history.ask_step("a");
        compare(&history, &rows(2, false));
        compare(&history, &rows(3, false));
        history.ask_revocation("a");
        compare(&history, &rows(3, false));
        compare(&history, &rows(3, true));
    }

    #[test]
    #[should_panic(expected = "a is at 1, not in 2..=2")]
    fn a_step_that_is_lost() {
        compare(&history(), &rows(1, false));
    }

    #[test]
    #[should_panic(expected = "a is at 3, not in 2..=2")]
    fn a_step_that_is_done_twice() {
        compare(&history(), &rows(3, false));
    }

    #[test]
    #[should_panic(expected = "a is lost")]
    fn a_sign_in_that_is_lost() {
        compare(&history(), &BTreeMap::new());
    }

    #[test]
    #[should_panic(expected = "a lives again")]
    fn a_revocation_that_is_lost() {
        let history = history();
        history.ask_revocation("a");
        history.answer_revocation("a");
        compare(&history, &rows(2, false));
    }

    #[test]
    #[should_panic(expected = "a was ended by nobody")]
    fn an_end_that_nobody_asked_for() {
        compare(&history(), &rows(2, true));
    }

    #[test]
    #[should_panic(expected = "nobody has these")]
    fn a_sign_in_that_nobody_has() {
        let mut all = rows(2, false);
        all.insert("b".to_owned(), all["a"]);
        history().compare_at_rest(&all);
    }
}
