//! What people do with their own account: see what is signed in, end it, change the password, leave.
//!
//! Whose account it is comes from the browser session alone. What a form names is looked for among
//! what that person has, so that another person's session is as unknown as one that never was.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use hallpass_issuer::account::{Account, Role};
use hallpass_issuer::authorization::{Authorization, RevokeReason};
use hallpass_issuer::browser_session::{BrowserSession, BrowserSessionId};
use hallpass_issuer::consent::Consent;
use hallpass_issuer::mail::Kind;
use hallpass_issuer::sign_in_event::SignInEvent;
use hallpass_issuer::tokens::one_time::SecretHash;
use hallpass_issuer::user::SignIn;
use hallpass_protocol::{AuthorizationId, ClientId, Secret, Timestamp, UserId, hex};
use hallpass_store::{
    StoreError, Transaction, account_links, audit_events, authorizations, browser_sessions,
    confirmed_networks, consents, counters, email_outbox, passwords, sign_in_events, users,
};

use super::directory::{Accounts, ISSUER, end_everything};
use super::error::AccountError;
use super::factors::{self, SecondFactors};
use super::sign_in::Budget;
use crate::settings::LimitSettings;

/// Whose account, and how they signed in to it: the account must still stand so.
#[derive(Clone, Debug)]
pub(crate) struct Own {
    pub(crate) user: UserId,
    pub(crate) sign_in: SignIn,
}

/// Everything that an account has.
#[derive(Debug)]
pub(crate) struct Overview {
    pub(crate) account: Account,
    pub(crate) factors: SecondFactors,
    /// What is signed in, the newest first, with the names that the person gave.
    pub(crate) authorizations: Vec<(Authorization, Option<String>)>,
    pub(crate) browsers: Vec<BrowserSession>,
    pub(crate) consents: Vec<Consent>,
    /// The newest first.
    pub(crate) events: Vec<SignInEvent>,
}

/// What a person ends: one authorization, or one browser by its [`browser_id`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Session {
    Authorization(AuthorizationId),
    Browser(String),
}

/// A session that goes on under another cookie than this one.
#[derive(Clone, Debug)]
pub(crate) struct Renewed {
    pub(crate) before: SecretHash,
    pub(crate) session: BrowserSession,
}

/// A new password.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) current: Secret<String>,
    pub(crate) new: Secret<String>,
    /// Whether programs and devices are signed out, too. Other browsers are in any case.
    pub(crate) ends_everything: bool,
    /// The session that goes on in place of the person's present one.
    pub(crate) renewed: Renewed,
    /// Who guesses the present password.
    pub(crate) address: IpAddr,
    /// The language of the page.
    pub(crate) locale: &'static str,
}

/// What a new password came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Guessed {
    /// It is set.
    Changed,
    /// The present one is another.
    Wrong,
    /// Not looked at: so long no guess is.
    Locked(Duration),
    /// The account is not as it was at the sign-in.
    Gone,
}

/// What became of an account whose person wants to leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deletion {
    /// It is gone.
    Done,
    /// Nobody else could administer the server.
    LastAdmin,
    /// It was not as it was at the sign-in.
    Gone,
}

/// What pages call a browser session: its record's name is none of theirs.
pub(crate) fn browser_id(session: &BrowserSessionId) -> String {
    let hash = SecretHash::of(session.as_bytes());
    let start: Vec<u8> = hash.as_bytes().iter().take(16).copied().collect();
    hex::encode(&start)
}

impl Accounts {
    /// What a person has that is live, with so many of the last tries to sign in. `access` is how
    /// long access tokens live.
    pub(crate) async fn overview(
        &self,
        user: &UserId,
        access: Duration,
        events: u32,
    ) -> Result<Option<Overview>, AccountError> {
        let (user, now) = (user.clone(), self.now());
        let read = self.store.read(move |tx| {
            let Some(account) = users::find(tx, &user)? else {
                return Ok(None);
            };
            let labels = authorizations::list_labels(tx, ISSUER, &user)?;
            let mut labels: HashMap<_, _> = labels.into_iter().collect();
            let listed = authorizations::list_by_user(tx, ISSUER, &user)?;
            let live = listed.into_iter();
            let live = live.filter(|found| found.is_live() && !found.is_over(access, now));
            let named = live.map(|found| {
                let label = labels.remove(&found.id);
                (found, label)
            });
            let mut known = consents::list_of_user(tx, ISSUER, &user)?;
            known.retain(|consent| now < consent.expires_at);
            Ok(Some(Overview {
                factors: factors::find(tx, &user)?,
                authorizations: named.collect(),
                browsers: browser_sessions::list_live(tx, (ISSUER, &user), now)?,
                consents: known,
                events: sign_in_events::list_by_user(tx, &user, events)?,
                account,
            }))
        });
        Ok(read.await?)
    }

