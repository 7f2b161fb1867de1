//! The device flow: a code that a person carries to a browser anywhere.
//!
//! RFC 8628: <https://www.rfc-editor.org/rfc/rfc8628>; rows C-01 to C-09, C-66, and the client error
//! table of the conformance matrix.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hallpass_protocol::device_authorization::{
    DeviceAuthorizationRequest, DeviceAuthorizationResponse,
};
use hallpass_protocol::device_poll::{DevicePoll, PollEnd, PollOutcome, Step};
use hallpass_protocol::id_token::Expect;
use hallpass_protocol::metadata::Metadata;
use hallpass_protocol::token::TokenRequest;
use hallpass_protocol::{ErrorCode, OAuthError};
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use url::Url;

use super::authorization_code::denied;
use super::new_session::SignedIn;
use crate::BoxFuture;
use crate::address::secure_url;
use crate::authorization_server::{Asked, Granted, NotGranted, endpoint, refusal};
use crate::clean;
use crate::client::ClientInner;
use crate::dpop::DpopKey;
use crate::error::{Error, ErrorKind};
use crate::provider::RequestTo;
use crate::ui::Prompt;

/// Longer codes are not for people (row C-83).
const LONGEST_USER_CODE: usize = 32;

/// A device code that is polled for. Dropping it while the server may still honour it withdraws it, and
/// takes back tokens that arrive all the same (row C-68).
pub(super) struct DeviceCode {
    client: Arc<ClientInner>,
    token_endpoint: Url,
    key: Option<DpopKey>,
    device: DeviceAuthorizationResponse,
    /// When the code came.
    received: Duration,
    state: DevicePoll,
    next_poll: Duration,
    in_flight: Option<Poll>,
    /// Why the last poll had no answer. That answer may have been the tokens.
    unanswered: Option<Error>,
    is_open: bool,
}

type Poll = BoxFuture<'static, Result<Granted, NotGranted>>;

/// What a poll brought.
pub(super) enum Polled {
    Granted(Box<Granted>),
    /// Nothing yet; what the server said.
    Pending(String),
    /// The code is over.
    Over {
        error: Error,
        /// Nobody declined it: another way may still lead to a session.
        is_only_this_way: bool,
    },
}

impl DeviceCode {
    /// Asks for one code, and never for another by itself (row C-05).
    pub(super) async fn start(
        client: &Arc<ClientInner>,
        metadata: &Metadata,
        audiences: &[String],
    ) -> Result<(Self, Prompt), Error> {
        let token_endpoint =
            endpoint(metadata, "token_endpoint", metadata.token_endpoint.as_ref())?;
        let key = client.dpop.new_key(metadata)?;
        let device = start(client, metadata, audiences, key.as_ref()).await?;
        let prompt = prompt(client, &device)?;
        let state = DevicePoll::new(device.interval, device.expires_in);
        let state = match &key {
            Some(_) => state.of_bound_code(),
            None => state,
        };
        let received = client.timer.elapsed();
        let code = Self {
            client: Arc::clone(client),
            token_endpoint,
            key,
            received,
            next_poll: received + state.first_wait(),
            state,
            device,
            in_flight: None,
            unanswered: None,
            is_open: true,
        };
        Ok((code, prompt))
    }

    /// When the server forgets the code.
    pub(super) fn end(&self) -> Duration {
        self.received + Duration::from_secs(self.device.expires_in)
    }

    /// When the server is asked next.
    pub(super) fn next_poll(&self) -> Duration {
        self.next_poll
    }

    pub(super) fn is_polling(&self) -> bool {
        self.in_flight.is_some()
    }

    /// RFC 8628 §3.4.
    pub(super) fn poll_if_due(&mut self, now: Duration) {
        if self.in_flight.is_some() || now < self.next_poll {
            return;
        }
        let (client, url) = (Arc::clone(&self.client), self.token_endpoint.clone());
        let key = self.key.clone();
        let request = TokenRequest::DeviceCode {
            device_code: self.device.device_code.clone(),
            resource: self.client.resources.clone(),
        };
        self.in_flight = Some(Box::pin(async move {
            client.server.ask(&url, &request, key.as_ref()).await
        }));
    }

    /// Waits for the answer to a poll that is under way. Dropping the future loses nothing.
    pub(super) async fn polled(&mut self) -> Polled {
        let Some(poll) = &mut self.in_flight else {
            return std::future::pending().await;
        };
        let answer = poll.await;
        self.in_flight = None;
        self.judge(answer)
    }

