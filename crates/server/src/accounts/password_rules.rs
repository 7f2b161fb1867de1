//! What a new password is checked against.

use std::sync::{Arc, PoisonError, RwLock};

use hallpass_issuer::factors::password::{self, BadPassword};
use hallpass_protocol::Secret;

use crate::password_blocklist::PasswordBlocklist;
use crate::settings::Settings;

/// The rules of the settings that were read last.
#[derive(Clone, Debug)]
pub(super) struct PasswordRules(Arc<RwLock<Rules>>);

#[derive(Clone, Debug)]
struct Rules {
    /// What people know the service by: it is no password.
    service: Arc<str>,
    blocklist: PasswordBlocklist,
}

impl PasswordRules {
    pub(super) fn new(settings: &Settings) -> Self {
        Self(Arc::new(RwLock::new(Rules::of(settings))))
    }

    /// From now on these settings hold.
    pub(super) fn renew(&self, settings: &Settings) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Rules::of(settings);
    }

    /// Checks a new password of somebody who has these names.
    pub(super) fn check(
        &self,
        names: &[&str],
        password: &Secret<String>,
    ) -> Result<(), BadPassword> {
        let rules = self
            .0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let names = [names, &[&rules.service]].concat();
        password::check_new(password, &names, |lower| rules.blocklist.contains(lower))
    }
}

impl Rules {
    fn of(settings: &Settings) -> Self {
        Self {
            service: Arc::from(settings.branding.name.as_str()),
            blocklist: settings.password_blocklist.clone(),
        }
    }
}
