//! Which factors a sign-in needs: what the operator requires, what somebody asks for, what the
//! person has set up, and what their browser has proved already.
//!
//! RFC 9470 §5 (step-up): <https://www.rfc-editor.org/rfc/rfc9470#section-5>

use std::time::Duration;

use hallpass_protocol::Timestamp;

use super::acr::{Acr, AcrValues};
use crate::account::Role;
use crate::user::SignIn;

/// So long a second factor stays fresh: for a device, and for a change of the factors themselves.
pub const FRESH: Duration = Duration::from_mins(10);

/// Of whom the operator requires a second factor: `[login] require_mfa`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RequireMfa {
    /// Of nobody; whoever has one is asked for it.
    Off,
    /// Of administrators and auditors.
    #[default]
    Admins,
    /// Of everybody.
    All,
}

impl RequireMfa {
    /// Whether an account of this role needs one.
    pub fn holds_for(self, role: Role) -> bool {
        match self {
            Self::Off => false,
            Self::Admins => matches!(role, Role::Admin | Role::Auditor),
            Self::All => true,
        }
    }
}

/// Kinds of second factors; codes on paper stand in for any of them and are none by themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Factors {
    /// An authenticator app.
    pub totp: bool,
    /// A passkey.
    pub passkey: bool,
}

impl Factors {
    /// Those that are in both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            totp: self.totp && other.totp,
            passkey: self.passkey && other.passkey,
        }
    }

    /// Whether there is one.
    pub fn has_any(self) -> bool {
        self.totp || self.passkey
    }
}

/// A person, as far as this matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Person {
    /// What they may administer.
    pub role: Role,
    /// What they have set up.
    pub enrolled: Factors,
}

/// What the operator decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FactorPolicy {
    /// Of whom a second factor is required.
    pub require_mfa: RequireMfa,
    /// Which ones the server takes.
    pub offered: Factors,
}

/// What is asked for beside that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Demand {
    /// Nothing.
    Usual,
    /// A client asks for a strength (`acr_values`).
    Acr(AcrValues),
    /// The operator wants a second factor here, proved so recently.
    SecondFactor {
        /// So long ago at most.
        within: Duration,
    },
}

/// What a person has still to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// Nothing.
    Nothing,
    /// Show a second factor that they have.
    Factor,
    /// Set one up, right after a password.
    Enrolment,
    /// It cannot be reached: there is no factor that would do.
    Unreachable,
}

impl FactorPolicy {
    /// What a person has to do after a right password. Whoever has a second factor is asked for it
    /// whatever else holds: that is what they set it up for.
    pub fn after_password(self, person: Person, demand: &Demand) -> Missing {
        if self.has_usable(person) {
            return Missing::Factor;
        }
        let is_wanted = self.require_mfa.holds_for(person.role)
            || matches!(demand, Demand::SecondFactor { .. });
        match (is_wanted, self.offered.has_any()) {
            (true, true) => Missing::Enrolment,
            (true, false) => Missing::Unreachable,
            // What a client asks for is no reason to set something up: whoever has stolen a
            // password would bring their own.
            (false, _) if refuses(demand, Some(Acr::Password)) => Missing::Unreachable,
            (false, _) => Missing::Nothing,
        }
    }

    /// What a person who is signed in has to do. [`Missing::Enrolment`] begins with their password.
    pub fn when_signed_in(
        self,
        (person, sign_in): (Person, &SignIn),
        demand: &Demand,
        now: Timestamp,
    ) -> Missing {
        let can_prove = if self.has_usable(person) {
            Missing::Factor
        } else {
            Missing::Unreachable
        };
        match demand {
            Demand::Usual => Missing::Nothing,
            Demand::Acr(_) if !refuses(demand, sign_in.reached()) => Missing::Nothing,
            Demand::Acr(_) if !self.usable_for(person, demand).has_any() => Missing::Unreachable,
            Demand::Acr(_) => can_prove,
            Demand::SecondFactor { within } if sign_in.has_proved_factor(*within, now) => {
                Missing::Nothing
            }
            Demand::SecondFactor { .. } if self.has_usable(person) => Missing::Factor,
            Demand::SecondFactor { .. } if self.offered.has_any() => Missing::Enrolment,
            Demand::SecondFactor { .. } => Missing::Unreachable,
        }
    }

