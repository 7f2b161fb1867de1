//! What a mail says: plain text, and the same as simple HTML that loads nothing.

use askama::Template;
use hallpass_issuer::account::{Account, EmailAddress};
use hallpass_issuer::account_link::Purpose;
use hallpass_protocol::Secret;

use crate::languages::Language;

/// A mail to a person.
#[derive(Debug)]
pub(crate) struct Letter {
    /// To whom. Its type has no room for a second header or recipient.
    pub(crate) to: EmailAddress,
    /// One line.
    pub(crate) subject: String,
    /// For programs that show text.
    pub(crate) text: Secret<String>,
    /// For the others.
    pub(crate) html: Secret<String>,
}

/// What one mail says, in a language.
struct Said<'a> {
    heading: String,
    lines: Vec<String>,
    /// What to press, and where it leads.
    link: Option<(&'static str, &'a str)>,
    closing: &'static str,
}

/// The parts of every mail.
#[derive(Template)]
#[template(path = "mail.html")]
struct Parts<'a> {
    lang: &'static str,
    service: &'a str,
    said: Said<'a>,
}

impl Letter {
    /// A mail with a link to a password.
    pub(crate) fn with_link(
        (account, to): (&Account, EmailAddress),
        (language, service): (Language, &str),
        purpose: Purpose,
        link: &str,
    ) -> Self {
        let (words, user) = (language.words(), account.username.as_str());
        let said = match purpose {
            Purpose::Invitation => Said {
                heading: words.invitation_subject(service).to_string(),
                lines: vec![
                    words.invitation_line(user).to_string(),
                    words.invitation_link_line.to_owned(),
                ],
                link: Some((words.choose_password, link)),
                closing: words.invitation_closing,
            },
            Purpose::Reset => Said {
                heading: words.reset_subject(service).to_string(),
                lines: vec![
                    words.reset_line(user).to_string(),
                    words.reset_link_line.to_owned(),
                ],
                link: Some((words.choose_new_password, link)),
                closing: words.reset_closing,
            },
        };
        Self::write(to, (language, service), said)
    }

    /// Word that a program in another network got what a browser's sign-in was worth.
    pub(crate) fn code_elsewhere(
        (account, to): (&Account, EmailAddress),
        (language, service): (Language, &str),
        account_url: &str,
    ) -> Self {
        let words = language.words();
        let said = Said {
            heading: words.elsewhere_subject(service).to_string(),
            lines: vec![
                words.elsewhere_line(account.username.as_str()).to_string(),
                words.elsewhere_link_line.to_owned(),
            ],
            link: Some((words.see_what_is_signed_in, account_url)),
            closing: words.elsewhere_closing,
        };
        Self::write(to, (language, service), said)
    }

    /// Word that the second factors were changed.
    pub(crate) fn factors_changed(
        (account, to): (&Account, EmailAddress),
        (language, service): (Language, &str),
    ) -> Self {
        let words = language.words();
        let said = Said {
            heading: words.factors_subject(service).to_string(),
            lines: vec![words.factors_line(account.username.as_str()).to_string()],
            link: None,
            closing: words.factors_closing,
        };
        Self::write(to, (language, service), said)
    }

    /// Word that a password was changed.
    pub(crate) fn password_changed(
        (account, to): (&Account, EmailAddress),
        (language, service): (Language, &str),
    ) -> Self {
        let words = language.words();
        let said = Said {
            heading: words.changed_subject(service).to_string(),
            lines: vec![words.changed_line(account.username.as_str()).to_string()],
            link: None,
            closing: words.changed_closing,
        };
        Self::write(to, (language, service), said)
    }

    fn write(to: EmailAddress, (language, service): (Language, &str), said: Said<'_>) -> Self {
        let link = said.link.map(|(label, url)| format!("\n{label}:\n{url}\n"));
        let text = format!(
            "{}\n\n{}\n{}\n{}\n\n-- \n{service}\n",
            said.heading,
            said.lines.join("\n\n"),
            link.unwrap_or_default(),
            said.closing,
        );
        let parts = Parts {
            lang: language.tag(),
            service,
            said,
        };
        // Only a template that writes nowhere can fail, and a string takes everything.
        let html = parts.render().unwrap_or_default();
        Self {
            to,
            subject: parts.said.heading,
            text: Secret::new(text),
            html: Secret::new(html),
        }
    }
}
