//! What second factors somebody has, and who may change them.

use hallpass_issuer::account::Account;
use hallpass_issuer::audit::Event;
use hallpass_issuer::factors::acr::Acr;
use hallpass_issuer::factors::required::{FactorPolicy, Factors};
use hallpass_issuer::mail::{Due, Kind};
use hallpass_protocol::{Timestamp, UserId};
use hallpass_store::{
    StoreError, Transaction, email_outbox, passkeys, recovery_codes, sign_in_events, totp_secrets,
};

use crate::accounts::directory::{Accounts, end_everything};
use crate::accounts::error::AccountError;
use crate::accounts::own::Own;

/// The second factors of a person, as they and their administrator see them.
#[derive(Clone, Debug, Default)]
pub struct SecondFactors {
    /// The authenticator app: when it was set up, and when it was last used.
    pub totp: Option<(Timestamp, Option<Timestamp>)>,
    /// How many passkeys there are.
    pub passkeys: usize,
    /// How many recovery codes are left.
    pub recovery_codes: u64,
}

impl SecondFactors {
    /// Their kinds.
    pub fn kinds(&self) -> Factors {
        Factors {
            totp: self.totp.is_some(),
            passkey: self.passkeys > 0,
        }
    }
}

/// Somebody who changes their second factors.
#[derive(Clone, Debug)]
pub(crate) struct SettingUp {
    pub(crate) own: Own,
    /// The sign-in that waits for it; none on the page of the account.
    pub(crate) event: Option<[u8; 16]>,
    /// What the server takes: the others are none.
    pub(crate) offered: Factors,
    /// The language of the page.
    pub(crate) locale: &'static str,
}

impl SettingUp {
    /// The account, if the factors are theirs to change. After a password alone nobody brings a
    /// factor, or takes one away, where there is one already: whoever has stolen the password would.
    pub(super) fn find(&self, tx: &Transaction<'_>) -> Result<Option<Account>, StoreError> {
        let Some(account) = self.own.find(tx)? else {
            return Ok(None);
        };
        let has_any = find(tx, &account.id)?.kinds().and(self.offered).has_any();
        let may_change = match &self.event {
            Some(event) => !has_any && sign_in_events::is_waiting(tx, (event, &account.id))?,
            None => !has_any || self.own.sign_in.reached() >= Some(Acr::SecondFactor),
        };
        Ok(may_change.then_some(account))
    }
}

/// What came of a wish to remove a factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Removal {
    /// It is gone.
    Done,
    /// The operator requires a second factor, and this is the last one.
    LastFactor,
    /// There was none, or the account is not what it was.
    Gone,
}

impl Accounts {
    /// The second factors of a person.
    pub async fn second_factors(&self, user: &UserId) -> Result<SecondFactors, AccountError> {
        let user = user.clone();
        Ok(self.store.read(move |tx| find(tx, &user)).await?)
    }

    /// Takes every second factor from a person who lost them, and signs them out everywhere: whoever
    /// has the factors may be signed in. They sign in with their password, and set up anew what is
    /// required.
    pub async fn reset_factors(&self, username: &str) -> Result<Account, AccountError> {
        let account = self.find(username).await?;
        let news = self.mail(Kind::FactorsChanged(account.id));
        let reset = self.change(username, move |tx, account, now| {
            totp_secrets::delete(tx, &account.id)?;
            passkeys::delete_by_user(tx, &account.id)?;
            recovery_codes::delete_by_user(tx, &account.id)?;
            account.raise_epoch();
            end_everything(tx, account, None, now)?;
            tell(tx, account, &news)
        });
        let account = reset.await?;
        self.tell(Event::MfaRemoved, &account).await;
        Ok(account)
    }

    pub(super) fn news(&self, by: &SettingUp) -> Due {
        Due {
            locale: Some(by.locale.to_owned()),
            ..self.mail(Kind::FactorsChanged(by.own.user.clone()))
        }
    }
}

/// Whether a person may be without the factor that is to go.
pub(super) fn may_go(policy: FactorPolicy, account: &Account, left: Factors) -> bool {
    policy.lets_go_without(account.role) || left.and(policy.offered).has_any()
}

/// The second factors of a person, in a transaction.
pub(in crate::accounts) fn find(
    tx: &Transaction<'_>,
    user: &UserId,
) -> Result<SecondFactors, StoreError> {
    let totp = totp_secrets::find(tx, user)?;
    Ok(SecondFactors {
        totp: totp.map(|totp| (totp.created_at, totp.last_used_at)),
        passkeys: passkeys::list_by_user(tx, user)?.len(),
        recovery_codes: recovery_codes::count_unused(tx, user)?,
    })
}

/// Word to the person, where there is an address.
pub(super) fn tell(tx: &Transaction<'_>, account: &Account, news: &Due) -> Result<(), StoreError> {
    match &account.email {
        Some(_) => email_outbox::insert(tx, news),
        None => Ok(()),
    }
}