    /// Ends one session of a person; whether they had it. Nothing else ends, but what was granted in
    /// a browser for no longer than it is signed in.
    pub(crate) async fn end_session(
        &self,
        user: &UserId,
        session: Session,
    ) -> Result<bool, AccountError> {
        let (user, now) = (user.clone(), self.now());
        let ended = self.store.write(move |tx| match &session {
            Session::Authorization(id) => {
                let found = authorizations::find(tx, *id)?;
                let is_theirs =
                    |found: &Authorization| found.issuer == ISSUER && found.seed.user.id == user;
                if !found.as_ref().is_some_and(is_theirs) {
                    return Ok(false);
                }
                authorizations::revoke(tx, *id, RevokeReason::User, now)
            }
            Session::Browser(id) => {
                let live = browser_sessions::list_live(tx, (ISSUER, &user), now)?;
                let mut live = live.iter().map(|session| session.id);
                let Some(session) = live.find(|session| browser_id(session) == *id) else {
                    return Ok(false);
                };
                browser_sessions::sign_out(tx, &session, now)
            }
        });
        Ok(ended.await?)
    }

    /// Names one authorization of a person; whether they had it. An empty name takes it away.
    pub(crate) async fn rename_session(
        &self,
        user: &UserId,
        id: AuthorizationId,
        label: &str,
    ) -> Result<bool, AccountError> {
        let (user, label) = (user.clone(), shown_label(label));
        let renamed = self
            .store
            .write(move |tx| authorizations::rename(tx, (ISSUER, &user), id, label.as_deref()));
        Ok(renamed.await?)
    }

    /// Ends everything but the browser that asks, which goes on as `renewed`; whether the account
    /// still stood as it was.
    pub(crate) async fn end_others(
        &self,
        own: Own,
        renewed: Renewed,
    ) -> Result<bool, AccountError> {
        let now = self.now();
        let ended = self.store.write(move |tx| {
            let Some(mut account) = own.find(tx)? else {
                return Ok(false);
            };
            account.raise_epoch();
            end_everything(tx, &account, Some(&renewed.session.id), now)?;
            go_on(tx, &account, renewed.clone())?;
            Ok(true)
        });
        Ok(ended.await?)
    }

    /// Changes the password of a person who knows the present one. That is charged like a sign-in:
    /// whoever sits at an open browser does not guess for nothing.
    pub(crate) async fn change_password(
        &self,
        own: Own,
        change: Change,
        limits: &LimitSettings,
    ) -> Result<Guessed, AccountError> {
        let address = Budget::of_address(change.address, limits);
        let bucket = format!("password|account|{}", own.user.as_str());
        let guesses = Budget::new(&bucket, limits.login_per_account);
        if let Some(wait) = self.charge(address, guesses).await? {
            return Ok(Guessed::Locked(wait));
        }
        let look = own.clone();
        let found = self.store.read(move |tx| {
            let account = look.find(tx)?;
            Ok((account, passwords::find(tx, &look.user)?))
        });
        let (Some(account), hash) = found.await? else {
            return Ok(Guessed::Gone);
        };
        if !self.hasher.verify(change.current, hash.as_ref()).await? {
            return Ok(Guessed::Wrong);
        }
        let hash = self.hash_new(&account, change.new).await?;
        let mut news = self.mail(Kind::PasswordChanged(account.id));
        news.locale = Some(change.locale.to_owned());
        let (now, renewed) = (self.now(), change.renewed);
        let ends_everything = change.ends_everything;
        let changed = self.store.write(move |tx| {
            // Of two changes at once the second finds another epoch.
            let Some(mut account) = own.find(tx)? else {
                return Ok(Guessed::Gone);
            };
            account.raise_epoch();
            passwords::save(tx, &account.id, &hash, now)?;
            let goes_on = Some(&renewed.session.id);
            if ends_everything {
                end_everything(tx, &account, goes_on, now)?;
            } else {
                end_unfinished(tx, &account, goes_on, now)?;
            }
            go_on(tx, &account, renewed.clone())?;
            counters::delete(tx, &guesses.bucket)?;
            let tries = counters::load(tx, &address.bucket)?;
            counters::save(tx, &address.bucket, tries.refund())?;
            if account.email.is_some() {
                email_outbox::insert(tx, &news)?;
            }
            Ok(Guessed::Changed)
        });
        Ok(changed.await?)
    }

