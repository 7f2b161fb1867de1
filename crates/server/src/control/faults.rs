//! `faults`: the next requests to an endpoint go wrong, in the order that a test asks for.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use hallpass_protocol::form::Form;
use hallpass_protocol::token::GrantType;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::error::ControlError;
use super::fault_step::Step;
use super::fields::{Fields, ISSUER};
use super::route::{Answer, Call};
use crate::endpoints::user_management;
use crate::request::Request;
use crate::settings::nearest_name;
use crate::state::State;

/// So many steps wait at most.
const MOST_STEPS: usize = 10_000;

/// The endpoints that programs call, named as their files.
const FOR_PROGRAMS: &[&str] = &[
    "metadata",
    "jwks",
    "token",
    "device_authorization",
    "pushed_authorization_request",
    "registration",
    "userinfo",
    "introspection",
    "revocation",
];
/// Those that people see.
const FOR_PEOPLE: &[&str] = &[
    "authorization",
    "end_session",
    "device",
    "device_confirm",
    "login",
];

/// What is to go wrong.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    /// How many steps wait: a request that nothing waits for takes no lock.
    waiting: AtomicUsize,
    rules: Mutex<Vec<Rule>>,
}

/// A sequence, and the requests that it is for.
#[derive(Debug)]
struct Rule {
    endpoint: &'static str,
    grant: Option<GrantType>,
    issuer: Option<String>,
    steps: VecDeque<Step>,
}

/// Whether an endpoint has a name here.
#[cfg(test)]
pub(crate) fn is_endpoint(name: &str) -> bool {
    names().any(|known| known == name)
}

/// Whether people see an endpoint.
pub(super) fn is_page(endpoint: &str) -> bool {
    FOR_PEOPLE.contains(&endpoint)
}

fn names() -> impl Iterator<Item = &'static str> {
    FOR_PROGRAMS.iter().chain(FOR_PEOPLE).copied()
}

impl Faults {
    /// The step that a request to an endpoint meets, if any waits for it.
    pub(super) fn next(&self, endpoint: &str, request: &Request) -> Option<Step> {
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
    pub(super) fn clear(&self) {
        let mut rules = self.lock();
        rules.clear();
        self.count(&rules);
    }

    /// What waits, in its order.
    pub(super) fn show(&self) -> Vec<Value> {
        self.lock().iter().map(Rule::show).collect()
    }

    fn push(&self, rule: Rule) -> Result<(), ControlError> {
        let mut rules = self.lock();
        if self.waiting.load(Ordering::Acquire) + rule.steps.len() > MOST_STEPS {
            let message = "more than 10,000 steps would wait";
            return Err(ControlError::new(StatusCode::CONFLICT, "too_many", message)
                .hint("remove them with `DELETE /_hallpass/faults`"));
        }
        rules.push(rule);
        self.count(&rules);
        Ok(())
    }

    fn count(&self, rules: &[Rule]) {
        let steps = rules.iter().map(|rule| rule.steps.len()).sum();
        self.waiting.store(steps, Ordering::Release);
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

    fn show(&self) -> Value {
        let steps: Vec<&Value> = self.steps.iter().map(|step| &step.shown).collect();
        json!({
            "endpoint": self.endpoint,
            "grant": self.grant.map(GrantType::as_str),
            ISSUER: self.issuer,
            "sequence": steps,
        })
    }
}

fn grant_of(request: &Request) -> Option<GrantType> {
    let form: Form = user_management::json_or_form(request).ok()?;
    GrantType::parse(form.all("grant_type").next()?)
}

/// `POST faults`, `DELETE faults`.
pub(super) fn answer(state: &State, call: &Call) -> Answer {
    let faults = &state.control.faults;
    if call.method == Method::DELETE {
        faults.clear();
        return Ok(json!({ "waiting": 0 }));
    }
    let rule = read(&call.body)?;
    let shown = rule.show();
    faults.push(rule)?;
    let waiting = faults.waiting.load(Ordering::Acquire);
    Ok(json!({ "waiting": waiting, "fault": shown }))
}

fn read(body: &[u8]) -> Result<Rule, ControlError> {
    let mut fields = Fields::of_body(body, &["endpoint", "grant", ISSUER, "sequence"])?;
    let issuer = fields.some_issuer()?;
    let endpoint = fields
        .text("endpoint")?
        .ok_or_else(|| ControlError::missing("endpoint", "which endpoint is to fail?"))?;
    let endpoint = names().find(|known| *known == endpoint).ok_or_else(|| {
        let hint = nearest_name(names(), &endpoint).map_or_else(
            || {
                format!(
                    "endpoints are `{}`",
                    names().collect::<Vec<_>>().join("`, `")
                )
            },
            |name| format!("did you mean `{name}`?"),
        );
        ControlError::value("endpoint", format!("`{endpoint}` is no endpoint")).hint(hint)
    })?;
    let grant = match fields.text("grant")? {
        None => None,
        Some(_) if endpoint != "token" => {
            let message = "only requests to `token` have a grant";
            return Err(ControlError::value("grant", message));
        }
        Some(name) => Some(read_grant(&name)?),
    };
    let steps = match fields.take("sequence") {
        Some(Value::Array(steps)) if !steps.is_empty() => steps,
        Some(Value::Array(_)) | None => {
            let message = "a list with at least one step, such as [\"slow_down\"]";
            return Err(ControlError::missing("sequence", message));
        }
        Some(other) => {
            let message = format!("{other} is not a list of steps");
            return Err(ControlError::value("sequence", message));
        }
    };
    let step =
        |(index, step): (usize, &Value)| Step::read(step, &format!("sequence[{index}]"), endpoint);
    Ok(Rule {
        endpoint,
        grant,
        issuer,
        steps: steps
            .iter()
            .enumerate()
            .map(step)
            .collect::<Result<_, _>>()?,
    })
}

fn read_grant(name: &str) -> Result<GrantType, ControlError> {
    GrantType::parse(name).ok_or_else(|| {
        let names = [
            "authorization_code",
            "refresh_token",
            "client_credentials",
            "device_code",
            "token-exchange",
            "jwt-bearer",
        ];
        let hint = nearest_name(names.into_iter(), name).map_or_else(
            || format!("grants are `{}`", names.join("`, `")),
            |name| format!("did you mean `{name}`?"),
        );
        ControlError::value("grant", format!("`{name}` is no grant")).hint(hint)
    })
}