    /// RFC 8628 §3.5.
    fn judge(&mut self, answer: Result<Granted, NotGranted>) -> Polled {
        let (outcome, silence) = match answer {
            Ok(granted) => {
                self.is_open = false;
                return Polled::Granted(Box::new(granted));
            }
            Err(NotGranted::Failed(error)) => {
                return Polled::Over {
                    error,
                    is_only_this_way: false,
                };
            }
            Err(NotGranted::Refused(error)) => (PollOutcome::Refused(error), None),
            Err(NotGranted::Unanswered { retry_after, cause }) => {
                tracing::debug!(error = %cause, "no answer to the poll");
                (PollOutcome::Unanswered { retry_after }, Some(cause))
            }
        };
        let now = self.client.timer.elapsed();
        match self.state.next(&outcome, now.saturating_sub(self.received)) {
            Step::Wait(wait) => {
                self.next_poll = now + wait;
                self.unanswered = silence;
                Polled::Pending(match &outcome {
                    PollOutcome::Refused(error) => clean::text(error.error.as_str()),
                    PollOutcome::Unanswered { .. } => "no_answer".to_owned(),
                })
            }
            Step::End(end) => {
                self.is_open = false;
                let is_only_this_way = !matches!(end, PollEnd::Denied);
                let error = match (&outcome, self.unanswered.take()) {
                    (PollOutcome::Refused(said), Some(cause)) if end == PollEnd::UnknownCode => {
                        answer_lost(said, cause)
                    }
                    (PollOutcome::Refused(said), _) => ended_by(&self.client, end, said),
                    (PollOutcome::Unanswered { .. }, _) => ended(&self.client, end, silence),
                };
                Polled::Over {
                    error,
                    is_only_this_way,
                }
            }
        }
    }
}

/// Checks what a device code brought.
pub(super) async fn check(
    client: &ClientInner,
    metadata: &Metadata,
    granted: Granted,
) -> Result<SignedIn, Error> {
    // Row C-66: the request had no place for a nonce; every other check is made.
    let asked = Asked {
        nonce: Expect::Absent,
        acr: &[],
        max_age: None,
    };
    SignedIn::check(client, metadata, granted, asked).await
}

impl Drop for DeviceCode {
    fn drop(&mut self) {
        if !self.is_open {
            return;
        }
        let (client, poll) = (Arc::clone(&self.client), self.in_flight.take());
        let device_code = self.device.device_code.clone();
        self.client.withdrawals.add(async move {
            // The answer to a poll that is under way may be tokens.
            if let Some(poll) = poll
                && let Ok(granted) = poll.await
            {
                let response = granted.response;
                client
                    .take_back(response.refresh_token, response.access_token)
                    .await;
                return;
            }
            client.withdraw(&device_code).await;
        });
    }
}

/// What goes on at the server after a way has lost.
#[derive(Default)]
pub(crate) struct Withdrawals(Mutex<JoinSet<()>>);

impl Withdrawals {
    fn add(&self, work: impl Future<Output = ()> + Send + 'static) {
        // Without a runtime nothing can be sent: the code then expires by itself.
        if let Ok(runtime) = Handle::try_current() {
            let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            running.spawn_on(work, &runtime);
        }
    }

    /// Waits until everything is withdrawn, at most this long.
    pub(super) async fn finish(&self, limit: Duration) {
        let mut running = {
            let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *running)
        };
        let all = async { while running.join_next().await.is_some() {} };
        if tokio::time::timeout(limit, all).await.is_err() {
            tracing::debug!("the server did not answer a withdrawal in time");
        }
    }
}

impl fmt::Debug for Withdrawals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Withdrawals")
    }
}

/// RFC 8628 §3.1. A server that binds codes to keys gives the tokens to nobody but the owner of the
/// key; others do not look at the proof.
async fn start(
    client: &ClientInner,
    metadata: &Metadata,
    audiences: &[String],
    key: Option<&DpopKey>,
) -> Result<DeviceAuthorizationResponse, Error> {
    let address = metadata.device_authorization_endpoint.as_ref();
    let url = endpoint(metadata, "device_authorization_endpoint", address)?;
    let request = DeviceAuthorizationRequest {
        client_id: Some(client.server.client_id.clone()),
        scope: client.scope(),
        resource: client.resources.clone(),
        audience: audiences.to_vec(),
        host_label: None,
    };
    let form = client.server.adjusted(RequestTo::Device, request.encode());
    let reply = client.server.post_bound(&url, form, key).await?;
    let device = DeviceAuthorizationResponse::from_json(reply.body.expose());
    if let (true, Ok(device)) = (reply.is_success(), device) {
        return Ok(device);
    }
    if let Some(error) = refusal(&reply) {
        return Err(refused("the server gave no device code", &error));
    }
    let text = format!("the server gave no device code ({})", reply.describe());
    if reply.status >= 500 || reply.status == 429 {
        return Err(Error::unavailable(text, reply.retry_after));
    }
    Err(Error::protocol(text).hint_to("check the issuer, or sign in with a browser"))
}

