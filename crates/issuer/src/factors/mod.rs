//! What people prove who they are with: one file for each factor.

pub mod password;
