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

use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::Future;
use std::marker::PhantomPinned;
use std::ops::RangeInclusive;
use std::pin::Pin;
use std::ptr;
use std::rc::Rc;
use std::task::{Context as PollContext, Poll};

use super::context;
use super::error::BrokenResourceError;
use super::introspect::Task;
use super::points;
use super::task::flag;
use super::wake::WakeTarget;

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    Parked,
    Unparked,
    Broken,
}

struct Waiter {
    state: Cell<State>,
    lot: Cell<*const Lot>,
    next: Cell<*const Waiter>,
    prev: Cell<*const Waiter>,
    target: Cell<Option<WakeTarget>>,
    note: u64,
    /// What a broken one is told: the lot it was in is not always the one that it came to.
    error: Cell<Option<Box<BrokenResourceError>>>,
}

/// The list itself, at an address of its own: waiters point back to it.
struct Lot {
    first: Cell<*const Waiter>,
    last: Cell<*const Waiter>,
    len: Cell<usize>,
    broken_by: RefCell<Vec<String>>,
}

impl Lot {
    fn new() -> Lot {
        Lot {
            first: Cell::new(ptr::null()),
            last: Cell::new(ptr::null()),
            len: Cell::new(0),
            broken_by: RefCell::default(),
        }
    }

    fn push(&self, waiter: &Waiter) {
        waiter.lot.set(self);
        waiter.next.set(ptr::null());
        let last = self.last.replace(waiter);
        waiter.prev.set(last);
        // SAFETY: rule 1: a waiter unlinks itself before its memory goes.
        match unsafe { last.as_ref() } {
            Some(last) => last.next.set(waiter),
            None => self.first.set(waiter),
        }
        self.len.set(self.len.get() + 1);
    }

    fn unlink(&self, waiter: &Waiter) {
        let (next, prev) = (waiter.next.get(), waiter.prev.get());
        // SAFETY: rule 1: as in `push`.
        match unsafe { next.as_ref() } {
            Some(next) => next.prev.set(prev),
            None => self.last.set(prev),
        }
        // SAFETY: rule 1: as in `push`.
        match unsafe { prev.as_ref() } {
            Some(prev) => prev.next.set(next),
            None => self.first.set(next),
        }
        waiter.lot.set(ptr::null());
        self.len.set(self.len.get() - 1);
    }

    /// Takes the first waiter out of the list.
    fn pop(&self) -> Option<&Waiter> {
        // SAFETY: rule 1: as in `push`.
        let waiter = unsafe { self.first.get().as_ref() }?;
        self.unlink(waiter);
        Some(waiter)
    }

    /// Takes the first waiter out and lets it go on, with an error if there is one.
    fn release(&self, error: Option<BrokenResourceError>) -> bool {
        let Some(waiter) = self.pop() else {
            return false;
        };
        match error {
            None => waiter.state.set(State::Unparked),
            Some(error) => {
                waiter.state.set(State::Broken);
                waiter.error.set(Some(Box::new(error)));
            }
        }
        if let Some(target) = waiter.target.take() {
            // Foreign code may run here: nothing of the list is held.
            target.wake();
        }
        true
    }

    fn broken(&self) -> Option<BrokenResourceError> {
        let by = self.broken_by.borrow();
        let first = by.first()?;
        Some(BrokenResourceError::with_text(format!("it was broken by task `{first}`")))
    }
}

impl Drop for Lot {
    /// Whoever was moved here from another lot would wait forever.
    fn drop(&mut self) {
        let gone = || BrokenResourceError::with_text("the lot it was waiting in is gone");
        while self.release(Some(gone())) {}
    }
}

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
pub struct ParkingLot(Rc<Lot>);

impl ParkingLot {
    /// An empty lot.
    pub fn new() -> ParkingLot {
        ParkingLot(Rc::new(Lot::new()))
    }

    /// Another name for the same lot.
    pub(crate) fn share(&self) -> ParkingLot {
        ParkingLot(Rc::clone(&self.0))
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
    /// [`BrokenResourceError`] if the lot is or gets broken.
    pub fn park(&self) -> Park<'_> {
        self.park_with(0)
    }

