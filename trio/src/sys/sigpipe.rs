//! Writing where nobody reads any more: an error of the operation, and no SIGPIPE.
//!
//! Rust's runtime ignores the signal, so in a program of Rust there is none. A run that is the guest of a
//! host in another language finds what that has made of it.

use std::io;
use std::mem;
use std::os::fd::BorrowedFd;
use std::ptr;
use std::sync::OnceLock;

/// The flag for sending to sockets.
pub(crate) const NO_SIGNAL: libc::c_int = libc::MSG_NOSIGNAL;

/// Tells a descriptor to make no signal, where that can be told.
#[expect(clippy::unnecessary_wraps, reason = "it can fail elsewhere")]
pub(crate) fn silence(_: BorrowedFd<'_>) -> io::Result<()> {
    Ok(())
}

/// Makes a system call that writes and has no such flag.
pub(crate) fn quietly<R>(call: impl FnOnce() -> R) -> R {
    if is_ignored() {
        return call();
    }
    let _blocked = Blocked::new();
    call()
}

/// Whether the process ignores the signal. It is looked at once.
fn is_ignored() -> bool {
    static IGNORED: OnceLock<bool> = OnceLock::new();
    *IGNORED.get_or_init(|| {
        // SAFETY: rule 6: all-zero is a valid `sigaction`, and it lives for the call.
        unsafe {
            let mut action: libc::sigaction = mem::zeroed();
            libc::sigaction(libc::SIGPIPE, ptr::null(), &raw mut action) == 0
                && action.sa_sigaction == libc::SIG_IGN
        }
    })
}

/// The signal is blocked in this thread, to which its own writing sends it, and forgotten afterwards.
struct Blocked {
    /// What was blocked before; none if the signal was pending by then, and so is not ours to forget.
    before: Option<libc::sigset_t>,
}

impl Blocked {
    fn new() -> Blocked {
        if is_pending() {
            return Blocked { before: None };
        }
        let alone = the_signal_alone();
        // SAFETY: rule 6: all-zero is a valid set; both live for the call.
        unsafe {
            let mut before: libc::sigset_t = mem::zeroed();
            libc::pthread_sigmask(libc::SIG_BLOCK, &raw const alone, &raw mut before);
            Blocked { before: Some(before) }
        }
    }
}

impl Drop for Blocked {
    fn drop(&mut self) {
        let Some(before) = &self.before else { return };
        if is_pending() {
            let (alone, mut number) = (the_signal_alone(), 0);
            // SAFETY: rule 6: both live for the call, which does not wait for what is pending.
            unsafe { libc::sigwait(&raw const alone, &raw mut number) };
        }
        // SAFETY: rule 6: the set came from this function, and lives for the call.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, before, ptr::null_mut()) };
    }
}

fn the_signal_alone() -> libc::sigset_t {
    // SAFETY: rule 6: all-zero is a valid set, and it lives for the calls.
    unsafe {
        let mut set: libc::sigset_t = mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, libc::SIGPIPE);
        set
    }
}

fn is_pending() -> bool {
    // SAFETY: rule 6: all-zero is a valid set, and it lives for the calls.
    unsafe {
        let mut pending: libc::sigset_t = mem::zeroed();
        libc::sigpending(&raw mut pending);
        libc::sigismember(&raw const pending, libc::SIGPIPE) == 1
    }
}
