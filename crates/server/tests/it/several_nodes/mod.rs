//! Three nodes on one PostgreSQL database: what one of them did counts at all of them.

mod audit;
mod device_polls;
mod guesses;
mod key_ring;
mod nodes;
mod refresh_tokens;
mod revocations;
mod sign_up;
mod signing_keys;
mod used_once;
