//! A scope as a sentence that finishes "It will be able to …".
//!
//! OpenID Connect Core §5.4: <https://openid.net/specs/openid-connect-core-1_0.html#ScopeClaims>
//! `offline_access`, §11: <https://openid.net/specs/openid-connect-core-1_0.html#OfflineAccess>

use hallpass_issuer::authorization::RefreshLifetimes;
use hallpass_issuer::consent;
use hallpass_issuer::policy::OFFLINE_ACCESS;
use hallpass_protocol::Scopes;

use crate::settings::Resource;

/// One scope of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeLine {
    /// The scope as it is on the wire.
    pub scope: String,
    /// What it lets the client do; `None` shows the scope itself.
    pub meaning: Option<String>,
    /// Whether it has a box, ticked at first, and may be left out.
    pub optional: bool,
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
            optional: false,
        }
    }

    /// Describes a scope with the words of the configured resources, where it is theirs.
    fn of(scope: &str, resources: &[Resource]) -> Self {
        let mut scopes = resources.iter().flat_map(|resource| &resource.scopes);
        let standard = Self::standard(scope);
        match scopes.find(|(name, words)| name == scope && !words.trim().is_empty()) {
            Some((_, words)) if standard.meaning.is_none() => Self {
                meaning: Some(words.clone()),
                ..standard
            },
            Some(_) | None => standard,
        }
    }
}

/// What a client gets, as lines that nobody can change.
pub(crate) fn lines(scopes: &Scopes, resources: &[Resource]) -> Vec<ScopeLine> {
    let line = |scope| ScopeLine::of(scope, resources);
    scopes.iter().map(line).collect()
}

/// What a client asks for, with a box for each that may be left out.
pub(crate) fn choices(scopes: &Scopes, resources: &[Resource]) -> Vec<ScopeLine> {
    let line = |scope| ScopeLine {
        optional: consent::is_optional(scope),
        ..ScopeLine::of(scope, resources)
    };
    scopes.iter().map(line).collect()
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

    #[test]
    fn the_words_of_a_resource_describe_its_scopes_and_no_standard_one() {
        let resources = [Resource {
            id: "https://api.test".to_owned(),
            scopes: [
                ("api:read", "read your notes"),
                ("email", "nothing at all"),
                ("mute", " "),
            ]
            .map(|(scope, words)| (scope.to_owned(), words.to_owned()))
            .to_vec(),
        }];
        let asked = Scopes::parse("openid api:read email mute").unwrap();
        let shown = choices(&asked, &resources);
        let meanings: Vec<_> = shown.iter().map(|line| line.meaning.as_deref()).collect();
        assert_eq!(meanings[1], Some("read your notes"));
        assert_eq!(meanings[2], ScopeLine::standard("email").meaning.as_deref());
        assert_eq!(meanings[3], None);
        let optional: Vec<_> = shown.iter().map(|line| line.optional).collect();
        assert_eq!(optional, [false, true, true, true]);
        assert!(lines(&asked, &resources).iter().all(|line| !line.optional));
    }
}
