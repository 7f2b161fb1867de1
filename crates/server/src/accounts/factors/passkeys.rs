//! Passkeys of people: made, named, tried, removed, and signed in with.
//!
//! An answer of an authenticator is judged in the transaction that uses its challenge up and raises
//! the passkey's counter: of two answers that come together, one counts.
//! Decisions: [`hallpass_issuer::factors::passkey`].

use std::net::IpAddr;

use hallpass_issuer::account::{Account, Status};
use hallpass_issuer::factors::passkey::{
    self, Assertion, Challenge, Creation, OwnPasskey, Owner, PasskeyRefusal, RelyingParty, Used,
    UserVerification,
};
use hallpass_issuer::factors::required::{FactorPolicy, Factors};
use hallpass_issuer::sign_in_event::{Outcome, SignInEvent};
use hallpass_issuer::tokens::one_time::SecretHash;
use hallpass_protocol::webauthn::{AuthenticationResponse, RegistrationResponse};
use hallpass_protocol::{Secret, Timestamp, UserId, random};
use hallpass_store::{
    StoreError, Transaction, passkey_challenges, passkeys, sign_in_events, users,
};

use super::enrolled::{Removal, SettingUp, find, may_go, tell};
use super::recovery_codes::{self, NewCodes};
use crate::accounts::directory::Accounts;
use crate::accounts::error::AccountError;
use crate::accounts::own::{Own, shown_label};

/// The challenge that an answer is to.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// This server.
    pub(crate) relying_party: RelyingParty,
    /// What had to be signed.
    pub(crate) challenge: Challenge,
    /// Until when an answer is taken.
    pub(crate) ends_at: Timestamp,
}

/// A passkey that was made.
#[derive(Debug)]
pub(crate) struct NewPasskey {
    pub(crate) asked: Asked,
    pub(crate) response: RegistrationResponse,
    /// What it is called until its person says otherwise.
    pub(crate) name: String,
}

/// A passkey that was used to sign in.
#[derive(Debug)]
pub(crate) struct PasskeySignIn {
    pub(crate) asked: Asked,
    pub(crate) response: AuthenticationResponse,
    /// Where it comes from.
    pub(crate) address: IpAddr,
    /// The browser in words.
    pub(crate) browser: Option<String>,
}

/// What became of a new passkey.
#[derive(Debug)]
pub(crate) enum Added {
    /// It is kept. With the first second factor come recovery codes.
    Kept {
        passkey: Box<passkey::Passkey>,
        codes: Vec<Secret<String>>,
    },
    /// Nothing is kept.
    Refused(NotUsable),
    /// There are [`passkey::MOST`] already.
    TooMany,
    /// The account is not as it was at the sign-in.
    Gone,
}

/// Why an answer counts for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotUsable {
    /// A check of the ceremony failed.
    #[error(transparent)]
    Refused(#[from] PasskeyRefusal),
    /// The challenge was answered before.
    #[error("the challenge was answered before")]
    Replayed,
    /// The answer came too late.
    #[error("the answer came too late")]
    TooLate,
    /// No such passkey is known here, or not for this person.
    #[error("the passkey is not known")]
    Unknown,
    /// The credential id belongs to a passkey that is known already.
    #[error("the credential id is taken")]
    Taken,
    /// The account is locked.
    #[error("the account is locked")]
    Locked,
}

/// A sign-in by a passkey alone.
#[derive(Debug)]
pub(crate) struct SignedIn {
    pub(crate) account: Account,
    pub(crate) used: Used,
}

impl Accounts {
    /// A person's passkeys, the oldest first.
    pub(crate) async fn passkeys(&self, user: &UserId) -> Result<Vec<OwnPasskey>, AccountError> {
        let user = user.clone();
        let listed = self.store.read(move |tx| passkeys::list_by_user(tx, &user));
        Ok(listed.await?)
    }

