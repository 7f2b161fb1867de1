//! Second factors: rows S-220 to S-223, S-270, A-78, A-79, A-81, A-104, and what somebody tries who
//! has the password and nothing else.

mod devices;
mod guesses;
mod own;
mod required;
mod sign_in;
mod step_up;
mod steps;

pub(crate) use steps::{App, enrol, half_way, recovery_codes};
