//! A scope as a sentence that finishes "It will be able to …".
//!
//! OpenID Connect Core §5.4: <https://openid.net/specs/openid-connect-core-1_0.html#ScopeClaims>
//! `offline_access`, §11: <https://openid.net/specs/openid-connect-core-1_0.html#OfflineAccess>

use hallpass_issuer::authorization::RefreshLifetimes;
use hallpass_issuer::policy::OFFLINE_ACCESS;
use hallpass_protocol::Scopes;

/// One scope of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeLine {
    /// The scope as it is on the wire.
    pub scope: String,
    /// What it lets the client do; `None` shows the scope itself.
    pub meaning: Option<String>,
}

impl ScopeLine {
    /// Describes a scope that OpenID Connect defines; any other is shown as it is.
    pub fn standard(scope: &str) -> Self {
        let meaning = match scope {
            "openid" => Some("know who you are on this server"),
            "profile" => Some("see your name and profile"),
            "email" => Some("see your email address"),
            "address" => Some("see your postal address"),
            "phone" => Some("see your phone number"),
            "offline_access" => Some("keep its access while you are away"),
            _ => None,
        };
        Self {
            scope: scope.to_owned(),
            meaning: meaning.map(str::to_owned),
        }
    }
}

/// How long the client keeps what it gets, in words.
pub(crate) fn lifetime(scopes: &Scopes, refresh: &RefreshLifetimes) -> String {
    if scopes.contains(OFFLINE_ACCESS) {
        let days = refresh.absolute.as_secs() / (24 * 3600);
        format!("Keeps access for up to {days} days without asking again.")
    } else {
        "Keeps access until its token runs out; then it asks again.".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_scopes_are_shown_as_they_are() {
        assert!(ScopeLine::standard("email").meaning.is_some());
        assert_eq!(ScopeLine::standard("api:read").meaning, None);
    }
}
