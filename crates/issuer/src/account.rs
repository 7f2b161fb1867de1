//! Accounts: who may sign in, what their names may be, and what ends with a change of them.

use std::fmt;

use hallpass_protocol::{Timestamp, UserId, hex};
use serde_json::{Map, Value};

use crate::refusal::GrantReason;
use crate::user::{SignIn, User};

/// A person's account.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    /// The `sub`: drawn once, never given to another account (row S-236).
    pub id: UserId,
    /// What the person types.
    pub username: Username,
    /// What others read.
    pub display_name: Option<String>,
    /// Where mail goes.
    pub email: Option<EmailAddress>,
    /// When the person proved that they read the mail sent there.
    pub email_verified_at: Option<Timestamp>,
    /// Whether the person may sign in.
    pub status: Status,
    /// What the person may administer.
    pub role: Role,
    /// The language that the person reads, as a tag (OIDC Core §5.1); `None` until they chose one.
    pub locale: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When somebody last signed in to it.
    pub last_login_at: Option<Timestamp>,
    /// Raised by whatever must end all that the person approved before.
    pub security_epoch: u32,
}

/// Whether a person may sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Yes, with what they have set up.
    Active,
    /// No, until somebody unlocks the account.
    Locked,
}

/// What a person may administer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Their own account.
    User,
    /// Everything.
    Admin,
    /// Nothing; they may read the records.
    Auditor,
}

impl Account {
    /// The person, as tokens and userinfo may speak of them (OIDC Core §5.1).
    pub fn user(&self) -> User {
        let mut claims = Map::new();
        let username = Value::from(self.username.as_str());
        claims.insert("preferred_username".to_owned(), username);
        if let Some(name) = &self.display_name {
            claims.insert("name".to_owned(), Value::from(name.as_str()));
        }
        if let Some(locale) = &self.locale {
            claims.insert("locale".to_owned(), Value::from(locale.as_str()));
        }
        if let Some(email) = &self.email {
            claims.insert("email".to_owned(), Value::from(email.as_str()));
            let is_verified = self.email_verified_at.is_some();
            claims.insert("email_verified".to_owned(), Value::from(is_verified));
        }
        User {
            id: self.id.clone(),
            claims,
        }
    }

    /// Whether what a sign-in led to still counts.
    pub fn honours(&self, sign_in: &SignIn) -> bool {
        self.status == Status::Active && sign_in.security_epoch == Some(self.security_epoch)
    }

    /// Ends all that was approved so far, redeemed or not (row S-263).
    pub fn raise_epoch(&mut self) {
        self.security_epoch = self.security_epoch.saturating_add(1);
    }

    /// Nobody signs in to it any more; whether that is news.
    pub fn lock(&mut self) -> bool {
        let is_news = self.status != Status::Locked;
        self.status = Status::Locked;
        self.raise_epoch();
        is_news
    }

    /// The person may sign in again; whether that is news.
    pub fn unlock(&mut self) -> bool {
        let is_news = self.status != Status::Active;
        self.status = Status::Active;
        is_news
    }

