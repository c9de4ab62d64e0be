//! The parking lot: the one built-in way to wait in a queue.
//!
//! A waiter is a node in the frame of the future that waits, linked into its lot's list:
//!
//! ```text
//!            first poll                 unpark                next poll
//!   Idle ───────────────▶ Parked ───────────────▶ Unparked ────────────▶ (ready)
//!    ▲                      │   │ break_lot
//!    └── cancelled, dropped ┘   └──────────────▶ Broken ───────────────▶ (ready: an error)
//! ```
//!
//! Parking allocates nothing, and leaving the queue early is unlinking the node.

mod breakers;
mod list;
mod wait;

pub use breakers::{add_parking_lot_breaker, remove_parking_lot_breaker};
pub use wait::Park;

use std::fmt;
use std::ops::RangeInclusive;

use self::list::{Lot, State};
use super::counted::Counted;
use super::introspect::Task;

/// A fair wait queue, with cancellation and moving between queues: what every lock, queue and
/// channel of this crate waits in.
///
/// Its counterpart in Trio is `trio.lowlevel.ParkingLot`.
///
/// ```
/// use trio::lowlevel::ParkingLot;
///
/// # #[trio::task] async fn waiter(lot: &ParkingLot) { lot.park().await.unwrap() }
/// # #[trio::task] async fn example() -> trio::Result<()> {
/// let lot = ParkingLot::new();
/// trio::nursery!(|n| {
///     n.spawn(waiter, &lot);
///     trio::testing::wait_all_tasks_blocked().await;
///     assert_eq!(lot.len(), 1);
///     lot.unpark_all();
/// })?;
/// # Ok(()) }
/// # trio::run(example).unwrap();
/// ```
pub struct ParkingLot(Counted<Lot>);

impl ParkingLot {
    /// An empty lot.
    pub fn new() -> ParkingLot {
        ParkingLot(Counted::new(Lot::new()))
    }

    /// Another name for the same lot.
    pub(crate) fn share(&self) -> ParkingLot {
        ParkingLot(self.0.clone())
    }

    /// How many tasks are parked.
    #[inline]
    pub fn len(&self) -> usize {
        self.0.len.get()
    }

