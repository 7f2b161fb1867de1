//! A second factor that is shown: at a sign-in, or at a step-up.

use std::time::Duration;

use hallpass_issuer::account::Account;
use hallpass_issuer::factors::passkey::UserVerification;
use hallpass_issuer::factors::recovery_code::{RecoveryCode, RecoveryKey};
use hallpass_issuer::factors::required::Factors;
use hallpass_issuer::limits::SECOND_FACTOR_PER_ACCOUNT;
use hallpass_issuer::user::{Method, SignIn};
use hallpass_protocol::webauthn::AuthenticationResponse;
use hallpass_protocol::{Secret, Timestamp};
use hallpass_store::{
    StoreError, Transaction, counters, lasting_secrets, recovery_codes, sign_in_events,
    totp_secrets, users,
};

use super::enrolled::find;
use super::passkeys::{self, Asked};
use crate::accounts::directory::Accounts;
use crate::accounts::error::AccountError;
use crate::accounts::own::Own;
use crate::accounts::sign_in::Budget;

/// What is shown as a second factor.
#[derive(Clone, Debug)]
pub(crate) enum Proof {
    /// A code of an authenticator app.
    Totp(Secret<String>),
    /// A code on paper.
    RecoveryCode(Secret<String>),
    /// The answer of a passkey to a challenge.
    Passkey(Box<(Asked, AuthenticationResponse)>),
}

/// A second factor that somebody shows.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    /// Whose, and what they proved before.
    pub(crate) own: Own,
    /// The sign-in that waits for it; none at a step-up.
    pub(crate) event: Option<[u8; 16]>,
    /// What they show.
    pub(crate) proof: Proof,
    /// A browser that signed in under this name before has tries of its own, so that whoever knows
    /// the password cannot lock the owner out.
    pub(crate) known_browser: Option<String>,
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum Proved {
    /// It is right: the account, and the sign-in with it.
    Right(Box<(Account, SignIn)>),
    /// It is wrong, was used before, or is none that this person has.
    Wrong,
    /// Not looked at: so long none is.
    Locked(Duration),
    /// The account or the sign-in is not what it was.
    Gone,
}

impl Accounts {
    /// Judges a second factor.
    pub(crate) async fn prove_factor(
        &self,
        shown: Shown,
        offered: Factors,
    ) -> Result<Proved, AccountError> {
        let now = self.now();
        // Never a budget of passwords: a right one gives that back, as often as it is typed.
        let guesser = match &shown.known_browser {
            Some(browser) => format!("factor|{browser}"),
            None => format!("factor|account|{}", shown.own.user.as_str()),
        };
        let budget = Budget::new(&guesser, SECOND_FACTOR_PER_ACCOUNT);
        let proved = self.store.write(move |tx| {
            let Some(account) = shown.own.find(tx)? else {
                return Ok(Proved::Gone);
            };
            if !shown.is_waited_for(tx)? {
                return Ok(Proved::Gone);
            }
            let tries = counters::load(tx, &budget.bucket)?;
            match tries.spend(budget.limit, now) {
                Ok(tries) => counters::save(tx, &budget.bucket, tries)?,
                Err(wait) => return Ok(Proved::Locked(wait)),
            }
            let Some(sign_in) = shown.judge(tx, &account, offered, now)? else {
                return Ok(Proved::Wrong);
            };
            counters::delete(tx, &budget.bucket)?;
            if let Some(event) = &shown.event {
                sign_in_events::finish(tx, (event, &account.id), now)?;
                users::note_login(tx, &account.id, now)?;
            }
            Ok(Proved::Right(Box::new((account, sign_in))))
        });
        Ok(proved.await?)
    }

    /// Finishes the sign-in in which a factor was set up; `None` when it was finished before, or the
    /// account is not what it was.
    pub(crate) async fn finish_sign_in(
        &self,
        own: Own,
        event: [u8; 16],
    ) -> Result<Option<Account>, AccountError> {
        let now = self.now();
        let finished = self.store.write(move |tx| {
            let Some(account) = own.find(tx)? else {
                return Ok(None);
            };
            if !sign_in_events::finish(tx, (&event, &account.id), now)? {
                return Ok(None);
            }
            users::note_login(tx, &account.id, now)?;
            Ok(Some(account))
        });
        Ok(finished.await?)
    }
}

impl Shown {
    /// Whether the sign-in, if there is one, still waits for a second factor.
    fn is_waited_for(&self, tx: &Transaction<'_>) -> Result<bool, StoreError> {
        match &self.event {
            None => Ok(true),
            Some(event) => sign_in_events::is_waiting(tx, (event, &self.own.user)),
        }
    }

    /// The sign-in with the factor, if it is right; then it is used up.
    fn judge(
        &self,
        tx: &Transaction<'_>,
        account: &Account,
        offered: Factors,
        now: Timestamp,
    ) -> Result<Option<SignIn>, StoreError> {
        let usable = find(tx, &account.id)?.kinds().and(offered);
        let before = self.own.sign_in.clone();
        let with = |method| before.clone().with_factor(method, now);
        match &self.proof {
            Proof::Totp(code) if usable.totp => {
                let Some(secret) = totp_secrets::find(tx, &account.id)? else {
                    return Ok(None);
                };
                let found = secret
                    .seed
                    .verify(code.expose(), Some(secret.last_step), now);
                if let Some(step) = found {
                    totp_secrets::note_used(tx, &account.id, step, now)?;
                }
                Ok(found.map(|_| with(Method::Totp)))
            }
            Proof::RecoveryCode(typed) if usable.has_any() => {
                let code = RecoveryCode::parse(typed.expose());
                let key = lasting_secrets::find(tx, lasting_secrets::RECOVERY_CODES)?;
                let (Some(code), Some(key)) = (code, key) else {
                    return Ok(None);
                };
                let mac = RecoveryKey::from_bytes(*key.expose()).mac(&account.id, &code);
                let is_right = recovery_codes::redeem(tx, &account.id, &mac, now)?;
                Ok(is_right.then(|| with(Method::RecoveryCode)))
            }
            Proof::Passkey(answer) if usable.passkey => {
                let (asked, response) = answer.as_ref();
                let owner = (account, UserVerification::Preferred);
                let used = passkeys::prove(tx, owner, (asked, response), now)?;
                Ok(used.ok().map(|used| before.with_passkey(&used, now)))
            }
            Proof::Totp(_) | Proof::RecoveryCode(_) | Proof::Passkey(_) => Ok(None),
        }
    }
}
