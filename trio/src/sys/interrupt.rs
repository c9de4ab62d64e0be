//! Ctrl-C: a SIGINT handler that writes to a pipe, once, or as often as the run can make use of it.
//!
//! ```text
//!   default ── install ──▶ ours ── last SIGINT to be caught: writes to the pipe ──▶ default
//!      ▲                   │  ▲                                                       │
//!      └──── uninstall ────┘  └── an earlier one: writes to the pipe                  │
//!                                                       another SIGINT: the process dies at once
//! ```
//!
//! It is installed only where SIGINT has its default action, and only by the process's main thread,
//! as an interpreter would; so a program that handles SIGINT itself is left alone.

use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::errno_location;

/// What the handler writes to, after what is read. Never closed: a handler may be running on another
/// thread while the last run ends, and must not write into what has the number then.
static PIPE: OnceLock<(UnixStream, UnixStream)> = OnceLock::new();
static TAKEN: AtomicBool = AtomicBool::new(false);
/// How many are still to be caught.
static LEFT: AtomicUsize = AtomicUsize::new(0);

extern "C" fn on_interrupt(signal: libc::c_int) {
    let caught = LEFT.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
    // SAFETY: rule 6: these three are async-signal-safe; one byte that lives for the call. `errno` is
    // put back: the interrupted code may be about to read it.
    unsafe {
        let errno = *errno_location();
        if caught.is_err() || caught == Ok(1) {
            libc::signal(signal, libc::SIG_DFL);
        }
        match PIPE.get() {
            Some((_, write)) if caught.is_ok() => {
                libc::write(write.as_raw_fd(), [0_u8].as_ptr().cast(), 1);
            }
            // Another thread is in here with the last one that is caught.
            _ => {
                libc::raise(signal);
            }
        }
        *errno_location() = errno;
    }
}

fn pipe() -> io::Result<&'static (UnixStream, UnixStream)> {
    if let Some(pipe) = PIPE.get() {
        return Ok(pipe);
    }
    let (read, write) = UnixStream::pair()?;
    read.set_nonblocking(true)?;
    write.set_nonblocking(true)?;
    Ok(PIPE.get_or_init(|| (read, write)))
}

/// How many are in the pipe. Empties it.
fn drain(mut read: &UnixStream) -> usize {
    let mut found = 0;
    let mut buffer = [0; 16];
    while let Ok(count @ 1..) = read.read(&mut buffer) {
        found += count;
    }
    found
}

/// Listens to SIGINT while it lives.
pub(crate) struct Interrupts {
    read: &'static UnixStream,
    old: libc::sigaction,
}

impl Interrupts {
    /// To so many of them, after which one ends the process. `None` where SIGINT is not ours to take: it
    /// has a handler or is ignored, this is not the main thread, or another run listens already.
    pub(crate) fn listen(count: usize) -> io::Result<Option<Interrupts>> {
        let (read, _) = pipe()?;
        if !is_main_thread() || !has_default_action()? || TAKEN.swap(true, Ordering::AcqRel) {
            return Ok(None);
        }
        // What came after the last run had stopped listening.
        drain(read);
        LEFT.store(count, Ordering::SeqCst);
        // SAFETY: rule 6: all-zero is a valid `sigaction`; the handler is async-signal-safe, and
        // both structures live for the call.
        let old = unsafe {
            let mut new: libc::sigaction = std::mem::zeroed();
            new.sa_sigaction = on_interrupt as *const () as libc::sighandler_t;
            new.sa_flags = libc::SA_RESTART;
            if count == 1 {
                // The system gives it back itself, without a moment in between.
                new.sa_flags |= libc::SA_RESETHAND;
            }
            libc::sigemptyset(&raw mut new.sa_mask);
            let mut old: libc::sigaction = std::mem::zeroed();
            if libc::sigaction(libc::SIGINT, &raw const new, &raw mut old) != 0 {
                TAKEN.store(false, Ordering::Release);
                return Err(io::Error::last_os_error());
            }
            old
        };
        Ok(Some(Interrupts { read, old }))
    }

    /// How many SIGINTs have come since the last look.
    pub(crate) fn take(&self) -> usize {
        drain(self.read)
    }

    /// Stops listening: how many SIGINTs have come since the last look. Another one ends the process.
    pub(crate) fn finish(self) -> usize {
        let read = self.read;
        drop(self);
        drain(read)
    }
}

impl AsRawFd for Interrupts {
    fn as_raw_fd(&self) -> i32 {
        self.read.as_raw_fd()
    }
}

impl Drop for Interrupts {
    fn drop(&mut self) {
        if current_action().is_ok_and(|now| now.sa_sigaction == on_interrupt as *const () as usize)
        {
            // SAFETY: rule 6: `old` came from `sigaction`.
            unsafe { libc::sigaction(libc::SIGINT, &raw const self.old, std::ptr::null_mut()) };
        }
        TAKEN.store(false, Ordering::Release);
    }
}

/// The action to put back where `action` was found: that one, unless it is of a run that has ended.
pub(crate) fn unless_over(mut action: libc::sigaction) -> libc::sigaction {
    if action.sa_sigaction == on_interrupt as *const () as usize && !TAKEN.load(Ordering::Acquire) {
        action.sa_sigaction = libc::SIG_DFL;
    }
    action
}

fn current_action() -> io::Result<libc::sigaction> {
    // SAFETY: rule 6: all-zero is a valid `sigaction`, and it lives for the call.
    unsafe {
        let mut now: libc::sigaction = std::mem::zeroed();
        if libc::sigaction(libc::SIGINT, std::ptr::null(), &raw mut now) != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(now)
    }
}

fn has_default_action() -> io::Result<bool> {
    Ok(current_action()?.sa_sigaction == libc::SIG_DFL)
}

#[cfg(target_os = "linux")]
fn is_main_thread() -> bool {
    // SAFETY: rule 6: system calls without arguments.
    unsafe { libc::gettid() == libc::getpid() }
}

#[cfg(not(target_os = "linux"))]
fn is_main_thread() -> bool {
    std::thread::current().name() == Some("main")
}

/// Ends the process as a SIGINT does, so that a shell sees it.
pub(crate) fn die_of_interrupt() -> ! {
    // SAFETY: rule 6: the default action has no handler to be unsafe in.
    unsafe { libc::signal(libc::SIGINT, libc::SIG_DFL) };
    // A death by a signal does not print what is still buffered. Should that block, there is another
    // Ctrl-C.
    let _ = io::stdout().flush();
    // SAFETY: rule 6: no pointers.
    unsafe { libc::raise(libc::SIGINT) };
    // Blocked, perhaps: end with the status that a shell gives such a death.
    std::process::exit(128 + libc::SIGINT)
}
