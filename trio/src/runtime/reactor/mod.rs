//! Readiness of descriptors, by mio.
//!
//! There are two ways in. An [`IoSource`] is registered once, edge-triggered, and remembers what the
//! poller said until the owner says that it is used up: what a socket has. `wait_readable` and
//! `wait_writable` take any descriptor for one wait.
//!
//! ```text
//!                       event from the poller
//!        not ready ───────────────────────────▶ ready ──▶ (one waiter per direction is woken)
//!            ▲                                    │
//!            └──── would_block, drained ──────────┘
//! ```

mod ready;
mod single;
mod source;
mod sources;

pub use single::{notify_closing, wait_readable, wait_writable};
pub use source::IoSource;

use std::cell::RefCell;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::rc::Rc;
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use mio::{Events, Interest, Token};

use self::sources::{Direction, Sources};
use crate::sys::interrupt::Interrupts;
use crate::sys::timer::Timer;

const WAKER: Token = Token(usize::MAX);
const TIMER: Token = Token(usize::MAX - 1);
const INTERRUPT: Token = Token(usize::MAX - 2);

/// The last part of a wait is left to the timer, if it is shorter than this.
const LAST: Duration = Duration::from_millis(2);

/// What the poller can wait for of a wait without being late, in whole milliseconds: Linux may be late by
/// a thousandth of what it is asked for, and for processes of low priority by five.
fn most_of(wait: Duration) -> Duration {
    let millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(millis - millis.div_ceil(128))
}

pub(crate) struct Reactor {
    poll: RefCell<mio::Poll>,
    events: RefCell<Events>,
    timer: Timer,
    sources: Rc<Sources>,
    interrupts: RefCell<Option<Interrupts>>,
}

impl Drop for Reactor {
    /// A source that is used in another run would never hear of anything: it counts as closed.
    fn drop(&mut self) {
        for (_, source) in self.sources.sources.take() {
            source.close();
        }
    }
}

/// What a poll has found.
#[derive(Default)]
pub(crate) struct Found {
    /// Something that counts as activity.
    pub(crate) any: bool,
    /// How often Ctrl-C was pressed.
    pub(crate) interrupts: usize,
}

impl Reactor {
    pub(crate) fn new() -> io::Result<(Reactor, mio::Waker)> {
        let poll = mio::Poll::new()?;
        let waker = mio::Waker::new(poll.registry(), WAKER)?;
        let timer = Timer::new(poll.registry(), TIMER)?;
        let registry = poll.registry().try_clone()?;
        let reactor = Reactor {
            poll: RefCell::new(poll),
            events: RefCell::new(Events::with_capacity(1024)),
            timer,
            sources: Rc::new(Sources {
                owners: RefCell::default(),
                registry,
                sources: RefCell::default(),
                single: RefCell::default(),
                waiting: Rc::default(),
            }),
            interrupts: RefCell::new(None),
        };
        Ok((reactor, waker))
    }

    /// Lets so many Ctrl-C be seen by this run, where SIGINT is ours to take.
    pub(crate) fn listen_to_interrupts(&self, count: usize) -> io::Result<()> {
        if let Some(interrupts) = Interrupts::listen(count)? {
            let fd = interrupts.as_raw_fd();
            let registry = &self.sources.registry;
            registry.register(&mut SourceFd(&fd), INTERRUPT, Interest::READABLE)?;
            *self.interrupts.borrow_mut() = Some(interrupts);
        }
        Ok(())
    }

    /// Waits for events, at most for `timeout`, which is kept to the timer's resolution where that is
    /// finer than the poller's. Says whether there are any.
    pub(crate) fn poll(&self, timeout: Option<Duration>) -> io::Result<bool> {
        let Some(whole) = timeout.filter(|timeout| !timeout.is_zero()) else {
            return self.poll_once(timeout);
        };
        let mut left = whole;
        if whole >= LAST {
            let began = Instant::now();
            while left >= LAST {
                // The timer may have been left over from an earlier wait.
                if self.poll_once(Some(most_of(left)))? && !self.is_only_the_timer() {
                    return Ok(true);
                }
                left = whole.saturating_sub(began.elapsed());
            }
        }
        if !left.is_zero() && self.timer.set(left) {
            while !self.poll_once(None)? {}
            return Ok(!self.is_only_the_timer());
        }
        self.poll_once(Some(left))
    }

    fn is_only_the_timer(&self) -> bool {
        self.events.borrow().iter().all(|event| event.token() == TIMER)
    }

    fn poll_once(&self, timeout: Option<Duration>) -> io::Result<bool> {
        let mut events = self.events.borrow_mut();
        // `epoll_wait` counts in an `i32`; mio cuts longer ones down.
        match self.poll.borrow_mut().poll(&mut events, timeout) {
            // A signal handler has run.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                events.clear();
                Ok(false)
            }
            other => other.map(|()| !events.is_empty()),
        }
    }

    /// Another descriptor of the poller's, which is readable while `poll` has something to find.
    pub(crate) fn descriptor(&self) -> io::Result<OwnedFd> {
        let poll = self.poll.borrow();
        // SAFETY: rule 6: the descriptor is the poller's, which lives for the call.
        unsafe { BorrowedFd::borrow_raw(poll.as_raw_fd()) }.try_clone_to_owned()
    }

    /// Wakes those who wait for what the last poll has found.
    pub(crate) fn dispatch(&self) -> Found {
        let mut found = Found::default();
        let mut events = self.events.borrow_mut();
        for event in events.iter() {
            match event.token() {
                WAKER => found.any = true,
                TIMER => {}
                INTERRUPT => {
                    found.any = true;
                    found.interrupts += self.take_new_interrupts();
                }
                token => {
                    found.any = true;
                    let source = self.sources.sources.borrow().get(token.0).map(Rc::clone);
                    if let Some(source) = source {
                        if event.is_readable() || event.is_read_closed() || event.is_error() {
                            source.read.event(event.is_read_closed() || event.is_error());
                        }
                        if event.is_writable() || event.is_write_closed() || event.is_error() {
                            source.write.event(event.is_write_closed() || event.is_error());
                        }
                    }
                }
            }
        }
        events.clear();
        found
    }

    fn take_new_interrupts(&self) -> usize {
        self.interrupts.borrow().as_ref().map_or(0, Interrupts::take)
    }

    /// Hands the ear for Ctrl-C over, to be listened to when the run is gone.
    pub(crate) fn take_interrupts(&self) -> Option<Interrupts> {
        self.interrupts.take()
    }

    /// Whether a task waits for a descriptor.
    pub(crate) fn is_waited_for(&self) -> bool {
        self.waiting() != (0, 0)
    }

    /// How many tasks wait to read and to write.
    pub(crate) fn waiting(&self) -> (usize, usize) {
        let waiting = &self.sources.waiting;
        (waiting.count(Direction::Read).get(), waiting.count(Direction::Write).get())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_poller_that_is_late_by_five_thousandths_is_still_early() {
        for wait in [LAST, Duration::from_millis(99), Duration::from_secs(3), Duration::MAX / 2] {
            let asked = most_of(wait);
            assert!(!asked.is_zero() && asked + asked / 200 < wait, "{wait:?}");
        }
    }
}
