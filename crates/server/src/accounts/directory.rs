//! The accounts of an issuer, as whoever administers them sees them.

use std::sync::Arc;

use hallpass_issuer::account::{Account, EmailAddress, Role, Status, Username};
use hallpass_issuer::audit::{Actor, Entry, Event};
use hallpass_issuer::authorization::RevokeReason;
use hallpass_issuer::browser_session::BrowserSessionId;
use hallpass_issuer::factors::password::PasswordHash;
use hallpass_issuer::mail::{Due, Kind};
use hallpass_protocol::random::{self, Random, SystemRandom};
use hallpass_protocol::time::SystemClock;
use hallpass_protocol::{Clock, Secret, Timestamp, UserId, hex};
use hallpass_store::{
    Store, StoreError, Transaction, account_links, authorizations, browser_sessions, email_outbox,
    passwords, users,
};

use super::error::AccountError;
use super::hasher::Hasher;
use super::password_rules::PasswordRules;
use crate::audit::{self, Audit};
use crate::key_ring;
use crate::listen::StartError;
use crate::settings::Settings;

/// Accounts have one issuer: the root of their server.
pub(super) const ISSUER: &str = "";

/// The accounts. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Accounts {
    pub(super) store: Store,
    pub(super) hasher: Arc<Hasher>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<dyn Random>,
    /// What happened, for whoever asks later.
    pub(super) audit: Audit,
    pub(super) password_rules: PasswordRules,
}

/// A person who gets an account.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// What they will type.
    pub username: String,
    /// Where mail goes.
    pub email: Option<String>,
    /// What others read.
    pub display_name: Option<String>,
    /// What they may administer.
    pub role: Role,
    /// The tag of the language that they read, where it is known: one of `Language`.
    pub locale: Option<String>,
}

impl Accounts {
    /// Opens the accounts of a database without a server. A `SQLite` file that a server has open
    /// is refused.
    pub async fn open(settings: &Settings) -> Result<Self, StartError> {
        let (clock, random) = (SystemClock, SystemRandom);
        let (ring, _) = key_ring::load(settings, &random, clock.now())?;
        let address = settings.database.address();
        let store = Store::connect(address.expose(), ring.store_keys()).await?;
        let (clock, random): (Arc<dyn Clock>, Arc<dyn Random>) =
            (Arc::new(clock), Arc::new(random));
        let at = (Arc::clone(&clock), Arc::clone(&random));
        let audit = Audit::open(&store, at, &settings.audit, audit::Role::Command).await?;
        Ok(Self::new((store, audit), clock, random, settings))
    }

    /// The accounts of a store that is open already.
    pub(crate) fn new(
        (store, audit): (Store, Audit),
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        settings: &Settings,
    ) -> Self {
        Self {
            hasher: Arc::new(Hasher::new(settings.login.argon2, random.as_ref())),
            password_rules: PasswordRules::new(settings),
            store,
            audit,
            clock,
            random,
        }
    }

    /// Takes what other settings say of people.
    pub(crate) fn renew(&self, settings: &Settings) {
        self.password_rules.renew(settings);
    }

    /// Writes what is still to be written, and closes the database.
    pub async fn close(&self) {
        self.audit.flush().await;
        self.store.close().await;
    }

    /// Makes an account without a password. With an address it waits for an invitation.
    pub async fn create(&self, new: NewAccount) -> Result<Account, AccountError> {
        let account = self.make(new)?;
        let kept = account.clone();
        let insert = self.store.write(move |tx| users::insert(tx, &kept));
        insert.await?;
        self.tell(Event::UserCreated, &account).await;
        Ok(account)
    }

    /// Makes an account with a password; neither without the other.
    pub async fn create_with_password(
        &self,
        new: NewAccount,
        password: Secret<String>,
    ) -> Result<Account, AccountError> {
        let account = self.make(new)?;
        let hash = self.hash_new(&account, password).await?;
        let (kept, now) = (account.clone(), self.now());
        let insert = self.store.write(move |tx| {
            users::insert(tx, &kept)?;
            passwords::save(tx, &kept.id, &hash, now)
        });
        insert.await?;
        self.tell(Event::UserCreated, &account).await;
        Ok(account)
    }

    /// Makes an account and puts its invitation into the outbox, from where a server sends it.
    pub async fn invite(&self, new: NewAccount) -> Result<Account, AccountError> {
        let account = self.make(new)?;
        if account.email.is_none() {
            return Err(AccountError::NoEmail);
        }
        let kept = account.clone();
        let due = self.mail(Kind::Invitation(account.id.clone()));
        let insert = self.store.write(move |tx| {
            users::insert(tx, &kept)?;
            email_outbox::insert(tx, &due)
        });
        insert.await?;
        self.tell(Event::UserInvited, &account).await;
        Ok(account)
    }

    /// The accounts in the order of their names, from after a name on, `limit` at most.
    pub async fn list(&self, after: &str, limit: u32) -> Result<Vec<Account>, AccountError> {
        let after = after.to_ascii_lowercase();
        let listed = self.store.read(move |tx| users::list(tx, &after, limit));
        Ok(listed.await?)
    }

    /// The account of a user name.
    pub async fn find(&self, username: &str) -> Result<Account, AccountError> {
        let unknown = || AccountError::Unknown(shown(username));
        let name = Username::parse(username).ok_or_else(unknown)?;
        let found = self
            .store
            .read(move |tx| users::find_by_username(tx, &name));
        found.await?.ok_or_else(unknown)
    }

