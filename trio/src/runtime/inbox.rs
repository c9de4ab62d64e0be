//! What other threads can reach of a run.
//!
//! Every run has one inbox: names of tasks to wake, and functions to call. Pushing takes a lock for
//! a moment and, if the run waits for the system and has not been notified since it last looked, wakes its
//! poller, which is a system call. An inbox outlives its run. Once closed it takes no function any more;
//! tasks may still have to be woken, since the last functions that were accepted can spawn some.
//!
//! ```text
//!   other threads:  push ─▶ or NOTIFIED ──was ASLEEP, and no more──▶ poller.wake()
//!   the run:        or ASLEEP ──was NOTIFIED──▶ polls without waiting
//!                       └── was not ──▶ polls ─▶ not ASLEEP ─▶ not NOTIFIED ─▶ take what is there
//! ```
//!
//! Both are bits of one word, so that either the push finds the run asleep or the run finds itself
//! notified. NOTIFIED is cleared *before* the queue is taken, so that a push which the run missed sets it
//! again. A test checks that in every interleaving: it compiles this file once more, with other `parts`.

use std::collections::{HashSet, VecDeque};
use std::sync::PoisonError;

use super::error::RunFinishedError;
use super::parts::{AtomicU8, Mutex, MutexGuard, Ordering, PollerWaker};

/// Something has come since the run last looked.
const NOTIFIED: u8 = 1;
/// The run waits for the system, or is about to.
const ASLEEP: u8 = 2;

/// A function handed to the run by `TrioToken::call_soon`.
pub(crate) struct Entry {
    pub(crate) key: Option<u64>,
    pub(crate) call: Box<dyn FnOnce() + Send>,
}

#[derive(Default)]
struct Queues {
    wakes: Vec<u64>,
    entries: VecDeque<Entry>,
    /// The keys of the idempotent entries that have not started.
    keys: HashSet<u64>,
    closed: bool,
    /// A task's waker was cloned on another thread while the task was being polled.
    waker_given: bool,
}

pub(crate) struct Inbox {
    queues: Mutex<Queues>,
    state: AtomicU8,
    poller: PollerWaker,
}

impl Inbox {
    /// An inbox that wakes `poller`.
    pub(crate) fn new(poller: PollerWaker) -> Inbox {
        Inbox { queues: Mutex::new(Queues::default()), state: AtomicU8::new(0), poller }
    }

    fn lock(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gets the run to look at its inbox: now, if it waits for the system.
    pub(crate) fn notify(&self) {
        if self.state.fetch_or(NOTIFIED, Ordering::AcqRel) == ASLEEP {
            self.wake_poller();
        }
    }

    /// Ends a wait for the poller, whoever it is that waits.
    pub(crate) fn wake_poller(&self) {
        // A poller that cannot be woken is one whose run is gone.
        let _ = self.poller.wake();
    }

    /// The run is going to wait for the system: from here on to be notified ends that. `false`: it has
    /// been, and must not wait.
    pub(crate) fn fall_asleep(&self) -> bool {
        self.state.fetch_or(ASLEEP, Ordering::AcqRel) & NOTIFIED == 0
    }

    /// The wait is over.
    pub(crate) fn wake_up(&self) {
        self.state.fetch_and(!ASLEEP, Ordering::Relaxed);
    }

    fn is_notified(&self) -> bool {
        self.state.load(Ordering::Relaxed) & NOTIFIED != 0
    }

    /// Wakes a task. Also when the inbox is closed: what it accepted may have started the last tasks.
    pub(crate) fn push_wake(&self, name: u64) {
        self.lock().wakes.push(name);
        self.notify();
    }

    pub(crate) fn push_entry(&self, entry: Entry) -> Result<(), RunFinishedError> {
        let mut queues = self.lock();
        if queues.closed {
            return Err(RunFinishedError::new());
        }
        if let Some(key) = entry.key
            && !queues.keys.insert(key)
        {
            return Ok(());
        }
        queues.entries.push_back(entry);
        drop(queues);
        self.notify();
        Ok(())
    }

    /// Looks whether something has come since the last look: moves the names of the tasks to wake
    /// into `wakes`, and gives the number of functions that wait to be called.
    pub(crate) fn look(&self, wakes: &mut Vec<u64>) -> Option<usize> {
        if !self.is_notified() {
            return None;
        }
        self.state.fetch_and(!NOTIFIED, Ordering::AcqRel);
        let mut queues = self.lock();
        std::mem::swap(&mut queues.wakes, wakes);
        Some(queues.entries.len())
    }

    /// The next function to call.
    pub(crate) fn take_entry(&self) -> Option<Entry> {
        let mut queues = self.lock();
        let entry = queues.entries.pop_front()?;
        if let Some(key) = entry.key {
            queues.keys.remove(&key);
        }
        Some(entry)
    }

    /// Notes that another thread has got a waker of a task, from the poll of that task.
    pub(crate) fn waker_given(&self) {
        self.lock().waker_given = true;
    }

    /// Whether nothing has come since the last look, and no other thread is known to have a waker.
    pub(crate) fn is_quiet(&self) -> bool {
        let queues = self.lock();
        !queues.waker_given
            && !self.is_notified()
            && queues.wakes.is_empty()
            && queues.entries.is_empty()
    }

    /// How many functions wait to be called.
    pub(crate) fn entries(&self) -> usize {
        self.lock().entries.len()
    }

    /// From here on no function is accepted; those that were are still to be taken.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
    }
}
