//! Accounts that people make themselves, with a link that proves their address. There is no account
//! before the link is used, so that nobody has one in another person's name.

use hallpass_issuer::account::{Account, EmailAddress, Role, Username};
use hallpass_issuer::sign_up::SignUp;
use hallpass_issuer::tokens::one_time::Kind as Token;
use hallpass_protocol::{Secret, random};
use hallpass_store::{passwords, sign_ups, users};

use super::directory::{Accounts, NewAccount};
use super::error::AccountError;

/// What a person says of themselves when they make an account.
#[derive(Debug)]
pub(crate) struct Newcomer {
    /// What others read, if they like to say.
    pub(crate) display_name: Option<String>,
    /// What they will sign in with.
    pub(crate) password: Secret<String>,
    /// The language of the page, as a tag.
    pub(crate) locale: &'static str,
}

impl Accounts {
    /// The account that stands in the way of a new one for an address.
    pub(crate) async fn holder_of(
        &self,
        email: &EmailAddress,
    ) -> Result<Option<Account>, AccountError> {
        let email = email.clone();
        let found = self
            .store
            .read(move |tx| users::find_by_address_or_username(tx, &email));
        Ok(found.await?)
    }

    /// Makes a link with which whoever reads the mail to an address makes an account: what stands in it.
    pub(crate) async fn new_sign_up(
        &self,
        email: EmailAddress,
    ) -> Result<Secret<String>, AccountError> {
        let (token, token_hash) = Token::AccountLink.generate(self.random.as_ref());
        let sign_up = SignUp::new(token_hash, email, self.now());
        let insert = self.store.write(move |tx| sign_ups::insert(tx, &sign_up));
        insert.await?;
        Ok(token)
    }

    /// Withdraws a link whose mail was not sent.
    pub(crate) async fn withdraw_sign_up(
        &self,
        token: &Secret<String>,
    ) -> Result<(), AccountError> {
        let Some(hash) = Token::AccountLink.read(token.expose()) else {
            return Ok(());
        };
        let delete = self.store.write(move |tx| sign_ups::delete(tx, &hash));
        delete.await?;
        Ok(())
    }

    /// The address for which a link makes an account. Looking uses nothing up: programs that check
    /// mails open links too. Where the address has an account by now the link is dead.
    pub(crate) async fn open_sign_up(&self, token: &str) -> Result<EmailAddress, AccountError> {
        let hash = Token::AccountLink
            .read(token)
            .ok_or(AccountError::DeadLink)?;
        let now = self.now();
        let found = self.store.read(move |tx| {
            let sign_up = sign_ups::find(tx, &hash)?.filter(|sign_up| sign_up.is_live(now));
            let Some(sign_up) = sign_up else {
                return Ok(None);
            };
            let holder = users::find_by_address_or_username(tx, &sign_up.email)?;
            Ok(holder.is_none().then_some(sign_up.email))
        });
        found.await?.ok_or(AccountError::DeadLink)
    }

    /// Makes the account of a link, and uses the link up. An account that has the address or the name
    /// by now, from wherever, stays as it is, and the link is dead.
    pub(crate) async fn sign_up(
        &self,
        token: &str,
        newcomer: Newcomer,
    ) -> Result<Account, AccountError> {
        let email = self.open_sign_up(token).await?;
        let username = Username::for_address(&email, random::bytes(self.random.as_ref()));
        let account = self.make(NewAccount {
            username: username.to_string(),
            email: Some(email.to_string()),
            display_name: newcomer.display_name,
            role: Role::User,
            locale: Some(newcomer.locale.to_owned()),
        })?;
        let account = Account {
            email_verified_at: Some(account.created_at),
            ..account
        };
        let hash = self.hash_new(&account, newcomer.password).await?;
        let token = Token::AccountLink
            .read(token)
            .ok_or(AccountError::DeadLink)?;
        let now = self.now();
        let made = self.store.write(move |tx| {
            // Whoever comes at the same time waits here, and finds none.
            let sign_up = sign_ups::find(tx, &token)?.filter(|sign_up| sign_up.is_live(now));
            if sign_up.is_none() || users::find_by_address_or_username(tx, &email)?.is_some() {
                return Ok(None);
            }
            sign_ups::delete(tx, &token)?;
            users::insert(tx, &account)?;
            passwords::save(tx, &account.id, &hash, now)?;
            Ok(Some(account.clone()))
        });
        match made.await.map_err(AccountError::from) {
            Ok(Some(account)) => Ok(account),
            // Another link to the same address was faster.
            Ok(None) | Err(AccountError::Taken) => Err(AccountError::DeadLink),
            Err(error) => Err(error),
        }
    }
}
