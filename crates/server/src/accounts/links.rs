//! The links that come by mail: made when the mail is sent, used up by a new password.

use hallpass_issuer::account::{Account, Status};
use hallpass_issuer::account_link::{AccountLink, Purpose};
use hallpass_issuer::mail::Kind;
use hallpass_issuer::tokens::one_time::Kind as Token;
use hallpass_protocol::{Secret, UserId};
use hallpass_store::{StoreError, Transaction, account_links, email_outbox, passwords, users};

use super::directory::{Accounts, replace_password};
use super::error::AccountError;
use crate::settings::AccountRegistration;

/// A link, as it stands in a mail.
#[derive(Debug)]
pub struct NewLink {
    /// What opens the account.
    pub token: Secret<String>,
    /// What the link is for.
    pub purpose: Purpose,
}

/// Whether a link may set the password of an account. Where registration is off it sets no first one, so
/// that invitations which were sent before, and resets in their place, let nobody in.
pub(crate) fn may_be_given_password(
    tx: &Transaction<'_>,
    user: &UserId,
    registration: AccountRegistration,
) -> Result<bool, StoreError> {
    Ok(registration != AccountRegistration::Off || passwords::find(tx, user)?.is_some())
}

impl Accounts {
    /// Makes a link to an account.
    pub async fn new_link(&self, user: &UserId, purpose: Purpose) -> Result<NewLink, AccountError> {
        let (token, token_hash) = Token::AccountLink.generate(self.random.as_ref());
        let now = self.now();
        let link = AccountLink {
            token_hash,
            user: user.clone(),
            purpose,
            created_at: now,
            expires_at: now + purpose.lifetime(),
        };
        let insert = self.store.write(move |tx| account_links::insert(tx, &link));
        insert.await?;
        Ok(NewLink { token, purpose })
    }

    /// Withdraws a link whose mail was not sent.
    pub(crate) async fn withdraw_link(&self, link: &NewLink) -> Result<(), AccountError> {
        let Some(hash) = Token::AccountLink.read(link.token.expose()) else {
            return Ok(());
        };
        let delete = self.store.write(move |tx| account_links::delete(tx, &hash));
        Ok(delete.await?)
    }

    /// The account that a link opens, and what the link is for. Looking uses nothing up: programs
    /// that check mails open links too.
    pub(crate) async fn open_link(
        &self,
        token: &str,
        registration: AccountRegistration,
    ) -> Result<(Account, Purpose), AccountError> {
        let hash = Token::AccountLink
            .read(token)
            .ok_or(AccountError::DeadLink)?;
        let now = self.now();
        let found = self.store.read(move |tx| {
            let link = account_links::find(tx, &hash)?.filter(|link| link.is_live(now));
            let Some(link) = link else { return Ok(None) };
            if !may_be_given_password(tx, &link.user, registration)? {
                return Ok(None);
            }
            let account = users::find(tx, &link.user)?;
            Ok(account.map(|account| (account, link.purpose)))
        });
        let found = found.await?;
        let opened = found.filter(|(account, _)| account.status == Status::Active);
        opened.ok_or(AccountError::DeadLink)
    }

    /// Sets the password of the account that a link opens. That uses up every link of the account,
    /// ends what was signed in before, and proves that its mail is read. `locale` is the language of
    /// the page, which counts until the person chooses one.
    pub(crate) async fn use_link(
        &self,
        token: &str,
        password: Secret<String>,
        (locale, registration): (&'static str, AccountRegistration),
    ) -> Result<Account, AccountError> {
        let (account, purpose) = self.open_link(token, registration).await?;
        let hash = self.hash_new(&account, password).await?;
        let token = Token::AccountLink
            .read(token)
            .ok_or(AccountError::DeadLink)?;
        let now = self.now();
        let news = self.mail(Kind::PasswordChanged(account.id.clone()));
        let changed = self.store.write(move |tx| {
            let link = account_links::find(tx, &token)?.filter(|link| link.is_live(now));
            let Some(link) = link else { return Ok(None) };
            let found = users::find(tx, &link.user)?;
            let Some(mut account) = found.filter(|found| found.status == Status::Active) else {
                return Ok(None);
            };
            // Another account may have proved the address in between; then it stays that one's.
            let is_free = match &account.email {
                Some(email) => users::find_by_verified_email(tx, email)?.is_none(),
                None => false,
            };
            if is_free {
                account.email_verified_at = Some(now);
            }
            replace_password(tx, &mut account, &hash, now)?;
            if account.locale.is_none() {
                users::note_locale(tx, &account.id, locale)?;
            }
            if purpose == Purpose::Reset {
                email_outbox::insert(tx, &news)?;
            }
            Ok(Some(account))
        });
        changed.await?.ok_or(AccountError::DeadLink)
    }
}
