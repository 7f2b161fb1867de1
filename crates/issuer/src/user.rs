//! The person whom tokens speak for.

use std::time::Duration;

use hallpass_protocol::{Timestamp, UserId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::factors::acr::Acr;
use crate::factors::passkey::{Passkey, Used};

/// A user at one issuer, as far as tokens need to know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct User {
    /// The `sub` of the person's tokens.
    pub id: UserId,
    /// Further claims about the person; in dev mode those typed on the sign-in page.
    pub claims: Map<String, Value>,
}

impl User {
    /// What people call this person: the user name of an account. In dev mode the `sub` is one.
    pub fn shown_name(&self) -> &str {
        let username = self.claims.get("preferred_username");
        username
            .and_then(Value::as_str)
            .unwrap_or_else(|| self.id.as_str())
    }
}

/// How a person proved who they are (RFC 8176 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// `pwd`
    Password,
    /// `otp`: a code of an authenticator app.
    Totp,
    /// `otp`: a code on paper, good for one time.
    RecoveryCode,
    /// `hwk`: a passkey that never leaves its device.
    HardwareKey,
    /// `swk`: a passkey that its person's devices share.
    SyncedPasskey,
    /// `user`: the passkey's device knew who touched it, by a PIN or a finger.
    UserVerified,
}

impl Method {
    /// The value in `amr`.
    pub fn as_amr(self) -> &'static str {
        match self {
            Self::Password => "pwd",
            Self::Totp | Self::RecoveryCode => "otp",
            Self::HardwareKey => "hwk",
            Self::SyncedPasskey => "swk",
            Self::UserVerified => "user",
        }
    }
}

/// One sign-in: what was proved, and where the account stood then. Dev mode proves nothing, and its
/// people have no account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SignIn {
    /// What was proved.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<Method>,
    /// The account's epoch: what carries an older one than the account has is void (row S-263).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security_epoch: Option<u32>,
    /// When a second factor was last proved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub second_factor_at: Option<Timestamp>,
    /// What a client is told of its strength, where it asked for one that it exceeds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub told_as: Option<Acr>,
    /// The browser, in words: `Firefox on Linux`. What a browser says of itself proves nothing; it
    /// helps its person to know it again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub browser: Option<String>,
}

impl SignIn {
    /// A sign-in with a password.
    pub fn by_password(security_epoch: u32) -> Self {
        Self {
            methods: vec![Method::Password],
            security_epoch: Some(security_epoch),
            ..Self::default()
        }
    }

    /// A sign-in with a passkey alone.
    pub fn by_passkey(security_epoch: u32, used: &Used, now: Timestamp) -> Self {
        let nothing = Self {
            security_epoch: Some(security_epoch),
            ..Self::default()
        };
        nothing.with_passkey(used, now)
    }

    /// The same with a passkey that was used now.
    #[must_use]
    pub fn with_passkey(self, used: &Used, now: Timestamp) -> Self {
        let with_it = self.with_factor(kind(&used.passkey), now);
        if used.user_verified {
            with_it.with_factor(Method::UserVerified, now)
        } else {
            with_it
        }
    }

    /// The same with a passkey that was made now: its device had to know who made it. Whoever could
    /// make it can use it, so that to use it at once would prove nothing more.
    #[must_use]
    pub fn with_new_passkey(self, passkey: &Passkey, now: Timestamp) -> Self {
        self.with_factor(kind(passkey), now)
            .with_factor(Method::UserVerified, now)
    }

    /// The same with a second factor that was proved now.
    #[must_use]
    pub fn with_factor(mut self, method: Method, now: Timestamp) -> Self {
        if !self.methods.contains(&method) {
            self.methods.push(method);
        }
        self.second_factor_at = Some(now);
        self
    }

    /// How strong it was.
    pub fn reached(&self) -> Option<Acr> {
        let has = |wanted: &[Method]| self.methods.iter().any(|method| wanted.contains(method));
        let has_password = has(&[Method::Password]);
        // A passkey whose device knew its person is two factors in one: what they have, and what they
        // are or know.
        if has(&[Method::HardwareKey, Method::SyncedPasskey])
            && (has_password || has(&[Method::UserVerified]))
        {
            return Some(Acr::PhishingResistant);
        }
        match (has_password, has(&[Method::Totp, Method::RecoveryCode])) {
            (true, true) => Some(Acr::SecondFactor),
            (true, false) => Some(Acr::Password),
            // One that is second to nothing is none.
            (false, _) => None,
        }
    }

    /// Whether a second factor was proved so recently.
    pub fn has_proved_factor(&self, within: Duration, now: Timestamp) -> bool {
        self.reached() >= Some(Acr::SecondFactor)
            && self
                .second_factor_at
                .is_some_and(|at| now.since(at) <= within)
    }

    /// What tokens say of its strength (`acr`).
    pub fn acr(&self) -> Option<Acr> {
        self.told_as.or_else(|| self.reached())
    }

    /// What tokens say of how it was done (`amr`, RFC 8176 §2): each way once, and `mfa` where they
    /// are of two kinds.
    pub fn amr(&self) -> Vec<&'static str> {
        let mut values: Vec<&'static str> = Vec::new();
        for value in self.methods.iter().map(|method| method.as_amr()) {
            if !values.contains(&value) {
                values.push(value);
            }
        }
        if self.reached() >= Some(Acr::SecondFactor) {
            values.push("mfa");
        }
        values
    }
}

