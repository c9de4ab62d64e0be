//! A number that tasks take from and give to.

use std::cell::Cell;
use std::fmt;

use crate::WouldBlock;
use crate::lowlevel::{ParkingLot, cancel_shielded_checkpoint, checkpoint_if_cancelled};

/// A number of permits. Whoever acquires one while there are none waits; they go to those who have
/// waited for the longest.
///
/// To limit how much goes on at once a [`CapacityLimiter`](crate::sync::CapacityLimiter) is better: it
/// knows who has what, and its total can be changed.
///
/// Its counterpart in Trio is `trio.Semaphore`.
///
/// ```
/// use trio::{nursery, sync::Semaphore};
///
/// # #[trio::task] async fn work() { trio::lowlevel::checkpoint().await; }
/// #[trio::task]
/// async fn two_at_a_time(semaphore: &Semaphore) {
///     let _permit = semaphore.acquire().await;
///     work().await;
/// }
///
/// # #[trio::task] async fn example() -> trio::Result<()> {
/// let semaphore = Semaphore::new(2);
/// nursery!(|n| {
///     for _ in 0..5 {
///         n.spawn(two_at_a_time, &semaphore);
///     }
/// })?;
/// assert_eq!(semaphore.value(), 2);
/// # Ok(()) }
/// # trio::run(example).unwrap();
/// ```
pub struct Semaphore {
    value: Cell<usize>,
    /// How many guards there are that give a permit back.
    guarded: Cell<usize>,
    max: Option<usize>,
    lot: ParkingLot,
}

impl Semaphore {
    /// A semaphore with `value` permits. There can be more later, without limit.
    pub fn new(value: usize) -> Semaphore {
        Semaphore {
            value: Cell::new(value),
            guarded: Cell::new(0),
            max: None,
            lot: ParkingLot::new(),
        }
    }

    /// A semaphore with `value` permits that never has more than `max`: that a permit is released
    /// once too often is noticed.
    ///
    /// # Panics
    ///
    /// If `value` is more than `max`.
    #[track_caller]
    pub fn with_max(value: usize, max: usize) -> Semaphore {
        assert!(value <= max, "a semaphore of at most {max} permits cannot have {value}");
        Semaphore { max: Some(max), ..Semaphore::new(value) }
    }

    /// How many permits could be acquired now.
    pub fn value(&self) -> usize {
        self.value.get()
    }

    /// How many permits there can be; `None` for any number.
    pub fn max_value(&self) -> Option<usize> {
        self.max
    }

    /// Acquires a permit; waits for one if there is none.
    ///
    /// # Cancellation
    ///
    /// A checkpoint; one that is cancelled or dropped has acquired nothing. Its counterpart in Trio is
    /// `Semaphore.acquire`.
    ///
    /// # Panics
    ///
    /// Outside a task.
    pub async fn acquire(&self) -> Permit<'_> {
        checkpoint_if_cancelled().await;
        if let Ok(permit) = self.try_acquire() {
            cancel_shielded_checkpoint().await;
            return permit;
        }
        let parked = self.lot.park().passing_on(|| self.give_back());
        parked.await.expect("nobody breaks this lot");
        Permit { semaphore: self }
    }

    /// Acquires a permit, if there is one.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`] if there is none.
    ///
    /// ```
    /// let semaphore = trio::sync::Semaphore::new(1);
    /// let permit = semaphore.try_acquire().expect("there is one");
    /// semaphore.try_acquire().expect_err("there is no other");
    /// # drop(permit);
    /// ```
    #[inline]
    pub fn try_acquire(&self) -> Result<Permit<'_>, WouldBlock> {
        // Those who wait are handed theirs: as long as somebody does, the value is 0.
        match self.value.get() {
            0 => Err(WouldBlock::new()),
            value => {
                self.value.set(value - 1);
                self.guarded.set(self.guarded.get() + 1);
                Ok(Permit { semaphore: self })
            }
        }
    }

    /// Gives a permit back that was [kept](Permit::keep), or adds one. Anybody can do that. Sync.
    ///
    /// Whoever has waited for the longest gets it; only if nobody waits the value goes up.
    ///
    /// # Panics
    ///
    /// If there were more than the maximum then, those counted that a [`Permit`] gives back.
    #[track_caller]
    pub fn release(&self) {
        let there_are = self.value.get() + self.guarded.get();
        assert!(
            there_are < self.max.unwrap_or(usize::MAX),
            "this semaphore is released once too often: there are {there_are} permits, and cannot be \
             more. One that a guard gives back must not be released besides: `keep` it first",
        );
        self.put();
    }

    /// A snapshot of the semaphore.
    pub fn statistics(&self) -> SemaphoreStatistics {
        SemaphoreStatistics {
            value: self.value(),
            max_value: self.max,
            tasks_waiting: self.lot.len(),
        }
    }

    /// A guard's permit is given back.
    #[inline]
    fn give_back(&self) {
        self.guarded.set(self.guarded.get() - 1);
        self.put();
    }

    #[inline]
    fn put(&self) {
        if self.lot.is_empty() {
            self.value.set(self.value.get() + 1);
        } else {
            self.guarded.set(self.guarded.get() + 1);
            // Last: a foreign waker may call in here.
            self.lot.unpark(1);
        }
    }
}

impl fmt::Debug for Semaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Semaphore")
            .field("value", &self.value())
            .field("max_value", &self.max)
            .field("tasks_waiting", &self.lot.len())
            .finish()
    }
}

/// A permit of a [`Semaphore`]: given back when it is dropped.
#[must_use = "a permit that is dropped is given back at once"]
pub struct Permit<'a> {
    semaphore: &'a Semaphore,
}

impl Permit<'_> {
    /// Takes the permit out of this guard, until [`release`](Semaphore::release) gives it back: for
    /// what begins in one task and is over in another.
    ///
    /// ```
    /// # let semaphore = trio::sync::Semaphore::new(1);
    /// semaphore.try_acquire().expect("there is one").keep();
    /// assert_eq!(semaphore.value(), 0);
    /// semaphore.release(); // elsewhere
    /// assert_eq!(semaphore.value(), 1);
    /// ```
    pub fn keep(self) {
        self.semaphore.guarded.set(self.semaphore.guarded.get() - 1);
        std::mem::forget(self);
    }
}

impl Drop for Permit<'_> {
    #[inline]
    fn drop(&mut self) {
        self.semaphore.give_back();
    }
}

impl fmt::Debug for Permit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Permit").field(self.semaphore).finish()
    }
}

/// What [`Semaphore::statistics`] tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct SemaphoreStatistics {
    /// How many permits could be acquired.
    pub value: usize,
    /// How many there can be; `None` for any number.
    pub max_value: Option<usize>,
    /// How many tasks wait for one.
    pub tasks_waiting: usize,
}
