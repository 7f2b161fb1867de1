//! From a request to the endpoint that answers it.

mod answer;
mod cors;
mod dispatch;
mod endpoint;
mod url_map;

pub(crate) use answer::answer;
