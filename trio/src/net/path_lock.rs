//! One at a time, of all processes, for what is at a path.
//!
//! ```text
//!   open or create the file beside ──▶ lock it ──▶ still the file there? ──no──▶ (again)
//!                                       │ another has it                │ yes
//!                                       └─ a millisecond ─▶ (again)     └─▶ (it is ours) ──▶ remove, unlock
//! ```
//!
//! It is held for a few system calls, none of which waits.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

/// How often it is tried: one who has it and does not let go has been stopped.
const ATTEMPTS: u32 = 100;
const BETWEEN: Duration = Duration::from_millis(1);

/// Lets go when it is dropped.
pub(super) struct PathLock {
    /// Not where the folder cannot be written to, or its file system has no locks: what it guards fails then,
    /// or goes without.
    held: Option<(File, PathBuf)>,
}

impl PathLock {
    /// Waits until nobody else is there. Sync: for a tenth of a second at most.
    ///
    /// # Errors
    ///
    /// `WouldBlock` if another one does not let go.
    pub(super) fn of(path: &Path) -> io::Result<PathLock> {
        let Some(name) = path.file_name() else {
            return Ok(PathLock { held: None });
        };
        let mut beside = std::ffi::OsString::from(".");
        beside.push(name);
        beside.push(".lock");
        let beside = path.with_file_name(beside);
        for _ in 0..ATTEMPTS {
            let mut options = OpenOptions::new();
            options.write(true).create(true).mode(0o600).custom_flags(libc::O_NOFOLLOW);
            let Ok(file) = options.open(&beside) else {
                return Ok(PathLock { held: None });
            };
            match file.try_lock() {
                // Whoever had it before has removed it.
                Ok(()) if is_at(&file, &beside) => {
                    return Ok(PathLock { held: Some((file, beside)) });
                }
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => thread::sleep(BETWEEN),
                Err(TryLockError::Error(_)) => return Ok(PathLock { held: None }),
            }
        }
        Err(io::ErrorKind::WouldBlock.into())
    }
}

impl Drop for PathLock {
    fn drop(&mut self) {
        if let Some((file, path)) = self.held.take() {
            // While it is still locked: who opens it now sees that it is gone.
            let _ = fs::remove_file(path);
            drop(file);
        }
    }
}

fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(own), Ok(there)) => (own.dev(), own.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}
