//! Writing where nobody reads any more: an error of the operation, and no SIGPIPE. Each descriptor is told so.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

/// The flag for sending to sockets, which is not there.
pub(crate) const NO_SIGNAL: libc::c_int = 0;

/// Tells a descriptor to make no signal.
pub(crate) fn silence(fd: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: rule 6: no pointers.
    let result = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETNOSIGPIPE, 1) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Makes a system call that writes.
pub(crate) fn quietly<R>(call: impl FnOnce() -> R) -> R {
    call()
}
