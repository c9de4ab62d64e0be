//! References that travel to other threads and can be used at home only.

use std::fmt;
use std::thread::{self, ThreadId};

/// A reference that can be sent to other threads, and used on the one that it comes from.
///
/// A job in a worker thread takes it along, and what it has called
/// [in the run's thread](crate::thread::run_in_trio_thread) uses it there: so that can reach variables of
/// the task that are for one thread alone, such as a `Cell` or a channel.
///
/// ```
/// use std::cell::Cell;
/// use trio::thread::{HomeRef, run_in_trio_thread, run_in_worker_thread};
///
/// # #[trio::task] async fn example() {
/// let done = Cell::new(0);
/// let there = HomeRef::new(&done);
/// run_in_worker_thread(|| {
///     for percent in [20, 60, 100] {
///         run_in_trio_thread(|| there.get().set(percent)).unwrap();
///     }
/// })
/// .await;
/// assert_eq!(done.get(), 100);
/// # }
/// # trio::run(example);
/// ```
pub struct HomeRef<'a, T: ?Sized> {
    value: &'a T,
    home: ThreadId,
}

// SAFETY: this rests on no rule: on another thread than its own the reference is copied and dropped, but
// never followed.
unsafe impl<T: ?Sized> Send for HomeRef<'_, T> {}
// SAFETY: likewise.
unsafe impl<T: ?Sized> Sync for HomeRef<'_, T> {}

impl<'a, T: ?Sized> HomeRef<'a, T> {
    /// A reference at home on this thread.
    pub fn new(value: &'a T) -> HomeRef<'a, T> {
        HomeRef { value, home: thread::current().id() }
    }

    /// The reference.
    ///
    /// # Panics
    ///
    /// On another thread than the one it was made on.
    #[track_caller]
    pub fn get(&self) -> &'a T {
        assert!(
            self.is_home(),
            "a `HomeRef` is used on the thread that it comes from: inside `run_in_trio_thread`, or \
             `await_in_trio_thread`"
        );
        self.value
    }

    /// Whether this is the thread that it comes from.
    pub fn is_home(&self) -> bool {
        thread::current().id() == self.home
    }
}

impl<T: ?Sized> Clone for HomeRef<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: ?Sized> Copy for HomeRef<'_, T> {}

impl<T: ?Sized> fmt::Debug for HomeRef<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HomeRef").field("is_home", &self.is_home()).finish_non_exhaustive()
    }
}
