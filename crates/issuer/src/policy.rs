//! Who may ask for what: scopes and targets.
//!
//! RFC 6749 §3.3: <https://www.rfc-editor.org/rfc/rfc6749#section-3.3>, RFC 8707 §2.

use hallpass_protocol::Scopes;
use hallpass_protocol::token::GrantType;

use crate::client::{AllowedScopes, Client};
use crate::oidc_scopes::OFFLINE_ACCESS;
use crate::refusal::Refusal;

/// Which flow asks: a client may have less by the device flow (row S-29).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Any but the device flow.
    Any,
    /// The device flow.
    Device,
}

/// The scopes that a request gets: what it asks for when that is allowed, all that the client has
/// when it asks for nothing.
pub fn granted_scopes(client: &Client, asked: Option<&str>, flow: Flow) -> Result<Scopes, Refusal> {
    let asked = match asked {
        Some(text) => Scopes::parse(text).map_err(|_| Refusal::InvalidScope)?,
        None => Scopes::default(),
    };
    let device_only = match flow {
        Flow::Device => client.device.scopes.as_ref(),
        Flow::Any => None,
    };
    let allowed = match (&client.scopes, device_only) {
        (_, Some(narrower)) => narrower,
        (AllowedScopes::Only(scopes), None) => scopes,
        (AllowedScopes::Any, None) => return Ok(asked),
    };
    if asked.is_empty() {
        return Ok(allowed.clone());
    }
    if asked.is_subset(allowed) {
        Ok(asked)
    } else {
        Err(Refusal::InvalidScope)
    }
}

/// The scopes of a refresh: what was granted, or a part of it (RFC 6749 §6).
pub fn narrowed_scopes(granted: &Scopes, asked: Option<&str>) -> Result<Scopes, Refusal> {
    let Some(text) = asked else {
        return Ok(granted.clone());
    };
    let asked = Scopes::parse(text).map_err(|_| Refusal::InvalidScope)?;
    if asked.is_subset(granted) {
        Ok(asked)
    } else {
        Err(Refusal::InvalidScope)
    }
}

/// Checks resource indicators: absolute URIs without a fragment (RFC 8707 §2).
pub fn check_resources(resources: &[String]) -> Result<Vec<String>, Refusal> {
    let fits = |text: &String| {
        url::Url::parse(text).is_ok_and(|uri| uri.fragment().is_none() && !text.contains('#'))
    };
    if resources.iter().all(fits) {
        Ok(resources.to_vec())
    } else {
        Err(Refusal::InvalidTarget)
    }
}

/// The resources of a token request: those asked for when all of them were granted, else all
/// (RFC 8707 §2.2).
pub fn narrowed_resources(granted: &[String], asked: &[String]) -> Result<Vec<String>, Refusal> {
    let asked = check_resources(asked)?;
    if asked.is_empty() {
        return Ok(granted.to_vec());
    }
    if asked.iter().all(|resource| granted.contains(resource)) {
        Ok(asked)
    } else {
        Err(Refusal::InvalidTarget)
    }
}

/// Whether a sign-in yields a refresh token (row S-68, OIDC Core §11).
pub fn earns_refresh_token(client: &Client, scopes: &Scopes) -> bool {
    client.grants.contains(&GrantType::RefreshToken)
        && (client.refresh_without_offline_access || scopes.contains(OFFLINE_ACCESS))
}

#[cfg(test)]
mod tests {
    use hallpass_protocol::ClientId;

    use super::*;

    fn client() -> Client {
        let scopes = AllowedScopes::Only(Scopes::parse("openid a b").unwrap());
        Client {
            scopes,
            ..Client::unconfigured(ClientId::new("cli"))
        }
    }

    #[test]
    fn s_04_s_05_no_scope_means_the_default_and_a_foreign_one_is_refused() {
        let default = granted_scopes(&client(), None, Flow::Device).unwrap();
        assert_eq!(default.to_string(), "openid a b");
        assert_eq!(
            granted_scopes(&client(), Some("admin"), Flow::Device),
            Err(Refusal::InvalidScope)
        );
        assert_eq!(
            granted_scopes(&client(), Some("a\"b"), Flow::Any),
            Err(Refusal::InvalidScope)
        );
    }

    #[test]
    fn s_29_the_device_flow_may_have_less() {
        let client = Client {
            device: crate::client::DevicePolicy {
                scopes: Some(Scopes::parse("openid").unwrap()),
                ..crate::client::DevicePolicy::default()
            },
            ..client()
        };
        assert_eq!(
            granted_scopes(&client, Some("a"), Flow::Device),
            Err(Refusal::InvalidScope)
        );
        assert!(granted_scopes(&client, Some("a"), Flow::Any).is_ok());
    }

    #[test]
    fn s_63_a_refresh_may_narrow_and_never_widen() {
        let granted = Scopes::parse("a b").unwrap();
        assert_eq!(narrowed_scopes(&granted, None), Ok(granted.clone()));
        assert_eq!(
            narrowed_scopes(&granted, Some("b")).unwrap().to_string(),
            "b"
        );
        assert_eq!(
            narrowed_scopes(&granted, Some("a c")),
            Err(Refusal::InvalidScope)
        );
    }

    #[test]
    fn s_66_s_191_targets_are_absolute_and_granted() {
        let granted = ["https://a".to_owned(), "https://b".to_owned()];
        let one = |text: &str| vec![text.to_owned()];
        assert_eq!(
            narrowed_resources(&granted, &one("https://a")),
            Ok(one("https://a"))
        );
        for bad in ["https://c", "relative", "https://a#f", "https://a#"] {
            assert_eq!(
                narrowed_resources(&granted, &one(bad)),
                Err(Refusal::InvalidTarget),
                "{bad}"
            );
        }
    }

    #[test]
    fn s_68_a_refresh_token_needs_the_grant_and_offline_access_or_policy() {
        let (with, without) = (
            Scopes::parse("a offline_access").unwrap(),
            Scopes::parse("a").unwrap(),
        );
        assert!(earns_refresh_token(&client(), &with));
        assert!(!earns_refresh_token(&client(), &without));
        let by_policy = Client {
            refresh_without_offline_access: true,
            ..client()
        };
        assert!(earns_refresh_token(&by_policy, &without));
        let no_grant = Client {
            grants: vec![GrantType::DeviceCode],
            ..client()
        };
        assert!(!earns_refresh_token(&no_grant, &with));
    }
}
