//! `auth login`: signs in as the flags say, and tells a person or a program about it.

use std::io;

use super::args::LoginArgs;
use super::output::{DEFAULT, print, program, say};
use super::stop_signals::until_stopped;
use crate::answers::{self, EventLines, Failure};
use crate::clean;
use crate::client::Client;
use crate::client_builder::ClientBuilder;
use crate::error::{Error, ErrorKind, SecurityViolation};
use crate::flow::{self, Environment, Offers, Sign, Way};
use crate::session::Session;
use crate::sign_in::{CancelSignIn, SignIn};
use crate::ui::{TerminalStyle, TerminalUi};

/// Signs in.
pub(super) async fn login(
    args: &LoginArgs,
    is_json: bool,
    client: ClientBuilder,
) -> Result<(), Failure> {
    let (flags, way) = (&args.sign_in, args.way());
    let events = flags.events.then(|| match way {
        Some(Way::Paste) => EventLines::stdout().reading(),
        _ => EventLines::stdout(),
    });
    let client = described(args, events.as_ref(), client).build()?;
    // Beside JSON standard error has room for one line, the error.
    if flags.explain && !is_json {
        explain(way, &client).await?;
    }
    let before = client.session().await?;
    let session = tidily(&client, flags.how(way)).await?;
    if let Some(events) = events {
        events.end(session.account().subject.as_deref());
    } else if is_json {
        print(&answers::whoami(&session, DEFAULT, "sign_in"));
    } else if before.is_some_and(|before| before.signed_in_at() == session.signed_in_at()) {
        already(&session);
    }
    Ok(())
}

/// Ctrl-C, SIGTERM and a closed terminal end the sign-in tidily: the device code is withdrawn, and nothing is
/// stored.
async fn tidily(client: &Client, how: SignIn) -> Result<Session, Failure> {
    let cancel = CancelSignIn::default();
    let signing_in = Box::pin(client.sign_in(how.cancelled_by(cancel.clone())));
    let done = until_stopped(|| cancel.cancel(), signing_in).await;
    let done = done.map_err(|error| {
        let mut failure = Failure::new("other", 1, "cannot listen for signals");
        failure.add_cause(&error);
        failure
    })?;
    let session = done.ok_or_else(Failure::interrupted)?;
    session.map_err(|error| hinted(error).into())
}

/// The program's client with what the flags say about it.
fn described(
    args: &LoginArgs,
    events: Option<&EventLines>,
    client: ClientBuilder,
) -> ClientBuilder {
    let flags = &args.sign_in;
    let client = client.scopes(&args.scope);
    let client = match flags.dpop() {
        Some(mode) => client.dpop(mode),
        None => client,
    };
    let Some(events) = events else {
        return client.or_ui(|| {
            let style = TerminalStyle::detect();
            TerminalUi::stderr_in(TerminalStyle {
                qr: style.qr && !flags.no_qr,
                ..style
            })
        });
    };
    // The program that reads the events is somebody.
    let surroundings = client.surroundings().attended();
    client.environment(surroundings).ui(events.clone())
}

/// Says which flow is used, before the sign-in begins. Where nobody is there to sign in, the server is not
/// asked either.
async fn explain(way: Option<Way>, client: &Client) -> Result<(), Error> {
    let inner = &client.inner;
    let is_nobody = |surroundings: &Environment| {
        flow::decide(surroundings, Offers::BOTH).way == Way::NotInteractive
    };
    let said = inner.environment.clone();
    let mut surroundings = said.unwrap_or_else(Environment::detect);
    if !is_nobody(&surroundings) && !inner.ui.capabilities().interactive {
        surroundings = surroundings.with(Sign::NoInput);
    }
    let offers = if way.is_none() && is_nobody(&surroundings) {
        Offers::BOTH
    } else {
        Offers::of(client.metadata().await?.as_ref())
    };
    for line in flow::explain(&surroundings, offers, way) {
        say(&mut io::stderr(), &line);
    }
    Ok(())
}

/// What to do next, in the words of the command line.
fn hinted(error: Error) -> Error {
    match error.kind() {
        ErrorKind::LoginRequired => error.hint_to(format!(
            "run `{} auth login` in a terminal, or add --flow device if a person reads this output",
            program()
        )),
        ErrorKind::Security(SecurityViolation::Account) => {
            error.hint_to("sign in as before, or add --switch-account to replace the session")
        }
        _ => error,
    }
}

fn already(session: &Session) {
    let who = session.account().name.as_deref().unwrap_or("somebody");
    let text = format!(
        "Already signed in as {}; --force signs in again",
        clean::text(who)
    );
    say(&mut io::stderr(), &text);
}
