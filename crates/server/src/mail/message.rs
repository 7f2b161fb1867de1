//! What a mail says: plain text, and the same as simple HTML that loads nothing.

use askama::Template;
use hallpass_issuer::account::{Account, EmailAddress};
use hallpass_issuer::account_link::Purpose;
use hallpass_protocol::Secret;

use crate::branding::Palette;
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

/// Who writes, in which language, and with which button.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sender<'a> {
    pub(crate) language: Language,
    /// What people know the service by.
    pub(crate) service: &'a str,
    /// Its colors. The button brings its own ground, as nobody knows on which one a mail is read.
    pub(crate) colors: Palette,
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
    colors: Palette,
    said: Said<'a>,
}

impl Letter {
    /// A mail with a link to a password.
    pub(crate) fn with_link(
        (account, to): (&Account, EmailAddress),
        sender: Sender<'_>,
        purpose: Purpose,
        link: &str,
    ) -> Self {
        let (words, service) = (sender.language.words(), sender.service);
        let user = account.username.as_str();
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
        Self::write(to, sender, said)
    }

    /// A mail with a link to a new account.
    pub(crate) fn sign_up(to: EmailAddress, sender: Sender<'_>, link: &str) -> Self {
        let (words, service) = (sender.language.words(), sender.service);
        let said = Said {
            heading: words.sign_up_subject(service).to_string(),
            lines: vec![
                words.sign_up_line.to_owned(),
                words.sign_up_link_line.to_owned(),
            ],
            link: Some((words.create_account, link)),
            closing: words.sign_up_closing,
        };
        Self::write(to, sender, said)
    }

    /// Word that there is an account already, to somebody who asked for one.
    pub(crate) fn account_exists(
        (account, to): (&Account, EmailAddress),
        sender: Sender<'_>,
        login_url: &str,
    ) -> Self {
        let (words, service) = (sender.language.words(), sender.service);
        let said = Said {
            heading: words.exists_subject(service).to_string(),
            lines: vec![
                words.exists_line(account.username.as_str()).to_string(),
                words.exists_link_line.to_owned(),
            ],
            link: Some((words.sign_in, login_url)),
            closing: words.exists_closing,
        };
        Self::write(to, sender, said)
    }

    /// Word that a program in another network got what a browser's sign-in was worth.
    pub(crate) fn code_elsewhere(
        (account, to): (&Account, EmailAddress),
        sender: Sender<'_>,
        account_url: &str,
    ) -> Self {
        let (words, service) = (sender.language.words(), sender.service);
        let said = Said {
            heading: words.elsewhere_subject(service).to_string(),
            lines: vec![
                words.elsewhere_line(account.username.as_str()).to_string(),
                words.elsewhere_link_line.to_owned(),
            ],
            link: Some((words.see_what_is_signed_in, account_url)),
            closing: words.elsewhere_closing,
        };
        Self::write(to, sender, said)
    }

    /// Word that the second factors were changed.
    pub(crate) fn factors_changed(
        (account, to): (&Account, EmailAddress),
        sender: Sender<'_>,
    ) -> Self {
        let (words, service) = (sender.language.words(), sender.service);
        let said = Said {
            heading: words.factors_subject(service).to_string(),
            lines: vec![words.factors_line(account.username.as_str()).to_string()],
            link: None,
            closing: words.factors_closing,
        };
        Self::write(to, sender, said)
    }

    /// Word that a password was changed.
    pub(crate) fn password_changed(
        (account, to): (&Account, EmailAddress),
        sender: Sender<'_>,
    ) -> Self {
        let (words, service) = (sender.language.words(), sender.service);
        let said = Said {
            heading: words.changed_subject(service).to_string(),
            lines: vec![words.changed_line(account.username.as_str()).to_string()],
            link: None,
            closing: words.changed_closing,
        };
        Self::write(to, sender, said)
    }

    fn write(to: EmailAddress, sender: Sender<'_>, said: Said<'_>) -> Self {
        let Sender {
            language,
            service,
            colors,
        } = sender;
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
            colors,
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
