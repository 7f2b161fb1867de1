//! Production: one issuer, its own paths, configured clients, and nothing of dev mode.

mod argon2_cost;
mod issuer;
mod key_ring;
mod metadata;
mod paths;
mod tokens;