    /// Whether no task is parked.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Waits in the queue until it is this task's turn to be unparked.
    ///
    /// # Cancellation
    ///
    /// A cancellation point; a cancelled task is no longer in the queue. Once unparked, it does not
    /// look for a cancellation any more. A future that is dropped between being unparked and being
    /// polled takes the turn with it: use [`Park::passing_on`] where that must not be lost.
    ///
    /// # Errors
    ///
    /// [`BrokenResourceError`](crate::BrokenResourceError) if the lot is or gets broken.
    #[inline(always)]
    pub fn park(&self) -> Park<'_> {
        self.park_with(0)
    }

    /// [`park`](ParkingLot::park) with a note: a number that says what this one waits for, to
    /// whoever is about to unpark it ([`first`](ParkingLot::first)). That of `park` is 0.
    #[inline(always)]
    pub fn park_with(&self, note: u64) -> Park<'_> {
        Park::new(self, note)
    }

    /// Who has been parked for the longest: the one that the next unpark is for.
    pub fn first(&self) -> Option<Parked> {
        // SAFETY: rule 1: a waiter unlinks itself before its memory goes.
        let waiter = unsafe { self.0.first.get().as_ref() }?;
        waiter.peek(|state| match state {
            State::Parked(target) => {
                Some(Parked { task: Task::new(target.task().clone()), note: waiter.note })
            }
            _ => None,
        })
    }

    /// The [note](ParkingLot::park_with) of that one alone.
    #[inline]
    pub fn first_note(&self) -> Option<u64> {
        // SAFETY: rule 1: as in `first`.
        unsafe { self.0.first.get().as_ref() }.map(|waiter| waiter.note)
    }

    /// Lets up to `count` tasks go on, longest waiting first; says how many there were. Sync.
    pub fn unpark(&self, count: usize) -> usize {
        let mut released = 0;
        while released < count && self.0.release() {
            released += 1;
        }
        released
    }

    /// Lets every task go on that is parked now. Sync.
    pub fn unpark_all(&self) -> usize {
        self.unpark(self.len())
    }

    /// Lets the tasks go on whose [note](ParkingLot::park_with) is in a range, in the order of parking,
    /// wherever they are in the queue; says how many there were. Sync.
    ///
    /// For a resource with several handles: one that is closed lets those go that wait on it.
    ///
    /// ```
    /// use trio::lowlevel::ParkingLot;
    ///
    /// # #[trio::task] async fn waiter(lot: &ParkingLot, note: u64) { lot.park_with(note).await.unwrap() }
    /// # #[trio::task] async fn example() -> trio::Result<()> {
    /// let lot = ParkingLot::new();
    /// trio::nursery!(|n| {
    ///     for note in [1, 2, 3, 2] {
    ///         n.spawn(waiter, &lot, note);
    ///     }
    ///     trio::testing::wait_all_tasks_blocked().await;
    ///     assert_eq!(lot.unpark_noted(2..=2), 2);
    ///     assert_eq!(lot.unpark_all(), 2);
    /// })?;
    /// # Ok(()) }
    /// # trio::run(example).unwrap();
    /// ```
    pub fn unpark_noted(&self, notes: RangeInclusive<u64>) -> usize {
        // A list of their own: the wakers of others may change this one.
        let chosen = Lot::new();
        let mut next = self.0.first.get();
        // SAFETY: rule 1: a waiter unlinks itself before its memory goes, and no other code runs here.
        while let Some(waiter) = unsafe { next.as_ref() } {
            next = waiter.next.get();
            if notes.contains(&waiter.note) {
                self.0.unlink(waiter);
                chosen.push(waiter);
            }
        }
        let count = chosen.len.get();
        while chosen.release() {}
        count
    }

    /// Moves up to `count` tasks, longest waiting first, to the end of another lot's queue, where
    /// they stay parked. Sync.
    pub fn repark(&self, to: &ParkingLot, count: usize) -> usize {
        if to.0.is_broken() {
            // Nobody can wait there: they learn it as if they had just arrived.
            let refuse = || to.0.broken().is_some_and(|error| self.0.refuse(error));
            return (0..count).take_while(|_| refuse()).count();
        }
        let count = count.min(self.len());
        for _ in 0..count {
            match self.0.pop() {
                Some(waiter) => to.0.push(waiter),
                None => break,
            }
        }
        count
    }

    /// [`repark`](ParkingLot::repark) of every task that is parked now.
    pub fn repark_all(&self, to: &ParkingLot) -> usize {
        self.repark(to, self.len())
    }

    /// Breaks the lot for good: every task in it, and every one that comes, gets a
    /// [`BrokenResourceError`](crate::BrokenResourceError) naming `by`. Breaking it again adds a name. Sync.
    pub fn break_lot(&self, by: &str) {
        let lot = self.0.clone();
        lot.broken_by.borrow_mut().push(by.to_owned());
        while lot.broken().is_some_and(|error| lot.refuse(error)) {}
    }

    /// Whether somebody has broken the lot.
    #[inline]
    pub fn is_broken(&self) -> bool {
        self.0.is_broken()
    }

    /// Who has broken the lot, in the order in which they did.
    pub fn broken_by(&self) -> Vec<String> {
        self.0.broken_by.borrow().clone()
    }

    /// A snapshot of the queue.
    pub fn statistics(&self) -> ParkingLotStatistics {
        ParkingLotStatistics { tasks_waiting: self.len() }
    }

    /// Whether both are the same lot.
    pub(crate) fn is_same(&self, other: &ParkingLot) -> bool {
        self.0.is_same(&other.0)
    }
}

impl Default for ParkingLot {
    fn default() -> Self {
        ParkingLot::new()
    }
}

impl fmt::Debug for ParkingLot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParkingLot")
            .field("tasks_waiting", &self.len())
            .field("broken_by", &self.broken_by())
            .finish()
    }
}

/// What [`ParkingLot::first`] tells of one who is parked.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Parked {
    /// The task that waits; in a foreign combinator, the one that has polled last.
    pub task: Task,
    /// The note given to [`ParkingLot::park_with`].
    pub note: u64,
}

/// What [`ParkingLot::statistics`] tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct ParkingLotStatistics {
    /// How many tasks are parked.
    pub tasks_waiting: usize,
}