    /// The words that its password must not be.
    pub fn names(&self) -> Vec<&str> {
        let email = self.email.as_ref().map(EmailAddress::as_str);
        [
            Some(self.username.as_str()),
            email,
            self.display_name.as_deref(),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// Whether a code or device grant may still be redeemed: its person's account must stand as it
/// stood when they approved. `account` is what is found under the id in the redeeming transaction.
pub fn check_redemption(sign_in: &SignIn, account: Option<&Account>) -> Result<(), GrantReason> {
    match (sign_in.security_epoch, account) {
        // Dev mode has no accounts.
        (None, _) => Ok(()),
        (Some(_), Some(account)) if account.honours(sign_in) => Ok(()),
        (Some(_), _) => Err(GrantReason::AccountChanged),
    }
}

/// A user name: ASCII letters, digits and `. _ - + @`, so that no two look alike and none carries
/// anything into a page, a header or a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Username(String);

impl Username {
    /// Reads one; `None` if it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"._-+@".contains(&b);
        let is_one = (1..=128).contains(&text.len())
            && text.bytes().all(is_plain)
            && text.bytes().any(|b| b.is_ascii_alphanumeric());
        is_one.then(|| Self(text.to_owned()))
    }

    /// The name of a person who makes an account with nothing but an address: the address. One that no
    /// user name can be, since it has other characters or is too long, gets a name of `drawn` bits; its
    /// person signs in with the address all the same, which is proven.
    pub fn for_address(email: &EmailAddress, drawn: [u8; 8]) -> Self {
        let drawn = || Self(format!("person-{}", hex::encode(&drawn)));
        Self::parse(email.as_str()).unwrap_or_else(drawn)
    }

    /// As the person writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What two spellings of one name have in common.
    pub fn folded(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An address that mail can be sent to: `local@domain` in ASCII. Neither quotes nor comments nor
/// lines: what is one of these cannot add a header or a recipient (RFC 5321 §4.1.2, dot-string).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailAddress(String);

impl EmailAddress {
    /// Reads one; `None` if it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let (local, domain) = text.rsplit_once('@')?;
        let is_atom = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&b);
        let is_host = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
        let good_local = local.len() <= 64
            && local
                .split('.')
                .all(|atom| !atom.is_empty() && atom.bytes().all(is_atom));
        let good_domain = domain.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label.bytes().all(is_host)
                && !label.starts_with('-')
                && !label.ends_with('-')
        });
        (text.len() <= 254 && good_local && good_domain).then(|| Self(text.to_owned()))
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What two spellings of one address have in common.
    pub fn folded(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account() -> Account {
        Account {
            id: UserId::new("1"),
            username: Username::parse("Ada").unwrap(),
            display_name: None,
            email: EmailAddress::parse("Ada@Example.com"),
            email_verified_at: None,
            status: Status::Active,
            role: Role::User,
            created_at: Timestamp::from_unix_seconds(0),
            locale: None,
            last_login_at: None,
            security_epoch: 3,
        }
    }

    #[test]
    fn s_25_s_263_what_was_approved_before_a_lock_or_a_new_epoch_is_void() {
        let mut account = account();
        let before = SignIn::by_password(3);
        assert_eq!(check_redemption(&before, Some(&account)), Ok(()));
        account.raise_epoch();
        let refused = Err(GrantReason::AccountChanged);
        assert_eq!(check_redemption(&before, Some(&account)), refused);
        let after = SignIn::by_password(4);
        assert_eq!(check_redemption(&after, Some(&account)), Ok(()));
        assert!(account.lock());
        assert!(!account.lock());
        assert_eq!(check_redemption(&after, Some(&account)), refused);
        assert!(account.unlock());
        // Unlocking revives nothing.
        assert_eq!(check_redemption(&after, Some(&account)), refused);
        assert_eq!(check_redemption(&after, None), refused);
        assert_eq!(check_redemption(&SignIn::default(), None), Ok(()));
    }

    #[test]
    fn names_are_plain() {
        for good in [
            "a",
            "ada",
            "Ada.Lovelace",
            "ada+x@example.com",
            "a_b-c",
            "007",
        ] {
            assert!(Username::parse(good).is_some(), "{good}");
        }
        for bad in [
            "",
            " ",
            "a b",
            "a\n",
            "é",
            "<b>",
            "a\0",
            "..",
            "@",
            "a\u{202e}b",
            "a/b",
        ] {
            assert!(Username::parse(bad).is_none(), "{bad:?}");
        }
        assert!(Username::parse(&"a".repeat(129)).is_none());
        let folded = |text| Username::parse(text).unwrap().folded();
        assert_eq!(folded("ADA"), folded("ada"));
    }

    #[test]
    fn an_address_is_a_name_where_it_can_be_one() {
        let name = |text| Username::for_address(&EmailAddress::parse(text).unwrap(), [0xab; 8]);
        assert_eq!(name("Ada+x@example.com").as_str(), "Ada+x@example.com");
        // Never the name of somebody whose address looks alike.
        let long = format!("{}@{}.example.com", "a".repeat(64), "b".repeat(60));
        for other in ["o'neil@example.com", "a&b@example.com", &long] {
            assert_eq!(name(other).as_str(), "person-abababababababab", "{other}");
            assert_eq!(Username::parse(name(other).as_str()), Some(name(other)));
        }
    }

    #[test]
    fn an_address_carries_nothing_else() {
        for good in ["a@b", "Ada.L+x@mail.example.com", "o'neil@example.com"] {
            assert!(EmailAddress::parse(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "a",
            "@",
            "a@",
            "@b",
            "a@b\r\nBcc: c@d",
            "a b@c",
            "a@b c",
            "<a@b>",
            "a@b,c@d",
            "\"a\"@b",
            "a..b@c",
            ".a@c",
            "a@-b",
            "a@b-",
            "a@b..c",
            "a@é.fr",
            "a(x)@b",
            "a@b;c@d",
            "a@[127.0.0.1]",
            "a\0@b",
        ] {
            assert!(EmailAddress::parse(bad).is_none(), "{bad:?}");
        }
    }
}
