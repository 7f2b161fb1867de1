//! Programs and people who never stop, and somebody who looks after them.

use std::sync::atomic::Ordering;

use crate::desk::{Decision, Desk, SignedIn};

impl Desk {
    /// One program that refreshes, to the end.
    pub(crate) async fn refresh_for_ever(&self, username: &str) {
        let person = self.signed_in_person(username).await;
        let mut mine = self.sign_in_by_device_until_done(&person).await;
        while !self.is_over() {
            self.refresh(&mut mine).await;
            if self.dice.below(4) == 0 {
                assert!(self.is_active(&mine.access_token).await);
            }
        }
        self.kept.lock().unwrap().push(mine);
    }

    /// Processes that share a session and refresh at once.
    pub(crate) async fn race_for_ever(&self, username: &str) {
        let person = self.signed_in_person(username).await;
        let mut mine = self.sign_in_by_device_until_done(&person).await;
        while !self.is_over() {
            self.refresh_at_once(&mut mine).await;
        }
        self.kept.lock().unwrap().push(mine);
    }

    /// Devices that come and go.
    pub(crate) async fn connect_devices_for_ever(&self, username: &str) {
        let person = self.signed_in_person(username).await;
        while !self.is_over() {
            if self.dice.below(5) == 0 {
                let started = self.start_device().await;
                let tokens = self
                    .decide_and_poll(&person, &started, Decision::Deny)
                    .await;
                assert!(tokens.is_none());
            } else if let Some(mine) = self.sign_in_by_device(&person).await {
                self.live(mine).await;
            }
        }
    }

    /// Browsers that come and go; some sign in anew.
    pub(crate) async fn sign_in_for_ever(&self, username: &str) {
        let mut person = self.signed_in_person(username).await;
        while !self.is_over() {
            if self.dice.below(8) == 0 {
                person = self.signed_in_person(username).await;
            }
            if let Some(mine) = self.sign_in_by_code(&person).await {
                self.live(mine).await;
            }
        }
    }

    /// Somebody who asks again and again whether what was ended is still ended.
    pub(crate) async fn audit_for_ever(&self) {
        while !self.is_over() {
            let chosen = {
                let ended = self.ended.lock().unwrap();
                let count = u64::try_from(ended.len()).unwrap();
                let chosen = (count > 0).then(|| self.dice.below(count));
                chosen.map(|n| ended[usize::try_from(n).unwrap()].clone())
            };
            match chosen {
                Some(ended) => self.has_ended(&ended).await,
                None => self.history.until_answered(1).await,
            }
        }
    }

    /// The last look: every program that was signed in is so, and nobody else.
    pub(crate) async fn settle(&self) {
        let kept = std::mem::take(&mut *self.kept.lock().unwrap());
        for mut mine in kept {
            self.refresh(&mut mine).await;
            assert!(self.is_active(&mine.access_token).await, "{}", mine.sid);
        }
        let ended = std::mem::take(&mut *self.ended.lock().unwrap());
        for mine in &ended {
            self.has_ended(mine).await;
        }
    }

    /// A few refreshes, and in half of the cases the end.
    async fn live(&self, mut mine: SignedIn) {
        for _ in 0..self.dice.below(3) {
            self.refresh(&mut mine).await;
        }
        if self.dice.below(2) == 0 {
            self.kept.lock().unwrap().push(mine);
            return;
        }
        self.revoke(&mine).await;
        self.has_ended(&mine).await;
        self.ended.lock().unwrap().push(mine);
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }
}
