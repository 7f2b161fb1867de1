//! Signing in with an account: rows S-12, S-15, S-25, S-49, S-51, S-52, S-65, S-133, S-227 to S-229,
//! S-240, S-263, A-34, A-39, A-76, A-78, and what guessers and neighbours try.

mod cookies;
mod guesses;
mod locks;
mod sign_in;
mod steps;

pub(crate) use steps::{PASSWORD, code, fill_in, is_active, is_in, log_in, redeem, refresh};
