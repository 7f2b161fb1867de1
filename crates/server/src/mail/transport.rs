//! How mail leaves: by SMTP, by `sendmail`, or into the log.
//!
//! SMTP, RFC 5321: <https://www.rfc-editor.org/rfc/rfc5321>, STARTTLS, RFC 3207.

use std::time::Duration;

use hallpass_protocol::hex;
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{
    Address, AsyncSendmailTransport, AsyncSmtpTransport, AsyncTransport as _, Message,
    Tokio1Executor,
};

use super::message::Letter;
use crate::settings::{EmailSettings, EmailTransport, SmtpSecurity};

/// A server that does not answer for so long is down.
const PATIENCE: Duration = Duration::from_secs(20);

/// Sends mail.
#[derive(Debug)]
pub(crate) struct Mailer {
    from: Option<Mailbox>,
    way: Way,
}

#[derive(Debug)]
enum Way {
    Log,
    Smtp(Box<AsyncSmtpTransport<Tokio1Executor>>),
    Sendmail(AsyncSendmailTransport<Tokio1Executor>),
}

/// Whether a text names a sender: `Sign-in <id@example.com>`.
pub(crate) fn is_sender(text: &str) -> bool {
    text.parse::<Mailbox>().is_ok()
}

impl Mailer {
    /// Prepares the way out; the first mail opens the connection.
    pub(crate) fn new(settings: &EmailSettings) -> Result<Self, String> {
        let way = match &settings.transport {
            EmailTransport::Log => Way::Log,
            EmailTransport::Sendmail { command } => {
                Way::Sendmail(AsyncSendmailTransport::new_with_command(command))
            }
            EmailTransport::Smtp {
                host,
                port,
                security,
                credentials,
            } => {
                let tls = || TlsParameters::new(host.clone()).map_err(|error| error.to_string());
                let tls = match security {
                    SmtpSecurity::None => Tls::None,
                    SmtpSecurity::Starttls => Tls::Required(tls()?),
                    SmtpSecurity::Tls => Tls::Wrapper(tls()?),
                };
                let mut builder =
                    AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host.as_str())
                        .port(*port)
                        .tls(tls)
                        .timeout(Some(PATIENCE));
                if let Some((user, password)) = credentials {
                    let password = password.expose().clone();
                    builder = builder.credentials(Credentials::new(user.clone(), password));
                }
                Way::Smtp(Box::new(builder.build()))
            }
        };
        Ok(Self {
            from: settings.from.parse().ok(),
            way,
        })
    }

    /// Sends a mail; what went wrong, in words for the log. `id` is the same at each attempt.
    pub(crate) async fn send(&self, id: &[u8; 16], letter: &Letter) -> Result<(), String> {
        let to: Address = letter.to.as_str().parse().map_err(in_words)?;
        if let Way::Log = self.way {
            // Who chooses this reads links in the log instead of in a mail.
            let text = letter.text.expose();
            tracing::info!(%to, subject = letter.subject, text, "mail");
            return Ok(());
        }
        let from = self.from.clone().ok_or("`email.from` names no sender")?;
        let html = letter.html.expose().clone();
        let body = MultiPart::alternative_plain_html(letter.text.expose().clone(), html);
        let id = format!("<{}@{}>", hex::encode(id), from.email.domain());
        let message = Message::builder()
            .message_id(Some(id))
            .from(from)
            .to(Mailbox::new(None, to))
            .subject(letter.subject.clone())
            // RFC 3834: holiday programs do not answer.
            .header(AutoSubmitted)
            .multipart(body)
            .map_err(in_words)?;
        match &self.way {
            Way::Log => Ok(()),
            Way::Smtp(server) => server.send(message).await.map(|_| ()).map_err(in_words),
            Way::Sendmail(program) => program.send(message).await.map_err(in_words),
        }
    }
}

fn in_words(error: impl std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(deeper) = cause {
        text = format!("{text}: {deeper}");
        cause = deeper.source();
    }
    text
}

/// `Auto-Submitted: auto-generated`, RFC 3834 §5.
#[derive(Clone, Copy, Debug)]
struct AutoSubmitted;

impl lettre::message::header::Header for AutoSubmitted {
    fn name() -> lettre::message::header::HeaderName {
        lettre::message::header::HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> lettre::message::header::HeaderValue {
        let value = "auto-generated".to_owned();
        lettre::message::header::HeaderValue::new(Self::name(), value)
    }
}
