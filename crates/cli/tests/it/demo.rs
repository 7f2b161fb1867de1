//! `hallpass demo`: both flows, for real, without anybody.
