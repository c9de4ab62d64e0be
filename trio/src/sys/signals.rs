//! Signals: a handler that notes them down for whoever listens.
//!
//! ```text
//!   a signal's listeners:   none ── first listen ──▶ [a] ──▶ [a, b]     the last one gets the signal
//!   its action:             as it was                ours      ours
//!                             ▲                                 │
//!                             └── the last one stops listening ─┘
//! ```
//!
//! The handler sets the signal's bit in the mailbox of the last listener, and writes to its pipe if the
//! mailbox was not rung yet. A mailbox is never freed: a handler may be running on another thread
//! while its listener stops. Before a mailbox is read for the last time no handler runs any more.

use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::errno_location;
use super::interrupt;

/// One more than the highest number of a signal.
const SIGNALS: usize = 65;

/// What the handler fills.
struct Mailbox {
    /// One bit for each signal but number 64, which has the bit of number 0.
    noted: AtomicU64,
    /// The pipe holds a byte, or is about to.
    rung: AtomicBool,
    read: UnixStream,
    write: UnixStream,
}

/// Whose a signal is: the mailbox of its last listener.
static OWNER: [AtomicPtr<Mailbox>; SIGNALS] = [const { AtomicPtr::new(ptr::null_mut()) }; SIGNALS];
/// How many handlers run, on all threads.
static RUNNING: AtomicUsize = AtomicUsize::new(0);
static LISTENERS: Mutex<Listeners> = Mutex::new(Listeners {
    free: Vec::new(),
    signals: [const { Signal { listeners: Vec::new(), before: None } }; SIGNALS],
});

struct Listeners {
    free: Vec<&'static Mailbox>,
    signals: [Signal; SIGNALS],
}

struct Signal {
    /// In the order in which they came.
    listeners: Vec<&'static Mailbox>,
    /// The action that it had before the first one came.
    before: Option<libc::sigaction>,
}

fn listeners() -> MutexGuard<'static, Listeners> {
    LISTENERS.lock().unwrap_or_else(PoisonError::into_inner)
}

extern "C" fn on_signal(number: libc::c_int) {
    RUNNING.fetch_add(1, Ordering::SeqCst);
    // SAFETY: rule 6: mailboxes are never freed.
    let owner = unsafe { OWNER[index(number)].load(Ordering::SeqCst).as_ref() };
    if let Some(mailbox) = owner {
        mailbox.noted.fetch_or(1 << (number % 64), Ordering::SeqCst);
        if !mailbox.rung.swap(true, Ordering::SeqCst) {
            // SAFETY: rule 6: `write` is async-signal-safe; one byte that lives for the call.
            // `errno` is put back: the interrupted code may be about to read it.
            unsafe {
                let errno = *errno_location();
                libc::write(mailbox.write.as_raw_fd(), [0_u8].as_ptr().cast(), 1);
                *errno_location() = errno;
            }
        }
    }
    RUNNING.fetch_sub(1, Ordering::SeqCst);
}

/// The place of a signal in a table.
fn index(number: libc::c_int) -> usize {
    usize::try_from(number).unwrap_or(0).min(SIGNALS - 1)
}

impl Mailbox {
    fn new() -> io::Result<Mailbox> {
        let (read, write) = UnixStream::pair()?;
        read.set_nonblocking(true)?;
        write.set_nonblocking(true)?;
        Ok(Mailbox { noted: AtomicU64::new(0), rung: AtomicBool::new(false), read, write })
    }

    /// Takes note that the bell has rung: from here on it can ring again.
    fn silence(&self) {
        let mut buffer = [0; 16];
        while (&self.read).read(&mut buffer).is_ok_and(|count| count > 0) {}
        self.rung.store(false, Ordering::SeqCst);
    }
}

/// Whether a signal of this number can be listened to: there is one, and it is neither one that
/// cannot be caught nor one that says that the program has gone wrong at this very instruction, and
/// would come again at once.
fn can_be_listened_to(number: libc::c_int) -> bool {
    let faults = [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGTRAP];
    let uncatchable = [libc::SIGKILL, libc::SIGSTOP];
    (1..SIGNALS as libc::c_int).contains(&number)
        && !faults.contains(&number)
        && !uncatchable.contains(&number)
}

/// Listens to some signals while it lives.
pub(crate) struct Listener {
    mailbox: &'static Mailbox,
    numbers: Vec<libc::c_int>,
}

