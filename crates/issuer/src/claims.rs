//! Which claims of a person each scope asks for.
//!
//! OIDC Core §5.4: <https://openid.net/specs/openid-connect-core-1_0.html#ScopeClaims>

use hallpass_protocol::Scopes;
use serde_json::{Map, Value};

/// What a client may know of a person: the claims of the scopes that were granted, and no others.
pub fn of_scopes(person: &Map<String, Value>, scopes: &Scopes) -> Map<String, Value> {
    let is_asked = |name: &str| {
        let of =
            |(scope, claims): &(&str, &[&str])| scopes.contains(scope) && claims.contains(&name);
        CLAIMS.iter().any(of)
    };
    let asked = person.iter().filter(|(name, _)| is_asked(name));
    asked
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

const CLAIMS: [(&str, &[&str]); 4] = [
    (
        "profile",
        &[
            "name",
            "family_name",
            "given_name",
            "middle_name",
            "nickname",
            "preferred_username",
            "profile",
            "picture",
            "website",
            "gender",
            "birthdate",
            "zoneinfo",
            "locale",
            "updated_at",
        ],
    ),
    ("email", &["email", "email_verified"]),
    ("address", &["address"]),
    ("phone", &["phone_number", "phone_number_verified"]),
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_scope_tells_its_own_claims() {
        let Value::Object(person) = json!({
            "name": "Ada", "email": "a@b", "email_verified": true, "phone_number": "1", "role": "admin",
        }) else {
            panic!("an object")
        };
        for (scopes, names) in [
            ("openid", vec![]),
            ("openid profile", vec!["name"]),
            ("openid email", vec!["email", "email_verified"]),
            ("phone address", vec!["phone_number"]),
        ] {
            let told = of_scopes(&person, &Scopes::parse(scopes).unwrap());
            assert_eq!(told.keys().collect::<Vec<_>>(), names, "{scopes}");
        }
    }
}
