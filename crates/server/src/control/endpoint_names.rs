//! What the control API calls the endpoints: as their files.

/// The endpoints that programs call.
const FOR_PROGRAMS: &[&str] = &[
    "metadata",
    "jwks",
    "token",
    "device_authorization",
    "pushed_authorization_request",
    "registration",
    "userinfo",
    "introspection",
    "revocation",
];
/// Those that people see.
const FOR_PEOPLE: &[&str] = &[
    "authorization",
    "end_session",
    "device",
    "device_confirm",
    "login",
];

/// Whether an endpoint has a name here.
#[cfg(test)]
pub(crate) fn is_endpoint(name: &str) -> bool {
    all().any(|known| known == name)
}

/// Whether people see an endpoint.
pub(super) fn is_page(endpoint: &str) -> bool {
    FOR_PEOPLE.contains(&endpoint)
}

/// All of them.
pub(super) fn all() -> impl Iterator<Item = &'static str> {
    FOR_PROGRAMS.iter().chain(FOR_PEOPLE).copied()
}
