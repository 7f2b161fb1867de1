//! The ways to show a second factor, as forms name them.

use hallpass_issuer::factors::required::Factors;
use hallpass_protocol::Secret;
use hallpass_protocol::form::Form;

use crate::accounts::Proof;
use crate::error::page::PageError;
use crate::languages::Words;
use crate::pages::problem::Problem;

/// A way to show a second factor: the field `method` of a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// A passkey.
    Passkey,
    /// A code of an authenticator app.
    Totp,
    /// A code on paper.
    RecoveryCode,
}

impl Way {
    const ALL: [Self; 3] = [Self::Passkey, Self::Totp, Self::RecoveryCode];

    /// The value of the field.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Passkey => "passkey",
            Self::Totp => "totp",
            Self::RecoveryCode => "recovery_code",
        }
    }

    /// Those that a person with these factors has, the best one first. Codes on paper come last: there
    /// are few of them.
    pub(crate) fn of(usable: Factors) -> Vec<Self> {
        let has = |way: &Self| match way {
            Self::Passkey => usable.passkey,
            Self::Totp => usable.totp,
            Self::RecoveryCode => usable.has_any(),
        };
        Self::ALL.into_iter().filter(has).collect()
    }

    /// The way that a form names in this field, if it is one of those that the person has.
    pub(crate) fn named(
        form: &Form,
        field: &'static str,
        ways: &[Self],
    ) -> Result<Option<Self>, PageError> {
        let named = form.one(field)?;
        let mut ways = ways.iter().copied();
        Ok(ways.find(|way| Some(way.as_str()) == named))
    }

    /// Its name, on the button that leads to it.
    pub(crate) fn in_words(self, words: &Words) -> &'static str {
        match self {
            Self::Passkey => words.use_passkey,
            Self::Totp => words.use_totp,
            Self::RecoveryCode => words.use_recovery_code,
        }
    }

    /// What was wrong with what somebody showed.
    pub(crate) fn problem(self) -> Problem {
        match self {
            Self::Passkey => Problem::PasskeyNotAccepted,
            Self::Totp => Problem::WrongTotp,
            Self::RecoveryCode => Problem::WrongRecoveryCode,
        }
    }

    /// The code that a form brings; `None` for what is no code.
    pub(crate) fn code(self, form: &Form) -> Result<Option<Proof>, PageError> {
        let code = Secret::new(form.one("code")?.unwrap_or_default().to_owned());
        Ok(match self {
            Self::Passkey => None,
            Self::Totp => Some(Proof::Totp(code)),
            Self::RecoveryCode => Some(Proof::RecoveryCode(code)),
        })
    }
}