fn kind(passkey: &Passkey) -> Method {
    if passkey.backup_eligible {
        Method::SyncedPasskey
    } else {
        Method::HardwareKey
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s_222_s_223_each_way_to_sign_in_is_told_as_the_registry_spells_it() {
        let now = Timestamp::from_unix_seconds(1_000_000);
        let nothing = SignIn::default();
        assert_eq!((nothing.acr(), nothing.amr()), (None, vec![]));
        let password = SignIn::by_password(1);
        assert_eq!(password.amr(), ["pwd"]);
        assert_eq!(password.acr(), Some(Acr::Password));
        for method in [Method::Totp, Method::RecoveryCode] {
            let both = password.clone().with_factor(method, now);
            assert_eq!(both.amr(), ["pwd", "otp", "mfa"]);
            assert_eq!(both.acr(), Some(Acr::SecondFactor));
        }
        let thrice = password.with_factor(Method::RecoveryCode, now);
        let thrice = thrice
            .with_factor(Method::Totp, now)
            .with_factor(Method::Totp, now);
        assert_eq!(thrice.amr(), ["pwd", "otp", "mfa"]);
        let told = SignIn {
            told_as: Some(Acr::Password),
            ..thrice
        };
        assert_eq!(told.acr(), Some(Acr::Password));
    }

    #[test]
    fn s_223_a_passkey_says_what_it_is_and_whether_it_knew_its_person() {
        use hallpass_protocol::webauthn::CosePublicKey;
        let now = Timestamp::from_unix_seconds(1_000_000);
        // {1: 1, 3: -8, -1: 6, -2: x}, the key of RFC 8032 §7.1, test 1.
        let key = b"\xa4\x01\x01\x03\x27\x20\x06\x21\x58\x20\xd7\x5a\x98\x01\x82\xb1\x0a\xb7\xd5\x4b\xfe\xd3\xc9\x64\x07\x3a\x0e\xe1\x72\xf3\xda\xa6\x23\x25\xaf\x02\x1a\x68\xf7\x07\x51\x1a";
        let used = |backup_eligible, user_verified| Used {
            passkey: Passkey {
                credential_id: vec![1],
                public_key: CosePublicKey::read(key).unwrap(),
                sign_count: 0,
                uv_initialized: true,
                backup_eligible,
                backup_state: false,
                aaguid: [0; 16],
            },
            user_verified,
        };
        let phr = Some(Acr::PhishingResistant);
        let password = SignIn::by_password(1);
        for (sign_in, amr, acr) in [
            (
                SignIn::by_passkey(1, &used(false, true), now),
                vec!["hwk", "user", "mfa"],
                phr,
            ),
            (
                SignIn::by_passkey(1, &used(true, true), now),
                vec!["swk", "user", "mfa"],
                phr,
            ),
            // Never done; a touch alone is worth nothing.
            (
                SignIn::by_passkey(1, &used(false, false), now),
                vec!["hwk"],
                None,
            ),
            (
                password.clone().with_passkey(&used(false, false), now),
                vec!["pwd", "hwk", "mfa"],
                phr,
            ),
            (
                password.with_passkey(&used(true, true), now),
                vec!["pwd", "swk", "user", "mfa"],
                phr,
            ),
        ] {
            assert_eq!(sign_in.amr(), amr);
            assert_eq!(sign_in.acr(), acr);
            let within = Duration::from_mins(1);
            assert_eq!(sign_in.has_proved_factor(within, now), acr.is_some());
        }
    }

    #[test]
    fn what_was_written_before_there_were_second_factors_is_read() {
        let before = r#"{"methods":["password"],"security_epoch":3}"#;
        let read: SignIn = serde_json::from_str(before).unwrap();
        assert_eq!(read, SignIn::by_password(3));
        assert_eq!(serde_json::to_string(&read).unwrap(), before);
    }

    #[test]
    fn s_223_a_passkey_that_was_just_made_counts_as_one_that_was_used() {
        use hallpass_protocol::webauthn::CosePublicKey;
        let now = Timestamp::from_unix_seconds(1_000_000);
        let key = b"\xa4\x01\x01\x03\x27\x20\x06\x21\x58\x20\xd7\x5a\x98\x01\x82\xb1\x0a\xb7\xd5\x4b\xfe\xd3\xc9\x64\x07\x3a\x0e\xe1\x72\xf3\xda\xa6\x23\x25\xaf\x02\x1a\x68\xf7\x07\x51\x1a";
        for (backup_eligible, kind) in [(false, "hwk"), (true, "swk")] {
            let passkey = Passkey {
                credential_id: vec![1],
                public_key: CosePublicKey::read(key).unwrap(),
                sign_count: 0,
                uv_initialized: true,
                backup_eligible,
                backup_state: false,
                aaguid: [0; 16],
            };
            let made = SignIn::by_password(0).with_new_passkey(&passkey, now);
            assert_eq!(made.reached(), Some(Acr::PhishingResistant));
            assert_eq!(made.amr(), ["pwd", kind, "user", "mfa"]);
            assert!(made.has_proved_factor(Duration::ZERO, now));
        }
    }
}
