//! Whether people are asked about a client.

/// When people are asked about a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsentPolicy {
    /// Each time.
    Always,
    /// Until they agreed to what it asks for.
    Remember,
    /// Never, unless the request has `prompt=consent`: the operator vouches for it.
    Trusted,
}
