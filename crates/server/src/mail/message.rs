//! What a mail says: plain text, and the same as simple HTML that loads nothing.

use askama::Template;
use hallpass_issuer::account::{Account, EmailAddress};
use hallpass_issuer::account_link::Purpose;
use hallpass_protocol::Secret;

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

/// The parts of every mail.
#[derive(Template)]
#[template(path = "mail.html")]
struct Words<'a> {
    service: &'a str,
    heading: String,
    lines: Vec<String>,
    link: Option<(&'static str, &'a str)>,
    closing: &'static str,
}

impl Letter {
    /// A mail with a link to a password.
    pub(crate) fn with_link(
        (account, to): (&Account, EmailAddress),
        service: &str,
        purpose: Purpose,
        link: &str,
    ) -> Self {
        let name = account.username.as_str();
        let words = match purpose {
            Purpose::Invitation => Words {
                service,
                heading: format!("Your account at {service}"),
                lines: vec![
                    format!("An account with the user name {name} was made for you."),
                    "Choose a password to sign in. The link is good for seven days and works once."
                        .to_owned(),
                ],
                link: Some(("Choose a password", link)),
                closing: "If you did not expect this, ignore it: without a password nobody can sign in.",
            },
            Purpose::Reset => Words {
                service,
                heading: format!("A new password at {service}"),
                lines: vec![
                    format!("Somebody asked for a new password for the user name {name}."),
                    "If it was you, choose one. The link is good for 15 minutes and works once. A new \
                     password signs you out everywhere."
                        .to_owned(),
                ],
                link: Some(("Choose a new password", link)),
                closing: "If it was not you, ignore this: nothing has changed.",
            },
        };
        words.seal(to)
    }

    /// Word that a password was changed.
    pub(crate) fn password_changed((account, to): (&Account, EmailAddress), service: &str) -> Self {
        let name = account.username.as_str();
        let words = Words {
            service,
            heading: format!("Your password at {service} was changed"),
            lines: vec![format!(
                "The password of the user name {name} was changed by a link from a mail to this \
                 address. Everything that was signed in before was signed out."
            )],
            link: None,
            closing: "If it was not you, tell whoever runs this service at once.",
        };
        words.seal(to)
    }
}

impl Words<'_> {
    fn seal(&self, to: EmailAddress) -> Letter {
        let link = self.link.map(|(label, url)| format!("\n{label}:\n{url}\n"));
        let text = format!(
            "{}\n\n{}\n{}\n{}\n\n-- \n{}\n",
            self.heading,
            self.lines.join("\n\n"),
            link.unwrap_or_default(),
            self.closing,
            self.service
        );
        Letter {
            to,
            subject: self.heading.clone(),
            text: Secret::new(text),
            // Only a template that writes nowhere can fail, and a string takes everything.
            html: Secret::new(self.render().unwrap_or_default()),
        }
    }
}
