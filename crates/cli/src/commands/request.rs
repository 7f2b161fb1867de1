//! `hallpass request`: one call of an API with the token attached, Bearer or DPoP.
//!
//! RFC 6750 §2.1, RFC 9449 §7, RFC 9470: <https://www.rfc-editor.org/rfc/rfc9470>; rows C-51, C-60, C-75.

use std::io::{IsTerminal as _, Read as _, Write as _};

use hallpass_client::flow::{self, Offers, Way};
use hallpass_client::reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hallpass_client::reqwest::{Method, Response};
use hallpass_client::{Client, ErrorKind, Session, TerminalUi, clean};
use serde_json::{Value, json};

use super::protected_resource;
use crate::args::{ProfileArg, RequestArgs};
use crate::commands::Context;
use crate::config::Target;
use crate::failure::Failure;
use crate::output::Output;
use crate::profile::Profile;
use crate::runtime;
use crate::static_token::StaticToken;

/// Sends the request and prints the body of its answer.
pub(crate) fn run(args: &RequestArgs, context: &Context) -> Result<(), Failure> {
    let target = Target::parse(&args.url)?;
    let mut profile = context.profile_for(&ProfileArg { profile: None }, Some(&target))?;
    if let Some(given) = profile.static_token()? {
        given.may_go_to(&target, &profile)?;
        let call = Call::read(args)?;
        let client = given.client(&target, &profile)?;
        return runtime::block_on(send_given(&call, &client, context));
    }
    protected_resource::may_send_to(&target, &args.url, &mut profile, context)?;
    let call = Call::read(args)?;
    let client = profile
        .client()?
        .resource(target.origin_text())
        .ui(TerminalUi::stderr_in(context.output.style))
        .environment(profile.with_its_browser(context.surroundings()))
        .scopes(profile.settings.scopes.iter().flatten())
        .build()?;
    runtime::block_on(async {
        let session = Context::session(&client, &profile).await?;
        let answer = send(&call, &client, session, (&profile, context)).await?;
        print(answer, context).await
    })
}

/// What is sent; it may be sent twice.
struct Call {
    method: Method,
    url: String,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Option<Vec<u8>>,
}

impl Call {
    fn read(args: &RequestArgs) -> Result<Self, Failure> {
        let method = Method::from_bytes(args.method.as_bytes())
            .map_err(|error| Failure::usage("the method is malformed").caused_by(&error))?;
        let headers = args.header.iter().map(|text| header(text));
        let mut headers = headers.collect::<Result<Vec<_>, _>>()?;
        let body = args.data.as_deref().map(read_body).transpose()?;
        if body.is_some() && !headers.iter().any(|(name, _)| name == CONTENT_TYPE) {
            headers.push((CONTENT_TYPE, HeaderValue::from_static("application/json")));
        }
        let url = args.url.clone();
        Ok(Self {
            method,
            url,
            headers,
            body,
        })
    }

    async fn send(&self, session: &Session) -> Result<Response, hallpass_client::Error> {
        let mut request = session.http().request(self.method.clone(), &self.url);
        for (name, value) in &self.headers {
            request = request.header(name.clone(), value.clone());
        }
        if let Some(body) = &self.body {
            request = request.body(body.clone());
        }
        request.send().await
    }
}

/// Sends; a step-up challenge is answered by one new sign-in where somebody is there to do it.
async fn send(
    call: &Call,
    client: &Client,
    session: Session,
    (profile, context): (&Profile, &Context),
) -> Result<Response, Failure> {
    let failed = |error| Failure::of_api(error, &profile.login_command());
    let error = match call.send(&session).await {
        Ok(answer) => return Ok(answer),
        Err(error) => error,
    };
    let ErrorKind::StepUp(wanted) = error.kind() else {
        return Err(failed(error));
    };
    let decision = flow::decide(&context.surroundings(), Offers::BOTH);
    if decision.way == Way::NotInteractive {
        return Err(failed(error));
    }
    context.output.note(&error.to_string());
    let session = client.sign_in(wanted.sign_in()).await.map_err(failed)?;
    profile.remember()?;
    // Row C-60: one try.
    call.send(&session).await.map_err(failed)
}