    /// Whether a sign-in of this role is one at all: it is none without the second factor that the
    /// operator requires, also when the requirement came later.
    pub fn honours(self, role: Role, sign_in: &SignIn) -> bool {
        !self.require_mfa.holds_for(role) || sign_in.reached() >= Some(Acr::SecondFactor)
    }

    /// Whether a person may be without a second factor.
    pub fn lets_go_without(self, role: Role) -> bool {
        !self.require_mfa.holds_for(role)
    }

    /// Which factors a person can show here.
    pub fn usable(self, person: Person) -> Factors {
        person.enrolled.and(self.offered)
    }

    /// Which of them reach what is asked for.
    pub fn usable_for(self, person: Person, demand: &Demand) -> Factors {
        let usable = self.usable(person);
        Factors {
            totp: usable.totp && !refuses(demand, Some(Acr::SecondFactor)),
            passkey: usable.passkey && !refuses(demand, Some(Acr::PhishingResistant)),
        }
    }

    fn has_usable(self, person: Person) -> bool {
        self.usable(person).has_any()
    }
}

fn refuses(demand: &Demand, reached: Option<Acr>) -> bool {
    matches!(demand, Demand::Acr(values) if !values.accepts(reached))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::user::Method;

    const NONE: Factors = Factors {
        totp: false,
        passkey: false,
    };
    const TOTP: Factors = Factors { totp: true, ..NONE };
    const PASSKEY: Factors = Factors {
        passkey: true,
        ..NONE
    };
    const BOTH: Factors = Factors {
        totp: true,
        passkey: true,
    };

    fn now() -> Timestamp {
        Timestamp::from_unix_seconds(1_000_000)
    }

    fn policy(require_mfa: RequireMfa, offered: Factors) -> FactorPolicy {
        FactorPolicy {
            require_mfa,
            offered,
        }
    }

    fn acr(text: &str) -> Demand {
        Demand::Acr(AcrValues::parse(Some(text)))
    }

    const FRESHLY: Demand = Demand::SecondFactor { within: FRESH };

    #[test]
    fn after_a_password_comes_what_the_person_has_or_what_is_required() {
        use Missing::{Enrolment, Factor, Nothing, Unreachable};
        use RequireMfa::{Admins, All, Off};
        for (require, role, offered, enrolled, demand, wanted) in [
            (Off, Role::User, TOTP, NONE, Demand::Usual, Nothing),
            (Off, Role::User, TOTP, TOTP, Demand::Usual, Factor),
            (Off, Role::Admin, TOTP, NONE, Demand::Usual, Nothing),
            (Admins, Role::User, TOTP, NONE, Demand::Usual, Nothing),
            (Admins, Role::Admin, TOTP, NONE, Demand::Usual, Enrolment),
            (Admins, Role::Auditor, TOTP, NONE, Demand::Usual, Enrolment),
            (Admins, Role::Admin, TOTP, TOTP, Demand::Usual, Factor),
            (All, Role::User, TOTP, NONE, Demand::Usual, Enrolment),
            (All, Role::User, TOTP, TOTP, Demand::Usual, Factor),
            // The operator switched the factor off: nobody can show it.
            (Off, Role::User, NONE, TOTP, Demand::Usual, Nothing),
            (All, Role::User, NONE, TOTP, Demand::Usual, Unreachable),
            // A device.
            (Off, Role::User, TOTP, NONE, FRESHLY, Enrolment),
            (Off, Role::User, TOTP, TOTP, FRESHLY, Factor),
            (Off, Role::User, NONE, NONE, FRESHLY, Unreachable),
            // A client.
            (Off, Role::User, TOTP, NONE, acr("mfa"), Unreachable),
            (Off, Role::User, TOTP, TOTP, acr("mfa"), Factor),
            (Off, Role::User, TOTP, NONE, acr("mfa pwd"), Nothing),
            (Off, Role::User, TOTP, NONE, acr("pwd"), Nothing),
            (All, Role::User, TOTP, NONE, acr("mfa"), Enrolment),
            // A passkey is a second factor, and a stronger one.
            (Off, Role::User, BOTH, PASSKEY, Demand::Usual, Factor),
            (Off, Role::User, PASSKEY, NONE, FRESHLY, Enrolment),
            (Off, Role::User, TOTP, PASSKEY, Demand::Usual, Nothing),
            (Off, Role::User, BOTH, PASSKEY, acr("phr"), Factor),
            (Off, Role::User, BOTH, NONE, acr("phr"), Unreachable),
        ] {
            let person = Person { role, enrolled };
            let found = policy(require, offered).after_password(person, &demand);
            assert_eq!(
                found, wanted,
                "{require:?} {role:?} {offered:?} {enrolled:?} {demand:?}"
            );
        }
    }

    #[test]
    fn s_221_who_is_signed_in_steps_up_where_they_can() {
        use Missing::{Enrolment, Factor, Nothing, Unreachable};
        let password = SignIn::by_password(1);
        let ago = |minutes| {
            let then = now() - Duration::from_mins(minutes);
            password.clone().with_factor(Method::Totp, then)
        };
        let (fresh, edge, stale) = (ago(1), ago(10), ago(11));
        for (offered, enrolled, sign_in, demand, wanted) in [
            (TOTP, TOTP, &password, Demand::Usual, Nothing),
            (TOTP, TOTP, &password, FRESHLY, Factor),
            (TOTP, TOTP, &fresh, FRESHLY, Nothing),
            (TOTP, TOTP, &edge, FRESHLY, Nothing),
            (TOTP, TOTP, &stale, FRESHLY, Factor),
            (TOTP, NONE, &password, FRESHLY, Enrolment),
            (TOTP, NONE, &stale, FRESHLY, Enrolment),
            (NONE, TOTP, &password, FRESHLY, Unreachable),
            (TOTP, TOTP, &password, acr("mfa"), Factor),
            (TOTP, TOTP, &stale, acr("mfa"), Nothing),
            (TOTP, TOTP, &password, acr("pwd"), Nothing),
            (TOTP, NONE, &password, acr("mfa"), Unreachable),
            (NONE, TOTP, &password, acr("mfa"), Unreachable),
            (TOTP, TOTP, &fresh, acr("gold"), Unreachable),
            (TOTP, TOTP, &password, acr("gold"), Unreachable),
            (TOTP, TOTP, &password, acr("gold mfa"), Factor),
            (BOTH, PASSKEY, &password, acr("mfa"), Factor),
            (BOTH, PASSKEY, &password, acr("phr"), Factor),
            (BOTH, BOTH, &fresh, acr("phr"), Factor),
            (BOTH, TOTP, &password, acr("phr"), Unreachable),
            (BOTH, TOTP, &fresh, acr("phr"), Unreachable),
            (TOTP, BOTH, &fresh, acr("phr"), Unreachable),
        ] {
            let person = Person {
                role: Role::User,
                enrolled,
            };
            let policy = policy(RequireMfa::Off, offered);
            let found = policy.when_signed_in((person, sign_in), &demand, now());
            assert_eq!(
                found, wanted,
                "{offered:?} {enrolled:?} {sign_in:?} {demand:?}"
            );
        }
    }

    #[test]
    fn s_221_only_factors_that_are_strong_enough_are_asked_for() {
        for (enrolled, demand, usable) in [
            (BOTH, Demand::Usual, BOTH),
            (BOTH, FRESHLY, BOTH),
            (BOTH, acr("mfa"), BOTH),
            (BOTH, acr("phr"), PASSKEY),
            (BOTH, acr("phr mfa"), BOTH),
            (TOTP, acr("phr"), NONE),
            (BOTH, acr("gold"), NONE),
        ] {
            let person = Person {
                role: Role::User,
                enrolled,
            };
            let policy = policy(RequireMfa::Off, BOTH);
            assert_eq!(policy.usable_for(person, &demand), usable, "{demand:?}");
        }
    }

    #[test]
    fn a_requirement_that_comes_later_ends_what_does_not_meet_it() {
        let password = SignIn::by_password(1);
        let both = password.clone().with_factor(Method::Totp, now());
        for (require, role, with_password) in [
            (RequireMfa::Off, Role::Admin, true),
            (RequireMfa::Admins, Role::User, true),
            (RequireMfa::Admins, Role::Admin, false),
            (RequireMfa::Admins, Role::Auditor, false),
            (RequireMfa::All, Role::User, false),
        ] {
            let policy = policy(require, TOTP);
            assert_eq!(policy.honours(role, &password), with_password);
            assert_eq!(policy.lets_go_without(role), with_password);
            assert!(policy.honours(role, &both));
        }
    }
}