    /// Keeps a passkey that a person made.
    pub(crate) async fn add_passkey(
        &self,
        by: SettingUp,
        new: NewPasskey,
    ) -> Result<Added, AccountError> {
        let now = self.now();
        let news = self.news(&by);
        let codes = self.draw_codes();
        let added = self.store.write(move |tx| {
            let Some(account) = by.find(tx)? else {
                return Ok(Added::Gone);
            };
            if let Err(reason) = new.asked.take(tx, now)? {
                return Ok(Added::Refused(reason));
            }
            let factors = find(tx, &account.id)?.kinds().and(by.offered);
            let codes = (!factors.has_any()).then_some(&codes);
            let made = match new.judge() {
                Ok(made) => made,
                Err(refusal) => return Ok(Added::Refused(refusal.into())),
            };
            if passkeys::list_by_user(tx, &account.id)?.len() >= passkey::MOST {
                return Ok(Added::TooMany);
            }
            let kept = OwnPasskey {
                user: account.id.clone(),
                name: shown_label(&new.name).unwrap_or_default(),
                passkey: made.clone(),
                transports: new.response.transports.clone(),
                created_at: now,
                last_used_at: None,
            };
            if !passkeys::insert(tx, &kept)? {
                return Ok(Added::Refused(NotUsable::Taken));
            }
            if let Some(codes) = codes {
                codes.save(tx, &account.id, now)?;
            }
            tell(tx, &account, &news)?;
            Ok(Added::Kept {
                passkey: Box::new(made),
                codes: codes.map(NewCodes::shown).unwrap_or_default(),
            })
        });
        Ok(added.await?)
    }

    /// Names one of a person's passkeys; whether they have it.
    pub(crate) async fn rename_passkey(
        &self,
        user: &UserId,
        id: Vec<u8>,
        name: &str,
    ) -> Result<bool, AccountError> {
        let (user, name) = (user.clone(), shown_label(name));
        let Some(name) = name else { return Ok(false) };
        let renamed = self
            .store
            .write(move |tx| passkeys::rename(tx, (&user, &id), &name));
        Ok(renamed.await?)
    }

    /// Removes one of a person's passkeys, unless it is the last factor of somebody who must have one.
    pub(crate) async fn remove_passkey(
        &self,
        by: SettingUp,
        id: Vec<u8>,
        policy: FactorPolicy,
    ) -> Result<Removal, AccountError> {
        let news = self.news(&by);
        let removed = self.store.write(move |tx| {
            let Some(account) = by.find(tx)? else {
                return Ok(Removal::Gone);
            };
            let found = passkeys::find(tx, &id)?;
            if found.is_none_or(|found| found.user != account.id) {
                return Ok(Removal::Gone);
            }
            let factors = find(tx, &account.id)?;
            let left = Factors {
                passkey: factors.passkeys > 1,
                ..factors.kinds()
            };
            if !may_go(policy, &account, left) {
                return Ok(Removal::LastFactor);
            }
            passkeys::delete(tx, (&account.id, &id))?;
            recovery_codes::forget_without_factor(tx, &account.id)?;
            tell(tx, &account, &news)?;
            Ok(Removal::Done)
        });
        Ok(removed.await?)
    }

    /// Judges the use of one of a person's own passkeys: they are signed in, and try it.
    pub(crate) async fn try_passkey(
        &self,
        own: Own,
        asked: Asked,
        response: AuthenticationResponse,
    ) -> Result<Result<Used, NotUsable>, AccountError> {
        let now = self.now();
        let tried = self.store.write(move |tx| {
            let Some(account) = own.find(tx)? else {
                return Ok(Err(NotUsable::Unknown));
            };
            prove(
                tx,
                (&account, UserVerification::Required),
                (&asked, &response),
                now,
            )
        });
        Ok(tried.await?)
    }

    /// Signs in whoever has a passkey. No wrong password of the account stands in its way.
    pub(crate) async fn sign_in_with_passkey(
        &self,
        sign_in: PasskeySignIn,
    ) -> Result<Result<SignedIn, NotUsable>, AccountError> {
        let now = self.now();
        let id = random::bytes(self.random.as_ref());
        let judged = self.store.write(move |tx| {
            let judged = sign_in.judge(tx, now)?;
            let mut event = SignInEvent::of_nobody(now, sign_in.address);
            let user = match &judged {
                Ok(signed_in) => Some(&signed_in.account.id),
                Err((_, owner)) => owner.as_ref(),
            };
            if let Some(user) = user {
                event.id = id;
                event.user = user.clone();
                event.browser.clone_from(&sign_in.browser);
            }
            if judged.is_ok() {
                event.outcome = Outcome::SignedIn;
                users::note_login(tx, &event.user, now)?;
            }
            sign_in_events::save(tx, &event)?;
            Ok(judged.map_err(|(reason, _)| reason))
        });
        Ok(judged.await?)
    }
}

