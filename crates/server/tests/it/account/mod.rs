//! What people do with their own account: rows S-15, S-65, S-236, S-252, S-263.

mod leaving;
mod password;
mod sessions;
mod steps;
