//! A scope as a sentence that finishes "It will be able to …".
//!
//! OpenID Connect Core §5.4: <https://openid.net/specs/openid-connect-core-1_0.html#ScopeClaims>
//! `offline_access`, §11: <https://openid.net/specs/openid-connect-core-1_0.html#OfflineAccess>

use askama::filters::HtmlSafeOutput;
use hallpass_issuer::authorization::RefreshLifetimes;
use hallpass_issuer::consent;
use hallpass_issuer::oidc_scopes::OFFLINE_ACCESS;
use hallpass_protocol::Scopes;

use crate::languages::{Filled, Value, Words};
use crate::settings::Resource;

/// One scope of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeLine {
    /// The scope as it is on the wire.
    pub scope: String,
    /// What it lets the client do, in the operator's words; not used for the scopes that OpenID
    /// Connect defines.
    pub described: Option<String>,
    /// Whether it has a box, ticked at first, and may be left out.
    pub optional: bool,
}

impl ScopeLine {
    /// A scope that nobody describes.
    pub fn plain(scope: &str) -> Self {
        Self {
            scope: scope.to_owned(),
            described: None,
            optional: false,
        }
    }

    /// A scope with the words of the configured resources, where it is theirs.
    fn of(scope: &str, resources: &[Resource]) -> Self {
        let mut scopes = resources.iter().flat_map(|resource| &resource.scopes);
        let found = scopes.find(|(name, words)| name == scope && !words.trim().is_empty());
        Self {
            described: found.map(|(_, words)| words.clone()),
            ..Self::plain(scope)
        }
    }

    /// What it lets the client do; a scope that nobody described is shown itself.
    pub(crate) fn value(&self, words: &Words) -> Value<'_> {
        let standard = match self.scope.as_str() {
            "openid" => words.scope_openid,
            "profile" => words.scope_profile,
            "email" => words.scope_email,
            "address" => words.scope_address,
            "phone" => words.scope_phone,
            "offline_access" => words.scope_offline_access,
            _ => {
                return match &self.described {
                    Some(described) => Value::from(described),
                    None => words.scope_use(&self.scope).element(),
                };
            }
        };
        Value::words(standard)
    }

    pub(crate) fn in_words(&self, words: &Words) -> HtmlSafeOutput<String> {
        Filled::of(self.value(words)).html()
    }
}

/// How long a client keeps what it gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// So many days.
    Days(u64),
    /// As long as its access token.
    Token,
}

impl Lifetime {
    pub(crate) fn in_words(self, words: &Words) -> String {
        match self {
            Self::Days(days) => words.keeps_access(days).to_string(),
            Self::Token => words.keeps_access_of_token.to_owned(),
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

/// How long the client keeps what it gets.
pub(crate) fn lifetime(scopes: &Scopes, refresh: &RefreshLifetimes) -> Lifetime {
    if scopes.contains(OFFLINE_ACCESS) {
        Lifetime::Days(refresh.absolute.as_secs() / (24 * 3600))
    } else {
        Lifetime::Token
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::languages::Language;

    fn shown(line: &ScopeLine) -> String {
        line.in_words(Language::English.words()).to_string()
    }

    #[test]
    fn unknown_scopes_are_shown_as_they_are() {
        assert_eq!(shown(&ScopeLine::plain("email")), "see your email address");
        assert_eq!(
            shown(&ScopeLine::plain("api:read")),
            "use <code><bdi>api:read</bdi></code>"
        );
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
        let lines_shown: Vec<_> = choices(&asked, &resources).iter().map(shown).collect();
        assert_eq!(lines_shown[1], "<bdi>read your notes</bdi>");
        assert_eq!(lines_shown[2], shown(&ScopeLine::plain("email")));
        assert_eq!(lines_shown[3], "use <code><bdi>mute</bdi></code>");
        let optional: Vec<_> = choices(&asked, &resources)
            .iter()
            .map(|line| line.optional)
            .collect();
        assert_eq!(optional, [false, true, true, true]);
        assert!(lines(&asked, &resources).iter().all(|line| !line.optional));
    }
}
