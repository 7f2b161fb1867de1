//! The device flow: a code that a person carries to a browser anywhere.
//!
//! RFC 8628: <https://www.rfc-editor.org/rfc/rfc8628>; rows C-01 to C-09, C-66, and the client error
//! table of the conformance matrix.

use std::time::Duration;

use hallpass_protocol::device_authorization::{
    DeviceAuthorizationRequest, DeviceAuthorizationResponse,
};
use hallpass_protocol::device_poll::{DevicePoll, PollEnd, PollOutcome, Step};
use hallpass_protocol::id_token::Expect;
use hallpass_protocol::metadata::Metadata;
use hallpass_protocol::token::TokenRequest;
use hallpass_protocol::{ErrorCode, OAuthError};

use super::new_session::SignedIn;
use crate::address::secure_url;
use crate::authorization_server::{Asked, Granted, NotGranted, endpoint, refusal};
use crate::clean;
use crate::client::ClientInner;
use crate::error::{Error, ErrorKind};
use crate::ui::{Prompt, TICK};

/// Longer codes are not for people (row C-83).
const LONGEST_USER_CODE: usize = 32;

/// Signs in with a device code. It makes one, and never another by itself (row C-05).
pub(crate) async fn sign_in(client: &ClientInner, metadata: &Metadata) -> Result<SignedIn, Error> {
    let device = start(client, metadata).await?;
    let received = client.timer.elapsed();
    let prompt = prompt(client, &device)?;
    client.show(prompt).await?;
    let granted = poll(client, metadata, &device, received).await?;
    // Row C-66: the request had no place for a nonce; every other check is made.
    let asked = Asked {
        nonce: Expect::Absent,
        acr: &[],
        max_age: None,
    };
    SignedIn::check(client, metadata, granted, asked).await
}

/// RFC 8628 §3.1.
async fn start(
    client: &ClientInner,
    metadata: &Metadata,
) -> Result<DeviceAuthorizationResponse, Error> {
    let address = metadata.device_authorization_endpoint.as_ref();
    let url = endpoint(metadata, "device_authorization_endpoint", address)?;
    let request = DeviceAuthorizationRequest {
        client_id: Some(client.server.client_id.clone()),
        scope: client.scope(),
        resource: client.resources.clone(),
        host_label: None,
    };
    let reply = client.server.post_form(&url, request.encode()).await?;
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

/// RFC 8628 §3.4 and §3.5; `received` is when the device code came.
async fn poll(
    client: &ClientInner,
    metadata: &Metadata,
    device: &DeviceAuthorizationResponse,
    received: Duration,
) -> Result<Granted, Error> {
    let url = endpoint(metadata, "token_endpoint", metadata.token_endpoint.as_ref())?;
    let request = TokenRequest::DeviceCode {
        device_code: device.device_code.clone(),
        resource: client.resources.clone(),
    };
    let mut state = DevicePoll::new(device.interval, device.expires_in);
    let mut wait = state.first_wait();
    loop {
        pause(
            client,
            wait,
            received + Duration::from_secs(device.expires_in),
        )
        .await?;
        let (outcome, silence) = match client.server.ask(&url, &request).await {
            Ok(granted) => return Ok(granted),
            Err(NotGranted::Failed(error)) => return Err(error),
            Err(NotGranted::Refused(error)) => (PollOutcome::Refused(error), None),
            Err(NotGranted::Unanswered { retry_after, cause }) => {
                tracing::debug!(error = %cause, "no answer to the poll");
                (PollOutcome::Unanswered { retry_after }, Some(cause))
            }
        };
        match state.next(&outcome, client.timer.elapsed().saturating_sub(received)) {
            Step::Wait(next) => wait = next,
            Step::End(end) => return Err(ended(client, end, silence)),
        }
    }
}

/// Waits between two polls and tells the person how much time is left.
async fn pause(client: &ClientInner, wait: Duration, end: Duration) -> Result<(), Error> {
    let until = client.timer.elapsed() + wait;
    loop {
        let now = client.timer.elapsed();
        client
            .show(Prompt::Waiting {
                left: end.saturating_sub(now),
            })
            .await?;
        let left = until.saturating_sub(now);
        if left.is_zero() {
            return Ok(());
        }
        client.timer.sleep(TICK.min(left)).await;
    }
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
