//! The requests that are to go wrong, in the order that tests asked for.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use hallpass_protocol::form::Form;
use hallpass_protocol::token::GrantType;

use super::fault_step::Step;
use crate::request::Request;

/// So many steps wait at most.
const MOST_STEPS: usize = 10_000;

/// What is to go wrong.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    /// How many steps wait: a request that nothing waits for takes no lock.
    waiting: AtomicUsize,
    rules: Mutex<Vec<Rule>>,
}

/// A sequence, and the requests that it is for.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) endpoint: &'static str,
    pub(crate) grant: Option<GrantType>,
    pub(crate) issuer: Option<String>,
    pub(crate) steps: VecDeque<Step>,
}

/// Why a rule does not wait: there would be more than [`MOST_STEPS`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct TooManySteps;

impl Faults {
    /// The step that a request to an endpoint meets, if any waits for it.
    pub(crate) fn next(&self, endpoint: &str, request: &Request) -> Option<Step> {
        if self.waiting.load(Ordering::Acquire) == 0 {
            return None;
        }
        let mut rules = self.lock();
        let index = rules
            .iter()
            .position(|rule| rule.is_for(endpoint, request))?;
        let rule = rules.get_mut(index)?;
        let step = rule.steps.pop_front();
        if rule.steps.is_empty() {
            rules.remove(index);
        }
        self.count(&rules);
        step
    }

    /// Forgets what waits.
    pub(crate) fn clear(&self) {
        let mut rules = self.lock();
        rules.clear();
        self.count(&rules);
    }

    /// What waits, in its order.
    pub(crate) fn list(&self) -> Vec<Rule> {
        self.lock().clone()
    }

    /// Puts a rule behind the others; how many steps wait now.
    pub(crate) fn push(&self, rule: Rule) -> Result<usize, TooManySteps> {
        let mut rules = self.lock();
        if self.waiting.load(Ordering::Acquire) + rule.steps.len() > MOST_STEPS {
            return Err(TooManySteps);
        }
        rules.push(rule);
        Ok(self.count(&rules))
    }

    fn count(&self, rules: &[Rule]) -> usize {
        let steps = rules.iter().map(|rule| rule.steps.len()).sum();
        self.waiting.store(steps, Ordering::Release);
        steps
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Rule>> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rule {
    fn is_for(&self, endpoint: &str, request: &Request) -> bool {
        self.endpoint == endpoint
            && self
                .issuer
                .as_ref()
                .is_none_or(|issuer| *issuer == request.issuer)
            && self
                .grant
                .is_none_or(|grant| grant_of(request) == Some(grant))
    }
}

fn grant_of(request: &Request) -> Option<GrantType> {
    let form: Form = request.json_or_form().ok()?;
    GrantType::parse(form.all("grant_type").next()?)
}