/// Rows C-07 and C-83: what the server wants a person to read and to open is judged first.
fn prompt(client: &ClientInner, device: &DeviceAuthorizationResponse) -> Result<Prompt, Error> {
    let read = |address: &str| {
        secure_url(address, client.server.is_on_loopback()).map_err(|reason| {
            let shown = clean::text(address);
            Error::protocol(format!("bad verification_uri `{shown}`: {reason}"))
                .hint_to("report this to the operator of the server")
        })
    };
    let code = device.user_code.trim();
    let is_readable =
        !code.is_empty() && code.chars().count() <= LONGEST_USER_CODE && clean::is_clean(code);
    if !is_readable {
        return Err(
            Error::protocol("bad user_code: it is not 1 to 32 printable characters")
                .hint_to("report this to the operator of the server"),
        );
    }
    let complete = device.verification_uri_complete.as_deref();
    Ok(Prompt::DeviceCode {
        host: client.server.host(),
        user_code: code.to_owned(),
        verification_uri: read(&device.verification_uri)?,
        verification_uri_complete: complete.map(read).transpose()?,
        expires_in: Duration::from_secs(device.expires_in),
        interval: DevicePoll::new(device.interval, device.expires_in).interval(),
    })
}

/// What the server said stays readable: a policy that forbids the flow looks like a person who
/// declined, and only the description tells (row Q-13).
fn ended_by(client: &ClientInner, end: PollEnd, said: &OAuthError) -> Error {
    if end == PollEnd::Denied {
        return denied(said);
    }
    let text = end.to_string();
    ended_by_answer(client, end, text).because_of(said)
}

/// A code that was good is not known any more after a poll without an answer: most likely that poll
/// used it up, and its answer was the tokens. Only the owner of a key is given them again.
fn answer_lost(said: &OAuthError, cause: Error) -> Error {
    Error::protocol(
        "the code is unknown, used or expired: the answer to the poll before did not arrive, and may \
         have held the tokens",
    )
    .hint_to("start the sign-in again for a new code")
    .because_of(said)
    .caused_by(cause)
}

fn ended(client: &ClientInner, end: PollEnd, silence: Option<Error>) -> Error {
    let text = end.to_string();
    match (end, silence) {
        // Whether anybody confirmed it, nobody knows: the server is what is missing, not the person.
        (PollEnd::Expired, Some(cause)) => {
            let text = format!(
                "{} did not answer until the code expired",
                client.server.host()
            );
            Error::unavailable(text, None)
                .hint_to("start the sign-in again once the server answers")
                .caused_by(cause)
        }
        (end, _) => ended_by_answer(client, end, text),
    }
}

fn ended_by_answer(client: &ClientInner, end: PollEnd, text: String) -> Error {
    match end {
        PollEnd::Denied => Error::new(ErrorKind::Denied, text)
            .hint_to("sign in again and allow it, or ask who runs the server"),
        PollEnd::Expired => {
            Error::new(ErrorKind::TimedOut, text).hint_to("start the sign-in again for a new code")
        }
        PollEnd::UnknownCode => Error::protocol("the code is unknown, used or expired")
            .hint_to("start the sign-in again for a new code"),
        PollEnd::Refused(error) => refused(
            &format!("{} refused the sign-in", client.server.host()),
            &error,
        ),
    }
}

fn refused(what: &str, error: &OAuthError) -> Error {
    let is_switched_off = match &error.error {
        ErrorCode::UnauthorizedClient | ErrorCode::UnsupportedGrantType => true,
        ErrorCode::Other(code) => code == "device_flow_disabled",
        _ => false,
    };
    if is_switched_off {
        let text = format!("{what}: {}", clean::text(&error.to_string()));
        return Error::config(text)
            .hint_to(
                "allow the device grant for this client at the server, or sign in with a browser",
            )
            .because_of(error);
    }
    Error::from_oauth(what, error)
}