    /// [`park`](ParkingLot::park) with a note: a number that says what this one waits for, to
    /// whoever is about to unpark it ([`first`](ParkingLot::first)). That of `park` is 0.
    pub fn park_with(&self, note: u64) -> Park<'_> {
        Park {
            lot: self,
            firm_once_moved: false,
            waiter: Waiter {
                state: Cell::new(State::Idle),
                lot: Cell::new(ptr::null()),
                next: Cell::new(ptr::null()),
                prev: Cell::new(ptr::null()),
                target: Cell::new(None),
                note,
                error: Cell::new(None),
            },
            _pinned: PhantomPinned,
        }
    }

    /// Who has been parked for the longest: the one that the next unpark is for.
    pub fn first(&self) -> Option<Parked> {
        // SAFETY: rule 1: a waiter unlinks itself before its memory goes.
        let waiter = unsafe { self.0.first.get().as_ref() }?;
        let target = waiter.target.take().expect("one who is parked can be woken");
        let task = Task::new(target.task().clone());
        waiter.target.set(Some(target));
        Some(Parked { task, note: waiter.note })
    }

    /// Lets up to `count` tasks go on, longest waiting first; says how many there were. Sync.
    pub fn unpark(&self, count: usize) -> usize {
        let lot = Rc::clone(&self.0);
        (0..count).take_while(|_| lot.release(None)).count()
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
        while chosen.release(None) {}
        count
    }

    /// Moves up to `count` tasks, longest waiting first, to the end of another lot's queue, where
    /// they stay parked. Sync.
    pub fn repark(&self, to: &ParkingLot, count: usize) -> usize {
        if to.0.broken().is_some() {
            // Nobody can wait there: they learn it as if they had just arrived.
            return (0..count).take_while(|_| self.0.release(to.0.broken())).count();
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
    /// [`BrokenResourceError`] naming `by`. Breaking it again adds a name. Sync.
    pub fn break_lot(&self, by: &str) {
        let lot = Rc::clone(&self.0);
        lot.broken_by.borrow_mut().push(by.to_owned());
        while lot.release(lot.broken()) {}
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
        Rc::ptr_eq(&self.0, &other.0)
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

/// The future of [`ParkingLot::park`].
#[must_use = "futures do nothing unless awaited"]
pub struct Park<'a> {
    lot: &'a ParkingLot,
    firm_once_moved: bool,
    waiter: Waiter,
    _pinned: PhantomPinned,
}

impl Park<'_> {
    /// Whether the task has been unparked, though the future may not have been polled since. For the
    /// `Drop` of a primitive that hands something over with the turn.
    pub fn is_unparked(&self) -> bool {
        self.waiter.state.get() == State::Unparked
    }

    /// Whether the task waits in another lot than the one it has parked in, moved there by
    /// [`ParkingLot::repark`].
    pub fn is_moved(&self) -> bool {
        let lot = self.waiter.lot.get();
        !lot.is_null() && !ptr::eq(lot, &*self.lot.0)
    }

    /// Makes it a cancellation point only as long as the task waits in this lot. Once moved to
    /// another one it waits there until its turn comes: for a primitive whose caller must not miss
    /// what it was moved for.
    pub fn firm_once_moved(mut self) -> Self {
        self.firm_once_moved = true;
        self
    }

    fn leave(&self) {
        // SAFETY: rule 1: a lot that goes lets its waiters go first, which clears this.
        if let Some(lot) = unsafe { self.waiter.lot.get().as_ref() } {
            lot.unlink(&self.waiter);
        }
        self.waiter.state.set(State::Idle);
        self.waiter.target.set(None);
    }

    /// Whether it is in a queue. One that was unwound and is polled again, as a foreign combinator can
    /// do, is not: for a primitive that has to look again before it parks anew.
    pub fn is_parked(&self) -> bool {
        self.waiter.state.get() == State::Parked
    }
}

impl Future for Park<'_> {
    type Output = Result<(), BrokenResourceError>;

    fn poll(self: Pin<&mut Self>, cx: &mut PollContext<'_>) -> Poll<Self::Output> {
        let this = self.as_ref().get_ref();
        match this.waiter.state.get() {
            State::Idle => {
                context::task(|task| task.count_cancel_point());
                if context::cancelled() {
                    return context::unwind();
                }
                if let Some(error) = this.lot.0.broken() {
                    if points::schedule(cx) {
                        return Poll::Ready(Err(error));
                    }
                    this.waiter.error.set(Some(Box::new(error)));
                    this.waiter.state.set(State::Broken);
                    return context::wait();
                }
                context::task(|task| {
                    task.count_schedule_point();
                    task.set_waits_for("a parking lot");
                });
                this.waiter.target.set(Some(WakeTarget::current(cx)));
                this.waiter.state.set(State::Parked);
                this.lot.0.push(&this.waiter);
                context::wait()
            }
            State::Parked if context::cancelled() && !(this.firm_once_moved && this.is_moved()) => {
                this.leave();
                context::unwind()
            }
            State::Parked => {
                let target = this.waiter.target.take();
                let is_current = target.as_ref().is_some_and(|target| target.is_current(cx));
                this.waiter.target.set(target);
                if !is_current {
                    let target = WakeTarget::current(cx);
                    // A foreign waker may run arbitrary code when it is cloned.
                    if this.waiter.state.get() != State::Parked {
                        return self.poll(cx);
                    }
                    this.waiter.target.set(Some(target));
                }
                context::wait()
            }
            State::Unparked => {
                this.waiter.state.set(State::Idle);
                Poll::Ready(Ok(()))
            }
            State::Broken => {
                this.waiter.state.set(State::Idle);
                let error = this.waiter.error.take().expect("set together with the state");
                Poll::Ready(Err(*error))
            }
        }
    }
}

impl Drop for Park<'_> {
    fn drop(&mut self) {
        self.leave();
    }
}

impl fmt::Debug for Park<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Park").field("unparked", &self.is_unparked()).finish_non_exhaustive()
    }
}

/// Breaks `lot` when `task` ends, naming it. Registering twice needs removing twice.
///
/// Its counterpart in Trio is `trio.lowlevel.add_parking_lot_breaker`.
///
/// # Panics
///
/// If the task has ended.
pub fn add_parking_lot_breaker(task: &Task, lot: &ParkingLot) {
    let task = task.header();
    assert!(
        !task.has(flag::DONE),
        "task `{}` has ended: it cannot break a parking lot any more",
        task.name()
    );
    task.with_extra(|extra| extra.breaks.push(lot.share()));
}

/// Takes back one [`add_parking_lot_breaker`].
///
/// # Panics
///
/// If the task is not registered as a breaker of this lot.
pub fn remove_parking_lot_breaker(task: &Task, lot: &ParkingLot) {
    let found = task.header().with_extra(|extra| {
        let at = extra.breaks.iter().rposition(|own| own.is_same(lot))?;
        Some(extra.breaks.swap_remove(at))
    });
    assert!(found.is_some(), "the task is not registered as a breaker of this parking lot");
}
