//! The mail to an address for which somebody wants an account: a link to make one, or word that there is
//! one already. Nobody but whoever reads it learns which.

use hallpass_issuer::account::EmailAddress;
use hallpass_issuer::mail::Due;
use hallpass_issuer::sign_up::{MAIL_SPACING, MAILS_PER_DAY, mailbox};

use super::due_mail::{is_asked_too_often, language_of, sender};
use crate::error::Fault;
use crate::mail::Letter;
use crate::state::State;

/// Sends it, or finds that there is none to send; the inner error is the mail server's.
pub(super) async fn send(
    state: &State,
    due: &Due,
    typed: &str,
) -> Result<Result<(), String>, Fault> {
    let Some(email) = EmailAddress::parse(typed) else {
        return Ok(Ok(()));
    };
    if !state.settings.is_open_to_newcomers() {
        tracing::info!("no link to a new account is sent: `login.registration` is not `open`");
        return Ok(Ok(()));
    }
    let mailbox = mailbox(&email);
    let budgets = [
        (format!("sign-up|{mailbox}"), MAIL_SPACING),
        (format!("sign-up|day|{mailbox}"), MAILS_PER_DAY),
    ];
    if is_asked_too_often(state, due, &budgets).await? {
        // The address is whatever a stranger typed.
        tracing::info!("too many links to a new account were asked for");
        return Ok(Ok(()));
    }
    if let Some(holder) = state.accounts.holder_of(&email).await? {
        let Some(url) = state.settings.login_url() else {
            return Ok(Err("`public_url` is not set".to_owned()));
        };
        let language = language_of(state, Some(&holder), due);
        // Where only the user name is this address, the mail of the account may go elsewhere.
        let own = holder.email.clone();
        let own = own.filter(|own| own.folded() == email.folded());
        let to = own.unwrap_or(email);
        let letter = Letter::account_exists((&holder, to), sender(state, language), &url);
        return Ok(state.mailer.send(&due.id, &letter).await);
    }
    let language = language_of(state, None, due);
    let token = state.accounts.new_sign_up(email.clone()).await?;
    // Never by the `Host` of a request: who asks for somebody's mail must not say where it leads.
    let Some(url) = state.settings.sign_up_url(&token) else {
        return Ok(Err("`public_url` is not set".to_owned()));
    };
    let letter = Letter::sign_up(email, sender(state, language), url.expose());
    let sent = state.mailer.send(&due.id, &letter).await;
    if sent.is_err() {
        state.accounts.withdraw_sign_up(&token).await?;
    }
    Ok(sent)
}
