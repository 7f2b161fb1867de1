//! A user name and a password: charged to whoever guesses before anything is looked at, and the same
//! work, answer and text whether there is such an account or not.

use std::net::IpAddr;
use std::time::Duration;

use hallpass_issuer::account::{Account, EmailAddress, Status, Username};
use hallpass_issuer::factors::required::{Demand, FactorPolicy, Factors, Missing, Person};
use hallpass_issuer::limits::Limit;
use hallpass_issuer::sign_in_event::{self, SignInEvent};
use hallpass_issuer::tokens::one_time::SecretHash;
use hallpass_protocol::{Secret, UserId, random};
use hallpass_store::{StoreError, Transaction, counters, passwords, sign_in_events, users};

use super::directory::Accounts;
use super::error::AccountError;
use crate::limiter::network_of;
use crate::settings::LimitSettings;

/// A guess at the password of an account.
#[derive(Debug)]
pub(crate) struct Guess {
    /// What was typed as the name: a user name, or a proven address.
    pub(crate) name: String,
    /// What was typed as the password.
    pub(crate) password: Secret<String>,
    /// A browser that signed in under this name before.
    pub(crate) known_browser: Option<String>,
    /// Where it comes from.
    pub(crate) address: IpAddr,
    /// The browser in words.
    pub(crate) browser: Option<String>,
}

/// What is asked of whoever signs in, and how often they may guess.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules<'a> {
    pub(crate) limits: &'a LimitSettings,
    pub(crate) factors: FactorPolicy,
    pub(crate) demand: &'a Demand,
}

/// What a guess came to.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It is the person. The account is as it was when the guess was begun: what happened to it
    /// since makes its epoch an old one.
    SignedIn(Box<Account>),
    /// It is the person as far as a password can say, and more is needed of them.
    Waits(Box<Waits>),
    /// It cannot be what it has to be: no second factor would do.
    Unreachable,
    /// It is not, or there is no such account, or it is locked, or it has no password. Which account
    /// it was about, if there is one: for the records, and not for whoever guesses.
    Wrong(Option<UserId>),
    /// Not looked at: so long no guess is.
    Locked(Duration),
}

/// A sign-in that waits for a second factor.
#[derive(Debug)]
pub(crate) struct Waits {
    /// As it was when the guess was begun.
    pub(crate) account: Account,
    /// What the person will read of it, if it is never finished.
    pub(crate) event: [u8; 16],
    /// Whether a factor has to be set up, instead of shown.
    pub(crate) enrols: bool,
    /// What the person has.
    pub(crate) enrolled: Factors,
}

/// A budget that a guess is charged to.
#[derive(Clone, Copy)]
pub(super) struct Budget {
    pub(super) bucket: SecretHash,
    pub(super) limit: Limit,
}

impl Budget {
    pub(super) fn new(guesser: &str, limit: Limit) -> Self {
        let bucket = SecretHash::of(guesser.as_bytes());
        Self { bucket, limit }
    }

    /// The one that all guesses from an address are charged to.
    pub(super) fn of_address(address: IpAddr, limits: &LimitSettings) -> Self {
        let guesser = format!("login|address|{}", network_of(address));
        Self::new(&guesser, limits.login_per_ip)
    }
}