    /// Notes the language that a person reads: mails come in it.
    pub(crate) async fn note_locale(
        &self,
        user: &UserId,
        locale: &'static str,
    ) -> Result<(), AccountError> {
        let user = user.clone();
        let noted = self
            .store
            .write(move |tx| users::note_locale(tx, &user, locale));
        Ok(noted.await?)
    }

    /// Takes back what a person let a client do; whether they had. What the client has got stays.
    pub(crate) async fn forget_consent(
        &self,
        user: &UserId,
        client: ClientId,
    ) -> Result<bool, AccountError> {
        let user = user.clone();
        let forgotten = self
            .store
            .write(move |tx| consents::delete(tx, (ISSUER, &user), &client));
        Ok(forgotten.await? > 0)
    }

    /// Ends everything that a person has, and forgets them. The last administrator stays: nobody
    /// could make another one from the pages.
    pub(crate) async fn delete_own(&self, own: Own) -> Result<Deletion, AccountError> {
        let now = self.now();
        let deleted = self.store.write(move |tx| {
            // The other administrators first, so that two who leave at once wait for each other.
            let has_other_admin = users::has_other_admin(tx, &own.user)?;
            let Some(mut account) = own.find(tx)? else {
                return Ok(Deletion::Gone);
            };
            if account.role == Role::Admin && !has_other_admin {
                return Ok(Deletion::LastAdmin);
            }
            account.raise_epoch();
            end_everything(tx, &account, None, now)?;
            authorizations::forget_user(tx, ISSUER, &account.id)?;
            browser_sessions::delete_by_user(tx, ISSUER, &account.id)?;
            consents::delete_by_user(tx, ISSUER, &account.id)?;
            confirmed_networks::delete_by_user(tx, ISSUER, &account.id)?;
            sign_in_events::delete_by_user(tx, &account.id)?;
            audit_events::forget_user(tx, &account.id)?;
            users::delete(tx, &account.id)?;
            Ok(Deletion::Done)
        });
        Ok(deleted.await?)
    }
}

impl Own {
    /// The account, if it stands as it stood at the sign-in.
    pub(super) fn find(&self, tx: &Transaction<'_>) -> Result<Option<Account>, StoreError> {
        let found = users::find(tx, &self.user)?;
        Ok(found.filter(|account| account.honours(&self.sign_in)))
    }
}

/// Saves an account whose epoch was raised and ends its links and browsers, but the one that goes on;
/// programs stay.
fn end_unfinished(
    tx: &Transaction<'_>,
    account: &Account,
    goes_on: Option<&BrowserSessionId>,
    now: Timestamp,
) -> Result<(), StoreError> {
    users::save(tx, account)?;
    browser_sessions::end_by_user(tx, (ISSUER, &account.id), goes_on, now)?;
    account_links::delete_by_user(tx, &account.id).map(|_| ())
}

/// Lets the browser that asked go on at the account's new epoch, unless it was signed out meanwhile.
fn go_on(tx: &Transaction<'_>, account: &Account, mut renewed: Renewed) -> Result<(), StoreError> {
    renewed.session.sign_in.security_epoch = Some(account.security_epoch);
    browser_sessions::replace(tx, &renewed.before, &renewed.session).map(|_| ())
}

/// A name as it is kept: one line of visible characters, 64 at most; `None` for nothing.
pub(super) fn shown_label(text: &str) -> Option<String> {
    let visible = text.chars().filter(|c| !c.is_control());
    let label: String = visible.take(64).collect();
    let label = label.trim();
    (!label.is_empty()).then(|| label.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_short_line() {
        for (typed, kept) in [
            ("  work laptop ", Some("work laptop")),
            ("a\nb\u{7}c", Some("abc")),
            (" \t", None),
            ("", None),
        ] {
            assert_eq!(shown_label(typed).as_deref(), kept, "{typed:?}");
        }
        let long = "é".repeat(200);
        assert_eq!(shown_label(&long).unwrap().chars().count(), 64);
    }

    #[test]
    fn a_browser_has_another_name_on_pages_than_in_the_records() {
        let id = |number| BrowserSessionId::from_bytes([number; 32]);
        assert_eq!(browser_id(&id(1)).len(), 32);
        assert!(!hex::encode(id(1).as_bytes()).contains(&browser_id(&id(1))));
        assert_ne!(browser_id(&id(1)), browser_id(&id(2)));
    }
}
