//! `requests`: what clients sent to the endpoints, as `takeRequest` of `mock-oauth2-server`.

use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::json;

use super::call::{Answer, Call};
use super::error::ControlError;
use super::fields::{Fields, ISSUER};
use super::recorded;
use crate::control_memory::Recorded;
use crate::state::State;

/// Nobody waits longer for a request.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// Which requests are meant.
#[derive(Debug)]
struct Filter {
    path: Option<String>,
    endpoint: Option<String>,
    issuer: Option<String>,
    after: u64,
}

impl Filter {
    fn read(fields: &mut Fields) -> Result<Self, ControlError> {
        let path = fields.filled("path")?;
        if let Some(path) = path.as_ref().filter(|path| !path.starts_with('/')) {
            let message = format!("`{path}` does not begin with a slash");
            return Err(ControlError::value("path", message)
                .hint("write the whole path, such as /default/token, or its beginning and `*`"));
        }
        Ok(Self {
            path,
            endpoint: fields.filled("endpoint")?,
            issuer: fields.some_issuer()?,
            after: fields.number("after", 0..=u64::MAX)?.unwrap_or_default(),
        })
    }

    fn accepts(&self, recorded: &Recorded) -> bool {
        let path = |wanted: &String| match wanted.strip_suffix('*') {
            Some(start) => recorded.path().starts_with(start.as_bytes()),
            None => recorded.path() == wanted.as_bytes(),
        };
        recorded.id > self.after
            && self.path.as_ref().is_none_or(path)
            && self
                .endpoint
                .as_ref()
                .is_none_or(|endpoint| endpoint == recorded.endpoint)
            && self
                .issuer
                .as_ref()
                .is_none_or(|issuer| issuer.as_bytes() == recorded.issuer())
    }
}

/// `GET requests`, `DELETE requests`.
pub(super) async fn answer(state: &State, call: &Call) -> Answer {
    let requests = &state.control.requests;
    let known = ["path", "endpoint", ISSUER, "after", "wait"];
    let mut fields = Fields::of_query(&call.query, &known)?;
    let filter = Filter::read(&mut fields)?;
    let wait = fields.span("wait", Some(LONGEST_WAIT))?.unwrap_or_default();
    let is_meant = |recorded: &Recorded| filter.accepts(recorded);
    if call.method == Method::DELETE {
        let taken = requests.wait(wait, || requests.take(is_meant)).await;
        return taken
            .map(|taken| json!({ "request": recorded::show(&taken) }))
            .ok_or_else(|| {
                let message = "no such request came";
                ControlError::new(StatusCode::NOT_FOUND, "no_request", message)
                    .hint("wait for it with `wait=2s`")
            });
    }
    let look = || Some(requests.list(is_meant, recorded::show)).filter(|found| !found.is_empty());
    let found = requests.wait(wait, look).await.unwrap_or_default();
    Ok(json!({ "requests": found }))
}
