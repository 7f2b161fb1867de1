//! `[email]`.

use std::path::PathBuf;

use hallpass_protocol::Secret;

use crate::settings::error::SettingsError;
use crate::settings::files::Source;
use crate::settings::mode::{EmailSettings, EmailTransport, SmtpSecurity};
use crate::settings::refusal::{bad, with_hint};
use crate::settings::server_toml::{Email, EmailTransportWord};

pub(super) fn email(source: &Source, email: &Email) -> Result<EmailSettings, SettingsError> {
    let from = email.from.clone().unwrap_or_default();
    if from.chars().any(char::is_control) {
        return Err(bad(source, "email.from", "holds control characters"));
    }
    let transport = match email.transport {
        EmailTransportWord::Log => EmailTransport::Log,
        EmailTransportWord::Sendmail => {
            let command = email.command.clone();
            EmailTransport::Sendmail {
                command: command.unwrap_or_else(|| PathBuf::from("/usr/sbin/sendmail")),
            }
        }
        EmailTransportWord::Smtp => {
            let host = email.host.clone().filter(|host| !host.is_empty());
            let host = host.ok_or_else(|| bad(source, "email.host", "is missing"))?;
            let security = email.security.unwrap_or(SmtpSecurity::Starttls);
            let password = match &email.password_file {
                None => None,
                Some(file) => {
                    let path = source.folder.join(file);
                    let text = std::fs::read_to_string(&path)
                        .map_err(|source| SettingsError::Unreadable { path, source })?;
                    Some(Secret::new(text.trim_end_matches(['\r', '\n']).to_owned()))
                }
            };
            let credentials = match (&email.user, password) {
                (Some(user), Some(password)) => Some((user.clone(), password)),
                (None, None) => None,
                _ => {
                    return Err(bad(
                        source,
                        "email.user",
                        "and `email.password_file` go together",
                    ));
                }
            };
            if security == SmtpSecurity::None && credentials.is_some() {
                return Err(bad(
                    source,
                    "email.security",
                    "is `none`: the password would travel in the clear",
                ));
            }
            EmailTransport::Smtp {
                host,
                port: email.port.unwrap_or(match security {
                    SmtpSecurity::Tls => 465,
                    SmtpSecurity::Starttls => 587,
                    SmtpSecurity::None => 25,
                }),
                security,
                credentials,
            }
        }
    };
    if !matches!(transport, EmailTransport::Log) && !crate::mail::is_sender(&from) {
        let error = bad(source, "email.from", "names no sender");
        return Err(with_hint(error, "write `Sign-in <id@example.com>`"));
    }
    Ok(EmailSettings { transport, from })
}