impl Accounts {
    /// Judges a guess.
    pub(crate) async fn sign_in(
        &self,
        guess: Guess,
        rules: Rules<'_>,
    ) -> Result<Outcome, AccountError> {
        let (address, account) = budgets(&guess, rules.limits);
        if let Some(wait) = self.charge(address, account).await? {
            return Ok(Outcome::Locked(wait));
        }
        let name = guess.name.clone();
        let found = self.store.read(move |tx| find(tx, &name));
        let (found, hash) = found.await?;
        let password = guess.password.clone();
        // A locked account costs the same work, and is told in the same words.
        let is_right = self.hasher.verify(password, hash.as_ref()).await?;
        let now = self.now();
        let mut event = self.event(&guess, found.as_ref());
        let known = found.as_ref().map(|account| account.id.clone());
        let found = found.filter(|account| is_right && account.status == Status::Active);
        let (Some(mut found), Some(hash)) = (found, hash) else {
            // Also where there is no account: else the time that a write takes would tell.
            let noted = self.store.write(move |tx| sign_in_events::save(tx, &event));
            noted.await?;
            return Ok(Outcome::Wrong(known));
        };
        let enrolled = self.second_factors(&found.id).await?.kinds();
        let person = Person {
            role: found.role,
            enrolled,
        };
        let missing = rules.factors.after_password(person, rules.demand);
        event.outcome = match missing {
            Missing::Nothing => sign_in_event::Outcome::SignedIn,
            // Whoever reads it later learns that their password was right.
            Missing::Factor | Missing::Enrolment | Missing::Unreachable => {
                sign_in_event::Outcome::Unfinished
            }
        };
        let rehashed = if self.hasher.is_current(&hash) {
            None
        } else {
            let password = guess.password;
            let anew = self.hasher.hash(password, self.random.as_ref()).await?;
            Some((hash, anew))
        };
        let (id, event_id) = (found.id.clone(), event.id);
        let noted = self.store.write(move |tx| {
            counters::delete(tx, &account.bucket)?;
            let tries = counters::load(tx, &address.bucket)?;
            counters::save(tx, &address.bucket, tries.refund())?;
            if let Some((old, new)) = &rehashed {
                passwords::rehash(tx, &id, (old, new))?;
            }
            sign_in_events::save(tx, &event)?;
            match missing {
                Missing::Nothing => users::note_login(tx, &id, now),
                Missing::Factor | Missing::Enrolment | Missing::Unreachable => Ok(()),
            }
        });
        noted.await?;
        Ok(match missing {
            Missing::Nothing => {
                found.last_login_at = Some(now);
                Outcome::SignedIn(Box::new(found))
            }
            Missing::Unreachable => Outcome::Unreachable,
            Missing::Factor | Missing::Enrolment => Outcome::Waits(Box::new(Waits {
                account: found,
                event: event_id,
                enrols: missing == Missing::Enrolment,
                enrolled,
            })),
        })
    }

    /// What the account's person will read of a guess that was refused.
    fn event(&self, guess: &Guess, account: Option<&Account>) -> SignInEvent {
        let nobody = SignInEvent::of_nobody(self.now(), guess.address);
        let id = random::bytes(self.random.as_ref());
        match account {
            None => nobody,
            Some(account) => SignInEvent {
                id,
                user: account.id.clone(),
                browser: guess.browser.clone(),
                ..nobody
            },
        }
    }

    /// Charges both budgets, or neither and says how long to wait.
    pub(super) async fn charge(
        &self,
        address: Budget,
        account: Budget,
    ) -> Result<Option<Duration>, AccountError> {
        let now = self.now();
        let charged = self.store.write(move |tx| {
            let mut charged = Vec::new();
            for budget in [address, account] {
                let tries = counters::load(tx, &budget.bucket)?;
                match tries.charge(budget.limit, now) {
                    Ok(tries) => charged.push((budget.bucket, tries)),
                    Err(wait) => return Ok(Some(wait)),
                }
            }
            for (bucket, tries) in charged {
                counters::save(tx, &bucket, tries)?;
            }
            Ok(None)
        });
        Ok(charged.await?)
    }
}

/// By the typed name, not by the account that it leads to: else two names would be known to be of
/// one account, and a name with nothing behind it by being counted otherwise.
fn budgets(guess: &Guess, limits: &LimitSettings) -> (Budget, Budget) {
    let named = || format!("login|account|{}", guess.name);
    let account = guess.known_browser.clone().unwrap_or_else(named);
    (
        Budget::of_address(guess.address, limits),
        Budget::new(&account, limits.login_per_account),
    )
}

/// The account of a name and the hash of its password. A name without an account takes the same
/// statements.
fn find(
    tx: &Transaction<'_>,
    name: &str,
) -> Result<
    (
        Option<Account>,
        Option<hallpass_issuer::factors::password::PasswordHash>,
    ),
    StoreError,
> {
    let by_username = match Username::parse(name) {
        Some(username) => users::find_by_username(tx, &username)?,
        None => None,
    };
    // Also where the name is known already: what is looked up depends on what was typed alone.
    let by_address = match EmailAddress::parse(name) {
        Some(email) => users::find_by_verified_email(tx, &email)?,
        None => None,
    };
    let found = by_username.or(by_address);
    let nobody = UserId::new("");
    let id = found.as_ref().map_or(&nobody, |account| &account.id);
    let hash = passwords::find(tx, id)?;
    Ok((found, hash))
}
