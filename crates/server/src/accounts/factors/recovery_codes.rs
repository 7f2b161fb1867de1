//! Codes on paper, which stand in for a factor that is lost.

use hallpass_issuer::factors::recovery_code::{self, RecoveryCode, RecoveryKey};
use hallpass_protocol::{Secret, Timestamp, UserId, random};
use hallpass_store::{StoreError, Transaction, lasting_secrets, recovery_codes};

use super::enrolled::{SettingUp, find, tell};
use crate::accounts::directory::Accounts;
use crate::accounts::error::AccountError;

/// Codes that nobody has seen yet.
#[derive(Debug)]
pub(super) struct NewCodes {
    codes: Vec<RecoveryCode>,
    /// Becomes the key of all codes, if there is none yet.
    drawn: Secret<[u8; 32]>,
}

impl NewCodes {
    /// Makes them a person's; the ones before are void.
    pub(super) fn save(
        &self,
        tx: &Transaction<'_>,
        user: &UserId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let name = lasting_secrets::RECOVERY_CODES;
        let key = lasting_secrets::load_or_insert(tx, name, &self.drawn)?;
        let key = RecoveryKey::from_bytes(*key.expose());
        let macs: Vec<_> = self.codes.iter().map(|code| key.mac(user, code)).collect();
        recovery_codes::replace(tx, user, &macs, now)
    }

    /// As the person is shown them, once.
    pub(super) fn shown(&self) -> Vec<Secret<String>> {
        self.codes.iter().map(RecoveryCode::shown).collect()
    }
}

impl Accounts {
    /// Gives a person new recovery codes; the ones before are void. `None` without a second factor:
    /// there is nothing that they could stand in for.
    pub(crate) async fn renew_recovery_codes(
        &self,
        by: SettingUp,
    ) -> Result<Option<Vec<Secret<String>>>, AccountError> {
        let now = self.now();
        let news = self.news(&by);
        let new = self.draw_codes();
        let shown = new.shown();
        let renewed = self.store.write(move |tx| {
            let Some(account) = by.find(tx)? else {
                return Ok(false);
            };
            if !find(tx, &account.id)?.kinds().has_any() {
                return Ok(false);
            }
            new.save(tx, &account.id, now)?;
            tell(tx, &account, &news)?;
            Ok(true)
        });
        Ok(renewed.await?.then_some(shown))
    }

    pub(super) fn draw_codes(&self) -> NewCodes {
        let codes = (0..recovery_code::COUNT).map(|_| RecoveryCode::generate(self.random.as_ref()));
        NewCodes {
            codes: codes.collect(),
            drawn: Secret::new(random::bytes(self.random.as_ref())),
        }
    }
}

/// Recovery codes stand in for a factor: without one they are none.
pub(super) fn forget_without_factor(tx: &Transaction<'_>, user: &UserId) -> Result<(), StoreError> {
    if !find(tx, user)?.kinds().has_any() {
        recovery_codes::delete_by_user(tx, user)?;
    }
    Ok(())
}
