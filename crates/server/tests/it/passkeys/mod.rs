//! Passkeys: rows A-80, S-12, S-15, S-49, S-221, S-223, S-263, and what thieves and neighbours try.

mod own;
mod second_factor;
mod set_up;
mod sign_in;
mod steps;
