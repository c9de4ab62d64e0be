//! A lock whose order others rely on.

use std::fmt;

use super::{Lock, LockGuard, LockStatistics};
use crate::WouldBlock;

/// A [`Lock`] for code that *relies* on its order: whoever asks first has it first.
///
/// The two do the same. But the type says to its readers that the order of arrival is part of what
/// makes the program right, as where messages are written to one stream in the order in which their
/// tasks came; and here it stays so, whatever a `Lock` may gain from being less strict one day.
///
/// Its counterpart in Trio is `trio.StrictFIFOLock`.
///
/// ```
/// use trio::{nursery, sync::StrictFifoLock};
///
/// #[trio::task]
/// async fn append(log: &StrictFifoLock<Vec<u32>>, entry: u32) {
///     log.acquire().await.push(entry);
/// }
///
/// # #[trio::task] async fn example() -> trio::Result<()> {
/// let log = StrictFifoLock::new(Vec::new());
/// nursery!(|n| {
///     n.spawn(append, &log, 1);
///     n.spawn(append, &log, 2);
/// })?;
/// assert_eq!(log.into_inner().len(), 2);
/// # Ok(()) }
/// # trio::run(example).unwrap();
/// ```
#[derive(Default)]
pub struct StrictFifoLock<T: ?Sized = ()>(Lock<T>);

impl<T> StrictFifoLock<T> {
    /// A lock that is free, around `value`.
    pub fn new(value: T) -> StrictFifoLock<T> {
        StrictFifoLock(Lock::new(value))
    }

    /// The value, of a lock that is no longer shared.
    pub fn into_inner(self) -> T {
        self.0.into_inner()
    }
}

impl<T: ?Sized> StrictFifoLock<T> {
    /// Acquires the lock, after all who have asked for it before.
    ///
    /// # Cancellation
    ///
    /// A checkpoint; one that is cancelled or dropped has not acquired the lock. Its counterpart in
    /// Trio is `StrictFIFOLock.acquire`.
    ///
    /// # Panics
    ///
    /// As [`Lock::acquire`].
    pub async fn acquire(&self) -> LockGuard<'_, T> {
        self.0.acquire().await
    }

    /// Acquires the lock, if it is free.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`] if another task has it.
    ///
    /// # Panics
    ///
    /// As [`Lock::acquire`].
    #[track_caller]
    pub fn try_acquire(&self) -> Result<LockGuard<'_, T>, WouldBlock> {
        self.0.try_acquire()
    }

    /// Whether a task has the lock.
    pub fn is_locked(&self) -> bool {
        self.0.is_locked()
    }

    /// The value, of a lock that nobody else can reach.
    pub fn get_mut(&mut self) -> &mut T {
        self.0.get_mut()
    }

    /// A snapshot of the lock.
    pub fn statistics(&self) -> LockStatistics {
        self.0.statistics()
    }
}

impl<T: ?Sized> fmt::Debug for StrictFifoLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StrictFifoLock").field(&&self.0).finish()
    }
}
