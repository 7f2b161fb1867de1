//! Second factors of people: shown at a sign-in or a step-up, set up, made anew, removed.
//!
//! A try is charged, judged and noted in one transaction: of two that show one code, one counts.
//! Decisions: [`hallpass_issuer::factors`].

use std::time::Duration;

use hallpass_issuer::account::Account;
use hallpass_issuer::factors::passkey::UserVerification;
use hallpass_issuer::factors::recovery_code::{self, RecoveryCode, RecoveryKey};
use hallpass_issuer::factors::required::{FactorPolicy, Factors};
use hallpass_issuer::factors::totp::TotpSeed;
use hallpass_issuer::limits::SECOND_FACTOR_PER_ACCOUNT;
use hallpass_issuer::mail::{Due, Kind};
use hallpass_issuer::user::{Method, SignIn};
use hallpass_protocol::webauthn::AuthenticationResponse;
use hallpass_protocol::{Secret, Timestamp, UserId, random};
use hallpass_store::totp_secrets::TotpSecret;
use hallpass_store::{
    StoreError, Transaction, counters, email_outbox, lasting_secrets, passkeys, recovery_codes,
    sign_in_events, totp_secrets, users,
};

use super::directory::{Accounts, end_everything};
use super::error::AccountError;
use super::own::Own;
use super::passkeys::{Asked, prove};
use super::sign_in::Budget;

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