impl Listener {
    /// # Errors
    ///
    /// `InvalidInput` for a signal that cannot be listened to; the system's.
    pub(crate) fn new(numbers: &[libc::c_int]) -> io::Result<Listener> {
        for number in numbers {
            if !can_be_listened_to(*number) {
                let what = format!("signal {number} cannot be received");
                return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
            }
        }
        let mut all = listeners();
        let mailbox = match all.free.pop() {
            Some(mailbox) => mailbox,
            None => Box::leak(Box::new(Mailbox::new()?)),
        };
        // Dropped on an error: what was begun is undone.
        let mut listener = Listener { mailbox, numbers: Vec::new() };
        let mut result = Ok(());
        for number in numbers {
            if !listener.numbers.contains(number) {
                result = all.signals[index(*number)].add(*number, mailbox);
                if result.is_err() {
                    break;
                }
                listener.numbers.push(*number);
            }
        }
        drop(all);
        result.map(|()| listener)
    }

    /// Takes the signals that have come since the last look: a bit for each, [`bit`].
    pub(crate) fn take(&self) -> u64 {
        self.mailbox.silence();
        self.mailbox.noted.swap(0, Ordering::SeqCst)
    }

    /// Puts back what was taken.
    pub(crate) fn give_back(&self, bits: u64) {
        self.mailbox.noted.fetch_or(bits, Ordering::SeqCst);
    }

    /// What is readable when signals have come.
    pub(crate) fn as_fd(&self) -> BorrowedFd<'static> {
        self.mailbox.read.as_fd()
    }
}

/// The bit of a signal in what [`Listener::take`] gives.
pub(crate) fn bit(number: libc::c_int) -> u64 {
    1 << (number % 64)
}

/// Sends this thread a signal.
fn raise(number: libc::c_int) {
    // SAFETY: rule 6: no pointers.
    unsafe { libc::raise(number) };
}

impl Drop for Listener {
    /// What was not taken goes to whoever has the signal now.
    fn drop(&mut self) {
        let mut all = listeners();
        for number in &self.numbers {
            all.signals[index(*number)].remove(*number, self.mailbox);
        }
        while RUNNING.load(Ordering::SeqCst) > 0 {
            std::thread::yield_now();
        }
        let left = self.take();
        all.free.push(self.mailbox);
        drop(all);
        for number in &self.numbers {
            if left & bit(*number) != 0 {
                raise(*number);
            }
        }
    }
}

impl Signal {
    fn add(&mut self, number: libc::c_int, mailbox: &'static Mailbox) -> io::Result<()> {
        let before = OWNER[index(number)].swap(ptr::from_ref(mailbox).cast_mut(), Ordering::SeqCst);
        if self.listeners.is_empty() {
            match set_action(number, &ours()) {
                Ok(action) => self.before = Some(action),
                Err(error) => {
                    OWNER[index(number)].store(before, Ordering::SeqCst);
                    return Err(error);
                }
            }
        }
        self.listeners.push(mailbox);
        Ok(())
    }

    fn remove(&mut self, number: libc::c_int, mailbox: &'static Mailbox) {
        self.listeners.retain(|other| !ptr::eq(*other, mailbox));
        if self.listeners.is_empty()
            && let Some(before) = self.before.take()
        {
            // Someone may have put an action of theirs over ours: then it is theirs.
            if action(number).is_ok_and(|now| is_ours(&now)) {
                let _ = set_action(number, &interrupt::unless_over(before));
            }
        }
        let next = self.listeners.last().map_or(ptr::null(), |next| ptr::from_ref(*next));
        OWNER[index(number)].store(next.cast_mut(), Ordering::SeqCst);
    }
}

fn is_ours(action: &libc::sigaction) -> bool {
    action.sa_sigaction == on_signal as *const () as usize
}

fn ours() -> libc::sigaction {
    // SAFETY: rule 6: all-zero is a valid `sigaction`; its mask lives for the call.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = on_signal as *const () as libc::sighandler_t;
        action.sa_flags = libc::SA_RESTART | libc::SA_ONSTACK;
        libc::sigemptyset(&raw mut action.sa_mask);
        action
    }
}

fn action(number: libc::c_int) -> io::Result<libc::sigaction> {
    change_action(number, None)
}

fn set_action(number: libc::c_int, new: &libc::sigaction) -> io::Result<libc::sigaction> {
    change_action(number, Some(new))
}

fn change_action(
    number: libc::c_int,
    new: Option<&libc::sigaction>,
) -> io::Result<libc::sigaction> {
    // SAFETY: rule 6: all-zero is a valid `sigaction`; both live for the call; the handlers that are
    // set are ours, which is async-signal-safe, or what `sigaction` has given.
    unsafe {
        let mut old: libc::sigaction = std::mem::zeroed();
        let new = new.map_or(ptr::null(), ptr::from_ref);
        if libc::sigaction(number, new, &raw mut old) != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(old)
    }
}
