//! Waiting for one descriptor, without taking anything from it.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

/// Waits until `fd` is readable, at most for `timeout`; may come back early.
pub(crate) fn wait_readable(fd: BorrowedFd<'_>, timeout: Option<Duration>) -> io::Result<()> {
    wait(fd, libc::POLLIN, timeout)
}

/// Waits until `fd` is writable; may come back early.
pub(crate) fn wait_writable(fd: BorrowedFd<'_>) -> io::Result<()> {
    wait(fd, libc::POLLOUT, None)
}

fn wait(fd: BorrowedFd<'_>, events: libc::c_short, timeout: Option<Duration>) -> io::Result<()> {
    let mut fds = libc::pollfd { fd: fd.as_raw_fd(), events, revents: 0 };
    if poll(&mut fds, timeout) < 0 {
        let error = io::Error::last_os_error();
        // A signal handler has run.
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    Ok(())
}

#[cfg(target_os = "linux")]
fn poll(fds: &mut libc::pollfd, timeout: Option<Duration>) -> libc::c_int {
    let time = timeout.map(|timeout| libc::timespec {
        tv_sec: timeout.as_secs().try_into().unwrap_or_else(|_| i32::MAX.into()),
        tv_nsec: timeout.subsec_nanos().into(),
    });
    let time = time.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: rule 6: one `pollfd`, and a time or none, all of which live for the call; no signal mask.
    unsafe { libc::ppoll(fds, 1, time, std::ptr::null()) }
}

#[cfg(not(target_os = "linux"))]
fn poll(fds: &mut libc::pollfd, timeout: Option<Duration>) -> libc::c_int {
    // Rounded up: who comes back early would have to wait once more.
    let millis = timeout.map_or(-1, |timeout| {
        timeout.as_nanos().div_ceil(1_000_000).try_into().unwrap_or(libc::c_int::MAX)
    });
    // SAFETY: rule 6: one `pollfd`, which lives for the call.
    unsafe { libc::poll(fds, 1, millis) }
}
