//! What the commands do: they call the library, and say what came of it.

use std::io;
use std::process::ExitCode;

use super::args::{AuthArgs, AuthCommand, LogoutArgs, StatusArgs};
use super::login::login;
use super::output::{DEFAULT, print, program, say};
use super::token_args::TokenArgs;
use crate::answers::{self, Failure};
use crate::clean;
use crate::client::Client;
use crate::client_builder::ClientBuilder;
use crate::error::{Error, ErrorKind};
use crate::session::{Session, SessionStatus};
use crate::sign_out::StepResult;

impl AuthArgs {
    /// Runs the command for this client, tells people or programs what came of it, and returns the exit
    /// code: those of [`Error::exit_code`], 2 for flags that do not go together, 130 for Ctrl-C.
    pub async fn run(&self, client: ClientBuilder) -> ExitCode {
        let Err(failure) = self.answer(client).await else {
            return ExitCode::SUCCESS;
        };
        // Who reads events gets the error as the last one.
        let tells = matches!(&self.command, AuthCommand::Login(args) if args.sign_in.events);
        if tells {
            print(&failure.to_json());
        } else if self.json {
            say(
                &mut io::stderr(),
                &clean::json(&failure.to_json().to_string()),
            );
        } else {
            let text = failure.to_text(&format!("{}:", program()));
            say(&mut io::stderr(), text.trim_end());
        }
        ExitCode::from(failure.exit)
    }

    async fn answer(&self, client: ClientBuilder) -> Result<(), Failure> {
        if let AuthCommand::Token(args) = &self.command
            && let Some(flag) = args.text_flag().filter(|_| self.json)
        {
            return Err(Failure {
                hint: Some("give one".to_owned()),
                ..Failure::new("usage", 2, format!("{flag} and --json exclude each other"))
            });
        }
        match &self.command {
            AuthCommand::Login(args) => login(args, self.json, client).await?,
            AuthCommand::Logout(args) => self.logout(args, &client.build()?).await?,
            AuthCommand::Status(args) => self.status(args, &client.build()?).await?,
            AuthCommand::Token(args) => self.token(args, &client.build()?).await?,
        }
        Ok(())
    }

    async fn logout(&self, args: &LogoutArgs, client: &Client) -> Result<(), Error> {
        let report = if args.local {
            client.forget().await?
        } else if args.browser {
            client.sign_out_with_browser().await?
        } else {
            client.sign_out().await?
        };
        if self.json {
            print(&answers::logout(DEFAULT.0, &report));
            return Ok(());
        }
        for step in &report.steps {
            let why = match &step.result {
                StepResult::Failed(why) => why,
                // What the browser was not sent to the person can still open.
                StepResult::Skipped(why) if args.browser => why,
                StepResult::Skipped(_) | StepResult::Ok => continue,
            };
            say(
                &mut io::stderr(),
                &format!("! {}: {}", step.what, clean::text(why)),
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
        let text = args.text(&token, client.inner.clock.now())?;
        say(&mut io::stdout(), text.expose());
        Ok(())
    }
}

fn nobody(client: &Client) -> Error {
    let text = format!("nobody is signed in to {}", client.inner.server.host());
    Error::login_required(text).hint_to(format!("run `{} auth login` in a terminal", program()))
}
