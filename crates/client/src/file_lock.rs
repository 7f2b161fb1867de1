//! The lock of a file that is held.

use std::fs::File;
use std::ops::{Deref, DerefMut};

/// A locked file; dropping it lets go of the lock. Closing alone would not always: the lock belongs to the
/// open file, and a program that another thread starts has a copy of that for a moment (flock(2)).
#[derive(Debug)]
pub(crate) struct FileLock(File);

impl FileLock {
    /// Takes charge of a file that was locked.
    pub(crate) fn new(locked: File) -> Self {
        Self(locked)
    }
}

impl Deref for FileLock {
    type Target = File;

    fn deref(&self) -> &File {
        &self.0
    }
}

impl DerefMut for FileLock {
    fn deref_mut(&mut self) -> &mut File {
        &mut self.0
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // Where it cannot be done, the end of the process does it.
        drop(self.0.unlock());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_of_the_open_file_does_not_keep_the_lock() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let (ours, theirs) = (file.reopen().unwrap(), file.reopen().unwrap());
        ours.lock().unwrap();
        // What a program that is being started has.
        let copy = ours.try_clone().unwrap();
        let held = FileLock::new(ours);
        assert!(theirs.try_lock().is_err());
        drop(held);
        theirs.try_lock().unwrap();
        drop(copy);
    }
}
