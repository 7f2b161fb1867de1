//! What the errors of SQLite mean.

use rusqlite::ffi;

use crate::error::StoreError;

/// The store's error for one of SQLite.
#[expect(clippy::needless_pass_by_value, reason = "it stands in `map_err`")]
pub(super) fn failed(error: rusqlite::Error) -> StoreError {
    use rusqlite::ErrorCode;
    match error.sqlite_error_code() {
        Some(ErrorCode::ConstraintViolation) => StoreError::Conflict,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            StoreError::Corrupt(error.to_string())
        }
        _ => unavailable(&error),
    }
}

/// That the database cannot answer.
pub(super) fn unavailable(error: &rusqlite::Error) -> StoreError {
    StoreError::Unavailable(error.to_string())
}

/// Whether the disk did not confirm what was written.
pub(super) fn is_lost(error: &rusqlite::Error) -> bool {
    let fsync = [ffi::SQLITE_IOERR_FSYNC, ffi::SQLITE_IOERR_DIR_FSYNC];
    let cause = error.sqlite_error();
    cause.is_some_and(|cause| fsync.contains(&cause.extended_code))
}