    /// Locks an account and ends all that its person has: sessions, authorizations, links, and what
    /// was approved and not yet redeemed (rows S-25, S-65, S-263).
    pub async fn lock(&self, username: &str) -> Result<Account, AccountError> {
        let locked = self.change(username, |tx, account, now| {
            account.lock();
            end_everything(tx, account, None, now)
        });
        let account = locked.await?;
        self.tell(Event::UserLocked, &account).await;
        Ok(account)
    }

    /// Opens a locked account again. What the lock ended stays so.
    pub async fn unlock(&self, username: &str) -> Result<Account, AccountError> {
        let unlocked = self.change(username, |tx, account, _| {
            account.unlock();
            users::save(tx, account)
        });
        let account = unlocked.await?;
        self.tell(Event::UserUnlocked, &account).await;
        Ok(account)
    }

    /// Signs a person out of everything, and leaves the account open.
    pub async fn revoke_all(&self, username: &str) -> Result<Account, AccountError> {
        let ended = self.change(username, |tx, account, now| {
            account.raise_epoch();
            end_everything(tx, account, None, now)
        });
        let account = ended.await?;
        self.tell(Event::SessionRevoked, &account).await;
        Ok(account)
    }

    /// Sets a password, and ends all that was signed in with the one before.
    pub async fn set_password(
        &self,
        username: &str,
        password: Secret<String>,
    ) -> Result<Account, AccountError> {
        let account = self.find(username).await?;
        let hash = self.hash_new(&account, password).await?;
        let set = self.change(username, move |tx, account, now| {
            replace_password(tx, account, &hash, now)
        });
        let account = set.await?;
        self.tell(Event::PasswordReset, &account).await;
        Ok(account)
    }

    /// Checks a new password of an account and hashes it.
    pub(super) async fn hash_new(
        &self,
        account: &Account,
        password: Secret<String>,
    ) -> Result<PasswordHash, AccountError> {
        self.password_rules.check(&account.names(), &password)?;
        self.hasher.hash(password, self.random.as_ref()).await
    }

    /// Says what an operator did to an account, and waits until that is kept.
    pub(super) async fn tell(&self, event: Event, account: &Account) {
        let entry = Entry::new(event, self.now()).by(Actor::Operator);
        let entry = match event {
            Event::UserCreated | Event::UserInvited => entry.with("origin", "operator"),
            _ => entry,
        };
        self.audit.keep(entry.about(&account.id)).await;
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A mail that is due now.
    pub(crate) fn mail(&self, kind: Kind) -> Due {
        Due::new(random::bytes(self.random.as_ref()), kind, self.now())
    }

    pub(super) fn make(&self, new: NewAccount) -> Result<Account, AccountError> {
        let username = Username::parse(&new.username).ok_or(AccountError::BadUsername)?;
        let email = match new.email {
            None => None,
            Some(text) => match EmailAddress::parse(&text) {
                Some(email) => Some(email),
                None => return Err(AccountError::BadEmail(shown(&text))),
            },
        };
        let is_visible = |name: &String| {
            let count = name.chars().count();
            (1..=128).contains(&count) && !name.chars().any(char::is_control)
        };
        if new
            .display_name
            .as_ref()
            .is_some_and(|name| !is_visible(name))
        {
            return Err(AccountError::BadDisplayName);
        }
        let id: [u8; 16] = random::bytes(self.random.as_ref());
        Ok(Account {
            id: UserId::new(hex::encode(&id)),
            username,
            display_name: new.display_name,
            email,
            email_verified_at: None,
            status: Status::Active,
            role: new.role,
            locale: new.locale,
            created_at: self.now(),
            last_login_at: None,
            security_epoch: 0,
        })
    }

    pub(super) async fn change(
        &self,
        username: &str,
        change: impl Fn(&Transaction<'_>, &mut Account, Timestamp) -> Result<(), StoreError>
        + Send
        + 'static,
    ) -> Result<Account, AccountError> {
        let unknown = || AccountError::Unknown(shown(username));
        let (name, now) = (Username::parse(username).ok_or_else(unknown)?, self.now());
        let changed = self.store.write(move |tx| {
            let Some(mut account) = users::find_by_username(tx, &name)? else {
                return Ok(None);
            };
            change(tx, &mut account, now)?;
            Ok(Some(account))
        });
        changed.await?.ok_or_else(unknown)
    }
}

/// Sets the password of an account in its transaction, and ends all that hung from the old one.
pub(super) fn replace_password(
    tx: &Transaction<'_>,
    account: &mut Account,
    hash: &PasswordHash,
    now: Timestamp,
) -> Result<(), StoreError> {
    account.raise_epoch();
    passwords::save(tx, &account.id, hash, now)?;
    end_everything(tx, account, None, now)
}

/// Saves an account whose epoch was raised, and then ends what is there: a redemption that was
/// faster is found here, a slower one finds the new epoch. One browser may go on.
pub(super) fn end_everything(
    tx: &Transaction<'_>,
    account: &Account,
    goes_on: Option<&BrowserSessionId>,
    now: Timestamp,
) -> Result<(), StoreError> {
    users::save(tx, account)?;
    let reason = RevokeReason::AccountChanged;
    authorizations::revoke_by_user(tx, (ISSUER, &account.id), reason, now)?;
    browser_sessions::end_by_user(tx, (ISSUER, &account.id), goes_on, now)?;
    account_links::delete_by_user(tx, &account.id).map(|_| ())
}

/// What somebody typed, as a message may repeat it.
fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(128).collect()
}
