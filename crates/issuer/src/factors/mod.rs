//! What people prove who they are with: one file for each factor, and which of them a sign-in needs.

pub mod acr;
pub mod passkey;
pub mod password;
pub mod recovery_code;
pub mod required;
pub mod totp;
