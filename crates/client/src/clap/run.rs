//! What the commands do: they call the library, and say what came of it.

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::Value;
use url::Url;

use super::args::{AuthArgs, AuthCommand, LoginArgs, LoginFlow, StatusArgs, TokenArgs};
use crate::answers;
use crate::clean;
use crate::client::Client;
use crate::client_builder::ClientBuilder;
use crate::error::{Error, ErrorKind};
use crate::session::{Session, SessionStatus};
use crate::sign_in::{CallbackHost, SignIn};
use crate::tokens::{AccessToken, TokenType};

/// What a program of one server calls its only profile in JSON.
const DEFAULT: (&str, &str) = ("default", "default");

impl AuthArgs {
    /// Runs the command for this client, tells people or programs what came of it, and returns the exit
    /// code (those of [`Error::exit_code`]).
    pub async fn run(&self, client: ClientBuilder) -> ExitCode {
        let client = match &self.command {
            AuthCommand::Login(args) => args.dpop().into_iter().fold(client, ClientBuilder::dpop),
            _ => client,
        };
        let done = match client.build() {
            Ok(client) => self.answer(&client).await,
            Err(error) => Err(error),
        };
        match done {
            Err(error) if self.json => {
                say(
                    &mut io::stderr(),
                    &clean::json(&answers::error(&error).to_string()),
                );
                ExitCode::from(error.exit_code())
            }
            done => crate::finish(&program(), done),
        }
    }

    async fn answer(&self, client: &Client) -> Result<(), Error> {
        match &self.command {
            AuthCommand::Login(args) => self.login(args, client).await,
            AuthCommand::Logout(args) => self.logout(args.local, client).await,
            AuthCommand::Status(args) => self.status(args, client).await,
            AuthCommand::Token(args) => self.token(args, client).await,
        }
    }

    async fn login(&self, args: &LoginArgs, client: &Client) -> Result<(), Error> {
        let session = client.sign_in(how(args)?).await?;
        if self.json {
            print(&answers::whoami(&session, DEFAULT, "sign_in"));
        }
        Ok(())
    }

    async fn logout(&self, is_local: bool, client: &Client) -> Result<(), Error> {
        let report = if is_local {
            client.forget().await?
        } else {
            client.sign_out().await?
        };
        if self.json {
            print(&answers::logout(DEFAULT.0, &report));
            return Ok(());
        }
        for step in report.failures() {
            say(
                &mut io::stderr(),
                &format!("! {}: {:?}", step.what, step.result),
            );
        }
        say(&mut io::stderr(), "Signed out");
        Ok(())
    }

    async fn status(&self, args: &StatusArgs, client: &Client) -> Result<(), Error> {
        let Some(mut session) = client.session().await? else {
            if self.json {
                let key = client.inner.default_key();
                let server = (Some(key.issuer.as_str()), Some(key.client_id.as_str()));
                print(&answers::nobody(DEFAULT, server));
            }
            return Err(nobody(client));
        };
        let mut checked = "offline";
        if !args.offline && session.status() == SessionStatus::Refreshable {
            match session.access_token().await {
                Ok(_) => checked = "refresh",
                // What is known here is still an answer.
                Err(error) if matches!(error.kind(), ErrorKind::Unavailable { .. }) => {
                    say(&mut io::stderr(), &format!("! {error}"));
                }
                Err(error) => return Err(error),
            }
            session = session.reloaded().await?.unwrap_or(session);
        }
        if self.json {
            print(&answers::whoami(&session, DEFAULT, checked));
            return Ok(());
        }
        let account = session.account();
        let name = account
            .name
            .as_deref()
            .unwrap_or("signed in, without a name");
        say(
            &mut io::stdout(),
            &format!("{name} at {}", clean::text(&account.issuer)),
        );
        Ok(())
    }

