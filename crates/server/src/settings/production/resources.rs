//! `[[resource]]`.

use crate::settings::error::SettingsError;
use crate::settings::files::Source;
use crate::settings::mode::Resource;
use crate::settings::refusal::bad;
use crate::settings::server_toml;

pub(super) fn resources(
    source: &Source,
    given: Vec<server_toml::Resource>,
) -> Result<Vec<Resource>, SettingsError> {
    let mut resources: Vec<Resource> = Vec::new();
    for resource in given {
        let key = format!("resource[{}]", resource.id);
        // RFC 8707 §2: an absolute URI without a fragment.
        let id = url::Url::parse(&resource.id).ok();
        if id.is_none_or(|id| id.fragment().is_some()) {
            return Err(bad(
                source,
                &format!("{key}.id"),
                "is no absolute URI without a fragment",
            ));
        }
        if resources.iter().any(|known| known.id == resource.id) {
            return Err(bad(
                source,
                &format!("{key}.id"),
                "is the id of two resources",
            ));
        }
        for scope in resource.scopes.keys() {
            if scope.contains(' ') || hallpass_protocol::Scopes::parse(scope).is_err() {
                let problem = format!("holds `{scope}`, which is no scope");
                return Err(bad(source, &format!("{key}.scopes"), &problem));
            }
        }
        resources.push(Resource {
            id: resource.id,
            scopes: resource.scopes.into_iter().collect(),
        });
    }
    Ok(resources)
}