/// An authenticator app to set up.
#[derive(Clone, Debug)]
pub(crate) struct NewTotp {
    pub(crate) own: Own,
    /// The sign-in that waits for it. There nobody has a second factor yet, or their password would
    /// be enough to replace it.
    pub(crate) event: Option<[u8; 16]>,
    /// What the app was given.
    pub(crate) seed: TotpSeed,
    /// The code that it shows.
    pub(crate) code: Secret<String>,
    /// The language of the page.
    pub(crate) locale: &'static str,
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum Enrolment {
    /// It is set up; the codes for the day on which it is lost.
    Done(Vec<Secret<String>>),
    /// The code is not what the app should show.
    Wrong,
    /// The account or the sign-in is not what it was.
    Gone,
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

    /// Sets an authenticator app up, in place of the one before, once it shows the right code; with
    /// it come new recovery codes.
    pub(crate) async fn enrol_totp(&self, new: NewTotp) -> Result<Enrolment, AccountError> {
        let now = self.now();
        let news = self.news(&new.own.user, new.locale);
        let (drawn, codes) = self.draw_codes();
        let shown = codes.iter().map(RecoveryCode::shown).collect();
        let enrolled = self.store.write(move |tx| {
            let Some(account) = new.own.find(tx)? else {
                return Ok(Some(false));
            };
            if let Some(event) = &new.event
                && (!sign_in_events::is_waiting(tx, (event, &account.id))?
                    || find(tx, &account.id)?.kinds().has_any())
            {
                return Ok(Some(false));
            }
            let Some(step) = new.seed.verify(new.code.expose(), None, now) else {
                return Ok(None);
            };
            let secret = TotpSecret {
                seed: new.seed.clone(),
                last_step: step,
                created_at: now,
                last_used_at: None,
            };
            totp_secrets::save(tx, &account.id, &secret)?;
            save_codes(tx, &account.id, (&drawn, &codes), now)?;
            tell(tx, &account, &news)?;
            Ok(Some(true))
        });
        Ok(match enrolled.await? {
            Some(true) => Enrolment::Done(shown),
            Some(false) => Enrolment::Gone,
            None => Enrolment::Wrong,
        })
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

    /// Gives a person new recovery codes; the ones before are void. `None` without a second factor:
    /// there is nothing that they could stand in for.
    pub(crate) async fn renew_recovery_codes(
        &self,
        own: Own,
        locale: &'static str,
    ) -> Result<Option<Vec<Secret<String>>>, AccountError> {
        let now = self.now();
        let news = self.news(&own.user, locale);
        let (drawn, codes) = self.draw_codes();
        let shown = codes.iter().map(RecoveryCode::shown).collect();
        let renewed = self.store.write(move |tx| {
            let Some(account) = own.find(tx)? else {
                return Ok(false);
            };
            if !find(tx, &account.id)?.kinds().has_any() {
                return Ok(false);
            }
            save_codes(tx, &account.id, (&drawn, &codes), now)?;
            tell(tx, &account, &news)?;
            Ok(true)
        });
        Ok(renewed.await?.then_some(shown))
    }

    /// Removes a person's authenticator app, unless it is the last factor of somebody who must have
    /// one.
    pub(crate) async fn remove_totp(
        &self,
        own: Own,
        (policy, locale): (FactorPolicy, &'static str),
    ) -> Result<Removal, AccountError> {
        let news = self.news(&own.user, locale);
        let removed = self.store.write(move |tx| {
            let Some(account) = own.find(tx)? else {
                return Ok(Removal::Gone);
            };
            let left = Factors {
                totp: false,
                ..find(tx, &account.id)?.kinds()
            };
            if !policy.lets_go_without(account.role) && !left.and(policy.offered).has_any() {
                return Ok(Removal::LastFactor);
            }
            if !totp_secrets::delete(tx, &account.id)? {
                return Ok(Removal::Gone);
            }
            forget_codes_without_factor(tx, &account.id)?;
            tell(tx, &account, &news)?;
            Ok(Removal::Done)
        });
        Ok(removed.await?)
    }

    /// Takes every second factor from a person who lost them, and signs them out everywhere: whoever
    /// has the factors may be signed in. They sign in with their password, and set up anew what is
    /// required.
    pub async fn reset_factors(&self, username: &str) -> Result<Account, AccountError> {
        let account = self.find(username).await?;
        let news = self.mail(Kind::FactorsChanged(account.id));
        self.change(username, move |tx, account, now| {
            totp_secrets::delete(tx, &account.id)?;
            passkeys::delete_by_user(tx, &account.id)?;
            recovery_codes::delete_by_user(tx, &account.id)?;
            account.raise_epoch();
            end_everything(tx, account, now)?;
            tell(tx, account, &news)
        })
        .await
    }

    pub(super) fn news(&self, user: &UserId, locale: &'static str) -> Due {
        Due {
            locale: Some(locale.to_owned()),
            ..self.mail(Kind::FactorsChanged(user.clone()))
        }
    }

    /// New codes, and the value that becomes their key if there is none yet.
    fn draw_codes(&self) -> (Secret<[u8; 32]>, Vec<RecoveryCode>) {
        let codes = (0..recovery_code::COUNT).map(|_| RecoveryCode::generate(self.random.as_ref()));
        let codes = codes.collect();
        (Secret::new(random::bytes(self.random.as_ref())), codes)
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
                let used = prove(tx, owner, (asked, response), now)?;
                Ok(used.ok().map(|used| before.with_passkey(&used, now)))
            }
            Proof::Totp(_) | Proof::RecoveryCode(_) | Proof::Passkey(_) => Ok(None),
        }
    }
}

/// The second factors of a person, in a transaction.
pub(super) fn find(tx: &Transaction<'_>, user: &UserId) -> Result<SecondFactors, StoreError> {
    let totp = totp_secrets::find(tx, user)?;
    Ok(SecondFactors {
        totp: totp.map(|totp| (totp.created_at, totp.last_used_at)),
        passkeys: passkeys::list_by_user(tx, user)?.len(),
        recovery_codes: recovery_codes::count_unused(tx, user)?,
    })
}

/// Recovery codes stand in for a factor: without one they are none.
pub(super) fn forget_codes_without_factor(
    tx: &Transaction<'_>,
    user: &UserId,
) -> Result<(), StoreError> {
    if !find(tx, user)?.kinds().has_any() {
        recovery_codes::delete_by_user(tx, user)?;
    }
    Ok(())
}

fn save_codes(
    tx: &Transaction<'_>,
    user: &UserId,
    (drawn, codes): (&Secret<[u8; 32]>, &[RecoveryCode]),
    now: Timestamp,
) -> Result<(), StoreError> {
    let key = lasting_secrets::load_or_insert(tx, lasting_secrets::RECOVERY_CODES, drawn)?;
    let key = RecoveryKey::from_bytes(*key.expose());
    let macs: Vec<_> = codes.iter().map(|code| key.mac(user, code)).collect();
    recovery_codes::replace(tx, user, &macs, now)
}

/// Word to the person, where there is an address.
pub(super) fn tell(tx: &Transaction<'_>, account: &Account, news: &Due) -> Result<(), StoreError> {
    match &account.email {
        Some(_) => email_outbox::insert(tx, news),
        None => Ok(()),
    }
}