impl Asked {
    /// Uses the challenge up; after a refusal too, it is gone.
    fn take(
        &self,
        tx: &Transaction<'_>,
        now: Timestamp,
    ) -> Result<Result<(), NotUsable>, StoreError> {
        if now >= self.ends_at {
            return Ok(Err(NotUsable::TooLate));
        }
        let hash = SecretHash::of(self.challenge.as_bytes());
        let is_first = passkey_challenges::take(tx, &hash, self.ends_at)?;
        Ok(is_first.then_some(()).ok_or(NotUsable::Replayed))
    }
}

impl NewPasskey {
    fn judge(&self) -> Result<passkey::Passkey, PasskeyRefusal> {
        let creation = Creation {
            client_data_json: &self.response.client_data_json,
            attestation_object: &self.response.attestation_object,
        };
        let Asked {
            relying_party,
            challenge,
            ..
        } = &self.asked;
        passkey::register(
            relying_party,
            challenge,
            UserVerification::Required,
            creation,
        )
    }
}

impl PasskeySignIn {
    /// Beside the reason whose passkey it is, where that is known: they will want to know.
    fn judge(
        &self,
        tx: &Transaction<'_>,
        now: Timestamp,
    ) -> Result<Result<SignedIn, (NotUsable, Option<UserId>)>, StoreError> {
        let (asked, response) = (&self.asked, &self.response);
        if let Err(reason) = asked.take(tx, now)? {
            return Ok(Err((reason, None)));
        }
        let Some(own) = passkeys::find(tx, &response.credential_id)? else {
            return Ok(Err((NotUsable::Unknown, None)));
        };
        let Some(mut account) = users::find(tx, &own.user)? else {
            return Ok(Err((NotUsable::Unknown, None)));
        };
        let refused = |reason| Ok(Err((reason, Some(own.user.clone()))));
        let owner = Owner {
            user_handle: own.user.as_str().as_bytes(),
            is_discovered: true,
        };
        let judged = authenticate((&own, owner), UserVerification::Required, (asked, response));
        let used = match judged {
            Ok(used) => used,
            Err(refusal) => return refused(refusal.into()),
        };
        if account.status != Status::Active {
            return refused(NotUsable::Locked);
        }
        passkeys::note_use(tx, &used.passkey, now)?;
        account.last_login_at = Some(now);
        Ok(Ok(SignedIn { account, used }))
    }
}

/// Judges the use of a passkey by a person who is known already, and notes it.
pub(super) fn prove(
    tx: &Transaction<'_>,
    (account, verification): (&Account, UserVerification),
    (asked, response): (&Asked, &AuthenticationResponse),
    now: Timestamp,
) -> Result<Result<Used, NotUsable>, StoreError> {
    if let Err(reason) = asked.take(tx, now)? {
        return Ok(Err(reason));
    }
    let found = passkeys::find(tx, &response.credential_id)?;
    // WebAuthn §7.2 step 6: another person's passkey is as unknown as one that never was.
    let Some(own) = found.filter(|own| own.user == account.id) else {
        return Ok(Err(NotUsable::Unknown));
    };
    let owner = Owner {
        user_handle: own.user.as_str().as_bytes(),
        is_discovered: false,
    };
    match authenticate((&own, owner), verification, (asked, response)) {
        Ok(used) => {
            passkeys::note_use(tx, &used.passkey, now)?;
            Ok(Ok(used))
        }
        Err(refusal) => Ok(Err(refusal.into())),
    }
}

fn authenticate(
    (own, owner): (&OwnPasskey, Owner<'_>),
    verification: UserVerification,
    (asked, response): (&Asked, &AuthenticationResponse),
) -> Result<Used, PasskeyRefusal> {
    let assertion = Assertion {
        credential_id: &response.credential_id,
        client_data_json: &response.client_data_json,
        authenticator_data: &response.authenticator_data,
        signature: &response.signature,
        user_handle: response.user_handle.as_deref(),
    };
    let expected = (&asked.relying_party, &asked.challenge);
    passkey::authenticate((&own.passkey, owner), expected, verification, assertion)
}
