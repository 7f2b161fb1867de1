//! The person whom tokens speak for.

use hallpass_protocol::UserId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

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
}

impl Method {
    /// The value in `amr`.
    pub fn as_amr(self) -> &'static str {
        match self {
            Self::Password => "pwd",
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
            browser: None,
        }
    }

    /// How strong it was (`acr`).
    pub fn acr(&self) -> Option<&'static str> {
        self.methods.contains(&Method::Password).then_some("pwd")
    }
}
