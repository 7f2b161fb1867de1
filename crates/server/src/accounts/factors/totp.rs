//! Authenticator apps: set up, moved to another one, removed.

use hallpass_issuer::factors::required::{FactorPolicy, Factors};
use hallpass_issuer::factors::totp::TotpSeed;
use hallpass_protocol::Secret;
use hallpass_store::totp_secrets;
use hallpass_store::totp_secrets::TotpSecret;

use super::enrolled::{Removal, SettingUp, find, may_go, tell};
use super::recovery_codes;
use crate::accounts::directory::Accounts;
use crate::accounts::error::AccountError;

/// An authenticator app to set up.
#[derive(Clone, Debug)]
pub(crate) struct NewTotp {
    /// What the app was given.
    pub(crate) seed: TotpSeed,
    /// The code that it shows.
    pub(crate) code: Secret<String>,
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

impl Accounts {
    /// Sets an authenticator app up, in place of the one before, once it shows the right code; with
    /// it come new recovery codes.
    pub(crate) async fn enrol_totp(
        &self,
        by: SettingUp,
        new: NewTotp,
    ) -> Result<Enrolment, AccountError> {
        let now = self.now();
        let news = self.news(&by);
        let codes = self.draw_codes();
        let shown = codes.shown();
        let enrolled = self.store.write(move |tx| {
            let Some(account) = by.find(tx)? else {
                return Ok(Some(false));
            };
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
            codes.save(tx, &account.id, now)?;
            tell(tx, &account, &news)?;
            Ok(Some(true))
        });
        Ok(match enrolled.await? {
            Some(true) => Enrolment::Done(shown),
            Some(false) => Enrolment::Gone,
            None => Enrolment::Wrong,
        })
    }

    /// Removes a person's authenticator app, unless it is the last factor of somebody who must have
    /// one.
    pub(crate) async fn remove_totp(
        &self,
        by: SettingUp,
        policy: FactorPolicy,
    ) -> Result<Removal, AccountError> {
        let news = self.news(&by);
        let removed = self.store.write(move |tx| {
            let Some(account) = by.find(tx)? else {
                return Ok(Removal::Gone);
            };
            let left = Factors {
                totp: false,
                ..find(tx, &account.id)?.kinds()
            };
            if !may_go(policy, &account, left) {
                return Ok(Removal::LastFactor);
            }
            if !totp_secrets::delete(tx, &account.id)? {
                return Ok(Removal::Gone);
            }
            recovery_codes::forget_without_factor(tx, &account.id)?;
            tell(tx, &account, &news)?;
            Ok(Removal::Done)
        });
        Ok(removed.await?)
    }
}
