//! What was wrong with what a person typed, said beside the field.

use std::time::Duration;

use hallpass_issuer::factors::password::{BadPassword, LONGEST, SHORTEST};

use crate::languages::Words;

/// What was wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// A wrong password, an unknown name, a locked account, or one without a password: a guesser must
    /// not learn which of these it is.
    WrongPassword,
    /// Too many wrong passwords; so long no other is looked at.
    TooManyTries(Duration),
    /// No user name.
    NoUsername,
    /// No user name, where any would do. Dev mode only.
    NotAnyUsername,
    /// Nobody can have that user name. Dev mode only.
    BadUsername,
    /// Neither user name nor address.
    NoUsernameOrEmail,
    /// Nothing that could be an address.
    NoEmail,
    /// A display name that is too long, or has control characters.
    BadDisplayName,
    /// Too many links were asked for; so long no other is sent.
    TooManyLinks(Duration),
    /// The new password was not typed twice.
    PasswordsDiffer,
    /// The new password will not do.
    BadPassword(BadPassword),
    /// The present password is another one.
    NotPresentPassword,
    /// The new password is the present one.
    SamePassword,
    /// A code that no authenticator app of this person shows now, or one that was used before.
    WrongTotp,
    /// None of this person's recovery codes, or one that was used before.
    WrongRecoveryCode,
    /// The second step came too late, or its sign-in is not what it was.
    SignInTooOld,
    /// No user code.
    CodeMissing,
    /// A user code that is wrong, expired or used: a guesser must not learn which of these it is.
    CodeNotValid,
    /// Not the name of the account that would be deleted.
    NotYourUsername,
    /// Nobody else could administer the server.
    LastAdmin,
    /// A passkey that signs nobody in here, for whatever reason: a guesser must not learn which.
    PasskeyNotAccepted,
    /// A new passkey that is not kept.
    PasskeyNotMade,
    /// There are as many passkeys as can be.
    TooManyPasskeys,
    /// A second factor is required, and there is no other.
    LastFactor,
}

/// What a page says of what was posted before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// Nothing: it is a new page.
    Nothing,
    /// That it was wrong.
    Problem(Problem),
    /// Nothing either, but the page before was too old for a passkey, so that it is asked for at once.
    TooOld,
}

impl Said {
    /// What was wrong.
    pub(crate) fn problem(self) -> Option<Problem> {
        match self {
            Self::Problem(problem) => Some(problem),
            Self::Nothing | Self::TooOld => None,
        }
    }
}

impl Problem {
    /// So long nothing more is looked at.
    pub(crate) fn wait(self) -> Option<Duration> {
        match self {
            Self::TooManyTries(wait) => Some(wait),
            _ => None,
        }
    }

    /// It, as a sentence.
    pub(crate) fn in_words(self, words: &Words) -> String {
        let plain = match self {
            Self::TooManyTries(wait) => return words.too_many_tries(minutes(wait)).to_string(),
            Self::TooManyLinks(wait) => return words.too_many_links(minutes(wait)).to_string(),
            Self::BadPassword(BadPassword::TooShort) => {
                return words.password_too_short(number(SHORTEST)).to_string();
            }
            Self::BadPassword(BadPassword::TooLong) => {
                return words.password_too_long(number(LONGEST)).to_string();
            }
            Self::BadPassword(BadPassword::IsName) => words.password_is_name,
            Self::BadPassword(BadPassword::Repeats) => words.password_repeats,
            Self::BadPassword(BadPassword::Common) => words.password_is_common,
            Self::WrongPassword => words.wrong_password,
            Self::NoUsername => words.enter_username,
            Self::NotAnyUsername => words.enter_any_username,
            Self::BadUsername => words.bad_username,
            Self::NoUsernameOrEmail => words.enter_username_or_email,
            Self::NoEmail => words.enter_email,
            Self::BadDisplayName => words.bad_display_name,
            Self::PasswordsDiffer => words.passwords_differ,
            Self::NotPresentPassword => words.not_present_password,
            Self::SamePassword => words.same_password,
            Self::WrongTotp => words.wrong_totp,
            Self::WrongRecoveryCode => words.wrong_recovery_code,
            Self::SignInTooOld => words.sign_in_too_old,
            Self::CodeMissing => words.code_is_missing,
            Self::CodeNotValid => words.code_not_valid,
            Self::NotYourUsername => words.not_your_username,
            Self::LastAdmin => words.last_admin,
            Self::PasskeyNotAccepted => words.passkey_not_accepted,
            Self::PasskeyNotMade => words.passkey_not_made,
            Self::TooManyPasskeys => words.too_many_passkeys,
            Self::LastFactor => words.last_factor,
        };
        plain.to_owned()
    }
}

/// What a new password should be.
pub(super) fn password_hint(words: &Words) -> String {
    words.password_hint(number(SHORTEST)).to_string()
}

/// A wait in whole minutes, rounded up.
pub(super) fn minutes(wait: Duration) -> u64 {
    wait.as_secs().div_ceil(60).max(1)
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