/// With the token of the environment (row C-81): what the API wants beyond it, no sign-in brings.
async fn send_given(call: &Call, client: &Client, context: &Context) -> Result<(), Failure> {
    let failed = |error| Failure::from(error).hint_to("set HALLPASS_TOKEN to another token");
    let session = client.session().await?;
    let session = session.ok_or_else(|| StaticToken::is_no_session("a session is needed"))?;
    let error = match call.send(&session).await {
        Ok(answer) => return print(answer, context).await,
        Err(error) => error,
    };
    Err(match error.kind() {
        ErrorKind::StepUp(_) | ErrorKind::InsufficientScope => failed(error),
        _ => error.into(),
    })
}

/// The body goes to standard output as it comes; a refusal makes the command fail.
async fn print(answer: Response, context: &Context) -> Result<(), Failure> {
    let status = answer.status();
    if context.output.is_json() {
        Output::answer_json(&object(answer).await?)?;
    } else {
        print_body(answer).await?;
    }
    if status.is_client_error() || status.is_server_error() {
        return Err(Failure::other(format!("the API answered {status}")));
    }
    Ok(())
}

async fn print_body(mut answer: Response) -> Result<(), Failure> {
    // Row C-83: what an API says does not steer the terminal.
    if std::io::stdout().is_terminal() {
        let body = answer.text().await.map_err(hallpass_client::Error::from)?;
        let lines: Vec<_> = body.lines().map(clean::text).collect();
        return Output::answer(&lines.join("\n"));
    }
    let mut stdout = std::io::stdout().lock();
    let broken = |error: &dyn std::error::Error| {
        Failure::other("the answer could not be written").caused_by(error)
    };
    while let Some(chunk) = answer.chunk().await.map_err(hallpass_client::Error::from)? {
        stdout.write_all(&chunk).map_err(|error| broken(&error))?;
    }
    stdout.flush().map_err(|error| broken(&error))
}

/// The answer for programs; a body that is JSON stays so.
async fn object(answer: Response) -> Result<Value, Failure> {
    let status = answer.status().as_u16();
    let content_type = answer.headers().get(CONTENT_TYPE);
    let content_type = content_type
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    let body = answer.text().await.map_err(hallpass_client::Error::from)?;
    let body = serde_json::from_str(&body).unwrap_or(Value::String(body));
    Ok(json!({
        "schema": "hallpass.request/1",
        "status": status,
        "content_type": content_type,
        "body": body,
    }))
}

/// `Name: value`. `Authorization` and `DPoP` are the session's.
fn header(text: &str) -> Result<(HeaderName, HeaderValue), Failure> {
    let bad = || {
        Failure::usage(format!("`{}` is no header", clean::text(text)))
            .hint_to("write it as `Name: value`")
    };
    let (name, value) = text.split_once(':').ok_or_else(bad)?;
    let name = HeaderName::from_bytes(name.trim().as_bytes()).map_err(|_| bad())?;
    if matches!(name.as_str(), "authorization" | "dpop") {
        return Err(
            Failure::usage(format!("the header `{name}` is made from the session"))
                .hint_to("leave it out"),
        );
    }
    let value = HeaderValue::from_str(value.trim()).map_err(|_| bad())?;
    Ok((name, value))
}

fn read_body(data: &str) -> Result<Vec<u8>, Failure> {
    let cannot = |what: &str, error: &std::io::Error| {
        Failure::usage(format!("cannot read {}", clean::text(what))).caused_by(error)
    };
    if data == "-" || data == "@-" {
        let mut body = Vec::new();
        let read = std::io::stdin().lock().read_to_end(&mut body);
        return read
            .map(|_| body)
            .map_err(|error| cannot("standard input", &error));
    }
    match data.strip_prefix('@') {
        Some(file) => std::fs::read(file).map_err(|error| cannot(file, &error)),
        None => Ok(data.as_bytes().to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c_50_the_session_makes_the_headers_of_the_token() {
        assert!(header("Accept: text/plain").is_ok());
        for text in [
            "Authorization: Bearer x",
            "dpop: x",
            "no colon",
            "a\nb: c",
            ": x",
        ] {
            assert!(header(text).is_err(), "{text}");
        }
    }
}
