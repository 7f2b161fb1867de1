//! What tokens hold, and how the opaque ones are spelled.

pub mod mint;
pub mod minting_key;
pub mod one_time;
pub mod refresh_token;
pub mod signing_key;
mod spelling;
