//! Where a provider is: what stands behind its name, as in `microsoft:contoso.example`.

/// What a parameter says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) base: String,
    pub(super) path: String,
    pub(super) tenant: String,
}