    async fn token(&self, args: &TokenArgs, client: &Client) -> Result<(), Error> {
        let session = client.session().await?.ok_or_else(|| nobody(client))?;
        let before = session.access_expires_at();
        let token = if args.refresh {
            session.refresh().await?
        } else {
            let validity = args.min_validity.unwrap_or_default();
            session.access_token_for(validity).await?
        };
        if self.json {
            let is_refreshed = args.refresh || token.expires_at() != before;
            let now = client.inner.clock.now();
            let session: Session = session.reloaded().await?.unwrap_or(session);
            print(&answers::token(
                &token,
                &session,
                DEFAULT.0,
                (is_refreshed, now),
            ));
            return Ok(());
        }
        for line in lines(args, &token, client)? {
            say(&mut io::stdout(), &line);
        }
        Ok(())
    }
}

/// A bound token is of no use without a proof, and is printed without one only when that is asked for
/// (RFC 9449 §7.1, row C-39).
fn lines(args: &TokenArgs, token: &AccessToken, client: &Client) -> Result<Vec<String>, Error> {
    let proof = match &args.url {
        Some(url) => {
            let url = Url::parse(url)
                .map_err(|error| Error::config("--url is no address").caused_by(error))?;
            token.dpop_proof(&args.method, &url, None, client.inner.clock.now())?
        }
        None => None,
    };
    let is_bound = *token.token_type() == TokenType::Dpop;
    if is_bound && proof.is_none() && !args.allow_bound {
        return Err(Error::config(
            "the token is bound to a key of this machine (DPoP): alone it opens nothing",
        )
        .hint_to(
            "add --header --url URL for one with its proof, or --allow-bound to print it alone",
        ));
    }
    if !args.header {
        return Ok(vec![token.expose().to_owned()]);
    }
    let header = token.authorization_header()?;
    let mut lines = vec![format!("Authorization: {}", header.expose())];
    lines.extend(proof.map(|proof| format!("DPoP: {}", proof.expose())));
    Ok(lines)
}

fn print(answer: &Value) {
    say(&mut io::stdout(), &clean::json(&answer.to_string()));
}

fn how(args: &LoginArgs) -> Result<SignIn, Error> {
    let mut how = match (args.flow, args.browser, args.device) {
        (Some(LoginFlow::Browser), ..) | (None, true, _) => SignIn::browser(),
        (Some(LoginFlow::Device), ..) | (None, _, true) => SignIn::device(),
        (Some(LoginFlow::Paste), ..) => SignIn::paste(),
        (Some(LoginFlow::Auto) | None, ..) => SignIn::auto(),
    };
    let ports = args
        .ports()
        .map_err(|reason| Error::config("--callback-port is not understood").hint_to(reason))?;
    for port in ports {
        how = how.callback_port(port);
    }
    if args.callback_host.as_deref() == Some("localhost") {
        how = how.callback_host(CallbackHost::Localhost);
    }
    for value in &args.acr {
        how = how.acr(value);
    }
    if let Some(seconds) = args.max_age {
        how = how.max_age(Duration::from_secs(seconds));
    }
    if args.no_browser {
        how = how.no_browser();
    }
    if args.switch_account {
        how = how.switch_account();
    }
    if args.force {
        how = how.force();
    }
    if let Some(hint) = &args.login_hint {
        how = how.login_hint(hint);
    }
    if let Some(page) = &args.prompt {
        how = how.prompt(page);
    }
    if let Some(timeout) = args.timeout {
        how = how.timeout(timeout);
    }
    Ok(how)
}

fn nobody(client: &Client) -> Error {
    let text = format!("nobody is signed in to {}", client.inner.server.host());
    Error::login_required(text).hint_to(format!("run `{} auth login` in a terminal", program()))
}

/// The program's name, as it was started.
fn program() -> String {
    let path = std::env::args_os().next().unwrap_or_default();
    let name = std::path::Path::new(&path).file_stem().unwrap_or_default();
    clean::text(&name.to_string_lossy())
}

/// Who reads no further (`| head -1`) has what they wanted.
fn say(place: &mut dyn io::Write, text: &str) {
    let written = writeln!(place, "{text}").and_then(|()| place.flush());
    if let Err(error) = written {
        tracing::debug!(%error, "nobody reads the answer");
    }
}
